//! The network: an executor of a [`Plan`](patchcore_config::backbone::plan::Plan) with packed weights and own kernels.
//!
//! [`CpuNetwork::new`] packs the weights once; [`CpuNetwork::forward`] takes images through the plan with everything
//! that follows a convolution fused into its last write. What runs a step:
//!
//! | step | kernel |
//! |---|---|
//! | 3x3, stride 1, padding 1 | `winograd`: F(4x4, 3x3), products by the tile kernel |
//! | other dense convolutions | `dense`: implicit matrix product by the tile kernel |
//! | depthwise | `depthwise`: vertical vector code |
//! | in groups | `grouped`, of 3x3 with stride 1 and groups that fit into blocks of sixteen `winograd`, group by group |
//! | max-pool | `max_pool` |
//! | average pool | `average_pool` |
//! | concatenation | none where what is joined was written where it belongs (`slots`), else `concat` |
//!
//! All of them work on blocks of sixteen channels (`map`) and are written once over sixteen-float vectors (`simd`),
//! compiled for AVX-512, AVX2 with FMA, and the target's baseline; the choice is made at run time. The README in
//! this folder has the predicted floors, what was tried, and the measured ratios.
//!
//! [`reduced`] has networks of 8 and 16 bits: other kernels under the same executor.
//!
//! Every output value is one chain of operations whose order depends on the layer alone (in the first convolution of a grey
//! photo also on the tile that it lies in, that is, on the photo's width and the instruction set): cutting the work into
//! tasks and groups of images never reorders a sum. So results do not depend on the number of threads, on the
//! size of the batch or on the position in it. Different instruction sets may round differently.

mod average_pool;
mod bands;
mod concat;
mod cpu_network;
mod cut;
mod dense;
mod depthwise;
mod error;
mod feature_map;
pub mod grey_stem;
mod grouped;
mod map;
mod max_pool;
pub mod oracle;
mod prologue;
pub mod reduced;
mod slots;
mod step;
mod tensors;
#[cfg(test)]
mod tests;
mod tile;
mod widen;
mod winograd;
mod workspace;

pub use cpu_network::CpuNetwork;
pub use error::CpuNetworkError;
pub use feature_map::{FeatureMap, MapLayout};
pub use workspace::Workspace;
