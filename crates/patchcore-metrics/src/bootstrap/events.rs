//! What a sweep over resamples needs to know of the scores: anomalous entries in order, normal ones counted between
//! them.

#![allow(clippy::indexing_slicing, reason = "lengths are checked before, and places are found in the same slices")]

use rayon::prelude::*;

use super::super::places::place_counts;
use super::super::ranked_scores::key;
use super::super::{LabelledMap, MetricError, connected_regions};

/// Anomalous entries of one image with one score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anomalous {
    pub(super) image: u32,
    pub(super) count: u32,
    /// Σ 1 / (size of the entry's region).
    pub(super) overlap: f64,
}

/// Normal entries of one image in one place of the order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Normal {
    pub(super) image: u32,
    pub(super) count: u32,
}

/// One distinct score of an anomalous entry; the ranges end where the next step's begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// End of the normal entries above this score and below the step before.
    pub(super) before_end: usize,
    /// End of the normal entries with this very score.
    pub(super) tied_end: usize,
    /// End of the anomalous entries.
    pub(super) anomalous_end: usize,
}

/// Entries per image, whatever their scores.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) normal: f64,
    pub(super) anomalous: f64,
    pub(super) regions: f64,
}

/// Everything, highest score first.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) steps: Vec<Step>,
    pub(super) normal: Vec<Normal>,
    pub(super) anomalous: Vec<Anomalous>,
    pub(super) totals: Vec<Totals>,
}

/// An anomalous entry before sorting.
type Entry = (u32, u32, f64);

impl Events {
    /// One entry per image; scores and labels have been checked.
    pub(super) fn from_labels(scores: &[f32], labels: &[bool]) -> Result<Self, MetricError> {
        assert_eq!(scores.len(), labels.len(), "ranking has checked the lengths");
        let (mut anomalous, mut normal) = (Vec::new(), Vec::new());
        for (index, (&value, &label)) in scores.iter().zip(labels).enumerate() {
            let key = key(value).ok_or(MetricError::NonFiniteScore { map: None, index, value })?;
            normal.push(if label { Vec::new() } else { vec![key] });
            if label {
                anomalous.push((key, index as u32, 1.0));
            }
        }
        let totals = labels.iter().map(|label| match label {
            true => Totals { normal: 0.0, anomalous: 1.0, regions: 1.0 },
            false => Totals { normal: 1.0, ..Totals::default() },
        });
        Ok(Self::new(anomalous, totals.collect(), |image| normal[image].clone()))
    }

    /// Every pixel inside of every map; the maps have been checked for lengths, finite scores and both classes, and their
    /// masks hold nothing that is outside.
    pub(super) fn from_maps(maps: &[LabelledMap<'_>]) -> Result<Self, MetricError> {
        let (mut anomalous, mut totals): (Vec<Entry>, Vec<Totals>) = (Vec::new(), Vec::new());
        for (image, map) in maps.iter().enumerate() {
            let pixels = map.n_inside();
            let Some(mask) = map.mask else {
                totals.push(Totals { normal: pixels as f64, ..Totals::default() });
                continue;
            };
            let regions = connected_regions(mask, map.width, map.height)?;
            let before = anomalous.len();
            for (value, label) in map.scores.iter().zip(&regions.labels) {
                // 0 is no region.
                if *label > 0 {
                    let size = regions.sizes[*label as usize - 1];
                    anomalous.push((finite_key(*value), image as u32, 1.0 / f64::from(size)));
                }
            }
            let count = anomalous.len() - before;
            totals.push(Totals {
                normal: (pixels - count) as f64,
                anomalous: count as f64,
                regions: regions.sizes.len() as f64,
            });
        }
        let keys_of = |image: usize| {
            let map = &maps[image];
            let is_normal = |at: usize| map.mask.is_none_or(|mask| !mask[at]) && map.counts(at);
            let normal = map.scores.iter().enumerate().filter(|(at, _)| is_normal(*at));
            normal.map(|(_, score)| finite_key(*score)).collect()
        };
        Ok(Self::new(anomalous, totals, keys_of))
    }

    fn new(mut entries: Vec<Entry>, totals: Vec<Totals>, keys_of: impl Fn(usize) -> Vec<u32> + Sync) -> Self {
        // Equal keys by image: the order of additions is then fixed.
        entries.par_sort_by_key(|(key, image, _)| (*key, *image));
        let (mut keys, mut anomalous, mut anomalous_ends) = (Vec::new(), Vec::<Anomalous>::new(), Vec::new());
        for same_key in entries.chunk_by(|a, b| a.0 == b.0) {
            keys.push(same_key[0].0);
            for same_image in same_key.chunk_by(|a, b| a.1 == b.1) {
                let image = same_image[0].1;
                let overlap = same_image.iter().map(|(_, _, overlap)| overlap).sum();
                anomalous.push(Anomalous { image, count: same_image.len() as u32, overlap });
            }
            anomalous_ends.push(anomalous.len());
        }
        drop(entries);

        // Place 2 s is before step s, place 2 s + 1 on it; what lies behind the last step is in the totals only.
        let count = |image: usize| place_counts(keys_of(image), &keys, image as u32);
        let mut counts: Vec<(u64, u32)> = (0..totals.len()).into_par_iter().flat_map_iter(count).collect();
        counts.par_sort_unstable();
        let end_of = |place: u64| counts.partition_point(|(at, _)| at >> 32 < place);
        let steps = anomalous_ends.into_iter().enumerate().map(|(step, anomalous_end)| {
            let place = 2 * step as u64;
            Step { before_end: end_of(place + 1), tied_end: end_of(place + 2), anomalous_end }
        });
        let steps = steps.collect();
        let normal = counts.iter().map(|(at, count)| Normal { image: *at as u32, count: *count }).collect();
        Self { steps, normal, anomalous, totals }
    }
}

/// The key of a score that has been checked.
fn finite_key(score: f32) -> u32 {
    match key(score) {
        Some(key) => key,
        None => unreachable!("scores that count have been checked to be finite"),
    }
}
