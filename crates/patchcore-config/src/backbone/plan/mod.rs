//! A backbone as a list of steps: what both implementations of the network, tensor operations and CPU kernels, execute.
//!
//! Each family of networks ([`super::Family`]) writes a plan; nothing else knows what a bottleneck is. Steps are in execution
//! order and in single-assignment form: every step writes a slot of its own, slot 0 is the normalised image. BatchNorm is
//! folded, so a network is convolutions, residual sums, activations and one max-pool; in a DenseNet, whose normalisations come
//! before the convolutions, also concatenations, average pools, and prologues for the normalisations that cannot be folded.
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
        self.steps.iter().flat_map(Step::tensors).collect()
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
            let read = channels.get(step.from()).copied();
            let written = read.map(|channels| step.output(MapShape { channels, height: 1, width: 1 }).channels);
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
    /// channels or a residual of another shape, an average pool of odd sides (its map would cover less than the image).
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
            if let Step::Concat { channels, .. } = step {
                check_channels(step.from(), channels.0, input, &place)?;
            }
            if let Step::AveragePool { channels, .. } = step {
                check_channels(step.from(), *channels, input, &place)?;
                if !input.height.is_multiple_of(2) || !input.width.is_multiple_of(2) {
                    let multiple = self.taps.iter().map(|tap| tap.stride).max().unwrap_or(2);
                    return Err(PlanError::OddSides { place: place(), found: input, multiple });
                }
            }
            let output = step.output(input);
            if let Some(slot) = step.with() {
                let found = read(shapes, slot, &place)?;
                let expected = MapShape { channels: output.channels - input.channels, ..input };
                if found != expected {
                    return Err(PlanError::Joined { place: place(), slot, expected, found });
                }
            }
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

    /// Whether the maps of an image of `height` rows and `width` columns cover it, `ceil(side / stride)` cells each. Any size fits a
    /// plan without average pools; of others the maps before each pool need even sides, as they have where the image's sides are
    /// multiples of the deepest level's stride. Cost: one pass over the steps of a plan with average pools, else nothing.
    ///
    /// # Errors
    /// [`PlanError::OddSides`]; as [`Plan::visit`].
    pub fn check_sides(&self, height: usize, width: usize) -> Result<(), PlanError> {
        if !self.steps.iter().any(|step| matches!(step, Step::AveragePool { .. })) {
            return Ok(());
        }
        self.visit(MapShape { channels: self.image_channels(), height, width }, &mut Vec::new(), |_| ())
    }

    /// The first step that networks of 8 and 16 bits have no definition of: concatenations, average pools, prologues, and groups of
    /// more than one channel.
    pub fn not_reducible(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.is_reducible())
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

/// That `input`, which lies in `slot`, has so many channels.
fn check_channels(slot: Slot, expected: usize, input: MapShape, place: &dyn Fn() -> String) -> Result<(), PlanError> {
    let found = input.channels;
    match found == expected {
        true => Ok(()),
        false => Err(PlanError::Channels { place: place(), slot, expected, found }),
    }
}

