//! `cargo xtask soak NAME`: checks that take longer than CI may, run by hand. The last lines of their output belong into the
//! closing note of the work that they were run for.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use crate::dist;
use crate::long_score;
use crate::release_build::{cargo, target};
use crate::tidy::root;

/// Run a long check by hand.
#[derive(Debug, Args)]
pub struct Soak {
    /// Which
    name: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Make an archive of the program without Burn and run it with an empty home, no PATH and no network
    Dist,
    /// Type-check the core with each cargo feature alone: features are additive only if somebody tries
    Features,
    /// Run all tests of the crates without Burn, and the decoders', for aarch64 under an emulator: CI leaves the slowest out
    Targets,
    /// Compile each packed crate by itself, without Burn, against the others as they are packed
    Packages,
    /// Run the tests of files and paths, and the program, for Windows under Wine
    Windows,
    /// Kill each writing command of the program a hundred times and look at what it leaves
    Kill,
    /// Have a software GPU that multiplies matrices wrong with SPIR-V kernels refused by `doctor` and `fit` (compiles Burn with them)
    WrongDevice,
    /// Compare 2,000 JPEGs of random scans and samplings with libjpeg (`cjpeg` and `djpeg`)
    Jpeg,
    /// Score 20,000 photos in one run: its memory does not grow after the first 1,000, and its pace does not fall
    /// (PATCHCORE_SOAK_PHOTOS: another number)
    Score,
    /// Test the Python package with a cluster of Ray: three nodes, a worker that is killed
    Ray,
    /// Build and test the Python package for GPUs, `patchcore-wgpu`, on a software Vulkan device (compiles Burn)
    WgpuWheel,
    /// Explore the handshake of the CPU kernels' threads with loom, in every order that its bounds allow
    Team,
}

/// What is type-checked alone, as far as a machine without a GPU can tell.
const FEATURES: [&str; 12] = [
    "",
    "cpu",
    "flex",
    "wgpu",
    "vulkan",
    "metal",
    "webgpu",
    "cuda",
    "rocm",
    "fusion",
    "autotune",
    "flex,wgpu,fusion,autotune",
];

impl Soak {
    /// Runs it; the first failure ends it.
    pub fn run(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        match self.name {
            Name::Dist => dist::make_and_check()?,
            Name::Features => {
                for features in FEATURES {
                    let check = ["check", "-p", "patchcore-core", "--no-default-features", "--features", features];
                    // The scripts of CUDA's crates want a toolkit, unless they are told that only documentation is built.
                    run(cargo().args(check).env("DOCS_RS", "1"))?;
                }
            }
            Name::Targets => run(Command::new("bash").args([".ci/targets", "run"]))?,
            Name::Packages => {
                let features = "patchcore/cpu,patchcore-core/cpu,patchcore-cli/cpu";
                let build = ["xtask", "package-size", "--build", "--", "--no-default-features", "--features", features];
                run(cargo().args(build))?;
            }
            Name::Windows => run(Command::new("bash").args([".ci/targets", "windows"]))?,
            Name::WrongDevice => run(Command::new("bash").args([".ci/wrong-device"]))?,
            Name::Kill => {
                let test = ["test", "-p", "patchcore-cli", "--test", "it", "killed::"];
                run(cargo().args(test).env("PATCHCORE_KILLS", "100"))?;
            }
            Name::Jpeg => {
                let compare = ["run", "--release", "-p", "patchcore-io", "--example", "jpeg_against_libjpeg", "2000"];
                run(cargo().args(compare))?;
            }
            Name::Score => long_score::run()?,
            Name::Ray => run(Command::new("bash").arg(".ci/python").env("PATCHCORE_RAY", "1"))?,
            Name::WgpuWheel => run(Command::new("bash").args([".ci/python", "wgpu"]))?,
            Name::Team => {
                let test = ["test", "-p", "patchcore-cpu", "--release", "--lib", "team"];
                // Other flags are another build of everything: it must not take the place of the usual one.
                let apart = [("RUSTFLAGS", "--cfg loom".into()), ("CARGO_TARGET_DIR", target().join("loom"))];
                run(cargo().args(test).envs::<_, _, PathBuf>(apart))?;
            }
        }
        let name = self.name.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        println!("soak {name}: passed after {:.0} s", started.elapsed().as_secs_f64());
        Ok(())
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    println!("{command:?}");
    let status = command.current_dir(root()).status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}
