//! The search by CubeCL kernels: *the* nearest row, whatever the precision of the products.
//!
//! `argmin ||q - m||² = argmin ½||m||² - q·m`. What costs time is `n x m x dim` multiply-adds; everything else is made small:
//!
//! 1. `centre.rs`: queries less the bank's mean, and their lengths.
//! 2. `tile.rs`: a cube takes 128 queries and 128 rows, each of its units a tile of 8 x 8 products in registers, with factors of any
//!    precision. For each query and each block of 64 rows it keeps the least value, its row, and the second least:
//!    `3 n m / 64` numbers; the `n x m` values exist nowhere. (Factors are f32 on every device so far: fewer bits have been tried on a
//!    simulated one, and there is no kernel for matrix units.)
//! 3. `survivors.rs`: by the bound that `bound.rs` proves, the blocks that may hold the nearest row; of nearly all of them it is the one
//!    row that can be it.
//! 4. `decide.rs`: the f32 distance of what survived, from the difference of the two vectors; the nearest row, and whether another
//!    one lies within the rounding of f32 of it.
//!
//! Of queries that f32 cannot decide, the host asks the CPU engine's formula (`exact.rs`), which reads two rows of the bank in nearly
//! all cases. So the row is the same on every device. Copies of rows take no part: the lowest of equal rows is the answer.
//!
//! Arithmetic: `n x m x dim` multiply-adds. Memory traffic: the bank is read `n / 128` times, the queries `m / 128` times. The kernels
//! read the bank in its own type (f32 or f16) and add in f32.

mod bound;
mod centre;
mod decide;
mod distances;
mod kernel_bank;
mod operations;
mod ranks;
mod survivors;
mod tile;

#[cfg(test)]
pub(super) use bound::Bound;
pub(super) use kernel_bank::KernelBank;
#[cfg(feature = "fusion")]
pub(crate) use tile::BLOCK;
pub(crate) use tile::{Form, TileShape, Tiles};
