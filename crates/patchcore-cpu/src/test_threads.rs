//! For tests: a number of threads that a test asks for.

/// What `work` gives in a pool of so many threads. Where a program has no threads (WebAssembly), `work` runs on the one that there
/// is, and the test tells nothing about their number.
pub(crate) fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(error) => {
            assert!(cfg!(target_family = "wasm"), "{error}");
            work()
        }
    }
}
