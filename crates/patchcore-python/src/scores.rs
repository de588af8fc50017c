//! Scores of a stream, one after the other: photos are pulled by whoever asks for the next score, and scored on a thread of their own.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, TryLockError};
use std::thread::JoinHandle;
use std::time::Duration;

use patchcore::{Error, Model, NamedPhoto};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyIterator;

use crate::errors::of_photo;
use crate::photo::Pixels;
use crate::photos::{Photos, next_photo};
use crate::score::Score;

/// How long a signal may wait to be heard while the next score is made.
const HEAR: Duration = Duration::from_millis(100);

/// The scores of photos, in their order: pairs of a name and a Score, or the exception of a photo that failed.
#[pyclass(frozen, module = "patchcore._patchcore")]
pub struct Scores {
    model: Model,
    process: u32,
    /// `None` after the last one.
    running: Mutex<Option<Running>>,
}

/// The thread at work, and what it and its consumer say to each other.
struct Running {
    asks: Receiver<Ask>,
    answers: SyncSender<Option<NamedPhoto>>,
    /// Where it pulls photos from; `None` of files, which it has.
    source: Option<Source>,
    /// What the source has raised. It comes after the scores of the photos before.
    raised: Option<PyErr>,
    thread: JoinHandle<()>,
}

struct Source {
    items: Py<PyIterator>,
    number: usize,
    pixels: Pixels,
}

enum Ask {
    Photo,
    Scored(Box<patchcore::Scored>),
}

impl Scores {
    /// Begins.
    pub fn new(model: &Model, photos: Photos) -> PyResult<Self> {
        let (asking, asks) = sync_channel(1);
        let (answers, answered) = sync_channel::<Option<NamedPhoto>>(1);
        let (files, source) = match photos {
            Photos::Files(files) => (Some(files), None),
            Photos::Objects { items, pixels, .. } => (None, Some(Source { items, number: 0, pixels })),
        };
        let scorer = model.clone();
        let work = move || {
            let asking_photo = asking.clone();
            let pull = move || {
                asking_photo.send(Ask::Photo).ok()?;
                answered.recv().ok()?
            };
            let scores = match files {
                Some(files) => scorer.scores(files),
                None => scorer.scores(std::iter::from_fn(pull)),
            };
            for scored in scores {
                // Nobody wants it any more.
                if asking.send(Ask::Scored(Box::new(scored))).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("patchcore scores".to_owned()).spawn(work)?;
        let running = Running { asks, answers, source, raised: None, thread };
        Ok(Self { model: model.clone(), process: std::process::id(), running: Mutex::new(Some(running)) })
    }
}

impl Running {
    /// The next score; `None` after the last.
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<patchcore::Scored>> {
        loop {
            let asks = &mut self.asks;
            let asked = py.detach(move || asks.recv_timeout(HEAR));
            match asked {
                Ok(Ask::Scored(scored)) => return Ok(Some(*scored)),
                Ok(Ask::Photo) => {
                    let answer = self.pull(py);
                    // A thread that is gone asks for nothing more, and the channel says so.
                    let _ = self.answers.send(answer);
                }
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    fn pull(&mut self, py: Python<'_>) -> Option<NamedPhoto> {
        let source = self.source.as_mut().filter(|_| self.raised.is_none())?;
        let number = source.number;
        source.number += 1;
        match next_photo(source.items.bind(py), number, source.pixels) {
            Ok(photo) => photo,
            Err(error) => {
                self.raised = Some(error);
                None
            }
        }
    }
}

#[pymethods]
impl Scores {
    fn __iter__(scores: PyRef<'_, Self>) -> PyRef<'_, Self> {
        scores
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<(String, Bound<'py, PyAny>)>> {
        if std::process::id() != self.process {
            return Err(PyRuntimeError::new_err(
                "these scores are made in the process that this one was forked from: ask the model again, here",
            ));
        }
        let mut running = match self.running.try_lock() {
            Ok(running) => running,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(PyValueError::new_err("another thread is waiting for the next of these scores"));
            }
        };
        let Some(at_work) = running.as_mut() else { return Ok(None) };
        if let Some(patchcore::Scored { name, result, .. }) = at_work.next(py)? {
            let result = match result {
                Ok(score) => Score::new(py, name.clone(), self.model.clone(), score).into_bound_py_any(py)?,
                Err(error) => exception(py, &name, &error),
            };
            return Ok(Some((name, result)));
        }
        let Some(Running { raised, thread, .. }) = running.take() else { return Ok(None) };
        if let Err(panic) = py.detach(|| thread.join()) {
            std::panic::resume_unwind(panic);
        }
        raised.map_or(Ok(None), Err)
    }
}

fn exception<'py>(py: Python<'py>, name: &str, error: &Error) -> Bound<'py, PyAny> {
    of_photo(name, error).into_value(py).into_bound(py).into_any()
}
