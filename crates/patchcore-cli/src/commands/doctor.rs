//! `patchcore doctor`: a device through every stage against the CPU, as a table and as a file for a report.

use std::time::Instant;

use patchcore::devices::forget;
use patchcore::{Check, DoctorReport, LoadOptions, doctor, write_beside_and_rename};

use crate::arguments::{Doctor, InspectFormat};
use crate::device::{note_auto, stands_for, try_in_subprocess};
use crate::outcome::Outcome;
use crate::output::{self, Tone, toned};
use crate::write_plan::{Kind, WritePlan};

pub fn run(arguments: &Doctor) -> anyhow::Result<Outcome> {
    let precision = arguments.compute.precision_without_model()?;
    note_auto(&arguments.compute)?;
    if let Some(file) = &arguments.output {
        let model = arguments.model.as_deref();
        WritePlan::new(arguments.force).reads(model).file(file, Kind::Examination)?;
    }
    // Whatever was remembered of the device: now it is checked again, first where it can do no harm.
    stands_for(&arguments.compute.device).iter().for_each(|name| forget(name, precision));
    try_in_subprocess(&arguments.compute.device, precision)?;
    let instructions = arguments.compute.instructions()?;
    let mut note = |stage: &str| output::note(&format!("{stage} ..."));
    let started = Instant::now();
    let clock = || started.elapsed();
    let mut report = doctor(&arguments.compute.device, precision, instructions, &clock, &mut note)?;
    if let Some(model) = &arguments.model {
        report.examine_model(model, &LoadOptions::default(), &mut note)?;
        if report.model.is_empty() {
            output::note(
                "the layers of the model are not checked: the CPU's own kernels are what other devices are compared with",
            );
        }
    }
    let json = format!("{}\n", serde_json::to_string_pretty(&report)?);
    if let Some(file) = &arguments.output {
        write_beside_and_rename(file, json.as_bytes())?;
    }
    match arguments.format {
        InspectFormat::Json => output::print(&json)?,
        InspectFormat::Table => output::print(&table(&report))?,
    }
    anyhow::ensure!(report.passed(), "{}", complaint(&report));
    output::next(&format!("patchcore fit --data GOOD_PHOTOS --device {} -o part.patchcore", report.device));
    Ok(Outcome::Done)
}

fn complaint(report: &DoctorReport) -> String {
    if report.decoders.iter().any(|decoder| decoder.fault.is_some()) {
        return "a decoder of photos does not give its known answers: see the rows marked WRONG".to_owned();
    }
    let device = &report.device;
    format!("device {device} differs from the CPU by more than its precision explains: see the rows marked WRONG")
}

fn table(report: &DoctorReport) -> String {
    let mark = |passed: bool| if passed { toned(Tone::Good, "ok") } else { toned(Tone::Bad, "WRONG") };
    let properties = &report.properties;
    let memory = properties.memory_bytes.map_or("memory unknown".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    let mut text = format!(
        "{} in {}: {} ({}), {memory}{}\n\n",
        report.device,
        report.precision.name(),
        if properties.hardware.is_empty() { "the CPU" } else { &properties.hardware },
        if properties.driver.is_empty() { "no driver" } else { &properties.driver },
        if properties.is_software { ", a CPU that poses as a GPU" } else { "" },
    );
    text.push_str("decoders of photos\n");
    for decoder in &report.decoders {
        let name = format!("{} (crate {})", decoder.format, decoder.library);
        let found = decoder.fault.as_ref().map(|fault| format!(": {fault}")).unwrap_or_default();
        text.push_str(&format!("{name:<65}  {}{found}\n", mark(decoder.fault.is_none())));
    }
    let mut checks = |heading: &str, checks: &[Check]| {
        let width = checks.iter().map(|check| check.operation.len()).fold(44, usize::max);
        text.push_str(&format!("\n{heading:<width$} {:>10} {:>9}\n", "deviation", "allowed"));
        for check in checks {
            let (operation, found, allowed) = (&check.operation, check.found, check.tolerance);
            text.push_str(&format!("{operation:<width$} {found:>10.1e} {allowed:>9.0e}  {}\n", mark(check.passed())));
        }
    };
    checks("known answers", &report.checks);
    if !report.model.is_empty() {
        checks("layers of the model", &report.model);
    }
    let heading = format!(
        "\n{:<44} {:>10} {:>9} {:>10} {:>10} {:>10}\n",
        "against the CPU", "difference", "allowed", "device ms", "CPU ms", "first ms"
    );
    text.push_str(&heading);
    for row in &report.stages {
        text.push_str(&format!(
            "{:<44} {:>10.1e} {:>9.0e} {:>10.2} {:>10.2} {:>10.0}  {}\n",
            row.stage,
            row.difference,
            row.tolerance,
            row.device_ms,
            row.cpu_ms,
            row.first_ms,
            mark(row.passed())
        ));
    }
    text
}
