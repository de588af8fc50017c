//! The anomaly map: patch scores grown to the input's size and smoothed.
//!
//! Growing (bilinear or nearest) and smoothing (Gaussian, any reflecting border) are linear and separable, so
//! together they are two small matrices: `map = A · scores · Bᵀ`, with `A` `[height, grid rows]` and `B`
//! `[width, grid columns]`. A 28 x 28 grid grown to 224 x 224 costs 1.6 million multiplications instead of 3.3 million
//! for the Gaussian alone, and is one pair of matrix products on any device. The literal steps stand in `oracle.rs`.

#![allow(clippy::indexing_slicing, reason = "matrix indices run over the extents they were allocated with")]

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::GAUSSIAN_SIGMA;
use crate::device::{ComputeDevice, guarded};
use crate::error::DeviceError;
use patchcore_config::{Border, Grid, Upsampling};

/// One score per pixel of the network's input.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AnomalyMap {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Scores in the unit of the model's distance, row-major `[height, width]`.
    pub scores: Vec<f32>,
}

impl AnomalyMap {
    /// The largest score; 0 for an empty map.
    pub fn max(&self) -> f32 {
        self.scores.iter().copied().reduce(f32::max).unwrap_or(0.0)
    }
}

/// The two matrices for one grid and one input size.
#[derive(Debug, Clone)]
pub struct MapGrower {
    grid: Grid,
    height: usize,
    width: usize,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    /// `[1, height, grid rows]` and `[1, grid columns, width]`.
    Tensors(Box<[Tensor<3>; 2]>),
    /// `[height, grid rows]` and `[grid columns, width]`.
    Cpu { vertical: Vec<f32>, horizontal: Vec<f32> },
}

impl MapGrower {
    /// Prepares the matrices on a device.
    pub fn new(
        grid: Grid,
        (height, width): (usize, usize),
        upsampling: Upsampling,
        border: Border,
        device: &ComputeDevice,
    ) -> Self {
        let vertical = axis_matrix(grid.rows, height, upsampling, border);
        let by_pixel = axis_matrix(grid.columns, width, upsampling, border);
        let mut horizontal = vec![0.0; by_pixel.len()];
        for pixel in 0..width {
            for cell in 0..grid.columns {
                horizontal[cell * width + pixel] = by_pixel[pixel * grid.columns + cell];
            }
        }
        let body = if device.is_cpu() {
            Body::Cpu { vertical, horizontal }
        } else {
            Self::tensors(grid, (height, width), vertical, horizontal, device)
        };
        Self { grid, height, width, body }
    }

    fn tensors(
        grid: Grid,
        (height, width): (usize, usize),
        vertical: Vec<f32>,
        horizontal: Vec<f32>,
        device: &ComputeDevice,
    ) -> Body {
        let vertical = TensorData::new(vertical, [1, height, grid.rows]);
        let horizontal = TensorData::new(horizontal, [1, grid.columns, width]);
        Body::Tensors(Box::new([vertical, horizontal].map(|matrix| Tensor::from_data(matrix, device.burn()))))
    }

    /// The same matrices with the body of tensor operations, whatever the device.
    #[cfg(test)]
    pub(super) fn in_tensors(self, device: &ComputeDevice) -> Self {
        let Body::Cpu { vertical, horizontal } = self.body else { return self };
        let body = Self::tensors(self.grid, (self.height, self.width), vertical, horizontal, device);
        Self { body, ..self }
    }

    /// Whether these matrices serve such a grid and input size.
    pub fn fits(&self, grid: Grid, (height, width): (usize, usize)) -> bool {
        (self.grid, self.height, self.width) == (grid, height, width)
    }

