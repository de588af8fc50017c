//! What a fit measures of its own good patches: the variance of levels, how far good is from good, and from it the members' weights.

use std::ops::Range;

use patchcore_config::{Checked, PatchCoreConfig, Weighting};
use rayon::prelude::*;

use crate::error::FitError;
use crate::finish::distance;
use crate::fitted_patches::Patches;
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::nearest_neighbor::squared_distance;
use crate::patchcore::GoodScores;

/// Rows that are scaled or summed at once.
pub(crate) const SCALE_CHUNK: usize = 4096;
/// Training patches that tell how far good is from good.
const GOOD_SAMPLE: usize = 256;

/// Distances of an even sample of training patches to the bank rows of other photos (of the same photo, where
/// there is only one).
pub(crate) fn good_scores_of(
    config: &PatchCoreConfig,
    member: &Patches,
    images: usize,
    bank: &MemoryBank,
) -> GoodScores {
    let alone = images == 1;
    let Some(of_bank) = bank.origins() else { unreachable!("a fit knows where its rows come from") };
    let step = member.origins.len().div_ceil(GOOD_SAMPLE);
    let sample: Vec<(&[f32], &PatchOrigin)> =
        member.rows.chunks_exact(member.dim).zip(&member.origins).step_by(step).collect();
    let nearest_other = |(row, origin): &(&[f32], &PatchOrigin)| {
        let is_other = |other: &PatchOrigin| if alone { other != *origin } else { other.image != origin.image };
        let others = of_bank.iter().enumerate().filter(|(_, other)| is_other(other));
        others.map(|(index, _)| squared_distance(row, bank.row(index))).reduce(f32::min)
    };
    let mut distances: Vec<f32> = sample.par_iter().filter_map(nearest_other).collect();
    distances.sort_unstable_by(f32::total_cmp);
    let quantile = |share: f64| {
        let squared = distances.get(((distances.len() as f64 * share) as usize).min(distances.len().saturating_sub(1)));
        // No other patch: one photo with one row. Then there is no scale, and 0 says so.
        distance(config, squared.copied().unwrap_or(0.0)) as f32
    };
    GoodScores { median: quantile(0.5), percentile_99: quantile(0.99) }
}

/// The variance of every value over all rows, summed over the values of each level. Sums run over chunks of a fixed length, so that the
/// result does not depend on the number of threads.
pub(crate) fn total_variances(rows: &[f32], dim: usize, levels: &[Range<usize>]) -> Vec<f64> {
    let count = (rows.len() / dim).max(1) as f64;
    let mean: Vec<f64> = sums(rows, &vec![0.0; dim], |value| value).into_iter().map(|sum| sum / count).collect();
    let squares = sums(rows, &mean, |value| value * value);
    let of_level = |values: &Range<usize>| squares.get(values.clone()).unwrap_or_default().iter().sum::<f64>() / count;
    levels.iter().map(of_level).collect()
}

/// For each value of a row the sum of `of` over all rows, of its difference from the `origin`'s.
fn sums(rows: &[f32], origin: &[f64], of: impl Fn(f64) -> f64 + Sync) -> Vec<f64> {
    let of_chunk = |chunk: &[f32]| {
        let mut sums = vec![0.0; origin.len()];
        for row in chunk.chunks_exact(origin.len()) {
            for ((sum, value), origin) in sums.iter_mut().zip(row).zip(origin) {
                *sum += of(f64::from(*value) - origin);
            }
        }
        sums
    };
    let chunks: Vec<Vec<f64>> = rows.par_chunks(SCALE_CHUNK * origin.len()).map(of_chunk).collect();
    let mut total = vec![0.0; origin.len()];
    for chunk in chunks {
        total.iter_mut().zip(chunk).for_each(|(total, sum)| *total += sum);
    }
    total
}

/// The weights of [`Weighting::GoodPatches`], their mean 1. Where a member has no such scale (equal photos, whose distances are 0) all
/// count alike.
pub(crate) fn with_measured_weights(config: Checked, good_scores: &[GoodScores]) -> Result<Checked, FitError> {
    let mut config = config.into_config();
    let inverse = |scores: &GoodScores| 1.0 / f64::from(scores.median);
    let inverses: Vec<f64> = good_scores.iter().map(inverse).collect();
    let mean = inverses.iter().sum::<f64>() / inverses.len().max(1) as f64;
    let weights: Vec<f32> = inverses.iter().map(|inverse| (inverse / mean) as f32).collect();
    let usable = weights.iter().all(|weight| weight.is_normal() && *weight > 0.0);
    for (member, weight) in config.members.iter_mut().zip(weights) {
        if member.weighting == Weighting::GoodPatches {
            member.weight = if usable { weight } else { 1.0 };
        }
    }
    Ok(config.check()?)
}

/// The scale of the joint map: the members' scales, weighted as their maps are.
pub(crate) fn joint_good_scores(config: &PatchCoreConfig, members: &[GoodScores]) -> GoodScores {
    if let [only] = members {
        return *only;
    }
    let total: f32 = config.members.iter().map(|member| member.weight).sum();
    let mean = |of: fn(&GoodScores) -> f32| {
        config.members.iter().zip(members).map(|(member, scores)| member.weight / total * of(scores)).sum()
    };
    GoodScores { median: mean(|scores| scores.median), percentile_99: mean(|scores| scores.percentile_99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_of_a_level_is_the_sum_of_its_values() {
        // Two levels: one value, and two. More rows than a chunk has.
        let rows: Vec<f32> =
            (0..2 * SCALE_CHUNK + 2).flat_map(|row| [(row % 2) as f32, 5.0, 3.0 * (row % 2) as f32]).collect();
        let found = total_variances(&rows, 3, &[0..1, 1..3]);
        assert_eq!(found, [0.25, 9.0 / 4.0]);
        assert_eq!(total_variances(&[7.0, 7.0, 7.0], 3, &[0..1, 1..3]), [0.0, 0.0]);
    }
}
