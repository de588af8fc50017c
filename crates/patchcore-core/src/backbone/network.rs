//! A backbone with its weights on a device: normalised images in, feature maps out.
//!
//! The implementation here is Burn tensor operations, one per step of the [`Plan`]; every device can run it, and it is the
//! reference for the kernels of the CPU in [`patchcore_cpu::network`] and for those of a GPU, which stand in for it there.

use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, TensorData, activation};

#[cfg(feature = "cube")]
use crate::backbone::cube::KernelNetwork;
use crate::backbone::verify_weights;
use crate::device::{ComputeDevice, Precision};
use crate::error::EngineError;
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::{Activation, ConvStep, Plan, Step};

/// The tensors of one step, on the device.
#[derive(Debug, Clone, Default)]
struct StepTensors {
    /// Weight `[out, in / groups, kernel, kernel]` and bias `[out]` of a convolution.
    conv: Option<(Tensor<4>, Tensor<1>)>,
    /// Scale and shift of a prologue, `[1, channels, 1, 1]` each.
    prologue: Option<(Tensor<4>, Tensor<4>)>,
}

/// The frozen network up to its deepest tap.
#[derive(Debug, Clone)]
pub struct Network {
    plan: Plan,
    precision: Precision,
    runs: Runs,
}

/// What runs a plan.
#[derive(Debug, Clone)]
enum Runs {
    /// Burn's operations.
    Operations(Vec<StepTensors>),
    /// This project's own kernels.
    #[cfg(feature = "cube")]
    Kernels(Box<KernelNetwork>),
}

impl Network {
    /// Puts the weights on a device, in the precision in which it is to compute: for this project's own kernels on a GPU, for Burn's
    /// operations elsewhere. Tensors that the plan does not need are ignored.
    ///
    /// # Errors
    /// What [`verify_weights`] finds, and [`EngineError::Device`] for a device without tensors.
    pub fn new(
        backbone: &str,
        plan: Plan,
        weights: &BackboneWeights,
        device: &ComputeDevice,
    ) -> Result<Self, EngineError> {
        #[cfg(feature = "cube")]
        if device.has_cube_kernels() {
            verify_weights(backbone, &plan, weights)?;
            let kernels = KernelNetwork::new(&plan, weights, None, device)?;
            return Ok(Self { plan, precision: device.precision(), runs: Runs::Kernels(Box::new(kernels)) });
        }
        Self::of_operations(backbone, plan, weights, device)
    }

    /// [`Network::new`] for Burn's operations on any device: what the kernels are compared with.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn of_operations(
        backbone: &str,
        plan: Plan,
        weights: &BackboneWeights,
        device: &ComputeDevice,
    ) -> Result<Self, EngineError> {
        verify_weights(backbone, &plan, weights)?;
        let (burn, precision) = (device.burn()?, device.precision());
        let data = |name: String| {
            let tensor = weights.tensors.get(&name).cloned().unwrap_or_default();
            TensorData::new(tensor.data, tensor.shape)
        };
        let values = |name: String| precision.of(Tensor::<1>::from_data(data(name), burn));
        let of_channels = |name: String| {
            let tensor = values(name);
            let [channels] = tensor.dims();
            tensor.reshape([1, channels, 1, 1])
        };
        let tensors = plan.steps.iter().map(|step| StepTensors {
            conv: step.conv().map(|conv| {
                (precision.of(Tensor::from_data(data(conv.weight_name()), burn)), values(conv.bias_name()))
            }),
            prologue: step.prologue().map(|_| (of_channels(step.scale_name()), of_channels(step.shift_name()))),
        });
        let runs = Runs::Operations(tensors.collect());
        Ok(Self { plan, precision, runs })
    }

    /// The steps that are executed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Feature maps of the taps, in network order.
    ///
    /// # Shapes
    /// - `images`: `[n, 3, height, width]`, normalised, f32
    /// - result: per tap, f32, `[n, channels, ceil(height / stride), ceil(width / stride)]`
    pub fn forward(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        match &self.runs {
            Runs::Operations(tensors) => self.by_operations(tensors, images),
            #[cfg(feature = "cube")]
            Runs::Kernels(kernels) => {
                let maps = kernels.maps(images);
                let planes = maps.taps.iter().map(|(start, shape)| maps.planes(*start, *shape));
                planes.map(|map| self.precision.back(map)).collect()
            }
        }
    }

    fn by_operations(&self, tensors: &[StepTensors], images: Tensor<4>) -> Vec<Tensor<4>> {
        let last_uses = self.plan.last_uses();
        let mut slots: Vec<Option<Tensor<4>>> = vec![None; self.plan.slots];
        store(&mut slots, 0, self.precision.of(images));
        for (index, (step, tensors)) in self.plan.steps.iter().zip(tensors).enumerate() {
            // A slot is taken for good at its last use, so that its memory can be reused in place.
            let mut read = |slot: usize| {
                let last = last_uses.get(slot).copied() == Some(index);
                slots.get_mut(slot).and_then(|entry| if last { entry.take() } else { entry.clone() })
            };
            let second = step.add().or(step.with());
            let from = read(step.from());
            // A step may add or join what it reads: the last read of a slot takes the map.
            let other = if second == Some(step.from()) { from.clone() } else { second.and_then(&mut read) };
            // The plan was checked when it was made: what it reads has been written.
            let Some(from) = from else { continue };
            let from = match &tensors.prologue {
                Some((scale, shift)) => activation::relu(from * scale.clone() + shift.clone()),
                None => from,
            };
            let map = match step {
                Step::Conv(conv) => match &tensors.conv {
                    Some((weight, bias)) => run_conv(conv, weight.clone(), bias.clone(), from, other),
                    None => continue,
                },
                Step::MaxPool { .. } => {
                    max_pool2d(from, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]))
                }
                Step::AveragePool { .. } => avg_pool2d(from, AvgPoolOptions::new([2, 2]).with_stride([2, 2])),
                Step::Concat { .. } => Tensor::cat(std::iter::once(from).chain(other).collect(), 1),
            };
            store(&mut slots, step.to(), map);
        }
        let taps = self.plan.taps.iter().filter_map(|tap| slots.get_mut(tap.slot).and_then(Option::take));
        taps.map(|map| self.precision.back(map)).collect()
    }
}

fn store(slots: &mut [Option<Tensor<4>>], slot: usize, tensor: Tensor<4>) {
    if let Some(entry) = slots.get_mut(slot) {
        *entry = Some(tensor);
    }
}

fn run_conv(conv: &ConvStep, weight: Tensor<4>, bias: Tensor<1>, from: Tensor<4>, add: Option<Tensor<4>>) -> Tensor<4> {
    let [_, _, height, width] = from.dims();
    let (top, bottom) = conv.padding.before_after(height, conv.kernel, conv.stride);
    let (left, right) = conv.padding.before_after(width, conv.kernel, conv.stride);
    let mut options = ConvOptions::new([conv.stride; 2], [top, left], [1, 1], conv.groups);
    options.padding = [(top, bottom), (left, right)];
    let mut out = conv2d(from, weight, Some(bias), options);
    if let Some(add) = add {
        out = out + add;
    }
    match conv.activation {
        Activation::Identity => out,
        Activation::Relu => activation::relu(out),
        Activation::Relu6 => out.clamp(0.0, 6.0),
    }
}
