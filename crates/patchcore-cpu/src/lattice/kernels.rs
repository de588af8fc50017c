//! The kernels of each level, behind one safe function.

use super::{PANEL, TILE, portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::simd::IntegerLevel;

/// Calls the kernel of `$level` with arguments whose lengths have been checked.
macro_rules! by_level {
    ($level:ident, $name:ident($($argument:ident),*)) => {
        match $level {
            // SAFETY: the token proves that the processor has the features; lengths were checked by the caller.
            #[cfg(target_arch = "x86_64")]
            IntegerLevel::Avx512(_) => unsafe { avx512::$name($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            IntegerLevel::Avx2(_) => unsafe { avx2::$name($($argument),*) },
            _ => portable::$name($($argument),*),
        }
    };
}

/// All levels return the same bits.
impl IntegerLevel {
    /// `norms[row] - 2 panel[row] . queries[query]` for the rows of one panel and a multiple of [`TILE`] queries of
    /// `dims` coordinates each, to `out[query * stride + row]`.
    pub(crate) fn distances(
        self,
        panel: &[i16],
        norms: &[i32],
        queries: &[i16],
        dims: usize,
        out: &mut [i32],
        stride: usize,
    ) {
        let tiles = queries.len() / (TILE * dims);
        assert!(panel.len() == PANEL * dims && norms.len() == PANEL && queries.len() == tiles * TILE * dims);
        assert!(tiles == 0 || out.len() >= (tiles * TILE - 1) * stride + PANEL);
        by_level!(self, distances(panel, norms, queries, dims, out, stride))
    }

    /// [`Self::distances`] of one query; `out` has [`PANEL`] values.
    pub(crate) fn distances_to_one(self, panel: &[i16], norms: &[i32], query: &[i16], out: &mut [i32]) {
        assert!(panel.len() == PANEL * query.len() && norms.len() == PANEL && out.len() == PANEL);
        by_level!(self, distances_to_one(panel, norms, query, out))
    }

    /// Bit `row` of `masks[query]` says whether `floors[row] + norms[query] <= 2 panel[row] . queries[query]`.
    pub(crate) fn closer(
        self,
        panel: &[i16],
        floors: &[i32],
        queries: &[i16],
        norms: &[i32],
        dims: usize,
        masks: &mut [u32],
    ) {
        let tiles = queries.len() / (TILE * dims);
        assert!(panel.len() == PANEL * dims && floors.len() == PANEL && queries.len() == tiles * TILE * dims);
        assert!(norms.len() == tiles * TILE && masks.len() == tiles * TILE);
        by_level!(self, closer(panel, floors, queries, norms, dims, masks))
    }

    /// Prefetches a row of the bank. A hint: nothing depends on it.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "left to the processor elsewhere"))]
    pub(crate) fn prefetch<T>(self, row: &[T]) {
        #[cfg(target_arch = "x86_64")]
        if self != IntegerLevel::Portable {
            const LINE: usize = 64;
            // 4 KiB, a row of 1024 values.
            const LINES: usize = 64;
            for line in 0..size_of_val(row).div_ceil(LINE).min(LINES) {
                use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
                // SAFETY: prefetching never faults; the address stays inside the row.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().cast::<i8>().add(line * LINE)) };
            }
        }
    }

    /// `a . b`, lengths equal.
    pub(crate) fn product(self, a: &[i16], b: &[i16]) -> i32 {
        assert_eq!(a.len(), b.len());
        by_level!(self, product(a, b))
    }

    /// Appends `(value, first + position)` for every value that is at most `limit`, in order of position.
    pub(crate) fn not_above(self, values: &[i32], limit: i32, first: u32, out: &mut Vec<(i32, u32)>) {
        by_level!(self, not_above(values, limit, first, out))
    }

    /// The squared distance of two vectors of equal length: the one formula that decides. Differences and squares in
    /// `f64`, element `i` summed in lane `i % 16`, the lanes halved until one is left.
    ///
    /// Stops early with a partial sum above `limit` when there is one; the whole sum is above `limit` then too.
    pub(crate) fn squared_distance(self, a: &[f32], b: &[f32], limit: f64) -> f64 {
        assert_eq!(a.len(), b.len());
        by_level!(self, squared_distance(a, b, limit))
    }

    /// The least of the values, of which there is one, and its first position.
    pub(crate) fn least(self, values: &[i32]) -> (i32, usize) {
        assert!(!values.is_empty(), "the least of no values");
        by_level!(self, least(values))
    }

    /// `out = (row - centre) * scale`, computed in `f64`; returns its squared length.
    pub(crate) fn shift(self, row: &[f32], centre: &[f32], scale: f64, out: &mut [f32]) -> f64 {
        assert!(row.len() == centre.len() && row.len() == out.len());
        by_level!(self, shift(row, centre, scale, out))
    }

    /// Rounds `values * steps` to `out`; returns the squared length of `values`, and that of what rounding changed.
    pub(crate) fn round(self, values: &[f32], steps: f64, out: &mut [i16]) -> (f64, f64) {
        assert_eq!(values.len(), out.len());
        by_level!(self, round(values, steps, out))
    }

    /// `a . b` of equal lengths.
    pub(crate) fn dot(self, a: &[f64], b: &[f64]) -> f64 {
        assert_eq!(a.len(), b.len());
        by_level!(self, dot(a, b))
    }

    /// `values -= factor * other`.
    pub(crate) fn subtract(self, values: &mut [f64], factor: f64, other: &[f64]) {
        assert_eq!(values.len(), other.len());
        by_level!(self, subtract(values, factor, other))
    }
}
