//! A backbone with its weights on a device: normalised images in, feature maps out.
//!
//! The implementation here is Burn tensor operations, one per step of the [`Plan`]; every device can run it, and it is the
//! reference for the kernels of the CPU in [`patchcore_cpu::network`] and for those of a GPU, which stand in for it there.

use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, TensorData, activation};

#[cfg(feature = "cube")]
use crate::backbone::cube::KernelNetwork;
use crate::backbone::verify_weights;
use crate::device::{ComputeDevice, Precision};
use crate::error::EngineError;
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::{Activation, ConvStep, Plan, Step};

/// Weight `[out, in / groups, kernel, kernel]` and bias `[out]` of one convolution, on the device.
#[derive(Debug, Clone)]
struct ConvTensors {
    weight: Tensor<4>,
    bias: Tensor<1>,
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
    Operations(Vec<ConvTensors>),
    /// This project's own kernels.
    #[cfg(feature = "cube")]
    Kernels(Box<KernelNetwork>),
}

impl Network {
    /// Puts the weights on a device, in the precision in which it is to compute: for this project's own kernels on a GPU, for Burn's
    /// operations elsewhere. Tensors that the plan does not need are ignored.
    ///
    /// # Errors
    /// What [`verify_weights`] finds, [`EngineError::Device`] for a device without tensors, and [`EngineError::Lacks`] for a plan that
    /// joins maps, halves them by their means, or has a prologue.
    pub fn new(
        backbone: &str,
        plan: Plan,
        weights: &BackboneWeights,
        device: &ComputeDevice,
    ) -> Result<Self, EngineError> {
        #[cfg(feature = "cube")]
        if device.has_cube_kernels() {
            refuse_what_is_lacking(&plan)?;
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
        refuse_what_is_lacking(&plan)?;
        verify_weights(backbone, &plan, weights)?;
        let (burn, precision) = (device.burn()?, device.precision());
        let tensor = |name: String| weights.tensors.get(&name).cloned().unwrap_or_default();
        let convs = plan.convolutions().map(|conv| {
            let (weight, bias) = (tensor(conv.weight_name()), tensor(conv.bias_name()));
            ConvTensors {
                weight: precision.of(Tensor::from_data(TensorData::new(weight.data, weight.shape), burn)),
                bias: precision.of(Tensor::from_data(TensorData::new(bias.data, bias.shape), burn)),
            }
        });
        let runs = Runs::Operations(convs.collect());
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
            Runs::Operations(convs) => self.by_operations(convs, images),
            #[cfg(feature = "cube")]
            Runs::Kernels(kernels) => {
                let maps = kernels.maps(images);
                let planes = maps.taps.iter().map(|(start, shape)| maps.planes(*start, *shape));
                planes.map(|map| self.precision.back(map)).collect()
            }
        }
    }

    fn by_operations(&self, convs: &[ConvTensors], images: Tensor<4>) -> Vec<Tensor<4>> {
        let last_uses = self.plan.last_uses();
        let mut slots: Vec<Option<Tensor<4>>> = vec![None; self.plan.slots];
        let mut convs = convs.iter();
        store(&mut slots, 0, self.precision.of(images));
        for (index, step) in self.plan.steps.iter().enumerate() {
            // A slot is taken for good at its last use, so that its memory can be reused in place.
            let mut read = |slot: usize| {
                let last = last_uses.get(slot).copied() == Some(index);
                slots.get_mut(slot).and_then(|entry| if last { entry.take() } else { entry.clone() })
            };
            match step {
                Step::Conv(conv) => {
                    let from = read(conv.from);
                    // A step may add what it reads: the last read of a slot takes the map.
                    let add = if conv.add == Some(conv.from) { from.clone() } else { conv.add.and_then(&mut read) };
                    if let (Some(from), Some(tensors)) = (from, convs.next()) {
                        store(&mut slots, conv.to, run_conv(conv, tensors, from, add));
                    }
                }
                Step::Concat { .. } | Step::AveragePool { .. } => {
                    unreachable!("`{}` was refused with its plan", step.name())
                }
                Step::MaxPool { from, to } => {
                    if let Some(from) = read(*from) {
                        let options = MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]);
                        store(&mut slots, *to, max_pool2d(from, options));
                    }
                }
            }
        }
        let taps = self.plan.taps.iter().filter_map(|tap| slots.get_mut(tap.slot).and_then(Option::take));
        taps.map(|map| self.precision.back(map)).collect()
    }
}

/// Refuses a plan with steps that have no tensor operations here.
fn refuse_what_is_lacking(plan: &Plan) -> Result<(), EngineError> {
    let is_lacking =
        |step: &&Step| step.prologue().is_some() || matches!(step, Step::Concat { .. } | Step::AveragePool { .. });
    match plan.steps.iter().find(is_lacking) {
        None => Ok(()),
        Some(step) => Err(EngineError::Lacks { engine: "tensors", operation: format!("the step `{}`", step.name()) }),
    }
}

fn store(slots: &mut [Option<Tensor<4>>], slot: usize, tensor: Tensor<4>) {
    if let Some(entry) = slots.get_mut(slot) {
        *entry = Some(tensor);
    }
}

fn run_conv(conv: &ConvStep, tensors: &ConvTensors, from: Tensor<4>, add: Option<Tensor<4>>) -> Tensor<4> {
    let [_, _, height, width] = from.dims();
    let (top, bottom) = conv.padding.before_after(height, conv.kernel, conv.stride);
    let (left, right) = conv.padding.before_after(width, conv.kernel, conv.stride);
    let mut options = ConvOptions::new([conv.stride; 2], [top, left], [1, 1], conv.groups);
    options.padding = [(top, bottom), (left, right)];
    let mut out = conv2d(from, tensors.weight.clone(), Some(tensors.bias.clone()), options);
    if let Some(add) = add {
        out = out + add;
    }
    match conv.activation {
        Activation::Identity => out,
        Activation::Relu => activation::relu(out),
        Activation::Relu6 => out.clamp(0.0, 6.0),
    }
}
