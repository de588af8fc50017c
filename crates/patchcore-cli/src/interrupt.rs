//! Ctrl-C: work that is being watched ends at its next step and says what was cancelled; everything else, and a second
//! Ctrl-C, ends the program at once. Files are whole either way.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::output::{fatal, note};

/// What a shell gives a program that Ctrl-C ended: 128 and the number of SIGINT.
pub const EXIT_CODE: u8 = 130;

/// How many steps of work ask [`is_asked`] now and then.
static WATCHED: AtomicUsize = AtomicUsize::new(0);
/// Whether the user has pressed Ctrl-C.
static ASKED: AtomicBool = AtomicBool::new(false);

/// What is cancelled: `fit`, `evaluation`.
static WHAT: OnceLock<&str> = OnceLock::new();

/// Takes Ctrl-C over; not where the caller has set it aside (`nohup`, a shell's background job). `what` is cancelled then.
pub fn install(what: Option<&'static str>) {
    if let Some(what) = what {
        WHAT.get_or_init(|| what);
    }
    if let Err(error) = ctrlc::try_set_handler(interrupted) {
        tracing::debug!("Ctrl-C is as it was: {error}");
    }
}

fn interrupted() {
    let again = ASKED.swap(true, Ordering::SeqCst);
    if again || WATCHED.load(Ordering::SeqCst) == 0 {
        WHAT.get().iter().for_each(|what| fatal(&format!("error: the {what} was cancelled")));
        std::process::exit(EXIT_CODE.into());
    }
    note("stopping at the next step (Ctrl-C again: at once)");
}

/// Whether the work at hand shall end.
pub fn is_asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Says that [`is_asked`] is looked at, until it is dropped.
pub struct Watch(());

impl Watch {
    /// Begins.
    pub fn new() -> Self {
        WATCHED.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHED.fetch_sub(1, Ordering::SeqCst);
    }
}
