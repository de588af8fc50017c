//! Numbered tasks over several threads, many times in a row, without an allocation and with little waiting.
//!
//! A network is some dozens of short parallel steps. A fork and join of the thread pool at each of them costs more
//! than the small steps themselves (sleeping workers have to be woken). So a team borrows workers of the current
//! rayon pool once for a whole pass; between steps they wait by spinning, and by yielding when it takes longer.
//! Workers that the pool has no thread for never arrive, and nobody waits for them.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What a step does for one task: `(worker, task)`.
type Body<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// Threads that work on the same steps.
pub(super) struct Team {
    workers: usize,
    /// Odd while a job is open.
    generation: AtomicUsize,
    /// Helpers that may be inside the job.
    active: AtomicUsize,
    /// The next task of the job.
    next: AtomicUsize,
    /// No more jobs will come.
    done: AtomicBool,
    job: UnsafeCell<Option<Job>>,
}

/// The open job; its body outlives it because `fan_out` returns only after all helpers have left.
#[derive(Clone, Copy)]
struct Job {
    body: &'static Body<'static>,
    tasks: usize,
}

// SAFETY: `job` is written by the leader only while it is closed and `active` is zero after a closing, and read by
// helpers only after they have registered in `active` and seen the job still open; see `fan_out` and `help`.
unsafe impl Sync for Team {}

/// Rounds of spinning before a waiting thread yields its processor.
const SPINS: usize = 4000;

impl Team {
    fn new(workers: usize) -> Self {
        Self {
            workers: workers.max(1),
            generation: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            done: AtomicBool::new(false),
            job: UnsafeCell::new(None),
        }
    }

    /// Calls `lead` with a team of the calling thread alone.
    pub(super) fn alone<R>(lead: impl FnOnce(&Team) -> R) -> R {
        lead(&Self::new(1))
    }

    /// Calls `lead` with a team of up to `workers` threads of the current rayon pool.
    pub(super) fn gather<R: Send>(workers: usize, lead: impl FnOnce(&Team) -> R + Send) -> R {
        if workers <= 1 {
            return Self::alone(lead);
        }
        let team = Self::new(workers);
        let lead = || {
            // Also when `lead` panics: helpers must not wait for ever.
            let _dismissal = Dismissal(&team);
            lead(&team)
        };
        rayon::join(lead, || team.recruit(1, workers)).0
    }

    /// Most workers that a job can have; worker numbers are below it.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// Calls `body(worker, task)` once for every task below `tasks`, each worker with a number of its own. Who runs
    /// which task is not fixed: a result must not depend on it. Only the leader may call this, and not from a body.
    pub(super) fn fan_out(&self, tasks: usize, body: &Body<'_>) {
        if self.workers == 1 || tasks <= 1 {
            (0..tasks).for_each(|task| body(0, task));
            return;
        }
        // SAFETY: only the lifetime changes; the reference is not used after this function returns, because it
        // closes the job and waits for the helpers inside.
        let body = unsafe { std::mem::transmute::<&Body<'_>, &'static Body<'static>>(body) };
        let job = Job { body, tasks };
        // SAFETY: the job is closed and no helper is inside.
        unsafe { *self.job.get() = Some(job) };
        self.next.store(0, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::SeqCst);
        // Also when a body panics: the job must not be left open.
        let _closing = Closing(self);
        self.work(0, job);
    }

    fn work(&self, worker: usize, job: Job) {
        loop {
            let task = self.next.fetch_add(1, Ordering::Relaxed);
            if task >= job.tasks {
                break;
            }
            (job.body)(worker, task);
        }
    }

    /// Brings the workers `first..end` in.
    fn recruit(&self, first: usize, end: usize) {
        if end - first == 1 {
            self.help(first);
        } else {
            let middle = usize::midpoint(first, end);
            rayon::join(|| self.recruit(first, middle), || self.recruit(middle, end));
        }
    }

    /// Works on every job until the leader is done.
    fn help(&self, worker: usize) {
        let mut seen = 0;
        let mut waited = 0;
        while !self.done.load(Ordering::Acquire) {
            let generation = self.generation.load(Ordering::SeqCst);
            if generation.is_multiple_of(2) || generation == seen {
                wait(&mut waited);
                continue;
            }
            // Register first, then look again: either the leader's closing sees this helper and waits for it, or
            // this helper sees the closing and stays out.
            let _presence = Presence::new(self);
            if self.generation.load(Ordering::SeqCst) == generation {
                // SAFETY: the job is open and stays so until this helper has left.
                if let Some(job) = unsafe { *self.job.get() } {
                    self.work(worker, job);
                }
            }
            seen = generation;
            waited = 0;
        }
    }
}

fn wait(waited: &mut usize) {
    *waited += 1;
    if *waited < SPINS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

/// Sends the helpers home.
struct Dismissal<'a>(&'a Team);

impl Drop for Dismissal<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Release);
    }
}

/// Closes the job and waits until no helper is inside.
struct Closing<'a>(&'a Team);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        let mut waited = 0;
        while self.0.active.load(Ordering::SeqCst) != 0 {
            wait(&mut waited);
        }
    }
}

/// A helper's registration.
struct Presence<'a>(&'a Team);

impl<'a> Presence<'a> {
    fn new(team: &'a Team) -> Self {
        team.active.fetch_add(1, Ordering::SeqCst);
        Self(team)
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A pointer that tasks using disjoint places share.
pub(super) struct Shared<T>(*mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

// SAFETY: tasks only reach disjoint places through the pointer; each use says why.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(super) fn new(to: *mut T) -> Self {
        Self(to)
    }

    pub(super) fn pointer(&self) -> *mut T {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_and_workers_are_numbered() {
        for workers in 1..6 {
            Team::gather(workers, |team| {
                for round in 0..300 {
                    let counts: Vec<AtomicUsize> = (0..round % 40).map(|_| AtomicUsize::new(0)).collect();
                    team.fan_out(counts.len(), &|worker, task| {
                        assert!(worker < workers);
                        counts[task].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
            });
        }
    }

    #[test]
    fn a_worker_number_is_never_used_twice_at_a_time() {
        let inside: Vec<AtomicUsize> = (0..4).map(|_| AtomicUsize::new(0)).collect();
        Team::gather(4, |team| {
            for _ in 0..500 {
                team.fan_out(8, &|worker, _| {
                    assert_eq!(inside[worker].fetch_add(1, Ordering::SeqCst), 0);
                    std::hint::spin_loop();
                    inside[worker].fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
    }

    #[test]
    fn a_panic_of_a_task_reaches_the_caller() {
        for workers in [1, 2, 4] {
            let result = std::panic::catch_unwind(|| {
                Team::gather(workers, |team| team.fan_out(9, &|_, task| assert_ne!(task, 0, "expected")));
            });
            // A helper's panic surfaces at the join, the leader's directly.
            assert!(result.is_err());
        }
    }
}
