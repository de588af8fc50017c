//! Activation ranges as tensors of a model file: they decide scores, so they stand beside the banks and not in a section.

use patchcore_config::Normalization;
use patchcore_config::backbone::plan::Plan;
use patchcore_config::backbone::{ActivationRanges, ChannelRanges};
use patchcore_cpu::network::reduced::ranges_of;

use super::tensor::{Tensor, Tensors};
use crate::error::{ModelFileError, malformed};

const RANGES: &str = "activation_ranges";

/// The name of a network's tensor: the first one's has no number.
fn of_network(network: usize) -> String {
    if network == 0 { RANGES.to_owned() } else { format!("{RANGES}.{network}") }
}

/// The names of the tensors of so many networks.
pub(super) fn range_tensors(networks: usize) -> impl Iterator<Item = String> {
    (0..networks).map(of_network)
}

/// One tensor for each network of int8: `[channels of all maps, 2]`, lowest and highest value.
pub(super) fn encode_ranges(ranges: &[ActivationRanges]) -> Tensors {
    let tensor = |(network, ranges): (usize, &ActivationRanges)| {
        let channels = ranges.slots.iter().flat_map(ChannelRanges::channels);
        let values: Vec<f32> = channels.flat_map(|(low, high)| [low, high]).collect();
        (of_network(network), Tensor::of_f32(vec![ranges.channels(), 2], &values))
    };
    ranges.iter().enumerate().map(tensor).collect()
}

/// The ranges of a network of int8 with this plan, for images that are normalised like this.
pub(super) fn decode_ranges(
    tensors: &Tensors,
    network: usize,
    plan: &Plan,
    normalization: &Normalization,
) -> Result<ActivationRanges, ModelFileError> {
    let name = of_network(network);
    let tensor =
        tensors.get(&name).ok_or_else(|| refused(format!("no tensor `{name}`, and its network is of int8")))?;
    let slots = plan.slot_channels();
    let channels: usize = slots.iter().sum();
    if tensor.shape != [channels, 2] {
        return Err(refused(format!("`{name}` has shape {:?}, expected [{channels}, 2]", tensor.shape)));
    }
    let values = tensor.f32_values(&name)?;
    let (pairs, _) = values.as_chunks::<2>();
    let mut pairs = pairs.iter();
    let slot = |channels: usize| {
        let (low, high) = pairs.by_ref().take(channels).map(|[low, high]| (*low, *high)).unzip();
        ChannelRanges { low, high }
    };
    let ranges = ActivationRanges { slots: slots.into_iter().map(slot).collect() };
    ranges.check(plan).map_err(|error| refused(format!("`{name}`: {error}")))?;
    let nothing_seen = ActivationRanges::nothing_seen(plan);
    let expected = ranges_of(plan, normalization, &nothing_seen).map_err(|error| refused(error.to_string()))?;
    // The other maps' ranges were measured on images of this one.
    if ranges.slots.first() != expected.slots.first() {
        return Err(refused(format!(
            "`{name}`: the range of the image is not what the configuration's normalization gives"
        )));
    }
    Ok(ranges)
}

/// Ranges come from nowhere but a fit.
fn refused(text: String) -> ModelFileError {
    malformed(format!("{text}; fit again, or copy the file again"))
}
