//! Every task once, by workers whose numbers are their own; and a panic that reaches the caller.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Team;
use crate::testing::with_threads;

#[test]
fn every_task_runs_once_and_workers_are_numbered() {
    for workers in 1..6 {
        Team::gather(workers, |leader| {
            for round in 0..300 {
                let counts: Vec<AtomicUsize> = (0..round % 40).map(|_| AtomicUsize::new(0)).collect();
                leader.fan_out(counts.len(), &|worker, task| {
                    assert!(worker < workers);
                    counts[task].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
        });
    }
}

/// A number is that of the thread in the pool, if the team is the whole pool, else the place in the team.
#[test]
fn a_worker_number_is_never_used_twice_at_a_time() {
    for threads in [4, 5] {
        let inside: Vec<AtomicUsize> = (0..4).map(|_| AtomicUsize::new(0)).collect();
        with_threads(threads, || {
            Team::gather(4, |leader| {
                for _ in 0..500 {
                    leader.fan_out(8, &|worker, _| {
                        assert_eq!(inside[worker].fetch_add(1, Ordering::SeqCst), 0);
                        // A target without threads may give the only one no index.
                        let index = rayon::current_thread_index().unwrap_or(0);
                        assert!(threads != 4 || index == worker, "worker {worker} is thread {index} of the pool");
                        // Lets others come.
                        std::thread::yield_now();
                        inside[worker].fetch_sub(1, Ordering::SeqCst);
                    });
                }
            });
        });
    }
}

#[test]
#[cfg_attr(not(panic = "unwind"), ignore = "a panic ends the program")]
fn a_panic_of_a_task_reaches_the_caller() {
    for workers in [1, 2, 4] {
        let result = std::panic::catch_unwind(|| {
            Team::gather(workers, |leader| leader.fan_out(9, &|_, task| assert_ne!(task, 0, "expected")));
        });
        // A helper's panic surfaces at the join, the leader's directly.
        assert!(result.is_err());
    }
}
