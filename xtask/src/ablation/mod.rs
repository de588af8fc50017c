//! `cargo xtask ablation`: what settings of a fit cost and gain in accuracy, on the real photographs of the shared folder.
//!
//! Three studies, of which `--only` takes one: every choice of mode `line`, alone and together, against what it changes; the number
//! formats of the network ([`precision`]); and several networks ([`members`]). Hours on two cores; what benches/results has is not measured again.

mod bench;
mod members;
pub mod precision;
mod record;
mod table;
mod variants;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use patchcore_metrics::{Metric, Results};
use patchcore_testing::find_shared;

use crate::child::{read_rows, write_rows};
use crate::release_build::{release_build, target};
use crate::tidy::root;
use crate::written_tables;
use bench::Bench;
use precision::Wanted;
use record::Record;
use variants::{NETS, Net, SETS, VARIANTS, Variant};

/// What is studied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Study {
    /// The choices of mode line: docs/explanation/line.md.
    Choices,
    /// The number formats of the network, also in changed light: docs/how-to/large-network.md.
    Precision,
    /// Several networks, against one with as many banks: docs/how-to/several-networks.md.
    Members,
}

/// Measure every choice of mode line, every number format of the network, and several networks, and rewrite their tables.
#[derive(Debug, Args)]
pub struct Ablation {
    /// Only this study
    #[arg(long)]
    only: Option<Study>,
    /// Folder with weights/ and data/; default: `PATCHCORE_SHARED`, else `../shared`
    #[arg(long)]
    shared: Option<PathBuf>,
    /// The program to run, instead of a release build
    #[arg(long)]
    program: Option<PathBuf>,
    /// Only networks whose name contains this text
    #[arg(long, default_value = "")]
    network: String,
    /// Only sets whose name contains this text
    #[arg(long, default_value = "")]
    set: String,
    /// Only these choices, formats or networks, by their names in the table; the tables show what has been measured
    #[arg(long, value_delimiter = ';', value_name = "CHOICE;CHOICE")]
    choices: Vec<String>,
    /// Only lights whose name contains this text, in the study of formats: `as it is` takes a third of the time
    #[arg(long, default_value = "")]
    light: String,
    /// Seeds of every fit, from 0
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Time the models of the study of several networks, so many rounds, instead of measuring accuracy
    #[arg(long, value_name = "ROUNDS")]
    time: Option<usize>,
    /// Only the tables, from what has been measured
    #[arg(long)]
    tables: bool,
}

impl Ablation {
    /// Runs what the CSVs lack, seed by seed, and writes the tables.
    pub fn run(&self) -> anyhow::Result<()> {
        let wants = |study: Study| self.only.is_none_or(|only| only == study);
        if !self.tables {
            let Some(shared) = self.shared.clone().map_or_else(|| find_shared(""), |folder| Ok(Some(folder)))? else {
                println!("skipped: no ../shared, whose photographs are what is measured (set PATCHCORE_SHARED)");
                return Ok(());
            };
            let program =
                self.program.clone().map_or_else(|| release_build(&root(), "patchcore-cli", "patchcore", &[]), Ok)?;
            let bench = Bench { program, shared, work: target().join("ablation") };
            if wants(Study::Precision) && self.time.is_none() {
                let (network, set, light) = (self.network.as_str(), self.set.as_str(), self.light.as_str());
                let precisions = self.choices.as_slice();
                precision::measure(&bench, &Wanted { network, set, precisions, light, seeds: self.seeds })?;
            }
            if wants(Study::Members) {
                match self.time {
                    Some(rounds) => members::measure_time(&bench, &self.choices, rounds)?,
                    None => members::measure(&bench, &self.set, &self.choices, self.seeds)?,
                }
            }
            if wants(Study::Choices) && self.time.is_none() {
                self.measure_choices(&bench)?;
            }
        }
        if wants(Study::Precision) {
            precision::write_tables()?;
        }
        if wants(Study::Members) {
            members::write_tables()?;
        }
        if wants(Study::Choices) {
            let records: Vec<Record> = read_rows(&file())?;
            written_tables::replace("docs/explanation/line.md", "ablation", &table::table(&records))?;
            written_tables::replace("docs/explanation/line.md", "sets", &table::losses(&records, "line"))?;
        }
        Ok(())
    }

    fn measure_choices(&self, bench: &Bench) -> anyhow::Result<()> {
        let mut records: Vec<Record> = read_rows(&file())?;
        for seed in 0..self.seeds {
            for net in NETS.iter().filter(|net| net.name.contains(&self.network)) {
                for set in SETS.iter().filter(|set| set.contains(&self.set)) {
                    for variant in VARIANTS.iter().filter(|variant| self.asks_for(variant)) {
                        if records.iter().any(|known| known.is(net.name, set, seed, variant.name)) {
                            continue;
                        }
                        let record = measure(bench, net, set, seed, variant)?;
                        println!("{record:?}");
                        records.push(record);
                        write_rows(&file(), &records)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What is kept of the choices.
fn file() -> PathBuf {
    root().join("benches/results/ablation.csv")
}

impl Ablation {
    fn asks_for(&self, variant: &Variant) -> bool {
        self.choices.is_empty() || self.choices.iter().any(|choice| choice == variant.name)
    }
}

/// One variant on one network and set.
fn measure(bench: &Bench, net: &Net, set: &str, seed: u64, variant: &Variant) -> anyhow::Result<Record> {
    let folder = evaluated(bench, net, set, seed, variant)?;
    let results = Results::from_json(&std::fs::read(folder.join("metrics.json"))?)?;
    let value = |metric: &Metric| {
        let value = results.overall.values.get(metric);
        Ok::<f64, anyhow::Error>(value.with_context(|| format!("{} is not defined", metric.key))? * 100.0)
    };
    let base = variant.base.and_then(|base| VARIANTS.iter().find(|known| known.name == base));
    let [image, aupro] = match base {
        Some(base) => {
            let comparison = bench.compare(&evaluated(bench, net, set, seed, base)?, &folder)?;
            let of = |metric: &Metric| bench::interval(&comparison, metric).map(Some);
            [of(&Metric::IMAGE_AUROC)?, of(&Metric::AUPRO_05)?]
        }
        None => [None, None],
    };
    Ok(Record {
        network: net.name.to_owned(),
        set: set.to_owned(),
        seed,
        variant: variant.name.to_owned(),
        image_auroc: value(&Metric::IMAGE_AUROC)?,
        image_ap: value(&Metric::IMAGE_AP)?,
        pixel_auroc: value(&Metric::PIXEL_AUROC)?,
        pixel_ap: value(&Metric::PIXEL_AP)?,
        aupro_30: value(&Metric::AUPRO_30)?,
        aupro_05: value(&Metric::AUPRO_05)?,
        image_auroc_low: image.map(|[low, _]| low),
        image_auroc_high: image.map(|[_, high]| high),
        aupro_05_low: aupro.map(|[low, _]| low),
        aupro_05_high: aupro.map(|[_, high]| high),
    })
}

/// The folder of a variant's evaluation, made where it is not there yet.
fn evaluated(bench: &Bench, net: &Net, set: &str, seed: u64, variant: &Variant) -> anyhow::Result<PathBuf> {
    let options = variant.options_for(net);
    // Variants that are the same fit share it.
    let name = options.join(" ").replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    let folder = bench.work.join(net.name).join(set).join(seed.to_string()).join(name);
    if !folder.join("replicates.json").exists() {
        let model = bench.fit(net, set, seed, &options)?;
        bench.evaluate(net, &model, &bench.data(set), &folder)?;
    }
    Ok(folder)
}
