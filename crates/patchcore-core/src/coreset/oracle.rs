//! The plain greedy loop in f64.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

/// Algorithm 1 as written: largest distance, lowest index on ties, no row twice.
pub fn plain_greedy(features: &[f32], dim: usize, initial: &[f32], count: usize) -> Vec<usize> {
    let n = initial.len();
    let mut nearest: Vec<f64> = initial.iter().map(|value| f64::from(*value)).collect();
    let mut picks: Vec<usize> = Vec::new();
    while picks.len() < count.min(n) {
        let free = (0..n).filter(|row| !picks.contains(row));
        let Some(best) = free.reduce(|best, row| if nearest[row] > nearest[best] { row } else { best }) else { break };
        picks.push(best);
        for row in 0..n {
            let squared: f64 = (0..dim)
                .map(|axis| (f64::from(features[row * dim + axis]) - f64::from(features[best * dim + axis])).powi(2))
                .sum();
            nearest[row] = nearest[row].min(squared);
        }
    }
    picks
}
