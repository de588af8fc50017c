//! The four counts at a threshold.

use super::{ImageRow, Threshold};

/// How images were called at a threshold; images without a score are in none of the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Good, called good.
    pub true_good: usize,
    /// Good, called defective.
    pub false_alarms: usize,
    /// Defective, called defective.
    pub found: usize,
    /// Defective, called good.
    pub misses: usize,
}

impl Confusion {
    /// Counts the images.
    pub fn at(threshold: &Threshold, images: &[ImageRow]) -> Self {
        let mut counts = Self::default();
        for row in images {
            let Some(score) = row.score else { continue };
            match (row.is_anomalous, threshold.calls_defective(score)) {
                (false, false) => counts.true_good += 1,
                (false, true) => counts.false_alarms += 1,
                (true, true) => counts.found += 1,
                (true, false) => counts.misses += 1,
            }
        }
        counts
    }

    /// Share of the good that are called defective; `None` without good images.
    pub fn false_positive_rate(&self) -> Option<f64> {
        share(self.false_alarms, self.false_alarms + self.true_good)
    }

    /// Share of the defective that are called so; `None` without defective images.
    pub fn recall(&self) -> Option<f64> {
        share(self.found, self.found + self.misses)
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_at_the_threshold_is_called_good() {
        let row = |score, is_anomalous| ImageRow {
            path: String::new(),
            kind: String::new(),
            is_anomalous,
            score,
            error: None,
        };
        let images =
            [row(Some(2.0), false), row(Some(2.1), false), row(Some(9.0), true), row(Some(2.0), true), row(None, true)];
        let counts = Confusion::at(&Threshold { value: 2.0, how: String::new() }, &images);
        assert_eq!(counts, Confusion { true_good: 1, false_alarms: 1, found: 1, misses: 1 });
        assert_eq!((counts.false_positive_rate(), counts.recall()), (Some(0.5), Some(0.5)));
        assert_eq!(Confusion::default().recall(), None);
    }
}
