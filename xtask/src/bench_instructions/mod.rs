//! `cargo xtask bench-instructions`: what each instruction set of the processor costs and computes, as a table of
//! docs/explanation/speed.md.
//!
//! Every set is forced by `--instructions` through the program `patchcore`: `bench` times it, the sets taking turns in each round,
//! and `score` answers with one model for all, fitted with the widest set. The list of sets is the program's own. Results are kept
//! for each processor ([`results`]): sets that this one lacks keep the rows of another.

mod program;
mod results;
mod table;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use patchcore_testing::{RESNET18, find_shared};

use crate::bench_report::hardware::{date, output, processor_facts, processor_name};
use crate::per_processor::folder;
use crate::release_build::release_build;
use crate::tidy::root;
use crate::written_tables;
use program::Program;
use results::{Kept, Network, Results, Stages};

/// The number formats that are timed. bf16 is not: most sets have no products of it.
const PRECISIONS: [&str; 2] = ["f32", "int8"];

/// Times and compares every instruction set.
#[derive(Debug, Args)]
pub struct BenchInstructions {
    /// Rounds in which every set is timed once.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Only networks in this number format; the others keep what this processor has measured on the same day.
    #[arg(long, value_name = "FORMAT", value_parser = PRECISIONS)]
    precision: Option<String>,
    /// The program `patchcore`, built already. Default: it is built in release mode.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Leaves page and kept results as they are, and prints the table.
    #[arg(long)]
    keep_page: bool,
    /// Measures nothing: writes the page of the kept results.
    #[arg(long, conflicts_with_all = ["keep_page", "precision", "program", "rounds"])]
    page: bool,
}

impl BenchInstructions {
    /// Builds, measures, compares and reports.
    ///
    /// # Errors
    /// A build or a run of the program that fails, a file that cannot be written.
    pub fn run(&self) -> anyhow::Result<()> {
        if !self.page {
            let mut measured = self.measure()?;
            if self.precision.is_some() {
                measured.keep(Results::all(&folder())?)?;
            }
            if self.keep_page {
                println!("{}", table::table(&[measured]));
                return Ok(());
            }
            measured.write(&folder())?;
        }
        written_tables::replace(
            "docs/explanation/speed.md",
            "bench-instructions",
            &table::table(&Results::all(&folder())?),
        )
    }

    fn measure(&self) -> anyhow::Result<Results> {
        let path = match &self.program {
            Some(program) => program.canonicalize().with_context(|| format!("there is no {}", program.display()))?,
            None => release_build(&root(), "patchcore-cli", "patchcore", &[])?,
        };
        let shared = find_shared("")?;
        let (data, photos) = match &shared {
            Some(shared) => (shared.join("data/bottle"), "MVTec AD `bottle`, 900x900"),
            None => (root().join("assets/demo/flange"), "the demo's, 320x256"),
        };
        let program = Program::new(path, data)?;
        let sets = program.sets()?;
        let mut backbones = vec!["efficientnet_lite0"];
        if let Some(shared) = &shared {
            program.import("resnet18", &shared.join(RESNET18))?;
            backbones.push("resnet18");
        }
        let rustc = output(std::process::Command::new("rustc").arg("--version")).unwrap_or_default();
        let mut results = Results {
            processor: processor_name(),
            hardware: processor_facts(),
            date: date()?,
            software: rustc.split(" (").next().unwrap_or_default().to_owned(),
            photos: photos.to_owned(),
            known: sets.known,
            rows: Vec::new(),
        };
        let widest = sets.available.last().context("the program names no instruction set")?;
        let wanted = |precision: &&str| self.precision.as_ref().is_none_or(|only| only == precision);
        let of = |precision| backbones.iter().map(move |backbone| Network { backbone, precision });
        let networks = PRECISIONS.into_iter().filter(wanted).flat_map(of);
        for network in networks {
            program.fit(network, widest)?;
            let expected = program.score(network, widest)?;
            let mut times: Vec<Vec<Stages>> = vec![Vec::new(); sets.available.len()];
            for _ in 0..self.rounds.max(1) {
                for (set, times) in sets.available.iter().zip(&mut times) {
                    times.push(program.time(network, set)?);
                }
            }
            let of_widest = times.last().cloned().unwrap_or_default();
            for (set, times) in sets.available.iter().zip(&times) {
                let differences = program.score(network, set)?.against(&expected)?;
                let kept = Kept::new(network, set, times, &of_widest, differences);
                println!("{}", table::line(&kept, &results));
                results.rows.push(kept);
            }
        }
        ensure!(!results.rows.is_empty(), "nothing was measured");
        Ok(results)
    }
}
