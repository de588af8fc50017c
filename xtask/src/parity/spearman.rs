//! Spearman's rank correlation of two lists of named scores.

use anyhow::ensure;

/// Correlation of the ranks, ties sharing their mean rank.
pub fn spearman(a: &[(String, f64)], b: &[(String, f64)]) -> anyhow::Result<f64> {
    let names = |list: &[(String, f64)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    ensure!(names(a) == names(b), "the two lists name different images");
    ensure!(a.len() > 1, "one score has no rank correlation");
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    Ok(product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt())
}

fn ranks(list: &[(String, f64)]) -> Vec<f64> {
    let rank = |score: f64| {
        let below = list.iter().filter(|(_, other)| *other < score).count() as f64;
        let equal = list.iter().filter(|(_, other)| *other == score).count() as f64;
        below + (equal - 1.0) / 2.0
    };
    list.iter().map(|(_, score)| rank(*score)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_decide_not_values() {
        let list = |scores: &[f64]| scores.iter().enumerate().map(|(i, s)| (i.to_string(), *s)).collect::<Vec<_>>();
        assert!((spearman(&list(&[1.0, 2.0, 3.0]), &list(&[1.0, 20.0, 21.0])).unwrap() - 1.0).abs() < 1e-12);
        assert!((spearman(&list(&[1.0, 2.0, 3.0]), &list(&[3.0, 2.0, 1.0])).unwrap() + 1.0).abs() < 1e-12);
        // scipy.stats.spearmanr([1, 2, 2, 4], [1, 3, 2, 4])
        assert!(
            (spearman(&list(&[1.0, 2.0, 2.0, 4.0]), &list(&[1.0, 3.0, 2.0, 4.0])).unwrap() - 0.948_683_298).abs()
                < 1e-8
        );
    }
}
