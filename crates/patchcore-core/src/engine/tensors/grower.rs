//! The growth of maps on a device.

use std::sync::Arc;

use burn::tensor::Tensor;

use crate::device::{ComputeDevice, guarded};
use crate::engine::interface::{Grower, MapSpec};
use crate::error::DeviceError;
#[cfg(feature = "cube")]
use crate::scoring::GrownAxis;
use crate::scoring::axis_matrices;
#[cfg(feature = "cube")]
use patchcore_cpu::map::Banded;

/// What an error of the device says was being done.
const OPERATION: &str = "anomaly map";

/// The two matrices of a map on a device.
#[derive(Debug, Clone)]
pub(crate) struct TensorGrower {
    device: ComputeDevice,
    map: MapSpec,
    matrices: Arc<Matrices>,
}

#[derive(Debug)]
enum Matrices {
    /// `[1, height, grid rows]` and `[1, grid columns, width]`, for Burn's products.
    Dense(Box<[Tensor<3>; 2]>),
    /// Of rows and of columns, for the kernel.
    #[cfg(feature = "cube")]
    Banded(Box<[GrownAxis; 2]>),
}

impl TensorGrower {
    pub(super) fn new(map: &MapSpec, device: &ComputeDevice) -> Result<Self, DeviceError> {
        let [vertical, horizontal] = axis_matrices(map);
        #[cfg(feature = "cube")]
        if device.has_cube_kernels() {
            let axis = |matrix: &Banded| Ok::<_, DeviceError>(GrownAxis::new(matrix, device.burn()?));
            let matrices = Matrices::Banded(Box::new([axis(&vertical)?, axis(&horizontal.transposed())?]));
            return Ok(Self { device: device.clone(), map: *map, matrices: Arc::new(matrices) });
        }
        let vertical = device.tensor(vertical.to_dense(), [1, map.height, map.grid.rows])?;
        let horizontal = device.tensor(horizontal.to_dense(), [1, map.grid.columns, map.width])?;
        Ok(Self {
            device: device.clone(),
            map: *map,
            matrices: Arc::new(Matrices::Dense(Box::new([vertical, horizontal]))),
        })
    }

    /// The map that it grows.
    #[cfg(feature = "cube")]
    pub(super) fn map(&self) -> MapSpec {
        self.map
    }

    /// The maps of a batch: `[images, grid rows, grid columns]` to `[images, height, width]`, on the device.
    pub(crate) fn grow_on_device(&self, patch_scores: Tensor<3>) -> Tensor<3> {
        let [images, rows, columns] = patch_scores.dims();
        match self.matrices.as_ref() {
            Matrices::Dense(matrices) => {
                let [vertical, horizontal] = matrices.as_ref().clone().map(|matrix| matrix.repeat_dim(0, images));
                vertical.matmul(patch_scores).matmul(horizontal)
            }
            #[cfg(feature = "cube")]
            Matrices::Banded(axes) => {
                let [vertical, horizontal] = axes.as_ref();
                let wide = horizontal.grow(patch_scores.reshape([images * rows * columns]), 1);
                vertical.grow(wide, self.map.width).reshape([images, self.map.height, self.map.width])
            }
        }
    }
}

impl Grower for TensorGrower {
    fn grow(&self, patch_scores: &[f32], map: &mut Vec<f32>) -> Result<(), DeviceError> {
        let grid = self.map.grid;
        *map = guarded(&self.device, OPERATION, || {
            let scores = self.device.tensor(patch_scores.to_vec(), [1, grid.rows, grid.columns])?;
            let grown = self.grow_on_device(scores).try_into_vec_as::<f32>();
            grown.map_err(|error| self.device.failed(OPERATION, error))
        })?;
        Ok(())
    }
}
