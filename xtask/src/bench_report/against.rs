//! `cargo xtask bench-report --against PROGRAM`: an older program `patchcore` and the present one, in turn.
//!
//! What a user waits for is timed, from the start of the process to its end: a fit and the scoring of photos, on one thread
//! and on two. Twenty pairs, the order within a pair alternating (AB, BA), so that neither a machine that gets slower nor
//! the warmth that a program leaves behind favours one side; what counts is the median of the pairs' ratios with its
//! interval. Both programs are driven only through `fit --data DIR -o FILE` and `score --model FILE PHOTO...`, and each
//! scores with the model that it has fitted itself.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use patchcore_testing::files;

use super::hardware::{machine, output};
use super::interval::{MedianInterval, median_interval};
use super::measurement::{median, three_digits};
use crate::tidy::root;

/// Pairs of runs.
const PAIRS: usize = 20;
/// Photos that are scored, at most.
const SCORED: usize = 40;
/// The sides, in the order in which everything here has them.
const SIDES: [&str; 2] = ["old", "new"];

/// The two programs and what they are fed.
pub struct Against {
    programs: [PathBuf; 2],
    /// Photos of good parts, as `fit --data` takes them.
    data: PathBuf,
    photos: Vec<PathBuf>,
    work: tempfile::TempDir,
}

/// The times of one command, in milliseconds.
struct Timed {
    what: String,
    times: [Vec<f64>; 2],
}

impl Against {
    /// Two programs, over bottle in `shared` or over the demo's photos.
    ///
    /// # Errors
    /// Folders that cannot be read.
    pub fn new(old: &Path, new: &Path, shared: Option<&Path>) -> anyhow::Result<Self> {
        let demo = root().join("assets/demo/flange");
        let data = shared.map_or(demo, |shared| shared.join("data/bottle"));
        let mut photos = Vec::new();
        for kind in files(&data.join("test"))? {
            photos.extend(files(&kind)?);
        }
        // Good and defective ones alike.
        let step = photos.len().div_ceil(SCORED).max(1);
        let photos = photos.into_iter().step_by(step).collect();
        let absolute = |program: &Path| {
            program.canonicalize().with_context(|| format!("there is no program {}", program.display()))
        };
        Ok(Self { programs: [absolute(old)?, absolute(new)?], data, photos, work: tempfile::tempdir()? })
    }

    /// Measures every command whose name contains `rows`, and tells the table.
    ///
    /// # Errors
    /// A program that fails.
    pub fn run(&self, rows: &str) -> anyhow::Result<String> {
        let mut versions = Vec::new();
        for (side, (name, program)) in SIDES.iter().zip(&self.programs).enumerate() {
            let version = output(Command::new(program).arg("--version"));
            let version = version.with_context(|| format!("{} --version failed", program.display()))?;
            versions.push(format!("{name}: {version} ({})", program.display()));
            // The models that are scored with; also brings photos and programs into memory.
            self.fit(side, 2)?;
        }
        let mut all = Vec::new();
        for command in ["fit", "score"] {
            for threads in [1, 2] {
                let what = format!("{command}, {threads} thread{}", if threads == 1 { "" } else { "s" });
                if what.contains(rows) {
                    let timed = self.pairs(what, command, threads)?;
                    println!("{}", timed.line());
                    all.push(timed);
                }
            }
        }
        ensure!(!all.is_empty(), "no command's name contains `{rows}`");
        let (data, scored) = (self.data.display(), self.photos.len());
        Ok(table(&all, &format!("Fit of {data}, {scored} photos scored; {}", versions.join("; "))))
    }

    fn pairs(&self, what: String, command: &str, threads: usize) -> anyhow::Result<Timed> {
        let once = |side: usize| if command == "fit" { self.fit(side, threads) } else { self.score(side, threads) };
        let mut times = [Vec::new(), Vec::new()];
        for pair in 0..PAIRS {
            for side in if pair % 2 == 0 { [0, 1] } else { [1, 0] } {
                let milliseconds = once(side)?;
                times.get_mut(side).context("a third side")?.push(milliseconds);
            }
        }
        Ok(Timed { what, times })
    }

    fn fit(&self, side: usize, threads: usize) -> anyhow::Result<f64> {
        let model = self.model(side);
        // Not every version writes over a file.
        let _ = fs::remove_file(&model);
        let mut command = self.program(side, threads)?;
        timed(command.arg("fit").arg("--data").arg(&self.data).arg("-o").arg(&model))
    }

    fn score(&self, side: usize, threads: usize) -> anyhow::Result<f64> {
        let mut command = self.program(side, threads)?;
        timed(command.arg("score").arg("--model").arg(self.model(side)).args(&self.photos))
    }

    fn model(&self, side: usize) -> PathBuf {
        self.work.path().join(format!("{side}.patchcore"))
    }

    fn program(&self, side: usize, threads: usize) -> anyhow::Result<Command> {
        let mut command = Command::new(self.programs.get(side).context("a third side")?);
        command.env("RAYON_NUM_THREADS", threads.to_string()).env("PATCHCORE_CACHE", self.work.path());
        command.current_dir(self.work.path());
        Ok(command)
    }
}

impl Timed {
    /// The interval of the pairs' ratios, old over new.
    fn ratio(&self) -> Option<MedianInterval> {
        let [old, new] = &self.times;
        median_interval(&old.iter().zip(new).map(|(old, new)| old / new).collect::<Vec<_>>())
    }

    /// As the table has it.
    fn line(&self) -> String {
        let [old, new] = self.times.clone().map(|mut times| three_digits(median(&mut times)));
        let ratio = self.ratio().map_or("- | -".to_owned(), |MedianInterval { median, ends: (low, high), .. }| {
            format!("**{median:.3}** | {low:.3} to {high:.3}")
        });
        format!("| {} | {old} | {new} | {ratio} |", self.what)
    }
}

/// Milliseconds from the start of a process to its end.
fn timed(command: &mut Command) -> anyhow::Result<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {}", command.get_program().display(), said.trim());
    Ok(milliseconds)
}

fn table(all: &[Timed], inputs: &str) -> String {
    let mut text = String::from("| command | old, ms | new, ms | old / new | 95 % interval |\n|---|---|---|---|---|\n");
    for timed in all {
        let _ = writeln!(text, "{}", timed.line());
    }
    let confidence = all.first().and_then(Timed::ratio).map_or(f64::NAN, |ratio| 100.0 * ratio.confidence);
    let date = output(Command::new("date").arg("+%Y-%m-%d")).unwrap_or_default();
    let _ = writeln!(
        text,
        "\nMedians of {PAIRS} pairs of whole processes, the order within a pair alternating; above 1, the new one is faster. \
         Interval of the median ratio by order statistics ({confidence:.1} %): where it holds 1, nothing is shown. {inputs}; {}; \
         {date}.",
        machine()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_medians_and_the_interval_of_the_paired_ratios() {
        // Every pair's new run takes half as long, however the machine's speed drifts.
        let old: Vec<f64> = (1..=20).map(|pair| 100.0 * f64::from(pair)).collect();
        let new = old.iter().map(|time| time / 2.0).collect();
        let timed = Timed { what: "fit, 1 thread".to_owned(), times: [old, new] };
        assert_eq!(timed.line(), "| fit, 1 thread | 1050 | 525 | **2.000** | 2.000 to 2.000 |");
        let text = table(&[timed], "old: patchcore 0.1.0 (a)");
        assert!(text.contains("(95.9 %)") && text.contains("old: patchcore 0.1.0 (a)"), "{text}");
    }
}
