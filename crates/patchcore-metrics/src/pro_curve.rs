//! The per-region-overlap curve, for plots: how much of each defect is found at which cost in good pixels.

use super::ranked_scores::RankedScores;
use super::thin_curve::Thinning;
use super::{LabelledMap, MetricError};

/// Points `[FPR, PRO]`, both in [0, 1] and never falling, from `[0, 0]` over the distinct scores of all pixels as
/// thresholds; linear in between. The area left of a limit, divided by the limit, is the [`aupro`](super::aupro()), where
/// both are defined.
///
/// `resolution` thins the points as [`thin_curve`](super::thin_curve()) does; 0 keeps one for each distinct score, which
/// can be millions.
///
/// # Errors
/// As [`pixel_metrics`](super::pixel_metrics()).
///
/// # Examples
/// ```
/// use patchcore_metrics::{LabelledMap, pro_curve};
/// let mask = Some(&[true, false, false, true][..]);
/// let map = LabelledMap { width: 4, height: 1, scores: &[0.9, 0.5, 0.1, 0.1], mask, inside: None };
/// assert_eq!(pro_curve(&[map], 0.0)?, [[0.0, 0.0], [0.0, 0.5], [0.5, 0.5], [1.0, 1.0]]);
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn pro_curve(maps: &[LabelledMap<'_>], resolution: f64) -> Result<Vec<[f64; 2]>, MetricError> {
    let ranked = RankedScores::from_maps(maps)?;
    let (n_normal, n_regions) = (ranked.n_normal() as f64, ranked.n_regions() as f64);
    let (mut false_positives, mut overlap) = (0_u64, 0.0);
    let mut curve = Thinning::new(resolution);
    curve.push([0.0, 0.0]);
    for group in ranked.tie_groups() {
        false_positives += group.n_normal;
        overlap += group.overlap;
        // Shares of regions are summed in f64: the last step may pass 1 by an ulp or two.
        curve.push([false_positives as f64 / n_normal, (overlap / n_regions).min(1.0)]);
    }
    Ok(curve.finish())
}
