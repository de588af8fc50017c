//! From bounds on few coordinates to the one row: what is done per query.

#![allow(clippy::indexing_slicing, reason = "row numbers come from the panels of the same bank")]

use super::byte_rows::ByteRows;
use super::contraction::{Contraction, Mark};
use super::workspace::Scratch;
use crate::lattice::{LENGTH, NEVER, PANEL, Panels, Shape, TILE};
use crate::simd::{LANES, Level};

/// Queries that share one pass over the coarse images.
pub(super) const BLOCK: usize = 2 * TILE;

/// Everything a search reads.
pub(super) struct Cascade<'a> {
    pub(super) instructions: Level,
    pub(super) contraction: &'a Contraction,
    pub(super) rows: &'a [f32],
    pub(super) dim: usize,
    /// Of the coarse images.
    pub(super) shape: Shape,
    pub(super) fine_dims: usize,
    pub(super) coarse: &'a Panels,
    pub(super) coarse_norms: &'a [i32],
    /// Half of each, rounded down.
    pub(super) coarse_halves: &'a [i32],
    /// Panels of the bank whose bounds to a block are held at once.
    pub(super) segment: usize,
    pub(super) fine: &'a [i16],
    pub(super) fine_norms: &'a [i32],
    pub(super) errors: [f64; 2],
    pub(super) bytes: &'a ByteRows,
}

/// A block of queries, each buffer for all of them; all but `vectors` filled up to whole tiles.
pub(super) struct Queries<'a> {
    pub(super) vectors: &'a [f32],
    pub(super) copies: &'a [i16],
    pub(super) coarse: &'a [i16],
    pub(super) fine: &'a [i16],
    pub(super) marks: &'a [Mark],
}

/// One of them.
#[derive(Clone, Copy)]
struct Query<'a> {
    vector: &'a [f32],
    copy: &'a [i16],
    fine: &'a [i16],
    mark: &'a Mark,
}

/// Best row so far.
#[derive(Clone, Copy)]
struct Best {
    squared: f64,
    row: u32,
}

impl Best {
    const NONE: Self = Self { squared: f64::INFINITY, row: u32::MAX };
}

