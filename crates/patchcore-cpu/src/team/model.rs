//! The handshake under loom: every interleaving, and every value that the memory model lets a load return.
//!
//! The leader opens two jobs of two tasks, one helper works beside it. Loom's cells report an access without an order
//! to it: to the job's description (a helper that reads it while the leader writes the next one), and to what the tasks
//! write (the leader reads it after each job, and the second job writes it again).

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::{Dismissal, Leader, Team};

/// A value that one task at a time writes.
struct Slot(UnsafeCell<usize>);

// SAFETY: loom reports every access to the cell that is not ordered after the one before.
unsafe impl Sync for Slot {}

impl Slot {
    fn add(&self, more: usize) {
        // SAFETY: loom checks that nobody else is at it.
        self.0.with_mut(|value| unsafe { *value += more });
    }

    fn get(&self) -> usize {
        // SAFETY: as above.
        self.0.with(|value| unsafe { *value })
    }
}

/// Runs `jobs` jobs of two tasks with one helper in all orders that three preemptions can make.
fn explore(jobs: usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let team = Arc::new(Team::new(2));
        let helper = {
            let team = Arc::clone(&team);
            thread::spawn(move || team.help(1))
        };
        {
            let _dismissal = Dismissal(&team);
            let mut leader = Leader::new(&team, 0);
            let slots = [Slot(UnsafeCell::new(0)), Slot(UnsafeCell::new(0))];
            for job in 1..=jobs {
                // Dropped at the end of the round: a helper that still calls it would use memory that is gone.
                let task = |_: usize, index: usize| slots[index].add(job);
                leader.fan_out(slots.len(), &task);
                assert!(slots.iter().all(|slot| slot.get() == job * (job + 1) / 2));
            }
        }
        helper.join().unwrap();
    });
}

#[test]
fn a_team_of_two_hands_over_one_job() {
    explore(1);
}

#[test]
fn a_team_of_two_keeps_two_jobs_apart() {
    explore(2);
}
