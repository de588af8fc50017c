//! The bank as the search wants it, and the search's entry points.

#![allow(clippy::indexing_slicing, reason = "buffers are sized by the same counts")]

use std::sync::Arc;

use rayon::prelude::*;

use super::axes::{coordinate_axes, principal_axes};
use super::byte_rows::{ByteRows, to_bytes};
use super::cascade::{BLOCK, Cascade, Queries};
use super::contraction::{Contraction, Images, MapScratch, Mark};
use super::depth::best_shape;
use super::workspace::Workspace;
use crate::Instructions;
use crate::caches::second_level_bytes;
use crate::lattice::{NEVER, PANEL, Panels, Shape, TILE};
use crate::simd::{AlignedBuffer, Level};

/// Axes of the fine images of a large bank; with the rest's length they fill whole vectors.
const FINE_AXES: usize = 255;
/// The same where turning the queries would cost more than it saves: for few rows, or short ones.
const FINE_AXES_SMALL: usize = 127;
/// Dimension from which rows are long.
const LONG: usize = 512;
/// Rows from which a bank is large.
const LARGE: usize = 2048;
/// Up to this dimension the axes stay as they are.
const SHORT: usize = 16;
/// Rows that the axes are computed from and that the probes are compared with, at most.
const SAMPLE: usize = 4096;
/// Vectors that one task maps; a multiple of the tile.
const MAPPED: usize = 8 * TILE;

/// An index of a bank's rows for the exact search. The rows themselves stay with the caller.
pub struct CpuBank {
    instructions: Level,
    /// Shared with the indices of some of these rows.
    contraction: Arc<Contraction>,
    dim: usize,
    len: usize,
    /// Of the coarse images.
    shape: Shape,
    fine_dims: usize,
    coarse: Panels,
    /// Squared lengths of coarse images and twice the surplus of products with them, filled up to whole panels.
    coarse_norms: Vec<i32>,
    /// Half of each, rounded down.
    coarse_halves: Vec<i32>,
    fine: AlignedBuffer<i16>,
    fine_norms: Vec<i32>,
    bytes: ByteRows,
    /// Panels that are searched at once.
    segment: usize,
    /// Largest error of a coarse and of a fine image.
    errors: [f64; 2],
}

/// What costs time alone, where it is not to be chosen by what is there.
#[derive(Clone, Copy, Default)]
pub(super) struct Pieces {
    /// What coarse images are made of.
    pub(super) shape: Option<Shape>,
    /// Panels that are searched at once.
    pub(super) segment: Option<usize>,
}

/// Panels whose short bounds to a block of queries take three quarters of a thread's second-level cache.
fn cached_segment() -> usize {
    (second_level_bytes() / 4 * 3 / (BLOCK * PANEL * size_of::<i16>())).max(1)
}

impl CpuBank {
    /// Indexes row-major `rows` `[m, dim]` of finite values; there is at least one.
    ///
    /// Time: the mean, at most 4,096 x `dim`² multiplications for the axes, and `m x dim x 255` for the images.
    ///
    /// Results do not depend on `instructions`, the most that the kernels may use.
    ///
    /// # Panics
    /// Where `rows` are not whole rows, or none.
    pub fn new(rows: &[f32], dim: usize, instructions: Instructions) -> Self {
        Self::with(rows, dim, Level::at_most(instructions), Pieces::default())
    }

