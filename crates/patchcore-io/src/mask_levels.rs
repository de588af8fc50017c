//! What stands in one mask file: a level for each pixel, 0 where nothing is drawn, and what kind of mask it is by its levels.

#![allow(clippy::indexing_slicing, reason = "rows and columns are those of the mask")]

use crate::Photo;
use crate::photo::{Samples, to_sixteen_bits};

/// A mask has few values if it has at most so many, black among them.
///
/// Whoever numbers kinds of defects stays below: VisA has about ten, MVTec LOCO gives each kind of a category a value of its own
/// (255, 254, .. 236), the palette of PASCAL VOC, which labelling tools write, has 22. Of 18 real masks, brought from 900 to 256
/// pixels by an antialiased resize, each had 32 to 247 values.
const FEW: usize = 32;

/// How far from the edge of a defect JPEG's traces reach: its blocks have 8 pixels a side.
const JPEG_REACH: usize = 7;

/// Floats as levels: 1 is white, or the brightest where that is above 1.
fn levels_of_floats(samples: &[f32]) -> Vec<u16> {
    let white = samples.iter().copied().filter(|sample| sample.is_finite()).fold(1.0, f32::max);
    samples.iter().map(|sample| to_sixteen_bits(*sample, white)).collect()
}

/// The levels of a mask.
pub(crate) struct MaskLevels {
    /// One for each pixel, row by row: the brightest channel, or the alpha.
    pub(crate) values: Vec<u16>,
    /// White.
    pub(crate) full: u16,
    /// They are the alpha, because the colours tell no background from what is drawn.
    pub(crate) is_alpha: bool,
    /// The picture has transparent pixels, and among the visible ones both black and others: black is its background.
    pub(crate) black_is_drawn: bool,
    width: usize,
    is_lossy: bool,
}

/// A mask's kind, by its levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MaskKind {
    /// A few values, each of which means something.
    Labels {
        /// What is darker than half of the brightest level is nothing but a seam of one pixel around the rest: it may be one of
        /// the grey-scale masks among which it lies, of a defect so small that it has few values.
        seamed: bool,
    },
    /// Many values, or the traces of a lossy compression around two: levels between are edges.
    GreyScale,
}

impl MaskLevels {
    /// The levels of a mask. `black_is_background`: another mask of the folder says so ([`MaskLevels::black_is_drawn`]).
    ///
    /// Pixels that are wholly transparent show nothing, whatever colours lie under them. Where the visible pixels are all black or
    /// none of them is, the alpha is what was drawn. An alpha that is the same everywhere says nothing, unless all is transparent and
    /// of one colour: then nothing was drawn.
    pub(crate) fn new(mask: &Photo, black_is_background: bool) -> Self {
        let (mut values, full) = match mask.samples() {
            Samples::Eight(samples) => (brightest(samples, mask.channels()), u16::from(u8::MAX)),
            Samples::Sixteen(samples) => (brightest(samples, mask.channels()), u16::MAX),
            Samples::Float(samples) => (brightest(&levels_of_floats(samples), mask.channels()), u16::MAX),
        };
        let (mut is_alpha, mut black_is_drawn) = (false, false);
        if let Some(alpha) = mask.alpha() {
            let alpha = match alpha {
                Samples::Eight(alpha) => alpha.iter().map(|alpha| u16::from(*alpha)).collect(),
                Samples::Sixteen(alpha) => alpha.clone(),
                Samples::Float(alpha) => levels_of_floats(alpha),
            };
            let visible = || values.iter().zip(&alpha).filter(|(_, alpha)| **alpha > 0).map(|(value, _)| *value);
            if is_constant(alpha.iter().copied()) {
                is_alpha = alpha.iter().all(|alpha| *alpha == 0) && is_constant(values.iter().copied());
            } else {
                let (black, others) = (visible().any(|value| value == 0), visible().any(|value| value > 0));
                black_is_drawn = black && others;
                is_alpha = others != black && (others || !black_is_background);
                for (value, alpha) in values.iter_mut().zip(&alpha) {
                    *value = if *alpha == 0 { 0 } else { *value };
                }
            }
            if is_alpha {
                values = alpha;
            }
        }
        let (width, is_lossy) = (mask.width() as usize, mask.is_lossy());
        Self { values, full, is_alpha, black_is_drawn, width, is_lossy }
    }

    /// The levels that occur, in order; black among them if it does.
    pub(crate) fn distinct(&self) -> Vec<u16> {
        let mut seen = vec![false; usize::from(self.full) + 1];
        for value in &self.values {
            seen[usize::from(*value)] = true;
        }
        let levels = (0..=self.full).zip(seen).filter(|(_, seen)| *seen);
        levels.map(|(level, _)| level).collect()
    }

    /// The mask's kind; `distinct` are its levels.
    pub(crate) fn kind(&self, distinct: &[u16]) -> MaskKind {
        if self.is_lossy || distinct.len() > FEW {
            return MaskKind::GreyScale;
        }
        let brightest = distinct.last().copied().unwrap_or_default();
        let lows = distinct.iter().filter(|level| **level > 0 && is_low(**level, brightest));
        if lows.clone().next().is_none() {
            return MaskKind::Labels { seamed: true };
        }
        // A JPEG that was saved as another format: white itself, several levels next to it, and some next to black.
        let highs = distinct.iter().filter(|level| !is_low(**level, brightest));
        let margin = brightest / 8;
        let two_ends = brightest == self.full
            && lows.clone().all(|level| *level <= margin)
            && highs.clone().all(|level| *level >= brightest - margin)
            && highs.count() > 1;
        if two_ends && self.lows_lie_within(JPEG_REACH, brightest) {
            return MaskKind::GreyScale;
        }
        MaskKind::Labels { seamed: self.lows_lie_within(1, brightest) }
    }

