//! The threads of a model: its own, or those of whoever calls it.

use std::sync::Arc;

use patchcore_config::ConfigError;
use rayon::ThreadPool;

use crate::error::Error;
use crate::progress::{Stage, Teller};

/// A pool of the model's own, which its clones share; without one the work runs where it is called: in the pool of the calling
/// thread, else in rayon's global one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Threads(Option<Arc<ThreadPool>>);

impl Threads {
    /// A pool of so many threads.
    ///
    /// # Errors
    /// [`Error::Config`] for none, or more than the system gives.
    pub(crate) fn new(threads: Option<usize>) -> Result<Self, Error> {
        let Some(threads) = threads else { return Ok(Self::default()) };
        let refused = |found: String, expected| ConfigError::OutOfRange { parameter: "threads", found, expected };
        if threads == 0 {
            return Err(refused("0".to_owned(), "at least 1, or none of the model's own").into());
        }
        let name = |index| format!("patchcore {index}");
        match rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build() {
            Ok(pool) => Ok(Self(Some(Arc::new(pool)))),
            Err(error) => Err(refused(format!("{threads} ({error})"), "as many as the system gives").into()),
        }
    }

    /// Whether these are the very same.
    #[cfg(test)]
    pub(crate) fn are_those_of(&self, other: &Self) -> bool {
        matches!((&self.0, &other.0), (Some(one), Some(other)) if Arc::ptr_eq(one, other))
    }

    /// Runs work on the threads.
    pub(crate) fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            None => work(),
            Some(pool) => pool.install(work),
        }
    }

    /// Runs work on the threads that tells how far it is; the caller is told on its own thread, which need not be one of them.
    pub(crate) fn run_telling<R: Send>(
        &self,
        stage: Stage,
        teller: &mut Teller<'_>,
        work: impl FnOnce(&mut dyn FnMut(usize, usize) -> bool) -> R + Send,
    ) -> R {
        let Some(pool) = &self.0 else {
            return work(&mut |done, total| teller.tell(stage, done, total).is_continue());
        };
        let mut result = None;
        let place = &mut result;
        pool.in_place_scope(|scope| {
            let (asks, questions) = std::sync::mpsc::sync_channel(0);
            let (answers, answered) = std::sync::mpsc::sync_channel(0);
            scope.spawn(move |_| {
                *place =
                    Some(work(&mut |done, total| asks.send((done, total)).is_ok() && answered.recv().unwrap_or(false)));
            });
            for (done, total) in questions {
                if answers.send(teller.tell(stage, done, total).is_continue()).is_err() {
                    break;
                }
            }
        });
        match result {
            Some(result) => result,
            None => unreachable!("the scope ends after its work, or passes its panic on"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn work_runs_on_as_many_threads_as_were_asked_for() {
        let threads = Threads::new(Some(3)).unwrap();
        assert_eq!(threads.run(rayon::current_num_threads), 3);
        assert_eq!(threads.clone().run(rayon::current_num_threads), 3);
        // Without a pool of its own it is in that of the caller.
        let callers = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        assert_eq!(callers.install(|| Threads::default().run(rayon::current_num_threads)), 2);
        let error = Threads::new(Some(0)).unwrap_err();
        assert!(error.to_string().starts_with("threads is 0: expected at least 1"), "{error}");
    }

    #[test]
    fn the_caller_is_told_on_its_own_thread_and_can_stop_the_work() {
        for threads in [None, Some(2)] {
            let threads = Threads::new(threads).unwrap();
            let (caller, mut told) = (std::thread::current().id(), Vec::new());
            let mut teller = Teller::new(|progress: crate::Progress| {
                assert_eq!(std::thread::current().id(), caller);
                told.push(progress.done);
                if progress.done < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            let stopped_at = threads.run_telling(Stage::Coreset, &mut teller, |tell| (1..10).find(|at| !tell(*at, 10)));
            drop(teller);
            assert_eq!((stopped_at, told), (Some(3), vec![1, 2, 3]));
        }
    }
}
