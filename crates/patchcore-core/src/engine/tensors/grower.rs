//! The growth of maps on a device.

use burn::tensor::Tensor;

use crate::device::{ComputeDevice, guarded};
use crate::engine::interface::{Grower, MapSpec};
use crate::error::DeviceError;
use crate::scoring::axis_matrices;

/// What an error of the device says was being done.
const OPERATION: &str = "anomaly map";

/// The two matrices of a map on a device.
#[derive(Debug)]
pub(crate) struct TensorGrower {
    device: ComputeDevice,
    map: MapSpec,
    /// `[1, height, grid rows]` and `[1, grid columns, width]`.
    matrices: [Tensor<3>; 2],
}

impl TensorGrower {
    pub(super) fn new(map: &MapSpec, device: &ComputeDevice) -> Result<Self, DeviceError> {
        let [vertical, horizontal] = axis_matrices(map).map(|matrix| matrix.to_dense());
        let vertical = device.tensor(vertical, [1, map.height, map.grid.rows])?;
        let horizontal = device.tensor(horizontal, [1, map.grid.columns, map.width])?;
        Ok(Self { device: device.clone(), map: *map, matrices: [vertical, horizontal] })
    }

    /// The maps of a batch: `[images, grid rows, grid columns]` to `[images, height, width]`, on the device.
    pub(crate) fn grow_on_device(&self, patch_scores: Tensor<3>) -> Tensor<3> {
        let [images, _, _] = patch_scores.dims();
        let [vertical, horizontal] = self.matrices.clone().map(|matrix| matrix.repeat_dim(0, images));
        vertical.matmul(patch_scores).matmul(horizontal)
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
