//! From bounds on few coordinates to the one row: what is done per query.

#![allow(clippy::indexing_slicing, reason = "row numbers come from the panels of the same bank")]

use super::contraction::{Contraction, Mark};
use super::workspace::Scratch;
use crate::lattice::{NEVER, PANEL, Panels, TILE};
use crate::simd::Level;

/// Queries that share one pass over the coarse images.
pub(super) const BLOCK: usize = 2 * TILE;
/// Panels of the bank whose distances to a block are held at once: 768 KiB.
const SEGMENT: usize = 256;
/// Prefetch distance, in rows.
const AHEAD: usize = 6;

/// Everything a search reads.
pub(super) struct Cascade<'a> {
    pub(super) instructions: Level,
    pub(super) contraction: &'a Contraction,
    pub(super) rows: &'a [f32],
    pub(super) dim: usize,
    pub(super) coarse_dims: usize,
    pub(super) fine_dims: usize,
    pub(super) coarse: &'a Panels,
    pub(super) coarse_norms: &'a [i32],
    pub(super) fine: &'a [i16],
    pub(super) fine_norms: &'a [i32],
    pub(super) errors: [f64; 2],
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
    #[allow(clippy::too_many_arguments, reason = "the slices of one block, cut in one place")]
    pub(super) fn nearest(
        &self,
        queries: &[f32],
        coarse: &[i16],
        fine: &[i16],
        marks: &[Mark],
        out_index: &mut [u32],
        out_squared: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let n = out_index.len();
        let mut best = [Best::NONE; BLOCK];
        let Scratch { distances, passed, close, .. } = scratch;
        passed.resize_with(BLOCK.max(passed.len()), Vec::new);
        passed.iter_mut().for_each(Vec::clear);
        for first in (0..self.coarse.len()).step_by(SEGMENT) {
            let panels = SEGMENT.min(self.coarse.len() - first);
            let stride = panels * PANEL;
            distances.resize((BLOCK * stride).max(distances.len()), 0);
            for panel in 0..panels {
                let norms = &self.coarse_norms[(first + panel) * PANEL..][..PANEL];
                let out = &mut distances[panel * PANEL..];
                let values = self.coarse.panel(first + panel);
                self.instructions.distances(values, norms, coarse, self.coarse_dims, out, stride);
            }
            // All rows are prefetched before the first one is read.
            let mut least = [(i32::MAX, 0); BLOCK];
            for (query, least) in least[..n].iter_mut().enumerate() {
                *least = self.instructions.least(&distances[query * stride..(query + 1) * stride]);
                self.instructions.prefetch(self.row((first * PANEL + least.1) as u32));
            }
            for query in 0..n {
                let distances = &distances[query * stride..(query + 1) * stride];
                let vector = &queries[query * self.dim..(query + 1) * self.dim];
                let mark = &marks[query];
                let (least, at) = least[query];
                if least <= self.coarse_limit(mark, best[query].squared) {
                    self.try_row(vector, (first * PANEL + at) as u32, &mut best[query]);
                }
                if query > 0 && first == 0 {
                    self.try_row(vector, best[query - 1].row, &mut best[query]);
                }
                let limit = self.coarse_limit(mark, best[query].squared);
                self.instructions.not_above(distances, limit, (first * PANEL) as u32, &mut passed[query]);
            }
        }
        for query in 0..n {
            let vector = &queries[query * self.dim..(query + 1) * self.dim];
            let image = &fine[query * self.fine_dims..(query + 1) * self.fine_dims];
            let best = &mut best[query];
            let mark = &marks[query];
            self.close_rows(image, mark, best.squared, &passed[query], close);
            for (position, (bound, row)) in close.iter().enumerate() {
                if let Some((_, next)) = close.get(position + 1) {
                    self.instructions.prefetch(self.row(*next));
                }
                if *bound > self.fine_limit(mark, best.squared) {
                    break;
                }
                self.try_row(vector, *row, best);
            }
            out_index[query] = best.row;
            out_squared[query] = best.squared as f32;
        }
    }

    /// The `k` (at least one, at most all) nearest rows of one query, to `out`.
    pub(super) fn k_nearest(
        &self,
        query: &[f32],
        [coarse, fine]: [&[i16]; 2],
        mark: &Mark,
        k: usize,
        scratch: &mut Scratch,
        out: &mut Vec<(u32, f32)>,
    ) {
        let Scratch { distances, passed, close, least, nearest, .. } = scratch;
        distances.resize((self.coarse.len() * PANEL).max(distances.len()), 0);
        let distances = &mut distances[..self.coarse.len() * PANEL];
        for (panel, out) in distances.chunks_exact_mut(PANEL).enumerate() {
            let norms = &self.coarse_norms[panel * PANEL..(panel + 1) * PANEL];
            self.instructions.distances_to_one(self.coarse.panel(panel), norms, coarse, out);
        }
        nearest.clear();
        // The rows with the least bounds give a first distance to beat.
        self.least_rows(distances, k, least);
        for (_, row) in least.iter() {
            self.instructions.prefetch(self.row(*row));
        }
        for (_, row) in least.iter() {
            self.insert(query, *row, k, nearest);
        }
        // While none is known, every row is near enough.
        let farthest = |nearest: &[(f64, u32)]| nearest.last().map_or(f64::INFINITY, |last| last.0);
        passed.resize_with(passed.len().max(1), Vec::new);
        let passed = &mut passed[0];
        passed.clear();
        self.instructions.not_above(distances, self.coarse_limit(mark, farthest(nearest)), 0, passed);
        self.close_rows(fine, mark, farthest(nearest), passed, close);
        for (position, (bound, row)) in close.iter().enumerate() {
            if let Some((_, next)) = close.get(position + 1) {
                self.instructions.prefetch(self.row(*next));
            }
            if *bound > self.fine_limit(mark, farthest(nearest)) {
                break;
            }
            if !nearest.iter().any(|(_, known)| known == row) {
                self.insert(query, *row, k, nearest);
            }
        }
        out.clear();
        out.extend(nearest.iter().map(|(squared, row)| (*row, *squared as f32)));
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

    /// Rows of `passed` that the fine bound lets through, least bound first.
    fn close_rows(&self, image: &[i16], mark: &Mark, squared: f64, passed: &[(i32, u32)], close: &mut Vec<(i32, u32)>) {
        close.clear();
        let coarse_limit = self.coarse_limit(mark, squared);
        let fine_limit = self.fine_limit(mark, squared);
        for (position, (distance, row)) in passed.iter().enumerate() {
            if let Some((_, soon)) = passed.get(position + AHEAD) {
                self.instructions.prefetch(&self.fine[*soon as usize * self.fine_dims..][..self.fine_dims]);
            }
            if *distance > coarse_limit {
                continue;
            }
            let at = *row as usize;
            let other = &self.fine[at * self.fine_dims..(at + 1) * self.fine_dims];
            let bound = self.fine_norms[at] - 2 * self.instructions.product(image, other);
            if bound <= fine_limit {
                close.push((bound, *row));
            }
        }
        close.sort_unstable();
    }

    /// Takes `row` if it is nearer, or as near and lower.
    fn try_row(&self, query: &[f32], row: u32, best: &mut Best) {
        if row == best.row || row == u32::MAX {
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

    /// Largest coarse distance, less the query's squared length, that a row at most `squared` away can have.
    fn coarse_limit(&self, mark: &Mark, squared: f64) -> i32 {
        self.contraction.reach(squared, f64::from(mark.coarse_error) + self.errors[0]) - mark.coarse_norm
    }

    /// The same for fine distances.
    fn fine_limit(&self, mark: &Mark, squared: f64) -> i32 {
        self.contraction.reach(squared, f64::from(mark.fine_error) + self.errors[1]) - mark.fine_norm
    }
}
