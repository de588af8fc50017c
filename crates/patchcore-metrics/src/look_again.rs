//! Photos between two thresholds: neither passed nor rejected, somebody looks at them.

use serde::{Deserialize, Serialize};

/// How many photos lie between the threshold below which a part passes and the one above which it is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LookAgain {
    /// Good ones.
    pub good: usize,
    /// Defective ones.
    pub defective: usize,
}

impl LookAgain {
    /// Whether a score lies between: above `low`, and not above `high`.
    pub fn is_between(low: f32, high: f32, score: f32) -> bool {
        low < score && score <= high
    }

    /// Counts scores with their labels (`true` is defective).
    ///
    /// # Examples
    /// ```
    /// use patchcore_metrics::LookAgain;
    /// let counted = LookAgain::counted(1.0, 2.0, [(1.0, false), (1.5, false), (2.0, true), (2.5, true)]);
    /// assert_eq!(counted, LookAgain { good: 1, defective: 1 });
    /// ```
    pub fn counted(low: f32, high: f32, scores: impl IntoIterator<Item = (f32, bool)>) -> Self {
        let mut counts = Self::default();
        for (_, is_defective) in scores.into_iter().filter(|(score, _)| Self::is_between(low, high, *score)) {
            match is_defective {
                true => counts.defective += 1,
                false => counts.good += 1,
            }
        }
        counts
    }
}

impl std::fmt::Display for LookAgain {
    /// `To look at again: 5 defective, 6 good.`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "To look at again: {} defective, {} good.", self.defective, self.good)
    }
}
