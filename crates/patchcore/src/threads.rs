//! The threads of a model: its own, or those of whoever calls it.

use std::sync::{Arc, OnceLock};

use patchcore_config::ConfigError;
use rayon::{ThreadPool, ThreadPoolBuildError};

use crate::error::Error;
use crate::progress::{Stage, Teller};

/// Threads that models compute on. Clones are the same threads, and several models may share them
/// ([`FitOptions::on`](crate::FitOptions::on), [`LoadOptions::on`](crate::LoadOptions::on)).
///
/// [`Threads::default`] are those of whoever calls: of the rayon pool of the calling thread, else of rayon's global one.
///
/// # Forks
/// A process that is made by `fork` has the thread that called it and none of these. It gets as many of its own when it first computes.
/// rayon's global pool does not: who forks gives its models threads.
#[derive(Debug, Clone, Default)]
pub struct Threads(Option<Arc<OfProcess>>);

/// The pool of one process, and those of its children.
#[derive(Debug)]
struct OfProcess {
    process: u32,
    pool: Option<ThreadPool>,
    threads: usize,
    of_child: OnceLock<Box<OfProcess>>,
}

impl OfProcess {
    fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let name = |index| format!("patchcore {index}");
        let pool = Some(rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build()?);
        Ok(Self { process: this_process(), pool, threads, of_child: OnceLock::new() })
    }

    /// The pool of this process; `None` in a child that gets no threads from the system.
    fn pool(&self) -> Option<&ThreadPool> {
        if self.process == this_process() {
            return self.pool.as_ref();
        }
        if let Some(of_child) = self.of_child.get() {
            return of_child.pool();
        }
        let made = Box::new(Self::new(self.threads).ok()?);
        self.of_child.get_or_init(|| made).pool()
    }
}

impl Drop for OfProcess {
    fn drop(&mut self) {
        // The threads that would hear of it are not in a child, and one of them may have held a lock when it was made.
        if self.process != this_process() {
            std::mem::forget(self.pool.take());
        }
    }
}

/// The number of this process; where there is no `fork`, all are one.
fn this_process() -> u32 {
    if cfg!(unix) { std::process::id() } else { 0 }
}

/// The same threads, or both those of whoever calls.
impl PartialEq for Threads {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Threads {
    /// So many threads.
    ///
    /// # Errors
    /// [`Error::Config`] for none, or more than the system gives.
    pub fn new(threads: usize) -> Result<Self, Error> {
        let refused = |found: String, expected| ConfigError::OutOfRange { parameter: "threads", found, expected };
        if threads == 0 {
            return Err(refused("0".to_owned(), "at least 1, or none of the model's own").into());
        }
        match OfProcess::new(threads) {
            Ok(pool) => Ok(Self(Some(Arc::new(pool)))),
            Err(error) => Err(refused(format!("{threads} ({error})"), "as many as the system gives").into()),
        }
    }

    /// Those that a model is told: these, else so many of its own, else those of whoever calls.
    pub(crate) fn told(shared: Option<Self>, threads: Option<usize>) -> Result<Self, Error> {
        match (shared, threads) {
            (Some(shared), _) => Ok(shared),
            (None, Some(threads)) => Self::new(threads),
            (None, None) => Ok(Self::default()),
        }
    }

    fn pool(&self) -> Option<&ThreadPool> {
        self.0.as_ref().and_then(|pools| pools.pool())
    }

    /// Runs work on the threads, and waits for it.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match self.pool() {
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
        let Some(pool) = self.pool() else {
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
        let threads = Threads::new(3).unwrap();
        assert_eq!(threads.run(rayon::current_num_threads), 3);
        assert_eq!(threads.clone().run(rayon::current_num_threads), 3);
        // Without a pool of its own it is in that of the caller.
        let callers = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        assert_eq!(callers.install(|| Threads::default().run(rayon::current_num_threads)), 2);
        let error = Threads::new(0).unwrap_err();
        assert!(error.to_string().starts_with("threads is 0: expected at least 1"), "{error}");
    }

    #[test]
    fn threads_that_are_shared_go_before_a_number() {
        let shared = Threads::new(2).unwrap();
        let told = Threads::told(Some(shared.clone()), Some(3)).unwrap();
        assert_eq!((&told, told.run(rayon::current_num_threads)), (&shared, 2));
        assert_ne!(Threads::new(2).unwrap(), shared, "others, as many");
        assert_eq!(Threads::told(None, None).unwrap(), Threads::default());
    }

    /// What a process finds that was forked off: a pool of another process, whose threads are not there.
    #[cfg(unix)]
    #[test]
    fn another_process_has_threads_of_its_own() {
        let mut of_parent = OfProcess::new(2).unwrap();
        of_parent.process ^= 1;
        let parents: *const ThreadPool = of_parent.pool.as_ref().unwrap();
        let own = of_parent.pool().unwrap();
        assert!(!std::ptr::eq(own, parents), "the parent's pool is not used");
        assert_eq!(own.install(rayon::current_num_threads), 2);
        assert!(std::ptr::eq(own, of_parent.pool().unwrap()), "made once");
    }

    #[test]
    fn the_caller_is_told_on_its_own_thread_and_can_stop_the_work() {
        for threads in [None, Some(2)] {
            let threads = Threads::told(None, threads).unwrap();
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
