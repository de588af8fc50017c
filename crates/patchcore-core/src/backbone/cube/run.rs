//! A plan, step by step, on a device of CubeCL.

use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use patchcore_config::backbone::plan::{Activation, ConvStep, MapShape, Step};

use super::depthwise_kernel::{DepthwiseKind, PATCH, depthwise_kernel};
use super::kernel_plan::{KernelPlan, PhotoShape, is_depthwise};
use super::max_pool_kernel::max_pool_kernel;
use super::planar_kernel::planar_kernel;
use crate::cube::{Bound, ConvInput, ConvShape, ConvTensors, Place, conv, element, linear, unwritten};

/// What a plan is run with.
pub(super) struct Parameters {
    /// All weights, in the network's number format.
    pub weights: CubeTensor,
    /// All biases.
    pub biases: CubeTensor,
    /// Three means and three deviations.
    pub normalization: CubeTensor,
}

/// A map on the device.
#[derive(Clone)]
struct Map {
    place: Place,
    layout: ConvInput,
}

/// Planes of photos, one after the other, to the maps of all taps, one after the other: `[image, row, column, channel]` each.
pub(super) fn run(pixels: CubeTensor, parameters: Parameters, plan: &KernelPlan, photos: PhotoShape) -> CubeTensor {
    let pixels = into_contiguous(pixels);
    let Parameters { weights, biases, normalization } = parameters;
    let (weights, biases, normalization) =
        (into_contiguous(weights), into_contiguous(biases), into_contiguous(normalization));
    let parameters = Parameters { weights, biases, normalization };
    let shapes = plan.shapes(photos);
    let taps = plan.taps(photos);
    let values = plan.maps_shape(photos).num_elements();
    let maps = unwritten(&pixels, values, parameters.weights.dtype);
    let mut slots: Vec<Option<Map>> = vec![None; plan.plan.slots];
    put(&mut slots, 0, image(pixels, &parameters, plan, photos));
    let last_uses = plan.plan.last_uses();
    let mut starts = plan.starts.iter();
    for (index, step) in plan.plan.steps.iter().enumerate() {
        let mut read = |slot: usize| {
            let last = last_uses.get(slot).copied() == Some(index);
            // A map is given up at its last use, and its memory with it.
            slots.get_mut(slot).and_then(|entry| if last { entry.take() } else { entry.clone() })
        };
        // A step may add what it reads: the last read of a slot takes the map.
        let add_itself = step.add() == Some(step.from());
        let from = read(step.from());
        let add = if add_itself { from.clone() } else { step.add().and_then(&mut read) };
        assert!(
            from.is_some() && add.is_some() == step.add().is_some(),
            "step {index} reads a map that no step has written"
        );
        let Some(from) = from else { continue };
        let to = step.to();
        let shape = shapes.get(to).copied().unwrap_or_default();
        let tapped = plan.plan.taps.iter().position(|tap| tap.slot == to).and_then(|tap| taps.get(tap));
        let place = match tapped {
            Some((start, _)) => Place { tensor: maps.clone(), start: *start },
            None => {
                let values = photos.images * shape.values() as usize;
                Place { tensor: unwritten(&maps, values, maps.dtype), start: 0 }
            }
        };
        match step {
            Step::Conv(step) => {
                let start = starts.next().copied().unwrap_or_default();
                // Slot 0 is the photo itself; where its planes are not read as they lie, it was normalised before.
                let normalizes = plan.normalizes && step.from == 0 && plan.reads_planes();
                run_conv(step, &from, add.as_ref(), &place, shape, &parameters, start, (normalizes, plan));
            }
            Step::Concat { .. } | Step::AveragePool { .. } => {
                unreachable!("`{}` was refused with its plan", step.name())
            }
            Step::MaxPool { .. } => max_pool(&from, &place, shape),
        }
        let layout = channels_last(photos.images, shape);
        put(&mut slots, to, Map { place, layout });
    }
    maps
}

fn put(slots: &mut [Option<Map>], slot: usize, map: Map) {
    if let Some(entry) = slots.get_mut(slot) {
        *entry = Some(map);
    }
}

fn channels_last(images: usize, shape: MapShape) -> ConvInput {
    let MapShape { channels, height, width } = shape;
    let image_stride = shape.values() as usize;
    ConvInput { images, height, width, image_stride, pixel_stride: channels, channel_stride: 1 }
}

