//! What the per-image overlap (PIMO) needs to know of the scores: the highest good pixels in order, defective ones counted
//! between them.
//!
//! Only good images set the rate, and only the highest scores of theirs matter up to a rate: two passes over the good pixels
//! (a histogram of the upper half of their keys, then those above its cut) find them without sorting the rest.

#![allow(
    clippy::indexing_slicing,
    reason = "an index is an image, a place or a bucket that the same slices have given"
)]

use rayon::prelude::*;

use super::LabelledMap;
use super::places::place_counts;
use super::ranked_scores::key;

/// Rates that differ by rounding alone are equal.
const ROUNDING: f64 = 1e-9;

/// One distinct score of good pixels after the other, highest first, down to the one at which a rate is reached.
#[derive(Debug)]
pub(super) struct OverlapEvents {
    /// Good pixels: image and number, ordered by score.
    good: Vec<(u32, u32)>,
    /// End in `good` of each distinct score.
    step_ends: Vec<usize>,
    /// Defective pixels as of [`place_counts`], places ascending: `place << 32 | image`, number.
    defective: Vec<(u64, u32)>,
    /// Pixels that count, of good images; 0 for the others.
    good_pixels: Vec<u64>,
    /// Defective pixels that count.
    defective_pixels: Vec<u64>,
    /// Whether every good pixel is among the events.
    is_whole: bool,
}

