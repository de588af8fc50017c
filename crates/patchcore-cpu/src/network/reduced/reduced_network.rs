//! A plan compiled for 8 bits, and its execution.

use super::super::oracle::Planes;
use super::super::{CpuNetworkError, FeatureMap, MapLayout};
use super::oracle;
use crate::Instructions;
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::ActivationRanges;
use patchcore_config::backbone::plan::Plan;

/// A network of 8 bits with its weights packed for this processor. Immutable, so threads may share it.
pub struct ReducedNetwork {
    plan: Plan,
    weights: BackboneWeights,
    ranges: ActivationRanges,
}

/// Intermediate results of a [`ReducedNetwork`]; grows on first use of an image size and then stays.
#[derive(Default)]
pub struct ReducedWorkspace {}

impl ReducedWorkspace {
    /// An empty workspace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        0
    }
}

impl ReducedNetwork {
    /// Quantises and packs the weights of `plan`; `ranges` are those of [`super::ranges_of`].
    ///
    /// # Errors
    /// [`CpuNetworkError`]: a tensor is missing or has another size, the ranges are not those of the plan, the plan contradicts itself,
    /// or it has a step without a kernel here.
    pub fn int8(
        _instructions: Instructions,
        plan: &Plan,
        weights: &BackboneWeights,
        ranges: &ActivationRanges,
    ) -> Result<Self, CpuNetworkError> {
        plan.check()?;
        super::definition::Definition::new(plan, weights, ranges)?;
        Ok(Self { plan: plan.clone(), weights: weights.restricted_to(plan), ranges: ranges.clone() })
    }

    /// Runs the network on the threads of the current rayon pool.
    ///
    /// `input` is the normalised image batch `[n, channels, height, width]`, row-major. `outputs` becomes one [`FeatureMap`] per tap, in
    /// the plan's order, channels last; its memory and that of `workspace` are reused. An image's features are the same bits on every
    /// processor, with any number of threads, in any batch.
    ///
    /// # Errors
    /// [`CpuNetworkError::InputSize`] if `input` does not have `n * channels * height * width` values or a side is 0;
    /// [`CpuNetworkError::Plan`] where the plan adds maps that at this size differ in theirs.
    pub fn forward(
        &self,
        input: &[f32],
        n: usize,
        height: usize,
        width: usize,
        _workspace: &mut ReducedWorkspace,
        outputs: &mut Vec<FeatureMap>,
    ) -> Result<(), CpuNetworkError> {
        let channels = self.plan.image_channels();
        let image = channels * height * width;
        if input.len() != n * image || image == 0 {
            return Err(CpuNetworkError::InputSize { found: input.len(), n, channels, height, width });
        }
        outputs.resize_with(self.plan.taps.len(), FeatureMap::default);
        outputs.iter_mut().for_each(|output| output.data.clear());
        for pixels in input.chunks_exact(image) {
            let planes = Planes { channels, height, width, data: pixels.to_vec() };
            let maps = oracle::forward(&self.plan, &self.weights, &self.ranges, &planes)?;
            for (output, map) in outputs.iter_mut().zip(maps) {
                let area = map.height * map.width;
                for position in 0..area {
                    output.data.extend(map.data.iter().skip(position).step_by(area));
                }
                (output.height, output.width, output.channels) = (map.height, map.width, map.channels);
                output.layout = MapLayout::ChannelsLast;
            }
        }
        Ok(())
    }
}
