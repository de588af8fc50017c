//! `cargo xtask bench-report`: our times against the peers', measured in turn, as JSON and as the table of docs/explanation/speed.md.
//!
//! For every row ([`rows`]) `patchcore-bench` and a Python script of `benches/peers` for each peer are started ([`side`]), and
//! measure in turn: A B C A B C. What is reported is the median of each and the median of the ratios within a round, so that a
//! machine that gets slower for a while slows all. A row's result is kept in the processor's file of `benches/results`
//! ([`results`]) as soon as it is there: an interrupted or filtered run goes on with the others' old results, and the page has
//! the figures of every processor.
//!
//! With `--against PROGRAM` two versions of the program `patchcore` are compared instead, see [`against`].

mod against;
pub mod hardware;
mod interval;
pub mod measurement;
mod readme;
mod reduced;
mod results;
mod rows;
mod side;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use patchcore_testing::find_shared;

use crate::per_processor::{folder, rounded};
use crate::release_build::{release_build, target};
use crate::tidy::root;
use crate::written_tables;
use measurement::{Measurement, Medians, median};
use results::Results;
use rows::{Peer, PeerProgram, Row, Unit};
use side::{Side, Start};

/// Seconds after which a row is content with the rounds it has.
const ROW_SECONDS: u64 = 40;
/// Pause before each turn: idle threads of the side before spin for a while before they sleep.
const PAUSE: Duration = Duration::from_millis(200);

/// Measures our side and the peers' in turn, and rewrites the table of docs/explanation/speed.md; or an older version and this one.
#[derive(Debug, Args)]
pub struct BenchReport {
    /// Only rows whose name or description contains this, such as `search/bottle` or `Lite0`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    rows: String,
    /// Writes this processor's rows there: `[{"what", "ours_ms", "peer", "peer_ms", "ratio", "target", "met", "date"}]`.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Python with the packages of benches/peers/requirements.txt.
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Rounds of each row, at most; a row takes no more than 40 seconds after its first round.
    #[arg(long, value_name = "N", default_value_t = 5)]
    repeats: usize,
    /// Folder of the inputs; about 1.5 GB. Default: `bench-report` in cargo's target folder.
    #[arg(long, value_name = "FOLDER")]
    work: Option<PathBuf>,
    /// Our side, built already: `patchcore-bench`, or `patchcore` for --against. Default: it is built in release mode.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// An older program `patchcore`: times it and the present one in turn, 20 pairs of each command, and prints the ratios
    /// with their 95 % intervals. The page stays as it is.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["json", "python", "repeats", "work", "keep_page"])]
    against: Option<PathBuf>,
    /// Leaves pages and kept results as they are, and prints the page.
    #[arg(long)]
    keep_page: bool,
    /// Measures nothing: writes the pages of the kept results.
    #[arg(long, conflicts_with_all = ["against", "json", "keep_page"])]
    page: bool,
}

impl BenchReport {
    /// Builds our side, measures and reports.
    ///
    /// # Errors
    /// A build that fails, a file that cannot be written. A row that a side cannot measure is told and left out.
    pub fn run(&self) -> anyhow::Result<()> {
        let target = target();
        if let Some(old) = &self.against {
            let new = self.program("patchcore-cli", "patchcore", &[])?;
            println!("{}", against::Against::new(old, &new, find_shared("")?.as_deref())?.run(&self.rows)?);
            return Ok(());
        }
        if self.page {
            return write_pages(&Results::all(&folder())?);
        }
        let Some(software) = hardware::software(&self.python) else {
            println!("skipped: `{}` is no Python; give one with --python", self.python.display());
            return Ok(());
        };
        let Some(shared) = find_shared("")? else {
            println!("skipped: no ../shared, whose photographs are what is measured (set PATCHCORE_SHARED)");
            return Ok(());
        };
        let work = self.work.clone().unwrap_or_else(|| target.join("bench-report"));
        std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
        let program = self.program("patchcore-bench", "patchcore-bench", &["--no-default-features"])?;
        let bench = Bench { program, python: &self.python, shared, work };
        bench.prepare()?;
        let (mut here, others) = this_processor(Results::all(&folder())?, software)?;
        here.ceilings = [bench.ceiling(1)?, bench.ceiling(2)?];
        let [one, two] = here.ceilings.map(|ceiling| ceiling.map_or("-".to_owned(), |ceiling| format!("{ceiling:.0}")));
        println!("{}: GEMM ceiling {one} GFLOP/s on one thread, {two} on two", here.processor);
        let wanted = |row: &Row| row.name().contains(&self.rows) || row.what.contains(&self.rows);
        for row in rows::all().into_iter().filter(wanted) {
            let ceiling = here.ceilings.get(row.threads - 1).copied().flatten();
            let measured = match bench.measure(&row, self.repeats, ceiling) {
                Ok(measured) => measured,
                // One side that breaks off does not take the other rows with it.
                Err(error) => {
                    println!("failed {}: {error:#}", row.what);
                    continue;
                }
            };
            for (peer, medians) in &measured {
                println!("{}", Measurement::new(&row, peer, medians, &here.date).line());
                here.take(&row, peer, medians);
            }
            if !self.keep_page {
                here.write(&folder())?;
            }
        }
        if let Some(json) = &self.json {
            measurement::write(json, &here.measurements())?;
        }
        let mut all = vec![here];
        all.extend(others);
        if self.keep_page {
            println!("{}", table::page(&all));
            return Ok(());
        }
        write_pages(&Results::all(&folder())?)
    }
}

