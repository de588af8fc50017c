//! `patchcore devices`: what can compute here, and how to get the rest.

use anyhow::Context;
use patchcore::devices::{DeviceReport, DeviceState, devices_of};
use patchcore::{BACKENDS, Backend, INSTRUCTIONS, Instructions, Precision, open_device};
use serde_json::json;

use crate::arguments::{Devices, InspectFormat};
use crate::device::run_subprocess;
use crate::outcome::Outcome;
use crate::output;

pub fn run(arguments: &Devices) -> anyhow::Result<Outcome> {
    let threads = crate::threads::in_force();
    if let Some(name) = &arguments.of {
        BACKENDS.into_iter().filter(|backend| backend.name() == name).for_each(|backend| drop(devices_of(backend)));
        return Ok(Outcome::Done);
    }
    let cpu = open_device(Backend::Cpu.name(), Precision::F32, None)?.instructions();
    let cpu = cpu.context("the device `cpu` computes by kernels of its own")?;
    let devices = BACKENDS.into_iter().map(list_in_subprocess).collect::<anyhow::Result<Vec<_>>>()?;
    let devices: Vec<DeviceReport> = devices.into_iter().flatten().collect();
    let available: Vec<Instructions> = Instructions::available().collect();
    if arguments.format == InspectFormat::Json {
        // Known: all that `--instructions` has a name for, on whatever processor.
        let instructions =
            json!({ "used": cpu, "available": available, "known": INSTRUCTIONS, "int8": int8_products(cpu) });
        let said = json!({ "threads": threads, "instructions": instructions, "devices": devices });
        output::print(&format!("{said:#}\n"))?;
        say_next(&devices);
        return Ok(Outcome::Done);
    }
    let text: String = devices.iter().map(|device| line(device, threads, cpu, &available)).collect();
    output::print(&text)?;
    say_next(&devices);
    Ok(Outcome::Done)
}

/// The first device that is there, of which the GPUs come first.
fn say_next(devices: &[DeviceReport]) {
    let first = devices.iter().find(|device| matches!(device.state, DeviceState::Present(_)));
    output::next(&format!("patchcore doctor --device {}", first.map_or("cpu", |device| &device.name)));
}

/// The devices of a backend, listed by another process first: a driver may end the one that loads it.
fn list_in_subprocess(backend: Backend) -> anyhow::Result<Vec<DeviceReport>> {
    let is_safe = matches!(backend, Backend::Cpu | Backend::Flex) || !backend.is_compiled_in();
    let ended = if is_safe { None } else { run_subprocess(&["devices", "--of", backend.name()])? };
    Ok(match ended {
        None => devices_of(backend),
        Some(how) => {
            let reason = format!("its driver ended the process that looked ({how}): update the driver");
            vec![DeviceReport::absent(backend, reason)]
        }
    })
}

/// What one instruction of a set multiplies in a network of int8. By its name: a later set has a kind of its own.
fn int8_products(set: Instructions) -> &'static str {
    match set.name() {
        "avx_vnni" | "avx512_vnni" | "neon_dot" => "products of four bytes",
        "amx" => "products of matrices of bytes",
        _ => "products of two 16-bit numbers",
    }
}

fn line(device: &DeviceReport, threads: usize, used: Instructions, available: &[Instructions]) -> String {
    let state = match &device.state {
        DeviceState::Present(_) if matches!(device.name.as_str(), "cpu" | "flex") => {
            let sets = available.iter().map(|set| set.name()).collect::<Vec<_>>().join(", ");
            let (used, int8) = (used.name(), int8_products(used));
            format!("ready: the CPU, {threads} threads, {used} instructions (it has {sets}); an int8 network by {int8}")
        }
        DeviceState::Present(properties) => {
            let memory = properties.memory_bytes.map_or(String::new(), |bytes| format!(", {} MiB", bytes >> 20));
            let software = if properties.is_software { ", a CPU that poses as a GPU" } else { "" };
            format!("present: {} ({}){memory}{software}", properties.hardware, properties.driver)
        }
        DeviceState::Absent { reason } => format!("compiled in, but not present: {reason}"),
        DeviceState::NotCompiledIn { feature } => {
            format!("not compiled in: cargo build --release --features {feature}")
        }
        _ => "unknown".to_owned(),
    };
    format!("{:<10} {state}\n", device.name)
}
