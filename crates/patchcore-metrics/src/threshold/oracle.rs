//! The binomial tail again, slow and obvious: probabilities of n trials built trial by trial. Tests only.

/// P\[Bin(n, p) <= k\]: after each trial, the probability of every number of successes.
pub(super) fn lower_tail(n: usize, k: usize, p: f64) -> f64 {
    let mut successes = vec![1.0];
    for _ in 0..n {
        let mut next = vec![0.0; successes.len() + 1];
        for (count, probability) in successes.iter().enumerate() {
            next[count] += probability * (1.0 - p);
            next[count + 1] += probability * p;
        }
        successes = next;
    }
    successes.iter().take(k + 1).sum()
}
