//! The extractor as Burn tensor operations.

use burn::tensor::Tensor;
use patchcore_config::backbone::plan::Plan;
use patchcore_config::{BackboneWeights, Grid, MemberConfig, Normalization};

use super::extractor_error::ExtractorError;
use crate::backbone::Network;
use crate::device::ComputeDevice;
use crate::patch_embedding::PatchEmbedding;

/// Normalisation, network and embedding on a device.
#[derive(Debug, Clone)]
pub(super) struct TensorExtractor {
    network: Network,
    embedding: PatchEmbedding,
    /// Mean and deviation of the normalisation, `[1, 3, 1, 1]`.
    normalization: [Tensor<4>; 2],
}

impl TensorExtractor {
    pub(super) fn new(
        member: &MemberConfig,
        plan: Plan,
        weights: &BackboneWeights,
        device: &ComputeDevice,
    ) -> Result<Self, ExtractorError> {
        let burn = device.burn()?;
        let channels: Vec<usize> = plan.taps.iter().map(|tap| tap.channels).collect();
        let embedding = PatchEmbedding::new(member.embedding, member.patch_size, &channels, burn);
        let network = Network::new(member.backbone, plan, weights, burn, device.precision())?;
        let Normalization { mean, std } = member.normalization;
        let values = |values: [f32; 3]| device.tensor(values.to_vec(), [1, 3, 1, 1]);
        Ok(Self { network, embedding, normalization: [values(mean)?, values(std)?] })
    }

    /// `pixels` `[n, 3 or 1, height, width]` in `[0, 1]` to rows `[n x grid cells, dim]`; `None` for a plan without layers.
    pub(super) fn embed(&self, pixels: Tensor<4>) -> Option<(Tensor<2>, Grid)> {
        let [mean, std] = self.normalization.clone();
        let maps = self.network.forward((pixels - mean) / std);
        self.embedding.forward(&maps)
    }
}
