//! The page of a device check: what a person reads of it.

use serde_json::Value;

use super::found::{DeviceFound, File, PartFound, State};
use crate::markdown::{escaped, line, push};

/// What came out, in a sentence or two.
pub fn verdict(file: &File) -> String {
    let gpus = || file.checks.iter().filter(|check| check.is_gpu);
    if gpus().next().is_none() {
        return if file.features.is_empty() {
            "This build has no GPU backend: the CPU alone was checked.".to_owned()
        } else {
            let driver = if file.drivers.vulkan_manifests.is_empty() && file.drivers.nvidia.is_none() {
                "No GPU driver was found"
            } else {
                "No GPU that can be used was found, though there are files of a driver"
            };
            format!("{driver}: the CPU alone was checked.")
        };
    }
    let named = |check: &DeviceFound| format!("{} in {}", check.device, check.precision.name());
    let passed: Vec<String> = gpus().filter(|check| check.passed()).map(named).collect();
    let of = |wanted: fn(State) -> bool| {
        let some = gpus().filter(|check| !check.passed() && check.parts.iter().any(|part| wanted(part.state)));
        some.map(named).collect::<Vec<_>>()
    };
    let wrong = of(|state| state == State::Differs);
    let broken = of(|state| matches!(state, State::Failed | State::Crashed));
    let late = of(|state| matches!(state, State::OutOfTime));
    let mut said = vec![if passed.is_empty() {
        "No GPU passed every part.".to_owned()
    } else {
        format!("Computes right, in every part: {}.", passed.join(", "))
    }];
    for (what, which) in [("Wrong numbers", wrong), ("Failed or crashed", broken), ("Out of time", late)] {
        if !which.is_empty() {
            said.push(format!("{what}: {}.", which.join(", ")));
        }
    }
    said.join(" ")
}

/// The page.
pub fn page(file: &File) -> String {
    let mut text = String::new();
    let add = &mut text;
    push(add, "# Device check\n");
    push(add, &format!("{}\n", escaped(&file.verdict)));
    push(
        add,
        &format!(
            "{}; patchcore {}, GPU backends of this build: {}; {}. It took {:.0} of {} seconds. Beside this page lies \
             device-check.json, with everything: send both.\n",
            escaped(&file.machine),
            file.program,
            if file.features.is_empty() { "none".to_owned() } else { file.features.join(", ") },
            file.date,
            file.took_seconds,
            file.seconds
        ),
    );
    drivers(add, file);
    overview(add, file);
    reasons(add, file);
    answers(add, file);
    throughput(add, file);
    stages(add, file);
    text
}

fn drivers(text: &mut String, file: &File) {
    push(text, "## What is there\n");
    let listed = |what: &[String]| {
        if what.is_empty() {
            "none".to_owned()
        } else {
            what.iter().map(|one| escaped(one)).collect::<Vec<_>>().join(", ")
        }
    };
    push(text, &format!("- manifests of Vulkan drivers: {}", listed(&file.drivers.vulkan_manifests)));
    push(text, &format!("- NVIDIA's driver: {}", file.drivers.nvidia.as_deref().map_or("none".to_owned(), escaped)));
    push(text, &format!("- nodes of devices: {}", listed(&file.drivers.nodes)));
    for device in &file.devices {
        let text_of = |pointer: &str| device.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = text_of("/name");
        let line = match text_of("/state/state").as_str() {
            "present" => {
                let memory = device.pointer("/state/memory_bytes").and_then(Value::as_u64);
                let memory = memory.map_or(String::new(), |bytes| format!(", {} MiB", bytes >> 20));
                let is_software = device.pointer("/state/is_software") == Some(&Value::Bool(true));
                let software =
                    if is_software { ", **a CPU that poses as a GPU: its times say nothing of one**" } else { "" };
                format!(
                    "{} ({}){memory}{software}",
                    escaped(&text_of("/state/hardware")),
                    escaped(&text_of("/state/driver"))
                )
            }
            _ => format!("not there: {}", escaped(&text_of("/state/reason"))),
        };
        push(text, &format!("- `{name}`: {line}"));
    }
    push(text, "");
}

