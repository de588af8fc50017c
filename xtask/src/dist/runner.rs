//! Runs a program that was built for another user's machine: with nothing of ours around it, and if asked without a network.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::target::Target;
use crate::child::output_of;
use crate::release_build::target as target_folder;
use crate::tidy::root;

/// Where a program runs: a folder for its work, and an empty one as the user's home.
pub struct Runner {
    target: Target,
    program: PathBuf,
    /// The folder that it runs in.
    pub work: PathBuf,
    home: PathBuf,
    /// What stands before the program in the command line.
    before: Vec<String>,
}

impl Runner {
    /// Runs `program` with its home and its work in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(target: Target, program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let [work, home] = ["work", "home"].map(|name| folder.join(name));
        for folder in [&work, &home] {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let wine = (target == Target::WindowsGnu).then(|| root().join(".ci/wine").display().to_string());
        Ok(Self { target, program: std::path::absolute(program)?, work, home, before: wine.into_iter().collect() })
    }

    /// Takes the network away: in a network namespace of its own, which an unprivileged user may make only as part of a user
    /// namespace.
    ///
    /// # Errors
    /// This machine allows neither.
    pub fn without_network(mut self) -> anyhow::Result<Self> {
        let allowed = |flag: &&str| {
            let tried = Command::new("/usr/bin/unshare").args([*flag, "--", "/bin/true"]).output();
            tried.is_ok_and(|done| done.status.success())
        };
        let flag = ["-n", "-rn"].into_iter().find(|flag| allowed(flag));
        let flag =
            flag.context("`unshare -n` and `unshare -rn` both fail: without a network nothing can be run here")?;
        self.before.splice(0..0, ["/usr/bin/unshare", flag, "--"].map(str::to_owned));
        Ok(self)
    }

    /// What the program prints.
    ///
    /// # Errors
    /// It fails: with what it said.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let program = self.program.display().to_string();
        let (first, rest) = match self.before.split_first() {
            Some((first, rest)) => (first.clone(), [rest, &[program]].concat()),
            None => (program, Vec::new()),
        };
        let mut command = Command::new(first);
        command.args(rest).args(arguments).current_dir(&self.work).env_clear().env("HOME", &self.home);
        if self.target == Target::WindowsGnu {
            // Wine is a program of this machine; its folders are kept, since making them takes long.
            command.env("PATH", "/usr/bin:/bin").env("WINEPREFIX", target_folder().join("wine"));
        }
        output_of(&mut command)
    }

    /// Makes sure that it runs in a network namespace without any device that is up.
    ///
    /// # Errors
    /// There is a way out.
    pub fn check_network(&self) -> anyhow::Result<()> {
        let (first, rest) = self.before.split_first().context("the network was not taken away")?;
        let unshared = rest.iter().take_while(|word| *word != "--");
        let routes = output_of(Command::new(first).args(unshared).args(["--", "/bin/cat", "/proc/net/route"]))?;
        ensure!(routes.lines().count() <= 1, "there are routes out of the namespace:\n{routes}");
        Ok(())
    }
}
