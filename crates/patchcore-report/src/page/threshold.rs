//! Where a verdict comes from.

use crate::number::number;

/// A threshold and how it came about, which a reader must know before trusting a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// A score above it is called defective, strictly: a calibrated threshold is itself a good part's score.
    pub value: f32,
    /// How it was chosen, as the end of a sentence: `set by hand; it promises nothing`.
    pub how: String,
}

impl Threshold {
    /// Whether a score is called defective: above the value, or no number.
    pub fn calls_defective(&self, score: f32) -> bool {
        score.is_nan() || score > self.value
    }

    /// The value as people read it.
    pub(crate) fn shown(&self) -> String {
        number(self.value)
    }
}