/// Ok, or the word for what it is not.
fn mark(part: &PartFound) -> &'static str {
    match part.state {
        State::Passed => "ok",
        State::Differs => "**wrong**",
        State::Failed => "**failed**",
        State::Crashed => "**crashed**",
        State::OutOfTime => "out of time",
        State::NotRun => "-",
    }
}

fn of_device(check: &DeviceFound) -> String {
    format!("`{}` {}", check.device, check.precision.name())
}

fn overview(text: &mut String, file: &File) {
    push(text, "## What came out\n");
    let Some(first) = file.checks.first() else { return };
    let mut cells = vec!["device".to_owned()];
    cells.extend(first.parts.iter().map(|part| part.part.clone()));
    cells.extend(["most memory of a process, MiB", "of the card, MiB"].map(str::to_owned));
    push(text, &line(&cells));
    push(text, &line(&vec!["---".to_owned(); cells.len()]));
    for check in &file.checks {
        let most = |of: fn(&PartFound) -> Option<u64>| {
            let most = check.parts.iter().filter_map(of).max();
            most.map_or("-".to_owned(), |bytes| (bytes >> 20).to_string())
        };
        let mut cells = vec![of_device(check)];
        cells.extend(check.parts.iter().map(|part| mark(part).to_owned()));
        cells.extend([most(|part| part.host_memory_bytes), most(|part| part.device_memory_bytes)]);
        push(text, &line(&cells));
    }
    push(text, "");
}

fn reasons(text: &mut String, file: &File) {
    let all = file.checks.iter().flat_map(|check| check.parts.iter().map(move |part| (check, part)));
    let all: Vec<String> = all
        .filter_map(|(check, part)| {
            let reason = part.reason.as_ref()?;
            let word = format!("{:?}", part.state).to_lowercase();
            let word = match part.state {
                State::OutOfTime => "out of time",
                State::NotRun => "not run",
                _ => &word,
            };
            Some(format!("- {}, {}: {word}: {}", of_device(check), part.part, escaped(reason)))
        })
        .collect();
    if !all.is_empty() {
        push(text, &format!("### Why\n\n{}\n", all.join("\n")));
    }
}

fn answers(text: &mut String, file: &File) {
    let made = &file.recorded;
    push(
        text,
        &format!(
            "## Against the CPU's recorded scores\n\nRecorded by patchcore {} on {}, {}. Differences are shares of the recorded values.\n",
            made.program,
            escaped(&made.machine),
            made.date
        ),
    );
    push(
        text,
        "| device | mode | photos | scores | maps | passport | allowed | other worst patch | fit, s | scores of the fit |",
    );
    push(text, "|---|---|---|---|---|---|---|---|---|---|");
    for check in &file.checks {
        let fits: Vec<_> = check.parts.iter().flat_map(|part| &part.fits).collect();
        for answer in check.parts.iter().flat_map(|part| &part.answers) {
            let fit = fits.iter().find(|fit| fit.model == answer.model);
            push(
                text,
                &line(&[
                    of_device(check),
                    answer.model.clone(),
                    answer.photos.to_string(),
                    format!("{:.1e}", answer.score_difference),
                    format!("{:.1e}", answer.map_difference),
                    format!("{:.1e}", answer.drift),
                    format!("{:.0e}", answer.allowed),
                    answer.other_worst_patch.to_string(),
                    fit.map_or("-".to_owned(), |fit| format!("{:.2}", fit.seconds)),
                    fit.map_or("-".to_owned(), |fit| format!("{:.1e}", fit.median_difference)),
                ]),
            );
        }
    }
    push(text, "");
}