    /// The map of one image, written over `map`. `patch_scores`: `[grid rows, grid columns]`, row-major.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    pub fn grow_into(
        &self,
        patch_scores: &[f32],
        device: &ComputeDevice,
        map: &mut AnomalyMap,
    ) -> Result<(), DeviceError> {
        (map.width, map.height) = (self.width, self.height);
        match &self.body {
            Body::Tensors(_) => {
                let scores = device.tensor(patch_scores.to_vec(), [1, self.grid.rows, self.grid.columns]);
                map.scores = guarded(device, "anomaly map", || {
                    let grown = self.grow_on_device(scores).map(Tensor::try_into_vec_as::<f32>).transpose();
                    grown.map_err(|error| device.failed("anomaly map", error))
                })?
                .unwrap_or_default();
            }
            Body::Cpu { vertical, horizontal } => {
                let Grid { rows, columns } = self.grid;
                map.scores.clear();
                map.scores.resize(self.height * self.width, 0.0);
                // A line of the map is a mix of the grid's lines, then of the columns' curves. Lines are independent.
                map.scores.par_chunks_exact_mut(self.width.max(1)).enumerate().for_each(|(y, line)| {
                    for column in 0..columns {
                        let mixed: f32 =
                            (0..rows).map(|row| vertical[y * rows + row] * patch_scores[row * columns + column]).sum();
                        let curve = &horizontal[column * self.width..(column + 1) * self.width];
                        for (score, weight) in line.iter_mut().zip(curve) {
                            *score += mixed * weight;
                        }
                    }
                });
            }
        }
        Ok(())
    }
}

impl MapGrower {
    /// The maps of a batch on the device: `[images, grid rows, grid columns]` to `[images, height, width]`; `None` for
    /// a grower of the CPU.
    pub(crate) fn grow_on_device(&self, patch_scores: Tensor<3>) -> Option<Tensor<3>> {
        let Body::Tensors(matrices) = &self.body else { return None };
        let [images, _, _] = patch_scores.dims();
        let [vertical, horizontal] = matrices.as_ref().clone().map(|matrix| matrix.repeat_dim(0, images));
        Some(vertical.matmul(patch_scores).matmul(horizontal))
    }
}

/// Gaussian times upsampling along one axis: `[pixels, cells]`, row-major.
fn axis_matrix(cells: usize, pixels: usize, upsampling: Upsampling, border: Border) -> Vec<f32> {
    let mut grow = vec![0.0f64; pixels * cells];
    for pixel in 0..pixels {
        match upsampling {
            Upsampling::Nearest => grow[pixel * cells + pixel * cells / pixels] = 1.0,
            Upsampling::Bilinear => {
                let source = ((pixel as f64 + 0.5) * cells as f64 / pixels as f64 - 0.5).max(0.0);
                let low = (source as usize).min(cells - 1);
                let high = (low + 1).min(cells - 1);
                grow[pixel * cells + low] += 1.0 - (source - low as f64);
                grow[pixel * cells + high] += source - low as f64;
            }
        }
    }
    let kernel = gaussian_kernel();
    let radius = (kernel.len() / 2) as isize;
    let mut matrix = vec![0.0f64; pixels * cells];
    for pixel in 0..pixels {
        for (offset, weight) in (-radius..).zip(&kernel) {
            let source = reflect(pixel as isize + offset, pixels, border);
            for cell in 0..cells {
                matrix[pixel * cells + cell] += weight * grow[source * cells + cell];
            }
        }
    }
    matrix.into_iter().map(|weight| weight as f32).collect()
}

/// Normalised Gaussian cut at four standard deviations: 33 weights.
pub(super) fn gaussian_kernel() -> Vec<f64> {
    let radius = (4.0 * GAUSSIAN_SIGMA + 0.5) as i32;
    let weights: Vec<f64> =
        (-radius..=radius).map(|x| (-0.5 * f64::from(x * x) / (GAUSSIAN_SIGMA * GAUSSIAN_SIGMA)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// The pixel that stands for a position beyond the edge, however far.
pub(super) fn reflect(position: isize, pixels: usize, border: Border) -> usize {
    let n = pixels as isize;
    match border {
        Border::ReflectEdgeRepeated => {
            let folded = position.rem_euclid(2 * n);
            (if folded < n { folded } else { 2 * n - 1 - folded }) as usize
        }
        Border::ReflectEdgeOnce if n == 1 => 0,
        Border::ReflectEdgeOnce => {
            let folded = position.rem_euclid(2 * (n - 1));
            (if folded < n { folded } else { 2 * (n - 1) - folded }) as usize
        }
    }
}
