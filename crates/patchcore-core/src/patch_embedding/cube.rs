//! The embedding by CubeCL kernels: maps of all levels to rows, with no layout in between.
//!
//! The level whose grid the rows have goes into the rows directly. A deeper one becomes rows of its own grid first (the taps are
//! linear, and there are fewer cells), and the kernel that writes them into the rows grows them on the way. A finer one is averaged
//! onto the grid before. The tensor operations of [`PatchEmbedding`](super::PatchEmbedding) are the oracle.

use std::sync::Arc;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{DType, Device, Int, Shape, Tensor, TensorData};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use patchcore_config::backbone::plan::MapShape;
use patchcore_config::{EmbeddingRule, Grid};
use patchcore_cpu::embedding::TapTable;

use super::cube_kernel::{STRIP, aggregate_kernel, average_kernel, resize_kernel};
use crate::backbone::cube::DeviceMaps;
use crate::cube::{element, linear, unwritten};

/// One level's share of the rows.
#[derive(Debug, Clone, Copy)]
struct LevelTaps {
    /// First value of a row to which it contributes.
    first: usize,
    /// Values of a row to which it contributes.
    outputs: usize,
    /// Taps of each, the missing ones with weight 0.
    rounds: usize,
    /// Where its taps begin.
    start: usize,
    /// Cells a side that become one of the grid; 1 for a level that is not finer.
    ratio: usize,
}

/// What is computed.
#[derive(Debug, Clone)]
struct EmbeddingPlan {
    levels: Vec<LevelTaps>,
    /// Which of the levels has the grid of the rows.
    grid: usize,
    patch_size: usize,
    dim: usize,
}

/// The maps of a call: photos, and where each level's map begins and its shape.
#[derive(Debug, Clone)]
struct MapPlaces {
    images: usize,
    maps: Vec<(usize, MapShape)>,
    cells: usize,
}

#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
trait EmbedMaps: Backend {
    /// `[images x cells, dim]`.
    #[fusion(dtype = DType::F32, shape = Shape::from([places.images * places.cells, plan.dim]))]
    fn embed_maps(
        maps: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        taps: IntTensor<Self>,
        plan: Arc<EmbeddingPlan>,
        places: MapPlaces,
    ) -> FloatTensor<Self>;
}

impl EmbedMaps for CubeBackend {
    fn embed_maps(
        maps: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        taps: IntTensor<Self>,
        plan: Arc<EmbeddingPlan>,
        places: MapPlaces,
    ) -> FloatTensor<Self> {
        embed(into_contiguous(maps), into_contiguous(weights), into_contiguous(taps), &plan, &places)
    }
}

/// The linear map from feature maps to embedding rows, on a device of CubeCL.
#[derive(Debug, Clone)]
pub(crate) struct KernelEmbedding {
    plan: Arc<EmbeddingPlan>,
    weights: Tensor<1>,
    taps: Tensor<1, Int>,
}

impl KernelEmbedding {
    /// The tap tables of levels with so many channels and these strides, for patches of `patch_size` cells a side; rows lie on the grid
    /// of level `grid`.
    ///
    /// # Panics
    /// For an even `patch_size`, as [`TapTable::for_levels`].
    pub(crate) fn new(
        rule: EmbeddingRule,
        patch_size: usize,
        channels: &[usize],
        (grid, strides): (usize, &[usize]),
        device: &Device,
    ) -> Self {
        let tables = TapTable::for_levels(rule, patch_size, channels);
        let dim = tables.iter().map(|table| table.first + table.outputs.len()).max().unwrap_or(0);
        let on_grid = strides.get(grid).copied().unwrap_or(1);
        let (mut weights, mut taps, mut levels) = (Vec::new(), Vec::new(), Vec::new());
        for (table, stride) in tables.iter().zip(strides) {
            let (rounds, start) = (table.depth(), weights.len());
            for round in 0..rounds {
                for output in &table.outputs {
                    let tap = output.get(round);
                    weights.push(tap.map_or(0.0, |tap| tap.weight));
                    taps.extend(tap.map_or([0, 0], |tap| [tap.channel as i32, tap.neighbor as i32]));
                }
            }
            let (first, outputs) = (table.first, table.outputs.len());
            levels.push(LevelTaps { first, outputs, rounds, start, ratio: (on_grid / stride).max(1) });
        }
        let (of_weights, of_taps) = ([weights.len()], [taps.len()]);
        Self {
            plan: Arc::new(EmbeddingPlan { levels, grid, patch_size, dim }),
            weights: Tensor::from_data(TensorData::new(weights, of_weights), device),
            taps: Tensor::from_data(TensorData::new(taps, of_taps), device),
        }
    }

