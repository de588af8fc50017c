//! One layer of a network on a device, against plain loops in f64: what the self-check and a model's own shapes are asked with.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

use std::fmt;

use patchcore_config::backbone::plan::{Activation, ConvStep, MapShape, Padding, Plan, Step, Tap};
use patchcore_config::{BackboneWeights, NamedTensor};

use super::expected_values::{ConvInput, convolution, sampled};
use super::reference::{deviation, values};
use crate::error::DeviceError;

/// Computes a plan: images `[n, channels, height, width]` to the values of every tap, `[n, channels, height, width]` each.
pub(super) type Forward<'a> =
    dyn Fn(&Plan, &BackboneWeights, Vec<f32>, [usize; 4]) -> Result<Vec<Vec<f32>>, DeviceError> + 'a;

/// The name of the layer in its plan, and of what makes its residual, or what is pooled.
const LAYER: &str = "layer";
const BEFORE: &str = "before";

/// A step of a network, as it is asked of a device: its shape and the images that it gets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    /// With its place in the network left out: equal layers are asked once.
    pub step: Step,
    /// What one image looks like.
    pub image: MapShape,
    /// Images at once.
    pub images: usize,
}

impl Layer {
    /// A convolution of such a shape, without residual.
    pub fn conv(image: MapShape, out_channels: usize, kernel: usize, stride: usize, groups: usize) -> Self {
        let conv = ConvStep {
            name: LAYER.to_owned(),
            from: 0,
            to: 1,
            in_channels: image.channels,
            out_channels,
            kernel,
            stride,
            padding: Padding::Symmetric(kernel / 2),
            groups,
            prologue: false,
            add: None,
            activation: Activation::Relu,
        };
        Self { step: Step::Conv(conv), image, images: 1 }
    }

    /// A step of a plan, for an image of such a size.
    pub fn of_step(step: &Step, image: MapShape, images: usize) -> Self {
        let step = match step {
            Step::Conv(conv) => {
                let add = conv.add.map(|_| 1);
                Step::Conv(ConvStep { name: LAYER.to_owned(), from: 0, to: 2, add, ..conv.clone() })
            }
            Step::MaxPool { .. } => Step::MaxPool { from: 1, to: 2 },
            Step::Concat { channels, .. } => Step::Concat { from: 0, with: 1, to: 2, channels: *channels },
            Step::AveragePool { channels, .. } => {
                Step::AveragePool { name: LAYER.to_owned(), from: 1, to: 2, channels: *channels }
            }
        };
        Self { step, image, images }
    }

    /// The same for several images at once.
    pub fn at_once(self, images: usize) -> Self {
        Self { images, ..self }
    }

    /// The plan of the layer alone. What it adds is a 1x1 convolution of the image, and what it pools or joins to the image is one.
    fn plan(&self) -> Plan {
        let output = self.step.output(self.image);
        let before = self.before().map(Step::Conv);
        let layer = match &self.step {
            Step::Conv(conv) => Step::Conv(ConvStep { to: if before.is_some() { 2 } else { 1 }, ..conv.clone() }),
            pool => pool.clone(),
        };
        let (slot, stride) = (layer.to(), self.step.window().stride);
        let tap = Tap { layer: LAYER.to_owned(), slot, channels: output.channels, stride };
        Plan { steps: before.into_iter().chain([layer]).collect(), taps: vec![tap], slots: slot + 1 }
    }

    /// The convolution that makes what the layer adds, pools or joins to the image, into slot 1.
    fn before(&self) -> Option<ConvStep> {
        let (out_channels, stride) = match &self.step {
            // A residual has the size of what it is added to.
            Step::Conv(conv) => conv.add.map(|_| (conv.out_channels, conv.stride))?,
            Step::MaxPool { .. } | Step::AveragePool { .. } => (self.image.channels, 1),
            Step::Concat { channels: (_, behind), .. } => (*behind, 1),
        };
        let mut layer = Self::conv(self.image, out_channels, 1, stride, 1);
        match &mut layer.step {
            Step::Conv(conv) => {
                conv.name = BEFORE.to_owned();
                conv.activation = Activation::Identity;
                Some(conv.clone())
            }
            Step::MaxPool { .. } | Step::Concat { .. } | Step::AveragePool { .. } => None,
        }
    }

    /// Weights from a formula, with which sums are about as large as what is summed, and biases.
    fn weights(plan: &Plan) -> BackboneWeights {
        let mut weights = BackboneWeights::default();
        let convolutions = plan.convolutions().count() as u32;
        for (step, number) in plan.steps.iter().filter(|step| step.prologue().is_some()).zip(0..) {
            let seed = 20 + 2 * (convolutions + number);
            let tensor = |data: Vec<f32>| NamedTensor { shape: vec![data.len()], data };
            let channels = step.prologue().unwrap_or(0);
            weights.tensors.extend([
                (step.scale_name(), tensor(values(channels, seed))),
                (step.shift_name(), tensor(values(channels, seed + 1))),
            ]);
        }
        for (seed, conv) in plan.convolutions().enumerate() {
            let seed = 20 + 2 * seed as u32;
            let terms = conv.weight_len() / conv.out_channels;
            let scale = 2.0 / (terms as f32).sqrt();
            let data = values(conv.weight_len(), seed).iter().map(|value| scale * value).collect();
            let weight = NamedTensor { shape: conv.weight_shape().to_vec(), data };
            let bias = NamedTensor { shape: vec![conv.out_channels], data: values(conv.out_channels, seed + 1) };
            weights.tensors.extend([(conv.weight_name(), weight), (conv.bias_name(), bias)]);
        }
        weights
    }

