//! `cargo xtask bench-report`: our times against the peers', measured in turn, as JSON and as the table of docs/explanation/speed.md.
//!
//! For every row ([`rows`]) two programs are started, `patchcore-bench` and a Python script of `benches/peers`
//! ([`side`]), and measure alternately: A B A B. What is reported is the median of each and the median of the ratios
//! of neighbours, so that a machine that gets slower for a while slows both. A row's result is kept in the work folder as
//! soon as it is there: an interrupted or filtered run goes on with the others' old results.
//!
//! With `--against PROGRAM` two versions of the program `patchcore` are compared instead, see [`against`].

mod against;
pub mod hardware;
mod interval;
mod measurement;
mod rows;
mod side;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use patchcore_testing::find_shared;

use crate::release_build::{release_build, target};
use crate::tidy::root;
use crate::written_tables;
use measurement::{Measurement, median};
use rows::{Row, Unit};
use side::{Side, Start};

/// Seconds after which a row is content with the rounds it has.
const ROW_SECONDS: u64 = 40;
/// Pause before our turn: a peer's idle threads spin for a while before they sleep.
const PAUSE: Duration = Duration::from_millis(200);

/// Measures our side and the peers' in turn, and rewrites the table of docs/explanation/speed.md; or an older version and this one.
#[derive(Debug, Args)]
pub struct BenchReport {
    /// Only rows whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    rows: String,
    /// Writes the rows there: `[{"what", "ours_ms", "peer", "peer_ms", "ratio", "target", "met"}]`.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Python with the packages of benches/peers/requirements.txt.
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Rounds of each row, at most; a row takes no more than 40 seconds after its first round.
    #[arg(long, value_name = "N", default_value_t = 5)]
    repeats: usize,
    /// Folder of inputs and results; about 1.5 GB. Default: `bench-report` in cargo's target folder.
    #[arg(long, value_name = "FOLDER")]
    work: Option<PathBuf>,
    /// Our side, built already: `patchcore-bench`, or `patchcore` for --against. Default: it is built in release mode.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// An older program `patchcore`: times it and the present one in turn, 20 pairs of each command, and prints the ratios
    /// with their 95 % intervals. The page stays as it is.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["json", "python", "repeats", "work", "keep_page"])]
    against: Option<PathBuf>,
    /// Leaves the page as it is.
    #[arg(long)]
    keep_page: bool,
}

impl BenchReport {
    /// Builds our side, measures and reports.
    ///
    /// # Errors
    /// A build that fails, a file that cannot be written. A row that a side cannot measure is told and left out.
    pub fn run(&self) -> anyhow::Result<()> {
        let target = target();
        if let Some(old) = &self.against {
            let new = self.program("patchcore-cli", "patchcore")?;
            println!("{}", against::Against::new(old, &new, find_shared("")?.as_deref())?.run(&self.rows)?);
            return Ok(());
        }
        let Some(versions) = hardware::versions(&self.python) else {
            println!("skipped: `{}` is no Python; give one with --python", self.python.display());
            return Ok(());
        };
        let Some(shared) = find_shared("")? else {
            println!("skipped: no ../shared, whose photographs are what is measured (set PATCHCORE_SHARED)");
            return Ok(());
        };
        let work = self.work.clone().unwrap_or_else(|| target.join("bench-report"));
        std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
        let program = self.program("patchcore-bench", "patchcore-bench")?;
        let bench = Bench { program, python: &self.python, shared, work };
        bench.prepare()?;
        let results = bench.work.join("rows.json");
        let mut measurements = measurement::read(&results)?;
        let ceilings = [bench.ceiling(1)?, bench.ceiling(2)?];
        println!("GEMM ceiling: {:.0} GFLOP/s on one thread, {:.0} on two", ceilings[0], ceilings[1]);
        for row in rows::all().into_iter().filter(|row| row.name().contains(&self.rows)) {
            let measured = match bench.measure(&row, self.repeats, &ceilings) {
                Ok(Some(measured)) => measured,
                Ok(None) => continue,
                // One side that breaks off does not take the other rows with it.
                Err(error) => {
                    println!("failed {}: {error:#}", row.what);
                    continue;
                }
            };
            println!("{}", measured.line());
            measurements.retain(|known| known.what != measured.what);
            measurements.push(measured);
            measurement::write(&results, &measurements)?;
        }
        // The order of the table, whatever was measured last.
        let order: Vec<String> = rows::all().iter().map(|row| row.what.clone()).collect();
        measurements.sort_by_key(|measured| order.iter().position(|what| *what == measured.what));
        if let Some(json) = &self.json {
            measurement::write(json, &measurements)?;
        }
        let table = table::table(&measurements, &ceilings, &versions);
        if self.keep_page {
            println!("{table}");
            return Ok(());
        }
        written_tables::replace("docs/explanation/speed.md", "bench-report", &table)
    }
}

