//! How a model's judgement holds when light, focus or place change: counts per kind and level of change, what they can carry, and the
//! sentence that says it. The changed photos are made and scored elsewhere.

mod finding;
mod outcome;
mod results;
mod sentence;

pub use finding::{Finding, Wrong};
pub use outcome::StressOutcome;
pub use results::{StressLevel, StressResults, StressSeries};
