//! The kernels of each level, behind one safe function.

use super::vector::{
    closer, distances, distances_to_one, dot, least, not_above, prefetch, product, round, shift, squared_distance,
    subtract,
};
use super::{PANEL, TILE, portable};
use crate::simd::{Level, dispatch_exact};

/// All levels return the same bits.
impl Level {
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
        dispatch_exact!(
            self,
            (panel: &[i16], norms: &[i32], queries: &[i16], dims: usize, out: &mut [i32], stride: usize),
            distances,
            portable::distances
        );
    }

    /// [`Self::distances`] of one query; `out` has [`PANEL`] values.
    pub(crate) fn distances_to_one(self, panel: &[i16], norms: &[i32], query: &[i16], out: &mut [i32]) {
        assert!(panel.len() == PANEL * query.len() && norms.len() == PANEL && out.len() == PANEL);
        dispatch_exact!(
            self,
            (panel: &[i16], norms: &[i32], query: &[i16], out: &mut [i32]),
            distances_to_one,
            portable::distances_to_one
        );
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
        dispatch_exact!(
            self,
            (panel: &[i16], floors: &[i32], queries: &[i16], norms: &[i32], dims: usize, masks: &mut [u32]),
            closer,
            portable::closer
        );
    }

    /// Prefetches a row of the bank. A hint: nothing depends on it.
    pub(crate) fn prefetch<T>(self, row: &[T]) {
        let (from, bytes) = (row.as_ptr().cast::<u8>(), size_of_val(row));
        dispatch_exact!(self, (from: *const u8, bytes: usize), prefetch, portable::prefetch);
    }

    /// `a . b`, lengths equal.
    pub(crate) fn product(self, a: &[i16], b: &[i16]) -> i32 {
        assert_eq!(a.len(), b.len());
        dispatch_exact!(self, (a: &[i16], b: &[i16]) -> i32, product, portable::product)
    }

    /// Appends `(value, first + position)` for every value that is at most `limit`, in order of position.
    pub(crate) fn not_above(self, values: &[i32], limit: i32, first: u32, out: &mut Vec<(i32, u32)>) {
        dispatch_exact!(
            self,
            (values: &[i32], limit: i32, first: u32, out: &mut Vec<(i32, u32)>),
            not_above,
            portable::not_above
        );
    }

    /// The squared distance of two vectors of equal length: the one formula that decides. Differences and squares in
    /// `f64`, element `i` summed in lane `i % 16`, the lanes halved until one is left.
    ///
    /// Stops early with a partial sum above `limit` when there is one; the whole sum is above `limit` then too.
    pub(crate) fn squared_distance(self, a: &[f32], b: &[f32], limit: f64) -> f64 {
        assert_eq!(a.len(), b.len());
        dispatch_exact!(
            self,
            (a: &[f32], b: &[f32], limit: f64) -> f64,
            squared_distance,
            portable::squared_distance
        )
    }

    /// The least of the values, of which there is one, and its first position.
    pub(crate) fn least(self, values: &[i32]) -> (i32, usize) {
        assert!(!values.is_empty(), "the least of no values");
        dispatch_exact!(self, (values: &[i32]) -> (i32, usize), least, portable::least)
    }

    /// `out = (row - centre) * scale`, computed in `f64`; returns its squared length.
    pub(crate) fn shift(self, row: &[f32], centre: &[f32], scale: f64, out: &mut [f32]) -> f64 {
        assert!(row.len() == centre.len() && row.len() == out.len());
        dispatch_exact!(
            self,
            (row: &[f32], centre: &[f32], scale: f64, out: &mut [f32]) -> f64,
            shift,
            portable::shift
        )
    }

    /// Rounds `values * steps` to `out`; returns the squared length of `values`, and that of what rounding changed.
    pub(crate) fn round(self, values: &[f32], steps: f64, out: &mut [i16]) -> (f64, f64) {
        assert_eq!(values.len(), out.len());
        dispatch_exact!(self, (values: &[f32], steps: f64, out: &mut [i16]) -> (f64, f64), round, portable::round)
    }

    /// `a . b` of equal lengths.
    pub(crate) fn dot(self, a: &[f64], b: &[f64]) -> f64 {
        assert_eq!(a.len(), b.len());
        dispatch_exact!(self, (a: &[f64], b: &[f64]) -> f64, dot, portable::dot)
    }

    /// `values -= factor * other`.
    pub(crate) fn subtract(self, values: &mut [f64], factor: f64, other: &[f64]) {
        assert_eq!(values.len(), other.len());
        dispatch_exact!(self, (values: &mut [f64], factor: f64, other: &[f64]), subtract, portable::subtract);
    }
}
