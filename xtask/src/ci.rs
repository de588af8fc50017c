//! `cargo xtask ci`: what must pass before a submission, in the order of what fails fastest, with what each step costs.
//!
//! `.ci/run` installs what the steps need and runs this on a fresh machine. Longer checks are [`crate::soak`]s.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;

use crate::release_build::cargo_program;
use crate::tidy::root;

/// Format, house rules, tests, lints, documentation, licences, other builds. Prints what each step costs.
#[derive(Debug, Args)]
pub struct Ci {
    /// Only these steps
    #[arg(long, value_delimiter = ',', value_name = "STEP,STEP")]
    only: Vec<String>,
    /// Name the steps and their commands, and run none
    #[arg(long)]
    list: bool,
}

/// Everything that is compiled on a machine without a GPU: what lints and documentation look at. The backends of Metal and
/// of the browser share this code and add none of ours.
const EVERYTHING: &str = "wgpu,vulkan,cuda,fusion,autotune";

/// A check.
struct Step {
    name: &'static str,
    command: Vec<String>,
    environment: &'static [(&'static str, &'static str)],
}

impl Step {
    fn new(name: &'static str, command: &str) -> Self {
        Self { name, command: command.split(' ').map(str::to_owned).collect(), environment: &[] }
    }

    fn with(self, environment: &'static [(&'static str, &'static str)]) -> Self {
        Self { environment, ..self }
    }

    /// The command as one would type it.
    fn shown(&self) -> String {
        let variables = self.environment.iter().map(|(name, value)| format!("{name}={value} "));
        variables.collect::<String>() + &self.command.join(" ")
    }

    /// `this_program` carries out what is a task of `cargo xtask`.
    fn run(&self, this_program: &Path) -> anyhow::Result<()> {
        let (program, arguments) = self.command.split_first().context("an empty command")?;
        let cargo = cargo_program();
        let (program, arguments) = match (program.as_str(), arguments) {
            // This program itself: cargo would build another one, with the features that it has alone.
            ("cargo", [first, task @ ..]) if first == "xtask" => (this_program, task),
            ("cargo", _) => (cargo.as_path(), arguments),
            _ => (Path::new(program), arguments),
        };
        let mut command = Command::new(program);
        command.args(arguments).envs(self.environment.iter().copied()).current_dir(root());
        let status = command.status().with_context(|| format!("cannot run {}", self.shown()))?;
        ensure!(status.success(), "step `{}` failed ({status}): {}", self.name, self.shown());
        Ok(())
    }
}

/// All steps.
fn steps() -> anyhow::Result<Vec<Step>> {
    // The scripts of CUDA's crates want a toolkit, unless they are told that only documentation is built.
    const NO_TOOLKIT: &[(&str, &str)] = &[("DOCS_RS", "1")];
    const NO_WARNINGS: &[(&str, &str)] = &[("DOCS_RS", "1"), ("RUSTDOCFLAGS", "-D warnings")];
    Ok(vec![
        Step::new("fmt", "cargo fmt --all --check"),
        Step::new("tidy", "cargo xtask tidy"),
        Step::new("package", "cargo xtask package-size"),
        Step::new("public api", "cargo xtask public-api --check"),
        Step::new("foreign", "bash .ci/foreign/run"),
        // The build without Burn and its tests, for other machines, and what parses bytes under AddressSanitizer.
        Step::new("targets", "bash .ci/targets"),
        Step::new("sanitize", "bash .ci/sanitize"),
        Step::new("test", &readme_test_command()?),
        // An application with a network of its own, and the importer's layers against burn-onnx's. Nothing of Burn is optimised there, so
        // that its build script and it have the same.
        Step::new("example", "cargo test --manifest-path examples/own-backbone/Cargo.toml"),
        Step::new("untracked", "cargo xtask untracked"),
        // The Python package, from its wheel, beside the program that the tests have built.
        Step::new("python", "bash .ci/python"),
        // These use what the test command has built. Without a target that takes dev-dependencies (the example) some crates would
        // have fewer features than in the tests, and Burn would be compiled anew.
        Step::new("embed", "bash .ci/embed-resnet18 --workspace --example one_stage --features wgpu"),
        Step::new("instructions", "cargo xtask instruction-counts --features wgpu"),
        Step::new(
            "clippy",
            &format!(
                "cargo clippy --workspace --all-targets --features {EVERYTHING},document-features,patchcore-cli/parquet,patchcore-python/extension-module -- -D warnings"
            ),
        )
        .with(NO_TOOLKIT),
        // What the README's first command builds: no Burn, which the rest of the workspace would bring in.
        Step::new("plain", "cargo check --package patchcore-cli --bin patchcore"),
        // On what clippy has checked, Burn included: the same features, and a target that takes dev-dependencies (an example).
        Step::new(
            "doc",
            &format!(
                "cargo doc --workspace --no-deps --lib --bin xtask --example quickstart --features patchcore-cli/parquet,patchcore-python/extension-module --features {EVERYTHING},document-features"
            ),
        )
        .with(NO_WARNINGS),
        Step::new("deny", "cargo deny --log-level error check licenses bans sources"),
    ])
}