    /// [`Self::new`] with what must not change any result as parameters.
    pub(super) fn with(rows: &[f32], dim: usize, instructions: Level, pieces: Pieces) -> Self {
        assert!(dim > 0 && rows.len().is_multiple_of(dim), "a bank of {} values: not whole rows of {dim}", rows.len());
        let len = rows.len() / dim;
        assert!(len > 0, "a bank without a row: nothing is nearest");
        let centre = mean(rows, dim);
        let mut shifted = vec![0.0; dim];
        let mut longest = 0.0;
        for row in rows.chunks_exact(dim) {
            longest = instructions.shift(row, &centre, 1.0, &mut shifted).max(longest);
        }
        let longest = f64::sqrt(longest);
        let axes = if dim <= SHORT {
            coordinate_axes(dim)
        } else {
            let scale = if longest > 0.0 { 1.0 / longest } else { 1.0 };
            let sample = rows.chunks_exact(dim).step_by(len.div_ceil(SAMPLE));
            let mut centred = vec![0.0; sample.len() * dim];
            for (row, out) in sample.zip(centred.chunks_exact_mut(dim)) {
                instructions.shift(row, &centre, scale, out);
            }
            let count = if len < LARGE || dim < LONG { FINE_AXES_SMALL } else { FINE_AXES };
            principal_axes(&centred, dim, count, instructions)
        };
        let contraction = Arc::new(Contraction::new(centre, longest, axes));
        let fine_dims = contraction.fine_dims().next_multiple_of(if dim <= SHORT { 2 } else { 64 });
        let segment = pieces.segment.unwrap_or_else(cached_segment);
        let mut bank = Self::empty(instructions, contraction, [dim, len, fine_dims], segment);
        bank.fill(rows, pieces.shape);
        bank
    }

