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

#[cfg(test)]
mod tests {
    use super::super::super::tests::{conv, tap};
    use super::*;
    use patchcore_config::backbone::plan::{ConvStep, Step};

    #[test]
    fn a_map_has_one_range_that_holds_zero_and_all_that_was_seen() {
        let plan = Plan {
            steps: vec![
                Step::Conv(conv("a", 0, 1, (3, 2), 1, 1)),
                Step::Conv(conv("b", 1, 2, (2, 2), 1, 1)),
                Step::Conv(ConvStep { groups: 2, ..conv("c", 2, 3, (2, 2), 3, 1) }),
                Step::MaxPool { from: 3, to: 4 },
                Step::Conv(conv("d", 4, 5, (2, 2), 1, 1)),
            ],
            taps: vec![tap(5, 2, 2)],
            slots: 6,
        };
        let range = |low: &[f32], high: &[f32]| ChannelRanges { low: low.to_vec(), high: high.to_vec() };
        let observed = ActivationRanges {
            slots: vec![
                // Whatever the image was.
                range(&[-9.0, -9.0, -9.0], &[9.0, 9.0, 9.0]),
                range(&[-1.0, 0.0], &[2.0, 3.0]),
                range(&[-0.5, 0.0], &[63.5, 0.25]),
                range(&[0.0, -2.0], &[1.0, 5.0]),
                range(&[0.0, 0.0], &[0.0, 0.0]),
                range(&[0.5, -4.0], &[0.75, -3.0]),
            ],
        };
        let normalization = Normalization { mean: [0.5, 0.25, 0.0], std: [0.25, 0.5, 1.0] };
        let expected = [
            range(&[-2.0, -0.5, 0.0], &[2.0, 1.5, 1.0]),
            range(&[-1.0, -1.0], &[3.0, 3.0]),
            // A depthwise convolution reads it: a channel that lay still may move in other light.
            range(&[-0.5, -0.5], &[63.5, 63.5]),
            range(&[-2.0, -2.0], &[5.0, 5.0]),
            // Zeros.
            range(&[0.0, 0.0], &[1e-6, 1e-6]),
            range(&[-4.0, -4.0], &[0.75, 0.75]),
        ];
        assert_eq!(ranges_of(&plan, &normalization, &observed).unwrap().slots, expected);
    }
}
