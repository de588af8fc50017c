//! `cargo xtask ablation --only precision`: what bf16 and int8 cost in accuracy, fit and test in the same format, against f32 with the
//! same seed, on the test photos as they are and in other light.
//!
//! The order of runs is the order of what they tell: int8 before bf16, a seed on all sets before the next one. What
//! benches/results/precision.csv has is not measured again, and the tables say what is missing.

mod light;
mod record;
mod table;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use patchcore_metrics::{Metric, Results};

use super::bench::{Bench, interval};
use super::variants::{NETS, Net, SETS};
use crate::child::{read_rows, write_rows};
use crate::tidy::root;
use crate::written_tables;
use light::{LIGHTS, Light, in_light};
use record::Record;
use table::PRECISIONS;

/// The page of the tables.
pub const PAGE: &str = "docs/how-to/large-network.md";

/// The seeds of the plan; with fewer the table says that runs are missing.
const PLANNED_SEEDS: u64 = 3;

/// The metrics that are kept, as [`Record::values`] has them.
const METRICS: [&Metric; record::METRICS] = [&Metric::IMAGE_AUROC, &Metric::PIXEL_AP, &Metric::AUPRO_05];

/// What runs are asked for.
pub struct Wanted<'a> {
    /// Part of a network's name.
    pub network: &'a str,
    /// Part of a set's name.
    pub set: &'a str,
    /// Formats; all where there are none.
    pub precisions: &'a [String],
    /// Part of a light's name.
    pub light: &'a str,
    /// Seeds, from 0.
    pub seeds: u64,
}

fn file() -> PathBuf {
    root().join("benches/results/precision.csv")
}

/// What has been measured.
///
/// # Errors
/// A file that is not the table.
pub fn kept() -> anyhow::Result<Vec<Record>> {
    read_rows(&file())
}

/// Measures what is wanted and not there.
///
/// # Errors
/// A run of the program that fails, a file that cannot be written.
pub fn measure(bench: &Bench, wanted: &Wanted<'_>) -> anyhow::Result<()> {
    let mut records = kept()?;
    let asks_for = |name: &str| wanted.precisions.is_empty() || wanted.precisions.iter().any(|one| one == name);
    for seed in 0..wanted.seeds {
        for precision in PRECISIONS.into_iter().filter(|name| *name != "f32" && asks_for(name)) {
            for set in SETS.iter().filter(|set| set.contains(wanted.set)) {
                for net in NETS.iter().filter(|net| net.name.contains(wanted.network)) {
                    // Both sides of every comparison, one after the other.
                    for precision in ["f32", precision] {
                        for record in run(bench, net, set, seed, precision, wanted.light, &records)? {
                            println!("{record:?}");
                            records.push(record);
                            write_rows(&file(), &records)?;
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

/// Writes the tables of what has been measured.
///
/// # Errors
/// A page that cannot be written.
pub fn write_tables() -> anyhow::Result<()> {
    let records = kept()?;
    written_tables::replace(PAGE, "precision", &table::table(&records, PLANNED_SEEDS))?;
    written_tables::replace(PAGE, "precision-sets", &table::by_set(&records))
}

/// A fit in one format, in every light that is asked for and that `known` lacks.
fn run(
    bench: &Bench,
    net: &Net,
    set: &str,
    seed: u64,
    precision: &str,
    light: &str,
    known: &[Record],
) -> anyhow::Result<Vec<Record>> {
    let is_known = |light: &Light| known.iter().any(|one| one.is(net.name, set, seed, light.name, precision));
    let lights: Vec<&Light> = LIGHTS.iter().filter(|one| one.name.contains(light) && !is_known(one)).collect();
    if lights.is_empty() {
        return Ok(Vec::new());
    }
    let folders = evaluated(bench, net, set, seed, precision, &lights)?;
    let bases = match precision {
        "f32" => vec![None; lights.len()],
        _ => evaluated(bench, net, set, seed, "f32", &lights)?.into_iter().map(Some).collect(),
    };
    let mut records = Vec::new();
    for (light, (folder, base)) in lights.iter().zip(folders.iter().zip(bases)) {
        let intervals = match base {
            Some(base) => {
                let comparison = bench.compare(&base, folder)?;
                Some(METRICS.iter().map(|metric| interval(&comparison, metric)).collect::<anyhow::Result<Vec<_>>>()?)
            }
            None => None,
        };
        let results = Results::from_json(&fs::read(folder.join("metrics.json"))?)?;
        let value = |metric: &Metric| {
            let value = results.overall.values.get(metric);
            Ok::<f64, anyhow::Error>(value.with_context(|| format!("{} is not defined", metric.key))? * 100.0)
        };
        let [image_auroc, pixel_ap, aupro_05] = METRICS;
        let end = |metric: usize, side: usize| intervals.as_ref()?.get(metric)?.get(side).copied();
        records.push(Record {
            network: net.name.to_owned(),
            set: set.to_owned(),
            seed,
            light: light.name.to_owned(),
            precision: precision.to_owned(),
            image_auroc: value(image_auroc)?,
            pixel_ap: value(pixel_ap)?,
            aupro_05: value(aupro_05)?,
            image_auroc_low: end(0, 0),
            image_auroc_high: end(0, 1),
            pixel_ap_low: end(1, 0),
            pixel_ap_high: end(1, 1),
            aupro_05_low: end(2, 0),
            aupro_05_high: end(2, 1),
        });
    }
    Ok(records)
}

/// The folders of a fit's evaluations in these lights, made where they are not there yet.
fn evaluated(
    bench: &Bench,
    net: &Net,
    set: &str,
    seed: u64,
    precision: &str,
    lights: &[&Light],
) -> anyhow::Result<Vec<PathBuf>> {
    let folder = bench.work.join("precision").join(net.name).join(set).join(seed.to_string()).join(precision);
    let of = |light: &&Light| folder.join(light.name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_"));
    let folders: Vec<PathBuf> = lights.iter().map(of).collect();
    if folders.iter().all(|folder| folder.join("replicates.json").exists()) {
        return Ok(folders);
    }
    let data = bench.data(set);
    let format = ["--network-precision", precision].map(str::to_owned);
    let model = bench.fit(net, set, seed, &format)?;
    for (light, folder) in lights.iter().zip(&folders) {
        bench.evaluate(net, &model, &in_light(&data, set, light, &bench.work)?, folder)?;
    }
    Ok(folders)
}
