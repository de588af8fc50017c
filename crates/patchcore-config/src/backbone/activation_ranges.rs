//! What the maps of a network of 8 bits may hold: a range for each channel of each map.

use thiserror::Error;

use super::plan::Plan;

/// The ranges of all maps of a network, in the order of its plan's slots; the first one is the image's.
///
/// A fit measures them once, on good photos, and a model keeps them: they decide its features.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ActivationRanges {
    /// One for each slot.
    pub slots: Vec<ChannelRanges>,
}

/// The ranges of one map. 8 bits cover each of them in 255 equal steps, of which one is 0: values beyond are clipped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChannelRanges {
    /// The lowest value of each channel, at most 0.
    pub low: Vec<f32>,
    /// The highest value of each channel, at least 0.
    pub high: Vec<f32>,
}

/// Ranges that no network can compute with, or not this one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RangesError {
    /// Of another number of maps.
    #[error("ranges of {found} maps for a network of {expected}")]
    Slots {
        /// Maps of the network, the image included.
        expected: usize,
        /// Maps with ranges.
        found: usize,
    },
    /// Of another number of channels.
    #[error("ranges of {found} channels for {map} of {expected}")]
    Channels {
        /// The map: its number, and what makes it.
        map: String,
        /// Its channels.
        expected: usize,
        /// Channels with ranges.
        found: usize,
    },
    /// No range around 0, or not a finite one.
    #[error("the range of channel {channel} of {map} is {low} to {high}: expected finite values with 0 in between")]
    NoRange {
        /// The map: its number, and what makes it.
        map: String,
        /// The channel.
        channel: usize,
        /// Its lowest value.
        low: String,
        /// Its highest value.
        high: String,
    },
}

impl ChannelRanges {
    /// So many channels that have shown nothing yet: each is only 0.
    pub fn nothing_seen(channels: usize) -> Self {
        Self { low: vec![0.0; channels], high: vec![0.0; channels] }
    }

    /// Lowest and highest value of each channel.
    pub fn channels(&self) -> impl Iterator<Item = (f32, f32)> {
        self.low.iter().copied().zip(self.high.iter().copied())
    }
}

impl ActivationRanges {
    /// Ranges of a network whose maps have not been seen yet, to be widened photo by photo.
    pub fn nothing_seen(plan: &Plan) -> Self {
        Self { slots: plan.slot_channels().into_iter().map(ChannelRanges::nothing_seen).collect() }
    }

    /// Channels of all maps together.
    pub fn channels(&self) -> usize {
        self.slots.iter().map(|slot| slot.low.len()).sum()
    }

    /// Whether they are as many as the maps and channels of this plan.
    ///
    /// # Errors
    /// [`RangesError::Slots`] and [`RangesError::Channels`].
    pub fn check_channels(&self, plan: &Plan) -> Result<(), RangesError> {
        let channels = plan.slot_channels();
        if self.slots.len() != channels.len() {
            return Err(RangesError::Slots { expected: channels.len(), found: self.slots.len() });
        }
        for (slot, (ranges, expected)) in self.slots.iter().zip(channels).enumerate() {
            for found in [ranges.low.len(), ranges.high.len()] {
                if found != expected {
                    return Err(RangesError::Channels { map: name_of(plan, slot), expected, found });
                }
            }
        }
        Ok(())
    }

    /// Whether a network of this plan can compute with them: a range for each channel of each map, finite, with 0 in it, and wide enough
    /// that 255 steps of it are not 0.
    ///
    /// # Errors
    /// [`RangesError`], for the first range at fault.
    pub fn check(&self, plan: &Plan) -> Result<(), RangesError> {
        self.check_channels(plan)?;
        for (slot, ranges) in self.slots.iter().enumerate() {
            // A step is one 255th of the range, and what is divided by it must stay finite.
            let usable = |(low, high): (f32, f32)| low <= 0.0 && high >= 0.0 && ((high - low) / 255.0).is_normal();
            if let Some((channel, (low, high))) = ranges.channels().enumerate().find(|(_, range)| !usable(*range)) {
                let (low, high) = (low.to_string(), high.to_string());
                return Err(RangesError::NoRange { map: name_of(plan, slot), channel, low, high });
            }
        }
        Ok(())
    }
}

/// A map by its number and the step that makes it.
fn name_of(plan: &Plan, slot: usize) -> String {
    let made = plan.steps.iter().find(|step| step.to() == slot);
    match (slot, made) {
        (0, _) => "map 0 (the image)".to_owned(),
        (_, Some(step)) => match step.conv() {
            Some(conv) => format!("map {slot} (convolution `{}`)", conv.name),
            None => format!("map {slot} (pool of map {})", step.from()),
        },
        (_, None) => format!("map {slot}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Architecture;

    fn plan() -> Plan {
        Architecture::EFFICIENTNET_LITE0.plan(&["block2".to_owned()]).unwrap()
    }

    fn usable() -> ActivationRanges {
        let mut ranges = ActivationRanges::nothing_seen(&plan());
        for slot in &mut ranges.slots {
            slot.high.fill(6.0);
        }
        ranges
    }

    #[test]
    fn a_network_has_a_range_for_each_channel_of_each_map() {
        let ranges = usable();
        assert_eq!((ranges.slots.len(), ranges.slots[0].low.len()), (plan().slots, 3));
        assert_eq!(ranges.channels(), ranges.slots.iter().map(|slot| slot.high.len()).sum::<usize>());
        assert_eq!(ranges.check(&plan()), Ok(()));
        assert!(ActivationRanges::nothing_seen(&plan()).check(&plan()).is_err());
    }

    #[test]
    fn what_no_network_can_compute_with_is_named() {
        let other = Architecture::EFFICIENTNET_LITE0.plan(&["block4".to_owned()]).unwrap();
        let (expected, found) = (other.slots, plan().slots);
        assert_eq!(usable().check(&other), Err(RangesError::Slots { expected, found }));
        let mut missing = usable();
        missing.slots[2].high.pop();
        let expected = missing.slots[2].low.len();
        assert_eq!(
            missing.check(&plan()),
            Err(RangesError::Channels { map: name_of(&plan(), 2), expected, found: expected - 1 })
        );
        let resnet = Architecture::RESNET18.plan(&["layer1".to_owned()]).unwrap();
        assert_eq!(name_of(&resnet, 0), "map 0 (the image)");
        assert_eq!(name_of(&resnet, 2), "map 2 (pool of map 1)");
        type Range = (f32, f32);
        for (low, high) in [
            (0.0, 0.0),
            (0.5, 1.0),
            (-1.0, -0.5),
            (0.0, f32::INFINITY),
            (f32::NAN, 1.0),
            (0.0, 1e-38),
            (f32::MIN, f32::MAX),
        ] as [Range; 7]
        {
            let mut wrong = usable();
            (wrong.slots[1].low[3], wrong.slots[1].high[3]) = (low, high);
            let message = wrong.check(&plan()).unwrap_err().to_string();
            let expected =
                format!("the range of channel 3 of map 1 (convolution `{}`) is ", plan().steps[0].conv().unwrap().name);
            assert!(message.starts_with(&expected), "{low} {high}: {message}");
        }
    }
}
