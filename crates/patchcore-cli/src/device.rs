//! Opening the device that a command names: the first time in a process of its own, which a bad driver may end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use patchcore::devices::{forget, is_proved, note_crash, open_device};
use patchcore::{Backend, ComputeDevice, LoadOptions, Model, Precision, PrecisionChoice};

use crate::arguments::{Compute, Loading, ModelSource};
use crate::interrupt::{Watch, is_asked};
use crate::output;

/// Opens a device that has passed the self-check.
pub fn open(compute: &Compute) -> anyhow::Result<ComputeDevice> {
    let precision = compute.precision_without_model()?;
    note_auto(compute)?;
    try_in_subprocess(&compute.device, precision)?;
    let device = open_device(&compute.device, precision, compute.instructions()?)?;
    log_device(&device);
    Ok(device)
}

/// For `-v`: what is computed, setting by setting.
pub fn log_settings(settings: Vec<(&'static str, String)>) {
    settings.iter().for_each(|(name, value)| tracing::debug!("{name}: {value}"));
}

/// For `-v`: what computes.
fn log_device(device: &ComputeDevice) {
    let instructions = device.instructions().map(|set| format!(", {} instructions", set.name())).unwrap_or_default();
    let threads = crate::threads::in_force();
    tracing::debug!("device {} in {}{instructions}, {threads} threads", device.name(), device.precision().name());
}

/// Loads a model on such a device; a drift that was allowed is a warning.
pub fn load(source: &ModelSource) -> anyhow::Result<Model> {
    load_file(&source.model, &source.loading)
}

/// [`load`], of a model's file.
pub fn load_file(model: &Path, loading: &Loading) -> anyhow::Result<Model> {
    Ok(load_file_saying_why(model, loading)?.0)
}

/// [`load`], with what `--precision auto` has chosen and why.
pub fn load_saying_why(source: &ModelSource) -> anyhow::Result<(Model, Option<PrecisionChoice>)> {
    load_file_saying_why(&source.model, &source.loading)
}

fn load_file_saying_why(path: &Path, source: &Loading) -> anyhow::Result<(Model, Option<PrecisionChoice>)> {
    let named = source.compute.precision()?;
    try_in_subprocess(&source.compute.device, named.unwrap_or_default())?;
    let mut options = LoadOptions::default().device(&source.compute.device);
    options.weights = source.weights.clone();
    options.instructions = source.compute.instructions()?;
    options.allow_drift = source.allow_drift;
    let (model, choice) = match named {
        Some(precision) => (Model::load_with(path, &options.precision(precision))?, None),
        None => {
            let device = open_device(&source.compute.device, Precision::F32, None)?;
            for precision in device.precisions() {
                try_in_subprocess(&device.name(), precision)?;
            }
            let started = Instant::now();
            let (model, choice) = Model::load_fastest(path, &options, &|| started.elapsed())?;
            output::note(&format!("--precision auto is {choice}"));
            (model, Some(choice))
        }
    };
    let precision = model.device().precision();
    log_device(model.device());
    log_settings(model.config().described());
    if let (Some(drift), Some(passport)) = (model.drift(), model.passport())
        && drift.worst() > passport.tolerance(model.config(), precision)
    {
        tracing::warn!(
            "device {} scores the model's own pictures differently than the device of the fit: image score off by {:.1e}, map by {:.1e}, features by {:.1e} of their values",
            model.device().name(),
            drift.score,
            drift.map,
            drift.features
        );
    }
    Ok((model, choice))
}

/// Says what `--precision auto` is where there is no model whose passport could decide.
pub fn note_auto(compute: &Compute) -> anyhow::Result<()> {
    if compute.precision()?.is_none() {
        output::note("--precision auto is f32 here: there is no model yet whose passport could decide");
    }
    Ok(())
}

/// Has the devices that a name stands for tried by other processes: of several one after the other, up to the first that passes
/// the self-check.
pub fn try_in_subprocess(device: &str, precision: Precision) -> anyhow::Result<()> {
    for name in stands_for(device) {
        try_one(&name, precision)?;
        if is_proved(&name, precision) {
            break;
        }
    }
    Ok(())
}

/// The devices that a name stands for, in the order in which the library takes them: itself, of most.
pub fn stands_for(device: &str) -> Vec<String> {
    let names = |choice: Vec<Backend>| choice.into_iter().map(|backend| backend.name().to_owned()).collect();
    Backend::choice(device).map_or_else(|| vec![device.to_owned()], names)
}

/// Has a device that has not passed the self-check yet tried by another process of this program. How that process ended
/// is what matters; its verdict is in the cache, and an error that it met is met again here.
fn try_one(device: &str, precision: Precision) -> anyhow::Result<()> {
    if is_proved(device, precision) {
        return Ok(());
    }
    // Ctrl-C ends that process too: that is no crash of the driver, and no verdict either.
    let watch = Watch::new();
    let ended = run_subprocess(&["try-device", "--device", device, "--precision", precision.name()])?;
    drop(watch);
    if is_asked() {
        forget(device, precision);
        return Err(patchcore::Error::Cancelled { what: "check of the device" }.into());
    }
    if let Some(how) = ended {
        note_crash(device, precision, &how);
    }
    Ok(())
}

/// Runs another process of this program, unheard; how a signal ended it, if one did. An exit code is no crash.
pub fn run_subprocess(arguments: &[&str]) -> anyhow::Result<Option<String>> {
    let program = std::env::current_exe().context("cannot find this program's own file to try the device with")?;
    let mut command = Command::new(program);
    let status = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.context("cannot start this program again to try the device with")?;
    Ok(status.code().is_none().then(|| status.to_string()))
}
