//! A plan, step by step, on a device of CubeCL.

use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use patchcore_config::backbone::plan::{Activation, ConvStep, MapShape, Slot, Step};

use super::copy_kernel::copy_kernel;
use super::depthwise_kernel::{DepthwiseKind, PATCH, depthwise_kernel, is_depthwise};
use super::growing::{Share, share_of};
use super::kernel_plan::{KernelPlan, PhotoShape, Starts};
use super::planar_kernel::planar_kernel;
use super::pool_kernels::{average_pool_kernel, max_pool_kernel};
use crate::cube::{Bound, ConvInput, ConvShape, ConvTensors, Place, Prologue, conv, element, linear, unwritten};

/// What a plan is run with.
pub(super) struct Parameters {
    /// All weights, in the network's number format.
    pub weights: CubeTensor,
    /// All biases, and scales and shifts of prologues.
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
    let values = plan.maps_shape(photos).num_elements();
    let maps = unwritten(&pixels, values, parameters.weights.dtype);
    let (shapes, taps) = (plan.shapes(photos), plan.taps(photos));
    let mut memory = Memory { plan, photos, shapes, taps, maps, begun: vec![None; plan.plan.slots] };
    let mut slots: Vec<Option<Map>> = vec![None; plan.plan.slots];
    put(&mut slots, 0, image(pixels, &parameters, plan, photos));
    let last_uses = plan.plan.last_uses();
    for (index, (step, starts)) in plan.plan.steps.iter().zip(&plan.starts).enumerate() {
        let mut read = |slot: usize| {
            let last = last_uses.get(slot).copied() == Some(index);
            // A map is given up at its last use, and its memory with it.
            slots.get_mut(slot).and_then(|entry| if last { entry.take() } else { entry.clone() })
        };
        let second = step.add().or(step.with());
        // A step may add or join what it reads: the last read of a slot takes the map.
        let reads_itself = second == Some(step.from());
        let from = read(step.from());
        let other = if reads_itself { from.clone() } else { second.and_then(&mut read) };
        assert!(
            from.is_some() && other.is_some() == second.is_some(),
            "step {index} reads a map that no step has written"
        );
        let Some(from) = from else { continue };
        let (map, shape) = memory.map(step.to());
        match step {
            Step::Conv(step) => {
                // Slot 0 is the photo itself; where its planes are not read as they lie, it was normalised before.
                let normalizes = plan.normalizes && step.from == 0 && plan.reads_planes();
                run_conv(step, &from, other.as_ref(), &map, shape, &parameters, *starts, (normalizes, plan));
            }
            Step::MaxPool { .. } => max_pool(&from, &map, shape),
            Step::AveragePool { .. } => average_pool(&from, &map, shape, &parameters, *starts),
            Step::Concat { from: first, with, channels, .. } => {
                let parts = [(*first, &from, channels.0, 0)].into_iter();
                let parts = parts.chain(other.iter().map(|other| (*with, other, channels.1, channels.0)));
                // What has memory of its own is not there yet.
                for (_, part, channels, at) in parts.filter(|(slot, ..)| share_of(&plan.shares, *slot).whole == *slot) {
                    copy(part, channels, &map, at);
                }
            }
        }
        put(&mut slots, step.to(), map);
    }
    memory.maps
}

/// Where the maps of a plan lie.
struct Memory<'a> {
    plan: &'a KernelPlan,
    photos: PhotoShape,
    shapes: Vec<MapShape>,
    taps: Vec<(usize, MapShape)>,
    /// The maps of all taps.
    maps: CubeTensor,
    /// Larger maps of which a part is written, until their own step.
    begun: Vec<Option<CubeTensor>>,
}

