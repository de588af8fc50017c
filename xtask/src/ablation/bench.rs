//! Fits, evaluations and comparisons of the program on the photographs of the shared folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use patchcore_metrics::{Comparison, Interval, Metric};
use patchcore_testing::RESNET18;

use super::variants::Net;
use crate::child::output_of;

/// The program, and what it is fed.
pub struct Bench {
    pub program: PathBuf,
    /// Folder with weights/ and data/.
    pub shared: PathBuf,
    /// Where models and results go.
    pub work: PathBuf,
}

impl Bench {
    /// The folder of a data set.
    pub fn data(&self, set: &str) -> PathBuf {
        self.shared.join("data").join(set)
    }

    /// Fits a network with these options more than the defaults. The model is written over by the next fit.
    pub fn fit(&self, net: &Net, set: &str, seed: u64, options: &[String]) -> anyhow::Result<PathBuf> {
        let mut all = vec!["--backbone".to_owned(), net.name.to_owned()];
        all.extend(self.weights(net));
        all.extend_from_slice(options);
        self.fit_with(set, seed, &all)
    }

    /// Fits with these options, which name the networks. The model is written over by the next fit.
    pub fn fit_with(&self, set: &str, seed: u64, options: &[String]) -> anyhow::Result<PathBuf> {
        let model = self.work.join("model.patchcore");
        std::fs::create_dir_all(&self.work)?;
        let mut fit = Command::new(&self.program);
        fit.args(["fit", "--force", "--seed", &seed.to_string(), "--data"]);
        fit.arg(self.data(set)).args(options).arg("-o").arg(&model);
        output_of(&mut fit)?;
        Ok(model)
    }

    /// Evaluates a model of one network on a data set's test photos.
    pub fn evaluate(&self, net: &Net, model: &Path, data: &Path, folder: &Path) -> anyhow::Result<()> {
        self.evaluate_with(&self.weights(net), model, data, folder)
    }

    /// Evaluates a model on a data set's test photos; the options name weights.
    pub fn evaluate_with(&self, options: &[String], model: &Path, data: &Path, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut evaluate = Command::new(&self.program);
        evaluate.args(["evaluate", "--no-overlays", "--no-report", "--force", "--data"]).arg(data);
        evaluate.args(options).arg("--model").arg(model).arg("-o").arg(folder);
        output_of(&mut evaluate)?;
        Ok(())
    }

    /// Two evaluations of the same photos, photo by photo.
    pub fn compare(&self, base: &Path, folder: &Path) -> anyhow::Result<Comparison> {
        let mut compare = Command::new(&self.program);
        compare.args(["compare", "--force", "--format", "json"]).arg(base).arg(folder);
        let json = output_of(compare.arg("-o").arg(self.work.join("comparison.html")))?;
        Ok(Comparison::from_json(json.as_bytes())?)
    }

    fn weights(&self, net: &Net) -> Vec<String> {
        match net.name {
            "resnet18" => vec!["--weights".to_owned(), self.shared.join(RESNET18).display().to_string()],
            _ => Vec::new(),
        }
    }
}

/// The ends of a metric's paired interval, in percentage points.
///
/// # Errors
/// A comparison without it.
pub fn interval(comparison: &Comparison, metric: &Metric) -> anyhow::Result<[f64; 2]> {
    let interval = comparison.metric(metric).and_then(|row| row.interval);
    let Some(Interval { low, high }) = interval else { anyhow::bail!("no interval of {}", metric.key) };
    // In hundredths of a point, as the tables of recorded rows have them.
    Ok([low, high].map(|end| (end * 1e4).round() / 1e2))
}
