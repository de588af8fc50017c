//! A backbone as a list of steps: what both implementations of the network, tensor operations and CPU kernels, execute.
//!
//! Each family of networks ([`super::Family`]) writes a plan; nothing else knows what a bottleneck is. Steps are in execution
//! order and in single-assignment form: every step writes a slot of its own, slot 0 is the normalised image. BatchNorm is
//! folded, so a network is convolutions, residual sums, activations and one max-pool.
//!
//! [`Plan::visit`] goes over a plan once with the shape of every map; shapes, sizes, memory and operations come from there.

mod cost;
mod map_shape;
mod plan_error;
mod step;
mod window;
mod writer;

pub use cost::PlanCost;
pub use map_shape::MapShape;
pub use plan_error::PlanError;
pub use step::{Activation, ConvStep, Slot, Step};
pub use window::{Padding, Window};
pub use writer::{Conv, PlanWriter};

/// A feature map that the caller asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    /// The layer's name, as the configuration spells it (`layer2`).
    pub layer: String,
    /// Slot to return.
    pub slot: Slot,
    /// Channels of the map.
    pub channels: usize,
    /// Input pixels per grid cell.
    pub stride: usize,
}

/// The steps up to the last tap, and the taps in network order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Steps in execution order; nothing after the last tap.
    pub steps: Vec<Step>,
    /// Feature maps to return.
    pub taps: Vec<Tap>,
    /// Number of slots, the image included.
    pub slots: usize,
}

/// A step at a certain size of the image.
#[derive(Debug, Clone, Copy)]
pub struct Visited<'a> {
    /// The step's place in the plan.
    pub index: usize,
    /// The step.
    pub step: &'a Step,
    /// The map that its window slides over.
    pub input: MapShape,
    /// The map that it writes.
    pub output: MapShape,
}

/// Side of the image for which [`Plan::check`] compares shapes, in pixels.
const CHECKED_SIDE: usize = 256;

impl Plan {
    /// The convolutions in execution order.
    pub fn convolutions(&self) -> impl Iterator<Item = &ConvStep> {
        self.steps.iter().filter_map(Step::conv)
    }

    /// Names and shapes of the tensors the plan reads, in execution order.
    pub fn expected_tensors(&self) -> Vec<(String, Vec<usize>)> {
        let tensors = |conv: &ConvStep| {
            [(conv.weight_name(), conv.weight_shape().to_vec()), (conv.bias_name(), vec![conv.out_channels])]
        };
        self.convolutions().flat_map(tensors).collect()
    }

    /// Channels of the image: those of the first convolution that reads it, 3 in every network of this project.
    pub fn image_channels(&self) -> usize {
        self.convolutions().find(|conv| conv.from == 0).map_or(3, |conv| conv.in_channels)
    }

    /// Channels of every slot, the image's first; 0 of one that no step writes.
    pub fn slot_channels(&self) -> Vec<usize> {
        let mut channels = vec![0; self.slots];
        if let Some(image) = channels.first_mut() {
            *image = self.image_channels();
        }
        for step in &self.steps {
            let written = step.conv().map(|conv| conv.out_channels).or_else(|| channels.get(step.from()).copied());
            if let (Some(written), Some(slot)) = (written, channels.get_mut(step.to())) {
                *slot = written;
            }
        }
        channels
    }

