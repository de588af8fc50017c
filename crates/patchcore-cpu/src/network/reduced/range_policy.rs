//! From what was measured to what 8 bits cover. A model stores the result, so a change here changes no model that is there.

use super::super::CpuNetworkError;
use patchcore_config::Normalization;
use patchcore_config::backbone::plan::{Plan, Slot, Step};
use patchcore_config::backbone::{ActivationRanges, ChannelRanges};

/// The range of a channel is at least this part of the largest one of its map: a channel that lay still in the fit may move later.
const LEAST_SHARE: f32 = 1.0 / 64.0;

/// The range of a map is at least this, in the units of its values: a map of zeros has a scale too.
const LEAST: f32 = 1e-6;

/// The ranges that 8 bits cover, of those that were `observed` on the photos of a fit.
///
/// - The image has that of its pixels, 0 to 1, normalised: 8-bit photos enter without loss.
/// - Every other range holds zero and all values seen. A map that a convolution over all channels reads has one range for all of them,
///   because there the channels' scales are folded into weights that have 8 bits themselves; any other map one a channel, which costs
///   nothing.
///
/// # Errors
/// [`CpuNetworkError::Ranges`] where `observed` has not the channels of this plan.
pub fn ranges_of(
    plan: &Plan,
    normalization: &Normalization,
    observed: &ActivationRanges,
) -> Result<ActivationRanges, CpuNetworkError> {
    observed.check_channels(plan)?;
    let of_slot = |(slot, (seen, shared)): (Slot, (&ChannelRanges, bool))| match slot {
        0 => of_image(normalization),
        _ => of_map(seen, shared),
    };
    let slots = observed.slots.iter().zip(read_by_all_channels(plan)).enumerate().map(of_slot).collect();
    Ok(ActivationRanges { slots })
}

/// The ranges of a map; `shared`: one for all channels.
fn of_map(seen: &ChannelRanges, shared: bool) -> ChannelRanges {
    let mut low: Vec<f32> = seen.low.iter().map(|low| low.min(0.0)).collect();
    let mut high: Vec<f32> = seen.high.iter().map(|high| high.max(0.0)).collect();
    let lowest = low.iter().copied().fold(0.0, f32::min);
    let highest = high.iter().copied().fold(0.0, f32::max);
    if shared {
        low.fill(lowest);
        high.fill(highest.max(lowest + LEAST));
    } else {
        let least = ((highest - lowest) * LEAST_SHARE).max(LEAST);
        high.iter_mut().zip(&low).for_each(|(high, low)| *high = high.max(low + least));
    }
    ChannelRanges { low, high }
}

/// What the pixels 0 and 1 become.
fn of_image(normalization: &Normalization) -> ChannelRanges {
    let of = |pixel: f32| {
        let channels = normalization.mean.iter().zip(&normalization.std);
        channels.map(|(mean, std)| (pixel - mean) / std).collect::<Vec<_>>()
    };
    ChannelRanges { low: of(0.0), high: of(1.0) }
}

/// For every slot, whether a convolution over all channels reads it, or what a pool makes of it.
fn read_by_all_channels(plan: &Plan) -> Vec<bool> {
    let mut read = vec![false; plan.slots];
    // From the end: what a pool writes is read after it.
    for step in plan.steps.iter().rev() {
        let by = match step {
            Step::Conv(conv) => conv.groups == 1,
            Step::MaxPool { to, .. } => read.get(*to).copied().unwrap_or(false),
        };
        if let Some(read) = read.get_mut(step.from()) {
            *read |= by;
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{conv, tap};
    use super::*;
    use patchcore_config::backbone::plan::ConvStep;

    #[test]
    fn ranges_are_shared_where_a_convolution_over_all_channels_reads_them() {
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
            // A convolution over all channels reads it.
            range(&[-1.0, -1.0], &[3.0, 3.0]),
            // A depthwise one does: one range a channel, the smaller one a 64th of all that the map holds.
            range(&[-0.5, 0.0], &[63.5, 1.0]),
            // A pool does, whose map a convolution over all channels reads.
            range(&[-2.0, -2.0], &[5.0, 5.0]),
            // Zeros.
            range(&[0.0, 0.0], &[1e-6, 1e-6]),
            // Nothing does; zero is among the values.
            range(&[0.0, -4.0], &[0.75, 0.0]),
        ];
        assert_eq!(ranges_of(&plan, &normalization, &observed).unwrap().slots, expected);
    }
}
