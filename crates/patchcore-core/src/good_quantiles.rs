//! How good photos score that the bank does not know: patch scores and map pixels of training photos, each against the bank without its
//! own rows.
//!
//! A bank knows its own photos; their scores against it are too low. Without a photo's rows the bank is nearly the one that a new
//! good photo meets. This tells what is normal for this model, for scales and colours; it is no threshold with a promise, for the photos
//! chose the bank.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Shares of the values that lie at or below a quantile.
pub const SHARES: [f64; 7] = [0.5, 0.9, 0.95, 0.99, 0.995, 0.999, 1.0];
/// Photos that are scored, evenly over the fit.
pub(crate) const PHOTOS: usize = 16;
/// Pixels of one photo that are looked at, evenly over those that count; the largest one always is.
const PIXELS: usize = 1 << 16;

/// Quantiles of good patch scores and of the pixels of good maps, leave-one-photo-out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoodQuantiles {
    /// Photos that were scored.
    pub photos: usize,
    /// What each quantile is a share of: [`SHARES`].
    pub shares: Vec<f64>,
    /// Patch scores, of all members, in the unit of the model's distance.
    pub patches: Vec<f32>,
    /// Pixels of the joint maps.
    pub pixels: Vec<f32>,
}

impl GoodQuantiles {
    /// The value that such a share of the pixels of good maps does not exceed; between two shares that were kept, on the straight line
    /// between their values. `None` for a share outside those that were kept.
    pub fn pixels_at(&self, share: f64) -> Option<f32> {
        let kept = || self.shares.iter().copied().zip(self.pixels.iter().copied());
        let (below, low) = kept().rfind(|(kept, _)| *kept <= share)?;
        let (above, high) = kept().find(|(kept, _)| *kept >= share)?;
        if below == above {
            return Some(low);
        }
        let along = (share - below) / (above - below);
        Some((f64::from(low) + along * (f64::from(high) - f64::from(low))) as f32)
    }
}

/// A photo of a fit, as far as its map needs it.
#[derive(Debug, Clone)]
pub(crate) struct FittedPhoto {
    /// Rows and columns of the network's input.
    pub size: (usize, usize),
    /// Which pixels count; all of them without it.
    pub inside: Option<Arc<[bool]>>,
}

/// The pixels that count, thinned evenly, and their largest.
pub(crate) fn add_pixels(map: &[f32], inside: Option<&[bool]>, pixels: &mut Vec<f32>) {
    let counts = |at: &usize| inside.is_none_or(|inside| inside.get(*at) == Some(&true));
    let counted = || map.iter().enumerate().filter(|(at, _)| counts(at)).map(|(_, score)| *score);
    let count = counted().count();
    let largest = counted().reduce(f32::max);
    let step = count.div_ceil(PIXELS).max(1);
    pixels.extend(counted().step_by(step));
    // Where nothing is thinned the largest is there already.
    pixels.extend(largest.filter(|_| step > 1));
}

/// The smallest value that a share of the sorted values does not exceed.
pub(crate) fn quantile(sorted: &[f32], share: f64) -> Option<f32> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_smallest_value_that_a_share_does_not_exceed() {
        let sorted: Vec<f32> = (1..=1000).map(|value| value as f32).collect();
        let found: Vec<f32> = SHARES.iter().filter_map(|share| quantile(&sorted, *share)).collect();
        assert_eq!(found, [500.0, 900.0, 950.0, 990.0, 995.0, 999.0, 1000.0]);
        assert_eq!(quantile(&[7.0], 0.5), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn a_share_that_was_not_kept_lies_between_its_neighbours() {
        let kept =
            GoodQuantiles { photos: 1, shares: vec![0.5, 0.99, 1.0], patches: vec![], pixels: vec![2.0, 4.0, 8.0] };
        assert_eq!([0.5, 0.99, 0.995, 1.0].map(|share| kept.pixels_at(share)), [2.0, 4.0, 6.0, 8.0].map(Some));
        assert_eq!((kept.pixels_at(0.4), kept.pixels_at(1.1)), (None, None));
    }

    #[test]
    fn pixels_are_thinned_and_the_largest_stays() {
        let mut map: Vec<f32> = (0..3 * PIXELS).map(|at| (at % 100) as f32).collect();
        map[7] = 1000.0;
        map[8] = 2000.0;
        let inside: Vec<bool> = (0..map.len()).map(|at| at != 8).collect();
        let mut pixels = Vec::new();
        add_pixels(&map, Some(&inside), &mut pixels);
        assert_eq!(pixels.len(), PIXELS + 1);
        assert_eq!(pixels.iter().copied().reduce(f32::max), Some(1000.0));
    }
}