impl OverlapEvents {
    /// The events down to where the good images' mean false-positive rate reaches `rate`. The maps have been checked for
    /// lengths and finite scores.
    pub(super) fn new(maps: &[LabelledMap<'_>], rate: f64) -> Self {
        let defective_pixels: Vec<u64> = maps.par_iter().map(|map| defective_keys(map).count() as u64).collect();
        let pixels_of_good = |(map, defective): (&LabelledMap<'_>, &u64)| match defective {
            0 => map.n_inside() as u64,
            _ => 0,
        };
        let good_pixels: Vec<u64> = maps.iter().zip(&defective_pixels).map(pixels_of_good).collect();
        let n_good = good_pixels.iter().filter(|pixels| **pixels > 0).count() as f64;
        let good = || (0..maps.len()).into_par_iter().filter(|image| good_pixels[*image] > 0);

        let bucket = |key: u32| (key >> 16) as usize;
        let count = |image: usize| {
            let mut counts = vec![0_u32; 1 << 16];
            counting_keys(&maps[image]).for_each(|key| counts[bucket(key)] += 1);
            let of: Vec<(usize, u32)> = counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
            (image, of)
        };
        let mut rates = vec![0.0; 1 << 16];
        // In the images' order: sums do not depend on threads.
        for (image, counts) in good().map(count).collect::<Vec<_>>() {
            for (bucket, count) in counts {
                rates[bucket] += f64::from(count) / (good_pixels[image] as f64) / n_good;
            }
        }
        let mut reached = 0.0;
        let last = rates.iter().position(|share| {
            reached += share;
            reached >= rate
        });
        let last = last.unwrap_or(usize::MAX);

        let above = |image: usize| {
            let mut keys: Vec<u32> = counting_keys(&maps[image]).filter(|key| bucket(*key) <= last).collect();
            keys.sort_unstable();
            let count = |same: &[u32]| (same[0], image as u32, same.len() as u32);
            keys.chunk_by(|a, b| a == b).map(count).collect::<Vec<_>>()
        };
        let mut entries: Vec<(u32, u32, u32)> = good().flat_map_iter(above).collect();
        entries.par_sort_unstable();

        let (mut keys, mut step_ends, mut good, mut reached) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
        let mut is_whole = last == usize::MAX || rates[last + 1..].iter().all(|share| *share == 0.0);
        for step in entries.chunk_by(|a, b| a.0 == b.0) {
            if reached >= rate {
                is_whole = false;
                break;
            }
            for (_, image, count) in step {
                good.push((*image, *count));
                reached += f64::from(*count) / (good_pixels[*image as usize] as f64) / n_good;
            }
            keys.push(step[0].0);
            step_ends.push(good.len());
        }
        let places = |image: usize| place_counts(defective_keys(&maps[image]).collect(), &keys, image as u32);
        let mut defective: Vec<(u64, u32)> = (0..maps.len()).into_par_iter().flat_map_iter(places).collect();
        defective.par_sort_unstable();
        Self { good, step_ends, defective, good_pixels, defective_pixels, is_whole }
    }

    /// Good and defective images; those of which no pixel counts are neither.
    pub(super) fn images(&self) -> (u64, u64) {
        let count = |pixels: &[u64]| pixels.iter().filter(|pixels| **pixels > 0).count() as u64;
        (count(&self.good_pixels), count(&self.defective_pixels))
    }

    /// Whether every good pixel is among the events.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Defective pixels that count, per image.
    pub(super) fn defective_pixels(&self) -> &[u64] {
        &self.defective_pixels
    }

    /// The good images' mean false-positive rate at each distinct score of theirs, with a weight per image; empty without a
    /// good image of any weight.
    pub(super) fn rates(&self, weights: &[u32]) -> impl Iterator<Item = f64> {
        let of_good = self.good_pixels.iter().zip(weights).filter(|(pixels, _)| **pixels > 0);
        let total: f64 = of_good.map(|(_, weight)| f64::from(*weight)).sum();
        let ends = if total > 0.0 { &self.step_ends[..] } else { &[] };
        let (mut from, mut sum) = (0, 0.0);
        ends.iter().map(move |&end| {
            for (image, count) in &self.good[std::mem::replace(&mut from, end)..end] {
                let image = *image as usize;
                sum += f64::from(weights[image]) * f64::from(*count) / self.good_pixels[image] as f64;
            }
            sum / total
        })
    }

    /// Whether the lowest rate that is not 0 is at most this one; that lowest rate if it is not.
    pub(super) fn resolves(&self, rate: f64) -> Result<(), f64> {
        let first = self.rates(&vec![1; self.good_pixels.len()]).next().unwrap_or(1.0);
        if first <= rate * (1.0 + ROUNDING) { Ok(()) } else { Err(first) }
    }

    /// What a defective pixel in each place adds to the area under its image's curve between two rates, over ln(rate); with a
    /// weight per image. `None` where the events end below the upper rate, or no good image has a weight.
    ///
    /// The curve is straight over ln(rate) between two distinct scores. Below the first rate it is level, at the overlap
    /// that costs no good pixel.
    pub(super) fn credits(&self, weights: &[u32], [lower, upper]: [f64; 2]) -> Option<Vec<f64>> {
        let (from, to) = (libm::log(lower), libm::log(upper));
        // Of each step: the area of a pixel that was found before it, and of one that is found on it.
        let mut areas: Vec<[f64; 2]> = Vec::new();
        let (mut before, mut reached): (Option<f64>, bool) = (None, false);
        for rate in self.rates(weights) {
            // Good images without a weight give no rate, however many of their pixels are above.
            let at = if rate > 0.0 { libm::log(rate) } else { f64::NEG_INFINITY };
            let (low, high) = (before.unwrap_or(from).clamp(from, to), at.clamp(from, to));
            let on_it = match before {
                Some(before) if at > before => (high - low) * ((low + high) / 2.0 - before) / (at - before),
                _ => 0.0,
            };
            areas.push([high - low, on_it]);
            if rate > 0.0 {
                before = Some(at);
            }
            reached = rate >= upper;
            if reached {
                break;
            }
        }
        let ends = reached || (self.is_whole && before.is_some());
        ends.then(|| {
            let mut credits = vec![0.0; 2 * self.step_ends.len()];
            let mut later = 0.0;
            for (step, [whole, on_it]) in areas.into_iter().enumerate().rev() {
                credits[2 * step + 1] = later + on_it;
                later += whole;
                credits[2 * step] = later;
            }
            credits
        })
    }

    /// Whether the events go down to a rate, with a weight per image.
    pub(super) fn reach(&self, weights: &[u32], rate: f64) -> bool {
        self.is_whole || self.rates(weights).last().is_none_or(|last| last >= rate)
    }

    /// The mean area of the defective images between two rates, over the width of that range; with a weight per image. `None`
    /// as for [`OverlapEvents::credits`], and without a defective image of any weight.
    pub(super) fn mean_area(&self, weights: &[u32], bounds: [f64; 2]) -> Option<f64> {
        let credits = self.credits(weights, bounds)?;
        let of_defective = self.defective_pixels.iter().zip(weights).filter(|(pixels, _)| **pixels > 0);
        let total: u64 = of_defective.map(|(_, weight)| u64::from(*weight)).sum();
        let area = |(image, count, place): (usize, u32, usize)| {
            f64::from(weights[image]) * f64::from(count) * credits[place] / self.defective_pixels[image] as f64
        };
        let area: f64 = self.defective().map(area).sum();
        let [lower, upper] = bounds;
        (total > 0).then(|| (area / total as f64 / (libm::log(upper) - libm::log(lower))).min(1.0))
    }

    /// Image, number and place of the defective pixels, places ascending: place 2 s lies above step s, 2 s + 1 on it.
    pub(super) fn defective(&self) -> impl Iterator<Item = (usize, u32, usize)> {
        self.defective.iter().map(|(at, count)| (*at as u32 as usize, *count, (at >> 32) as usize))
    }
}

/// The keys of the pixels that count.
fn counting_keys(map: &LabelledMap<'_>) -> impl Iterator<Item = u32> {
    let counting = map.scores.iter().enumerate().filter(|(pixel, _)| map.counts(*pixel));
    counting.filter_map(|(_, score)| key(*score))
}

/// The keys of the defective pixels that count.
fn defective_keys(map: &LabelledMap<'_>) -> impl Iterator<Item = u32> {
    let mask = map.mask.unwrap_or_default();
    let counting = map.scores.iter().zip(mask).enumerate().filter(|(pixel, (_, is))| **is && map.counts(*pixel));
    counting.filter_map(|(_, (score, _))| key(*score))
}
