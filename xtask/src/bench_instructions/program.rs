//! The program `patchcore`, one thread, limited to an instruction set.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use patchcore_testing::{files, read_npy};
use serde::Deserialize;
use serde_json::Value;

use super::results::{Differences, Network, Stages};

/// Photos that are scored, at most.
const SCORED: usize = 20;

/// A built program, its photos, and a folder for models, weights and maps.
pub struct Program {
    path: PathBuf,
    data: PathBuf,
    work: tempfile::TempDir,
}

/// Names of instruction sets, the widest last.
pub struct Sets {
    /// All that the program has a name for.
    pub known: Vec<String>,
    /// Those that this processor has.
    pub available: Vec<String>,
}

/// What the program answered to every photo.
pub struct Answers(Vec<Answer>);

struct Answer {
    score: f64,
    map: Vec<f32>,
    /// Photo, bank, row and column of the good patch that is nearest to the worst one.
    nearest: [Value; 4],
}

impl Program {
    /// A program that fits and scores photos of the data set in `data`.
    ///
    /// # Errors
    /// No temporary folder.
    pub fn new(path: PathBuf, data: PathBuf) -> anyhow::Result<Self> {
        Ok(Self { path, data, work: tempfile::tempdir()? })
    }

    /// The sets, as the program itself tells them.
    ///
    /// # Errors
    /// A program that does not tell.
    pub fn sets(&self) -> anyhow::Result<Sets> {
        #[derive(Deserialize)]
        struct Devices {
            instructions: Instructions,
        }
        #[derive(Deserialize)]
        struct Instructions {
            known: Vec<String>,
            available: Vec<String>,
        }
        let told = self.run(&["devices".into(), "--format".into(), "json".into()])?;
        let Devices { instructions: Instructions { known, available } } = serde_json::from_str(&told)?;
        Ok(Sets { known, available })
    }

    /// Installs a network's weights.
    ///
    /// # Errors
    /// A file that the program refuses.
    pub fn import(&self, backbone: &str, file: &Path) -> anyhow::Result<()> {
        self.run(&["weights".into(), "import".into(), backbone.into(), file.into()])?;
        Ok(())
    }

    /// Fits the model that all sets score with, with the program's defaults.
    ///
    /// # Errors
    /// A fit that fails.
    pub fn fit(&self, network: Network<'_>, set: &str) -> anyhow::Result<()> {
        let mut arguments: Vec<OsString> = vec!["fit".into(), "--data".into(), self.data.clone().into()];
        arguments.extend(["--backbone".into(), network.backbone.into(), "-o".into(), self.model(network).into()]);
        arguments.extend(["--network-precision", network.precision, "--instructions", set].map(OsString::from));
        self.run(&arguments)?;
        Ok(())
    }

    /// Scores, maps and nearest patches of good and defective photos.
    ///
    /// # Errors
    /// A scoring that fails, or a row without a score.
    pub fn score(&self, network: Network<'_>, set: &str) -> anyhow::Result<Answers> {
        let maps = self.work.path().join(format!("{}-{}-{set}", network.backbone, network.precision));
        let mut arguments: Vec<OsString> = vec!["score".into(), "--model".into(), self.model(network).into()];
        arguments.extend(["--maps".into(), maps.into(), "--map-geometry".into(), "input".into()]);
        arguments.extend(["--format".into(), "json".into(), "--instructions".into(), set.into()]);
        arguments.extend(self.photos()?.into_iter().map(OsString::from));
        let rows: Vec<Value> = serde_json::from_str(&self.run(&arguments)?)?;
        let answer = |row: &Value| -> anyhow::Result<Answer> {
            let of = |key: &str| row.get(key).cloned().unwrap_or_default();
            let score = of("score").as_f64().with_context(|| format!("no score: {row}"))?;
            let map = of("map_path").as_str().map(PathBuf::from).with_context(|| format!("no map: {row}"))?;
            let nearest = ["nearest_good", "nearest_good_bank", "nearest_good_row", "nearest_good_column"].map(of);
            ensure!(!nearest.iter().any(Value::is_null), "no nearest patch: {row}");
            Ok(Answer { score, map: read_npy(&map)?.1, nearest })
        };
        Ok(Answers(rows.iter().map(answer).collect::<anyhow::Result<_>>()?))
    }

