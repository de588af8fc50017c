//! The embedding on the CPU: the same tap tables over channels-last feature maps, rows written in place.
//!
//! A line of cells is computed at once: with weighted taps, three lines of the map are turned channel by channel, so that
//! a tap is one weight times a contiguous piece. A deeper level is aggregated at its own resolution and then mixed
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
    rule: LevelRule,
}

#[derive(Debug, Clone)]
enum LevelRule {
    /// Mean of the 3x3 window of every channel.
    WindowMean,
    /// Weighted taps; output `i` has those at `starts[i]..starts[i + 1]`.
    Taps { starts: Vec<usize>, neighbors: Vec<u8>, channels: Vec<u32>, weights: Vec<f32> },
}

/// The patch embedding on the CPU.
#[derive(Debug, Clone)]
pub struct CpuEmbedding {
    dim: usize,
    levels: Vec<(Level, usize)>,
}

impl CpuEmbedding {
    /// Prepares the tap tables of levels with so many channels.
    pub fn new(rule: EmbeddingRule, channels: &[usize]) -> Self {
        let tables = TapTable::for_levels(rule, channels);
        let dim = tables.iter().map(|table| table.first + table.outputs.len()).max().unwrap_or(0);
        let levels = tables.iter().map(|table| (Level::new(table, rule), table.outputs.len())).collect();
        Self { dim, levels }
    }

    /// Rows of one image, `[grid cells, dim]`, from channels-last maps of one image each.
    pub fn forward(&self, maps: &[FeatureMap]) -> (Vec<f32>, Grid) {
        let mut rows = Vec::new();
        let grid = self.forward_into(maps, &mut EmbeddingScratch::default(), &mut rows);
        (rows, grid)
    }

    /// [`CpuEmbedding::forward`], to a vector that is cleared first.
    pub fn forward_into(&self, maps: &[FeatureMap], scratch: &mut EmbeddingScratch, rows: &mut Vec<f32>) -> Grid {
        let grid = match maps.first() {
            Some(map) => Grid { rows: map.height, columns: map.width },
            None => Grid { rows: 0, columns: 0 },
        };
        rows.clear();
        rows.resize(grid.cells() * self.dim, 0.0);
        if self.dim == 0 || rows.is_empty() {
            return grid;
        }
        let EmbeddingScratch { coarse, lines: scratch } = scratch;
        for ((level, width), map) in self.levels.iter().zip(maps) {
            let (first, width) = (level.first, *width);
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
    lines: ScratchPool<Line>,
}

impl Level {
    fn new(table: &TapTable, rule: EmbeddingRule) -> Self {
        let rule = match rule {
            EmbeddingRule::Concatenate => LevelRule::WindowMean,
            EmbeddingRule::AdaptivePool(_) => {
                let taps = || table.outputs.iter().flatten();
                let mut starts = vec![0];
                starts.extend(table.outputs.iter().scan(0, |end, taps| {
                    *end += taps.len();
                    Some(*end)
                }));
                LevelRule::Taps {
                    starts,
                    neighbors: taps().map(|tap| tap.neighbor as u8).collect(),
                    channels: taps().map(|tap| tap.channel as u32).collect(),
                    weights: taps().map(|tap| tap.weight).collect(),
                }
            }
        };
        Self { first: table.first, rule }
    }

    /// Adds the level's values of one line of cells to rows of `dim` values, from value `first` on.
    fn add_line(&self, map: &FeatureMap, y: usize, out: &mut [f32], dim: usize, first: usize, scratch: &mut Line) {
        match &self.rule {
            LevelRule::WindowMean => {
                for (x, row) in out.chunks_exact_mut(dim).enumerate() {
                    add_window_mean(map, y, x, &mut row[first..first + map.channels]);
                }
            }
            LevelRule::Taps { starts, neighbors, channels, weights } => {
                scratch.load(map, y);
                let Line { planes, pitch, sums } = scratch;
                let (width, pitch) = (map.width, *pitch);
                let outputs = starts.len() - 1;
                for begin in (0..outputs).step_by(TOGETHER) {
                    let count = TOGETHER.min(outputs - begin);
                    sums.clear();
                    sums.resize(count * width, 0.0);
                    for (output, sum) in sums.chunks_exact_mut(width).enumerate() {
                        for tap in starts[begin + output]..starts[begin + output + 1] {
                            let (neighbor, weight) = (usize::from(neighbors[tap]), weights[tap]);
                            let at = (channels[tap] as usize * 3 + neighbor / 3) * pitch + neighbor % 3;
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

/// Three lines of a map, channel by channel, with a zero on either side: what taps of a line of cells read is contiguous.
#[derive(Debug, Default)]
struct Line {
    /// `[channels, 3, pitch]`.
    planes: Vec<f32>,
    pitch: usize,
    /// `[up to TOGETHER, width]`.
    sums: Vec<f32>,
}

impl Line {
    /// Takes the lines around `y`; beyond the map's edge there are zeros.
    fn load(&mut self, map: &FeatureMap, y: usize) {
        let (channels, pitch) = (map.channels, map.width + 2);
        self.pitch = pitch;
        self.planes.clear();
        self.planes.resize(channels * 3 * pitch, 0.0);
        for line in 0..3 {
            let from = (y + line).wrapping_sub(1);
            if from >= map.height {
                continue;
            }
            let cells = map.data[from * map.width * channels..][..map.width * channels].chunks_exact(channels);
            for (x, cell) in cells.enumerate() {
                let places = self.planes[line * pitch + x + 1..].iter_mut().step_by(3 * pitch);
                for (place, value) in places.zip(cell) {
                    *place = *value;
                }
            }
        }
    }
}

/// Adds the 3x3 mean of every channel at one cell; beyond the edge there are zeros, and they count.
fn add_window_mean(map: &FeatureMap, y: usize, x: usize, out: &mut [f32]) {
    let channels = map.channels;
    for neighbor in 0..9 {
        let (ny, nx) = ((y + neighbor / 3).wrapping_sub(1), (x + neighbor % 3).wrapping_sub(1));
        if ny < map.height && nx < map.width {
            let vector = &map.data[(ny * map.width + nx) * channels..][..channels];
            for (sum, value) in out.iter_mut().zip(vector) {
                *sum += value;
            }
        }
    }
    for sum in out {
        *sum *= 1.0 / 9.0;
    }
}

/// The two source cells and the second one's share, corners not aligned.
fn source(position: usize, cells: usize, positions: usize) -> (usize, usize, f32) {
    let at = ((position as f32 + 0.5) * (cells as f32 / positions as f32) - 0.5).max(0.0);
    let low = (at as usize).min(cells - 1);
    (low, (low + 1).min(cells - 1), at - low as f32)
}
