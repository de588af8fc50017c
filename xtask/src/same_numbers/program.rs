//! The program of a commit or of the working tree: how it is built, and how it is asked.
//!
//! Each program is driven through its own options, and what it wrote is read in its own layout. Names that have changed stand
//! in the tables of [`Program::option`]'s callers, the present one first: a commit is asked by what its own `--help` knows.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use patchcore_testing::read_npy;
use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::answers::Answers;
use super::case::{Case, Device, InstructionSet};
use super::subset::{FPR, Subset, subset};
use crate::release_build::release_build;
use crate::tidy::root;

/// A built program and the folder of what it has answered.
pub struct Program {
    name: String,
    path: PathBuf,
    folder: PathBuf,
    help: Vec<(&'static str, String)>,
    instructions: Option<Vec<String>>,
}

/// The commands whose options are looked up.
const COMMANDS: [&str; 4] = ["fit", "calibrate", "score", "inspect"];

impl Program {
    /// The program of a commit, built in a worktree if it was not before.
    pub fn of_commit(commit: &str, folder: &Path) -> anyhow::Result<Self> {
        let found = git(&["rev-parse", "--verify", "--end-of-options", &format!("{commit}^{{commit}}")]);
        let hash = found.with_context(|| format!("`{commit}` is no commit of this repository"))?;
        let short = hash.get(..10).unwrap_or(&hash);
        let folder = folder.join(format!("commit-{short}"));
        let path = folder.join(format!("patchcore{}", std::env::consts::EXE_SUFFIX));
        if !path.exists() {
            std::fs::create_dir_all(&folder)?;
            let tree = folder.join("tree");
            // A build that was interrupted has left one.
            let text = tree.display().to_string();
            drop(git(&["worktree", "remove", "--force", &text]));
            git(&["worktree", "add", "--force", "--detach", &text, &hash])?;
            let built = build(&tree);
            git(&["worktree", "remove", "--force", &text])?;
            let part = path.with_extension("part");
            std::fs::copy(built?, &part)?;
            std::fs::rename(&part, &path)?;
        }
        Self::new(format!("commit {short}"), path, folder)
    }

    /// The program of the working tree, or one that is given.
    pub fn of_working_tree(given: Option<&Path>, folder: &Path) -> anyhow::Result<Self> {
        let built = given.map_or_else(|| build(&root()), |given| Ok(std::path::absolute(given)?))?;
        let bytes = std::fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        let digest: String = Sha256::digest(&bytes).iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("working-tree-{digest}");
        // What an earlier program answered says nothing of this one.
        for old in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let old_name = old.file_name().to_string_lossy().into_owned();
            if old_name.starts_with("working-tree-") && old_name != name {
                std::fs::remove_dir_all(old.path())?;
            }
        }
        let folder = folder.join(&name);
        std::fs::create_dir_all(&folder)?;
        // A copy: the next build would change the program while it runs.
        let path = folder.join(format!("patchcore{}", std::env::consts::EXE_SUFFIX));
        std::fs::copy(&built, &path)?;
        Self::new(format!("working tree ({digest})"), path, folder)
    }

    fn new(name: String, path: PathBuf, folder: PathBuf) -> anyhow::Result<Self> {
        let mut program = Self { name, path, folder, help: Vec::new(), instructions: None };
        for command in COMMANDS {
            let help = program.run(&[command.into(), "--help".into()], 1)?;
            program.help.push((command, help));
        }
        let devices: Value =
            serde_json::from_str(&program.run(&["devices".into(), "--format".into(), "json".into()], 1)?)?;
        let sets = devices.pointer("/instructions/available").and_then(Value::as_array);
        program.instructions =
            sets.map(|sets| sets.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>());
        Ok(program)
    }

    /// What it is called in the output.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its answers are kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The instruction sets that it can be limited to on this processor, the widest last; `None` for a commit without the
    /// switch.
    pub fn instructions(&self) -> Option<&[String]> {
        self.instructions.as_deref()
    }

