//! What a fit measures of its own good patches: how far good is from good, and from it the members' weights.

use patchcore_config::{Checked, PatchCoreConfig, Weighting};
use rayon::prelude::*;

use crate::error::FitError;
use crate::finish::distance;
use crate::fitted_on::GoodScores;
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::nearest_neighbor::squared_distance;

/// Training patches that tell how far good is from good.
pub(crate) const GOOD_SAMPLE: usize = 256;

/// An even sample of a member's patches `[n, dim]`.
pub(crate) fn even_sample<'a>(
    rows: &'a [f32],
    dim: usize,
    origins: &'a [PatchOrigin],
) -> Vec<(&'a [f32], &'a PatchOrigin)> {
    rows.chunks_exact(dim).zip(origins).step_by(origins.len().div_ceil(GOOD_SAMPLE).max(1)).collect()
}

/// Distances of an even sample of training patches to the bank rows of other photos (of the same photo, where
/// there is only one).
pub(crate) fn good_scores_of(
    config: &PatchCoreConfig,
    sample: &[(&[f32], &PatchOrigin)],
    images: usize,
    bank: &MemoryBank,
) -> GoodScores {
    let alone = images == 1;
    let Some(of_bank) = bank.origins() else { unreachable!("a fit knows where its rows come from") };
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
