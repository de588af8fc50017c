//! From what was measured to what 8 bits cover. A model stores the result, so a change here changes no model that is there.

use super::super::CpuNetworkError;
use patchcore_config::Normalization;
use patchcore_config::backbone::plan::Plan;
use patchcore_config::backbone::{ActivationRanges, ChannelRanges};

/// The range of a map is at least this, in the units of its values: a map of zeros has a scale too.
const LEAST: f32 = 1e-6;

/// The ranges that 8 bits cover, of those that were `observed` on the photos of a fit.
///
/// - The image has that of its pixels, 0 to 1, normalised: 8-bit photos enter without loss.
/// - Any other map has one range for all its channels, which holds zero and all values seen. A range for each channel would be finer, and
///   would cut a channel off that lies still on the photos of the fit and moves in other light: the table "Tried" of the folder's README.
///
/// # Errors
/// [`CpuNetworkError::Ranges`] where `observed` has not the channels of this plan.
pub fn ranges_of(
    plan: &Plan,
    normalization: &Normalization,
    observed: &ActivationRanges,
) -> Result<ActivationRanges, CpuNetworkError> {
    observed.check_channels(plan)?;
    let of_slot = |(slot, seen): (usize, &ChannelRanges)| match slot {
        0 => of_image(normalization),
        _ => of_map(seen),
    };
    Ok(ActivationRanges { slots: observed.slots.iter().enumerate().map(of_slot).collect() })
}

/// The range of a map, the same for every channel.
fn of_map(seen: &ChannelRanges) -> ChannelRanges {
    let low = seen.low.iter().copied().fold(0.0, f32::min);
    let high = seen.high.iter().copied().fold(0.0, f32::max).max(low + LEAST);
    ChannelRanges { low: vec![low; seen.low.len()], high: vec![high; seen.high.len()] }
}

/// What the pixels 0 and 1 become.
fn of_image(normalization: &Normalization) -> ChannelRanges {
    let of = |pixel: f32| {
        let channels = normalization.mean.iter().zip(&normalization.std);
        channels.map(|(mean, std)| (pixel - mean) / std).collect::<Vec<_>>()
    };
    ChannelRanges { low: of(0.0), high: of(1.0) }
}
