//! `cargo xtask instruction-counts`: the instructions of every stage under valgrind's callgrind, against a recorded table.
//!
//! Times on a shared machine are noise; the instructions of one thread on fixed inputs are not: two runs differ by less
//! than a thousandth. What is run is `benches/examples/one_stage.rs`, built in the profile of the tests, so that
//! nothing is built for it that the tests do not build. Callgrind knows no AVX-512; the other instruction sets are asked for
//! through `PATCHCORE_INSTRUCTIONS`.

mod row;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use serde_json::Value;

use crate::bench_report::hardware::{machine, output, processor};
use crate::release_build::cargo;
use crate::tidy::root;
use row::Row;

/// Counts every stage's instructions and compares.
#[derive(Debug, Args)]
pub struct InstructionCounts {
    /// Writes what was counted into the table, instead of comparing with it.
    #[arg(long)]
    record: bool,
    /// Instruction sets to count.
    #[arg(long, value_name = "SETS", value_delimiter = ',', default_value = "portable,avx2")]
    instructions: Vec<String>,
    /// Cargo features, comma separated: those that the tests were built with, or Burn is compiled anew.
    #[arg(long, value_name = "FEATURES", default_value = "")]
    features: String,
}

impl InstructionCounts {
    /// Builds, counts, compares or records.
    ///
    /// # Errors
    /// No valgrind, a build or a run that fails, and a count that is more than 2 % off the table's.
    pub fn run(&self) -> anyhow::Result<()> {
        let valgrind = output(Command::new("valgrind").arg("--version"))
            .context("there is no valgrind, which counts: install Debian's package `valgrind`")?;
        let rustc = output(Command::new("rustc").arg("--version")).context("there is no rustc")?;
        let processor = processor();
        println!("{rustc}; {valgrind}; {}", machine());
        let program = build(&self.features)?;
        // Each set by a process of its own, side by side: what other processes do changes no count.
        let counts = std::thread::scope(|scope| {
            let program = &program;
            let running: Vec<_> =
                self.instructions.iter().map(|set| scope.spawn(move || count(program, set))).collect();
            let ended = running.into_iter().map(|thread| match thread.join() {
                Ok(counts) => counts,
                Err(_) => Err(anyhow!("a count ended in a panic")),
            });
            ended.collect::<anyhow::Result<Vec<_>>>()
        })?;
        let mut counted = Vec::new();
        for (instructions, counts) in self.instructions.iter().zip(counts) {
            for (stage, count) in counts {
                let (rustc, processor, instruction_set) = (rustc.clone(), processor.clone(), instructions.clone());
                counted.push(Row { stage, instruction_set, instructions: count, rustc, processor });
            }
        }
        table::check_sets_differ(&counted)?;
        let path = root().join("benches/instruction-counts.csv");
        let known = table::read(&path)?;
        for row in &counted {
            println!("{}", table::line(row, &known));
        }
        if self.record {
            table::write(&path, &table::merged(known, counted))?;
            println!("wrote {}", path.display());
            return Ok(());
        }
        let complaints = table::complaints(&counted, &known);
        ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
        Ok(())
    }
}

/// Builds the program as the tests are built, and tells where it is.
fn build(features: &str) -> anyhow::Result<PathBuf> {
    let mut cargo = cargo();
    // The whole workspace: a package alone would get other features, and Burn a second compilation.
    cargo.args(["build", "--workspace", "--example", "one_stage", "--profile", "test", "--features", features]);
    cargo.args(["--message-format", "json-render-diagnostics"]).current_dir(root()).stderr(Stdio::inherit());
    let output = cargo.output().context("cannot run cargo")?;
    ensure!(output.status.success(), "benches/examples/one_stage.rs does not build");
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let executable = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
        let ours = message.pointer("/target/name")? == "one_stage";
        Some(PathBuf::from(message.get("executable").filter(|_| ours)?.as_str()?))
    });
    executable.context("cargo does not tell where it put the example one_stage")
}

/// Every stage's name and instructions.
fn count(program: &Path, instructions: &str) -> anyhow::Result<Vec<(String, u64)>> {
    let folder = tempfile::tempdir()?;
    let counts = folder.path().join("counts");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--toggle-collect=patchcore_counted", "--dump-after=patchcore_counted"]);
    valgrind.arg(format!("--callgrind-out-file={}", counts.display())).arg(program);
    // An environment of a fixed size, and no settings of the user's.
    valgrind.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    valgrind.env("PATCHCORE_INSTRUCTIONS", instructions);
    // Large blocks fresh from the system: whether a used one has to be cleared depends on the heap's history, and that on
    // the seeds of hash maps.
    valgrind.env("MALLOC_MMAP_THRESHOLD_", "4096");
    // The C library copies and clears memory in its plainest way, which every processor has.
    valgrind.env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load");
    let output = valgrind.output().context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "counting with {instructions} failed:\n{said}");
    let stages = String::from_utf8_lossy(&output.stdout).into_owned();
    let of = |(index, stage): (usize, &str)| {
        let path = counts.with_extension((index + 1).to_string());
        let text = std::fs::read_to_string(&path).with_context(|| format!("callgrind wrote no {}", path.display()))?;
        let total = text.lines().find_map(|line| line.strip_prefix("summary: ")).context("no summary")?;
        let total = total.trim().parse().with_context(|| format!("`{total}` is no count"))?;
        ensure!(total > 0, "callgrind counted nothing in {stage}: it did not find patchcore_counted");
        Ok((stage.to_owned(), total))
    };
    stages.lines().enumerate().map(of).collect()
}
