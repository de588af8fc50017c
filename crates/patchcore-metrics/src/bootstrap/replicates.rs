//! Replicates of the metrics, the intervals that they give, and the paired differences of two sets of them.

use std::borrow::Cow;
use std::ops::ControlFlow;

use rayon::prelude::*;

use super::super::aupimo::checked_events;
use super::super::interval::check_confidence;
use super::super::overlap_events::OverlapEvents;
use super::super::ranked_scores::RankedScores;
use super::super::region_recall::RegionCounts;
use super::super::{
    AUPIMO_BOUNDS, Confusion, Interval, LabelledMap, METRICS, Metric, MetricError, MetricSource, PerMetric,
};
use super::Bootstrap;
use super::events::Events;
use super::sweep::{LANES, Replicate, sweep};

/// The image metrics of every resample.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageReplicates(Replicates);

/// The pixel metrics of every resample. Serialised, two evaluations can be compared after their maps are gone.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PixelReplicates(Replicates);

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Replicates {
    bootstrap: Bootstrap,
    /// Which images are defective: the same draws need the same strata.
    strata: Vec<bool>,
    values: Vec<Option<Replicate>>,
}

/// Batches of each thread before the caller is told how far the work is.
const BATCHES_AT_ONCE: usize = 4;

/// Resamples one score per image; `labels` is `true` for defective.
///
/// # Errors
/// As [`roc_curve`](super::super::roc_curve), [`MetricError::NoResamples`] and [`MetricError::InvalidConfidence`].
///
/// # Examples
/// ```
/// use patchcore_metrics::{Bootstrap, Metric, MetricError, image_replicates};
/// let (scores, labels) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
/// let intervals = image_replicates(&scores, &labels, &Bootstrap::default())?.intervals()?;
/// let auroc = intervals.get(&Metric::IMAGE_AUROC).ok_or(MetricError::Empty)?;
/// assert!(auroc.low < 0.75 && auroc.high == 1.0);
/// # Ok::<(), MetricError>(())
/// ```
pub fn image_replicates(
    scores: &[f32],
    labels: &[bool],
    bootstrap: &Bootstrap,
) -> Result<ImageReplicates, MetricError> {
    image_replicates_at(None, scores, labels, bootstrap)
}

/// Resamples one score per image, with the F1 at a model's threshold if it has one.
///
/// # Errors
/// As [`image_replicates`].
pub fn image_replicates_at(
    threshold: Option<f32>,
    scores: &[f32],
    labels: &[bool],
    bootstrap: &Bootstrap,
) -> Result<ImageReplicates, MetricError> {
    // Lengths, finiteness and both classes.
    RankedScores::from_labels(scores, labels)?;
    let at_threshold = |weights: &[u32], replicate: &mut Replicate| {
        replicate.f1 = threshold.and_then(|threshold| {
            let verdicts = scores.iter().zip(labels).zip(weights);
            let called = verdicts.map(|((score, label), weight)| (*score > threshold, *label, u64::from(*weight)));
            Confusion::of_verdicts(called).f1()
        });
    };
    let events = Events::from_labels(scores, labels)?;
    let replicates = Replicates::new(&events, labels.to_vec(), bootstrap, &at_threshold, &mut never_stop)?;
    replicates.map(ImageReplicates).ok_or(MetricError::NoResamples)
}

