//! Scores sorted once, highest first, for every metric of one call: the only expensive step of this folder.
//!
//! A score becomes a `u32` whose integer order is the descending order of the floats (flip the bits of negatives, set
//! the sign bit of positives, invert). Normal entries, by far the most, are then 4 bytes each and sort as integers;
//! anomalous entries are `u64`, the key above and the defect region below. Cost: O(n log n) on all cores, in place.

use std::iter::Peekable;
use std::slice::Iter;

use rayon::slice::ParallelSliceMut;

use super::{LabelledMap, MetricError, connected_regions};

/// Entries of both classes in descending order of score.
#[derive(Debug)]
pub(super) struct RankedScores {
    /// Keys of the normal entries, ascending.
    normal: Vec<u32>,
    /// `key << 32 | region` of the anomalous entries, ascending; the region is 0 when none was asked for.
    anomalous: Vec<u64>,
    /// Pixels of region `r` at `r`; entry 0 is unused.
    region_sizes: Vec<u32>,
}

/// All entries with one score: one step of every curve.
#[derive(Debug, Clone, Copy)]
pub(super) struct TieGroup {
    /// The score that they share.
    pub(super) score: f32,
    /// Normal entries with it.
    pub(super) n_normal: u64,
    /// Anomalous entries with it.
    pub(super) n_anomalous: u64,
    /// Σ 1 / (size of the entry's region) over the anomalous entries; 0 without regions.
    pub(super) overlap: f64,
}

impl RankedScores {
    /// Ranks one score per image; `labels` is `true` for anomalous.
    pub(super) fn from_labels(scores: &[f32], labels: &[bool]) -> Result<Self, MetricError> {
        if scores.len() != labels.len() {
            return Err(MetricError::LengthMismatch {
                what: "labels".to_owned(),
                expected: scores.len(),
                found: labels.len(),
            });
        }
        let mut ranked = Self::empty();
        for (index, (&score, &anomalous)) in scores.iter().zip(labels).enumerate() {
            let key = key(score).ok_or(MetricError::NonFiniteScore { map: None, index, value: score })?;
            if anomalous {
                ranked.anomalous.push(u64::from(key) << 32);
            } else {
                ranked.normal.push(key);
            }
        }
        ranked.sorted()
    }