impl BenchReport {
    /// Where our side is; builds it if it is not there yet.
    fn program(&self, package: &str, name: &str) -> anyhow::Result<PathBuf> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None => release_build(&root(), package, name, &[]),
        }
    }
}

/// Where the programs and their inputs are.
struct Bench<'a> {
    program: PathBuf,
    python: &'a Path,
    shared: PathBuf,
    work: PathBuf,
}

impl Bench<'_> {
    fn ours(&self, row: &str, threads: usize) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(row).arg("--work").arg(&self.work).arg("--threads").arg(threads.to_string());
        command.env("PATCHCORE_SHARED", &self.shared).env("RAYON_NUM_THREADS", threads.to_string());
        command
    }

    fn peer(&self, script: &str, row: &str, threads: usize) -> Command {
        let mut command = Command::new(self.python);
        command.arg("-W").arg("ignore").arg(root().join("benches/peers").join(script)).arg(row);
        command.arg("--work").arg(&self.work).arg("--shared").arg(&self.shared);
        command.arg("--threads").arg(threads.to_string()).env("OMP_NUM_THREADS", threads.to_string());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Makes the inputs that are not there yet.
    fn prepare(&self) -> anyhow::Result<()> {
        let status = self.ours("prepare", 2).status().context("cannot run patchcore-bench")?;
        ensure!(status.success(), "patchcore-bench prepare failed");
        let mut models = Command::new(self.python);
        models.arg(root().join("benches/peers/onnx_models.py")).arg(&self.work);
        models.arg(root().join("assets/efficientnet_lite0.safetensors"));
        if !models.output().is_ok_and(|output| output.status.success()) {
            println!("no ONNX files for the trunk rows: install benches/peers/requirements.txt");
        }
        Ok(())
    }

    /// GFLOP/s of a large matrix product.
    fn ceiling(&self, threads: usize) -> anyhow::Result<f64> {
        let Start::Ready(mut side) = Side::start(self.ours("ceiling", threads))? else { return Ok(f64::NAN) };
        let mut times = (0..3).map(|_| side.ask("run")).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(2.0 * 1024.0f64.powi(3) / median(&mut times) / 1e6)
    }

    /// One row; nothing if a side cannot measure it.
    fn measure(&self, row: &Row, repeats: usize, ceilings: &[f64; 2]) -> anyhow::Result<Option<Measurement>> {
        let sides = [self.ours(&row.row, row.threads), self.peer(row.script, &row.row, row.threads)];
        let mut ready = Vec::new();
        for command in sides {
            match Side::start(command)? {
                Start::Ready(side) => ready.push(side),
                Start::Skip(reason) => {
                    println!("skipped {}: {reason}", row.what);
                    return Ok(None);
                }
            }
        }
        let [ours, peer] = ready.as_mut_slice() else { return Ok(None) };
        let (mut our_times, mut peer_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let started = Instant::now();
        for round in 0..repeats.max(1) {
            if round > 0 && started.elapsed().as_secs() > ROW_SECONDS {
                break;
            }
            std::thread::sleep(PAUSE);
            let our_time = ours.ask("run")?;
            let peer_time = peer.ask("run")?;
            our_times.push(our_time);
            peer_times.push(peer_time);
            ratios.push(peer_time / our_time);
        }
        if row.unit == Unit::PeakMemory {
            (our_times, peer_times) = (vec![ours.ask("peak")?], vec![peer.ask("peak")?]);
            ratios = peer_times.iter().zip(&our_times).map(|(peer, ours)| peer / ours).collect();
        }
        let ceiling = ceilings.get(row.threads - 1).copied().unwrap_or(f64::NAN);
        Ok(Some(Measurement::new(row, &mut our_times, &mut peer_times, &mut ratios, ceiling)))
    }
}
