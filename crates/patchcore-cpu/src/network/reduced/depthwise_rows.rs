//! The inner kernel of a depthwise convolution: rows of one plane.

#![allow(clippy::indexing_slicing, reason = "constant-length arrays, indices below their length")]

use super::finish::{ANY, Constants, Ends, Loaded, PLAIN};
use super::storage::{Element, Storage};
use crate::simd::{LANES, Lanes};

/// Most groups of a kernel row whose weights stay in registers.
const GROUPS: usize = 3;
/// Pixels that are written at once.
const FOUR: usize = 4;
/// Most rows of a kernel whose weights stay in registers.
const ROWS: usize = 5;

/// Elements that may be read beyond the last window. From the first of two pixels whole groups are read that hold both windows; most are
/// beyond where the row ends with the first, and a kernel is as long as a whole number of groups: then one group is.
pub(super) const fn slack<E: Element>() -> usize {
    E::GROUP * LANES
}

/// Rows of one plane.
#[derive(Clone, Copy)]
pub(super) struct Rows<E: Element> {
    pub(super) input: *const E,
    pub(super) input_row: usize,
    pub(super) weights: *const E::Weight,
    pub(super) constants: *const Constants,
    /// Of the first pixel.
    pub(super) ends: Ends<E>,
    pub(super) residual_row: usize,
    pub(super) output_row: usize,
    pub(super) tap_row: usize,
    pub(super) tap_pixel: usize,
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

/// # Safety
/// All pointers of the rows must be valid for their shape, the input for [`slack`] elements beyond its last window, and the instruction
/// set of the storage enabled.
#[inline(always)]
pub(super) unsafe fn convolve_rows<S: Storage>(rows: &Rows<S::Element>) {
    // SAFETY: the caller's contract.
    unsafe {
        let is_plain = rows.ends.kind(rows.constants) == PLAIN;
        match (rows.kernel, rows.stride) {
            (3, 1) if is_plain => in_registers::<S, 3, 1, 2, PLAIN>(rows),
            (3, 2) if is_plain => in_registers::<S, 3, 2, 1, PLAIN>(rows),
            (5, 1) if is_plain => in_registers::<S, 5, 1, 2, PLAIN>(rows),
            (5, 2) if is_plain => in_registers::<S, 5, 2, 1, PLAIN>(rows),
            (_, 1) => from_memory::<S, 1, 2, ANY>(rows),
            _ => from_memory::<S, 2, 1, ANY>(rows),
        }
    }
}

/// With the weights of the whole kernel in registers; `AT_ONCE` pixels from the same neighbours.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "constant bounds: unrolled into registers")]
unsafe fn in_registers<S: Storage, const KERNEL: usize, const STRIDE: usize, const AT_ONCE: usize, const KIND: u8>(
    rows: &Rows<S::Element>,
) {
    let group = <S::Element as Element>::GROUP;
    let groups = (KERNEL + AT_ONCE - 1).div_ceil(group);
    // SAFETY: the caller's contract; of a last pixel that is alone its own sums alone are written.
    unsafe {
        let start = S::load_sums((&raw const (*rows.constants).start).cast());
        let constants = Loaded::<S>::new(rows.constants);
        let mut weights = [[[S::load_weights(rows.weights); GROUPS]; ROWS]; AT_ONCE];
        for pixel in 0..AT_ONCE {
            for tap_y in 0..KERNEL {
                for at in 0..groups {
                    let row = (pixel * KERNEL + tap_y) * groups + at;
                    weights[pixel][tap_y][at] = S::load_weights(rows.weights.add(row * LANES * group));
                }
            }
        }
        for y in 0..rows.rows {
            let mut x = 0;
            while S::Element::SATURATES && x + FOUR <= rows.width {
                let mut four = [S::Floats::splat(0.0); FOUR];
                for first in (0..FOUR).step_by(AT_ONCE) {
                    let sums = sums_at::<S, KERNEL, STRIDE, AT_ONCE>(rows, start, &weights, y, x + first);
                    for pixel in 0..AT_ONCE {
                        let ends = rows.ends_at::<KIND>(y, x + first + pixel);
                        four[first + pixel] = constants.steps::<KIND>(sums[pixel], &ends);
                    }
                }
                S::store_four_held(rows.ends_at::<KIND>(y, x).output, four);
                x += FOUR;
            }
            while x < rows.width {
                let sums = sums_at::<S, KERNEL, STRIDE, AT_ONCE>(rows, start, &weights, y, x);
                constants.finish::<KIND>(sums[0], &rows.ends_at::<KIND>(y, x));
                // Not in a loop as long as the pixels that are left: then the sums would lie in memory.
                if AT_ONCE == 2 && x + 1 < rows.width {
                    constants.finish::<KIND>(sums[AT_ONCE - 1], &rows.ends_at::<KIND>(y, x + 1));
                }
                x += AT_ONCE;
            }
        }
    }
}

/// The weights of a kernel in registers.
type Weights<S, const AT_ONCE: usize> = [[[<S as Storage>::Groups; GROUPS]; ROWS]; AT_ONCE];

/// A function and no closure: what is not inlined has no instructions of the set.
///
/// # Safety
/// As [`convolve_rows`].
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "constant bounds: unrolled into registers")]
unsafe fn sums_at<S: Storage, const KERNEL: usize, const STRIDE: usize, const AT_ONCE: usize>(
    rows: &Rows<S::Element>,
    start: S::Sums,
    weights: &Weights<S, AT_ONCE>,
    y: usize,
    x: usize,
) -> [S::Sums; AT_ONCE] {
    let group = <S::Element as Element>::GROUP;
    let groups = (KERNEL + AT_ONCE - 1).div_ceil(group);
    let mut sums = [start; AT_ONCE];
    for tap_y in 0..KERNEL {
        for at in 0..groups {
            // SAFETY: the caller's contract.
            unsafe {
                let line = rows.input.add((y * STRIDE + tap_y) * rows.input_row + x * STRIDE * LANES);
                let values = S::neighbours(line.add(at * group * LANES));
                for pixel in 0..AT_ONCE {
                    sums[pixel] = S::add_products(sums[pixel], values, weights[pixel][tap_y][at]);
                }
            }
        }
    }
    sums
}

