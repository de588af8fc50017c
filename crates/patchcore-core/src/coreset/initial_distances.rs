//! The distances with which the greedy selection starts, one squared distance per row.

#![allow(clippy::indexing_slicing, reason = "row slices are cut from chunks of the checked dimension")]

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use patchcore_config::StartRule;

/// Squared start distances of row-major `features` `[n, dim]`; the first pick is the largest one.
///
/// `StartRule::FarthestFromMean` gives `n |x - mean|² + const`, which is the squared norm of the row's distances to
/// all rows: the anchor of the authors' exact sampler, without its `n x n` matrix. It is at least as large as any
/// squared distance between two rows, so it does not take part once a row is picked. `StartRule::RandomRow` gives
/// infinity, with a mark on the first row picked.
pub fn initial_distances(rule: StartRule, features: &[f32], dim: usize, seed: u64) -> Vec<f32> {
    let n = features.len().checked_div(dim).unwrap_or(0);
    // Another stream than the projection's.
    let mut random = Pcg64::seed_from_u64(seed ^ 0x5ba9_17e1);
    match rule {
        StartRule::FarthestFromMean => root_sum_of_squares(features, dim, n),
        StartRule::MeanOfRandomRows(count) => {
            let starts = draw_without_replacement(&mut random, n, count.min(n));
            mean_distance_to(&starts, features, dim)
        }
        StartRule::RandomRow => {
            let first = (n > 0).then(|| below(&mut random, n));
            (0..n).map(|row| if Some(row) == first { f32::INFINITY } else { f32::MAX }).collect()
        }
    }
}

/// Squared mean distance of every row to some rows.
pub(crate) fn mean_distance_to(starts: &[usize], features: &[f32], dim: usize) -> Vec<f32> {
    let rows = features.chunks_exact(dim.max(1));
    rows.map(|row| {
        let sum: f64 = starts
            .iter()
            .map(|start| {
                let other = &features[start * dim..(start + 1) * dim];
                row.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
            })
            .sum();
        (sum / starts.len().max(1) as f64).powi(2) as f32
    })
    .collect()
}

fn root_sum_of_squares(features: &[f32], dim: usize, n: usize) -> Vec<f32> {
    let mut mean = vec![0.0; dim];
    for row in features.chunks_exact(dim.max(1)) {
        for (sum, value) in mean.iter_mut().zip(row) {
            *sum += f64::from(*value) / n as f64;
        }
    }
    let from_mean = |row: &[f32]| row.iter().zip(&mean).map(|(x, m)| (f64::from(*x) - m).powi(2)).sum::<f64>();
    let spreads: Vec<f64> = features.chunks_exact(dim.max(1)).map(from_mean).collect();
    let total: f64 = spreads.iter().sum();
    spreads.iter().map(|spread| (n as f64 * spread + total) as f32).collect()
}

/// Uniform draw below `n`, without modulo bias that matters (`n` is far below 2^64).
fn below(random: &mut Pcg64, n: usize) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

/// `count` distinct rows, in the order drawn (Floyd's method would sort; a partial shuffle is as short).
fn draw_without_replacement(random: &mut Pcg64, n: usize, count: usize) -> Vec<usize> {
    let mut drawn: Vec<usize> = Vec::with_capacity(count);
    while drawn.len() < count {
        let row = below(random, n);
        if !drawn.contains(&row) {
            drawn.push(row);
        }
    }
    drawn
}
