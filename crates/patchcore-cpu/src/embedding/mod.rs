//! Patch features from feature maps: which channels and neighbours an embedding value averages, and the averaging.
//!
//! Every rule is linear: a square patch of cells per channel, a fixed weighting, and a bilinear resize of the deeper levels to
//! the first level's grid. So a rule collapses to a short list of taps per output value ([`TapTable`]), applied at each
//! level's own resolution before the resize. `patchcore-core` turns the same tables into tensor operations, and has the oracle.

mod cpu_embedding;
mod tap_table;

pub use cpu_embedding::{CpuEmbedding, EmbeddingScratch};
pub use tap_table::{Tap, TapTable};
