//! What the values of a model's maps mean: one rule for every picture, every region and every report.

use patchcore_config::Distance;
use patchcore_core::FittedOn;
use patchcore_metrics::threshold::{Threshold, ThresholdOrigin};

use crate::model::Model;

/// Three values on the scale of a model's maps, in the unit of its distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MapScale {
    /// Good parts lie at or below it: 95 % of the pixels of good maps do.
    pub good: f32,
    /// The pixel threshold: what lies above it is a region.
    pub threshold: f32,
    /// Twice the pixel threshold, four times where distances are squared: as defective as a picture can show.
    pub full: f32,
}

/// Share of the pixels of good maps below the first value of the scale.
const GOOD: f64 = 0.95;
/// Share of the pixels of good maps below the pixel threshold, where the model has none of its own.
const BELOW_THRESHOLD: f64 = 0.995;

impl Model {
    /// What the values of its maps mean, from the pixels of good maps ([`Model::good_quantiles`]): the value that 95 % of them do not
    /// exceed, and the pixel threshold. That is one that somebody has set by hand ([`Thresholds::pixel`](crate::Thresholds::pixel)), else the
    /// value that 99.5 % of those pixels do not exceed, or a stored one that is lower. Where the image score is the map's largest value it
    /// is at most the image threshold, so that a photo above that one has a region.
    ///
    /// A calibrated pixel threshold promises that few good *photos* have any pixel above it, and lies above most of what a defect's map
    /// shows: metrics are judged at it, pictures are not drawn at it.
    ///
    /// A model without such quantiles (of one photo, or of a file of format versions 1 and 2) takes the median and the 99th percentile of
    /// its good patches instead. One of a bank from elsewhere ([`Model::of_foreign_bank`]) has neither: without a stored threshold its
    /// scale has no end, and no pixel lies above it.
    pub fn map_scale(&self) -> MapScale {
        // A bank from elsewhere has no good patch that was scored: then stored thresholds alone count.
        let of_patches = Some(self.fitted_on()).filter(FittedOn::is_known).map(|fitted| fitted.good_scores);
        let pixels_at = |share| self.good_quantiles().and_then(|good| good.pixels_at(share));
        let thresholds = self.thresholds();
        let chosen = pixels_at(BELOW_THRESHOLD).or(of_patches.map(|good| good.percentile_99)).unwrap_or(f32::INFINITY);
        let of_image = thresholds.image.filter(|_| self.config().image_score.is_of_map());
        let threshold = match thresholds.pixel {
            Some(Threshold { value, origin: ThresholdOrigin::Manual }) => value,
            stored => [stored, of_image].into_iter().flatten().fold(chosen, |least, other| least.min(other.value)),
        };
        let times = match self.config().distance {
            Distance::SquaredL2 => 4.0,
            Distance::L2 => 2.0,
        };
        MapScale::new(pixels_at(GOOD).or(of_patches.map(|good| good.median)).unwrap_or(0.0), threshold, times)
    }
}

impl MapScale {
    /// The three values in their order, whatever was set by hand: a scale has an extent on both sides of its threshold.
    fn new(good: f32, threshold: f32, times: f32) -> Self {
        // Beyond it there would be no larger value.
        let threshold = threshold.clamp(-f32::MAX / 8.0, f32::MAX / 8.0);
        let least = threshold.abs().max(f32::MIN_POSITIVE) * 1e-3;
        Self { good: good.min(threshold - least), threshold, full: (times * threshold).max(threshold + least) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_in_order_whatever_the_threshold() {
        let found = MapScale::new(1.0, 2.0, 4.0);
        assert_eq!(found, MapScale { good: 1.0, threshold: 2.0, full: 8.0 });
        for threshold in [0.5, 0.0, -3.0, f32::MIN_POSITIVE, 1e30, f32::MAX, f32::MIN] {
            let MapScale { good, threshold, full } = MapScale::new(1.0, threshold, 2.0);
            assert!(good < threshold && threshold < full && full.is_finite(), "{good} {threshold} {full}");
        }
    }
}
