//! Why no threshold can be promised.

use thiserror::Error;

/// A calibration that is refused.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// Too few scores for the rate at the confidence.
    #[error(
        "{n} photos of good parts cannot guarantee a false-positive rate of {} % at {} % confidence: {needed} are needed; {n} support {} (pass more photos, or allow a higher rate)",
        percent(*fpr), percent(*confidence), rate(*supported)
    )]
    TooFewScores {
        /// Scores given.
        n: usize,
        /// The rate asked for.
        fpr: f64,
        /// The confidence asked for.
        confidence: f64,
        /// Scores that would be enough.
        needed: usize,
        /// The smallest rate that `n` scores support at that confidence; 1 for none.
        supported: f64,
    },
    /// A rate or confidence outside (0, 1).
    #[error("{name} is {value:?}, expected a number above 0 and below 1, for example {example}")]
    OutOfRange {
        /// Which: `fpr` or `confidence`.
        name: &'static str,
        /// What it is.
        value: f64,
        /// A sensible one.
        example: f64,
    },
    /// A score is NaN or infinite.
    #[error("score {index} is {value}, expected a finite number; leave that photo out or score it again")]
    NotFinite {
        /// Its position.
        index: usize,
        /// What it is.
        value: f32,
    },
}

/// In percent, without digits that mean nothing.
fn percent(share: f64) -> f64 {
    (share * 1e6).round() / 1e4
}

/// Rounded up: a promise must not be rounded down.
fn rate(share: f64) -> String {
    if share >= 1.0 { "no rate".to_owned() } else { format!("{:.2} %", (share * 1e4).ceil() / 1e2) }
}
