//! What a plan costs: parameters, multiplications, memory.

use super::map_shape::MapShape;
use super::{Plan, PlanError};

/// What one image of a size costs a plan, whoever executes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanCost {
    /// Weights and biases.
    pub parameters: u64,
    /// Multiplications with an addition.
    pub multiply_adds: u64,
    /// Values of the largest map, the image included.
    pub largest_map: u64,
    /// The most values that are alive at the same time: a map lives from the step that writes it to the last that reads it, a
    /// tap to the end.
    pub live: u64,
}

impl Plan {
    /// The costs for an image of `height` rows and `width` columns. Cost: one pass over the steps.
    ///
    /// # Errors
    /// As [`Plan::visit`].
    pub fn cost(&self, height: usize, width: usize) -> Result<PlanCost, PlanError> {
        let image = MapShape { channels: self.image_channels(), height, width };
        let last_uses = self.last_uses();
        let (mut cost, mut alive) = (PlanCost::default(), vec![(0, image.values())]);
        (cost.largest_map, cost.live) = (image.values(), image.values());
        self.visit(image, &mut Vec::new(), |visited| {
            let values = visited.output.values();
            cost.parameters += visited.step.parameters();
            cost.multiply_adds += visited.step.multiply_adds(visited.output);
            cost.largest_map = cost.largest_map.max(values);
            alive.push((visited.step.to(), values));
            cost.live = cost.live.max(alive.iter().map(|(_, values)| values).sum());
            alive.retain(|(slot, _)| last_uses.get(*slot).is_some_and(|last| *last > visited.index));
        })?;
        Ok(cost)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Activation, ConvStep, Padding, Step, Tap};
    use super::*;

    /// Counted by hand: a stem, a pool, and a block whose shortcut lives on beside it.
    #[test]
    fn a_small_plan_costs_what_can_be_counted() {
        let conv = |name: &str, from, to, channels: (usize, usize), kernel, add| {
            let (in_channels, out_channels) = channels;
            let padding = Padding::Symmetric(kernel / 2);
            let (name, activation) = (name.to_owned(), Activation::Relu);
            let (stride, groups) = (1, 1);
            Step::Conv(ConvStep {
                name,
                from,
                to,
                in_channels,
                out_channels,
                kernel,
                stride,
                padding,
                groups,
                prologue: false,
                add,
                activation,
            })
        };
        let plan = Plan {
            steps: vec![
                conv("stem", 0, 1, (3, 8), 3, None),
                Step::MaxPool { from: 1, to: 2 },
                conv("a", 2, 3, (8, 16), 1, None),
                conv("b", 3, 4, (16, 8), 1, Some(2)),
            ],
            taps: vec![Tap { layer: "block".to_owned(), slot: 4, channels: 8, stride: 2 }],
            slots: 5,
        };
        assert_eq!(plan.check(), Ok(()));
        let cost = plan.cost(4, 5).unwrap();
        // 3 x 3 x 3 x 8 + 8, 8 x 16 + 16, 16 x 8 + 8.
        assert_eq!(cost.parameters, 224 + 144 + 136);
        // 20 pixels of the stem, 2 x 3 of the others.
        assert_eq!(cost.multiply_adds, 216 * 20 + (128 + 128) * 6);
        assert_eq!(cost.largest_map, 8 * 20);
        // The image beside the stem's map: 60 + 160.
        assert_eq!(cost.live, 220);
        // With a tiny image's stem the block would be larger: 2, 3 and 4 alive.
        assert_eq!(plan.cost(1, 1).unwrap().live, 8 + 16 + 8);
    }
}
