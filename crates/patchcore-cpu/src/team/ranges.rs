//! The tasks of a job that are left, one range of them for each worker.
//!
//! A worker takes the tasks of its own range from the front, so that it gets the same part of every step whose tasks are
//! in the order of the memory that they write: what one step wrote, the next one then finds in its own cache. Between
//! caches a line travels 30 ns, and 170 ns where a virtual machine's two cores lie on two chips. Who has none left takes the last
//! task of another: a worker that comes late, or never, holds nobody up.

use super::sync::{AtomicU64, Ordering};

/// Most ranges; with more workers than that, neighbours share one.
#[cfg(not(all(test, loom)))]
const MOST: usize = 16;
/// Most ranges; the model has two workers.
#[cfg(all(test, loom))]
const MOST: usize = 2;

/// A range has a pair of cache lines to itself: its worker alone is at it, until the end.
#[repr(align(128))]
struct Range(AtomicU64);

/// See [the module](self).
pub(super) struct Ranges {
    workers: usize,
    left: [Range; MOST],
}

impl Ranges {
    /// No tasks.
    pub(super) fn new(workers: usize) -> Self {
        Self { workers, left: std::array::from_fn(|_| Range(AtomicU64::new(0))) }
    }

    /// Ranges in use.
    fn used(&self) -> &[Range] {
        let used = self.workers.min(MOST);
        self.left.get(..used).unwrap_or(&self.left)
    }

    /// Deals out `tasks` tasks. Nobody may be taking any.
    pub(super) fn deal(&self, tasks: usize) {
        assert!(u32::try_from(tasks).is_ok(), "a step has fewer than 2^32 tasks");
        let used = self.used();
        for (index, range) in used.iter().enumerate() {
            let (first, end) = (index * tasks / used.len(), (index + 1) * tasks / used.len());
            range.0.store(pack(first as u64, end as u64), Ordering::Relaxed);
        }
    }

    /// The next task of `worker`, if any is left.
    pub(super) fn take(&self, worker: usize) -> Option<usize> {
        let used = self.used();
        let home = worker * used.len() / self.workers;
        let (others, own) = used.split_at_checked(home)?;
        let (own, after) = own.split_first()?;
        let front = |(first, end): (u64, u64)| (first, pack(first + 1, end));
        let back = |(first, end): (u64, u64)| (end - 1, pack(first, end - 1));
        own.shrink(&front).or_else(|| after.iter().chain(others).find_map(|other| other.shrink(&back)))
    }
}

impl Range {
    /// Takes a task out; `split` says which, and what is left of a range that is not empty.
    fn shrink(&self, split: &impl Fn((u64, u64)) -> (u64, u64)) -> Option<usize> {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let (first, end) = (seen >> 32, seen & u64::from(u32::MAX));
            if first >= end {
                return None;
            }
            let (task, left) = split((first, end));
            // A range only shrinks while a job is open, so a value that has not changed is the same range.
            match self.0.compare_exchange(seen, left, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(task as usize),
                Err(now) => seen = now,
            }
        }
    }
}

/// Both fit in 32 bits.
fn pack(first: u64, end: u64) -> u64 {
    first << 32 | end
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_worker_takes_its_own_part_first_and_then_the_last_of_others() {
        let ranges = Ranges::new(2);
        ranges.deal(5);
        let order: Vec<_> = std::iter::from_fn(|| ranges.take(1)).collect();
        assert_eq!(order, [2, 3, 4, 1, 0]);
        ranges.deal(5);
        let order: Vec<_> = [0, 1, 0, 0, 1, 1, 0].iter().map(|worker| ranges.take(*worker)).collect();
        assert_eq!(order, [Some(0), Some(2), Some(1), Some(4), Some(3), None, None]);
    }

    #[test]
    fn every_task_is_taken_once_by_any_number_of_workers() {
        for workers in [1, 2, 3, 15, 16, 17, 64] {
            let ranges = Ranges::new(workers);
            for tasks in [0, 1, 2, 7, 100] {
                ranges.deal(tasks);
                let mut taken: Vec<_> = (0..).map_while(|turn| ranges.take(turn * 7 % workers)).collect();
                taken.sort_unstable();
                assert_eq!(taken, (0..tasks).collect::<Vec<_>>(), "{workers} workers");
            }
        }
    }

    // A `usize` of 32 bits can count no more.
    #[cfg(target_pointer_width = "64")]
    #[test]
    #[should_panic(expected = "fewer than 2^32 tasks")]
    fn more_tasks_than_a_range_can_count_are_refused() {
        Ranges::new(1).deal(1 << 32);
    }
}
