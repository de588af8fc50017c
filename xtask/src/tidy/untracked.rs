//! `cargo xtask untracked`: after the tests, that they left nothing in the repository.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use super::root;

/// Fail on files in the repository that git does not track: what tests write belongs into temporary folders.
#[derive(Debug, Args)]
pub struct Untracked;

impl Untracked {
    /// Prints every such file; an error if there is one.
    ///
    /// # Errors
    /// Files that are left over, a git that does not run.
    pub fn run(&self) -> anyhow::Result<()> {
        let found = left_over(&status(&root())?);
        for file in &found {
            eprintln!("{file}: not tracked: add it to git, or remove it and have what wrote it use a temporary folder");
        }
        ensure!(found.is_empty(), "{} files or folders that git does not track", found.len());
        println!("no untracked file");
        Ok(())
    }
}

/// What git says of everything that differs from the last commit or is ignored, entries separated by NUL.
fn status(root: &Path) -> anyhow::Result<String> {
    let arguments = ["status", "--porcelain", "-z", "--untracked-files=all", "--ignored=matching"];
    let status = Command::new("git").args(arguments).current_dir(root).output().context("cannot run git")?;
    ensure!(status.status.success(), "git status failed: {}", String::from_utf8_lossy(&status.stderr));
    Ok(String::from_utf8_lossy(&status.stdout).into_owned())
}

/// Files that are not tracked, and ignored ones that are no build folder: an ignored folder hides what tests leave there.
fn left_over(status: &str) -> Vec<String> {
    let is_build_folder = |path: &str| path == "target/" || path.ends_with("/target/");
    let left_over = |entry: &str| match entry.split_at_checked(3)? {
        ("?? ", path) => Some(path.to_owned()),
        ("!! ", path) if !is_build_folder(path) => Some(path.to_owned()),
        _ => None,
    };
    status.split('\0').filter_map(left_over).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untracked_and_ignored_files_are_left_over_and_build_folders_are_not() {
        assert_eq!(left_over(""), [""; 0]);
        let clean = "!! target/\0!! examples/own-backbone/target/\0 M README.md\0R  new.rs\0old.rs\0";
        assert_eq!(left_over(clean), [""; 0]);
        let status =
            " M README.md\0?? crates/a/no such folder/x.json\0!! patchcore-demo/\0!! target/\0!! target/x/targets/\0";
        assert_eq!(left_over(status), ["crates/a/no such folder/x.json", "patchcore-demo/", "target/x/targets/"]);
    }

    #[test]
    fn git_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let done = Command::new("git").args(arguments).current_dir(folder.path()).output().unwrap();
            assert!(done.status.success(), "{done:?}");
        };
        git(&["init", "--quiet"]);
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(".gitignore", "/target\n/demo\n");
        write("target/debug/program", "");
        git(&["add", "--all"]);
        assert_eq!(left_over(&status(folder.path()).unwrap()), [""; 0]);
        write("a b/c.json", "");
        write("demo/report.html", "");
        assert_eq!(left_over(&status(folder.path()).unwrap()), ["a b/c.json", "demo/"]);
    }
}
