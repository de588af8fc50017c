//! Locally aware patch features (paper section 3.1): feature maps in, one row per grid cell out.
//!
//! Every rule is linear: a square patch of cells per channel, a fixed weighting, and a bilinear resize of the deeper
//! levels to the first level's grid. So the authors' "unfold to a plane per channel and neighbour, resize each plane, pool
//! twice" collapses to a short list of taps per output value ([`TapTable`](patchcore_cpu::embedding::TapTable)) applied at each level's own
//! resolution, before the resize. The literal version stands in `oracle.rs`.
//!
//! Cost, for patches of p x p cells (published: 3 x 3): about three multiplications per output value and cell for the authors'
//! 1024 values on ResNet-18, p^2 for the mean. Memory: one level's p^2 shifted copies on devices other than the CPU.

#[cfg(feature = "cube")]
pub(crate) mod cube;
#[cfg(feature = "cube")]
mod cube_kernel;
#[cfg(feature = "burn")]
mod embed;
pub(crate) mod oracle;

#[cfg(feature = "burn")]
pub use embed::PatchEmbedding;