    /// Fits, calibrates, scores, and reads what was written.
    pub fn answer(&self, case: &Case, shared: &Path) -> anyhow::Result<Answers> {
        let work = tempfile::tempdir()?;
        let subset = subset(&shared.join(case.set.path), &work.path().join(case.set.name))?;
        let model = work.path().join("model.patchcore");
        let mut answers = Answers::default();
        self.fit(case, shared, &subset, &model)?;
        read_model(&model, &mut answers)?;
        self.calibrate(case, shared, &subset, &model, &mut answers)?;
        self.score(case, shared, &subset, &model, &work.path().join("maps"), &mut answers)?;
        Ok(answers)
    }

    fn fit(&self, case: &Case, shared: &Path, subset: &Subset, model: &Path) -> anyhow::Result<()> {
        let mut arguments: Vec<OsString> = vec!["fit".into()];
        let mut add = |names: &[&'static str], value: OsString| -> anyhow::Result<()> {
            arguments.extend([self.option("fit", names)?.into(), value]);
            Ok(())
        };
        add(&["--data"], subset.root.clone().into())?;
        add(&["--backbone"], case.backbone.name().into())?;
        add(&["--mode"], case.mode.into())?;
        add(&["--output"], model.into())?;
        arguments.extend(self.compute("fit", case, shared)?);
        self.run(&arguments, case.threads)?;
        Ok(())
    }

    /// A threshold by good photos, then thresholds by the test set, with the metrics behind them.
    fn calibrate(
        &self,
        case: &Case,
        shared: &Path,
        subset: &Subset,
        model: &Path,
        answers: &mut Answers,
    ) -> anyhow::Result<()> {
        let good = subset.root.join("test/good");
        let by_rank: Vec<OsString> = vec!["--good".into(), good.into(), "--fpr".into(), FPR.into()];
        let by_f1: Vec<OsString> = vec!["--f1-max".into(), "--data".into(), subset.root.clone().into()];
        for (name, how) in [("of good photos", by_rank), ("of the largest F1", by_f1)] {
            let mut arguments: Vec<OsString> = vec!["calibrate".into(), self.option("calibrate", &["--model"])?.into()];
            arguments.push(model.into());
            arguments.extend(how);
            arguments.extend(self.compute("calibrate", case, shared)?);
            self.run(&arguments, case.threads)?;
            let text = self.run(&["inspect".into(), model.into(), "--format".into(), "json".into()], 1)?;
            let said: Value = serde_json::from_str(&text).context("inspect")?;
            for which in ["image", "pixel"] {
                // Among the sections since they are; at the top before.
                let at = |place: &str| said.pointer(&format!("{place}/thresholds/{which}/value"));
                let value = at("/sections").or_else(|| at(""));
                if let Some(value) = value.and_then(Value::as_f64) {
                    answers.add_floats(&format!("threshold of {which}s, {name}"), vec![1], &[value as f32]);
                }
            }
        }
        let thresholds = answers.arrays.iter().filter(|array| array.name.starts_with("threshold")).count();
        ensure!(thresholds >= 3, "inspect names {thresholds} thresholds, expected at least 3");
        Ok(())
    }

    fn score(
        &self,
        case: &Case,
        shared: &Path,
        subset: &Subset,
        model: &Path,
        maps: &Path,
        answers: &mut Answers,
    ) -> anyhow::Result<()> {
        let mut scores = Vec::new();
        // One folder of maps a kind: photos of two kinds have the same names.
        for photos in subset.photos.chunk_by(|a, b| a.parent() == b.parent()) {
            let kind = photos.first().and_then(|photo| photo.parent()?.file_name()).unwrap_or_default();
            let maps = maps.join(kind);
            let mut arguments: Vec<OsString> = vec!["score".into(), self.option("score", &["--model"])?.into()];
            arguments.push(model.into());
            for (names, value) in [
                (["--maps"], maps.clone().into_os_string()),
                (["--map-geometry"], "input".into()),
                (["--format"], "json".into()),
            ] {
                arguments.extend([self.option("score", &names)?.into(), value]);
            }
            arguments.extend(self.compute("score", case, shared)?);
            arguments.extend(photos.iter().map(OsString::from));
            let rows: Vec<Value> = serde_json::from_str(&self.run(&arguments, case.threads)?)?;
            ensure!(rows.len() == photos.len(), "{} scores of {} photos", rows.len(), photos.len());
            for (row, photo) in rows.iter().zip(photos) {
                let score = row.get("score").and_then(Value::as_f64).with_context(|| format!("no score: {row}"))?;
                scores.push(score as f32);
                let stem = photo.file_stem().unwrap_or_default();
                // A row names its map since it has one; before, the map had the photo's stem.
                let named = row.get("map_path").and_then(Value::as_str).map(PathBuf::from);
                let (shape, map) = read_npy(&named.unwrap_or_else(|| maps.join(stem).with_extension("npy")))?;
                answers.add_floats(&format!("map: {}/{}", kind.display(), stem.display()), shape, &map);
            }
        }
        answers.add_floats("image scores", vec![scores.len()], &scores);
        Ok(())
    }

