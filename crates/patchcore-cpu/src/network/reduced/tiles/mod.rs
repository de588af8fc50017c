//! Dense convolutions on a matrix unit (AMX), of bytes or of `bf16`.
//!
//! A tile of pixels has 64 bytes of channels a row, four blocks of bytes or two of `bf16`, so a task's part of the input is copied
//! into rows of that length first (`packed`); then a tile of pixels is one load from there, for every tap of the kernel and every
//! stride. Weights lie as the unit reads them (`filters`). A strip of up to 32 pixels and 32 outputs stays in four tiles over the whole sum
//! (`convolution`), and then becomes a part of the output map (`dense`).
//!
//! All of it is written over [`Tiles`](crate::simd::amx::Tiles), so that a model of the unit runs the same code in tests.

mod convolution;
mod dense;
mod filters;
mod packed;
#[cfg(test)]
mod tests;

pub(super) use dense::TileDense;
