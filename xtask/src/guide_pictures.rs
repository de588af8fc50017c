//! `cargo xtask guide-pictures`: the pictures of the README, of docs/guide and of docs/how-to/good-parts-keep-coming.md, made by the program from the demo's photos.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::release_build::{release_build, target};
use crate::tidy::root;

/// Makes them anew.
#[derive(Debug, Args)]
pub struct GuidePictures {
    /// The browser that takes the picture of the report
    #[arg(long, value_name = "FILE", default_value = "/usr/bin/chromium")]
    chromium: PathBuf,
    /// The program, built already [default: it is built in release mode]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

impl GuidePictures {
    /// Builds the program, runs it in a folder of its own, and copies six of its pictures.
    ///
    /// # Errors
    /// A command that fails, a file that cannot be written.
    pub fn run(&self) -> anyhow::Result<()> {
        let target = target();
        let work = target.join("guide-pictures");
        let _ = std::fs::remove_dir_all(&work);
        std::fs::create_dir_all(&work)?;
        let program = match &self.program {
            Some(program) => std::path::absolute(program)?,
            None => release_build(&root(), "patchcore-cli", "patchcore", &[])?,
        };
        let patchcore = |line: &str| {
            let mut command = Command::new(&program);
            done(command.args(line.split_whitespace()).current_dir(&work))
        };
        patchcore("demo -o flange")?;
        copy(&work.join("flange/overlays/scratch/000.jpg.overlay.png"), "panel.png")?;

        // The README's: a verdict wants a threshold.
        patchcore("fit --data flange/flange -o part.patchcore")?;
        patchcore("calibrate --model part.patchcore --good flange/flange/test/good --fpr 0.3")?;
        patchcore("score --model part.patchcore flange/flange/test/scratch/000.jpg --overlays out")?;
        copy(&work.join("out/000.jpg.overlay.png"), "verdict.png")?;

        // A defective part among the good ones, as it happens.
        let mixed = work.join("good");
        std::fs::create_dir_all(&mixed)?;
        for entry in std::fs::read_dir(work.join("flange/flange/train/good"))? {
            let entry = entry?;
            std::fs::copy(entry.path(), mixed.join(entry.file_name()))?;
        }
        std::fs::copy(work.join("flange/flange/test/missing_hole/000.jpg"), mixed.join("100.jpg"))?;
        patchcore("fit --data good -o mixed.patchcore")?;
        patchcore("audit --model mixed.patchcore -o audit --top 1")?;
        copy(&work.join("audit/001_100.jpg.pair.png"), "audit.png")?;

        // A false alarm of the week, and a scratch after it was added.
        let of = |numbers: std::ops::Range<u32>, folder: &str| -> anyhow::Result<()> {
            let folder = work.join(folder);
            std::fs::create_dir_all(&folder)?;
            for photo in numbers.map(|number| format!("{number:03}.jpg")) {
                std::fs::copy(work.join("flange/flange/train/good").join(&photo), folder.join(&photo))?;
            }
            Ok(())
        };
        of(0..4, "monday")?;
        of(16..17, "false-alarms")?;
        of(23..24, "false-alarms")?;
        patchcore("fit --data monday -o week.patchcore")?;
        patchcore("calibrate --model week.patchcore --good flange/flange/test/good --fpr 0.5")?;
        patchcore("score --model week.patchcore false-alarms/016.jpg --explain why")?;
        copy(&work.join("why/016.jpg.explained.png"), "false-alarm.png")?;
        patchcore("extend week.patchcore --data false-alarms")?;
        patchcore("score --model week.patchcore flange/flange/test/scratch/000.jpg --overlays friday")?;
        copy(&work.join("friday/000.jpg.overlay.png"), "friday.png")?;

        let page = format!("file://{}", work.join("flange/report.html").display());
        let mut browser = Command::new(&self.chromium);
        browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,1250"]);
        let picture = work.join("report.png");
        browser.arg(format!("--screenshot={}", picture.display())).arg(&page);
        done(&mut browser).context("give a Chromium with --chromium")?;
        copy(&picture, "report.png")
    }
}

fn copy(from: &Path, name: &str) -> anyhow::Result<()> {
    let to = root().join("docs/guide").join(name);
    std::fs::copy(from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    println!("wrote {}", to.display());
    Ok(())
}

fn done(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(status.success(), "{} failed", command.get_program().display());
    Ok(())
}