impl Memory<'_> {
    /// A slot's map, unwritten, and its shape.
    fn map(&mut self, slot: Slot) -> (Map, MapShape) {
        let Share { whole, first } = share_of(&self.plan.shares, slot);
        let shape_of = |slot: Slot| self.shapes.get(slot).copied().unwrap_or_default();
        let (shape, larger) = (shape_of(slot), shape_of(whole));
        let tapped = self.plan.plan.taps.iter().position(|tap| tap.slot == whole).and_then(|tap| self.taps.get(tap));
        let place = match tapped {
            Some((start, _)) => Place { tensor: self.maps.clone(), start: start + first },
            None => {
                let begun = self.begun.get_mut(whole).and_then(Option::take);
                let values = self.photos.images * larger.values() as usize;
                let tensor = begun.unwrap_or_else(|| unwritten(&self.maps, values, self.maps.dtype));
                if whole != slot
                    && let Some(entry) = self.begun.get_mut(whole)
                {
                    *entry = Some(tensor.clone());
                }
                Place { tensor, start: first }
            }
        };
        (Map { place, layout: channels_last(self.photos.images, larger) }, shape)
    }
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
    to: &Map,
    output: MapShape,
    parameters: &Parameters,
    starts: Starts,
    (normalizes, plan): (bool, &KernelPlan),
) {
    let bound = match step.activation {
        Activation::Identity => Bound::Nothing,
        Activation::Relu => Bound::Below,
        Activation::Relu6 => Bound::Both,
    };
    let (top, _) = step.padding.before_after(from.layout.height, step.kernel, step.stride);
    let (left, _) = step.padding.before_after(from.layout.width, step.kernel, step.stride);
    let weights = Place { tensor: parameters.weights.clone(), start: starts.weights };
    let biases = Place { tensor: parameters.biases.clone(), start: starts.biases };
    assert!(
        add.is_none_or(|add| add.layout.pixel_stride == to.layout.pixel_stride),
        "what is added lies as the output"
    );
    let add = add.map(|map| &map.place);
    if is_depthwise(step) {
        let kind =
            DepthwiseKind { kernel: step.kernel, stride: step.stride, adds: add.is_some(), bound, bits: plan.bits };
        return depthwise(kind, from, (weights, biases), add, &to.place, output, (top, left));
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
        output_stride: to.layout.pixel_stride,
        bound,
        normalizes,
        bits: plan.bits,
        unit: plan.unit,
    };
    let prologue = Prologue { tensor: parameters.biases.clone(), scales: starts.scales, shifts: starts.shifts };
    let (prologue, normalization) = (step.prologue.then_some(prologue), parameters.normalization.clone());
    let tensors = ConvTensors { weights, biases, normalization, prologue };
    conv(shape, (&from.place, from.layout), tensors, add, &to.place);
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

fn max_pool(from: &Map, to: &Map, output: MapShape) {
    let units = from.layout.images * output.values() as usize;
    let (cubes, dim) = linear(units);
    max_pool_kernel::launch(
        &to.place.tensor.client,
        cubes,
        dim,
        from.place.tensor.clone().into_buffer_arg(),
        to.place.tensor.clone().into_buffer_arg(),
        from.place.start,
        to.place.start,
        to.layout.pixel_stride,
        units,
        output.channels,
        output.height,
        output.width,
        from.layout.height,
        from.layout.width,
        element(&to.place.tensor),
    );
}

fn average_pool(from: &Map, to: &Map, output: MapShape, parameters: &Parameters, starts: Starts) {
    let places = [
        (from.place.start, from.layout.pixel_stride),
        (to.place.start, to.layout.pixel_stride),
        (starts.scales, starts.shifts),
    ];
    let at_once = at_once(output.channels, &places);
    let [(input_start, input_stride), (output_start, output_stride), (scales, shifts)] =
        places.map(|(first, second)| (first / at_once, second / at_once));
    let units = from.layout.images * output.values() as usize / at_once;
    let (cubes, dim) = linear(units);
    average_pool_kernel::launch(
        &to.place.tensor.client,
        cubes,
        dim,
        at_once,
        from.place.tensor.clone().into_buffer_arg(),
        parameters.biases.clone().into_buffer_arg(),
        to.place.tensor.clone().into_buffer_arg(),
        input_start,
        input_stride,
        scales,
        shifts,
        output_start,
        output_stride,
        units,
        output.channels / at_once,
        output.height,
        output.width,
        from.layout.height,
        from.layout.width,
        element(&to.place.tensor),
    );
}

/// Puts a map of so many channels into a larger one, behind `first` channels.
fn copy(from: &Map, channels: usize, to: &Map, first: usize) {
    let ConvInput { images, height, width, pixel_stride, .. } = from.layout;
    let places = [(from.place.start, pixel_stride), (to.place.start + first, to.layout.pixel_stride)];
    let at_once = at_once(channels, &places);
    let [(input_start, input_stride), (output_start, output_stride)] =
        places.map(|(start, stride)| (start / at_once, stride / at_once));
    let units = images * height * width * channels / at_once;
    let (cubes, dim) = linear(units);
    copy_kernel::launch(
        &to.place.tensor.client,
        cubes,
        dim,
        at_once,
        from.place.tensor.clone().into_buffer_arg(),
        to.place.tensor.clone().into_buffer_arg(),
        input_start,
        input_stride,
        output_start,
        output_stride,
        units,
        channels / at_once,
        element(&to.place.tensor),
    );
}

/// Channels that one read brings: 4 where all of these are whole fours, else 1.
fn at_once(channels: usize, places: &[(usize, usize)]) -> usize {
    let mut all = places.iter().flat_map(|(first, second)| [*first, *second]).chain([channels]);
    if all.all(|at| at.is_multiple_of(4)) { 4 } else { 1 }
}
