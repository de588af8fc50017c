//! What the program itself writes for an archive: completions for shells, and manual pages.

use anyhow::{Context, ensure};

use super::archive::{File, Files};
use super::runner::Runner;

/// Shells, and how the file of each is called.
const SHELLS: [(&str, &str); 4] =
    [("bash", "patchcore.bash"), ("zsh", "_patchcore"), ("fish", "patchcore.fish"), ("powershell", "_patchcore.ps1")];

/// Completions and manual pages, by their path in an archive.
///
/// # Errors
/// The program does not run, or has no manual pages.
pub fn completions_and_pages(runner: &Runner) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for (shell, name) in SHELLS {
        let script = runner.run(&["completions", shell])?;
        ensure!(script.contains("patchcore"), "`patchcore completions {shell}` wrote no script");
        files.insert(format!("completions/{name}"), File { bytes: script.into_bytes(), is_program: false });
    }
    runner.run(&["man", "-o", "man"]).context("the program writes no manual pages: `patchcore man -o DIR`")?;
    let folder = runner.work.join("man");
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("`patchcore man -o DIR` made no folder {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(format!("man/{name}"), File { bytes: std::fs::read(&path)?, is_program: false });
    }
    let page = files.get("man/patchcore.1").context("`patchcore man -o DIR` wrote no patchcore.1")?;
    ensure!(String::from_utf8_lossy(&page.bytes).contains(".TH"), "man/patchcore.1 is no manual page");
    Ok(files)
}