/// What this processor has kept, or nothing yet, as of today; and the others.
fn this_processor(mut all: Vec<Results>, software: String) -> anyhow::Result<(Results, Vec<Results>)> {
    let (processor, hardware, date) = (hardware::processor_name(), hardware::processor_facts(), hardware::date()?);
    let known = all.iter().position(|one| one.processor == processor);
    let rows = known.map_or_else(Vec::new, |at| all.remove(at).rows);
    Ok((Results { processor, hardware, date, software, ceilings: [None, None], rows }, all))
}

/// The tables of docs/explanation/speed.md and the lines of the README, of what was kept.
fn write_pages(all: &[Results]) -> anyhow::Result<()> {
    written_tables::replace("docs/explanation/speed.md", "bench-report", &table::page(all))?;
    written_tables::replace(reduced::GAINS_PAGE, reduced::GAINS, &reduced::gains(&rows::all(), all))?;
    let path = root().join("README.md");
    let text = std::fs::read_to_string(&path).context("cannot read README.md")?;
    std::fs::write(&path, readme::with_results(&text, all)?).context("cannot write README.md")?;
    println!("README.md: rewrote the lines on speed");
    Ok(())
}

impl BenchReport {
    /// Where our side is; builds it if it is not there yet.
    fn program(&self, package: &str, name: &str, options: &[&str]) -> anyhow::Result<PathBuf> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None => release_build(&root(), package, name, options),
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

    /// What measures a peer's times of a row.
    fn peer(&self, peer: &Peer, row: &Row) -> Command {
        let (name, threads) = (peer.row.as_ref().unwrap_or(&row.row), row.threads);
        match peer.program {
            PeerProgram::Script(script) => self.script(script, name, threads),
            PeerProgram::OurSide => self.ours(name, threads),
        }
    }

    fn script(&self, script: &str, row: &str, threads: usize) -> Command {
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
    fn ceiling(&self, threads: usize) -> anyhow::Result<Option<f64>> {
        let Start::Ready(mut side) = Side::start(self.ours("ceiling", threads))? else { return Ok(None) };
        let mut times = (0..3).map(|_| side.ask("run")).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Some(rounded(2.0 * 1024.0f64.powi(3) / median(&mut times) / 1e6)))
    }

    /// One row against each of its peers that can measure it.
    fn measure(&self, row: &Row, repeats: usize, ceiling: Option<f64>) -> anyhow::Result<Vec<(Peer, Medians)>> {
        let started = |side: Start, who: &str| match side {
            Start::Ready(side) => Some(side),
            Start::Skip(reason) => {
                println!("skipped {} ({who}): {reason}", row.what);
                None
            }
        };
        let Some(mut ours) = started(Side::start(self.ours(&row.row, row.threads))?, "our side") else {
            return Ok(Vec::new());
        };
        let mut peers = Vec::new();
        for peer in &row.peers {
            match Side::start(self.peer(peer, row)) {
                Ok(side) => peers.extend(started(side, peer.name).map(|side| (peer.clone(), side, Vec::new()))),
                Err(error) => println!("failed {} ({}): {error:#}", row.what, peer.name),
            }
        }
        let (mut our_times, begun) = (Vec::new(), Instant::now());
        for round in 0..repeats.max(1) {
            if peers.is_empty() || (round > 0 && begun.elapsed().as_secs() > ROW_SECONDS) {
                break;
            }
            std::thread::sleep(PAUSE);
            our_times.push(ours.ask("run")?);
            ask_peers(&mut peers, "run", &row.what);
        }
        if row.unit == Unit::PeakMemory {
            our_times = vec![ours.ask("peak")?];
            peers.iter_mut().for_each(|(_, _, times)| times.clear());
            ask_peers(&mut peers, "peak", &row.what);
        }
        Ok(peers.into_iter().map(|(peer, _, times)| (peer, Medians::of(&our_times, &times, ceiling))).collect())
    }
}

/// Asks each peer in its turn. One that fails is dropped, and said why: it does not take the row's other peers with it.
fn ask_peers(peers: &mut Vec<(Peer, Side, Vec<f64>)>, question: &str, what: &str) {
    peers.retain_mut(|(peer, side, times)| {
        std::thread::sleep(PAUSE);
        let answer = side.ask(question);
        match &answer {
            Ok(time) => times.push(*time),
            Err(error) => println!("failed {what} ({}): {error:#}", peer.name),
        }
        answer.is_ok()
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_fails_is_dropped_alone() {
        let peer = rows::all().into_iter().flat_map(|row| row.peers).next().unwrap();
        let side = |script: &str| {
            let mut command = Command::new("sh");
            command.arg("-c").arg(script);
            let Start::Ready(side) = Side::start(command).unwrap() else { panic!("not ready") };
            (peer.clone(), side, Vec::new())
        };
        let steady = "echo ready; while read question; do echo 2.5; done";
        let mut peers =
            vec![side("echo ready; read question; echo 1.5"), side(steady), side("echo ready; echo broken")];
        ask_peers(&mut peers, "run", "a row");
        assert_eq!(peers.iter().map(|(_, _, times)| times.clone()).collect::<Vec<_>>(), [[1.5], [2.5]]);
        ask_peers(&mut peers, "run", "a row");
        assert_eq!(peers.iter().map(|(_, _, times)| times.clone()).collect::<Vec<_>>(), [[2.5, 2.5]]);
    }
}