    /// Whether every pixel that is not black and below half of `brightest` has one above within `reach` rows and columns.
    fn lows_lie_within(&self, reach: usize, brightest: u16) -> bool {
        let mut near: Vec<bool> = self.values.iter().map(|value| !is_low(*value, brightest)).collect();
        for line in near.chunks_exact_mut(self.width) {
            spread(line, 0, 1, reach);
        }
        for column in 0..self.width {
            spread(&mut near, column, self.width, reach);
        }
        self.values.iter().zip(near).all(|(value, near)| near || *value == 0)
    }
}

/// Below half of the brightest.
fn is_low(level: u16, brightest: u16) -> bool {
    2 * u32::from(level) < u32::from(brightest)
}

/// Sets what lies within `reach` steps of what is set, along every `step`-th entry from `start`.
fn spread(line: &mut [bool], start: usize, step: usize, reach: usize) {
    let entries = (line.len() - start).div_ceil(step);
    let before: Vec<bool> = line[start..].iter().step_by(step).copied().collect();
    let (mut from_left, mut from_right) = (reach + 1, reach + 1);
    for at in 0..entries {
        let back = entries - 1 - at;
        from_left = if before[at] { 0 } else { from_left + 1 };
        from_right = if before[back] { 0 } else { from_right + 1 };
        line[start + at * step] |= from_left <= reach;
        line[start + back * step] |= from_right <= reach;
    }
}

fn is_constant(mut values: impl Iterator<Item = u16>) -> bool {
    let first = values.next();
    values.all(|value| Some(value) == first)
}

/// The brightest channel of every pixel.
fn brightest<T: Copy + Ord + Into<u16> + Default>(samples: &[T], channels: usize) -> Vec<u16> {
    let pixels = samples.chunks_exact(channels);
    pixels.map(|pixel| pixel.iter().copied().fold(T::default(), T::max).into()).collect()
}

#[cfg(test)]
mod tests {
    use patchcore_config::Size;
    use proptest::prelude::*;

    use super::*;

    fn levels(width: u32, values: &[u8]) -> MaskLevels {
        let size = Size { width, height: values.len() as u32 / width };
        MaskLevels::new(&Photo::from_grey(size, values.to_vec()), false)
    }

    proptest! {
        #[test]
        fn the_seam_is_what_the_neighbours_say(
            width in 1_u32..9,
            height in 1_usize..9,
            reach in 1_usize..4,
            values in proptest::collection::vec(prop_oneof![Just(0_u8), Just(40), Just(200)], 64),
        ) {
            let values = &values[..width as usize * height];
            let (levels, columns) = (levels(width, values), width as usize);
            let place = |at: usize| (at / columns, at % columns);
            let mut expected = true;
            for low in (0..values.len()).filter(|at| values[*at] == 40) {
                expected &= (0..values.len()).filter(|at| values[*at] == 200).any(|high| {
                    let ((a, b), (c, d)) = (place(low), place(high));
                    a.abs_diff(c) <= reach && b.abs_diff(d) <= reach
                });
            }
            prop_assert_eq!(levels.lows_lie_within(reach, 200), expected);
        }
    }

    #[test]
    fn few_values_are_labels_and_many_are_grey() {
        let ramp = |values: usize| -> Vec<u8> { (0..values * 4).map(|at| (at % values) as u8).collect() };
        for (values, expected) in [(32, false), (33, true), (200, true)] {
            let levels = levels(values as u32, &ramp(values));
            let distinct = levels.distinct();
            assert_eq!(distinct.len(), values);
            assert_eq!(levels.kind(&distinct) == MaskKind::GreyScale, expected, "{values}");
        }
    }

    /// One row: what JPEG leaves around an edge at high quality, and numbers that are none.
    #[test]
    fn traces_of_jpeg_are_no_labels() {
        let kind = |values: &[u8]| {
            let levels = levels(values.len() as u32, values);
            levels.kind(&levels.distinct())
        };
        assert_eq!(kind(&[0, 0, 1, 0, 1, 255, 254, 255]), MaskKind::GreyScale);
        assert_eq!(kind(&[0, 3, 9, 1, 250, 244, 255, 255]), MaskKind::GreyScale);
        // A kind of its own far from the others, or with one value at the top alone, or beside a middle one.
        let far = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 254];
        for labels in [&far[..], &[0, 1, 2, 3, 255, 255], &[0, 1, 100, 254, 255], &[1, 2, 14, 16], &[0, 1, 200, 202]] {
            assert!(matches!(kind(labels), MaskKind::Labels { .. }), "{labels:?}");
        }
        assert_eq!(kind(&[0, 60, 255, 255, 60, 0]), MaskKind::Labels { seamed: true });
        assert_eq!(kind(&[0, 60, 60, 255, 255, 60, 0]), MaskKind::Labels { seamed: false });
    }
}
