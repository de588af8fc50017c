//! A plan made ready for the kernels: where each tensor lies, and the shapes at a size of the photos.

use burn::tensor::Shape;
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::{ConvStep, MapShape, Plan, Step};

use super::depthwise_kernel::is_depthwise;
use super::growing::{Share, shares};
use crate::cube::MatrixUnit;

/// The most planes of a photo.
const PHOTO_PLANES: usize = 3;

/// A plan whose weights lie one after the other, as the kernels read them.
#[derive(Debug, Clone)]
pub(crate) struct KernelPlan {
    pub(super) plan: Plan,
    /// Where each step's tensors begin.
    pub(super) starts: Vec<Starts>,
    /// For every slot, of which larger map it is a part.
    pub(super) shares: Vec<Option<Share>>,
    /// Whether the image is a photo in `[0, 1]`, which is normalised while it is read.
    pub(super) normalizes: bool,
    /// Bits of the factors that the kernels keep.
    pub(super) bits: u32,
    /// Matrix units that dense convolutions may use.
    pub(super) unit: Option<MatrixUnit>,
}

/// Where the tensors of a step begin: weights among the weights, all others among the biases; 0 of what it does not have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Starts {
    pub weights: usize,
    pub biases: usize,
    pub scales: usize,
    pub shifts: usize,
}

/// Photos of one size: `images` times `planes` planes, 1 of a grey one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PhotoShape {
    /// Photos.
    pub images: usize,
    /// Planes of each: as many as the network has input channels, or 1.
    pub planes: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl PhotoShape {
    /// Values of all planes.
    pub(crate) fn values(self) -> usize {
        self.images * self.planes * self.height * self.width
    }
}

impl KernelPlan {
    /// Weights `[kernel, kernel, inputs / groups, outputs]` of all convolutions; biases, and scales and shifts of prologues. Missing tensors,
    /// which the caller has excluded, are empty.
    pub(super) fn pack(
        plan: &Plan,
        weights: &BackboneWeights,
        normalizes: bool,
        (bits, unit): (u32, Option<MatrixUnit>),
    ) -> (Self, Vec<f32>, Vec<f32>) {
        let (mut packed, mut biases, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        let values = |name: String| weights.tensors.get(&name).map(|tensor| tensor.data.as_slice()).unwrap_or_default();
        let mut push = |values: &[f32]| {
            biases.resize(next_read(biases.len()), 0.0);
            biases.extend_from_slice(values);
            biases.len() - values.len()
        };
        for step in &plan.steps {
            let mut start = Starts::default();
            if let Some(conv) = step.conv() {
                packed.resize(next_read(packed.len()), 0.0);
                start.weights = packed.len();
                push_channels_last(values(conv.weight_name()), conv, &mut packed);
                start.biases = push(values(conv.bias_name()));
            }
            if step.prologue().is_some() {
                start.scales = push(values(step.scale_name()));
                start.shifts = push(values(step.shift_name()));
            }
            starts.push(start);
        }
        (Self { plan: plan.clone(), starts, shares: shares(plan), normalizes, bits, unit }, packed, biases)
    }

    /// The shape of every slot for photos of a shape.
    pub(super) fn shapes(&self, photos: PhotoShape) -> Vec<MapShape> {
        let image = MapShape { channels: self.plan.image_channels(), height: photos.height, width: photos.width };
        let mut shapes = Vec::new();
        // The plan was checked when it was made.
        let _ = self.plan.visit(image, &mut shapes, |_| ());
        shapes
    }

    /// Where the map of every tap begins in the tensor that holds them all, and its shape per photo.
    pub(crate) fn taps(&self, photos: PhotoShape) -> Vec<(usize, MapShape)> {
        let shapes = self.shapes(photos);
        let mut start = 0;
        let tap = |slot: usize| {
            let shape = shapes.get(slot).copied().unwrap_or_default();
            let from = start;
            start = next_read(from + photos.images * shape.values() as usize);
            (from, shape)
        };
        self.plan.taps.iter().map(|tap| tap.slot).map(tap).collect()
    }

    /// The shape of that tensor.
    pub(super) fn maps_shape(&self, photos: PhotoShape) -> Shape {
        let end = |(start, shape): &(usize, MapShape)| start + photos.images * shape.values() as usize;
        Shape::from([next_read(self.taps(photos).last().map_or(0, end))])
    }

    /// Whether planes are photos, which go into dense convolutions alone: those read them as they lie. More planes than a photo has are a
    /// layer's maps, of which the layer is asked on its own: it then reads them with their channels side by side, by the kernel that
    /// the network runs.
    pub(super) fn reads_planes(&self) -> bool {
        if self.plan.image_channels() > PHOTO_PLANES {
            return false;
        }
        let dense = |step: &Step| step.conv().is_some_and(|conv| !is_depthwise(conv));
        self.plan
            .steps
            .iter()
            .filter(|step| step.reads().any(|slot| slot == 0))
            .all(|step| dense(step) && step.add() != Some(0))
    }
}

/// Where something may begin that is read four values at a time.
fn next_read(at: usize) -> usize {
    at.next_multiple_of(4)
}

/// Weights `[out, in / groups, kernel, kernel]` as `[kernel, kernel, in / groups, out]`.
fn push_channels_last(values: &[f32], conv: &ConvStep, packed: &mut Vec<f32>) {
    let [outputs, inputs, kernel, _] = conv.weight_shape();
    let cells = kernel * kernel;
    for cell in 0..cells {
        for input in 0..inputs {
            let of = |output: usize| values.get((output * inputs + input) * cells + cell).copied().unwrap_or_default();
            packed.extend((0..outputs).map(of));
        }
    }
}

#[cfg(test)]
mod tests {
    use patchcore_config::Architecture;

    use super::*;
    use crate::backbone::test_networks::weights;

    /// A layer that is asked on its own runs by the kernel that the network runs, not by the one that reads a photo's planes.
    #[test]
    fn a_photo_is_read_as_planes_and_a_layers_maps_are_not() {
        let architecture = Architecture::RESNET18;
        let plan = architecture.plan(&["layer1".to_owned()]).unwrap();
        let (kernel_plan, ..) = KernelPlan::pack(&plan, &weights(&plan), true, (23, None));
        assert!(kernel_plan.reads_planes());
        let mut layer = plan.convolutions().nth(1).unwrap().clone();
        (layer.from, layer.to, layer.add) = (0, 1, None);
        let tap = patchcore_config::backbone::plan::Tap {
            layer: "1".to_owned(),
            slot: 1,
            channels: layer.out_channels,
            stride: 1,
        };
        let plan = Plan { steps: vec![Step::Conv(layer)], taps: vec![tap], slots: 2 };
        let (kernel_plan, ..) = KernelPlan::pack(&plan, &weights(&plan), false, (23, None));
        assert!(!kernel_plan.reads_planes());
    }
}