/// Any kernel.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "constant bounds: unrolled into registers")]
unsafe fn from_memory<S: Storage, const STRIDE: usize, const AT_ONCE: usize, const KIND: u8>(rows: &Rows<S::Element>) {
    let group = <S::Element as Element>::GROUP;
    let kernel = rows.kernel;
    let groups = (kernel + AT_ONCE - 1).div_ceil(group);
    // SAFETY: the caller's contract; of a last pixel that is alone its own sums alone are written.
    unsafe {
        let start = S::load_sums((&raw const (*rows.constants).start).cast());
        let constants = Loaded::<S>::new(rows.constants);
        for y in 0..rows.rows {
            let mut x = 0;
            while x < rows.width {
                let mut sums = [start; AT_ONCE];
                for tap_y in 0..kernel {
                    let line = rows.input.add((y * STRIDE + tap_y) * rows.input_row + x * STRIDE * LANES);
                    for at in 0..groups {
                        let values = S::neighbours(line.add(at * group * LANES));
                        for pixel in 0..AT_ONCE {
                            let row = (pixel * kernel + tap_y) * groups + at;
                            let weights = S::load_weights(rows.weights.add(row * LANES * group));
                            sums[pixel] = S::add_products(sums[pixel], values, weights);
                        }
                    }
                }
                constants.finish::<KIND>(sums[0], &rows.ends_at::<KIND>(y, x));
                // Not in a loop as long as the pixels that are left: then the sums would lie in memory.
                if AT_ONCE == 2 && x + 1 < rows.width {
                    constants.finish::<KIND>(sums[AT_ONCE - 1], &rows.ends_at::<KIND>(y, x + 1));
                }
                x += AT_ONCE;
            }
        }
    }
}

impl<E: Element> Rows<E> {
    #[inline(always)]
    fn ends_at<const KIND: u8>(&self, y: usize, x: usize) -> Ends<E> {
        self.ends.moved::<KIND>(
            y * self.residual_row + x * LANES,
            y * self.output_row + x * LANES,
            y * self.tap_row + x * self.tap_pixel,
            self.ends.tap_channels,
        )
    }
}
