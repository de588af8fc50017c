//! Numbered tasks over several threads, many times in a row, without an allocation and with little waiting.
//!
//! A network is some dozens of short parallel steps. A fork and join of the thread pool at each of them costs more
//! than the small steps themselves (sleeping workers have to be woken). So a team borrows workers of the current
//! rayon pool once for a whole pass; between steps they wait by spinning, and by yielding when it takes longer.
//! Workers that the pool has no thread for never arrive, and nobody waits for them.
//!
//! # The handshake
//!
//! One thread leads; only it opens and closes jobs, by counting `generation` up. A job's description and the task that
//! it points to may be used by a helper only while the leader waits for that helper:
//!
//! | leader, in `fan_out` | helper, in `help` |
//! |---|---|
//! | writes the job, opens it (release) | sees it open |
//! | works | registers in `active` |
//! | closes it | **fence** |
//! | **fence** | looks again: still open? then reads the job and works |
//! | waits until `active` is 0 (acquire) | leaves `active` (release) |
//!
//! The two fences are sequentially consistent, so one of them comes first. If the helper's does, the leader sees it
//! registered and waits; if the leader's does, the helper sees the job closed and stays out (Dekker's handshake). The
//! helper's fence is also what acquires the job that the leader released. When a helper leaves, what its tasks wrote is
//! released to the leader, and the next job is written after the last one has left.
//!
//! `model.rs` holds this file against loom's model of memory. Without either fence, with a weaker one, with any of the
//! three orders above made relaxed, or without the second look, it reports a fault. `cargo xtask soak team` runs
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p patchcore-cpu --release --lib team
//! ```

#[cfg(all(test, loom))]
mod model;
mod ranges;
mod sync;
#[cfg(all(test, not(loom)))]
mod tests;

use self::ranges::Ranges;
use self::sync::{AtomicBool, AtomicUsize, Ordering, UnsafeCell, fence, wait};

/// What a step does for one index of its tasks: `(worker, index)`.
type Task<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// What the threads of a team share.
pub(crate) struct Team {
    /// The tasks of the job that are left.
    left: Ranges,
    /// Helpers that may be inside the job.
    active: OwnLine<AtomicUsize>,
    board: OwnLine<Board>,
}

/// What a helper looks at while it waits: one cache line, which only the leader writes.
struct Board {
    workers: usize,
    /// Odd while a job is open. Written by the leader alone.
    generation: AtomicUsize,
    /// No more jobs will come.
    done: AtomicBool,
    job: UnsafeCell<Option<Job>>,
}

/// A value with a pair of cache lines to itself.
#[repr(align(128))]
struct OwnLine<T>(T);

/// The right to hand out work to a team. There is one, so that a job is closed before the next one opens; and a task,
/// which is shared between threads, cannot use it.
pub(crate) struct Leader<'team> {
    team: &'team Team,
    /// Its number among the workers.
    worker: usize,
}

/// The open job; its task outlives it because `fan_out` returns only after all helpers have left.
#[derive(Clone, Copy)]
struct Job {
    task: &'static Task<'static>,
}

// SAFETY: `job` is written by the leader only while it is closed and no helper is inside, and read by helpers only
// after they have registered in `active` and seen the job still open; see the handshake above.
unsafe impl Sync for Team {}

impl Team {
    fn new(workers: usize) -> Self {
        assert!(workers > 0, "a team has its leader");
        Self {
            left: Ranges::new(workers),
            active: OwnLine(AtomicUsize::new(0)),
            board: OwnLine(Board {
                workers,
                generation: AtomicUsize::new(0),
                done: AtomicBool::new(false),
                job: UnsafeCell::new(None),
            }),
        }
    }