/// Who is told and wants all of it.
fn never_stop(_: usize, _: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Resamples the images of the maps; an image with a defective pixel inside is a defective one.
///
/// # Errors
/// As [`pixel_metrics`](super::super::pixel_metrics()), [`MetricError::NoResamples`] and
/// [`MetricError::InvalidConfidence`].
pub fn pixel_replicates(maps: &[LabelledMap<'_>], bootstrap: &Bootstrap) -> Result<PixelReplicates, MetricError> {
    pixel_replicates_at(None, maps, bootstrap)
}

/// Resamples the images of the maps, with the recall of the regions at a model's threshold of the map if it has one.
///
/// Where the [`aupimo`](super::super::aupimo()) is defined on the maps, it has a value in every resample: in one that draws
/// the highest good pixels so often that no rate is as low as the lower bound, the curves are level below the lowest one.
///
/// # Errors
/// As [`pixel_replicates`].
pub fn pixel_replicates_at(
    threshold: Option<f32>,
    maps: &[LabelledMap<'_>],
    bootstrap: &Bootstrap,
) -> Result<PixelReplicates, MetricError> {
    pixel_replicates_telling(threshold, maps, bootstrap, &mut never_stop)?.ok_or(MetricError::NoResamples)
}

/// [`pixel_replicates_at`], which on many large maps takes seconds: `tell` hears how many of the resamples are done, and of how many,
/// and a [`ControlFlow::Break`] ends the work without replicates, `None`. The replicates do not depend on who is told.
///
/// # Errors
/// As [`pixel_replicates`].
pub fn pixel_replicates_telling(
    threshold: Option<f32>,
    maps: &[LabelledMap<'_>],
    bootstrap: &Bootstrap,
    tell: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Option<PixelReplicates>, MetricError> {
    if tell(0, bootstrap.resamples).is_break() {
        return Ok(None);
    }
    for (index, map) in maps.iter().enumerate() {
        map.check_lengths(index)?;
    }
    let masks: Vec<Option<Cow<'_, [bool]>>> = maps.iter().map(LabelledMap::mask_inside).collect();
    let cut = maps.iter().zip(&masks).map(|(map, mask)| LabelledMap { mask: mask.as_deref(), ..*map });
    let maps: Vec<LabelledMap<'_>> = cut.collect();
    check_maps(&maps)?;
    let defective = |map: &LabelledMap<'_>| map.mask.is_some_and(|mask| mask.contains(&true));
    let strata: Vec<bool> = maps.iter().map(defective).collect();
    let overlaps = checked_events(&maps, AUPIMO_BOUNDS).is_ok().then(|| overlaps(&maps, &strata, bootstrap));
    let counts = |threshold| maps.par_iter().map(|map| RegionCounts::new(map, threshold)).collect();
    let regions: Option<Vec<RegionCounts>> = threshold.map(counts).transpose()?;
    let beside_the_sweep = |weights: &[u32], replicate: &mut Replicate| {
        replicate.aupimo = overlaps.as_ref().and_then(|events| events.mean_area(weights, AUPIMO_BOUNDS));
        let mut sum = RegionCounts::default();
        for (counts, weight) in regions.iter().flatten().zip(weights) {
            sum.add(counts, f64::from(*weight));
        }
        let shares = sum.shares();
        replicate.region_recall = shares.map(|shares| shares.overlap);
        replicate.regions_found = shares.map(|shares| shares.found);
    };
    let replicates = Replicates::new(&Events::from_maps(&maps)?, strata, bootstrap, &beside_the_sweep, tell)?;
    Ok(replicates.map(PixelReplicates))
}

/// The events of the per-image overlap as deep as any resample needs them: one without the highest good images comes to the
/// upper rate at lower scores.
fn overlaps(maps: &[LabelledMap<'_>], strata: &[bool], bootstrap: &Bootstrap) -> OverlapEvents {
    let [_, upper] = AUPIMO_BOUNDS;
    let mut rate = 4.0 * upper;
    loop {
        let events = OverlapEvents::new(maps, rate);
        let reached = |resample: usize| events.reach(&bootstrap.draw(resample, strata), upper);
        if (0..bootstrap.resamples).into_par_iter().all(reached) {
            return events;
        }
        rate *= 8.0;
    }
}

/// What ranking the pixels would refuse, without ranking them. The masks hold nothing that is outside.
fn check_maps(maps: &[LabelledMap<'_>]) -> Result<(), MetricError> {
    let (mut n_normal, mut n_anomalous) = (0, 0);
    for (index, map) in maps.iter().enumerate() {
        map.check_scores(index)?;
        let defective = map.mask.map_or(0, |mask| mask.iter().filter(|pixel| **pixel).count());
        n_anomalous += defective as u64;
        n_normal += (map.n_inside() - defective) as u64;
    }
    match (n_normal, n_anomalous) {
        (0, 0) => Err(MetricError::Empty),
        (0, _) | (_, 0) => Err(MetricError::OneClass { n_normal, n_anomalous }),
        _ => Ok(()),
    }
}

impl ImageReplicates {
    /// The percentile intervals of the image metrics.
    ///
    /// # Errors
    /// [`MetricError::NoResamples`] if no resample had both classes.
    pub fn intervals(&self) -> Result<PerMetric<Interval>, MetricError> {
        self.0.intervals(of_images, None)
    }

    /// The intervals of `self - other`, for two detectors on the same images.
    ///
    /// # Errors
    /// [`MetricError::NotPaired`] unless both come from the same labels, in the same order, and the same [`Bootstrap`].
    pub fn difference(&self, other: &Self) -> Result<PerMetric<Interval>, MetricError> {
        self.0.intervals(of_images, Some(&other.0))
    }
}

impl PixelReplicates {
    /// The percentile intervals of the pixel metrics.
    ///
    /// # Errors
    /// [`MetricError::NoResamples`] if no resample had both classes.
    pub fn intervals(&self) -> Result<PerMetric<Interval>, MetricError> {
        self.0.intervals(of_pixels, None)
    }

    /// The intervals of `self - other`, for two detectors on the same images.
    ///
    /// # Errors
    /// [`MetricError::NotPaired`] unless both have the same defective images, in the same order, and the same
    /// [`Bootstrap`].
    pub fn difference(&self, other: &Self) -> Result<PerMetric<Interval>, MetricError> {
        self.0.intervals(of_pixels, Some(&other.0))
    }
}

fn of_images(metric: &Metric) -> bool {
    matches!(metric.source, MetricSource::Images(_))
}

fn of_pixels(metric: &Metric) -> bool {
    matches!(metric.source, MetricSource::Pixels(_))
}

impl Replicates {
    /// `beside_the_sweep` adds to a replicate what is no matter of ranking all entries, from the images' weights. `None` where `tell`
    /// breaks.
    fn new(
        events: &Events,
        strata: Vec<bool>,
        bootstrap: &Bootstrap,
        beside_the_sweep: &(dyn Fn(&[u32], &mut Replicate) + Sync),
        tell: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Option<Self>, MetricError> {
        check_confidence(bootstrap.confidence)?;
        if bootstrap.resamples == 0 {
            return Err(MetricError::NoResamples);
        }
        let batches = bootstrap.resamples.div_ceil(LANES);
        let batch = |batch: usize| {
            let resamples = batch * LANES..((batch + 1) * LANES).min(bootstrap.resamples);
            let weights: Vec<Vec<u32>> = resamples.map(|resample| bootstrap.draw(resample, &strata)).collect();
            let mut values = sweep(events, &weights);
            for (value, weights) in values.iter_mut().zip(&weights) {
                value.iter_mut().for_each(|value| beside_the_sweep(weights, value));
            }
            values
        };
        // Between two of these all threads meet, and the caller is told.
        let at_once = BATCHES_AT_ONCE * rayon::current_num_threads();
        let mut values = Vec::with_capacity(bootstrap.resamples);
        for start in (0..batches).step_by(at_once) {
            let some = start..(start + at_once).min(batches);
            values.par_extend(some.into_par_iter().flat_map_iter(batch));
            if tell(values.len(), bootstrap.resamples).is_break() && values.len() < bootstrap.resamples {
                return Ok(None);
            }
        }
        Ok(Some(Self { bootstrap: *bootstrap, strata, values }))
    }

    /// The intervals of the metrics that are read from these replicates, or of their differences to those of `other`.
    fn intervals(&self, of: fn(&Metric) -> bool, other: Option<&Self>) -> Result<PerMetric<Interval>, MetricError> {
        if self.values.iter().flatten().next().is_none() {
            return Err(MetricError::NoResamples);
        }
        let metrics = METRICS.iter().filter(|metric| of(metric));
        let intervals = metrics.map(|metric| Ok((metric, self.interval(other, metric.replicate)?)));
        let intervals = intervals.collect::<Result<Vec<_>, MetricError>>()?;
        Ok(intervals.into_iter().filter_map(|(metric, interval)| Some((metric, interval?))).collect())
    }

    /// The interval of a metric, or of its difference to that of `other`; `None` for one that is not defined here, or there.
    fn interval(
        &self,
        other: Option<&Self>,
        metric: fn(&Replicate) -> Option<f64>,
    ) -> Result<Option<Interval>, MetricError> {
        let mut values: Vec<f64> = match other {
            None => self.values.iter().flatten().filter_map(metric).collect(),
            Some(other) if other.bootstrap == self.bootstrap && other.strata == self.strata => {
                let pairs = self.values.iter().zip(&other.values);
                pairs.filter_map(|(a, b)| Some(metric(a.as_ref()?)? - metric(b.as_ref()?)?)).collect()
            }
            Some(_) => return Err(MetricError::NotPaired),
        };
        values.sort_unstable_by(f64::total_cmp);
        Ok(Interval::percentile(&values, self.bootstrap.confidence))
    }

    #[cfg(test)]
    pub(super) fn weights_and_values(&self) -> impl Iterator<Item = (Vec<u32>, Option<Replicate>)> {
        let draw =
            |(resample, value): (usize, &Option<Replicate>)| (self.bootstrap.draw(resample, &self.strata), *value);
        self.values.iter().enumerate().map(draw)
    }
}

#[cfg(test)]
impl PixelReplicates {
    pub(super) fn weights_and_values(&self) -> impl Iterator<Item = (Vec<u32>, Option<Replicate>)> {
        self.0.weights_and_values()
    }
}

#[cfg(test)]
impl ImageReplicates {
    pub(super) fn weights_and_values(&self) -> impl Iterator<Item = (Vec<u32>, Option<Replicate>)> {
        self.0.weights_and_values()
    }
}
