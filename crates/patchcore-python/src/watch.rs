//! The progress of long work, told to Python on the thread that called it: signals, the user's function, the log.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use patchcore::{Progress, Stage};
use pyo3::prelude::*;

use crate::stop::Stop;

/// The interpreter is taken no more often than this, but for the begin and the end of a stage.
const EVERY: Duration = Duration::from_millis(50);

/// Told by the library of every photo and every few picks of a coreset.
pub struct Watch {
    function: Option<Py<PyAny>>,
    logger: Py<PyAny>,
    stop: Arc<Stop>,
    told: Instant,
    stage: Option<AtWork>,
}

struct AtWork {
    stage: Stage,
    done: usize,
    total: usize,
    began: Instant,
}

impl Watch {
    /// `function`: called with the stage's name, how much is done and how much there is, 0 where that is not known.
    pub fn new(py: Python<'_>, function: Option<Py<PyAny>>, stop: Arc<Stop>) -> PyResult<Self> {
        let logger = py.import("logging")?.call_method1("getLogger", ("patchcore",))?.unbind();
        Ok(Self { function, logger, stop, told: Instant::now(), stage: None })
    }

    /// Breaks where an exception waits, a signal has raised one, or the function has returned False.
    pub fn tell(&mut self, progress: Progress) -> ControlFlow<()> {
        if self.stop.is_set() {
            return ControlFlow::Break(());
        }
        let Progress { stage, done, total, .. } = progress;
        let goes_on = self.stage.as_ref().is_some_and(|at_work| at_work.stage == stage);
        if let Some(at_work) = self.stage.as_mut().filter(|_| goes_on) {
            (at_work.done, at_work.total) = (done, total);
            if self.told.elapsed() < EVERY && (total == 0 || done < total) {
                return ControlFlow::Continue(());
            }
        }
        let told = Python::attach(|py| {
            // Only the main thread hears of signals; on any other this does nothing.
            py.check_signals()?;
            if !goes_on {
                self.end_stage(py)?;
                self.stage = Some(AtWork { stage, done, total, began: Instant::now() });
            }
            match &self.function {
                None => Ok(true),
                Some(function) => {
                    let answer = function.bind(py).call1((stage.name(), done, total))?;
                    Ok(!answer.is(pyo3::types::PyBool::new(py, false).as_any()))
                }
            }
        });
        self.told = Instant::now();
        match told {
            Ok(true) => return ControlFlow::Continue(()),
            Ok(false) => self.stop.cancel(),
            Err(error) => self.stop.raise(error),
        }
        ControlFlow::Break(())
    }

    /// Logs the stage that is over, if one was begun.
    pub fn end_stage(&mut self, py: Python<'_>) -> PyResult<()> {
        let Some(AtWork { stage, done, total, began }) = self.stage.take() else { return Ok(()) };
        let of = if total > 0 { format!(" of {total}") } else { String::new() };
        let line = format!("{}: {done}{of}, {:.1} s", stage.name(), began.elapsed().as_secs_f64());
        self.logger.bind(py).call_method1("info", ("%s", line))?;
        Ok(())
    }
}