impl Cascade<'_> {
    /// The nearest rows of a block of queries.
    pub(super) fn nearest(
        &self,
        queries: &Queries<'_>,
        out_index: &mut [u32],
        out_squared: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let n = out_index.len();
        let mut best = [Best::NONE; BLOCK];
        let Scratch { bounds, passed, close, .. } = scratch;
        // Fewer than a block are padded to whole tiles.
        let padded = queries.marks.len();
        let mut halves = [0; BLOCK];
        for (half, mark) in halves.iter_mut().zip(queries.marks) {
            *half = mark.coarse_norm >> 1;
        }
        for first in (0..self.coarse.len()).step_by(self.segment) {
            let panels = self.segment.min(self.coarse.len() - first);
            let stride = panels * PANEL;
            bounds.resize((BLOCK * stride).max(bounds.len()), 0);
            passed.resize(stride.max(passed.len()), 0);
            let mut lanes = [i32::MAX; BLOCK * LANES];
            for panel in 0..panels {
                self.instructions.bounds(
                    self.coarse.panel(first + panel),
                    &self.coarse_halves[(first + panel) * PANEL..][..PANEL],
                    queries.coarse,
                    &halves[..padded],
                    self.shape,
                    &mut bounds[panel * PANEL..],
                    stride,
                    &mut lanes[..padded * LANES],
                );
            }
            // All rows are prefetched before the first one is read.
            let mut least = [(0, 0); BLOCK];
            for (query, (least, lanes)) in least[..n].iter_mut().zip(lanes.chunks_exact(LANES)).enumerate() {
                // Half a squared distance, rounded down.
                let bound = 2 * lanes.iter().fold(i32::MAX / 2, |least, lane| *lane.min(&least));
                let bounds = &bounds[query * stride..(query + 1) * stride];
                let at = self.instructions.first_not_above(bounds, self.shape.short_reach(bound)).unwrap_or(0);
                *least = (bound, (first * PANEL + at) as u32);
                self.instructions.prefetch(self.row(least.1));
            }
            for at in 0..n {
                let query = self.query(queries, at);
                // The left neighbour's result is most often near, and known in this segment already.
                let mut found = best[at];
                let (bound, row) = least[at];
                if bound <= self.coarse_reach(query.mark, found.squared) {
                    self.try_row(query.vector, row, &mut found);
                }
                // A query that is no number has no nearest row.
                let left = at.checked_sub(1).map(|left| best[left].row).filter(|row| *row != u32::MAX);
                if let Some(left) = left.filter(|left| self.may_be_nearer(query, *left, found.squared)) {
                    self.try_row(query.vector, left, &mut found);
                }
                let limit = self.shape.short_reach(self.coarse_reach(query.mark, found.squared));
                let bounds = &bounds[at * stride..(at + 1) * stride];
                let count = self.instructions.shorts_not_above(bounds, limit, (first * PANEL) as u32, passed);
                self.close_rows(query, found.squared, &passed[..count], close);
                for (position, (bound, row)) in close.iter().enumerate() {
                    if let Some((_, next)) = close.get(position + 1) {
                        self.instructions.prefetch(self.bytes.row(*next as usize));
                    }
                    if *bound <= self.fine_limit(query.mark, found.squared)
                        && self.may_be_nearer(query, *row, found.squared)
                    {
                        self.try_row(query.vector, *row, &mut found);
                    }
                }
                best[at] = found;
            }
        }
        for ((best, index), squared) in best.iter().zip(out_index).zip(out_squared) {
            *index = best.row;
            *squared = best.squared as f32;
        }
    }

    /// The `k` (at least one, at most all) nearest rows of the one query in `queries`, to `out`.
    pub(super) fn k_nearest(&self, queries: &Queries<'_>, k: usize, scratch: &mut Scratch, out: &mut Vec<(u32, f32)>) {
        let Scratch { distances, passed, close, least, nearest, .. } = scratch;
        let query = self.query(queries, 0);
        distances.resize((self.coarse.len() * PANEL).max(distances.len()), 0);
        let distances = &mut distances[..self.coarse.len() * PANEL];
        for (panel, out) in distances.chunks_exact_mut(PANEL).enumerate() {
            let norms = &self.coarse_norms[panel * PANEL..(panel + 1) * PANEL];
            self.instructions.distances_to_one(self.coarse.panel(panel), norms, queries.coarse, self.shape.wide, out);
        }
        nearest.clear();
        // The rows with the least bounds give a first distance to beat.
        self.least_rows(distances, k, least);
        for (_, row) in least.iter() {
            self.instructions.prefetch(self.row(*row));
        }
        for (_, row) in least.iter() {
            self.insert(query.vector, *row, k, nearest);
        }
        // While none is known, every row is near enough.
        let farthest = |nearest: &[(f64, u32)]| nearest.last().map_or(f64::INFINITY, |last| last.0);
        let limit = self.coarse_reach(query.mark, farthest(nearest)) - query.mark.coarse_norm;
        least.clear();
        self.instructions.not_above(distances, limit, 0, least);
        passed.clear();
        passed.extend(least.iter().map(|(_, row)| *row));
        self.close_rows(query, farthest(nearest), passed, close);
        for (position, (bound, row)) in close.iter().enumerate() {
            if let Some((_, next)) = close.get(position + 1) {
                self.instructions.prefetch(self.bytes.row(*next as usize));
            }
            if *bound <= self.fine_limit(query.mark, farthest(nearest))
                && self.may_be_nearer(query, *row, farthest(nearest))
                && !nearest.iter().any(|(_, known)| known == row)
            {
                self.insert(query.vector, *row, k, nearest);
            }
        }
        out.clear();
        out.extend(nearest.iter().map(|(squared, row)| (*row, *squared as f32)));
    }

    fn query<'a>(&self, queries: &'a Queries<'_>, at: usize) -> Query<'a> {
        let dims = self.contraction.copy_dims();
        Query {
            vector: &queries.vectors[at * self.dim..(at + 1) * self.dim],
            copy: &queries.copies[at * dims..(at + 1) * dims],
            fine: &queries.fine[at * self.fine_dims..(at + 1) * self.fine_dims],
            mark: &queries.marks[at],
        }
    }

    /// The `k` rows with the least of `distances`, in no order.
    fn least_rows(&self, distances: &[i32], k: usize, order: &mut Vec<(i32, u32)>) {
        const CHUNK: usize = 16 * PANEL;
        order.clear();
        // Below what padding rows have, above everything else.
        let mut limit = NEVER - 1;
        for (chunk, distances) in distances.chunks(CHUNK).enumerate() {
            self.instructions.not_above(distances, limit, (chunk * CHUNK) as u32, order);
            if order.len() > k {
                order.select_nth_unstable(k - 1);
                order.truncate(k);
                limit = order[k - 1].0;
            }
        }
    }

    fn insert(&self, query: &[f32], row: u32, k: usize, nearest: &mut Vec<(f64, u32)>) {
        let limit = if nearest.len() < k { f64::INFINITY } else { nearest[k - 1].0 };
        let found = (self.instructions.squared_distance(query, self.row(row), limit), row);
        let at = nearest.partition_point(|other| (other.0, other.1) < found);
        nearest.insert(at, found);
        nearest.truncate(k);
    }

    /// Rows of `passed` that the fine bound lets through, the one with the least bound first.
    fn close_rows(&self, query: Query<'_>, squared: f64, mut passed: &[u32], close: &mut Vec<(i32, u32)>) {
        close.clear();
        // Padding comes last.
        while let Some((row, before)) = passed.split_last()
            && *row as usize >= self.fine_norms.len()
        {
            passed = before;
        }
        let limit = self.fine_limit(query.mark, squared);
        self.instructions.near_images(self.fine, self.fine_norms, query.fine, passed, limit, close);
        // It most often is the nearest, after which few others are looked at.
        if let Some((least, _)) = close.iter().enumerate().min_by_key(|(_, (bound, _))| *bound) {
            close.swap(0, least);
        }
    }

    /// Whether the bytes of a row leave it possible that it is at most `squared` away.
    fn may_be_nearer(&self, query: Query<'_>, row: u32, squared: f64) -> bool {
        let distance = self.contraction.in_copy_steps(squared) + f64::from(query.mark.copy_error);
        self.bytes.may_be_within(row as usize, query.copy, query.mark.copy_norm, distance, self.instructions)
    }

    /// Takes `row` if it is nearer, or as near and lower.
    fn try_row(&self, query: &[f32], row: u32, best: &mut Best) {
        if row == best.row {
            return;
        }
        let squared = self.instructions.squared_distance(query, self.row(row), best.squared);
        if squared < best.squared || (squared == best.squared && row < best.row) {
            *best = Best { squared, row };
        }
    }

    fn row(&self, row: u32) -> &[f32] {
        &self.rows[row as usize * self.dim..][..self.dim]
    }

    /// Largest squared coarse distance that a row at most `squared` away can have.
    fn coarse_reach(&self, mark: &Mark, squared: f64) -> i32 {
        self.contraction.reach(squared, self.shape.length, f64::from(mark.coarse_error) + self.errors[0])
    }

    /// Largest fine distance, less the query's squared length, that a row at most `squared` away can have.
    fn fine_limit(&self, mark: &Mark, squared: f64) -> i32 {
        self.contraction.reach(squared, LENGTH, f64::from(mark.fine_error) + self.errors[1]) - mark.fine_norm
    }
}
