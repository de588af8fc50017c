//! Progress on stderr: a bar on a terminal, a line now and then elsewhere. Each step also looks whether the user has
//! pressed Ctrl-C.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use patchcore::{Progress, Stage};

use crate::interrupt::{Watch, is_asked};
use crate::output::note;

/// Seconds between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows one stage after another.
pub struct Display {
    bar: Option<ProgressBar>,
    stage: Option<Stage>,
    last_line: Instant,
    started: Instant,
    /// When each stage was last told of.
    reached: HashMap<Stage, Duration>,
    _watch: Watch,
}

impl Display {
    /// A display for stderr as it is.
    pub fn new() -> Self {
        let now = Instant::now();
        Self { bar: None, stage: None, last_line: now, started: now, reached: HashMap::new(), _watch: Watch::new() }
    }

    /// Shows how far a stage is; breaks where the user has asked to stop.
    pub fn show(&mut self, progress: Progress) -> ControlFlow<()> {
        self.reached.insert(progress.stage, self.started.elapsed());
        // It takes a moment.
        if progress.stage != Stage::Metrics {
            self.draw(progress);
        }
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

    fn draw(&mut self, progress: Progress) {
        let started = self.stage != Some(progress.stage);
        let finished = progress.total > 0 && progress.done >= progress.total;
        if std::io::stderr().is_terminal() {
            if started {
                self.finish();
                let style = ProgressStyle::with_template("{msg:>9} {bar:40} {pos}/{len} {elapsed_precise} eta {eta}");
                let bar = ProgressBar::with_draw_target(Some(progress.total as u64), ProgressDrawTarget::stderr());
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.set_message(progress.stage.name());
                self.bar = Some(bar);
            }
            if let Some(bar) = &self.bar {
                bar.set_position(progress.done as u64);
            }
        } else if finished || (!started && self.last_line.elapsed() >= LINE_EVERY) {
            note(&format!("{}: {}/{}", progress.stage.name(), progress.done, progress.total));
            self.last_line = Instant::now();
        }
        self.stage = Some(progress.stage);
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