/// That a convolution can slide over `input`.
fn check_conv(conv: &ConvStep, input: MapShape, place: &dyn Fn() -> String) -> Result<(), PlanError> {
    let ConvStep { kernel, stride, in_channels, out_channels, groups, .. } = *conv;
    let divides = |channels: usize| channels > 0 && groups > 0 && channels.is_multiple_of(groups);
    if kernel == 0 || stride == 0 || !divides(in_channels) || !divides(out_channels) {
        return Err(PlanError::Window { place: place(), kernel, stride, in_channels, out_channels, groups });
    }
    let is_padded = conv.padding.before_after(1, kernel, stride) != (0, 0);
    if conv.prologue && (kernel != 1 || stride != 1 || groups != 1 || is_padded) {
        return Err(PlanError::Prologue { place: place(), kernel, stride, groups });
    }
    check_channels(conv.from, in_channels, input, place)
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
            prologue: false,
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

    /// A stem, what a layer adds to its map, the two joined, halved and mixed.
    fn dense_block(spoil: impl Fn(&mut [Step])) -> Plan {
        let pointwise =
            |name, from, to, channels| ConvStep { kernel: 1, prologue: true, ..conv(name, from, to, channels) };
        let mut steps = vec![
            Step::Conv(conv("stem", 0, 1, (3, 8))),
            Step::Conv(pointwise("layer", 1, 2, (8, 4))),
            Step::Concat { from: 1, with: 2, to: 3, channels: (8, 4) },
            Step::AveragePool { name: "pool".to_owned(), from: 3, to: 4, channels: 12 },
            Step::Conv(pointwise("mix", 4, 5, (12, 6))),
        ];
        spoil(&mut steps);
        let tap = |layer: &str, slot, channels, stride| Tap { layer: layer.to_owned(), slot, channels, stride };
        Plan { steps, taps: vec![tap("block", 3, 12, 1), tap("mixed", 5, 6, 2)], slots: 6 }
    }

    #[test]
    fn joined_and_halved_maps_have_their_shapes_and_tensors() {
        let plan = dense_block(|_| ());
        assert_eq!(plan.check(), Ok(()));
        assert_eq!(plan.slot_channels(), [3, 8, 4, 12, 12, 6]);
        assert_eq!(plan.last_uses(), [0, 2, 2, usize::MAX, 4, usize::MAX]);
        let mut shapes = Vec::new();
        plan.visit(MapShape { channels: 3, height: 6, width: 4 }, &mut shapes, |_| ()).unwrap();
        assert_eq!(
            shapes[3..5],
            [(12, 6, 4), (12, 3, 2)].map(|(channels, height, width)| MapShape { channels, height, width })
        );
        let tensors: Vec<(String, Vec<usize>)> = plan.expected_tensors().into_iter().skip(2).collect();
        let expected: [(&str, &[usize]); 10] = [
            ("layer.weight", &[4, 8, 1, 1]),
            ("layer.bias", &[4]),
            ("layer.scale", &[8]),
            ("layer.shift", &[8]),
            ("pool.scale", &[12]),
            ("pool.shift", &[12]),
            ("mix.weight", &[6, 12, 1, 1]),
            ("mix.bias", &[6]),
            ("mix.scale", &[12]),
            ("mix.shift", &[12]),
        ];
        assert_eq!(tensors, expected.map(|(name, shape)| (name.to_owned(), shape.to_vec())));
        let cost = plan.cost(4, 4).unwrap();
        assert_eq!(cost.parameters, (9 * 24 + 8) + (32 + 4 + 16) + 24 + (72 + 6 + 24));
        assert_eq!(cost.multiply_adds, 16 * 9 * 24 + 16 * (8 + 32) + 16 * 12 + 4 * (12 + 72));
    }

    #[test]
    fn maps_that_cannot_be_joined_or_halved_are_named() {
        fn change(step: &mut Step, change: impl Fn(&mut ConvStep)) {
            if let Step::Conv(conv) = step {
                change(conv);
            }
        }
        type Spoil = fn(&mut [Step]);
        let map = |channels, side| MapShape { channels, height: side, width: side };
        let (layer, joined, pool) = (
            || "step 1 (`layer`)".to_owned(),
            || "step 2 (`concatenation`)".to_owned(),
            || "step 3 (`pool`)".to_owned(),
        );
        let cases: [(Spoil, PlanError); 5] = [
            (
                |steps| change(&mut steps[1], |conv| conv.kernel = 3),
                PlanError::Prologue { place: layer(), kernel: 3, stride: 1, groups: 1 },
            ),
            (
                |steps| change(&mut steps[1], |conv| (conv.stride, conv.prologue) = (2, false)),
                PlanError::Joined { place: joined(), slot: 2, expected: map(4, 256), found: map(4, 128) },
            ),
            (
                |steps| steps[2] = Step::Concat { from: 1, with: 2, to: 3, channels: (6, 4) },
                PlanError::Channels { place: joined(), slot: 1, expected: 6, found: 8 },
            ),
            (
                |steps| steps[2] = Step::Concat { from: 1, with: 5, to: 3, channels: (8, 4) },
                PlanError::NotWritten { place: joined(), slot: 5 },
            ),
            (
                |steps| steps[3] = Step::AveragePool { name: "pool".to_owned(), from: 3, to: 4, channels: 8 },
                PlanError::Channels { place: pool(), slot: 3, expected: 8, found: 12 },
            ),
        ];
        for (spoil, expected) in cases {
            assert_eq!(dense_block(spoil).check(), Err(expected));
        }
        let image = |height, width| MapShape { channels: 3, height, width };
        let visit = |height, width| dense_block(|_| ()).visit(image(height, width), &mut Vec::new(), |_| ());
        let odd = |height, width| {
            let found = MapShape { channels: 12, height, width };
            Err(PlanError::OddSides { place: pool(), found, multiple: 2 })
        };
        assert_eq!(visit(6, 5), odd(6, 5));
        assert_eq!(visit(1, 4), odd(1, 4));
        assert_eq!(visit(2, 4), Ok(()));
    }
}
