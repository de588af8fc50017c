//! `cargo xtask parity`: fits and evaluates on the real photographs in the shared folder, as the published codes were
//! measured, and writes the table of both into docs/explanation/parity.md.

mod published;
mod spearman;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;
use patchcore_metrics::{Metric, Results};
use patchcore_testing::{RESNET18, find_shared};

use crate::child::output_of;
use crate::release_build::release_build;
use crate::tidy::root;
use crate::written_tables;
use published::{ROWS, Row};
use spearman::spearman;

/// Compare with the published implementations on real photographs and rewrite the table of docs/explanation/parity.md.
#[derive(Debug, Args)]
pub struct Parity {
    /// Folder with weights/, data/ and reference/; default: `PATCHCORE_SHARED`, else `../shared`
    #[arg(long)]
    shared: Option<PathBuf>,
    /// The program to run, instead of a release build
    #[arg(long)]
    program: Option<PathBuf>,
    /// Only rows whose name contains this text; the page is left alone
    #[arg(long)]
    rows: Option<String>,
}

impl Parity {
    /// Runs every row and every seed.
    pub fn run(&self) -> anyhow::Result<()> {
        let Some(shared) = self.shared.clone().map_or_else(|| find_shared(""), |folder| Ok(Some(folder)))? else {
            println!("skipped: no ../shared, whose photographs are what is measured (set PATCHCORE_SHARED)");
            return Ok(());
        };
        let program =
            self.program.clone().map_or_else(|| release_build(&root(), "patchcore-cli", "patchcore", &[]), Ok)?;
        let mut table = String::from(
            "| set | mode and view | image AUROC | image AP | pixel AUROC | pixel AP | AUPRO 0.3 | rank agreement |\n\
             |---|---|---|---|---|---|---|---|\n",
        );
        for row in ROWS.iter().filter(|row| self.rows.as_ref().is_none_or(|wanted| row.name().contains(wanted))) {
            let lines = self.measure(&program, &shared, row)?;
            print!("{lines}");
            table.push_str(&lines);
        }
        match self.rows {
            Some(_) => Ok(()),
            None => written_tables::replace("docs/explanation/parity.md", "parity", &table),
        }
    }

    /// The two lines of a row: ours and the published one.
    fn measure(&self, program: &Path, shared: &Path, row: &Row) -> anyhow::Result<String> {
        let folder = tempfile::tempdir()?;
        let (data, weights) = (shared.join("data").join(row.set), shared.join(RESNET18));
        let (mut runs, mut ranks) = (Vec::new(), Vec::new());
        for seed in row.seeds {
            let model = folder.path().join("model.patchcore");
            let out = folder.path().join("out");
            let mut fit = Command::new(program);
            fit.arg("fit").arg("--data").arg(&data).arg("--weights").arg(&weights).arg("-o").arg(&model);
            fit.args(["--backbone", "resnet18", "--mode", row.mode, "--seed", &seed.to_string()]).args(row.view);
            output_of(&mut fit)?;
            let mut evaluate = Command::new(program);
            evaluate.arg("evaluate").arg("--data").arg(&data).arg("--weights").arg(&weights);
            evaluate
                .args(["--no-overlays", "--no-report", "--no-intervals"])
                .arg("--model")
                .arg(&model)
                .arg("-o")
                .arg(&out)
                .args(["--map-geometry", row.geometry]);
            output_of(&mut evaluate)?;
            runs.push(Results::from_json(&std::fs::read(out.join("metrics.json"))?)?);
            if let Some(reference) = row.scores {
                let ours = std::fs::read_to_string(out.join("scores.csv"))?;
                let theirs = std::fs::read_to_string(shared.join("reference").join(reference))?;
                ranks.push(spearman(&scores(&ours, 3)?, &scores(&theirs, 1)?)?);
            }
        }
        let cell = |metric: Metric| {
            let values: Vec<f64> = runs.iter().filter_map(|run| run.overall.values.get(&metric)).collect();
            // A mean of some runs would look like that of all.
            ensure!(values.is_empty() || values.len() == runs.len(), "{} is not defined in every run", metric.key);
            Ok(summary(&values))
        };
        let metrics = [Metric::IMAGE_AUROC, Metric::IMAGE_AP, Metric::PIXEL_AUROC, Metric::PIXEL_AP, Metric::AUPRO_30];
        let cells = metrics.into_iter().map(cell).collect::<anyhow::Result<Vec<String>>>()?;
        let ranks = if ranks.is_empty() { "".to_owned() } else { summary(&ranks) };
        Ok(format!(
            "| {} | **{}**, {} | {} | {ranks} |\n| | {} | {} | |\n",
            row.set,
            row.mode,
            row.shown,
            cells.join(" | "),
            row.peer,
            row.published.join(" | "),
        ))
    }
}

/// Mean, with minimum and maximum where there are several values.
fn summary(values: &[f64]) -> String {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    match values.len() {
        0 => "-".to_owned(),
        1 => format!("{mean:.4}"),
        _ => format!("{mean:.4} ({low:.4}-{high:.4})"),
    }
}

/// Path and score of each line of a CSV file with a header, the score in column `column`; sorted by path.
fn scores(text: &str, column: usize) -> anyhow::Result<Vec<(String, f64)>> {
    let mut rows = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        let path = fields.next().context("an empty line")?.to_owned();
        let score = fields.nth(column - 1).context("no score")?.parse()?;
        rows.push((path, score));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(rows)
}
