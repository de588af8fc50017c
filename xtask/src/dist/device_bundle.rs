//! `cargo xtask device-bundle`: a folder that checks the GPUs of a Linux machine on which nothing is but a driver.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use super::crates::crates;
use super::licences::licences;
use super::needs::needs;
use super::program::{build, names_no_folder};
use super::target::Target;
use crate::child::output_of;
use crate::release_build::target as target_folder;
use crate::tidy::root;

/// Make a folder that checks a machine's GPUs, in target/device-bundle.
#[derive(Debug, Args)]
pub struct DeviceBundle {
    /// Cargo features of the program, separated by commas
    #[arg(long, default_value = "bmp,cpu,jpeg,png,tiff,webp,vulkan,wgpu")]
    features: String,
    /// Cargo profile of the build
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Build nothing: take this program, which was built with those features
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    program: Option<PathBuf>,
    /// Where the folder is made
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// The most that it may have, in MiB.
const MOST: u64 = 45;

const SCRIPT: &str = include_str!("device-check.sh");

/// Where distributions keep the Vulkan loader.
const LOADERS: [&str; 3] =
    ["/usr/lib/x86_64-linux-gnu/libvulkan.so.1", "/usr/lib64/libvulkan.so.1", "/usr/lib/libvulkan.so.1"];
/// Its licence in Debian's package.
const LOADER_LICENCE: &str = "/usr/share/doc/libvulkan1/copyright";

const README: &str = "\
A check of this machine's GPUs by patchcore: what there is, whether it computes right, and how fast.

    ./device-check.sh

It needs Linux on x86-64 and a graphics driver, and neither network nor rights. It takes less than six minutes, and writes
device-check-results/device-check.md to read and device-check.json to send. A driver that crashes, hangs or computes wrong is named there.

lib/       the Vulkan loader, for a machine that has none, with its licence
data/      two models, forty photos (drawn by this project), and what a CPU computed for them
patchcore  the program; `./patchcore --help` says what else it does

Licences: LICENSE-MIT or LICENSE-APACHE, at your choice; THIRD-PARTY-LICENSES.txt for others' work in the program.
";

impl DeviceBundle {
    /// Makes it.
    ///
    /// # Errors
    /// A build that fails, a machine without a Vulkan loader, a folder that has grown too large.
    pub fn run(&self) -> anyhow::Result<()> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => build(Target::LinuxGnu, &self.features, &self.profile)?.path,
        };
        let out = self.output.clone().unwrap_or_else(|| target_folder().join("device-bundle"));
        if out.exists() {
            ensure!(out.join("device-check.sh").exists(), "{} is there, and no folder of this task", out.display());
            fs::remove_dir_all(&out)?;
        }
        fs::create_dir_all(out.join("lib"))?;
        let bytes = fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
        if self.program.is_none() {
            names_no_folder(&bytes)?;
        }
        let placed = out.join("patchcore");
        fs::write(&placed, &bytes)?;
        fs::write(out.join("device-check.sh"), SCRIPT)?;
        for program in [&placed, &out.join("device-check.sh")] {
            make_executable(program)?;
        }
        let loader = LOADERS.into_iter().find(|path| Path::new(path).exists());
        let loader = loader.context("no libvulkan.so.1 here: `apt-get install libvulkan1`")?;
        fs::copy(loader, out.join("lib/libvulkan.so.1"))?;
        fs::copy(LOADER_LICENCE, out.join("lib/LICENSE-libvulkan.txt"))
            .with_context(|| format!("cannot read {LOADER_LICENCE}, the loader's licence"))?;
        for name in ["LICENSE-APACHE", "LICENSE-MIT", "NOTICES.md"] {
            fs::copy(root().join(name), out.join(name))?;
        }
        let title = format!("Licences of others' work in patchcore {}", env!("CARGO_PKG_VERSION"));
        fs::write(out.join("THIRD-PARTY-LICENSES.txt"), licences(&title, &crates(Target::LinuxGnu, &self.features)?)?)?;
        fs::write(out.join("README.txt"), README)?;
        let data = out.join("data");
        output_of(Command::new(&placed).args(["device-check", "--prepare"]).arg(&data))?;

        let files = files_under(&out)?;
        let size: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        println!(
            "{}: {} files, {:.1} MiB, of which the program {:.1} MiB; it runs on: {}",
            out.display(),
            files.len(),
            size as f64 / f64::from(1 << 20),
            bytes.len() as f64 / f64::from(1 << 20),
            needs(&bytes)?
        );
        println!("copy it to the machine and run: {}/device-check.sh", out.display());
        ensure!(size < MOST << 20, "the folder has {} MiB, expected less than {MOST}", size >> 20);
        Ok(())
    }
}

/// Every file with its size.
fn files_under(folder: &Path) -> anyhow::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_under(&path)?);
        } else {
            let bytes = fs::metadata(&path)?.len();
            files.push((path, bytes));
        }
    }
    Ok(files)
}

fn make_executable(path: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    let _ = path;
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    /// A program that says what it was given.
    fn bundle(folder: &Path) {
        fs::write(folder.join("device-check.sh"), SCRIPT).unwrap();
        let program = "#!/bin/sh\necho \"drivers ${VK_DRIVER_FILES-none}\"\nfor word; do echo \"word $word\"; done\n";
        fs::write(folder.join("patchcore"), program).unwrap();
        make_executable(&folder.join("device-check.sh")).unwrap();
        make_executable(&folder.join("patchcore")).unwrap();
    }

    #[test]
    fn the_script_takes_the_driver_that_is_named_and_passes_options_on() {
        let folder = tempfile::tempdir().unwrap();
        bundle(folder.path());
        let said = |drivers: Option<&str>, words: &[&str]| {
            let mut command = Command::new(folder.path().join("device-check.sh"));
            command.args(words).current_dir(folder.path()).env_clear();
            drivers.map(|drivers| command.env("VK_DRIVER_FILES", drivers));
            output_of(&mut command).unwrap()
        };
        let text = said(Some("/a driver/icd.json"), &["my results", "--seconds", "9"]);
        assert!(text.contains("drivers /a driver/icd.json\n"), "{text}");
        for word in ["device-check", "--from", "-o", "my results", "--seconds", "9"] {
            assert!(text.contains(&format!("word {word}\n")), "{word}: {text}");
        }
        assert!(folder.path().join("my results").is_dir());
        // Without a name for the results, and with nothing at all in the environment.
        let text = said(None, &["--seconds", "9"]);
        assert!(text.contains("word device-check-results\n") && text.contains("word 9\n"), "{text}");
    }
}
