//! Why work ends early: an exception that Python raised meanwhile, or a progress function that wants no more of it.

use std::sync::{Mutex, PoisonError};

use patchcore::Error;
use pyo3::PyErr;

use crate::errors::{Cancelled, raised};

/// Shared by the source of photos, the progress and whoever waits for the work. The first reason counts.
#[derive(Default)]
pub struct Stop(Mutex<Option<Reason>>);

enum Reason {
    Raised(PyErr),
    Cancelled,
}

impl Stop {
    /// Something has raised.
    pub fn raise(&self, error: PyErr) {
        self.set(Reason::Raised(error));
    }

    /// The progress function has returned False.
    pub fn cancel(&self) {
        self.set(Reason::Cancelled);
    }

    fn set(&self, reason: Reason) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }

    /// Whether the work is to end.
    pub fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What came of the work: the exception that ended it, else its own result.
    pub fn outcome<T>(&self, what: &str, result: Result<T, Error>) -> Result<T, PyErr> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Reason::Raised(error)) => Err(error),
            Some(Reason::Cancelled) => Err(Cancelled::new_err(format!("the {what} was cancelled"))),
            None => result.map_err(|error| raised(&error)),
        }
    }
}
