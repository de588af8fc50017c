//! The embedding on the CPU: the same tap tables over channels-last feature maps, rows written in place.
//!
//! A line of cells is computed at once: with weighted taps, as many lines of the map as a patch has are turned channel by
//! channel, so that a tap is one weight times a contiguous piece. A deeper level is aggregated at its own resolution and then mixed
//! bilinearly, four contiguous rows at a time. Cells are independent, so the result does not depend on the number of
//! threads.

#![allow(clippy::indexing_slicing, reason = "neighbours are clamped to the map, tap indices come from the tap table")]

use rayon::prelude::*;

use super::TapTable;
use crate::ScratchPool;
use crate::network::FeatureMap;
use patchcore_config::{EmbeddingRule, Grid};

/// Embedding values computed together: what is written per cell is then one cache line.
const TOGETHER: usize = 16;

/// One level's taps, output by output.
#[derive(Debug, Clone)]
struct Level {
    first: usize,
    patch_size: usize,
    rule: LevelRule,
}

#[derive(Debug, Clone)]
enum LevelRule {
    /// Mean of every channel over the patch.
    PatchMean,
    /// Weighted taps; output `i` has those at `starts[i]..starts[i + 1]`. A tap reads from line `lines[i]` of [`Line`]'s planes,
    /// `columns[i]` further right.
    Taps { starts: Vec<usize>, lines: Vec<u32>, columns: Vec<u8>, weights: Vec<f32> },
}

/// The patch embedding on the CPU.
#[derive(Debug, Clone)]
pub struct CpuEmbedding {
    dim: usize,
    levels: Vec<(Level, usize)>,
    /// Which of the levels has the grid of the rows.
    grid: usize,
    /// Cells a side of each level that become one of the grid; 1 for a level that is not finer.
    ratios: Vec<usize>,
}

impl CpuEmbedding {
    /// Prepares the tap tables of levels with so many channels, for patches of `patch_size` cells a side.
    ///
    /// # Panics
    /// For an even `patch_size`, as [`TapTable::for_levels`].
    pub fn new(rule: EmbeddingRule, patch_size: usize, channels: &[usize]) -> Self {
        let tables = TapTable::for_levels(rule, patch_size, channels);
        let dim = tables.iter().map(|table| table.first + table.outputs.len()).max().unwrap_or(0);
        let levels = tables.iter().map(|table| (Level::new(table, rule, patch_size), table.outputs.len())).collect();
        Self { dim, levels, grid: 0, ratios: vec![1; channels.len()] }
    }

    /// The same with rows on the grid of one of the levels, which have these strides. Cells of finer ones are averaged onto it. Default:
    /// the first one's, and no level is finer.
    #[must_use]
    pub fn on_grid_of(self, level: usize, strides: &[usize]) -> Self {
        let on_grid = strides.get(level).copied().unwrap_or(1);
        let ratios = strides.iter().map(|stride| (on_grid / stride).max(1)).collect();
        Self { grid: level, ratios, ..self }
    }

    /// Rows of one image, `[grid cells, dim]`, from channels-last maps of one image each.
    pub fn forward(&self, maps: &[FeatureMap]) -> (Vec<f32>, Grid) {
        let mut rows = Vec::new();
        let all: Vec<usize> = (0..maps.len()).collect();
        let grid = self.forward_into(maps, &all, &mut EmbeddingScratch::default(), &mut rows);
        (rows, grid)
    }

