//! Work ahead on another thread, in order and within bounds: decoding while the network computes.
//!
//! Two channels go to the thread and one comes back. Jobs go there, at most [`BYTES_AHEAD`] of them at a time; results come back;
//! and for each one that is taken its bytes go there again, so that the thread knows how much waits and pauses at
//! [`BYTES_AHEAD`]. The source is pulled by the caller alone and need not be `Send`.

use std::collections::VecDeque;
use std::iter::Fuse;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// No new work begins while results of so many bytes wait for the caller, and no job is handed over while jobs of so many do.
pub(crate) const BYTES_AHEAD: usize = 64 << 20;
/// Jobs handed over and not yet taken back: there are photos of no bytes (paths).
pub(crate) const MOST_AHEAD: usize = 64;

type Work<J, R> = Arc<dyn Fn(J) -> R + Send + Sync>;

/// The results of `work` on the items of a source, in their order, made ahead on another thread.
///
/// A panic of the work reaches the caller in the place of its result. Dropping this ends the thread and waits for it.
pub(crate) struct Ahead<I: Iterator, R> {
    source: Fuse<I>,
    work: Work<I::Item, R>,
    job_bytes: fn(&I::Item) -> usize,
    result_bytes: fn(&R) -> usize,
    worker: Option<Worker<I::Item, R>>,
    /// Bytes of each job handed over and not yet taken back, and their sum.
    handed: VecDeque<usize>,
    handed_bytes: usize,
    /// How many jobs may be handed over now: few at first, so that the first result does not wait for the source.
    reach: usize,
}

struct Worker<J, R> {
    jobs: SyncSender<J>,
    results: Receiver<(R, usize)>,
    taken: SyncSender<usize>,
    thread: JoinHandle<()>,
}

