//! What the kernels rely on in a plan, looked at once: they compute addresses from it.

use patchcore_config::backbone::plan::{ConvStep, Plan, Slot, Step};

/// How a plan contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFault {
    /// A step or a tap reads what is not there yet.
    #[error("{reader} reads slot {slot}, which no step before it has written")]
    Unwritten {
        /// The step or tap.
        reader: String,
        /// The slot.
        slot: Slot,
    },
    /// A step writes the image, a slot that another step has written, or one that is not counted in `slots`.
    #[error("{step} writes slot {slot}: expected one of 1..{slots} that no step before it has written")]
    Rewritten {
        /// The step.
        step: String,
        /// The slot.
        slot: Slot,
        /// Slots of the plan.
        slots: usize,
    },
    /// A convolution without channels or groups.
    #[error("{step} has no channels or no groups")]
    Empty {
        /// The step.
        step: String,
    },
    /// A map has other channels than its reader expects.
    #[error("{reader} expects {expected} channels in slot {slot}, which has {found}")]
    Channels {
        /// The step or tap.
        reader: String,
        /// The slot.
        slot: Slot,
        /// Channels that the reader was written for.
        expected: usize,
        /// Channels of the map.
        found: usize,
    },
}

/// Channels of every slot, 0 for slots that no step writes; slot 0 has those that the convolutions on it expect, or 3.
///
/// # Errors
/// [`PlanFault`].
pub(super) fn channels_of_slots(plan: &Plan) -> Result<Vec<usize>, PlanFault> {
    let image = plan.steps.iter().find_map(|step| match step {
        Step::Conv(conv) if conv.from == 0 => Some(conv.in_channels),
        _ => None,
    });
    let mut channels = vec![0; plan.slots];
    if let Some(slot) = channels.first_mut() {
        *slot = image.unwrap_or(3);
    }
    let read = |channels: &[usize], slot: Slot, reader: &dyn Fn() -> String| match channels.get(slot).copied() {
        None | Some(0) => Err(PlanFault::Unwritten { reader: reader(), slot }),
        Some(found) => Ok(found),
    };
    let expect = |channels: &[usize], slot: Slot, expected: usize, reader: &dyn Fn() -> String| {
        let found = read(channels, slot, reader)?;
        let fault = || PlanFault::Channels { reader: reader(), slot, expected, found };
        if found == expected { Ok(()) } else { Err(fault()) }
    };
    for step in &plan.steps {
        let label = || label(step);
        let (to, out_channels) = match step {
            Step::Conv(conv) => {
                let ConvStep { in_channels, out_channels, .. } = *conv;
                if in_channels == 0 || out_channels == 0 || conv.groups == 0 {
                    return Err(PlanFault::Empty { step: label() });
                }
                expect(&channels, conv.from, in_channels, &label)?;
                if let Some(add) = conv.add {
                    expect(&channels, add, out_channels, &label)?;
                }
                (conv.to, out_channels)
            }
            Step::MaxPool { from, to } => (*to, read(&channels, *from, &label)?),
        };
        match channels.get_mut(to) {
            Some(slot) if *slot == 0 => *slot = out_channels,
            _ => return Err(PlanFault::Rewritten { step: label(), slot: to, slots: plan.slots }),
        }
    }
    for tap in &plan.taps {
        expect(&channels, tap.slot, tap.channels, &|| format!("tap `{}`", tap.layer))?;
    }
    Ok(channels)
}

/// What a fault calls a step.
pub(super) fn label(step: &Step) -> String {
    match step {
        Step::Conv(conv) => format!("convolution `{}`", conv.name),
        Step::MaxPool { from, to } => format!("the max-pool from slot {from} to {to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchcore_config::Architecture;
    use patchcore_config::backbone::plan::Tap;

    fn plan() -> Plan {
        Architecture::RESNET18.plan(&["layer1".to_owned()]).unwrap()
    }

    fn conv(plan: &mut Plan, at: usize) -> &mut ConvStep {
        let mut convs = plan.steps.iter_mut().filter_map(|step| match step {
            Step::Conv(conv) => Some(conv),
            Step::MaxPool { .. } => None,
        });
        convs.nth(at).unwrap()
    }

    fn fault(change: impl FnOnce(&mut Plan)) -> PlanFault {
        let mut plan = plan();
        change(&mut plan);
        channels_of_slots(&plan).unwrap_err()
    }

    #[test]
    fn every_slot_of_a_network_has_channels() {
        assert_eq!(channels_of_slots(&plan()).unwrap()[..3], [3, 64, 64]);
        assert!(channels_of_slots(&plan()).unwrap().iter().all(|channels| *channels > 0));
    }

    #[test]
    fn every_contradiction_is_found() {
        let unwritten = fault(|plan| conv(plan, 0).from = 5);
        assert_eq!(unwritten.to_string(), "convolution `conv1` reads slot 5, which no step before it has written");
        assert!(matches!(fault(|plan| conv(plan, 2).add = Some(99)), PlanFault::Unwritten { slot: 99, .. }));
        assert!(matches!(fault(|plan| plan.taps[0].slot = 99), PlanFault::Unwritten { slot: 99, .. }));
        assert!(matches!(fault(|plan| plan.slots = 0), PlanFault::Unwritten { slot: 0, .. }));
        assert!(matches!(fault(|plan| plan.slots -= 1), PlanFault::Rewritten { .. }));
        assert!(matches!(fault(|plan| conv(plan, 1).to = 0), PlanFault::Rewritten { slot: 0, .. }));
        assert!(matches!(fault(|plan| conv(plan, 1).groups = 0), PlanFault::Empty { .. }));
        assert!(matches!(fault(|plan| conv(plan, 1).in_channels = 32), PlanFault::Channels { found: 64, .. }));
        assert!(matches!(
            fault(|plan| conv(plan, 2).add = Some(0)),
            PlanFault::Channels { expected: 64, found: 3, .. }
        ));
        let wide = Tap { layer: "wide".into(), slot: 1, channels: 65, stride: 2 };
        assert!(matches!(fault(|plan| plan.taps.push(wide)), PlanFault::Channels { expected: 65, .. }));
    }
}