    /// [`CpuEmbedding::forward`] of these of a network's maps, to a vector that is cleared first.
    pub fn forward_into(
        &self,
        maps: &[FeatureMap],
        levels: &[usize],
        scratch: &mut EmbeddingScratch,
        rows: &mut Vec<f32>,
    ) -> Grid {
        let maps = levels.iter().map(|level| &maps[*level]);
        let grid = match maps.clone().nth(self.grid) {
            Some(map) => Grid { rows: map.height, columns: map.width },
            None => Grid { rows: 0, columns: 0 },
        };
        rows.clear();
        rows.resize(grid.cells() * self.dim, 0.0);
        if self.dim == 0 || rows.is_empty() {
            return grid;
        }
        let EmbeddingScratch { coarse, lines: scratch, averaged } = scratch;
        for (((level, width), ratio), map) in self.levels.iter().zip(&self.ratios).zip(maps) {
            let (first, width) = (level.first, *width);
            let map = if *ratio > 1 {
                average_onto(map, grid, *ratio, averaged);
                &*averaged
            } else {
                map
            };
            if (map.height, map.width) == (grid.rows, grid.columns) {
                let lines = rows.par_chunks_exact_mut(self.dim * grid.columns).enumerate();
                lines.for_each(|(y, line)| {
                    scratch.with(|scratch| level.add_line(map, y, line, self.dim, first, scratch));
                });
                continue;
            }
            coarse.clear();
            coarse.resize(map.height * map.width * width, 0.0);
            let lines = coarse.par_chunks_exact_mut(width * map.width).enumerate();
            lines.for_each(|(y, line)| scratch.with(|scratch| level.add_line(map, y, line, width, 0, scratch)));
            let coarse = &*coarse;
            rows.par_chunks_exact_mut(self.dim * grid.columns).enumerate().for_each(|(y, line)| {
                let (y0, y1, fy) = source(y, map.height, grid.rows);
                for (x, row) in line.chunks_exact_mut(self.dim).enumerate() {
                    let (x0, x1, fx) = source(x, map.width, grid.columns);
                    let at = |y: usize, x: usize| &coarse[(y * map.width + x) * width..(y * map.width + x + 1) * width];
                    let (a, b, c, d) = (at(y0, x0), at(y0, x1), at(y1, x0), at(y1, x1));
                    let out = &mut row[first..first + width];
                    for (i, value) in out.iter_mut().enumerate() {
                        let top = a[i] * (1.0 - fx) + b[i] * fx;
                        let bottom = c[i] * (1.0 - fx) + d[i] * fx;
                        *value += top * (1.0 - fy) + bottom * fy;
                    }
                }
            });
        }
        grid
    }
}

/// Buffers of an embedding, kept between images.
#[derive(Default)]
pub struct EmbeddingScratch {
    /// A deeper level's values at its own resolution.
    coarse: Vec<f32>,
    /// A finer level on the grid of the rows.
    averaged: FeatureMap,
    lines: ScratchPool<Line>,
}

impl Level {
    fn new(table: &TapTable, rule: EmbeddingRule, patch_size: usize) -> Self {
        let rule = match rule {
            EmbeddingRule::Concatenate => LevelRule::PatchMean,
            EmbeddingRule::AdaptivePool { .. } => {
                let taps = || table.outputs.iter().flatten();
                let mut starts = vec![0];
                starts.extend(table.outputs.iter().scan(0, |end, taps| {
                    *end += taps.len();
                    Some(*end)
                }));
                LevelRule::Taps {
                    starts,
                    lines: taps().map(|tap| (tap.channel * patch_size + tap.neighbor / patch_size) as u32).collect(),
                    columns: taps().map(|tap| (tap.neighbor % patch_size) as u8).collect(),
                    weights: taps().map(|tap| tap.weight).collect(),
                }
            }
        };
        Self { first: table.first, patch_size, rule }
    }

