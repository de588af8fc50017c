//! Area under the per-region-overlap curve (AUPRO): a small defect counts as much as a large one.
//!
//! Bergmann et al., "The MVTec Anomaly Detection Dataset" (IJCV 2021). At a threshold t, the overlap of a true region
//! is the share of its pixels with `score >= t`; PRO(t) is the mean overlap over all regions of all images, and FPR(t)
//! the share of **all** normal pixels, also those of good images, with `score >= t`. The curve runs through the points
//! (FPR, PRO) of all distinct scores from (0, 0), linearly between them; the AUPRO up to a limit is the area left of
//! the limit divided by the limit, so a perfect map has 1. Regions are 8-connected.

use super::ranked_scores::RankedScores;
use super::{LabelledMap, MetricError};

/// AUPRO, in [0, 1], for each of `limits` (false-positive rates in (0, 1]; the field reports 0.3 and 0.05).
///
/// Not a replacement for the image metrics: it says nothing about whether good images stay below the threshold.
///
/// # Errors
/// [`MetricError::InvalidLimit`], and as [`pixel_metrics`](super::pixel_metrics()).
///
/// # Examples
/// ```
/// use patchcore_metrics::{LabelledMap, aupro};
/// // Two regions, one found before any false positive and one never ahead of one.
/// let map = LabelledMap {
///     width: 5,
///     height: 1,
///     scores: &[0.9, 0.5, 0.5, 0.5, 0.1],
///     mask: Some(&[true, false, false, false, true]),
///     inside: None,
/// };
/// assert_eq!(aupro(&[map], &[0.3, 1.0])?, [0.5, 0.5]);
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn aupro(maps: &[LabelledMap<'_>], limits: &[f64]) -> Result<Vec<f64>, MetricError> {
    if let Some(&limit) = limits.iter().find(|&&limit| !(limit > 0.0 && limit <= 1.0)) {
        return Err(MetricError::InvalidLimit { limit });
    }
    let ranked = RankedScores::from_maps(maps)?;
    Ok(limits.iter().map(|&limit| area_up_to(&ranked, limit)).collect())
}

/// One sweep from the highest score to the limit, trapezoids between the steps.
pub(super) fn area_up_to(ranked: &RankedScores, limit: f64) -> f64 {
    let (n_normal, n_regions) = (ranked.n_normal() as f64, ranked.n_regions() as f64);
    let (mut false_positives, mut overlap) = (0_u64, 0.0);
    let (mut fpr, mut pro, mut area) = (0.0, 0.0, 0.0);
    for group in ranked.tie_groups() {
        false_positives += group.n_normal;
        overlap += group.overlap;
        let next_fpr = false_positives as f64 / n_normal;
        let next_pro = overlap / n_regions;
        if next_fpr >= limit {
            // next_fpr > fpr: an earlier step would have ended the sweep otherwise.
            let pro_at_limit = pro + (next_pro - pro) * (limit - fpr) / (next_fpr - fpr);
            area += (limit - fpr) * (pro + pro_at_limit) / 2.0;
            break;
        }
        area += (next_fpr - fpr) * (pro + next_pro) / 2.0;
        (fpr, pro) = (next_fpr, next_pro);
    }
    (area / limit).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_outside_the_unit_interval_are_refused() {
        for limit in [0.0, -0.1, 1.01, f64::NAN] {
            assert!(matches!(aupro(&[], &[limit]), Err(MetricError::InvalidLimit { .. })), "{limit}");
        }
    }

    #[test]
    fn a_small_region_weighs_as_much_as_a_large_one() {
        // Region sizes 1 and 3; only the large one is found before the two normal pixels.
        let map = LabelledMap {
            width: 6,
            height: 1,
            scores: &[0.0, 0.5, 3.0, 3.0, 3.0, 0.5],
            mask: Some(&[true, false, true, true, true, false]),
            inside: None,
        };
        assert_eq!(aupro(&[map], &[1.0]).unwrap(), [0.5]);
    }

    #[test]
    fn the_last_step_may_end_exactly_at_the_limit() {
        let mask = Some(&[true, false, false][..]);
        let map = LabelledMap { width: 3, height: 1, scores: &[2.0, 1.0, 0.0], mask, inside: None };
        assert_eq!(aupro(&[map], &[0.5, 1.0]).unwrap(), [1.0, 1.0]);
    }
}