    /// For every slot, the index of the last step that reads it; `usize::MAX` for a tap, which must live on.
    pub fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![0; self.slots];
        let mut mark = |slot: Slot, step: usize| {
            if let Some(entry) = last.get_mut(slot) {
                *entry = step;
            }
        };
        for (index, step) in self.steps.iter().enumerate() {
            step.reads().for_each(|slot| mark(slot, index));
        }
        for tap in &self.taps {
            mark(tap.slot, usize::MAX);
        }
        last
    }

    /// Goes over the steps in execution order with the shapes that they have for an `image`. `shapes` becomes the shape of
    /// every slot; its memory is used again.
    ///
    /// # Errors
    /// [`PlanError`], for the first step or tap that does not fit: a slot that is unknown, not yet written or written twice,
    /// channels or a residual of another shape.
    pub fn visit(
        &self,
        image: MapShape,
        shapes: &mut Vec<MapShape>,
        mut each: impl FnMut(Visited<'_>),
    ) -> Result<(), PlanError> {
        shapes.clear();
        // A slot without channels has not been written.
        shapes.resize(self.slots, MapShape::default());
        match shapes.first_mut() {
            Some(first) => *first = image,
            None => return Err(PlanError::UnknownSlot { place: "the image".to_owned(), slot: 0, slots: 0 }),
        }
        let read = |shapes: &[MapShape], slot: Slot, place: &dyn Fn() -> String| match shapes.get(slot) {
            Some(MapShape { channels: 0, .. }) => Err(PlanError::NotWritten { place: place(), slot }),
            Some(shape) => Ok(*shape),
            None => Err(PlanError::UnknownSlot { place: place(), slot, slots: self.slots }),
        };
        for (index, step) in self.steps.iter().enumerate() {
            let place = || format!("step {index} (`{}`)", step.name());
            let input = read(shapes, step.from(), &place)?;
            if let Some(conv) = step.conv() {
                check_conv(conv, input, &place)?;
            }
            let output = step.output(input);
            if let Some(slot) = step.add() {
                let found = read(shapes, slot, &place)?;
                if found != output {
                    return Err(PlanError::Residual { place: place(), slot, expected: output, found });
                }
            }
            let slot = step.to();
            match shapes.get_mut(slot) {
                Some(shape) if shape.channels == 0 => *shape = output,
                Some(_) => return Err(PlanError::WrittenTwice { place: place(), slot }),
                None => return Err(PlanError::UnknownSlot { place: place(), slot, slots: self.slots }),
            }
            each(Visited { index, step, input, output });
        }
        for tap in &self.taps {
            let place = || format!("tap `{}`", tap.layer);
            let (slot, expected) = (tap.slot, tap.channels);
            let found = read(shapes, slot, &place)?.channels;
            if found != expected {
                return Err(PlanError::Channels { place: place(), slot, expected, found });
            }
        }
        Ok(())
    }

    /// Checks that the steps fit each other and the taps. It takes the residuals' shapes at one size of the image;
    /// [`Plan::visit`] looks at them at every size.
    ///
    /// # Errors
    /// As [`Plan::visit`], and [`PlanError::TapStride`].
    pub fn check(&self) -> Result<(), PlanError> {
        let image = MapShape { channels: self.image_channels(), height: CHECKED_SIDE, width: CHECKED_SIDE };
        let mut strides = vec![1; self.slots];
        self.visit(image, &mut Vec::new(), |visited| {
            let from = strides.get(visited.step.from()).copied();
            if let (Some(from), Some(to)) = (from, strides.get_mut(visited.step.to())) {
                *to = from * visited.step.window().stride;
            }
        })?;
        for tap in &self.taps {
            let expected = strides.get(tap.slot).copied().unwrap_or_default();
            if tap.stride != expected {
                let place = format!("tap `{}`", tap.layer);
                return Err(PlanError::TapStride { place, expected, found: tap.stride });
            }
        }
        Ok(())
    }
}