    /// Adds the level's values of one line of cells to rows of `dim` values, from value `first` on.
    fn add_line(&self, map: &FeatureMap, y: usize, out: &mut [f32], dim: usize, first: usize, scratch: &mut Line) {
        match &self.rule {
            LevelRule::PatchMean => {
                for (x, row) in out.chunks_exact_mut(dim).enumerate() {
                    add_patch_mean(map, y, x, self.patch_size, &mut row[first..first + map.channels]);
                }
            }
            LevelRule::Taps { starts, lines, columns, weights } => {
                scratch.load(map, y, self.patch_size);
                let Line { planes, pitch, sums } = scratch;
                let (width, pitch) = (map.width, *pitch);
                let outputs = starts.len() - 1;
                for begin in (0..outputs).step_by(TOGETHER) {
                    let count = TOGETHER.min(outputs - begin);
                    sums.clear();
                    sums.resize(count * width, 0.0);
                    for (output, sum) in sums.chunks_exact_mut(width).enumerate() {
                        for tap in starts[begin + output]..starts[begin + output + 1] {
                            let weight = weights[tap];
                            let at = lines[tap] as usize * pitch + usize::from(columns[tap]);
                            for (sum, value) in sum.iter_mut().zip(&planes[at..at + width]) {
                                *sum += weight * value;
                            }
                        }
                    }
                    for (x, row) in out.chunks_exact_mut(dim).enumerate() {
                        for (output, value) in row[first + begin..first + begin + count].iter_mut().enumerate() {
                            *value += sums[output * width + x];
                        }
                    }
                }
            }
        }
    }
}

/// The lines of a map that patches of one line of cells cover, channel by channel, with zeros on either side: what taps of a
/// line of cells read is contiguous.
#[derive(Debug, Default)]
struct Line {
    /// `[channels, patch_size, pitch]`.
    planes: Vec<f32>,
    pitch: usize,
    /// `[up to TOGETHER, width]`.
    sums: Vec<f32>,
}

impl Line {
    /// Takes the lines around `y`; beyond the map's edge there are zeros.
    fn load(&mut self, map: &FeatureMap, y: usize, patch_size: usize) {
        let (channels, margin) = (map.channels, patch_size / 2);
        let pitch = map.width + 2 * margin;
        self.pitch = pitch;
        self.planes.clear();
        self.planes.resize(channels * patch_size * pitch, 0.0);
        for line in 0..patch_size {
            let from = (y + line).wrapping_sub(margin);
            if from >= map.height {
                continue;
            }
            let cells = map.data[from * map.width * channels..][..map.width * channels].chunks_exact(channels);
            for (x, cell) in cells.enumerate() {
                let places = self.planes[line * pitch + x + margin..].iter_mut().step_by(patch_size * pitch);
                for (place, value) in places.zip(cell) {
                    *place = *value;
                }
            }
        }
    }
}

/// Adds the mean of every channel over the patch around one cell; beyond the edge there are zeros, and they count.
fn add_patch_mean(map: &FeatureMap, y: usize, x: usize, patch_size: usize, out: &mut [f32]) {
    let (channels, margin) = (map.channels, patch_size / 2);
    for dy in 0..patch_size {
        for dx in 0..patch_size {
            let (ny, nx) = ((y + dy).wrapping_sub(margin), (x + dx).wrapping_sub(margin));
            if ny < map.height && nx < map.width {
                let vector = &map.data[(ny * map.width + nx) * channels..][..channels];
                for (sum, value) in out.iter_mut().zip(vector) {
                    *sum += value;
                }
            }
        }
    }
    for sum in out {
        *sum *= 1.0 / (patch_size * patch_size) as f32;
    }
}

/// A finer map on a grid, written over `out`: the mean of the `ratio` x `ratio` cells that lie in each cell of the grid. At the right
/// and lower edge, where a cell of the grid reaches beyond the map, of those that are there.
fn average_onto(map: &FeatureMap, grid: Grid, ratio: usize, out: &mut FeatureMap) {
    let channels = map.channels;
    (out.height, out.width, out.channels, out.layout) = (grid.rows, grid.columns, channels, map.layout);
    out.data.clear();
    out.data.resize(grid.cells() * channels, 0.0);
    let lines = out.data.par_chunks_exact_mut(grid.columns * channels).enumerate();
    lines.for_each(|(y, line)| {
        let rows = y * ratio..((y + 1) * ratio).min(map.height);
        for (x, cell) in line.chunks_exact_mut(channels).enumerate() {
            let columns = x * ratio..((x + 1) * ratio).min(map.width);
            for y in rows.clone() {
                let from = (y * map.width + columns.start) * channels;
                for values in map.data[from..from + columns.len() * channels].chunks_exact(channels) {
                    for (sum, value) in cell.iter_mut().zip(values) {
                        *sum += value;
                    }
                }
            }
            let share = 1.0 / (rows.len() * columns.len()) as f32;
            for sum in cell {
                *sum *= share;
            }
        }
    });
}

