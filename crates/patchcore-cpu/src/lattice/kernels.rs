//! The kernels of each level, behind one safe function.

use super::shape::Shape;
use super::vector::{
    bounds, closer, copy, distances, distances_to_one, dot, first_not_above, multiplies_bytes, near_images, not_above,
    prefetch, product, product_of_bytes, round, shift, shorts_not_above, squared_distance, subtract, to_bytes,
};
use super::{PANEL, TILE, portable};
use crate::simd::{LANES, Level, dispatch_exact};

/// All levels return the same bits.
impl Level {
    /// Whether an instruction multiplies bytes, twice as many as of 16 bits.
    pub(crate) fn multiplies_bytes(self) -> bool {
        dispatch_exact!(self, () -> bool, multiplies_bytes, portable::multiplies_bytes)
    }

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

    /// Bounds of half the squared distances between the rows of one panel and a multiple of [`TILE`] queries, images of that shape,
    /// from halves of the squared lengths, rounded down: `halves[row] + query_halves[query] - panel[row] . queries[query]`; the
    /// surplus of queries' bytes is in the rows' halves.
    /// To `out[query * stride + row]` come short ones: a power of two smaller (a `2^12`-th of whole lengths, see [`Shape::short_reach`]),
    /// rounded down, or the largest `i16`. Every sixteenth row goes to the same one of a query's sixteen values in `least`, where the
    /// least bound stays.
    #[allow(clippy::too_many_arguments, reason = "one panel, one block of queries, two results")]
    pub(crate) fn bounds(
        self,
        panel: &[i16],
        halves: &[i32],
        queries: &[i16],
        query_halves: &[i32],
        shape: Shape,
        out: &mut [i16],
        stride: usize,
        least: &mut [i32],
    ) {
        let (count, places) = (query_halves.len(), shape.places());
        assert!(panel.len() == PANEL * places && halves.len() == PANEL && queries.len() == count * places);
        assert!(count.is_multiple_of(TILE) && least.len() == count * LANES);
        assert!(count == 0 || out.len() >= (count - 1) * stride + PANEL);
        dispatch_exact!(
            self,
            (
                panel: &[i16],
                halves: &[i32],
                queries: &[i16],
                query_halves: &[i32],
                shape: Shape,
                out: &mut [i16],
                stride: usize,
                least: &mut [i32],
            ),
            bounds,
            portable::bounds
        );
    }

    /// [`Self::distances`] of one query, behind whose `wide` first places there are bytes; `out` has [`PANEL`] values.
    pub(crate) fn distances_to_one(self, panel: &[i16], norms: &[i32], query: &[i16], wide: usize, out: &mut [i32]) {
        assert!(panel.len() == PANEL * query.len() && norms.len() == PANEL && out.len() == PANEL);
        dispatch_exact!(
            self,
            (panel: &[i16], norms: &[i32], query: &[i16], wide: usize, out: &mut [i32]),
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

    /// Puts `first + position` of every short value that is at most `limit` to the start of `out`, in order, and returns how many
    /// there are. Values are whole panels; `out` holds as many and may be written to beyond those found.
    pub(crate) fn shorts_not_above(self, values: &[i16], limit: i16, first: u32, out: &mut [u32]) -> usize {
        assert!(values.len().is_multiple_of(PANEL) && out.len() >= values.len());
        dispatch_exact!(
            self,
            (values: &[i16], limit: i16, first: u32, out: &mut [u32]) -> usize,
            shorts_not_above,
            portable::shorts_not_above
        )
    }

    /// Of the `rows` those with a distance `norms[row] - 2 images[row] . query` of at most `limit` are appended after it, in the
    /// same order.
    pub(crate) fn near_images(
        self,
        images: &[i16],
        norms: &[i32],
        query: &[i16],
        rows: &[u32],
        limit: i32,
        out: &mut Vec<(i32, u32)>,
    ) {
        dispatch_exact!(
            self,
            (
                images: &[i16],
                norms: &[i32],
                query: &[i16],
                rows: &[u32],
                limit: i32,
                out: &mut Vec<(i32, u32)>,
            ),
            near_images,
            portable::near_images
        );
    }

    /// `a . b`, lengths equal. No sum may leave an `i32`.
    pub(crate) fn product_of_bytes(self, a: &[i16], b: &[i8]) -> i32 {
        assert_eq!(a.len(), b.len());
        dispatch_exact!(self, (a: &[i16], b: &[i8]) -> i32, product_of_bytes, portable::product_of_bytes)
    }

    /// Rounds `values / step` to `out`, where they fit; returns the squared length of what rounding changed, in `f32`, and that of
    /// `out`.
    pub(crate) fn to_bytes(self, values: &[i16], step: f32, out: &mut [i8]) -> (f64, i32) {
        assert_eq!(values.len(), out.len());
        dispatch_exact!(self, (values: &[i16], step: f32, out: &mut [i8]) -> (f64, i32), to_bytes, portable::to_bytes)
    }

    /// Position of the first of short values, whole panels of them, that is at most `limit`.
    pub(crate) fn first_not_above(self, values: &[i16], limit: i16) -> Option<usize> {
        assert!(values.len().is_multiple_of(PANEL));
        dispatch_exact!(
            self,
            (values: &[i16], limit: i16) -> Option<usize>,
            first_not_above,
            portable::first_not_above
        )
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

    /// Rounds `(row - centre) * scale`, computed in `f64`, to `out`; returns its squared length, and that of what rounding
    /// changed. Of values that leave an `i16` only the squared length is right.
    pub(crate) fn copy(self, row: &[f32], centre: &[f32], scale: f64, out: &mut [i16]) -> (f64, f64) {
        assert!(row.len() == centre.len() && row.len() == out.len());
        dispatch_exact!(
            self,
            (row: &[f32], centre: &[f32], scale: f64, out: &mut [i16]) -> (f64, f64),
            copy,
            portable::copy
        )
    }

    /// Rounds `values * scale`, computed in `f64`, to `out`; returns its squared length, and that of what rounding changed.
    pub(crate) fn round(self, values: &[i32], scale: f64, out: &mut [i16]) -> (f64, f64) {
        assert_eq!(values.len(), out.len());
        dispatch_exact!(self, (values: &[i32], scale: f64, out: &mut [i16]) -> (f64, f64), round, portable::round)
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