    /// Milliseconds per photo, medians over photos.
    ///
    /// # Errors
    /// A run that fails.
    pub fn time(&self, network: Network<'_>, set: &str) -> anyhow::Result<Stages> {
        #[derive(Deserialize)]
        struct Bench {
            measured: Vec<Measured>,
        }
        #[derive(Deserialize)]
        struct Measured {
            milliseconds: Stages,
        }
        let mut arguments: Vec<OsString> = vec!["bench".into(), "--data".into(), self.data.clone().into()];
        arguments.extend(["--backbone", network.backbone, "--resize", "256"].map(OsString::from));
        arguments.extend(["--network-precision", network.precision].map(OsString::from));
        arguments.extend(["--coreset-sampling-ratio", "0.05", "--photos", "10"].map(OsString::from));
        arguments.extend(["--format", "json", "--instructions", set].map(OsString::from));
        let bench: Bench = serde_json::from_str(&self.run(&arguments)?)?;
        Ok(bench.measured.into_iter().next().context("`patchcore bench` measured nothing")?.milliseconds)
    }

    fn model(&self, network: Network<'_>) -> PathBuf {
        self.work.path().join(format!("{}-{}.patchcore", network.backbone, network.precision))
    }

    /// Photos of every kind, evenly chosen.
    fn photos(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut photos = Vec::new();
        for kind in files(&self.data.join("test"))? {
            photos.extend(files(&kind)?);
        }
        let step = photos.len().div_ceil(SCORED).max(1);
        Ok(photos.into_iter().step_by(step).collect())
    }

    /// Runs to the end; what it printed.
    fn run(&self, arguments: &[OsString]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.path);
        command.args(arguments).arg("--quiet").env("RAYON_NUM_THREADS", "1").env("PATCHCORE_CACHE", self.work.path());
        // The option alone decides.
        command.env_remove("PATCHCORE_INSTRUCTIONS").env_remove("PATCHCORE_LOG");
        let output = command.output().with_context(|| format!("cannot run {}", self.path.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "patchcore {arguments:?} ended with {}: {said}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Answers {
    /// By how much these are off.
    ///
    /// # Errors
    /// Answers to other photos, and a map or a score that is not finite, as it would pass for one that is off by nothing.
    pub fn against(&self, expected: &Self) -> anyhow::Result<Differences> {
        ensure!(self.0.len() == expected.0.len(), "{} answers instead of {}", self.0.len(), expected.0.len());
        let mut found = Differences { photos: self.0.len(), ..Differences::default() };
        for (one, expected) in self.0.iter().zip(&expected.0) {
            ensure!(one.map.len() == expected.map.len(), "maps of {} and {} values", one.map.len(), expected.map.len());
            let is_finite =
                |answer: &Answer| answer.score.is_finite() && answer.map.iter().all(|value| value.is_finite());
            ensure!(is_finite(one) && is_finite(expected), "a map or a score is not finite");
            let largest = expected.map.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            let off = one.map.iter().zip(&expected.map).fold(0.0f32, |off, (a, b)| off.max((a - b).abs()));
            found.maps = found.maps.max(f64::from(off) / f64::from(largest).max(f64::MIN_POSITIVE));
            let of_score = (one.score - expected.score).abs() / expected.score.abs().max(f64::MIN_POSITIVE);
            found.scores = found.scores.max(of_score);
            found.same_nearest += usize::from(one.nearest == expected.nearest);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(score: f64, map: &[f32], row: u32) -> Answer {
        Answer { score, map: map.to_vec(), nearest: ["a.png".into(), 1.into(), row.into(), 3.into()] }
    }

    #[test]
    fn the_worst_photo_counts() {
        let expected = Answers(vec![answer(2.0, &[1.0, -4.0], 5), answer(1.0, &[1.0, 1.0], 5)]);
        let found =
            Answers(vec![answer(2.5, &[1.0, -3.0], 5), answer(1.0, &[1.0, 1.125], 6)]).against(&expected).unwrap();
        assert_eq!(found, Differences { photos: 2, scores: 0.25, maps: 0.25, same_nearest: 1 });
        let none = expected.against(&expected).unwrap();
        assert_eq!(none, Differences { photos: 2, same_nearest: 2, ..Differences::default() });
        assert!(Answers(Vec::new()).against(&expected).is_err());
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        let good = Answers(vec![answer(2.0, &[1.0, 4.0], 5)]);
        for bad in
            [answer(2.0, &[1.0, f32::NAN], 5), answer(2.0, &[f32::INFINITY, 4.0], 5), answer(f64::NAN, &[1.0, 4.0], 5)]
        {
            let bad = Answers(vec![bad]);
            for error in [bad.against(&good), good.against(&bad), bad.against(&bad)] {
                assert!(error.unwrap_err().to_string().contains("not finite"));
            }
        }
    }
}
