//! How long the stages of a fit or a stress test take, told once for each, from a measured second of its work.

use std::time::{Duration, Instant};

use patchcore::{Progress, Stage};

use crate::in_words::in_words;

/// The work that is measured before anything is said of the rest.
const MEASURED: Duration = Duration::from_secs(1);

/// Measures each stage until something can be said of it.
pub struct Forecast {
    stage: Stage,
    /// When the stage began, as far as it is measured, and what of it was done then.
    began: (Instant, usize),
    told: bool,
}

impl Forecast {
    /// Begins with the features, of which nothing is done.
    pub fn new() -> Self {
        Self { stage: Stage::Features, began: (Instant::now(), 0), told: false }
    }

    /// Takes a sign of life; once a stage, when a second of it has been measured, gives the line that says how long the rest takes.
    pub fn line(&mut self, progress: Progress) -> Option<String> {
        self.line_at(progress, Instant::now())
    }

    fn line_at(&mut self, progress: Progress, now: Instant) -> Option<String> {
        if progress.stage != self.stage {
            // What comes before the first pick is not among those that the others are estimated from.
            (self.stage, self.began, self.told) = (progress.stage, (now, progress.done), false);
        }
        let (start, before) = self.began;
        let (took, done) = (now.saturating_duration_since(start), progress.done.saturating_sub(before));
        let rest = progress.total.saturating_sub(progress.done);
        if self.told || took < MEASURED || done == 0 || rest == 0 {
            return None;
        }
        self.told = true;
        let each = took.as_secs_f64() / done as f64;
        let rest = in_words(each * rest as f64);
        match progress.stage {
            Stage::Ranges => Some(format!("ranges: about {rest} ({each:.2} s a photo); the features come then")),
            Stage::Features => Some(format!("features: about {rest} ({each:.2} s a photo); the coreset comes then")),
            Stage::Coreset => Some(format!("coreset: about {rest}")),
            Stage::Stress => Some(format!("stress: about {rest} ({each:.3} s a score)")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_is_told_once_after_a_second() {
        let mut forecast = Forecast::new();
        let start = forecast.began.0;
        let mut at = |stage, done, total, seconds: f64| {
            forecast.line_at(Progress::new(stage, done, total), start + Duration::from_secs_f64(seconds))
        };
        assert_eq!(at(Stage::Features, 1, 100, 0.5), None);
        let told = "features: about 49 seconds (0.50 s a photo); the coreset comes then";
        assert_eq!(at(Stage::Features, 2, 100, 1.0).as_deref(), Some(told));
        assert_eq!(at(Stage::Features, 3, 100, 2.0), None);
        // The first pick comes after a wait that is none of the others'.
        assert_eq!(at(Stage::Coreset, 10, 3010, 60.0), None);
        assert_eq!(at(Stage::Coreset, 20, 3010, 62.0).as_deref(), Some("coreset: about 10 minutes"));
    }

    #[test]
    fn nothing_is_told_of_what_is_over_or_of_unknown_length() {
        let mut forecast = Forecast::new();
        let later = forecast.began.0 + Duration::from_secs(9);
        assert_eq!(forecast.line_at(Progress::new(Stage::Features, 5, 5), later), None);
        assert_eq!(forecast.line_at(Progress::new(Stage::Features, 5, 0), later), None);
    }
}
