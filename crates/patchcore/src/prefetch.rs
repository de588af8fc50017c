//! Work ahead on other threads, in order and within bounds: decoding while the network computes.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, PoisonError};

/// How many results may wait for the consumer.
const AHEAD: usize = 4;

struct State<R> {
    next: usize,
    consumed: usize,
    ready: BTreeMap<usize, R>,
    stopped: bool,
    panic: Option<Box<dyn Any + Send>>,
}

/// Stops the workers on drop.
struct StopOnDrop<'a, R>(&'a Mutex<State<R>>, &'a Condvar);

impl<R> Drop for StopOnDrop<'_, R> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.1.notify_all();
    }
}

/// Runs `work` on every item on `workers` threads and gives the results to `consume` on this one, in the order of the
/// items. At most [`AHEAD`] results wait; the workers pause until the consumer is ready for more. `Break` ends it
/// early.
pub(crate) fn prefetch<'a, T: Sync, R: Send>(
    items: &'a [T],
    workers: usize,
    work: impl Fn(&T) -> R + Sync,
    mut consume: impl FnMut(&'a T, R) -> ControlFlow<()>,
) {
    let state = Mutex::new(State { next: 0, consumed: 0, ready: BTreeMap::new(), stopped: false, panic: None });
    let changed = Condvar::new();
    // Neither side panics while it holds the lock, so a poisoned one still holds a whole state.
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                loop {
                    let mut guard = lock();
                    while !guard.stopped && guard.next < items.len() && guard.next >= guard.consumed + AHEAD {
                        guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
                    }
                    let index = guard.next;
                    let Some(item) = items.get(index).filter(|_| !guard.stopped) else { return };
                    guard.next += 1;
                    drop(guard);
                    // A panic that nobody hears of would leave the consumer waiting for ever.
                    match catch_unwind(AssertUnwindSafe(|| work(item))) {
                        Ok(result) => drop(lock().ready.insert(index, result)),
                        Err(panic) => lock().panic = Some(panic),
                    }
                    changed.notify_all();
                }
            });
        }
        // Whether the consumer is done, breaks or panics: the workers must not wait for it.
        let _stop = StopOnDrop(&state, &changed);
        for (index, item) in items.iter().enumerate() {
            let mut guard = lock();
            let result = loop {
                if let Some(panic) = guard.panic.take() {
                    drop(guard);
                    resume_unwind(panic);
                }
                match guard.ready.remove(&index) {
                    Some(result) => break result,
                    None => guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
                }
            };
            guard.consumed = index + 1;
            drop(guard);
            changed.notify_all();
            if consume(item, result).is_break() {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_and_never_too_far_ahead() {
        let items: Vec<usize> = (0..200).collect();
        let (started, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut seen = Vec::new();
        prefetch(
            &items,
            3,
            |item| {
                let ahead = started.fetch_add(1, Ordering::SeqCst) + 1 - taken.load(Ordering::SeqCst);
                assert!(ahead <= AHEAD + 1, "{ahead}");
                item * 2
            },
            |item, result| {
                assert_eq!(result, item * 2);
                seen.push(*item);
                taken.fetch_add(1, Ordering::SeqCst);
                ControlFlow::Continue(())
            },
        );
        assert_eq!(seen, items);
    }

    #[test]
    fn a_panic_of_a_worker_reaches_the_caller() {
        let items: Vec<usize> = (0..100).collect();
        let run = || prefetch(&items, 2, |item| assert_ne!(*item, 50), |_, ()| ControlFlow::Continue(()));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    }

    #[test]
    fn a_panic_of_the_consumer_lets_the_workers_go() {
        let items: Vec<usize> = (0..100).collect();
        let run = || {
            prefetch(
                &items,
                2,
                |item| *item,
                |item, _| {
                    assert_ne!(*item, 7);
                    ControlFlow::Continue(())
                },
            );
        };
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    }

    #[test]
    fn a_break_ends_the_workers() {
        let items: Vec<usize> = (0..1000).collect();
        let mut seen = 0;
        prefetch(
            &items,
            2,
            |item| *item,
            |_, _| {
                seen += 1;
                if seen == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert_eq!(seen, 7);
    }
}
