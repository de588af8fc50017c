//! The embedding on the CPU: the same tap tables over channels-last feature maps, rows written in place.
//!
//! Every cell's nine neighbours are read where they lie; a deeper level is aggregated at its own resolution and then
//! mixed bilinearly, four contiguous rows at a time. Cells are independent, so the result does not depend on the
//! number of threads.

#![allow(clippy::indexing_slicing, reason = "neighbours are clamped to the map, tap indices come from the tap table")]

use rayon::prelude::*;

use super::{Grid, TapTable};
use crate::backbone::cpu::FeatureMap;
use crate::mode::EmbeddingRule;

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

/// The CPU body of the patch embedding.
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
        let grid = match maps.first() {
            Some(map) => Grid { rows: map.height, columns: map.width },
            None => Grid { rows: 0, columns: 0 },
        };
        let mut rows = vec![0.0f32; grid.cells() * self.dim];
        if self.dim == 0 || rows.is_empty() {
            return (rows, grid);
        }
        for ((level, width), map) in self.levels.iter().zip(maps) {
            let (first, width) = (level.first, *width);
            if (map.height, map.width) == (grid.rows, grid.columns) {
                rows.par_chunks_exact_mut(self.dim * grid.columns).enumerate().for_each(|(y, line)| {
                    for (x, row) in line.chunks_exact_mut(self.dim).enumerate() {
                        level.add(map, y, x, &mut row[first..first + width]);
                    }
                });
                continue;
            }
            let mut coarse = vec![0.0f32; map.height * map.width * width];
            coarse.par_chunks_exact_mut(width * map.width).enumerate().for_each(|(y, line)| {
                for (x, row) in line.chunks_exact_mut(width).enumerate() {
                    level.add(map, y, x, row);
                }
            });
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
        (rows, grid)
    }
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

    /// Adds the level's values of one cell to `out`.
    fn add(&self, map: &FeatureMap, y: usize, x: usize, out: &mut [f32]) {
        let channels = map.channels;
        // The window's nine vectors; beyond the edge there are zeros.
        let mut window: [&[f32]; 9] = [&[]; 9];
        for (neighbor, vector) in window.iter_mut().enumerate() {
            let (ny, nx) = ((y + neighbor / 3).wrapping_sub(1), (x + neighbor % 3).wrapping_sub(1));
            if ny < map.height && nx < map.width {
                *vector = &map.data[(ny * map.width + nx) * channels..][..channels];
            }
        }
        match &self.rule {
            LevelRule::WindowMean => {
                for vector in window.iter().filter(|vector| !vector.is_empty()) {
                    for (sum, value) in out.iter_mut().zip(*vector) {
                        *sum += value;
                    }
                }
                for sum in out {
                    *sum *= 1.0 / 9.0;
                }
            }
            LevelRule::Taps { starts, neighbors, channels, weights } => {
                for (output, bounds) in out.iter_mut().zip(starts.windows(2)) {
                    let mut sum = 0.0;
                    for tap in bounds[0]..bounds[1] {
                        let vector = window[usize::from(neighbors[tap])];
                        if let Some(value) = vector.get(channels[tap] as usize) {
                            sum += weights[tap] * value;
                        }
                    }
                    *output += sum;
                }
            }
        }
    }
}

/// The two source cells and the second one's share, corners not aligned.
fn source(position: usize, cells: usize, positions: usize) -> (usize, usize, f32) {
    let at = ((position as f32 + 0.5) * (cells as f32 / positions as f32) - 0.5).max(0.0);
    let low = (at as usize).min(cells - 1);
    (low, (low + 1).min(cells - 1), at - low as f32)
}