    /// Calls `lead` with a team of the calling thread alone.
    pub(crate) fn alone<R>(lead: impl FnOnce(&mut Leader<'_>) -> R) -> R {
        lead(&mut Leader::new(&Self::new(1), 0))
    }

    /// Calls `lead` with a team of up to `workers` threads of the current rayon pool.
    pub(crate) fn gather<R: Send>(workers: usize, lead: impl FnOnce(&mut Leader<'_>) -> R + Send) -> R {
        if workers <= 1 {
            return Self::alone(lead);
        }
        let team = Self::new(workers);
        let lead = || {
            // Also when `lead` panics: helpers must not wait for ever.
            let _dismissal = Dismissal(&team);
            lead(&mut Leader::new(&team, team.number(0)))
        };
        rayon::join(lead, || team.recruit(1, workers)).0
    }

    /// The number of the worker that the calling thread is, `place` unless the team is the whole pool.
    ///
    /// Which thread of the pool leads is chance; its index stays, and with it the part of the memory that it has in its
    /// cache from the call before. Both sides of a `join` run on threads of one pool, so either all workers have an index or none.
    fn number(&self, place: usize) -> usize {
        let workers = self.board.0.workers;
        let index = rayon::current_thread_index().filter(|_| rayon::current_num_threads() == workers);
        index.unwrap_or(place)
    }

    fn work(&self, worker: usize, job: Job) {
        while let Some(index) = self.left.take(worker) {
            (job.task)(worker, index);
        }
    }

    /// Brings the workers `first..end` in.
    fn recruit(&self, first: usize, end: usize) {
        if end - first == 1 {
            self.help(self.number(first));
        } else {
            let middle = usize::midpoint(first, end);
            rayon::join(|| self.recruit(first, middle), || self.recruit(middle, end));
        }
    }

    /// Works on every job until the leader is done.
    fn help(&self, worker: usize) {
        let mut seen = 0;
        let mut waited = 0;
        let board = &self.board.0;
        while !board.done.load(Ordering::Relaxed) {
            let generation = board.generation.load(Ordering::Relaxed);
            if generation.is_multiple_of(2) || generation == seen {
                wait(&mut waited);
                continue;
            }
            // Register first, then look again: either the leader's closing sees this helper and waits for it, or
            // this helper sees the closing and stays out.
            let _presence = Presence::new(self);
            fence(Ordering::SeqCst);
            if board.generation.load(Ordering::Relaxed) == generation {
                // SAFETY: the job is open and stays so until this helper has left.
                match board.job.with(|job| unsafe { *job }) {
                    Some(job) => self.work(worker, job),
                    None => unreachable!("a job is written before it is opened"),
                }
            }
            seen = generation;
            waited = 0;
        }
    }
}

impl<'team> Leader<'team> {
    /// The one leader of `team`, with this number.
    fn new(team: &'team Team, worker: usize) -> Self {
        Self { team, worker }
    }

    /// Most workers that a job can have; worker numbers are below it.
    pub(crate) fn workers(&self) -> usize {
        self.team.board.0.workers
    }

    /// Calls `task(worker, index)` once for every index below `tasks`, each worker with a number of its own. The first
    /// worker begins with the first part of them and so on, see [`ranges`]; who runs which one is not fixed: a result
    /// must not depend on it.
    pub(crate) fn fan_out(&mut self, tasks: usize, task: &Task<'_>) {
        let team = self.team;
        if team.board.0.workers == 1 || tasks <= 1 {
            (0..tasks).for_each(|index| task(self.worker, index));
            return;
        }
        // SAFETY: only the lifetime changes; the reference is not used after this function returns, because it
        // closes the job and waits for the helpers inside.
        let task = unsafe { std::mem::transmute::<&Task<'_>, &'static Task<'static>>(task) };
        let job = Job { task };
        // SAFETY: the job is closed and no helper is inside; nobody else has the leader.
        team.board.0.job.with_mut(|place| unsafe { *place = Some(job) });
        team.left.deal(tasks);
        // Also when a task panics: the job must not be left open.
        let _closing = Closing::open(team);
        team.work(self.worker, job);
    }
}

/// Sends the helpers home.
struct Dismissal<'a>(&'a Team);

impl Drop for Dismissal<'_> {
    fn drop(&mut self) {
        self.0.board.0.done.store(true, Ordering::Relaxed);
    }
}

/// An open job: closes it and waits until no helper is inside.
struct Closing<'a>(&'a Team);

impl<'a> Closing<'a> {
    /// Opens the job that has been written.
    fn open(team: &'a Team) -> Self {
        let generation = &team.board.0.generation;
        generation.store(generation.load(Ordering::Relaxed) + 1, Ordering::Release);
        Self(team)
    }
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let Self(team) = self;
        let generation = &team.board.0.generation;
        generation.store(generation.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let mut waited = 0;
        while team.active.0.load(Ordering::Acquire) != 0 {
            wait(&mut waited);
        }
    }
}

/// A helper's registration.
struct Presence<'a>(&'a Team);

impl<'a> Presence<'a> {
    fn new(team: &'a Team) -> Self {
        team.active.0.fetch_add(1, Ordering::Relaxed);
        Self(team)
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.active.0.fetch_sub(1, Ordering::Release);
    }
}

/// A pointer that tasks using disjoint places share.
pub(crate) struct Shared<T>(*mut T);

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
    pub(crate) fn new(to: *mut T) -> Self {
        Self(to)
    }

    pub(crate) fn pointer(&self) -> *mut T {
        self.0
    }
}
