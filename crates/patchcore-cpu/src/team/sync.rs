//! What the team's handshake is made of: the standard library's atomics, cell and waiting, or loom's in a model.
//!
//! `RUSTFLAGS="--cfg loom"` swaps them in a test build, so that `model.rs` explores the very file that ships.

#[cfg(not(all(test, loom)))]
pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

#[cfg(all(test, loom))]
pub(super) use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence},
};

/// [`std::cell::UnsafeCell`] behind the calls that loom's has, which tell it how long a pointer is in use.
#[cfg(not(all(test, loom)))]
pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(all(test, loom)))]
impl<T> UnsafeCell<T> {
    pub(super) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `read` with a pointer to read through.
    pub(super) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Calls `write` with a pointer to write through.
    pub(super) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// Rounds of spinning before a waiting thread yields its processor.
#[cfg(not(all(test, loom)))]
const SPINS: usize = 4000;

/// One round of waiting for another thread; `waited` counts them.
#[cfg(not(all(test, loom)))]
pub(super) fn wait(waited: &mut usize) {
    *waited += 1;
    if *waited < SPINS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

/// One round of waiting for another thread: the model lets the others go on first.
#[cfg(all(test, loom))]
pub(super) fn wait(_: &mut usize) {
    loom::thread::yield_now();
}
