//! Exact nearest neighbours of patch embeddings in the memory bank (paper eq. 6).
//!
//! `||q - m||² = ||q||² - 2 q·m + ||m||²`: one matrix product over chunks of the bank, a running minimum, never the
//! whole `n x m` matrix. On a GPU both are one kernel. The product chooses the row; the distance that is reported is computed again from the
//! difference of the two vectors, so that scores near zero do not drown in cancellation.
//!
//! Time: `n x m x dim` multiplications. Memory: the bank on the device, and `n x 8192` products.

#[cfg(feature = "cube")]
mod cube;
#[cfg(feature = "burn")]
mod device_bank;
mod index;
mod neighbor;
pub(crate) mod oracle;

#[cfg(feature = "burn")]
pub(crate) use device_bank::DeviceBank;
pub use index::NearestNeighborIndex;
pub use neighbor::Neighbor;
pub(crate) use neighbor::squared_distance;
