//! `cargo xtask bench-devices`: the criterion benches of every stage on every device present, as a dated CSV file with
//! hardware and versions, and as the table of docs/explanation/devices.md.

#![allow(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;

use crate::bench_report::hardware::{locked_version, machine, output};
use crate::release_build::{cargo, target};
use crate::roofline::CARDS;
use crate::tidy::root;
use crate::written_tables;

/// Runs the benches and records them.
#[derive(Debug, Args)]
pub struct BenchDevices {
    /// Cargo features that bring the devices, comma separated: wgpu, vulkan, cuda, fusion, autotune, ...
    #[arg(long, value_name = "FEATURES", default_value = "")]
    features: String,
    /// Only these devices, comma separated. Default: every one that is present and computes right.
    #[arg(long, value_name = "DEVICES")]
    devices: Option<String>,
    /// Leaves the page as it is.
    #[arg(long)]
    keep_page: bool,
}

/// One median.
struct Row {
    stage: String,
    device: String,
    size: String,
    milliseconds: f64,
}

impl BenchDevices {
    /// Runs, records, reports.
    ///
    /// # Errors
    /// Benches that fail, files that cannot be written.
    pub fn run(&self) -> anyhow::Result<()> {
        let target = target();
        let home = target.join("bench-devices");
        // What an earlier run measured must not look like this one's.
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home)?;
        let mut command = cargo();
        command.args(["bench", "-p", "patchcore-bench", "--bench", "stages", "--features", &self.features]);
        command.current_dir(root()).env("CRITERION_HOME", &home);
        if let Some(devices) = &self.devices {
            command.env("PATCHCORE_TEST_DEVICE", devices);
        }
        ensure!(command.status()?.success(), "the benches failed");
        let devices: BTreeMap<String, Value> = serde_json::from_slice(&std::fs::read(home.join("devices.json"))?)?;
        let mut rows = Vec::new();
        collect(&home, &mut rows)?;
        rows.sort_by(|a, b| (&a.stage, &a.size, &a.device).cmp(&(&b.stage, &b.size, &b.device)));
        ensure!(!rows.is_empty(), "criterion left no results in {}", home.display());
        let date = output(Command::new("date").arg("+%Y-%m-%d")).context("no date")?;
        let rustc = output(Command::new("rustc").arg("--version")).unwrap_or_default();
        let burn = locked_version("burn")?;
        let machine = format!("{}; {rustc}; burn {burn}; features: {}", machine(), self.features);
        self.record(&date, &machine, &devices, &rows)?;
        if !self.keep_page {
            written_tables::replace(
                "docs/explanation/devices.md",
                "bench-devices",
                &table(&date, &machine, &devices, &rows),
            )?;
        }
        Ok(())
    }

    fn record(&self, date: &str, machine: &str, devices: &BTreeMap<String, Value>, rows: &[Row]) -> anyhow::Result<()> {
        let folder = root().join("benches/results");
        std::fs::create_dir_all(&folder)?;
        let mut text = format!(
            "# {date}; {machine}\nstage,device,size,median_ms,hardware,driver,software_device,multiply_adds,bytes\n"
        );
        for row in rows {
            let of = |key: &str| devices.get(&row.device).map(|device| device["properties"][key].clone());
            let quoted = |key: &str| of(key).unwrap_or_default().to_string();
            let Row { stage, device, size, milliseconds } = row;
            let (hardware, driver, software) = (quoted("hardware"), quoted("driver"), quoted("is_software"));
            let work = work_of(devices, stage, size).map_or(",".to_owned(), |(adds, bytes)| format!("{adds},{bytes}"));
            text.push_str(&format!(
                "{stage},{device},{size},{milliseconds:.4},{hardware},{driver},{software},{work}\n"
            ));
        }
        let path = folder.join(format!("{date}.csv"));
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
        Ok(())
    }
}

/// Every `new/benchmark.json` with its `estimates.json`.
fn collect(folder: &Path, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let benchmark = path.join("benchmark.json");
        if path.ends_with("new") && benchmark.is_file() {
            let benchmark: Value = serde_json::from_slice(&std::fs::read(benchmark)?)?;
            let estimates: Value = serde_json::from_slice(&std::fs::read(path.join("estimates.json"))?)?;
            let id = benchmark["full_id"].as_str().context("a benchmark without an id")?;
            let [stage, device, size] = id.split('/').collect::<Vec<_>>()[..] else { continue };
            let nanoseconds = estimates["median"]["point_estimate"].as_f64().context("no median")?;
            let (stage, device, size) = (stage.to_owned(), device.to_owned(), size.to_owned());
            rows.push(Row { stage, device, size, milliseconds: nanoseconds / 1e6 });
        }
        collect(&path, rows)?;
    }
    Ok(())
}

