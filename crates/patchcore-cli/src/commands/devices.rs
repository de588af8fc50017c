//! `patchcore devices`: what can compute here, and how to get the rest.

use patchcore::devices::{DeviceReport, DeviceState};
use patchcore::list_devices;
use serde_json::json;

use crate::arguments::{Devices, InspectFormat};
use crate::{Outcome, output};

pub fn run(arguments: &Devices) -> anyhow::Result<Outcome> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let devices = list_devices();
    if arguments.format == InspectFormat::Json {
        output::print(&format!("{:#}\n", json!({ "threads": threads, "devices": devices })))?;
        return Ok(Outcome::Done);
    }
    let text: String = devices.iter().map(|device| line(device, threads)).collect();
    output::print(&text)?;
    Ok(Outcome::Done)
}

fn line(device: &DeviceReport, threads: usize) -> String {
    let state = match &device.state {
        DeviceState::Present(_) if device.name == "flex" => format!("ready: the CPU, {threads} threads"),
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