    /// Ranks every pixel of every map that counts, and remembers the defect region of each anomalous one.
    pub(super) fn from_maps(maps: &[LabelledMap<'_>]) -> Result<Self, MetricError> {
        for (index, map) in maps.iter().enumerate() {
            map.check_lengths(index)?;
        }
        let mut ranked = Self::empty();
        ranked.normal.reserve_exact(maps.iter().map(normal_pixels).sum());
        for (index, map) in maps.iter().enumerate() {
            ranked.push_map(index, map)?;
        }
        ranked.sorted()
    }

    /// Number of connected defect regions over all maps.
    pub(super) fn n_regions(&self) -> u64 {
        self.region_sizes.len() as u64 - 1
    }

    /// Number of normal entries; at least one.
    pub(super) fn n_normal(&self) -> u64 {
        self.normal.len() as u64
    }

    /// Number of anomalous entries; at least one.
    pub(super) fn n_anomalous(&self) -> u64 {
        self.anomalous.len() as u64
    }

    /// The steps of the curves, highest score first.
    pub(super) fn tie_groups(&self) -> impl Iterator<Item = TieGroup> {
        let mut normal = self.normal.iter().peekable();
        let mut anomalous = self.anomalous.iter().peekable();
        std::iter::from_fn(move || {
            let key = match (normal.peek(), anomalous.peek()) {
                (None, None) => return None,
                (Some(&&key), None) => key,
                (None, Some(&&entry)) => upper(entry),
                (Some(&&key), Some(&&entry)) => key.min(upper(entry)),
            };
            let (n_anomalous, overlap) = self.take_anomalous(&mut anomalous, key);
            let mut n_normal = 0;
            while normal.next_if(|&&next| next == key).is_some() {
                n_normal += 1;
            }
            Some(TieGroup { score: score(key), n_normal, n_anomalous, overlap })
        })
    }

    /// Advances over the anomalous entries with this key: their number and their share of their regions.
    #[expect(clippy::indexing_slicing, reason = "entries hold numbers of regions that were pushed with their sizes")]
    fn take_anomalous(&self, entries: &mut Peekable<Iter<'_, u64>>, key: u32) -> (u64, f64) {
        let (mut count, mut overlap) = (0, 0.0);
        while let Some(&entry) = entries.next_if(|&&entry| upper(entry) == key) {
            count += 1;
            // Entry 0 stands for "no region was asked for", and has no pixel.
            let size = self.region_sizes[entry as u32 as usize];
            if size > 0 {
                overlap += 1.0 / f64::from(size);
            }
        }
        (count, overlap)
    }

    fn empty() -> Self {
        Self { normal: Vec::new(), anomalous: Vec::new(), region_sizes: vec![0] }
    }

    fn push_map(&mut self, number: usize, map: &LabelledMap<'_>) -> Result<(), MetricError> {
        let key_of = |index: usize, value: f32| {
            key(value).ok_or(MetricError::NonFiniteScore { map: Some(number), index, value })
        };
        let Some(mask) = map.mask_inside() else {
            for (index, &value) in map.scores.iter().enumerate().filter(|(index, _)| map.counts(*index)) {
                self.normal.push(key_of(index, value)?);
            }
            return Ok(());
        };
        let regions = connected_regions(&mask, map.width, map.height)?;
        let first = u32::try_from(self.region_sizes.len() - 1)
            .ok()
            .filter(|first| first.checked_add(regions.sizes.len() as u32).is_some())
            .ok_or(MetricError::TooManyRegions { limit: u32::MAX })?;
        self.region_sizes.extend_from_slice(&regions.sizes);
        let labelled = map.scores.iter().zip(&regions.labels).enumerate();
        for (index, (&value, &label)) in labelled.filter(|(index, _)| map.counts(*index)) {
            let key = key_of(index, value)?;
            if label == 0 {
                self.normal.push(key);
            } else {
                self.anomalous.push(u64::from(key) << 32 | u64::from(first + label));
            }
        }
        Ok(())
    }

    /// Sorts, and refuses what has no ranking.
    fn sorted(mut self) -> Result<Self, MetricError> {
        match (self.n_normal(), self.n_anomalous()) {
            (0, 0) => return Err(MetricError::Empty),
            (n_normal, n_anomalous) if n_normal == 0 || n_anomalous == 0 => {
                return Err(MetricError::OneClass { n_normal, n_anomalous });
            }
            _ => {}
        }
        self.normal.par_sort_unstable();
        self.anomalous.par_sort_unstable();
        Ok(self)
    }
}

fn normal_pixels(map: &LabelledMap<'_>) -> usize {
    let defective =
        |mask: &[bool]| mask.iter().enumerate().filter(|(at, defective)| **defective && map.counts(*at)).count();
    map.n_inside() - map.mask.map_or(0, defective)
}

fn upper(entry: u64) -> u32 {
    (entry >> 32) as u32
}

const SIGN: u32 = 1 << 31;

/// Integer whose ascending order is the descending order of finite scores; `None` for NaN and infinities.
pub(super) fn key(score: f32) -> Option<u32> {
    if !score.is_finite() {
        return None;
    }
    // Adding zero turns -0.0 into 0.0: the two are equal and must be one step.
    let bits = (score + 0.0).to_bits();
    Some(if bits & SIGN == 0 { !(bits | SIGN) } else { bits })
}

/// Inverse of [`key`].
fn score(key: u32) -> f32 {
    f32::from_bits(if key & SIGN == 0 { !key & !SIGN } else { key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_descend_with_the_score_and_return_it() {
        let scores = [f32::MAX, 3.5, 1.0, f32::MIN_POSITIVE, 1e-45, 0.0, -1e-45, -1.0, f32::MIN];
        for pair in scores.windows(2) {
            assert!(key(pair[0]).unwrap() < key(pair[1]).unwrap(), "{pair:?}");
        }
        for value in scores {
            assert_eq!(score(key(value).unwrap()), value);
        }
        assert_eq!(key(-0.0), key(0.0));
        assert_eq!(key(f32::NAN), None);
        assert_eq!(key(f32::NEG_INFINITY), None);
    }
}