    /// Device, weights and instruction set.
    fn compute(&self, command: &str, case: &Case, shared: &Path) -> anyhow::Result<Vec<OsString>> {
        let device = match case.device {
            Device::Own => "flex",
            Device::Tensors => "flex:tensors",
        };
        let mut arguments: Vec<OsString> = vec![self.option(command, &["--device"])?.into(), device.into()];
        if let Some(weights) = case.backbone.weights() {
            arguments.extend([self.option(command, &["--weights"])?.into(), shared.join(weights).into()]);
        }
        if let InstructionSet::Named(name) = &case.instructions {
            arguments.extend([self.option(command, &["--instructions"])?.into(), name.into()]);
        }
        Ok(arguments)
    }

    /// The first of these names that the command knows.
    fn option(&self, command: &str, names: &[&'static str]) -> anyhow::Result<&'static str> {
        let help = self.help.iter().find(|(known, _)| *known == command).map_or("", |(_, help)| help);
        let words: Vec<&str> = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
        let known = names.iter().find(|name| words.contains(*name)).copied();
        known.with_context(|| {
            let path = "xtask/src/same_numbers/program.rs";
            format!(
                "`patchcore {command}` of {} has no option {}: add its name to {path}",
                self.name,
                names.join(" or ")
            )
        })
    }

    /// Runs to the end; what it printed.
    fn run(&self, arguments: &[OsString], threads: usize) -> anyhow::Result<String> {
        let mut command = Command::new(&self.path);
        command.args(arguments).env("RAYON_NUM_THREADS", threads.to_string());
        // The case alone decides.
        command.env_remove("PATCHCORE_INSTRUCTIONS").env_remove("PATCHCORE_LOG");
        let output = command.output().with_context(|| format!("cannot run {}", self.path.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "patchcore {arguments:?} ended with {}: {said}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// Bank rows and where they come from.
fn read_model(path: &Path, answers: &mut Answers) -> anyhow::Result<()> {
    let bytes = std::fs::read(path)?;
    let file = SafeTensors::deserialize(&bytes).context("the model is no safetensors file")?;
    let words = |name: &str, dtype: Dtype| -> anyhow::Result<(Vec<usize>, Vec<u32>)> {
        let tensor = file.tensor(name).with_context(|| format!("the model has no tensor `{name}`"))?;
        ensure!(tensor.dtype() == dtype, "`{name}` is of {:?}, expected {dtype:?}", tensor.dtype());
        let words = tensor.data().as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        Ok((tensor.shape().to_vec(), words.collect()))
    };
    let (shape, rows) = words("memory_bank", Dtype::F32)?;
    answers.add_floats("memory bank", shape, &rows.into_iter().map(f32::from_bits).collect::<Vec<_>>());
    let (shape, origins) = words("origins", Dtype::U32)?;
    answers.add_counts("origins", shape, origins);
    Ok(())
}

fn build(tree: &Path) -> anyhow::Result<PathBuf> {
    release_build(tree, "patchcore-cli", "patchcore", &["--locked", "--features", "flex"])
}

fn git(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git").args(arguments).current_dir(root()).output().context("cannot run git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {} failed: {said}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
