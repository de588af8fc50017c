//! `patchcore devices`: what can compute here, and how to get the rest.

use patchcore::core::device::BACKENDS;
use serde_json::json;

use crate::arguments::{Devices, InspectFormat};
use crate::{Outcome, output};

pub fn run(arguments: &Devices) -> anyhow::Result<Outcome> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if arguments.format == InspectFormat::Json {
        let rows: Vec<_> = BACKENDS
            .iter()
            .map(|backend| json!({ "device": backend.name(), "compiled_in": backend.is_compiled_in() }))
            .collect();
        output::print(&format!("{:#}\n", json!({ "threads": threads, "backends": rows })))?;
        return Ok(Outcome::Done);
    }
    let mut text = String::new();
    for backend in BACKENDS {
        let state = match (backend.is_compiled_in(), backend.name()) {
            (true, "flex") => format!("ready: the CPU, {threads} threads"),
            (true, _) => "compiled in".to_owned(),
            (false, name) => format!("not compiled in: cargo build --release --features {name}"),
        };
        text.push_str(&format!("{:<8} {state}\n", backend.name()));
    }
    output::print(&text)?;
    Ok(Outcome::Done)
}
