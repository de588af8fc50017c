//! A look at all masks of a test set, before the first one is used: which rule they follow, and what is to be said of them.

use std::collections::BTreeSet;

use crate::mask_levels::{MaskKind, MaskLevels};
use crate::{ImageError, MaskRule, Photo};

/// The values that a remark lists, at most.
const LISTED: usize = 6;

/// What all masks of a test set have in common: [`MaskSurvey::add`] each of them, then ask.
///
/// One mask alone may look like a grey-scale one or like one of classes; what it means, its folder says. So all masks are looked at
/// before the first one is used. What is kept of each is a few bytes: whoever needs its pixels reads it again.
///
/// ```
/// use patchcore_io::{MaskRule, MaskSurvey, Photo, PixelBuffer, PixelFormat};
///
/// let numbers = PixelBuffer { data: &[0, 1, 3, 0], width: 2, height: 2, stride: 2, format: PixelFormat::Gray8 };
/// let survey = MaskSurvey::of([&Photo::from_buffer(&numbers)?]);
/// assert_eq!(survey.rule(), MaskRule::NotBlack);
/// assert_eq!(survey.remark().unwrap(), "1 mask holds the values 1, 3: everything that is not black counts");
/// # Ok::<(), patchcore_io::ImageError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MaskSurvey {
    labels: Group,
    grey: Group,
    alpha: Group,
    /// The values of [`MaskSurvey::labels`] but black, as they stand in the files; no more than are listed, and one.
    label_values: BTreeSet<u16>,
    /// Other values than one white.
    has_other_values: bool,
    /// Whether some mask of few values would lose more than a seam under the rule for grey-scale ones.
    some_unseamed: bool,
    /// The brightest level, of 65535, of the darkest mask of few values that is not black.
    darkest_labels: Option<u16>,
    /// The brightest level of all, of 65535.
    brightest: u16,
    black_is_background: bool,
    pixels: u64,
    not_black: u64,
}

/// How many masks, and the one that stands for them.
#[derive(Debug, Clone, Default)]
struct Group {
    masks: usize,
    example: String,
    /// Values of the example.
    values: usize,
}

impl Group {
    /// The mask with the most values stands for all.
    fn add(&mut self, mask: &Photo, values: usize) {
        self.masks += 1;
        if values > self.values {
            (self.example, self.values) = (mask.name().to_owned(), values);
        }
    }
}

