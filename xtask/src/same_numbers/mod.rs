//! `cargo xtask same-numbers`: does this working tree compute the same bits as a commit?
//!
//! The commit is built in a worktree of its own, both programs fit, calibrate and score the same photographs, and what they
//! answered is compared bit by bit: image scores, anomaly maps, bank rows, where these come from, thresholds. A rebuild of the
//! house that must move no number is checked with this before it is committed.
//!
//! Everything lies under `target/same-numbers`: one folder a commit, with its program and one file of answers a case, which
//! are kept; one folder for the program of the working tree, named by its digest. So a run that was interrupted goes on where
//! it was, and another run against the same commit runs the new side alone.

mod answers;
mod case;
mod difference;
mod program;
mod subset;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use patchcore_testing::find_shared;

use answers::Answers;
use case::{Case, InstructionSet};
use program::Program;

use crate::release_build::target;

/// The last commit that was to move a number of the published modes: photos that are not square became whole cells. Two things may
/// still move bits, each in a commit of its own that says what moved and stands here from then on: what a JPEG decodes to, and the order
/// of a sum in a faster kernel.
const FROZEN: &str = "3e4efa342e7d7a05e392792ca4eb7fd0eb941b87";

/// Compare the bits that this working tree computes with those of a commit; exit code 1 on any difference.
#[derive(Debug, Args)]
pub struct SameNumbers {
    /// The commit to compare with; by default the one since which the three published modes are frozen
    #[arg(long, value_name = "COMMIT", default_value = FROZEN)]
    against: String,
    /// The embedded network, two sets of photos and the processor's own instructions: minutes, for every commit
    #[arg(long)]
    quick: bool,
    /// Compare this program instead of a release build of the working tree
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Only cases whose name contains this text, such as `bottle` or `flex:tensors`
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

impl SameNumbers {
    /// Builds, runs every case on both sides, and prints what differs.
    pub fn run(&self) -> anyhow::Result<()> {
        let shared =
            find_shared("")?.context("no ../shared with photographs and weights: name it by PATCHCORE_SHARED")?;
        let folder = target().join("same-numbers");
        let old = Program::of_commit(&self.against, &folder)?;
        let new = Program::of_working_tree(self.program.as_deref(), &folder)?;
        let wanted = |case: &Case| self.only.as_ref().is_none_or(|text| case.name().contains(text));
        let cases: Vec<Case> = case::cases(self.quick, new.instructions()).into_iter().filter(wanted).collect();
        anyhow::ensure!(!cases.is_empty(), "no case of that name");
        println!("{} cases; {} against {}", cases.len(), new.name(), old.name());
        let [mut different, mut alone] = [0usize; 2];
        let mut threads = Threads::default();
        for (index, case) in cases.iter().enumerate() {
            let ours = run(case, &new, &shared)?;
            let mut found = threads.differences(case, &ours);
            let compared = is_known(&case.instructions, old.instructions());
            if compared {
                let theirs = run(case, &old, &shared)?;
                found.extend(difference::differences(&theirs, &ours));
            } else {
                alone += 1;
            }
            let verdict = match (found.is_empty(), compared) {
                (false, _) => "DIFFERENT",
                (true, true) => "same",
                (true, false) => "not compared",
            };
            println!("{:>3}/{} {}: {verdict}", index + 1, cases.len(), case.name());
            found.iter().for_each(|line| println!("        {line}"));
            different += usize::from(!found.is_empty());
        }
        if alone > 0 {
            println!(
                "{alone} cases of other instruction sets were run on the new side only: {} has no name for them",
                old.name()
            );
        }
        if different > 0 {
            bail!("{different} of {} cases differ from {}", cases.len(), old.name());
        }
        println!("the same bits in all {} cases", cases.len() - alone);
        Ok(())
    }
}

/// Whether a program that can be limited to `sets` can be asked for a case's set. The sets of an older program are fewer, and its
/// `avx512` has VNNI: the bits are the same.
fn is_known(instructions: &InstructionSet, sets: Option<&[String]>) -> bool {
    match instructions {
        InstructionSet::Native => true,
        InstructionSet::Named(name) => sets.is_some_and(|sets| sets.contains(name)),
    }
}

/// The answers of a program to a case: those that are kept, else those of a run, which are kept.
fn run(case: &Case, program: &Program, shared: &Path) -> anyhow::Result<Answers> {
    let file = program.folder().join(format!("{}.answers", case.file_name()));
    if let Ok(kept) = std::fs::read(&file) {
        // What cannot be read is computed again.
        if let Ok(answers) = Answers::from_bytes(&kept) {
            return Ok(answers);
        }
    }
    let answers = program.answer(case, shared).with_context(|| format!("{} on {}", program.name(), case.name()))?;
    let part = file.with_extension("part");
    std::fs::write(&part, answers.to_bytes()?).with_context(|| format!("cannot write {}", part.display()))?;
    std::fs::rename(&part, &file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(answers)
}

/// The CPU's own kernels owe the same bits on any number of threads: the answers of the case before.
#[derive(Default)]
struct Threads(Option<(Case, Answers)>);

impl Threads {
    fn differences(&mut self, case: &Case, answers: &Answers) -> Vec<String> {
        let same = |before: &Case| *before == Case { threads: before.threads, ..case.clone() };
        let found = match &self.0 {
            Some((before, theirs)) if case.device == case::Device::Own && same(before) => {
                difference::differences(theirs, answers)
                    .into_iter()
                    .map(|line| format!("{} threads against {}: {line}", case.threads, before.threads))
                    .collect()
            }
            _ => Vec::new(),
        };
        self.0 = Some((case.clone(), answers.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_program_is_asked_for_the_sets_that_it_has_names_for() {
        let older = ["portable", "avx2", "avx512"].map(str::to_owned);
        let named = |name: &str| InstructionSet::Named(name.to_owned());
        assert!(is_known(&named("avx2"), Some(&older)) && is_known(&named("avx512"), Some(&older)));
        assert!(!is_known(&named("avx_vnni"), Some(&older)) && !is_known(&named("avx2"), None));
        assert!(is_known(&InstructionSet::Native, Some(&older)) && is_known(&InstructionSet::Native, None));
    }
}
