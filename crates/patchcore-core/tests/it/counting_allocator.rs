//! An allocator that counts what the threads of one pool ask for; the other tests of this binary do not count.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Where this thread's allocations are counted; constant and without a destructor, so reading it allocates nothing.
    static COUNTER: Cell<Option<&'static AtomicUsize>> = const { Cell::new(None) };
}

struct Counting;

fn count() {
    // A thread that is ending has no counter any more.
    if let Ok(Some(counter)) = COUNTER.try_with(Cell::get) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: everything is handed to the system's allocator; counting touches no allocated memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(old, layout) }
    }
}

/// A thread pool whose threads' allocations are counted.
pub struct CountedPool {
    pool: ThreadPool,
    counter: &'static AtomicUsize,
}

impl CountedPool {
    pub fn new(threads: usize) -> Self {
        let counter: &'static AtomicUsize = Box::leak(Box::default());
        let builder = ThreadPoolBuilder::new().num_threads(threads);
        let pool = builder.start_handler(|_| COUNTER.set(Some(counter))).build().unwrap();
        Self { pool, counter }
    }

    /// Calls `work` `rounds` times `calls` times; the allocations of each round.
    pub fn count(&self, rounds: usize, calls: usize, mut work: impl FnMut() + Send) -> Vec<usize> {
        let mut round = || {
            let before = self.counter.load(Ordering::SeqCst);
            (0..calls).for_each(|_| work());
            self.counter.load(Ordering::SeqCst) - before
        };
        // Inside the pool, so that handing work to it from outside does not count.
        self.pool.install(|| {
            let mut counts = Vec::with_capacity(rounds);
            for _ in 0..rounds {
                counts.push(round());
            }
            counts
        })
    }
}
