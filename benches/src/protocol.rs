//! The conversation with `cargo xtask bench-report`, the same on both sides of a comparison.
//!
//! A side sets its row up, prints `ready` (or `skip REASON`) and then answers lines: `run` with the milliseconds of one
//! measurement, `peak` with the process's largest resident memory so far in MiB.

use std::io::{BufRead, Write};
use std::time::Instant;

use anyhow::Context;

/// A measurement of one row: milliseconds per unit of work.
pub type Measure = Box<dyn FnMut() -> anyhow::Result<f64>>;

/// Seconds that one measurement of a short operation lasts.
const BUDGET: f64 = 0.3;

/// Milliseconds of one call: the median of as many calls as fit into a third of a second, without the first, which
/// brings the caches back from the other side. A call that lasts longer than that is timed once, as it is.
///
/// # Errors
/// The operation's own.
pub fn timed(mut operation: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut once = || -> anyhow::Result<f64> {
        let started = Instant::now();
        operation()?;
        Ok(started.elapsed().as_secs_f64())
    };
    let first = once()?;
    if first > BUDGET {
        return Ok(first * 1e3);
    }
    let (mut calls, mut total) = (Vec::new(), 0.0);
    while total < BUDGET || calls.len() < 3 {
        let seconds = once()?;
        calls.push(seconds);
        total += seconds;
    }
    calls.sort_unstable_by(f64::total_cmp);
    Ok(calls.get(calls.len() / 2).copied().unwrap_or(first) * 1e3)
}

/// Answers lines from standard input until it ends.
///
/// # Errors
/// A measurement that fails, or a broken pipe.
pub fn serve(mut measure: Measure) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "peak" => writeln!(out, "{:.1}", peak_memory()?)?,
            _ => writeln!(out, "{:.6}", measure()?)?,
        }
        out.flush()?;
    }
    Ok(())
}

/// Largest resident memory of this process so far, in MiB.
fn peak_memory() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("peak memory is only known on Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in /proc/self/status")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().context("VmHWM is no number")?;
    Ok(kib / 1024.0)
}
