//! How a model's judgement holds when light, focus or place change: counts per kind and level of change, what they can carry, and the
//! sentence that says it. The changed photos are made and scored elsewhere.

mod finding;
mod outcome;
mod results;
mod sentence;
mod series;

pub use finding::{StressCount, StressFinding};
pub use outcome::StressOutcome;
pub use results::StressResults;
pub use series::{StressLevel, StressSeries};
