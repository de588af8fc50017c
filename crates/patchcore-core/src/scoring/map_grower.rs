//! The anomaly map: patch scores grown to the input's size and smoothed.
//!
//! Growing (bilinear or nearest) and smoothing (Gaussian, any reflecting border) are linear and separable, so
//! together they are two small matrices: `map = A · scores · Bᵀ`, with `A` `[height, grid rows]` and `B`
//! `[width, grid columns]`. A 28 x 28 grid grown to 224 x 224 costs 1.6 million multiplications instead of 3.3 million
//! for the Gaussian alone, and is one pair of matrix products on any device. The literal steps stand in `oracle.rs`.

#![allow(clippy::indexing_slicing, reason = "matrix indices run over the extents they were allocated with")]

#[cfg(feature = "burn")]
use burn::tensor::Tensor;

use super::AnomalyMap;
use super::axis_matrix::axis_matrix;
use crate::device::ComputeDevice;
#[cfg(feature = "burn")]
use crate::device::guarded;
use crate::error::DeviceError;
use patchcore_config::{Border, Grid, Smoothing, Upsampling};

/// What an error of the device says was being done.
#[cfg(feature = "burn")]
const OPERATION: &str = "anomaly map";

/// The two matrices for one grid and one input size.
#[derive(Debug, Clone)]
pub struct MapGrower {
    grid: Grid,
    height: usize,
    width: usize,
    implementation: Implementation,
}

#[derive(Debug, Clone)]
enum Implementation {
    #[cfg(feature = "burn")]
    /// `[1, height, grid rows]` and `[1, grid columns, width]`.
    Tensors(Box<[Tensor<3>; 2]>),
    /// `[height, grid rows]` and `[grid columns, width]`.
    Cpu { vertical: Vec<f32>, horizontal: Vec<f32> },
}

impl MapGrower {
    /// Prepares the matrices on a device.
    ///
    /// # Errors
    /// [`DeviceError`] where the device cannot take them.
    pub fn new(
        grid: Grid,
        (height, width): (usize, usize),
        upsampling: Upsampling,
        border: Border,
        smoothing: Smoothing,
        device: &ComputeDevice,
    ) -> Result<Self, DeviceError> {
        let vertical = axis_matrix(grid.rows, height, upsampling, border, smoothing);
        let by_pixel = axis_matrix(grid.columns, width, upsampling, border, smoothing);
        let mut horizontal = vec![0.0; by_pixel.len()];
        for pixel in 0..width {
            for cell in 0..grid.columns {
                horizontal[cell * width + pixel] = by_pixel[pixel * grid.columns + cell];
            }
        }
        let on_cpu = Self { grid, height, width, implementation: Implementation::Cpu { vertical, horizontal } };
        if device.is_cpu() { Ok(on_cpu) } else { on_cpu.uploaded(device) }
    }

    /// The same matrices for tensor operations.
    #[cfg(feature = "burn")]
    pub(super) fn uploaded(self, device: &ComputeDevice) -> Result<Self, DeviceError> {
        let Implementation::Cpu { vertical, horizontal } = self.implementation else { return Ok(self) };
        let Self { grid, height, width, .. } = self;
        let matrices = guarded(device, OPERATION, || {
            let vertical = device.tensor(vertical, [1, height, grid.rows])?;
            let horizontal = device.tensor(horizontal, [1, grid.columns, width])?;
            Ok::<_, DeviceError>(Box::new([vertical, horizontal]))
        });
        Ok(Self { grid, height, width, implementation: Implementation::Tensors(matrices?) })
    }

    #[cfg(not(feature = "burn"))]
    fn uploaded(self, device: &ComputeDevice) -> Result<Self, DeviceError> {
        Err(device.without_burn())
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
        match &self.implementation {
            #[cfg(feature = "burn")]
            Implementation::Tensors(_) => {
                map.scores = guarded(device, OPERATION, || {
                    let scores = device.tensor(patch_scores.to_vec(), [1, self.grid.rows, self.grid.columns])?;
                    let grown = self.grow_on_device(scores).map(Tensor::try_into_vec_as::<f32>).transpose();
                    grown.map_err(|error| device.failed(OPERATION, error))
                })?
                .unwrap_or_default();
            }
            Implementation::Cpu { vertical, horizontal } => {
                let size = (self.height, self.width);
                patchcore_cpu::map::grow_map(patch_scores, self.grid, vertical, horizontal, size, &mut map.scores);
                let _ = device;
            }
        }
        Ok(())
    }
}

#[cfg(feature = "burn")]
impl MapGrower {
    /// The maps of a batch on the device: `[images, grid rows, grid columns]` to `[images, height, width]`; `None` for
    /// a grower of the CPU.
    pub(crate) fn grow_on_device(&self, patch_scores: Tensor<3>) -> Option<Tensor<3>> {
        let Implementation::Tensors(matrices) = &self.implementation else { return None };
        let [images, _, _] = patch_scores.dims();
        let [vertical, horizontal] = matrices.as_ref().clone().map(|matrix| matrix.repeat_dim(0, images));
        Some(vertical.matmul(patch_scores).matmul(horizontal))
    }
}
