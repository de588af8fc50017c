//! The network on a device of CubeCL, by kernels of this project's own, as one plan.
//!
//! Maps lie with their channels side by side from the first convolution on, which reads the photo's planes as they are and normalises
//! them; nothing converts a layout. Every step of a [`Plan`](patchcore_config::backbone::plan::Plan) is one launch: prologue, bias, residual sum
//! and activation are in the convolution. Maps that are joined are written where they belong in the larger one, and joining them is no
//! launch, but for what a kernel cannot write or read there (`growing.rs`). No kernel is chosen by measuring: the same photo has the same features on every run.
//!
//! Factors are f32 in the precision `f32`, whatever matrix units the hardware has: sums of products there round nothing but f32. In
//! the others dense convolutions run on matrix units, where a device has them for that format. The tensor operations of [`Network`](super::Network) are the oracle.

mod copy_kernel;
mod depthwise_kernel;
mod growing;
mod kernel_plan;
mod planar_kernel;
mod pool_kernels;
mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Tensor, TensorData};
use burn_cubecl::CubeBackend;
use patchcore_config::BackboneWeights;
use patchcore_config::Normalization;
use patchcore_config::backbone::plan::{MapShape, Plan};

use crate::cube::MatrixUnit;
use crate::device::ComputeDevice;
use crate::error::DeviceError;

pub(crate) use kernel_plan::{KernelPlan, PhotoShape};

/// A plan on a backend of CubeCL.
#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
trait RunPlan: Backend {
    /// The maps of all taps, one after the other.
    #[fusion(dtype = weights, shape = plan.maps_shape(*photos))]
    fn run_plan(
        pixels: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        biases: FloatTensor<Self>,
        normalization: FloatTensor<Self>,
        plan: Arc<KernelPlan>,
        photos: PhotoShape,
    ) -> FloatTensor<Self>;
}

impl RunPlan for CubeBackend {
    fn run_plan(
        pixels: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        biases: FloatTensor<Self>,
        normalization: FloatTensor<Self>,
        plan: Arc<KernelPlan>,
        photos: PhotoShape,
    ) -> FloatTensor<Self> {
        run::run(pixels, run::Parameters { weights, biases, normalization }, &plan, photos)
    }
}

/// A plan and its weights on a device.
#[derive(Debug, Clone)]
pub(crate) struct KernelNetwork {
    plan: Arc<KernelPlan>,
    weights: Tensor<1>,
    biases: Tensor<1>,
    normalization: Tensor<1>,
}

/// The maps of a network's taps: one tensor, and where each map lies in it.
#[derive(Debug, Clone)]
pub(crate) struct DeviceMaps {
    /// All values, `[image, row, column, channel]` of one map after the other.
    pub values: Tensor<1>,
    /// Where each begins, and its shape per photo.
    pub taps: Vec<(usize, MapShape)>,
    /// Photos.
    pub images: usize,
}

impl KernelNetwork {
    /// Puts the weights, which fit the plan, on a device of CubeCL. With a `normalization` the network takes
    /// photos in `[0, 1]`, without it normalised ones.
    ///
    /// # Errors
    /// [`DeviceError::NoTensors`].
    pub(crate) fn new(
        plan: &Plan,
        weights: &BackboneWeights,
        normalization: Option<&Normalization>,
        device: &ComputeDevice,
    ) -> Result<Self, DeviceError> {
        Self::with_unit(plan, weights, normalization, device, MatrixUnit::of(device.precision()))
    }

    /// [`KernelNetwork::new`] with these matrix units, if the device has them.
    fn with_unit(
        plan: &Plan,
        weights: &BackboneWeights,
        normalization: Option<&Normalization>,
        device: &ComputeDevice,
        unit: Option<MatrixUnit>,
    ) -> Result<Self, DeviceError> {
        let burn = device.burn()?;
        let factors = (device.simulated_bits(), unit);
        let (plan, weights, biases) = KernelPlan::pack(plan, weights, normalization.is_some(), factors);
        let tensor = |values: Vec<f32>| {
            let length = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [length]), burn)
        };
        let Normalization { mean, std } =
            normalization.copied().unwrap_or(Normalization { mean: [0.0; 3], std: [1.0; 3] });
        Ok(Self {
            plan: Arc::new(plan),
            weights: device.precision().of(tensor(weights)),
            biases: tensor(biases),
            normalization: tensor([mean, std].concat()),
        })
    }

    /// The maps of photos `[n, planes, height, width]`: as many planes as the network has input channels, or one grey one.
    pub(crate) fn maps(&self, pixels: Tensor<4>) -> DeviceMaps {
        let [images, planes, height, width] = pixels.dims();
        self.maps_of_values(
            pixels.reshape([images * planes * height * width]),
            PhotoShape { images, planes, height, width },
        )
    }

    /// The same of planes that lie one after the other.
    pub(crate) fn maps_of_values(&self, pixels: Tensor<1>, photos: PhotoShape) -> DeviceMaps {
        let values = Dispatch::run_plan(
            pixels.into_dispatch(),
            self.weights.clone().into_dispatch(),
            self.biases.clone().into_dispatch(),
            self.normalization.clone().into_dispatch(),
            Arc::clone(&self.plan),
            photos,
        );
        DeviceMaps { values: Tensor::from_dispatch(values), taps: self.plan.taps(photos), images: photos.images }
    }
}

impl DeviceMaps {
    /// The map of a tap as `[images, channels, height, width]`.
    pub(crate) fn planes(&self, start: usize, shape: MapShape) -> Tensor<4> {
        let MapShape { channels, height, width } = shape;
        let values = self.values.clone().slice(start..start + self.images * channels * height * width);
        values.reshape([self.images, height, width, channels]).permute([0, 3, 1, 2])
    }
}
