//! `cargo xtask ablation`: every choice of mode `line` alone and together, on the real photographs of the shared folder, against what it
//! changes. Hours on two cores; what benches/results/ablation.csv has is not measured again.

mod record;
mod table;
mod variants;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;
use patchcore_metrics::{Comparison, Interval, Metric, Results};
use patchcore_testing::{RESNET18, find_shared};

use crate::child::{output_of, read_rows, write_rows};
use crate::release_build::{release_build, target};
use crate::tidy::root;
use crate::written_tables;
use record::Record;
use variants::{NETS, Net, SETS, VARIANTS, Variant};

/// Measure every choice of mode line and rewrite the tables of docs/explanation/line.md.
#[derive(Debug, Args)]
pub struct Ablation {
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
    /// Only these choices, by their names in the table; the tables show what has been measured
    #[arg(long, value_delimiter = ';', value_name = "CHOICE;CHOICE")]
    choices: Vec<String>,
    /// Seeds of every fit, from 0
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Only the tables, from what has been measured
    #[arg(long)]
    tables: bool,
}

impl Ablation {
    /// Runs what the CSV lacks, seed by seed, and writes the tables.
    pub fn run(&self) -> anyhow::Result<()> {
        let path = root().join("benches/results/ablation.csv");
        let mut records: Vec<Record> = read_rows(&path)?;
        if !self.tables {
            let Some(shared) = self.shared.clone().map_or_else(|| find_shared(""), |folder| Ok(Some(folder)))? else {
                println!("skipped: no ../shared, whose photographs are what is measured (set PATCHCORE_SHARED)");
                return Ok(());
            };
            let program =
                self.program.clone().map_or_else(|| release_build(&root(), "patchcore-cli", "patchcore", &[]), Ok)?;
            let bench = Bench { program, shared, work: target().join("ablation") };
            for seed in 0..self.seeds {
                for net in NETS.iter().filter(|net| net.name.contains(&self.network)) {
                    for set in SETS.iter().filter(|set| set.contains(&self.set)) {
                        for variant in VARIANTS.iter().filter(|variant| self.asks_for(variant)) {
                            if records.iter().any(|known| known.is(net.name, set, seed, variant.name)) {
                                continue;
                            }
                            let record = bench.measure(net, set, seed, variant)?;
                            println!("{record:?}");
                            records.push(record);
                            write_rows(&path, &records)?;
                        }
                    }
                }
            }
        }
        written_tables::replace("docs/explanation/line.md", "ablation", &table::table(&records))?;
        written_tables::replace("docs/explanation/line.md", "sets", &table::losses(&records, "line"))
    }
}

impl Ablation {
    fn asks_for(&self, variant: &Variant) -> bool {
        self.choices.is_empty() || self.choices.iter().any(|choice| choice == variant.name)
    }
}

struct Bench {
    program: PathBuf,
    shared: PathBuf,
    work: PathBuf,
}

impl Bench {
    fn measure(&self, net: &Net, set: &str, seed: u64, variant: &Variant) -> anyhow::Result<Record> {
        let folder = self.evaluated(net, set, seed, variant)?;
        let results = Results::from_json(&std::fs::read(folder.join("metrics.json"))?)?;
        let value = |metric: &Metric| {
            let value = results.overall.values.get(metric);
            Ok::<f64, anyhow::Error>(value.with_context(|| format!("{} is not defined", metric.key))? * 100.0)
        };
        let base = variant.base.and_then(|base| VARIANTS.iter().find(|known| known.name == base));
        let [image, aupro] = match base {
            Some(base) => self.intervals(&self.evaluated(net, set, seed, base)?, &folder)?.map(Some),
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
    fn evaluated(&self, net: &Net, set: &str, seed: u64, variant: &Variant) -> anyhow::Result<PathBuf> {
        let options = variant.options_for(net);
        // Variants that are the same fit share it.
        let name = options.join(" ").replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        let folder = self.work.join(net.name).join(set).join(seed.to_string()).join(name);
        if folder.join("replicates.json").exists() {
            return Ok(folder);
        }
        std::fs::create_dir_all(&folder)?;
        let model = self.work.join("model.patchcore");
        let (data, weights) = (self.shared.join("data").join(set), self.shared.join(RESNET18));
        let weights: &[&Path] = if net.name == "resnet18" { &[Path::new("--weights"), &weights] } else { &[] };
        let mut fit = Command::new(&self.program);
        fit.args(["fit", "--force", "--backbone", net.name, "--seed", &seed.to_string(), "--data"]).arg(&data);
        fit.args(weights).args(&options).arg("-o").arg(&model);
        output_of(&mut fit)?;
        let mut evaluate = Command::new(&self.program);
        evaluate.args(["evaluate", "--no-overlays", "--no-report", "--force", "--data"]).arg(&data);
        evaluate.args(weights).arg("--model").arg(&model).arg("-o").arg(&folder);
        output_of(&mut evaluate)?;
        Ok(folder)
    }

    /// Ends of the paired intervals of image AUROC and AUPRO 0.05, in percentage points.
    fn intervals(&self, base: &Path, folder: &Path) -> anyhow::Result<[[f64; 2]; 2]> {
        let mut compare = Command::new(&self.program);
        compare.args(["compare", "--force", "--format", "json"]).arg(base).arg(folder);
        let json = output_of(compare.arg("-o").arg(self.work.join("comparison.html")))?;
        let comparison = Comparison::from_json(json.as_bytes())?;
        let of = |metric: &Metric| {
            let interval = comparison.metric(metric).and_then(|row| row.interval);
            let Interval { low, high } = interval.with_context(|| format!("no interval of {}", metric.key))?;
            // In hundredths of a point, as the table of recorded rows has them.
            Ok::<[f64; 2], anyhow::Error>([low, high].map(|end| (end * 1e4).round() / 1e2))
        };
        Ok([of(&Metric::IMAGE_AUROC)?, of(&Metric::AUPRO_05)?])
    }
}