    /// The index of some of the rows that this one was made from, in their order; there is at least one.
    ///
    /// It takes this one's axes and shapes, most of the time of [`Self::new`]: any axes bound rightly that hold the rows, and those of
    /// more rows do. What is found is the same, bit for bit.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn of_some(&self, rows: &[f32]) -> Self {
        let (dim, len) = (self.dim, rows.len() / self.dim);
        assert!(
            rows.len().is_multiple_of(dim) && len > 0 && len <= self.len,
            "{} values: not some of the rows",
            rows.len()
        );
        let sizes = [dim, len, self.fine_dims];
        let mut bank = Self::empty(self.instructions, Arc::clone(&self.contraction), sizes, self.segment);
        bank.fill(rows, Some(self.shape));
        bank
    }

    /// An index that has no images yet.
    fn empty(
        instructions: Level,
        contraction: Arc<Contraction>,
        [dim, len, fine_dims]: [usize; 3],
        segment: usize,
    ) -> Self {
        Self {
            instructions,
            contraction,
            dim,
            len,
            shape: Shape::wide(2),
            fine_dims,
            coarse: Panels::zeros(0, 2),
            coarse_norms: Vec::new(),
            coarse_halves: Vec::new(),
            fine: AlignedBuffer::zeroed(0),
            fine_norms: Vec::new(),
            bytes: ByteRows::default(),
            segment,
            errors: [0.0; 2],
        }
    }

    fn fill(&mut self, rows: &[f32], shape: Option<Shape>) {
        let shape = shape.unwrap_or_else(|| self.best_shape(rows));
        self.shape = Shape::new(shape.wide.clamp(2, self.fine_dims), shape.bytes, shape.length);
        let mut marks = vec![Mark::default(); self.len];
        let mut coarse = vec![0; self.len * self.shape.places()];
        let mut fine = AlignedBuffer::zeroed(self.len * self.fine_dims);
        let mut bytes = ByteRows::zeros(self.len, self.contraction.copy_dims());
        self.map(rows, self.shape, &mut coarse, &mut fine, &mut marks, &mut bytes);
        self.bytes = bytes;
        self.fine = fine;
        self.fine_norms = marks.iter().map(|mark| mark.fine_norm).collect();
        self.coarse = Panels::pack(&coarse, self.shape.places(), self.shape.places());
        self.coarse_norms = vec![NEVER; self.coarse.len() * PANEL];
        let images = coarse.chunks_exact(self.shape.places());
        for ((norm, mark), image) in self.coarse_norms.iter_mut().zip(&marks).zip(images) {
            *norm = mark.coarse_norm + 2 * self.shape.surplus(image);
        }
        self.coarse_halves = self.coarse_norms.iter().map(|norm| norm >> 1).collect();
        let largest = |error: fn(&Mark) -> f32| marks.iter().map(error).fold(0.0, f32::max).into();
        self.errors = [largest(|mark| mark.coarse_error), largest(|mark| mark.fine_error)];
    }

    /// Images and bytes of the bank's own rows, or of some of them.
    fn map(
        &self,
        rows: &[f32],
        shape: Shape,
        coarse: &mut [i16],
        fine: &mut [i16],
        marks: &mut [Mark],
        bytes: &mut ByteRows,
    ) {
        let copy_dims = self.contraction.copy_dims();
        let (bytes, byte_marks) = bytes.parts();
        rows.par_chunks(MAPPED * self.dim)
            .zip(coarse.par_chunks_mut(MAPPED * shape.places()))
            .zip(fine.par_chunks_mut(MAPPED * self.fine_dims))
            .zip(marks.par_chunks_mut(MAPPED))
            .zip(bytes.par_chunks_mut(MAPPED * copy_dims))
            .zip(byte_marks.par_chunks_mut(MAPPED))
            .for_each_init(
                || (MapScratch::default(), vec![0; MAPPED * copy_dims]),
                |(scratch, copies), (((((rows, coarse), fine), marks), bytes), byte_marks)| {
                    let n = rows.len() / self.dim;
                    let padded = if n == 1 { 1 } else { n.next_multiple_of(TILE) };
                    let copies = &mut copies[..padded * copy_dims];
                    let images = Images { coarse, fine, marks, copies };
                    self.contraction.map(rows, shape, self.fine_dims, images, scratch, self.instructions);
                    let copies = copies.chunks_exact(copy_dims).zip(marks.iter());
                    for ((copy, mark), (out, byte_mark)) in
                        copies.zip(bytes.chunks_exact_mut(copy_dims).zip(byte_marks))
                    {
                        *byte_mark = to_bytes(copy, mark, out, self.instructions);
                    }
                },
            );
    }

    /// What the coarse images should be made of, by the fine images of some rows.
    fn best_shape(&self, rows: &[f32]) -> Shape {
        let step = self.len.div_ceil(SAMPLE);
        let some: Vec<f32> = rows.chunks_exact(self.dim).step_by(step).flatten().copied().collect();
        let count = some.len() / self.dim;
        let least = Shape::wide(2);
        let (mut coarse, mut fine) = (vec![0; count * least.places()], AlignedBuffer::zeroed(count * self.fine_dims));
        let (mut marks, mut bytes) =
            (vec![Mark::default(); count], ByteRows::zeros(count, self.contraction.copy_dims()));
        self.map(&some, least, &mut coarse, &mut fine, &mut marks, &mut bytes);
        best_shape(&fine, self.fine_dims, self.contraction.axes(), self.instructions)
    }

    /// The nearest row of each of row-major `queries` `[n, dim]`, and its squared distance, to `out_index` and
    /// `out_squared` of `n` values. `rows` are those the index was built from. Consecutive queries should be
    /// neighbouring patches: that is where the search starts.
    ///
    /// Runs on rayon's current pool.
    ///
    /// # Panics
    /// Where one of the slices has another length, or `rows` are fewer or more than the index was built from.
    pub fn nearest(
        &self,
        rows: &[f32],
        queries: &[f32],
        out_index: &mut [u32],
        out_squared: &mut [f32],
        workspace: &mut Workspace,
    ) {
        let n = out_index.len();
        self.check(rows, queries, n);
        assert_eq!(out_squared.len(), n, "one distance for each row found");
        if n == 0 {
            return;
        }
        let (places, fine_dims) = (self.shape.places(), self.fine_dims);
        let padded = n.next_multiple_of(TILE);
        workspace.coarse.resize(padded * places, 0);
        workspace.fine.resize(padded * fine_dims, 0);
        let copy_dims = self.contraction.copy_dims();
        workspace.copies.resize(padded * copy_dims, 0);
        workspace.marks.resize(padded, Mark::default());
        let pool = &workspace.pool;
        queries
            .par_chunks(MAPPED * self.dim)
            .zip(workspace.coarse.par_chunks_mut(MAPPED * places))
            .zip(workspace.fine.par_chunks_mut(MAPPED * fine_dims))
            .zip(workspace.marks.par_chunks_mut(MAPPED))
            .zip(workspace.copies.par_chunks_mut(MAPPED * copy_dims))
            .for_each(|((((rows, coarse), fine), marks), copies)| {
                let images = Images { coarse, fine, marks, copies };
                pool.with(|scratch| self.map_queries(rows, images, &mut scratch.map));
            });
        out_index
            .par_chunks_mut(BLOCK)
            .zip(out_squared.par_chunks_mut(BLOCK))
            .zip(workspace.coarse.par_chunks(BLOCK * places))
            .zip(workspace.fine.par_chunks(BLOCK * fine_dims))
            .zip(workspace.marks.par_chunks(BLOCK))
            .zip(workspace.copies.par_chunks(BLOCK * copy_dims))
            .zip(queries.par_chunks(BLOCK * self.dim))
            .for_each(|((((((index, squared), coarse), fine), marks), copies), vectors)| {
                let queries = Queries { vectors, copies, coarse, fine, marks };
                let cascade = self.cascade(rows);
                pool.with(|scratch| cascade.nearest(&queries, index, squared, scratch));
            });
    }

    /// The `k` nearest rows of one `query` and their squared distances, nearest first, equal ones by row.
    #[cfg(test)]
    pub fn k_nearest(&self, rows: &[f32], query: &[f32], k: usize) -> Vec<(u32, f32)> {
        let mut out = Vec::new();
        self.k_nearest_into(rows, query, k, &Workspace::default(), &mut out);
        out
    }

    /// The `k` nearest rows of one `query` and their squared distances, to `out`: nearest first, equal ones by row. All rows,
    /// where there are fewer.
    ///
    /// # Panics
    /// As [`Self::nearest`].
    pub fn k_nearest_into(
        &self,
        rows: &[f32],
        query: &[f32],
        k: usize,
        workspace: &Workspace,
        out: &mut Vec<(u32, f32)>,
    ) {
        let k = k.min(self.len);
        out.clear();
        self.check(rows, query, 1);
        if k == 0 {
            return;
        }
        workspace.pool.with(|scratch| {
            let [mut coarse, mut fine, mut copies] = std::mem::take(&mut scratch.alone);
            coarse.resize(self.shape.places(), 0);
            fine.resize(self.fine_dims, 0);
            copies.resize(self.contraction.copy_dims(), 0);
            let mut marks = [Mark::default()];
            let images = Images { coarse: &mut coarse, fine: &mut fine, marks: &mut marks, copies: &mut copies };
            self.map_queries(query, images, &mut scratch.map);
            let queries = Queries { vectors: query, copies: &copies, coarse: &coarse, fine: &fine, marks: &marks };
            self.cascade(rows).k_nearest(&queries, k, scratch, out);
            scratch.alone = [coarse, fine, copies];
        });
    }

    /// Images of queries.
    fn map_queries(&self, queries: &[f32], images: Images<'_>, scratch: &mut MapScratch) {
        let Images { coarse, fine, marks, copies } = images;
        let images = Images { coarse: &mut *coarse, fine, marks, copies };
        self.contraction.map(queries, self.shape, self.fine_dims, images, scratch, self.instructions);
        coarse.chunks_exact_mut(self.shape.places()).for_each(|image| self.shape.to_query(image));
    }

    /// Holds what a search is given against the index.
    fn check(&self, rows: &[f32], queries: &[f32], n: usize) {
        assert_eq!(rows.len(), self.len * self.dim, "the rows are not those that were indexed");
        assert_eq!(queries.len(), n * self.dim, "not {n} queries of {} values", self.dim);
    }

    fn cascade<'a>(&'a self, rows: &'a [f32]) -> Cascade<'a> {
        Cascade {
            instructions: self.instructions,
            contraction: &self.contraction,
            rows,
            dim: self.dim,
            shape: self.shape,
            fine_dims: self.fine_dims,
            coarse: &self.coarse,
            coarse_norms: &self.coarse_norms,
            coarse_halves: &self.coarse_halves,
            segment: self.segment,
            fine: &self.fine,
            fine_norms: &self.fine_norms,
            errors: self.errors,
            bytes: &self.bytes,
        }
    }
}

impl std::fmt::Debug for CpuBank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CpuBank")
            .field("instructions", &self.instructions)
            .field("len", &self.len)
            .field("dim", &self.dim)
            .field("shape", &self.shape)
            .field("fine_dims", &self.fine_dims)
            .finish_non_exhaustive()
    }
}

fn mean(rows: &[f32], dim: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; dim];
    for row in rows.chunks_exact(dim) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    let n = (rows.len() / dim) as f64;
    sums.iter().map(|sum| (sum / n) as f32).collect()
}
