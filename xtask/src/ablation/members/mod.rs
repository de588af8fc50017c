//! `cargo xtask ablation --only members`: what a second network brings, and what it costs, against a second bank of the same network.
//!
//! Accuracy on all sets of the shared folder, seed by seed; what benches/results/members.csv has is not measured again. Times are
//! those of one thread on the photos of `bottle`, all crews in turn: on a machine that does nothing else meanwhile.

mod crew;
mod record;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use patchcore_metrics::{Metric, Results};

use super::bench::{Bench, interval};
use super::variants::SETS;
use crate::child::{read_rows, write_rows};
use crate::tidy::root;
use crate::written_tables;
use crew::{CREWS, Crew};
use record::{Record, Time};

/// The page of the tables.
const PAGE: &str = "docs/how-to/several-networks.md";
/// The photos that are timed.
const TIMED: &str = "bottle";

fn file() -> PathBuf {
    root().join("benches/results/members.csv")
}

fn time_file() -> PathBuf {
    root().join("benches/results/members-time.csv")
}

/// Fits and evaluates the crews whose networks, joined by ` + `, are among `choices` (all where there are none) on the sets whose
/// names contain `set`, as far as it is not known yet.
///
/// # Errors
/// A run of the program that fails, a file that cannot be written.
pub fn measure(bench: &Bench, set: &str, choices: &[String], seeds: u64) -> anyhow::Result<()> {
    let mut records: Vec<Record> = read_rows(&file())?;
    for seed in 0..seeds {
        for crew in CREWS.iter().filter(|crew| choices.is_empty() || choices.contains(&crew.name())) {
            for set in SETS.iter().filter(|name| name.contains(set)) {
                if records.iter().any(|known| known.is(&crew.name(), crew.banks(), set, seed)) {
                    continue;
                }
                let record = run(bench, crew, set, seed)?;
                println!("{record:?}");
                records.push(record);
                write_rows(&file(), &records)?;
            }
        }
    }
    Ok(())
}

/// Times every crew whose model for seed 0 can be fitted, so many rounds.
///
/// # Errors
/// As [`measure`].
pub fn measure_time(bench: &Bench, choices: &[String], rounds: usize) -> anyhow::Result<()> {
    let wanted = |crew: &&Crew| choices.is_empty() || choices.contains(&crew.name());
    let crews: Vec<&Crew> = CREWS.iter().filter(wanted).collect();
    let mut models = Vec::new();
    for (number, crew) in crews.iter().enumerate() {
        let model = bench.work.join(format!("timed-{number}.patchcore"));
        fs::rename(fit(bench, crew, TIMED, 0)?, &model)?;
        models.push(model);
    }
    let mut seconds = vec![Vec::new(); crews.len()];
    for _ in 0..rounds {
        for ((crew, model), own) in crews.iter().zip(&models).zip(&mut seconds) {
            let folder = bench.work.join("timed");
            evaluate(bench, crew, model, TIMED, &folder, &["--threads", "1"])?;
            let results = results_in(&folder)?;
            let scoring = results.seconds.get("scoring").context("no time of the scoring")?;
            own.push(scoring / (results.overall.n_normal + results.overall.n_anomalous).max(1) as f64);
        }
    }
    let first = seconds.first().cloned().unwrap_or_default();
    let times = crews.iter().zip(&seconds).map(|(crew, own)| Time {
        networks: crew.name(),
        banks: crew.banks().to_owned(),
        milliseconds: 1e3 * median(own.clone()),
        ratio: median(own.iter().zip(&first).map(|(own, first)| own / first).collect()),
    });
    write_rows(&time_file(), &times.collect::<Vec<_>>())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Writes the tables of what has been measured.
///
/// # Errors
/// A page that cannot be written.
pub fn write_tables() -> anyhow::Result<()> {
    let (records, times) = (read_rows(&file())?, read_rows(&time_file())?);
    written_tables::replace(PAGE, "members", &table::table(&records, &times))?;
    written_tables::replace(PAGE, "members-sets", &table::by_set(&records))
}

fn run(bench: &Bench, crew: &Crew, set: &str, seed: u64) -> anyhow::Result<Record> {
    let folder = evaluated(bench, crew, set, seed)?;
    let results = results_in(&folder)?;
    let value = |metric: &Metric| {
        let value = results.overall.values.get(metric);
        Ok::<f64, anyhow::Error>(value.with_context(|| format!("{} is not defined", metric.key))? * 100.0)
    };
    let is_base = |base: &&Crew| base.networks == crew.networks.get(..1).unwrap_or_default() && !base.two_banks;
    let intervals = match CREWS.iter().find(is_base).filter(|base| !std::ptr::eq(*base, crew)) {
        Some(base) => {
            let comparison = bench.compare(&evaluated(bench, base, set, seed)?, &folder)?;
            Some([interval(&comparison, &Metric::IMAGE_AUROC)?, interval(&comparison, &Metric::AUPRO_05)?])
        }
        None => None,
    };
    let end = |metric: usize, side: usize| intervals.as_ref()?.get(metric)?.get(side).copied();
    Ok(Record {
        networks: crew.name(),
        banks: crew.banks().to_owned(),
        set: set.to_owned(),
        seed,
        image_auroc: value(&Metric::IMAGE_AUROC)?,
        pixel_ap: value(&Metric::PIXEL_AP)?,
        aupro_05: value(&Metric::AUPRO_05)?,
        image_auroc_low: end(0, 0),
        image_auroc_high: end(0, 1),
        aupro_05_low: end(1, 0),
        aupro_05_high: end(1, 1),
    })
}

/// The folder of a crew's evaluation, made where it is not there yet.
fn evaluated(bench: &Bench, crew: &Crew, set: &str, seed: u64) -> anyhow::Result<PathBuf> {
    let name = format!("{} {}", crew.name(), crew.banks()).replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    let folder = bench.work.join("members").join(name).join(set).join(seed.to_string());
    if !folder.join("replicates.json").exists() {
        let model = fit(bench, crew, set, seed)?;
        evaluate(bench, crew, &model, set, &folder, &[])?;
    }
    Ok(folder)
}

fn fit(bench: &Bench, crew: &Crew, set: &str, seed: u64) -> anyhow::Result<PathBuf> {
    let mut options = crew.options();
    options.extend(crew.weights(&bench.shared, &root()));
    bench.fit_with(set, seed, &options)
}

fn evaluate(bench: &Bench, crew: &Crew, model: &Path, set: &str, folder: &Path, more: &[&str]) -> anyhow::Result<()> {
    let mut options = crew.weights(&bench.shared, &root());
    options.extend(more.iter().map(|option| (*option).to_owned()));
    bench.evaluate_with(&options, model, &bench.data(set), folder)
}

fn results_in(folder: &Path) -> anyhow::Result<Results> {
    Ok(Results::from_json(&fs::read(folder.join("metrics.json"))?)?)
}