/// The test command of the README, word for word.
fn readme_test_command() -> anyhow::Result<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).context("cannot read README.md")?;
    let command = readme.lines().find(|line| line.starts_with("cargo test "));
    Ok(command.context("README.md has no line that begins with `cargo test `")?.to_owned())
}

impl Ci {
    /// Runs every step; the first failure ends it. What each step cost is printed in either case.
    pub fn run(&self) -> anyhow::Result<()> {
        let steps = steps()?;
        for name in &self.only {
            let known: Vec<&str> = steps.iter().map(|step| step.name).collect();
            ensure!(known.contains(&name.as_str()), "no step `{name}`: choose among {}", known.join(", "));
        }
        // Asked once: the tests may put another file in its place.
        let this_program = std::env::current_exe().context("cannot tell where this program lies")?;
        let mut costs: Vec<(&str, Duration)> = Vec::new();
        let mut ended = Ok(());
        for step in steps.iter().filter(|step| self.only.is_empty() || self.only.iter().any(|name| name == step.name)) {
            println!("=== {}: {}", step.name, step.shown());
            if self.list {
                continue;
            }
            let started = Instant::now();
            ended = step.run(&this_program);
            costs.push((step.name, started.elapsed()));
            if ended.is_err() {
                break;
            }
        }
        print!("{}", table(&costs));
        println!("steps: {} passed, {} failed", costs.len() - usize::from(ended.is_err()), usize::from(ended.is_err()));
        ended
    }
}

fn table(costs: &[(&str, Duration)]) -> String {
    let seconds = |time: Duration| time.as_secs_f64();
    let total: f64 = costs.iter().map(|(_, time)| seconds(*time)).sum();
    let row = |name: &str, time: f64| format!("| {name:<13} | {time:>7.0} |\n");
    let rows: String = costs.iter().map(|(name, time)| row(name, seconds(*time))).collect();
    format!("\n| step          | seconds |\n|---------------|---------|\n{rows}{}", row("all", total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_step_is_the_readmes_command() {
        let steps = steps().unwrap();
        let test = steps.iter().find(|step| step.name == "test").unwrap();
        assert_eq!(test.shown(), "cargo test --workspace --features wgpu");
    }

    #[test]
    fn documentation_is_made_of_what_clippy_has_checked() {
        let steps = steps().unwrap();
        let features = |name: &str| {
            let command = &steps.iter().find(|step| step.name == name).unwrap().command;
            let values = command.windows(2).filter(|words| words[0] == "--features").map(|words| words[1].as_str());
            values.flat_map(|value| value.split(',')).map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(features("doc"), features("clippy"));
    }

    #[test]
    fn the_published_documentation_has_the_features_of_the_doc_step() {
        let steps = steps().unwrap();
        let doc = steps.iter().find(|step| step.name == "doc").unwrap().command.last().unwrap().clone();
        for package in ["patchcore", "patchcore-core"] {
            let manifest = std::fs::read_to_string(root().join("crates").join(package).join("Cargo.toml")).unwrap();
            let manifest: toml::Table = manifest.parse().unwrap();
            let features = manifest["package"]["metadata"]["docs"]["rs"]["features"].as_array().unwrap();
            let features: Vec<&str> = features.iter().map(|name| name.as_str().unwrap()).collect();
            assert_eq!(features.join(","), doc, "{package}");
        }
    }

    #[test]
    fn the_table_names_every_step_and_the_sum() {
        let costs = [("fmt", Duration::from_millis(1400)), ("test", Duration::from_secs(900))];
        let table = table(&costs);
        assert!(table.contains("| fmt           |       1 |"), "{table}");
        assert!(table.ends_with("| all           |     901 |\n"), "{table}");
    }
}
