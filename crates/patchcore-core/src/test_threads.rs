//! What tests ask of the machine that they run on: threads.

/// What `work` gives in a pool of so many threads. Where a program has no threads (WebAssembly), `work` runs on the one that there is, and
/// the test tells nothing about their number.
pub(crate) fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) if cfg!(target_family = "wasm") => work(),
        Err(error) => panic!("{error}"),
    }
}