    /// Rows `[images x grid cells, dim]` of the levels that are these maps of a network, image by image; `None` for no level.
    pub(crate) fn rows(&self, maps: &DeviceMaps, levels: &[usize]) -> Option<(Tensor<2>, Grid)> {
        let taken: Vec<(usize, MapShape)> = levels.iter().filter_map(|level| maps.taps.get(*level)).copied().collect();
        let (_, MapShape { height, width, .. }) = taken.get(self.plan.grid).copied()?;
        let places = MapPlaces { images: maps.images, maps: taken, cells: height * width };
        let rows = Dispatch::embed_maps(
            maps.values.clone().into_dispatch(),
            self.weights.clone().into_dispatch(),
            self.taps.clone().into_dispatch(),
            Arc::clone(&self.plan),
            places,
        );
        Some((Tensor::from_dispatch(rows), Grid { rows: height, columns: width }))
    }
}

fn embed(
    maps: CubeTensor,
    weights: CubeTensor,
    taps: CubeTensor,
    plan: &EmbeddingPlan,
    places: &MapPlaces,
) -> CubeTensor {
    let images = places.images;
    let (_, grid) = places.maps.get(plan.grid).copied().unwrap_or_default();
    let shape = Shape::from([images * places.cells, plan.dim]);
    let rows = empty_device_contiguous_dtype(maps.client.clone(), maps.device.clone(), shape, DType::F32);
    let mut covered = 0;
    for (level, (start, shape)) in plan.levels.iter().zip(&places.maps) {
        let (mut map, mut start, mut shape) = (maps.clone(), *start, *shape);
        if level.ratio > 1 {
            map = average(&map, start, images, shape, grid, level.ratio);
            (start, shape) = (0, MapShape { channels: shape.channels, ..grid });
        }
        if (shape.height, shape.width) == (grid.height, grid.width) {
            let to = RowsPlace { rows: &rows, stride: plan.dim, first: level.first, covered };
            aggregate(&map, start, images, shape, (&weights, &taps), level, plan.patch_size, to);
        } else {
            let own = unwritten(&rows, images * shape.height * shape.width * level.outputs, DType::F32);
            let to = RowsPlace { rows: &own, stride: level.outputs, first: 0, covered: 0 };
            aggregate(&map, start, images, shape, (&weights, &taps), level, plan.patch_size, to);
            let to = RowsPlace { rows: &rows, stride: plan.dim, first: level.first, covered };
            resize(&own, images, level.outputs, shape, grid, to);
        }
        covered = covered.max(level.first + level.outputs);
    }
    rows
}

/// Where a level's values go: rows of a width, from a value on; values before `covered` are there already and added to.
struct RowsPlace<'a> {
    rows: &'a CubeTensor,
    stride: usize,
    first: usize,
    covered: usize,
}

#[allow(clippy::too_many_arguments, reason = "a map, its taps, and where its values go")]
fn aggregate(
    map: &CubeTensor,
    start: usize,
    images: usize,
    shape: MapShape,
    (weights, taps): (&CubeTensor, &CubeTensor),
    level: &LevelTaps,
    patch_size: usize,
    to: RowsPlace<'_>,
) {
    let units = images * shape.height * shape.width.div_ceil(STRIP) * level.outputs;
    let (cubes, dim) = linear(units);
    aggregate_kernel::launch(
        &map.client,
        cubes,
        dim,
        map.clone().into_buffer_arg(),
        taps.clone().into_buffer_arg(),
        weights.clone().into_buffer_arg(),
        to.rows.clone().into_buffer_arg(),
        start,
        level.start,
        units,
        level.outputs,
        level.rounds,
        shape.channels,
        shape.height,
        shape.width,
        patch_size,
        to.stride,
        to.first,
        to.covered,
        element(map),
    );
}

fn resize(own: &CubeTensor, images: usize, outputs: usize, deep: MapShape, grid: MapShape, to: RowsPlace<'_>) {
    let units = images * grid.height * grid.width * outputs;
    let (cubes, dim) = linear(units);
    resize_kernel::launch(
        &own.client,
        cubes,
        dim,
        own.clone().into_buffer_arg(),
        to.rows.clone().into_buffer_arg(),
        units,
        outputs,
        deep.height,
        deep.width,
        grid.height,
        grid.width,
        to.stride,
        to.first,
        to.covered,
    );
}

/// A finer map on the grid, in f32.
fn average(map: &CubeTensor, start: usize, images: usize, fine: MapShape, grid: MapShape, ratio: usize) -> CubeTensor {
    let units = images * grid.height * grid.width * fine.channels;
    let averaged = unwritten(map, units, DType::F32);
    let (cubes, dim) = linear(units);
    average_kernel::launch(
        &map.client,
        cubes,
        dim,
        map.clone().into_buffer_arg(),
        averaged.clone().into_buffer_arg(),
        start,
        units,
        fine.channels,
        fine.height,
        fine.width,
        grid.height,
        grid.width,
        ratio,
        element(map),
    );
    averaged
}
