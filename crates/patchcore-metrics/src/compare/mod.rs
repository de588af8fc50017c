//! Which of two models is better on the same photos, by how much, and whether the photos suffice to say so.
//!
//! Two thresholds that were chosen in different ways say little of two models: the one with the lower threshold finds more, and calls
//! more good parts defective. So verdicts are compared at thresholds that give both models **the same number of false alarms** on the
//! good photos that both have scored ([`OperatingPoint::equal_false_alarms`]), unless both models are calibrated alike, to one rate at
//! one confidence from one kind of photos: then each is taken at its own.
//!
//! The photos are the same for both, so what counts is how many of them change sides ([`PairedCount`]); how far such a number may be
//! off says Newcombe's interval of paired shares (method 10 of "Improved confidence intervals for the difference between binomial
//! proportions based on paired data", 1998), where the exact sign test does not take them for chance. Thresholds for equal false alarms hang on few good photos; so the interval is widened to
//! that of the bootstrap, which sets both thresholds anew in every resample ([`Judged::new`]).
//!
//! [`Comparison`] is all of it as a file, with a sentence that says no more than the counts carry.

mod comparison;
mod finding;
mod judged;
mod operating_point;
mod paired_count;
mod sentence;

pub use comparison::{ChangedPhoto, Comparison, KindDifference, MetricDifference, OfBoth, SettingDifference};
pub use finding::{ComparisonFinding, Side};
pub use judged::{ComparedPhoto, Judged};
pub use operating_point::{OperatingBasis, OperatingPoint};
pub use paired_count::PairedCount;
