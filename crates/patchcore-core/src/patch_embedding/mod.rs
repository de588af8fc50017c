//! Locally aware patch features (paper section 3.1): feature maps in, one row per grid cell out.
//!
//! Every rule is linear: a 3x3 neighbourhood per channel, a fixed weighting, and a bilinear resize of the deeper
//! levels to the first level's grid. So the authors' "unfold to 9 planes per channel, resize each plane, pool
//! twice" collapses to a short list of taps per output value ([`TapTable`](patchcore_cpu::embedding::TapTable)) applied at each level's own
//! resolution, before the resize. The literal version stands in `oracle.rs`.
//!
//! Cost: about three multiplications per output value and cell for the authors' 1024 values on ResNet-18, nine
//! for the 3x3 mean. Memory: one level's 3x3-shifted copy on devices other than the CPU.

#[cfg(feature = "burn")]
mod embed;
#[cfg(test)]
#[cfg(feature = "flex")]
mod oracle;

#[cfg(feature = "burn")]
pub use embed::PatchEmbedding;