impl<J: Send + 'static, R: Send + 'static> Worker<J, R> {
    /// `None` where no thread can be had, as in a browser.
    fn start(work: Work<J, R>, result_bytes: fn(&R) -> usize) -> Option<Self> {
        if cfg!(target_family = "wasm") {
            return None;
        }
        // No channel is ever full: there are never more jobs on their way.
        let (jobs, to_do) = sync_channel::<J>(MOST_AHEAD);
        let (done, results) = sync_channel(MOST_AHEAD);
        let (taken, freed) = sync_channel::<usize>(MOST_AHEAD);
        let run = move || {
            let mut waiting = 0;
            for job in to_do {
                waiting -= freed.try_iter().sum::<usize>();
                while waiting >= BYTES_AHEAD {
                    let Ok(bytes) = freed.recv() else { return };
                    waiting -= bytes;
                }
                let result = work(job);
                let bytes = result_bytes(&result);
                waiting += bytes;
                if done.send((result, bytes)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("patchcore decode".to_owned()).spawn(run).ok()?;
        Some(Self { jobs, results, taken, thread })
    }

    /// Ends the thread, after the work at hand.
    fn end(self) -> std::thread::Result<()> {
        let Self { jobs, results, taken, thread } = self;
        drop((jobs, results, taken));
        thread.join()
    }
}

impl<I: Iterator<Item: Send + 'static>, R: Send + 'static> Ahead<I, R> {
    /// Nothing begins before the first result is asked for. The two functions say what a job and a result hold in memory.
    pub(crate) fn new(
        source: I,
        job_bytes: fn(&I::Item) -> usize,
        work: impl Fn(I::Item) -> R + Send + Sync + 'static,
        result_bytes: fn(&R) -> usize,
    ) -> Self {
        let work: Work<I::Item, R> = Arc::new(work);
        Self {
            source: source.fuse(),
            work,
            job_bytes,
            result_bytes,
            worker: None,
            handed: VecDeque::new(),
            handed_bytes: 0,
            reach: 2,
        }
    }

    /// Hands jobs over, as many as may be on their way.
    fn hand_over(&mut self, worker: &Worker<I::Item, R>) {
        while self.handed.len() < self.reach && self.handed_bytes < BYTES_AHEAD {
            let Some(job) = self.source.next() else { break };
            let bytes = (self.job_bytes)(&job);
            // A thread that is gone has panicked over an earlier job, whose turn comes.
            if worker.jobs.send(job).is_err() {
                break;
            }
            self.handed.push_back(bytes);
            self.handed_bytes += bytes;
        }
        self.reach = (2 * self.reach).min(MOST_AHEAD);
    }
}

impl<I: Iterator<Item: Send + 'static>, R: Send + 'static> Iterator for Ahead<I, R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        let started = self.worker.take().or_else(|| Worker::start(Arc::clone(&self.work), self.result_bytes));
        let Some(worker) = started else {
            return self.source.next().map(|job| (self.work)(job));
        };
        self.hand_over(&worker);
        let bytes = self.handed.pop_front();
        let worker = self.worker.insert(worker);
        self.handed_bytes -= bytes?;
        match worker.results.recv() {
            Ok((result, bytes)) => {
                // A thread that is gone does not ask.
                let _ = worker.taken.send(bytes);
                Some(result)
            }
            Err(_) => match self.worker.take().map(Worker::end) {
                Some(Err(panic)) => resume_unwind(panic),
                _ => unreachable!("the thread ends when it is told to, or by a panic"),
            },
        }
    }
}

impl<I: Iterator, R> Drop for Ahead<I, R> {
    fn drop(&mut self) {
        let Some(Worker { jobs, results, taken, thread }) = self.worker.take() else { return };
        drop((jobs, results, taken));
        // Who drops this does not want the results, nor what went wrong with them.
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn none<T>(_: &T) -> usize {
        0
    }

    #[test]
    fn results_come_in_order() {
        let found: Vec<usize> = Ahead::new(0..1000, none, |item| 2 * item, none).collect();
        assert_eq!(found, (0..1000).map(|item| 2 * item).collect::<Vec<usize>>());
    }

    /// Results of a quarter of the bytes: never more than four wait, and one that is being made.
    #[test]
    fn what_waits_is_bounded_by_its_bytes() {
        let (started, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (Arc::clone(&started), Arc::clone(&taken));
        let work = move |item: usize| {
            let ahead = counts.0.fetch_add(1, Ordering::SeqCst) + 1 - counts.1.load(Ordering::SeqCst);
            (item, ahead)
        };
        let mut most = 0;
        for (item, ahead) in Ahead::new(0..200, none, work, |_| BYTES_AHEAD / 4) {
            assert_eq!(item, taken.fetch_add(1, Ordering::SeqCst));
            most = most.max(ahead);
        }
        // The last one taken may not have been counted yet when its bytes are free again.
        assert!((2..=6).contains(&most), "{most}");
        assert_eq!(started.load(Ordering::SeqCst), 200);
    }

    /// Jobs that are as large as the bound are handed over one by one.
    #[test]
    fn large_jobs_are_not_pulled_far_ahead() {
        let pulled = AtomicUsize::new(0);
        let source = (0..50).inspect(|_| {
            pulled.fetch_add(1, Ordering::SeqCst);
        });
        let mut taken = 0;
        let mut ahead = Ahead::new(source, |_| BYTES_AHEAD, |item: i32| item, none);
        while ahead.next().is_some() {
            taken += 1;
            assert!(pulled.load(Ordering::SeqCst) <= taken + 1);
        }
        assert_eq!(taken, 50);
    }

    #[test]
    fn a_panic_of_the_work_reaches_the_caller_in_its_place() {
        let mut ahead = Ahead::new(0..100, none, |item| assert_ne!(item, 50, "the fiftieth"), none);
        assert_eq!(ahead.by_ref().take(50).count(), 50);
        let panic = catch_unwind(AssertUnwindSafe(|| ahead.next())).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains("the fiftieth"));
    }

    #[test]
    fn dropping_it_ends_the_thread() {
        let held = Arc::new(());
        let work = {
            let held = Arc::clone(&held);
            move |item: usize| (item, held.as_ref()).0
        };
        let mut ahead = Ahead::new(0.., none, work, |_| BYTES_AHEAD);
        assert_eq!(ahead.next(), Some(0));
        drop(ahead);
        assert_eq!(Arc::strong_count(&held), 1, "the thread holds the work no more");
    }
}
