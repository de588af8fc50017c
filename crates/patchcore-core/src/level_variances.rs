//! The variance of each level of an embedding over the patches of a fit.

use std::ops::Range;

use rayon::prelude::*;

/// Rows that are scaled or summed at once.
pub(crate) const SCALE_CHUNK: usize = 4096;

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
