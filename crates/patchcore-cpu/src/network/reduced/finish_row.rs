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
    let at_once = if KIND != ANY && S::Element::SATURATES { row.pixels / 4 * 4 } else { 0 };
    // SAFETY: the caller's contract.
    unsafe {
        let constants = Loaded::<S>::new(row.constants);
        let mut pixel = 0;
        while pixel < at_once {
            let four = [
                constants.steps::<KIND>(row.sums_at::<S>(pixel), &row.ends_at::<KIND>(pixel)),
                constants.steps::<KIND>(row.sums_at::<S>(pixel + 1), &row.ends_at::<KIND>(pixel + 1)),
                constants.steps::<KIND>(row.sums_at::<S>(pixel + 2), &row.ends_at::<KIND>(pixel + 2)),
                constants.steps::<KIND>(row.sums_at::<S>(pixel + 3), &row.ends_at::<KIND>(pixel + 3)),
            ];
            S::store_four_held(row.ends_at::<KIND>(pixel).output, four);
            pixel += 4;
        }
        while pixel < row.pixels {
            constants.finish::<KIND>(row.sums_at::<S>(pixel), &row.ends_at::<KIND>(pixel));
            pixel += 1;
        }
    }
}

impl<E: Element> SumsOfRow<E> {
    /// # Safety
    /// The pixel must be one of the row, and the instruction set of the storage enabled.
    #[inline(always)]
    unsafe fn sums_at<S: Storage<Element = E>>(&self, pixel: usize) -> S::Sums {
        // SAFETY: the caller's contract.
        unsafe { S::load_sums(self.sums.add(pixel * LANES)) }
    }

    #[inline(always)]
    fn ends_at<const KIND: u8>(&self, pixel: usize) -> Ends<E> {
        let place = pixel * LANES;
        self.ends.moved::<KIND>(place, place, pixel * self.tap_pixel, self.ends.tap_channels)
    }
}