fn throughput(text: &mut String, file: &File) {
    push(text, "## Photos per second\n");
    push(
        text,
        "Prepared photos from the network to the map, so many at once; and the whole program, from files to scores.\n",
    );
    push(text, "| device | mode | 1 | 8 | 32 | whole program |");
    push(text, "|---|---|---|---|---|---|");
    for check in &file.checks {
        let all: Vec<_> = check.parts.iter().flat_map(|part| &part.throughput).collect();
        let mut modes: Vec<&str> = all.iter().map(|one| one.model.as_str()).collect();
        modes.dedup();
        for mode in modes {
            let mut cells = vec![of_device(check), mode.to_owned()];
            cells.extend([1, 8, 32, 0].map(|batch| {
                let found = all.iter().find(|one| one.model == mode && one.batch == batch);
                found.map_or("-".to_owned(), |one| format!("{:.1}", one.photos_per_second))
            }));
            push(text, &line(&cells));
        }
    }
    push(text, "");
}

fn stages(text: &mut String, file: &File) {
    push(text, "## Stages\n");
    push(
        text,
        "Median milliseconds of each stage alone, with the billions of operations that it has (two a multiplication with its addition) in a second, and the first time, which compiles kernels.\n",
    );
    push(text, "| device | stage | size | ms | GFLOP/s | first ms |");
    push(text, "|---|---|---|---|---|---|");
    for check in &file.checks {
        for one in check.parts.iter().flat_map(|part| &part.stages) {
            let rate = 2.0 * one.multiply_adds as f64 / one.median_ms / 1e6;
            push(
                text,
                &line(&[
                    of_device(check),
                    one.stage.clone(),
                    one.size.clone(),
                    format!("{:.3}", one.median_ms),
                    format!("{rate:.1}"),
                    format!("{:.0}", one.first_ms),
                ]),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use patchcore::Precision;

    use super::*;
    use crate::commands::device_check::found::{Drivers, Made};

    fn file(checks: Vec<DeviceFound>, features: &[&str], manifests: &[&str]) -> File {
        let text = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        File {
            version: 1,
            program: "0".to_owned(),
            date: String::new(),
            machine: "m".to_owned(),
            features: text(features),
            seconds: 330,
            took_seconds: 1.0,
            recorded: Made { program: "0".to_owned(), date: String::new(), machine: "m".to_owned() },
            drivers: Drivers { vulkan_manifests: text(manifests), nvidia: None, nodes: Vec::new() },
            devices: Vec::new(),
            verdict: String::new(),
            checks,
        }
    }

    fn check(device: &str, states: &[State]) -> DeviceFound {
        let reason = |state| (state != State::Passed).then(|| "a | reason".to_owned());
        let parts = states.iter().map(|state| PartFound::nothing("part", *state, reason(*state))).collect();
        DeviceFound { device: device.to_owned(), precision: Precision::F32, is_gpu: device != "cpu", parts }
    }

    #[test]
    fn the_verdict_names_who_failed_and_how() {
        let cpu = || check("cpu", &[State::Passed]);
        assert!(verdict(&file(vec![cpu()], &[], &[])).contains("no GPU backend"));
        assert!(verdict(&file(vec![cpu()], &["wgpu"], &[])).contains("No GPU driver was found"));
        assert!(verdict(&file(vec![cpu()], &["wgpu"], &["/a.json"])).contains("though there are files"));
        let checks = vec![
            cpu(),
            check("cuda", &[State::Passed, State::Passed]),
            check("wgpu", &[State::Passed, State::Differs]),
            check("vulkan", &[State::Crashed, State::NotRun]),
            check("metal", &[State::OutOfTime, State::NotRun]),
        ];
        let mut file = file(checks, &["wgpu"], &[]);
        file.verdict = verdict(&file);
        assert_eq!(
            file.verdict,
            "Computes right, in every part: cuda in f32. Wrong numbers: wgpu in f32. Failed or crashed: vulkan in f32. Out of time: \
             metal in f32."
        );
        let page = page(&file);
        for needle in ["| `cuda` f32 | ok | ok |", "| `vulkan` f32 | **crashed** | - |", "not run: a \\| reason"] {
            assert!(page.contains(needle), "{needle}: {page}");
        }
    }
}
