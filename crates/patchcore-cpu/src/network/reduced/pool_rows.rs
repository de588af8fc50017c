//! The inner kernel of the max-pool: rows of one plane.

#![allow(clippy::indexing_slicing, reason = "constant-length arrays, indices below their length")]

use super::super::max_pool::Pool;
use super::storage::Element;
use crate::simd::LANES;

/// The compiler makes vectors of it.
///
/// # Safety
/// All pointers must be valid for the shapes.
#[inline(always)]
pub(super) unsafe fn pool_rows<E: Element>(pool: &Pool<E>) {
    for y in pool.output_rows.0..pool.output_rows.1 {
        // Clamping a window to the plane repeats pixels of the window, which changes no maximum.
        let line = |row: usize| {
            let row = row.saturating_sub(1).min(pool.height - 1);
            // SAFETY: `row < height`.
            unsafe { pool.input.add(row * pool.input_row) }
        };
        let lines = [line(2 * y), line(2 * y + 1), line(2 * y + 2)];
        for x in 0..pool.output_width {
            // SAFETY: columns are below `width`, `x` below the output's width.
            unsafe {
                let pixel = |line: *const E, column: usize| {
                    let column = column.saturating_sub(1).min(pool.width - 1);
                    line.add(column * LANES).cast::<[E; LANES]>().read()
                };
                let mut largest = pixel(lines[0], 2 * x);
                for line in lines {
                    for column in 2 * x..2 * x + 3 {
                        let other = pixel(line, column);
                        for (largest, other) in largest.iter_mut().zip(other) {
                            *largest = largest.larger(other);
                        }
                    }
                }
                pool.output.add(y * pool.output_row + x * LANES).cast::<[E; LANES]>().write(largest);
            }
        }
    }
}