/// That a convolution can slide over `input`.
fn check_conv(conv: &ConvStep, input: MapShape, place: &dyn Fn() -> String) -> Result<(), PlanError> {
    let ConvStep { kernel, stride, in_channels, out_channels, groups, .. } = *conv;
    let divides = |channels: usize| channels > 0 && groups > 0 && channels.is_multiple_of(groups);
    if kernel == 0 || stride == 0 || !divides(in_channels) || !divides(out_channels) {
        return Err(PlanError::Window { place: place(), kernel, stride, in_channels, out_channels, groups });
    }
    if input.channels != in_channels {
        let (expected, found) = (in_channels, input.channels);
        return Err(PlanError::Channels { place: place(), slot: conv.from, expected, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(name: &str, from: Slot, to: Slot, channels: (usize, usize)) -> ConvStep {
        ConvStep {
            name: name.to_owned(),
            from,
            to,
            in_channels: channels.0,
            out_channels: channels.1,
            kernel: 3,
            stride: 1,
            padding: Padding::Same,
            groups: 1,
            add: None,
            activation: Activation::Relu,
        }
    }

    /// Two convolutions, the second with the first as its residual.
    fn block(spoil: impl Fn(&mut ConvStep, &mut ConvStep, &mut Tap)) -> Plan {
        let (mut first, mut second) = (conv("a", 0, 1, (3, 8)), ConvStep { add: Some(1), ..conv("b", 1, 2, (8, 8)) });
        let mut tap = Tap { layer: "block".to_owned(), slot: 2, channels: 8, stride: 2 };
        first.stride = 2;
        spoil(&mut first, &mut second, &mut tap);
        Plan { steps: vec![Step::Conv(first), Step::Conv(second)], taps: vec![tap], slots: 3 }
    }

    #[test]
    fn a_plan_that_fits_passes_and_has_its_shapes() {
        let plan = block(|_, _, _| ());
        assert_eq!(plan.check(), Ok(()));
        let (mut shapes, mut names) = (Vec::new(), Vec::new());
        let image = MapShape { channels: 3, height: 7, width: 10 };
        plan.visit(image, &mut shapes, |visited| names.push((visited.index, visited.step.name().to_owned()))).unwrap();
        let map = MapShape { channels: 8, height: 4, width: 5 };
        assert_eq!(shapes, [image, map, map]);
        assert_eq!(plan.slot_channels(), [3, 8, 8]);
        assert_eq!(names, [(0, "a".to_owned()), (1, "b".to_owned())]);
    }

    type Spoil = fn(&mut ConvStep, &mut ConvStep, &mut Tap);

    #[test]
    fn what_does_not_fit_is_named() {
        let (a, b, tap) = (|| "step 0 (`a`)".to_owned(), || "step 1 (`b`)".to_owned(), || "tap `block`".to_owned());
        let map = |channels, side| MapShape { channels, height: side, width: side };
        let cases: [(Spoil, PlanError); 12] = [
            (|_, b, _| b.from = 3, PlanError::UnknownSlot { place: b(), slot: 3, slots: 3 }),
            (|_, b, _| b.to = 9, PlanError::UnknownSlot { place: b(), slot: 9, slots: 3 }),
            (|_, _, tap| tap.slot = 3, PlanError::UnknownSlot { place: tap(), slot: 3, slots: 3 }),
            (|a, _, _| a.from = 2, PlanError::NotWritten { place: a(), slot: 2 }),
            (|_, b, _| b.add = Some(2), PlanError::NotWritten { place: b(), slot: 2 }),
            (|_, b, _| b.to = 1, PlanError::WrittenTwice { place: b(), slot: 1 }),
            (|a, _, _| a.to = 0, PlanError::WrittenTwice { place: a(), slot: 0 }),
            (
                |_, b, _| b.groups = 3,
                PlanError::Window { place: b(), kernel: 3, stride: 1, in_channels: 8, out_channels: 8, groups: 3 },
            ),
            (|_, b, _| b.in_channels = 4, PlanError::Channels { place: b(), slot: 1, expected: 4, found: 8 }),
            (|_, _, tap| tap.channels = 4, PlanError::Channels { place: tap(), slot: 2, expected: 4, found: 8 }),
            (
                |_, b, _| b.stride = 2,
                PlanError::Residual { place: b(), slot: 1, expected: map(8, 64), found: map(8, 128) },
            ),
            (|_, _, tap| tap.stride = 4, PlanError::TapStride { place: tap(), expected: 2, found: 4 }),
        ];
        for (spoil, expected) in cases {
            assert_eq!(block(spoil).check(), Err(expected));
        }
    }
}
