//! The threads that compute: rayon's, which library and kernels share.

use anyhow::Context;

/// Computes with so many threads from here on.
///
/// # Errors
/// Where threads compute already, or the system gives fewer.
pub fn settle(threads: usize) -> anyhow::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("patchcore {index}"));
    pool.build_global().with_context(|| format!("cannot start {threads} threads: lower --threads"))
}

/// How many threads compute: as `--threads` says, else RAYON_NUM_THREADS, else as many as the machine has.
pub fn in_force() -> usize {
    rayon::current_num_threads()
}