/// The photos as slot 0: their planes as they lie, or, for a plan that needs it, channels side by side.
fn image(pixels: CubeTensor, parameters: &Parameters, plan: &KernelPlan, photos: PhotoShape) -> Map {
    let PhotoShape { images, planes, height, width } = photos;
    let plane = height * width;
    let channels = plan.plan.image_channels();
    let (image_stride, channel_stride) = (planes * plane, if planes == 1 { 0 } else { plane });
    if plan.reads_planes() {
        let layout = ConvInput { images, height, width, image_stride, pixel_stride: 1, channel_stride };
        return Map { place: Place { tensor: pixels, start: 0 }, layout };
    }
    let units = images * plane * channels;
    let output = unwritten(&pixels, units, parameters.weights.dtype);
    let (cubes, dim) = linear(units);
    planar_kernel::launch(
        &pixels.client.clone(),
        cubes,
        dim,
        pixels.into_buffer_arg(),
        parameters.normalization.clone().into_buffer_arg(),
        output.clone().into_buffer_arg(),
        units,
        channels,
        plane,
        image_stride,
        channel_stride,
        plan.normalizes,
        element(&output),
    );
    let layout = channels_last(images, MapShape { channels, height, width });
    Map { place: Place { tensor: output, start: 0 }, layout }
}

#[allow(clippy::too_many_arguments, reason = "a step, what it reads and writes, and what it is compiled for")]
fn run_conv(
    step: &ConvStep,
    from: &Map,
    add: Option<&Map>,
    to: &Place,
    output: MapShape,
    parameters: &Parameters,
    (weight_start, bias_start): (usize, usize),
    (normalizes, plan): (bool, &KernelPlan),
) {
    let bound = match step.activation {
        Activation::Identity => Bound::Nothing,
        Activation::Relu => Bound::Below,
        Activation::Relu6 => Bound::Both,
    };
    let (top, _) = step.padding.before_after(from.layout.height, step.kernel, step.stride);
    let (left, _) = step.padding.before_after(from.layout.width, step.kernel, step.stride);
    let weights = Place { tensor: parameters.weights.clone(), start: weight_start };
    let biases = Place { tensor: parameters.biases.clone(), start: bias_start };
    let add = add.map(|map| &map.place);
    if is_depthwise(step) {
        let kind =
            DepthwiseKind { kernel: step.kernel, stride: step.stride, adds: add.is_some(), bound, bits: plan.bits };
        return depthwise(kind, from, (weights, biases), add, to, output, (top, left));
    }
    let shape = ConvShape {
        kernel: step.kernel,
        stride: step.stride,
        padding: (top, left),
        out_height: output.height,
        out_width: output.width,
        groups: step.groups,
        inputs: step.in_channels,
        outputs: step.out_channels,
        bound,
        normalizes,
        bits: plan.bits,
        unit: plan.unit,
    };
    let tensors = ConvTensors { weights, biases, normalization: parameters.normalization.clone() };
    conv(shape, (&from.place, from.layout), tensors, add, to);
}

fn depthwise(
    kind: DepthwiseKind,
    from: &Map,
    (weights, biases): (Place, Place),
    add: Option<&Place>,
    to: &Place,
    output: MapShape,
    (top, left): (usize, usize),
) {
    let residual = add.unwrap_or(to);
    let starts = [from.place.start, residual.start, to.start, weights.start, biases.start];
    // Channels that one read brings.
    let four = output.channels.is_multiple_of(4) && starts.iter().all(|start| start.is_multiple_of(4));
    let at_once = if four { 4 } else { 1 };
    let [input_start, residual_start, output_start, weight_start, bias_start] = starts.map(|start| start / at_once);
    let channels = output.channels / at_once;
    let patches = output.height.div_ceil(PATCH.0) * output.width.div_ceil(PATCH.1);
    let units = from.layout.images * patches * channels;
    let (cubes, dim) = linear(units);
    depthwise_kernel::launch(
        &to.tensor.client,
        cubes,
        dim,
        at_once,
        from.place.tensor.clone().into_buffer_arg(),
        weights.tensor.into_buffer_arg(),
        biases.tensor.into_buffer_arg(),
        residual.tensor.clone().into_buffer_arg(),
        to.tensor.clone().into_buffer_arg(),
        input_start,
        residual_start,
        output_start,
        units,
        channels,
        output.height,
        output.width,
        from.layout.height,
        from.layout.width,
        weight_start,
        bias_start,
        top,
        left,
        kind,
        element(&to.tensor),
    );
}

fn max_pool(from: &Map, to: &Place, output: MapShape) {
    let units = from.layout.images * output.values() as usize;
    let (cubes, dim) = linear(units);
    max_pool_kernel::launch(
        &to.tensor.client,
        cubes,
        dim,
        from.place.tensor.clone().into_buffer_arg(),
        to.tensor.clone().into_buffer_arg(),
        from.place.start,
        to.start,
        units,
        output.channels,
        output.height,
        output.width,
        from.layout.height,
        from.layout.width,
        element(&to.tensor),
    );
}
