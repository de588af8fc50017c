//! From scores of good parts to a verdict: thresholds that keep a stated false-positive rate, and where they come from.
//!
//! A photo is **anomalous when its score is strictly greater than the threshold** (`score > value`).
//!
//! # The promise
//! Let n photos of good parts, which the model has not seen, have the scores s₍₁₎ >= s₍₂₎ >= ... >= s₍ₙ₎, and let F(r) be
//! the share of all future good parts with a score above s₍ᵣ₎: the false-positive rate of the r-th largest score as
//! threshold. For independent photos of one process with a continuous distribution, F(r) follows Beta(r, n - r + 1)
//! whatever that distribution is, so
//!
//! > P\[F(r) <= a\] = P\[Bin(n, a) >= r\] = 1 - P\[Bin(n, a) <= r - 1\].
//!
//! [`calibrate`] takes the largest r with P\[Bin(n, a) <= r - 1\] <= d: the lowest threshold for which the rate is at most
//! a with confidence 1 - d. Even r = 1, the largest score, keeps the promise only if (1 - a)ⁿ <= d: at 95 % confidence
//! 29 photos support 10 %, 59 support 5 %, 149 support 2 % and 299 support 1 %. With fewer there is no threshold but
//! an error that says what the number supports; [`smallest_rate`] and [`photos_needed`] give both sides of it.
//!
//! **Ties.** Scores may be equal (a discrete score, photos of one still part). Break ties by an independent random
//! number: for the pairs the law above holds exactly, and `score > value` calls no photo anomalous that the pairs do not.
//! The verdict `score >= value` would break the promise; therefore the strict one.
//!
//! **What the promise needs**: photos as the line will take them (same camera, light and parts), independent of each
//! other, not those of the fit: a training photo is nearer to its own patches than any new one can be. Scores of a
//! cross-fit come from several smaller models; [`Calibration::source`] keeps the two apart. The image threshold and
//! the pixel threshold each hold at the confidence by themselves, not both at once.
//!
//! # Cost
//! A sort of n scores and a sum of at most n terms.

mod binomial;
mod calibrate;
mod error;
mod exceedance;
mod of_test_set;
#[cfg(test)]
mod oracle;
mod outliers;
#[cfg(test)]
mod simulation;
mod stored;
mod verdict;

pub(crate) use binomial::lower_tail;
pub use calibrate::{calibrate, photos_needed, rank_of, smallest_rate, strongest_promise};
pub use error::CalibrationError;
pub use exceedance::is_beyond_chance;
pub use outliers::{FEWEST_FOR_OUTLIERS, outliers};
pub use stored::{Calibration, GoodScoreSource, Threshold, ThresholdOrigin, Thresholds};
pub use verdict::Verdict;