/// The two source cells and the second one's share, corners not aligned.
fn source(position: usize, cells: usize, positions: usize) -> (usize, usize, f32) {
    let at = ((position as f32 + 0.5) * (cells as f32 / positions as f32) - 0.5).max(0.0);
    let low = (at as usize).min(cells - 1);
    (low, (low + 1).min(cells - 1), at - low as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::MapLayout;

    /// The formula of `authors_embedding.py`.
    fn level_map(level: usize, [channels, height, width]: [usize; 3]) -> FeatureMap {
        let value = |i: usize| ((7919 * i + 104_729 * level) % 1013) as f32 / 512.0 - 1.0;
        let cells = height * width;
        let data = (0..channels * cells).map(|at| value(at % channels * cells + at / channels)).collect();
        FeatureMap { data, height, width, channels, layout: MapLayout::ChannelsLast }
    }

    #[test]
    fn rows_are_those_of_the_authors_own_code() {
        let file = include_str!("../../tests/fixtures/authors_embedding.csv");
        let maps = [level_map(0, [6, 5, 7]), level_map(1, [10, 3, 4])];
        let mut checked = Vec::new();
        for line in file.lines().filter(|line| !line.starts_with('#')) {
            let numbers: Vec<&str> = line.split(',').collect();
            let whole = |at: usize| numbers[at].parse::<usize>().unwrap();
            let (patch_size, pretrain, target, cell) = (whole(0), whole(1), whole(2), whole(3));
            let expected: Vec<f32> = numbers[4..].iter().map(|value| value.parse().unwrap()).collect();
            assert_eq!(expected.len(), target);
            let rule = EmbeddingRule::adaptive_pool(pretrain, target);
            let (rows, grid) = CpuEmbedding::new(rule, patch_size, &[6, 10]).forward(&maps);
            assert_eq!((grid, rows.len()), (Grid { rows: 5, columns: 7 }, 35 * target));
            for (found, expected) in rows[cell * target..][..target].iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-6, "{patch_size} {pretrain} {target} {cell}: {found} {expected}");
            }
            checked.push((patch_size, pretrain, target));
        }
        assert_eq!(checked.len(), 4 * 35);
        checked.dedup();
        assert_eq!(checked, [(3, 16, 16), (5, 24, 10), (1, 9, 12), (7, 40, 6)]);
    }

    #[test]
    fn a_mean_over_5x5_counts_the_zeros_beyond_the_edge() {
        let map = level_map(0, [2, 4, 6]);
        let (rows, _) = CpuEmbedding::new(EmbeddingRule::Concatenate, 5, &[2]).forward(std::slice::from_ref(&map));
        let at = |channel: usize, y: usize, x: usize| f64::from(map.data[(y * 6 + x) * 2 + channel]);
        for (cell, row) in rows.chunks_exact(2).enumerate() {
            let (y, x) = (cell / 6, cell % 6);
            for (channel, found) in row.iter().enumerate() {
                let lines = y.saturating_sub(2)..(y + 3).min(4);
                let sum: f64 =
                    lines.flat_map(|y| (x.saturating_sub(2)..(x + 3).min(6)).map(move |x| at(channel, y, x))).sum();
                assert!((f64::from(*found) - sum / 25.0).abs() < 1e-6, "{cell} {channel}: {found} {}", sum / 25.0);
            }
        }
    }
}
