//! Exact nearest neighbours of patch embeddings in the memory bank (paper eq. 6).
//!
//! `||q - m||² = ||q||² - 2 q·m + ||m||²`: products choose the row, and the distance that is reported is computed again from the
//! difference of the two vectors, so that scores near zero do not drown in cancellation. By tensor operations (`tensor_bank.rs`)
//! f32 decides; the kernels of `cube/` find *the* nearest row, with the host's help where f32 cannot tell (`exact.rs`).
//!
//! Time: `n x m x dim` multiplications. Memory: the bank on the device, and `n x 8192` products, or `3 n m / 64` numbers.

#[cfg(feature = "cube")]
pub(crate) mod cube;
#[cfg(feature = "burn")]
mod device_bank;
#[cfg(feature = "burn")]
mod exact;
#[cfg(test)]
#[cfg(feature = "cube")]
mod exact_tests;
mod index;
mod neighbor;
pub(crate) mod oracle;
#[cfg(feature = "burn")]
mod tensor_bank;

#[cfg(feature = "burn")]
pub(crate) use device_bank::{DeviceBank, MOST_RANKS, NearestOnDevice, NeighborhoodOnDevice, neighbors};
pub use index::NearestNeighborIndex;
pub use neighbor::Neighbor;
pub(crate) use neighbor::squared_distance;
