//! What follows a convolution whose sums lie in memory, pixel after pixel.

use super::finish::{ANY, Constants, Ends, Loaded};
use super::storage::{Element, Storage};
use crate::simd::LANES;

/// Sums of pixels of a row, sixteen outputs each.
#[derive(Clone, Copy)]
pub(super) struct SumsOfRow<E: Element> {
    /// `[pixels][16]` in the storage's own 32 bits.
    pub(super) sums: *const i32,
    pub(super) pixels: usize,
    pub(super) constants: *const Constants,
    /// Of the first pixel.
    pub(super) ends: Ends<E>,
    /// Values between pixels of the tap.
    pub(super) tap_pixel: usize,
}

/// # Safety
/// All pointers must be valid for so many pixels, and the instruction set of the storage enabled.
#[inline(always)]
pub(super) unsafe fn finish_row<S: Storage>(row: &SumsOfRow<S::Element>) {
    // SAFETY: the caller's contract.
    unsafe {
        let constants = Loaded::<S>::new(row.constants);
        for pixel in 0..row.pixels {
            let place = pixel * LANES;
            let ends = row.ends.moved::<ANY>(place, place, pixel * row.tap_pixel, row.ends.tap_channels);
            constants.finish::<ANY>(S::load_sums(row.sums.add(place)), &ends);
        }
    }
}