impl MaskSurvey {
    /// A survey of so many masks.
    #[must_use]
    pub fn of<'a>(masks: impl IntoIterator<Item = &'a Photo>) -> MaskSurvey {
        let mut survey = MaskSurvey::default();
        masks.into_iter().for_each(|mask| survey.add(mask));
        survey
    }

    /// Looks at one more mask.
    pub fn add(&mut self, mask: &Photo) {
        let levels = MaskLevels::new(mask, false);
        let distinct = levels.distinct();
        let brightest = brightness(&levels, &distinct);
        self.brightest = self.brightest.max(brightest);
        self.black_is_background |= levels.black_is_drawn;
        self.pixels += levels.values.len() as u64;
        self.not_black += levels.values.iter().filter(|value| **value > 0).count() as u64;
        if levels.is_alpha {
            self.alpha.add(mask, distinct.len());
        }
        let values = || distinct.iter().copied().filter(|value| *value > 0);
        match levels.kind(&distinct) {
            MaskKind::GreyScale => {
                self.has_other_values |= values().any(|value| value < levels.full);
                self.grey.add(mask, distinct.len());
            }
            MaskKind::Labels { seamed } => {
                self.labels.add(mask, distinct.len());
                self.label_values.extend(values().take(LISTED + 1));
                while self.label_values.len() > LISTED + 1 {
                    self.label_values.pop_last();
                }
                self.has_other_values |= values().any(|value| value > 1 && value < levels.full);
                if brightest > 0 {
                    self.some_unseamed |= !seamed;
                    self.darkest_labels = Some(self.darkest_labels.map_or(brightest, |dark| dark.min(brightest)));
                }
            }
        }
    }

    /// Masks looked at.
    #[must_use]
    pub fn masks(&self) -> usize {
        self.labels.masks + self.grey.masks
    }

    /// The rule for all of them.
    #[must_use]
    pub fn rule(&self) -> MaskRule {
        let go_together = !self.some_unseamed && self.darkest_labels.is_none_or(|level| self.is_bright(level));
        match (self.grey.masks, self.labels.masks) {
            (0, _) => MaskRule::NotBlack,
            _ if go_together => MaskRule::AtLeastHalf,
            _ => MaskRule::EachByItsKind,
        }
    }

    /// At least half of the brightest.
    fn is_bright(&self, level: u16) -> bool {
        2 * u32::from(level) >= u32::from(self.brightest)
    }

    /// How bright each pixel of a mask is, 255 for what certainly counts; from 128 on it does.
    pub(crate) fn strength(&self, mask: &Photo) -> Vec<u8> {
        let levels = MaskLevels::new(mask, self.black_is_background);
        let distinct = levels.distinct();
        let own = brightness(&levels, &distinct);
        let by_half = self.grey.masks > 0
            && match levels.kind(&distinct) {
                MaskKind::GreyScale => true,
                MaskKind::Labels { seamed } => seamed && self.is_bright(own),
            };
        if !by_half {
            return levels.values.iter().map(|value| if *value > 0 { u8::MAX } else { 0 }).collect();
        }
        let white = u64::from(if self.is_bright(own) { self.brightest.max(own) } else { own }.max(1));
        let full = u64::from(levels.full);
        let share = |value: u16| {
            let value = u64::from(value) * u64::from(u16::MAX) / full;
            ((value * 255 + white / 2) / white).min(255) as u8
        };
        levels.values.into_iter().map(share).collect()
    }

    /// Whether a mask counts some pixels and others not: one that counts all or none says nothing.
    pub(crate) fn check_says_something(&self, mask: &Photo) -> Result<(), ImageError> {
        let strength = self.strength(mask);
        let counts = strength.iter().filter(|strength| **strength >= 128).count();
        if counts > 0 && counts < strength.len() {
            return Ok(());
        }
        let levels = MaskLevels::new(mask, self.black_is_background);
        let what = if levels.is_alpha { "its alpha" } else { "each pixel" };
        let values: Vec<String> = levels.distinct().iter().take(LISTED).map(ToString::to_string).collect();
        let found = format!("{what} is {} of {}", values.join(" or "), levels.full);
        Err(ImageError::MaskOfOneKind { name: mask.name().to_owned(), all: counts > 0, found })
    }

    /// What is worth saying of these masks, in one line: `None` where they are black and white, or 0 and 1, without anything else.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.alpha.masks > 0 {
            parts.push(format!("{} drawn in alpha, so that the colours do not count", self.alpha.named("is", "are")));
        }
        let label_values = || {
            let values: Vec<String> = self.label_values.iter().take(LISTED).map(ToString::to_string).collect();
            let more = if self.label_values.len() > LISTED { ", .." } else { "" };
            let word = if values.len() == 1 { "value" } else { "values" };
            format!("the {word} {}{more}", values.join(", "))
        };
        let has_values = self.has_other_values || self.label_values.len() > 1;
        let (not_black, at_least_half) = (MaskRule::NotBlack, MaskRule::AtLeastHalf);
        let grey = || {
            let Group { example, values, .. } = &self.grey;
            let word = if self.grey.masks == 1 { "is" } else { "are" };
            format!("{} {word} grey-scale ({example}: {values} values): {at_least_half}", masks(self.grey.masks))
        };
        let few = || {
            let word = if self.labels.masks == 1 { "holds" } else { "hold" };
            format!("{} {word} {}: {not_black}", masks(self.labels.masks), label_values())
        };
        match self.rule() {
            MaskRule::NotBlack if has_values && !self.label_values.is_empty() => parts.push(few()),
            MaskRule::AtLeastHalf if self.has_other_values => parts.push(grey()),
            MaskRule::EachByItsKind => parts.extend([few(), grey()]),
            MaskRule::NotBlack | MaskRule::AtLeastHalf => {}
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The share of all pixels that are not black, from 0 to 1. Of masks of defects it is small: a large one says that black and white
    /// are the other way round.
    #[must_use]
    pub fn share_not_black(&self) -> f64 {
        self.not_black as f64 / (self.pixels as f64).max(1.0)
    }
}

impl Group {
    /// `3 masks (the one of most values: a.png) are`.
    fn named(&self, one: &str, several: &str) -> String {
        let verb = if self.masks == 1 { one } else { several };
        format!("{} ({}) {verb}", masks(self.masks), self.example)
    }
}

fn masks(count: usize) -> String {
    if count == 1 { "1 mask".to_owned() } else { format!("{count} masks") }
}

/// The brightest level, of 65535.
fn brightness(levels: &MaskLevels, distinct: &[u16]) -> u16 {
    let brightest = u32::from(distinct.last().copied().unwrap_or_default());
    (brightest * u32::from(u16::MAX) / u32::from(levels.full)) as u16
}
