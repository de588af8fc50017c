//! A backbone with its weights on a device: normalised images in, feature maps out.
//!
//! The implementation here is Burn tensor operations, one per step of the [`Plan`]; every device can run it, and it is the
//! reference for the kernels of the CPU in [`patchcore_cpu::network`].

use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::backbone::verify_weights;
use crate::device::Precision;
use crate::error::BackboneError;
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
    convs: Vec<ConvTensors>,
}

impl Network {
    /// Puts the weights on a device, in the precision in which it is to compute. Tensors that the plan does not need are
    /// ignored.
    ///
    /// # Errors
    /// What [`verify_weights`] finds.
    pub fn new(
        backbone: &str,
        plan: Plan,
        weights: &BackboneWeights,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, BackboneError> {
        verify_weights(backbone, &plan, weights)?;
        let tensor = |name: String| weights.tensors.get(&name).cloned().unwrap_or_default();
        let convs = plan
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Conv(conv) => Some(conv),
                Step::MaxPool { .. } => None,
            })
            .map(|conv| {
                let weight = tensor(format!("{}.weight", conv.name));
                let bias = tensor(format!("{}.bias", conv.name));
                ConvTensors {
                    weight: precision.of(Tensor::from_data(TensorData::new(weight.data, weight.shape), device)),
                    bias: precision.of(Tensor::from_data(TensorData::new(bias.data, bias.shape), device)),
                }
            })
            .collect();
        Ok(Self { plan, precision, convs })
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
        let last_uses = self.plan.last_uses();
        let mut slots: Vec<Option<Tensor<4>>> = vec![None; self.plan.slots];
        let mut convs = self.convs.iter();
        store(&mut slots, 0, self.precision.of(images));
        for (index, step) in self.plan.steps.iter().enumerate() {
            // A slot is taken for good at its last use, so that its memory can be reused in place.
            let mut read = |slot: usize| {
                let last = last_uses.get(slot).copied() == Some(index);
                slots.get_mut(slot).and_then(|entry| if last { entry.take() } else { entry.clone() })
            };
            match step {
                Step::Conv(conv) => {
                    let (add, from) = (conv.add.and_then(&mut read), read(conv.from));
                    if let (Some(from), Some(tensors)) = (from, convs.next()) {
                        store(&mut slots, conv.to, run_conv(conv, tensors, from, add));
                    }
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
