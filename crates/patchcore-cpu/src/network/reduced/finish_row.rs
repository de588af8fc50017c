//! What follows a convolution whose sums lie in memory, pixel after pixel.

use super::finish::{ANY, Constants, Ends, Loaded, PLAIN, RESIDUAL};
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
        match row.ends.kind(row.constants) {
            PLAIN => finish_kind::<S, PLAIN>(row),
            RESIDUAL => finish_kind::<S, RESIDUAL>(row),
            _ => finish_kind::<S, ANY>(row),
        }
    }
}

/// # Safety
/// As [`finish_row`], for ends of that kind.
#[inline(always)]
unsafe fn finish_kind<S: Storage, const KIND: u8>(row: &SumsOfRow<S::Element>) {
    // SAFETY: the caller's contract.
    unsafe {
        let constants = Loaded::<S>::new(row.constants);
        for pixel in 0..row.pixels {
            let place = pixel * LANES;
            let ends = row.ends.moved::<KIND>(place, place, pixel * row.tap_pixel, row.ends.tap_channels);
            constants.finish::<KIND>(S::load_sums(row.sums.add(place)), &ends);
        }
    }
}