    /// Scale and shift of every channel that goes through the layer's prologue.
    fn prologue<'a>(&self, weights: &'a BackboneWeights) -> (&'a [f32], &'a [f32]) {
        let of = |name: &str| weights.tensors[&format!("{LAYER}.{name}")].data.as_slice();
        (of("scale"), of("shift"))
    }

    /// How far the device's result is off, as a share of the largest value.
    pub fn deviation(&self, forward: &Forward<'_>) -> Result<f64, DeviceError> {
        let (plan, MapShape { channels, height, width }) = (self.plan(), self.image);
        let weights = Self::weights(&plan);
        let images = values(self.images * channels * height * width, 4);
        let output = self.step.output(self.image);
        let count = self.images * output.values() as usize;
        let input = |conv: &ConvStep| ConvInput {
            images: &images,
            image: self.image,
            weight: &weights.tensors[&conv.weight_name()].data,
            bias: &weights.tensors[&conv.bias_name()].data,
            prologue: conv.prologue.then(|| self.prologue(&weights)),
        };
        let before = self.before();
        let before = |at: usize| before.as_ref().map_or(0.0, |conv| convolution(conv, input(conv), 0.0, at));
        let expected: Vec<(usize, f64)> = match &self.step {
            Step::Conv(conv) => {
                let value = |at: usize| (at, convolution(conv, input(conv), before(at), at));
                sampled(count, conv.weight_len() / conv.out_channels).map(value).collect()
            }
            Step::MaxPool { .. } => {
                let value = |at: usize| {
                    let (place, plane) = (at % output.area() as usize, at / output.area() as usize);
                    let (y, x) = (place / output.width * 2, place % output.width * 2);
                    let rows = y.saturating_sub(1)..(y + 2).min(height);
                    let columns = x.saturating_sub(1)..(x + 2).min(width);
                    let window = rows.flat_map(|y| columns.clone().map(move |x| (plane * height + y) * width + x));
                    (at, window.map(before).fold(f64::NEG_INFINITY, f64::max))
                };
                sampled(count, 9 * channels).map(value).collect()
            }
            Step::Concat { channels: (first, behind), .. } => {
                let area = output.area() as usize;
                let value = |at: usize| {
                    let (place, plane) = (at % area, at / area);
                    let (image, channel) = (plane / output.channels, plane % output.channels);
                    let value = match channel.checked_sub(*first) {
                        None => f64::from(images[(image * first + channel) * area + place]),
                        Some(channel) => before((image * behind + channel) * area + place),
                    };
                    (at, value)
                };
                sampled(count, channels).map(value).collect()
            }
            Step::AveragePool { .. } => {
                let (scale, shift) = self.prologue(&weights);
                let value = |at: usize| {
                    let (place, plane) = (at % output.area() as usize, at / output.area() as usize);
                    let (y, x) = (place / output.width * 2, place % output.width * 2);
                    let (scale, shift) = (f64::from(scale[plane % channels]), f64::from(shift[plane % channels]));
                    let window = [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)];
                    let window =
                        window.map(|(y, x)| (scale * before((plane * height + y) * width + x) + shift).max(0.0));
                    (at, window.iter().sum::<f64>() / 4.0)
                };
                sampled(count, 4 * channels).map(value).collect()
            }
        };
        let found = forward(&plan, &weights, images, [self.images, channels, height, width])?;
        let found = found.first().map_or(&[][..], Vec::as_slice);
        if found.len() != count {
            return Ok(f64::INFINITY);
        }
        // What is not looked at is finite at least.
        if found.iter().any(|value| !value.is_finite()) {
            return Ok(f64::INFINITY);
        }
        let found: Vec<f32> = expected.iter().map(|(at, _)| found[*at]).collect();
        Ok(deviation(&found, &expected.into_iter().map(|(_, value)| value).collect::<Vec<_>>()))
    }
}

