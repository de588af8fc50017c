//! The threads of this process, which all models of one number of threads share.
//!
//! A model is never left to rayon's global pool: a process that is forked off would wait for threads that it has not got. These are made
//! anew there ([`patchcore::Threads`]).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use patchcore::Threads;
use pyo3::prelude::*;

use crate::errors::raised;

/// By their number. Locked only by a thread that holds the interpreter, as whoever forks does: no child finds it locked.
static POOLS: Mutex<BTreeMap<usize, Threads>> = Mutex::new(BTreeMap::new());

/// So many threads; without a number as many as `RAYON_NUM_THREADS` says, else as this process may use.
pub fn threads(_py: Python<'_>, count: Option<usize>) -> PyResult<Threads> {
    let count = count.unwrap_or_else(usual);
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(threads) = pools.get(&count) {
        return Ok(threads.clone());
    }
    let threads = Threads::new(count).map_err(|error| raised(&error))?;
    pools.insert(count, threads.clone());
    Ok(threads)
}

fn usual() -> usize {
    let said = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).filter(|count| *count > 0);
    said.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}
