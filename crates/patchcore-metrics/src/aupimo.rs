//! Per-image overlap (PIMO) and the area under it (AUPIMO): is the defect of *each* image found, at next to no false alarms?
//!
//! Bertoldo et al., "AUPIMO: Redefining Anomaly Localization Benchmarks with High Speed and Low Tolerance" (BMVC 2024). At a
//! threshold t, the overlap of a defective image is the share of its defective pixels with `score >= t`; the shared
//! false-positive rate is the mean over the **good images** of the share of each one's pixels with `score >= t`. Normal pixels
//! of defective images set no rate. The AUPIMO of an image is the area under its overlap over ln(rate) between two rates,
//! divided by the width of that range, so a perfect map has 1. The metric is the mean over the defective images.
//!
//! Like [`aupro`](super::aupro()), this takes every distinct score for a threshold, linearly (here over ln(rate)) between
//! them, and cuts the curve at the very bounds. anomalib samples 300,000 evenly spaced thresholds and integrates between the
//! two sampled rates nearest to the bounds; where every score is one of its thresholds and the bounds are rates that occur,
//! both are equal (`golden.rs`), elsewhere they differ by what those two approximations cost.

use super::overlap_events::OverlapEvents;
use super::thin_curve::Thinning;
use super::{LabelledMap, MetricError};

/// The shared false-positive rates between which the field takes the AUPIMO.
pub const AUPIMO_BOUNDS: [f64; 2] = [1e-5, 1e-4];

/// The areas under the per-image overlaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Aupimo {
    /// One for each map, in [0, 1]; `None` for an image without a defective pixel that counts.
    pub images: Vec<Option<f64>>,
    /// Their mean.
    pub mean: f64,
}

/// AUPIMO between two shared false-positive rates, such as [`AUPIMO_BOUNDS`].
///
/// An image is good when no pixel of it that counts is defective.
///
/// # Errors
/// [`MetricError::InvalidBounds`]; [`MetricError::OneClass`], counting images, without a good one or without a defective one;
/// [`MetricError::UnresolvedRate`] when the highest score of the good images alone gives a larger rate than the lower bound:
/// then there are too few good pixels (1e-5 asks for 100,000 in one image, or in all of them together), or too many of them
/// share that score. Also [`MetricError::LengthMismatch`] and [`MetricError::NonFiniteScore`].
///
/// # Examples
/// ```
/// use patchcore_metrics::{LabelledMap, aupimo};
/// let good = LabelledMap { width: 4, height: 1, scores: &[0.1, 0.3, 0.2, 0.0], mask: None, inside: None };
/// let mask = Some(&[true, true, false, false][..]);
/// // One defective pixel lies above all good ones, the other below all of them.
/// let bad = LabelledMap { scores: &[0.9, -0.1, 0.9, 0.0], mask, ..good };
/// let found = aupimo(&[good, bad], [0.25, 0.75])?;
/// assert_eq!((found.mean, found.images), (0.5, vec![None, Some(0.5)]));
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn aupimo(maps: &[LabelledMap<'_>], bounds: [f64; 2]) -> Result<Aupimo, MetricError> {
    let events = checked_events(maps, bounds)?;
    let [lower, upper] = bounds;
    let credits = events.credits(&vec![1; maps.len()], bounds).unwrap_or_default();
    let mut areas = vec![0.0; maps.len()];
    for (image, count, place) in events.defective() {
        if let (Some(area), Some(credit)) = (areas.get_mut(image), credits.get(place)) {
            *area += f64::from(count) * credit;
        }
    }
    let share = |(area, pixels): (f64, &u64)| {
        (*pixels > 0).then(|| (area / *pixels as f64 / (libm::log(upper) - libm::log(lower))).min(1.0))
    };
    let images: Vec<Option<f64>> = areas.into_iter().zip(events.defective_pixels()).map(share).collect();
    let (_, n_defective) = events.images();
    let mean = images.iter().flatten().sum::<f64>() / n_defective as f64;
    Ok(Aupimo { images, mean })
}

/// The mean PIMO curve for plots: points `[log10 of the shared false-positive rate, mean overlap of the defective images]`, up
/// to a rate; straight in between. The first point is that of the lowest rate that occurs.
///
/// `resolution` thins the points as [`thin_curve`](super::thin_curve()) does.
///
/// # Errors
/// As [`aupimo()`], but for the lower bound.
pub fn pimo_curve(maps: &[LabelledMap<'_>], up_to: f64, resolution: f64) -> Result<Vec<[f64; 2]>, MetricError> {
    let events = checked(maps, [up_to / 10.0, up_to])?;
    let (_, n_defective) = events.images();
    let share: Vec<f64> = events.defective_pixels().iter().map(|pixels| 1.0 / *pixels as f64).collect();
    let mut overlaps = events.defective().peekable();
    let (mut overlap, mut before) = (0.0, None);
    let mut curve = Thinning::new(resolution);
    for (step, rate) in events.rates(&vec![1; maps.len()]).enumerate() {
        // First what is found at the rate before, then what costs this one.
        for place in [2 * step, 2 * step + 1] {
            while let Some((image, count, _)) = overlaps.next_if(|(_, _, at)| *at <= place) {
                overlap += f64::from(count) * share.get(image).copied().unwrap_or_default();
            }
            let at = if place == 2 * step { before } else { Some(libm::log10(rate)) };
            if let Some(at) = at {
                curve.push([at, (overlap / n_defective as f64).min(1.0)]);
            }
        }
        before = Some(libm::log10(rate));
    }
    // Where every good pixel costs, every defective one is found.
    if let Some(at) = before.filter(|_| events.is_whole()) {
        curve.push([at, 1.0]);
    }
    Ok(curve.finish())
}

/// The events of maps on which the metric is defined.
pub(super) fn checked_events(maps: &[LabelledMap<'_>], bounds: [f64; 2]) -> Result<OverlapEvents, MetricError> {
    let events = checked(maps, bounds)?;
    let [lower, _] = bounds;
    events.resolves(lower).map_err(|smallest| MetricError::UnresolvedRate { smallest, lower })?;
    Ok(events)
}

fn checked(maps: &[LabelledMap<'_>], [lower, upper]: [f64; 2]) -> Result<OverlapEvents, MetricError> {
    if !(lower > 0.0 && lower < upper && upper <= 1.0) {
        return Err(MetricError::InvalidBounds { lower, upper });
    }
    for (index, map) in maps.iter().enumerate() {
        map.check_lengths(index)?;
        map.check_scores(index)?;
    }
    let events = OverlapEvents::new(maps, upper);
    match events.images() {
        (0, 0) => Err(MetricError::Empty),
        (n_normal, n_anomalous) if n_normal == 0 || n_anomalous == 0 => {
            Err(MetricError::OneClass { n_normal, n_anomalous })
        }
        _ => Ok(events),
    }
}
