//! What a stage has to do at the least: multiplications and bytes, from which a card's figures predict its time (a roofline).

use patchcore_config::Smoothing;
use patchcore_config::backbone::plan::{MapShape, Plan, PlanError};

use crate::engine::MapSpec;

/// What a stage has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Multiplications with an addition: two floating-point operations each.
    pub multiply_adds: u64,
    /// Bytes that go between memory and the processor if every step reads what it needs once and writes what it gives once, in f32.
    /// What lies in a cache from one step to the next is not left out.
    pub bytes: u64,
}

/// Bytes of a value.
const F32: u64 = 4;
/// Values that a bilinear interpolation weighs.
const CORNERS: u64 = 4;

impl Work {
    /// Of both, one after the other.
    pub fn and(self, other: Self) -> Self {
        Self { multiply_adds: self.multiply_adds + other.multiply_adds, bytes: self.bytes + other.bytes }
    }

    /// A network's plan for `images` photos of `height` rows and `width` columns together. Weights are read once; each step reads its
    /// map, and the map that it adds, and writes its own.
    ///
    /// # Errors
    /// As [`Plan::visit`].
    pub fn of_network(plan: &Plan, images: usize, height: usize, width: usize) -> Result<Self, PlanError> {
        let image = MapShape { channels: plan.image_channels(), height, width };
        let (mut multiply_adds, mut parameters, mut values) = (0, 0, 0);
        plan.visit(image, &mut Vec::new(), |visited| {
            let output = visited.output.values();
            multiply_adds += visited.step.multiply_adds(visited.output);
            parameters += visited.step.parameters();
            values += visited.input.values() + output + if visited.step.add().is_some() { output } else { 0 };
        })?;
        let images = images as u64;
        Ok(Self { multiply_adds: images * multiply_adds, bytes: F32 * (parameters + images * values) })
    }

    /// The patch embedding of maps of `values` values to `cells` rows of `dim`: a mean over `patch_size` by `patch_size` cells, and the
    /// resize of the deeper levels, counted for all of them.
    pub fn of_embedding(values: u64, cells: usize, dim: usize, patch_size: usize) -> Self {
        let rows = cells as u64 * dim as u64;
        Self { multiply_adds: rows * (patch_size as u64 * patch_size as u64 + CORNERS), bytes: F32 * (values + rows) }
    }

    /// A greedy selection of `picks` of `rows` rows of `width` values: every row is compared with every pick. The rows are read once at
    /// the least, however many picks one pass takes.
    pub fn of_coreset(rows: usize, width: usize, picks: usize) -> Self {
        let values = rows as u64 * width as u64;
        Self { multiply_adds: values * picks as u64, bytes: F32 * (values + 2 * rows as u64) }
    }

    /// The nearest of `rows` rows of `dim` values for each of `queries`: every pair is compared. Gives a distance and a row for each.
    pub fn of_search(queries: usize, rows: usize, dim: usize) -> Self {
        let (queries, rows, dim) = (queries as u64, rows as u64, dim as u64);
        Self { multiply_adds: queries * rows * dim, bytes: F32 * ((queries + rows) * dim + 2 * queries) }
    }

    /// A map grown of a grid: a bilinear resize and a smoothing row by row and column by column.
    pub fn of_map(map: &MapSpec) -> Self {
        let pixels = map.height as u64 * map.width as u64;
        let (taps, passes) = match map.smoothing {
            // Cut at four standard deviations to either side.
            Smoothing::Gaussian { sigma } => (2 * (4.0 * sigma + 0.5) as u64 + 1, 2),
            Smoothing::None => (0, 0),
        };
        let values = map.grid.cells() as u64 + pixels * (1 + 2 * passes);
        Self { multiply_adds: pixels * (CORNERS + passes * taps), bytes: F32 * values }
    }
}

#[cfg(test)]
mod tests {
    use patchcore_config::backbone::plan::{Activation, ConvStep, Padding, Step, Tap};
    use patchcore_config::{Border, Grid, Upsampling};

    use super::*;

    /// Counted by hand: 1 x 1 convolutions of 2 channels on 3 x 5 pixels, the second with the first one's map added.
    #[test]
    fn a_small_network_has_to_do_what_can_be_counted() {
        let conv = |name: &str, from, to, add| {
            Step::Conv(ConvStep {
                name: name.to_owned(),
                from,
                to,
                in_channels: 2,
                out_channels: 2,
                kernel: 1,
                stride: 1,
                padding: Padding::Symmetric(0),
                groups: 1,
                prologue: false,
                add,
                activation: Activation::Relu,
            })
        };
        let steps = vec![conv("a", 0, 1, None), conv("b", 1, 2, Some(1))];
        let plan = Plan { slots: 3, steps, taps: vec![Tap { layer: "l".to_owned(), slot: 2, channels: 2, stride: 1 }] };
        let work = Work::of_network(&plan, 2, 3, 5).unwrap();
        // Two layers of 2 x 2 weights and 2 biases; maps of 30 values: two and three of them.
        assert_eq!(work, Work { multiply_adds: 2 * 2 * (15 * 4), bytes: 4 * (2 * 6 + 2 * (60 + 90)) });
    }

    #[test]
    fn the_other_stages_too() {
        assert_eq!(Work::of_search(3, 5, 7), Work { multiply_adds: 105, bytes: 4 * (8 * 7 + 6) });
        assert_eq!(Work::of_coreset(10, 4, 3), Work { multiply_adds: 120, bytes: 4 * 60 });
        assert_eq!(Work::of_embedding(100, 6, 5, 3), Work { multiply_adds: 30 * 13, bytes: 4 * 130 });
        let smoothing = Smoothing::Gaussian { sigma: 4.0 };
        let grid = Grid { rows: 2, columns: 3 };
        let (upsampling, border) = (Upsampling::Bilinear, Border::ReflectEdgeRepeated);
        let map = MapSpec { grid, height: 10, width: 20, upsampling, smoothing, border };
        // 33 taps to and fro.
        assert_eq!(Work::of_map(&map), Work { multiply_adds: 200 * (4 + 66), bytes: 4 * (6 + 200 * 5) });
        let twice = Work::of_map(&map).and(Work::of_search(3, 5, 7));
        assert_eq!(twice.multiply_adds, 200 * 70 + 105);
    }
}