/// The shape in words: `depthwise 3x3 convolution, stride 2, 96 channels of 128 x 128, 8 at once, relu6`.
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MapShape { channels, height, width } = self.image;
        match &self.step {
            Step::Conv(conv) => {
                let ConvStep { in_channels, out_channels, kernel, stride, groups, .. } = *conv;
                let is_depthwise = groups > 1 && groups == in_channels && groups == out_channels;
                let kind = if is_depthwise { "depthwise " } else { "" };
                write!(f, "{kind}{kernel}x{kernel} convolution")?;
                if stride > 1 {
                    write!(f, ", stride {stride}")?;
                }
                match is_depthwise {
                    true => write!(f, ", {channels} channels of {width} x {height}")?,
                    false => write!(f, ", {in_channels} to {out_channels} channels of {width} x {height}")?,
                }
                if groups > 1 && !is_depthwise {
                    write!(f, ", {groups} groups")?;
                }
                if conv.prologue {
                    f.write_str(", prologue")?;
                }
                if conv.add.is_some() {
                    f.write_str(", residual")?;
                }
                f.write_str(match conv.activation {
                    Activation::Identity => "",
                    Activation::Relu => ", relu",
                    Activation::Relu6 => ", relu6",
                })?;
            }
            Step::MaxPool { .. } => write!(f, "max pool of {channels} channels of {width} x {height}")?,
            Step::Concat { channels: (first, behind), .. } => {
                write!(f, "concatenation of {first} and {behind} channels of {width} x {height}")?;
            }
            Step::AveragePool { .. } => write!(f, "average pool of {channels} channels of {width} x {height}")?,
        }
        match self.images {
            1 => Ok(()),
            images => write!(f, ", {images} at once"),
        }
    }
}

#[cfg(test)]
mod tests {
    use patchcore_cpu::network::oracle::{self, Planes};

    use super::*;

    /// The literal network, image by image.
    #[expect(clippy::unnecessary_wraps, reason = "a device may fail")]
    fn literal(
        plan: &Plan,
        weights: &BackboneWeights,
        images: Vec<f32>,
        [_, channels, height, width]: [usize; 4],
    ) -> Result<Vec<Vec<f32>>, DeviceError> {
        let of_image = |image: &[f32]| {
            let image = Planes { channels, height, width, data: image.to_vec() };
            oracle::forward(plan, weights, image).into_iter().flat_map(|map| map.data).collect::<Vec<f32>>()
        };
        Ok(vec![images.chunks_exact(channels * height * width).flat_map(of_image).collect()])
    }

    fn layers() -> Vec<(Layer, &'static str)> {
        let image = MapShape { channels: 8, height: 6, width: 5 };
        let conv = |kernel, stride, groups| Layer::conv(image, 8, kernel, stride, groups);
        let with = |layer: Layer, change: fn(&mut ConvStep)| {
            let Step::Conv(mut conv) = layer.step else { return Layer { step: layer.step, ..layer } };
            change(&mut conv);
            Layer::of_step(&Step::Conv(conv), layer.image, layer.images)
        };
        vec![
            (conv(3, 1, 1), "3x3 convolution, 8 to 8 channels of 5 x 6, relu"),
            (conv(5, 2, 8).at_once(3), "depthwise 5x5 convolution, stride 2, 8 channels of 5 x 6, relu, 3 at once"),
            (conv(1, 1, 2), "1x1 convolution, 8 to 8 channels of 5 x 6, 2 groups, relu"),
            (
                with(conv(1, 1, 1).at_once(2), |conv| {
                    (conv.add, conv.out_channels, conv.activation) = (Some(7), 12, Activation::Relu6);
                }),
                "1x1 convolution, 8 to 12 channels of 5 x 6, residual, relu6, 2 at once",
            ),
            (
                with(conv(1, 1, 1), |conv| (conv.prologue, conv.out_channels) = (true, 5)),
                "1x1 convolution, 8 to 5 channels of 5 x 6, prologue, relu",
            ),
            (Layer::of_step(&Step::MaxPool { from: 3, to: 4 }, image, 2), "max pool of 8 channels of 5 x 6, 2 at once"),
            (
                Layer::of_step(&Step::Concat { from: 3, with: 5, to: 6, channels: (8, 3) }, image, 2),
                "concatenation of 8 and 3 channels of 5 x 6, 2 at once",
            ),
            (
                Layer::of_step(
                    &Step::AveragePool { name: "pool".to_owned(), from: 3, to: 4, channels: 8 },
                    MapShape { width: 4, ..image },
                    2,
                ),
                "average pool of 8 channels of 4 x 6, 2 at once",
            ),
        ]
    }

    #[test]
    fn the_literal_network_passes_and_every_spoilt_one_is_found() {
        for (layer, name) in layers() {
            assert_eq!(layer.to_string(), name);
            layer.plan().check().unwrap();
            assert!(layer.deviation(&literal).unwrap() < 1e-6, "{name}");
            let spoilt = |spoil: fn(&mut Vec<f32>)| {
                let forward = move |plan: &Plan, weights: &BackboneWeights, images: Vec<f32>, shape: [usize; 4]| {
                    let mut maps = literal(plan, weights, images, shape)?;
                    spoil(&mut maps[0]);
                    Ok(maps)
                };
                layer.deviation(&forward).unwrap()
            };
            assert!(spoilt(|map| map.iter_mut().for_each(|value| *value *= 1.001)) > 9e-4, "{name}");
            assert!(spoilt(|map| *map.last_mut().unwrap() += 1.0) > 1e-2, "{name}");
            assert_eq!(spoilt(|map| map[3] = f32::NAN), f64::INFINITY, "{name}");
            assert_eq!(spoilt(|map| map.truncate(map.len() - 1)), f64::INFINITY, "{name}");
        }
    }
}
