//! Progress on stderr: a bar on a terminal, a line now and then elsewhere, nothing with `--quiet`. Each step also looks whether the user
//! has pressed Ctrl-C.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use patchcore::{Progress, Stage};

use crate::in_words::in_words;
use crate::interrupt::{Watch, is_asked};
use crate::output::{is_quiet, note};

/// Seconds between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// A stage that is over sooner has no line of its own where there is no terminal.
const SHORT: Duration = Duration::from_secs(1);
/// A bar for a stage that is over sooner would only flash up.
const FLASH: Duration = Duration::from_millis(200);

/// Shows one stage after another.
pub struct Display {
    bar: Option<ProgressBar>,
    stage: Option<Stage>,
    /// When the stage began, and what of it was done then.
    began: (Instant, usize),
    last_line: Instant,
    last_step: Instant,
    started: Instant,
    /// When each stage was last told of.
    reached: HashMap<Stage, Duration>,
    _watch: Watch,
}

impl Display {
    /// A display for stderr as it is.
    pub fn new() -> Self {
        let now = Instant::now();
        Self {
            bar: None,
            stage: None,
            began: (now, 0),
            last_line: now,
            last_step: now,
            started: now,
            reached: HashMap::new(),
            _watch: Watch::new(),
        }
    }

    /// Shows how far a stage is; breaks where the user has asked to stop.
    pub fn show(&mut self, progress: Progress) -> ControlFlow<()> {
        self.reached.insert(progress.stage, self.started.elapsed());
        if self.stage != Some(progress.stage) {
            self.finish();
            // What comes before the first sign of life is the stage's, of which nothing was done then.
            self.began = (self.last_step, 0);
            self.stage = Some(progress.stage);
        }
        self.log(progress);
        if !is_quiet() {
            self.draw(progress);
        }
        self.last_step = Instant::now();
        if !is_asked() {
            return ControlFlow::Continue(());
        }
        self.finish();
        note(&format!("stopped: {} {}/{}", progress.stage.name(), progress.done, progress.total));
        ControlFlow::Break(())
    }

    /// The time from the beginning to a stage's last sign of life.
    pub fn until(&self, stage: Stage) -> Duration {
        self.reached.get(&stage).copied().unwrap_or_default()
    }

    /// The time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// For `-v`: what each step took, and each stage.
    fn log(&self, progress: Progress) {
        let step = self.last_step.elapsed().as_secs_f64() * 1e3;
        let Progress { stage, done, total, .. } = progress;
        self.suspend(|| {
            // A coreset has thousands of rows.
            if is_of_photos(stage) && done > 0 {
                tracing::debug!("{} {done}/{total}: {step:.1} ms", stage.name());
            }
            if total > 0 && done >= total {
                let seconds = self.began.0.elapsed().as_secs_f64();
                tracing::debug!("{}: {seconds:.2} s for {total}", stage.name());
            }
        });
    }

    fn draw(&mut self, progress: Progress) {
        let Progress { stage, done, total, .. } = progress;
        let (began, before) = self.began;
        let took = began.elapsed();
        let finished = total > 0 && done >= total;
        let pace = pace(stage, done.saturating_sub(before), total.saturating_sub(done), took);
        if std::io::stderr().is_terminal() {
            if self.bar.is_none() && (took >= FLASH || self.stage_is_long(progress)) {
                let style = ProgressStyle::with_template("{prefix:>9} {bar:40} {pos}/{len}{msg}");
                let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.set_prefix(stage.name());
                self.bar = Some(bar);
            }
            if let Some(bar) = &self.bar {
                // A stage may begin before it knows its length.
                bar.set_length(total as u64);
                bar.set_message(pace);
                bar.set_position(done as u64);
            }
        } else if (finished && took >= SHORT) || (!finished && self.last_line.elapsed() >= LINE_EVERY) {
            note(&format!("{}: {done}/{total}{pace}", stage.name()));
            self.last_line = Instant::now();
        }
    }

    /// Whether a stage says at its beginning that it begins: it may take long until the first step is done.
    fn stage_is_long(&self, progress: Progress) -> bool {
        progress.done == 0
    }

    /// Does what writes on the screen, with the bar out of the way.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Leaves the last state on the screen.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Whether a step of the stage is a photo.
fn is_of_photos(stage: Stage) -> bool {
    matches!(
        stage,
        Stage::Ranges
            | Stage::Features
            | Stage::Scoring
            | Stage::Stress
            | Stage::Reading
            | Stage::Overlays
            | Stage::Report
    )
}

/// `, 8.1 photos/s, 10 seconds left`, as far as it can be told.
fn pace(stage: Stage, done: usize, rest: usize, took: Duration) -> String {
    if done == 0 || took.is_zero() {
        return String::new();
    }
    let each = took.as_secs_f64() / done as f64;
    let rate = match is_of_photos(stage) {
        true => format!(", {:.1} photos/s", 1.0 / each),
        false => String::new(),
    };
    match rest {
        0 => format!("{rate}, {:.1} s", took.as_secs_f64()),
        rest => format!("{rate}, {} left", in_words(each * rest as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_photos_a_second_and_what_is_left() {
        let second = Duration::from_secs(1);
        assert_eq!(pace(Stage::Scoring, 0, 10, second), "");
        assert_eq!(pace(Stage::Scoring, 4, 8, second), ", 4.0 photos/s, 2 seconds left");
        assert_eq!(pace(Stage::Scoring, 4, 0, second), ", 4.0 photos/s, 1.0 s");
        assert_eq!(pace(Stage::Coreset, 10, 1000, second), ", 2 minutes left");
    }
}
