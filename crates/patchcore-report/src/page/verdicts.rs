//! What the thresholds of a page call an image.

use patchcore_metrics::LookAgain;

use super::{ImageRow, Threshold};

/// The thresholds that verdicts come from; none for a page without verdicts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdicts<'a> {
    /// Above it an image is called defective.
    pub(super) threshold: Option<&'a Threshold>,
    /// Above it, and not above the other, somebody looks again.
    pub(super) look_again: Option<&'a Threshold>,
}

/// What an image is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Good,
    LookAgain,
    Defective,
}

impl Call {
    /// As the end of `called ..`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::LookAgain => "one to look at again",
            Self::Defective => "defective",
        }
    }
}

impl Verdicts<'_> {
    /// What a score is called; `None` without a threshold.
    pub(super) fn call(&self, score: f32) -> Option<Call> {
        let threshold = self.threshold?;
        if threshold.calls_defective(score) {
            return Some(Call::Defective);
        }
        let looked_at = self.look_again.filter(|low| LookAgain::is_between(low.value, threshold.value, score));
        Some(if looked_at.is_some() { Call::LookAgain } else { Call::Good })
    }

    /// How many images of a class are called so.
    pub(super) fn count(&self, images: &[ImageRow], is_anomalous: bool, call: Call) -> usize {
        let of_class = images.iter().filter(|row| row.is_anomalous == is_anomalous);
        of_class.filter(|row| row.score.and_then(|score| self.call(score)) == Some(call)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_thresholds_somebody_looks_again() {
        let at = |value| Threshold { value, how: String::new() };
        let (low, high) = (at(2.0), at(4.0));
        let two = Verdicts { threshold: Some(&high), look_again: Some(&low) };
        let calls = [2.0, 2.5, 4.0, 4.5, f32::NAN].map(|score| two.call(score).unwrap());
        assert_eq!(calls, [Call::Good, Call::LookAgain, Call::LookAgain, Call::Defective, Call::Defective]);
        let one = Verdicts { look_again: None, ..two };
        assert_eq!(one.call(3.0), Some(Call::Good));
        assert_eq!(Verdicts { threshold: None, ..two }.call(9.0), None);
        // A second threshold above the first has nothing between.
        assert_eq!(Verdicts { threshold: Some(&low), look_again: Some(&high) }.call(1.0), Some(Call::Good));
    }
}