/// What a stage of a size has to do at the least, as the benches say: multiplications with an addition, and bytes in f32.
fn work_of(devices: &BTreeMap<String, Value>, stage: &str, size: &str) -> Option<(u64, u64)> {
    let key = format!("{stage}, {size}");
    let work = devices.values().map(|device| &device["work"][&key]).find(|work| work.is_object())?;
    Some((work["multiply_adds"].as_u64()?, work["bytes"].as_u64()?))
}

fn table(date: &str, machine: &str, devices: &BTreeMap<String, Value>, rows: &[Row]) -> String {
    let names: Vec<&String> = devices.keys().collect();
    let mut text = String::from("| stage, size |");
    names.iter().for_each(|name| text.push_str(&format!(" `{name}`, ms |")));
    text.push_str(" 10^6 multiply-adds | MB |");
    CARDS.iter().for_each(|card| text.push_str(&format!(" {}, ms |", card.name)));
    text.push_str("\n|---|");
    (0..names.len() + 2 + CARDS.len()).for_each(|_| text.push_str("---|"));
    let mut lines: BTreeMap<(&str, &str), BTreeMap<&str, f64>> = BTreeMap::new();
    for row in rows {
        lines.entry((&row.stage, &row.size)).or_default().insert(&row.device, row.milliseconds);
    }
    for ((stage, size), of) in lines {
        text.push_str(&format!("\n| {stage}, {size} |"));
        for name in &names {
            let cell = of.get(name.as_str()).map_or("-".to_owned(), |milliseconds| format!("{milliseconds:.3}"));
            text.push_str(&format!(" {cell} |"));
        }
        match work_of(devices, stage, size) {
            None => (0..2 + CARDS.len()).for_each(|_| text.push_str(" - |")),
            Some((adds, bytes)) => {
                text.push_str(&format!(" {:.2} | {:.2} |", adds as f64 / 1e6, bytes as f64 / 1e6));
                CARDS.iter().for_each(|card| text.push_str(&format!(" {:.4} |", card.milliseconds(adds, bytes))));
            }
        }
    }
    let backbone = devices.values().find_map(|device| device["backbone"].as_str()).unwrap_or("unknown");
    text.push_str(&format!("\n\nMedians of criterion; network {backbone}, mode `authors`. **The last columns are predictions, measured on nothing:** what each stage has to do, and the larger of the times that its operations and its bytes take at the figures of a card (an H100: 60, 400 and 900 TFLOP/s in f32, tf32 and f16, 3.3 TB/s; a line PC's: 30 TFLOP/s, 0.6 TB/s). Launches come on top, which for stages of this size are most of it. "));
    for (name, device) in devices {
        let properties = &device["properties"];
        let hardware = properties["hardware"].as_str().filter(|name| !name.is_empty()).unwrap_or("the CPU");
        let software = if properties["is_software"] == true {
            ", **a software device: its times say nothing of a GPU**"
        } else {
            ""
        };
        text.push_str(&format!("`{name}`: {hardware}{software}. "));
    }
    text.push_str(&format!("{machine}; {date}."));
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_prediction_stands_beside_what_was_measured() {
        let work = json!({ "search, 784 x 1024": { "multiply_adds": 30_000_000_000u64, "bytes": 4_000_000 } });
        let devices = BTreeMap::from([("wgpu".to_owned(), json!({ "backbone": "b", "properties": {}, "work": work }))]);
        let row = |stage: &str, size: &str| {
            let (stage, device, size) = (stage.to_owned(), "wgpu".to_owned(), size.to_owned());
            Row { stage, device, size, milliseconds: 2.5 }
        };
        let text = table("d", "m", &devices, &[row("search", "784 x 1024"), row("decode", "1 x 2")]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("| H100 f32, ms | H100 tf32, ms | H100 f16, ms | line PC f32, ms |"), "{text}");
        assert_eq!(lines[2], "| decode, 1 x 2 | 2.500 | - | - | - | - | - | - |");
        assert_eq!(lines[3], "| search, 784 x 1024 | 2.500 | 30000.00 | 4.00 | 1.0000 | 0.1500 | 0.0667 | 2.0000 |");
        let columns = |line: &str| line.matches('|').count();
        assert!(lines[..4].iter().all(|line| columns(line) == columns(lines[0])), "{text}");
    }
}
