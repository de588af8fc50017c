//! What an archive says of itself: `build.json` for programs, `INSTALL.md` for people.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::needs::Needs;

/// The file of an archive that holds them.
pub const FACTS: &str = "build.json";

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The program's version.
    pub version: String,
    /// The machine, as the compiler calls it.
    pub target: String,
    /// Cargo features of the program, separated by commas.
    pub features: String,
    /// What it wants of its machine.
    pub needs: Needs,
    /// The compiler that built it, as it names itself.
    pub compiler: String,
    /// The commit that it was built of, and whether files had been changed since (`-dirty`).
    pub commit: String,
}

impl Facts {
    /// The archive's name without its extension, which is also the folder in it.
    pub fn name(&self) -> String {
        format!("patchcore-{}-{}", self.version, self.target)
    }

    /// How to install what is in the archive.
    ///
    /// # Errors
    /// None that is known: formatting.
    pub fn install(&self, program: &str) -> Result<String, std::fmt::Error> {
        let Self { version, target, features, needs, compiler, commit } = self;
        let mut text = format!(
            "# patchcore {version} for {target}\n\n\
             Runs on: {needs}.\n\n\
             Built of commit {commit} by {compiler}, with the cargo features {features}.\n\n\
             ## Install\n\n"
        );
        if matches!(needs, Needs::Dlls(_)) {
            write!(
                text,
                "Copy `{program}` to a folder of your own and add that folder to the variable `Path`. Nothing else is needed.\n\n\
                 - Completion in PowerShell: add the line `. FOLDER\\completions\\_patchcore.ps1` to the file that `$PROFILE` names.\n"
            )?;
        } else {
            write!(
                text,
                "Copy `{program}` to a folder of your `PATH`. Nothing else is needed:\n\n    \
                 install -m 755 {program} ~/.local/bin/\n\n\
                 - Completion in bash: copy `completions/patchcore.bash` to `~/.local/share/bash-completion/completions/patchcore`.\n\
                 - In zsh: copy `completions/_patchcore` to a folder of your `fpath`.\n\
                 - In fish: copy `completions/patchcore.fish` to `~/.config/fish/completions/`.\n\
                 - Manual pages: copy `man/*.1` to `~/.local/share/man/man1/`; then `man patchcore`.\n"
            )?;
        }
        write!(
            text,
            "\n## What is here\n\n\
             - `SHA256SUMS`, beside the archive: `sha256sum --check --ignore-missing SHA256SUMS` says whether the archive is whole.\n\
             - `sbom.cdx.json`: the program's parts as CycloneDX.\n\
             - `THIRD-PARTY-LICENSES.txt`: the licences of others' work in the program; `licenses/`: those of Rust's standard library.\n\
             - `build.json`: what stands above, for programs.\n"
        )?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_glibc_is_said_and_read_back() {
        let facts = Facts {
            version: "0.1.0".to_owned(),
            target: "x86_64-unknown-linux-gnu".to_owned(),
            features: "cpu,png".to_owned(),
            needs: Needs::Glibc("2.17".to_owned()),
            compiler: "rustc 1.95.0".to_owned(),
            commit: "abc".to_owned(),
        };
        let text = facts.install("patchcore").unwrap();
        assert!(
            text.contains("Runs on: Linux with glibc 2.17 or later.") && text.contains("the cargo features cpu,png"),
            "{text}"
        );
        let json = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&json).unwrap(), facts);
    }
}
