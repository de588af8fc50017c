//! `patchcore device-check`: everything that tells whether a machine's GPUs compute right and how fast, within a time, as one JSON file
//! and one page.
//!
//! Whatever touches a driver runs in a process of its own with a time limit ([`process`]): one that crashes, hangs or computes wrong is
//! named, and the rest goes on. [`work`] is what those processes do; they begin with a folder of models, photos and the CPU's recorded
//! answers ([`folder`]), which comes with the program ([`DeviceCheck::from`]) or is made here first.

mod device_memory;
mod drivers;
mod folder;
mod found;
mod page;
mod parts;
mod process;
mod work;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use patchcore::{Backend, write_beside_and_rename};

use self::folder::{Folder, prepare};
use self::found::File;
use self::parts::{Budget, Subject, check_all, subjects};
use crate::arguments::{DeviceCheck, DeviceCheckPart};
use crate::machine::machine;
use crate::outcome::Outcome;
use crate::write_plan::{Kind, WritePlan};
use crate::{output, utc};

pub fn run(arguments: &DeviceCheck) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let photos = arguments.photos as usize;
    if let Some(folder) = &arguments.prepare {
        prepare(folder, photos)?;
        output::next(&format!("patchcore device-check --from {}", folder.display()));
        return Ok(Outcome::Done);
    }
    let out = &arguments.output;
    let plan = WritePlan::new(arguments.force);
    plan.folder(out)?;
    let (json, page) = (out.join("device-check.json"), out.join("device-check.md"));
    plan.replaced(&json, Kind::DeviceCheck)?;
    plan.replaced(&page, Kind::DeviceCheckPage)?;

    let own = Scratch::new(out)?;
    let folder = match &arguments.from {
        Some(folder) => folder.clone(),
        None => {
            output::note("the CPU's answers ...");
            let folder = own.0.join("data");
            prepare(&folder, photos)?;
            folder
        }
    };
    let recorded = Folder::open(&folder)?;
    let budget = Budget { started, whole: Duration::from_secs(arguments.seconds) };
    let check = parts::Check { folder: &folder, cache: &own.0.join("cache"), budget: &budget };
    let (devices, subjects) = match arguments.device.as_slice() {
        [] => subjects(&check)?,
        named => (Vec::new(), Subject::named(named)),
    };
    let drivers = drivers::find();
    let checks = check_all(&check, subjects)?;
    let mut file = File {
        version: 1,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        date: utc::now(),
        machine: machine(),
        features: features(),
        seconds: arguments.seconds,
        took_seconds: 0.0,
        recorded: recorded.made,
        drivers,
        devices,
        verdict: String::new(),
        checks,
    };
    file.verdict = page::verdict(&file);
    file.took_seconds = started.elapsed().as_secs_f64();
    write_beside_and_rename(&json, format!("{}\n", serde_json::to_string_pretty(&file)?).as_bytes())?;
    write_beside_and_rename(&page, page::page(&file).as_bytes())?;
    output::print(&format!("{}\n{} and {}\n", file.verdict, json.display(), page.display()))?;
    Ok(Outcome::Done)
}

/// One part, in the process that was started for it.
pub fn run_part(arguments: &DeviceCheckPart) -> anyhow::Result<Outcome> {
    work::run(arguments)?;
    Ok(Outcome::Done)
}

/// The backends of this build that are no CPU, by name.
fn features() -> Vec<String> {
    let compiled = patchcore::BACKENDS.into_iter().filter(|backend| backend.is_gpu() && backend.is_compiled_in());
    compiled.map(|backend: Backend| backend.name().to_owned()).collect()
}

/// A folder for what is needed meanwhile; gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(out: &Path) -> anyhow::Result<Self> {
        let folder = out.join(format!("meanwhile-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // Processes find it wherever they begin.
        Ok(Self(folder.canonicalize().unwrap_or(folder)))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
