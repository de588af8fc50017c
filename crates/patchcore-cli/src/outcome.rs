//! What a command tells `main` where it did not fail; `main` makes the exit code of it.

/// How a command that did not fail ended.
pub enum Outcome {
    /// Everything worked.
    Done,
    /// It worked, but not for every image.
    SomeImagesFailed,
    /// It worked, a photo is anomalous, and the user asked to be told so.
    Anomaly,
}
