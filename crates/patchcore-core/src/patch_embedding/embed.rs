//! Feature maps to embedding rows, as Burn tensor operations.

use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions, PadMode};
use burn::tensor::{Device, Int, Tensor, TensorData};

use patchcore_config::{EmbeddingRule, Grid};
use patchcore_cpu::embedding::TapTable;

/// One level's taps as tensors: round `t` adds `weight[t] * unfolded[index[t]]`.
#[derive(Debug, Clone)]
struct Level {
    first: usize,
    patch_size: usize,
    rounds: Vec<(Tensor<1, Int>, Tensor<4>)>,
}

/// The linear map from feature maps to embedding rows.
#[derive(Debug, Clone)]
pub struct PatchEmbedding {
    dim: usize,
    levels: Vec<Level>,
    /// Which of the levels has the grid of the rows.
    grid: usize,
    /// Cells a side of each level that become one of the grid; 1 for a level that is not finer.
    ratios: Vec<usize>,
}

impl PatchEmbedding {
    /// Prepares the tap tables of levels with so many channels on a device, for patches of `patch_size` cells a side.
    ///
    /// # Panics
    /// For an even `patch_size`, as [`TapTable::for_levels`].
    pub fn new(rule: EmbeddingRule, patch_size: usize, channels: &[usize], device: &Device) -> Self {
        let tables = TapTable::for_levels(rule, patch_size, channels);
        let dim = tables.iter().map(|table| table.first + table.outputs.len()).max().unwrap_or(0);
        let levels = tables.iter().zip(channels);
        let levels = levels.map(|(table, channels)| Level::new(table, patch_size, *channels, device)).collect();
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

    /// Values per row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Embedding rows of a batch: image by image, each grid row by row.
    ///
    /// # Shapes
    /// - `levels`: per level `[n, channels, height, width]`, the finest first
    /// - result: `[n * grid cells, dim]`, and the grid; `None` for no level
    pub fn forward(&self, levels: &[Tensor<4>]) -> Option<(Tensor<2>, Grid)> {
        let grid = match levels.get(self.grid).map(Tensor::dims) {
            Some([_, _, rows, columns]) => Grid { rows, columns },
            None => Grid { rows: 0, columns: 0 },
        };
        let mut parts: Vec<(usize, Tensor<4>)> = Vec::new();
        for ((level, ratio), features) in self.levels.iter().zip(&self.ratios).zip(levels) {
            let mut part = level.aggregate(average_onto(features.clone(), grid, *ratio));
            let [_, _, rows, columns] = part.dims();
            if (rows, columns) != (grid.rows, grid.columns) {
                let options = InterpolateOptions::new(InterpolateMode::Bilinear)
                    .with_align_corners(false)
                    .with_output_size([grid.rows, grid.columns]);
                part = interpolate(part, options);
            }
            parts.push((level.first, part));
        }
        let n = levels.first().map_or(0, |level| level.dims()[0]);
        let rows = assemble(parts, self.dim)?.permute([0, 2, 3, 1]).reshape([n * grid.cells(), self.dim]);
        Some((rows, grid))
    }
}

/// A finer map on a grid: the mean of the `ratio` x `ratio` cells that lie in each cell of the grid, of those that are there at the right
/// and lower edge. With a ratio of 1 the map stays as it is.
fn average_onto(map: Tensor<4>, grid: Grid, ratio: usize) -> Tensor<4> {
    let [_, _, height, width] = map.dims();
    if ratio == 1 {
        return map;
    }
    // Padded to whole cells by zeros that do not count: the sum over all is divided by how many are there.
    let (below, right) = (grid.rows * ratio - height, grid.columns * ratio - width);
    let sums = |map: Tensor<4>| {
        let padded = map.pad((0, right, 0, below), PadMode::Constant(0.0));
        let [n, channels, ..] = padded.dims();
        let cells = padded.reshape([n, channels, grid.rows, ratio, grid.columns, ratio]);
        cells.sum_dim(5).sum_dim(3).reshape([n, channels, grid.rows, grid.columns])
    };
    let counts = sums(Tensor::ones([1, 1, height, width], &map.device()));
    sums(map) / counts
}

/// Puts the levels' channels side by side; where two levels share an output value, their parts are added.
fn assemble(parts: Vec<(usize, Tensor<4>)>, dim: usize) -> Option<Tensor<4>> {
    let widths: usize = parts.iter().map(|(_, part)| part.dims()[1]).sum();
    if widths == dim {
        return Some(Tensor::cat(parts.into_iter().map(|(_, part)| part).collect(), 1));
    }
    let filled = parts.into_iter().map(|(first, part)| {
        let [n, width, rows, columns] = part.dims();
        let zeros = |channels: usize| Tensor::zeros([n, channels, rows, columns], &part.device());
        let (before, after) = (zeros(first), zeros(dim - first - width));
        let pieces = [before, part.clone(), after].into_iter().filter(|piece| piece.dims()[1] > 0);
        Tensor::cat(pieces.collect(), 1)
    });
    filled.reduce(|sum, part| sum + part)
}

impl Level {
    fn new(table: &TapTable, patch_size: usize, channels: usize, device: &Device) -> Self {
        let width = table.outputs.len();
        let rounds = (0..table.depth())
            .map(|round| {
                // An output with fewer taps adds zero times its first neighbour.
                let taps = || table.outputs.iter().map(|taps| taps.get(round).copied());
                let index = taps().map(|tap| tap.map_or(0, |tap| (tap.neighbor * channels + tap.channel) as i32));
                let weight = taps().map(|tap| tap.map_or(0.0, |tap| tap.weight));
                (
                    Tensor::from_data(TensorData::new(index.collect(), [width]), device),
                    Tensor::from_data(TensorData::new(weight.collect(), [1, width, 1, 1]), device),
                )
            })
            .collect();
        Self { first: table.first, patch_size, rounds }
    }

    /// `[n, channels, h, w]` to `[n, outputs, h, w]`: the taps over the zero-padded patch of every cell.
    fn aggregate(&self, features: Tensor<4>) -> Tensor<4> {
        let [n, channels, height, width] = features.dims();
        let (side, margin) = (self.patch_size, self.patch_size / 2);
        let padded = features.pad((margin, margin, margin, margin), PadMode::Constant(0.0));
        let window = |neighbor: usize| {
            let (dy, dx) = (neighbor / side, neighbor % side);
            padded.clone().slice([0..n, 0..channels, dy..dy + height, dx..dx + width])
        };
        let unfolded = Tensor::cat((0..side * side).map(window).collect(), 1);
        let terms =
            self.rounds.iter().map(|(index, weight)| unfolded.clone().select(1, index.clone()) * weight.clone());
        match terms.reduce(|sum, term| sum + term) {
            Some(sum) => sum,
            None => unfolded.slice([0..n, 0..0, 0..height, 0..width]),
        }
    }
}
