//! The program's commands, timed, with the memory that they took.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use patchcore_metrics::{Metric, Results};
use serde_json::Value;
use wait4::Wait4;

use crate::child::output_of;

/// What a run took.
pub struct Taken {
    pub seconds: f64,
    /// Of all cores, whatever else ran there.
    pub cpu_seconds: f64,
    pub peak_mib: u64,
    /// What it said on stderr.
    pub said: String,
}

/// Runs a command to its end.
pub fn taken(command: &mut Command) -> anyhow::Result<Taken> {
    let started = Instant::now();
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut said = String::new();
    run.stderr.take().context("no pipe to the program")?.read_to_string(&mut said)?;
    let ended = run.wait4()?;
    ensure!(ended.status.success(), "{command:?} failed: {said}");
    Ok(Taken {
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: (ended.rusage.utime + ended.rusage.stime).as_secs_f64(),
        peak_mib: ended.rusage.maxrss / (1 << 20),
        said,
    })
}

/// A program and the folder in which it makes models.
pub struct Program {
    pub path: PathBuf,
    pub work: PathBuf,
}

impl Program {
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(name);
        command
    }

    /// `fit` of a model of that name in the working folder.
    pub fn fit(&self, data: &Path, model: &str, options: &[String]) -> anyhow::Result<Taken> {
        let mut fit = self.command("fit");
        fit.arg("--data").arg(data).args(options).arg("-o").arg(self.work.join(model)).arg("--force");
        taken(&mut fit)
    }

    /// What `inspect` says of a model, as JSON.
    pub fn inspect(&self, model: &str, measured_on: Option<&Path>) -> anyhow::Result<Value> {
        let mut inspect = self.command("inspect");
        inspect.arg(self.work.join(model)).args(["--format", "json"]);
        if let Some(data) = measured_on {
            inspect.arg("--measure-coverage").arg(data);
        }
        Ok(serde_json::from_str(&output_of(&mut inspect)?)?)
    }

    /// Image AUROC, AUPRO 30 % and AUPRO 5 % of a model on a set's test photos, in percent.
    pub fn evaluate(&self, model: &str, set: &Path) -> anyhow::Result<[f64; 3]> {
        let out = self.work.join("out");
        let mut evaluate = self.command("evaluate");
        evaluate.args(["--no-overlays", "--no-report", "--no-intervals", "--data"]).arg(set);
        output_of(evaluate.arg("--model").arg(self.work.join(model)).arg("-o").arg(&out).arg("--force"))?;
        let results = Results::from_json(&std::fs::read(out.join("metrics.json"))?)?;
        std::fs::remove_dir_all(&out)?;
        let value = |metric: &Metric| {
            let value = results.overall.values.get(metric);
            Ok::<f64, anyhow::Error>(value.with_context(|| format!("{} is not defined", metric.key))? * 100.0)
        };
        Ok([value(&Metric::IMAGE_AUROC)?, value(&Metric::AUPRO_30)?, value(&Metric::AUPRO_05)?])
    }
}

/// The radius that a model tells, of its first bank, in what `inspect` says.
pub fn radius_told(inspected: &Value) -> anyhow::Result<f64> {
    number(inspected, "/sections/coverage/0/radius")
}

/// The radius of the first bank that `inspect` has measured.
pub fn radius_measured(inspected: &Value) -> anyhow::Result<f64> {
    number(inspected, "/measured_coverage/coverage/0/radius")
}

fn number(inspected: &Value, at: &str) -> anyhow::Result<f64> {
    inspected.pointer(at).and_then(Value::as_f64).with_context(|| format!("`inspect` tells no {at}"))
}

/// The rows of all banks in what `inspect` says.
pub fn all_rows(inspected: &Value) -> anyhow::Result<usize> {
    Ok(number(inspected, "/bank_rows")? as usize)
}
