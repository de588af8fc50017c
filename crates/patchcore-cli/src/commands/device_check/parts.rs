//! Which devices are checked in which parts, in what order and for how long.
//!
//! The CPU comes first: its times stand beside the others. Then every part of every device in f32, part by part, so that each device
//! gets its turn before time is up; the other precisions come after that.

use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant};

use patchcore::{BACKENDS, Precision};
use serde_json::Value;

use super::found::{DeviceFound, Found, PartFound, State};
use super::process::{self, How};
use crate::arguments::Part;
use crate::arguments::compute::PRECISIONS;
use crate::output;

/// The time that everything together may take.
pub struct Budget {
    pub started: Instant,
    pub whole: Duration,
}

impl Budget {
    fn left(&self) -> Duration {
        self.whole.saturating_sub(self.started.elapsed())
    }
}

/// What every part is given.
pub struct Check<'a> {
    /// Models, photos, answers.
    pub folder: &'a Path,
    /// Where the processes keep what they find out about devices.
    pub cache: &'a Path,
    pub budget: &'a Budget,
}

/// A device in a precision.
pub struct Subject {
    device: String,
    precision: Precision,
    is_gpu: bool,
    /// Why it is left out.
    left_out: Option<String>,
}

impl Subject {
    /// These devices, in every precision that a device may have.
    pub fn named(devices: &[String]) -> Vec<Self> {
        devices.iter().flat_map(|device| Self::in_all(device, None)).collect()
    }

    fn in_all(device: &str, left_out: Option<&str>) -> Vec<Self> {
        let is_gpu = !is_cpu(device);
        let precisions = PRECISIONS.iter().filter_map(|name| Precision::from_name(name).ok());
        let precisions = precisions.filter(|precision| is_gpu || *precision == Precision::F32);
        let of =
            |precision| Self { device: device.to_owned(), precision, is_gpu, left_out: left_out.map(str::to_owned) };
        precisions.map(of).collect()
    }
}

fn is_cpu(device: &str) -> bool {
    let backend = device.split(':').next().unwrap_or(device);
    BACKENDS.into_iter().any(|known| known.name() == backend && !known.is_gpu())
}

/// What a part may take, in seconds, if that much is left.
fn limit(part: Part) -> Duration {
    Duration::from_secs(match part {
        Part::Look => 20,
        Part::Doctor => 60,
        Part::Answers | Part::Throughput => 40,
        Part::Stages => 30,
        Part::Fit => 45,
    })
}

fn name(part: Part) -> &'static str {
    match part {
        Part::Look => "look",
        Part::Doctor => "doctor",
        Part::Answers => "answers",
        Part::Throughput => "throughput",
        Part::Stages => "stages",
        Part::Fit => "fit",
    }
}

const PARTS: [Part; 5] = [Part::Doctor, Part::Answers, Part::Throughput, Part::Stages, Part::Fit];

/// The CPU, and every device that the GPU backends of this build list, which is returned as listed.
pub fn subjects(check: &Check<'_>) -> anyhow::Result<(Vec<Value>, Vec<Subject>)> {
    let mut listed = Vec::new();
    for backend in BACKENDS.into_iter().filter(|backend| backend.is_gpu() && backend.is_compiled_in()) {
        output::note(&format!("devices of {} ...", backend.name()));
        let arguments = ["device-check-part", "--part", name(Part::Look), "--device", backend.name()].map(OsStr::new);
        let limit = limit(Part::Look).min(check.budget.whole / 6).min(check.budget.left());
        let ended = process::run(&arguments, check.cache, limit)?;
        let absent = |reason: String| serde_json::json!({ "name": backend.name(), "state": { "state": "absent", "reason": reason } });
        match ended.how {
            How::Done => listed.extend(ended.found.into_iter().flat_map(|found| match found {
                Found::Devices(devices) => devices,
                _ => Vec::new(),
            })),
            How::Error(reason) => listed.push(absent(reason)),
            How::Crashed(how) => listed.push(absent(format!("its driver ended the process that looked ({how})"))),
            How::OutOfTime => {
                listed.push(absent(format!("its driver did not answer within {:.0} s", ended.seconds)));
            }
        }
    }
    let is = |device: &Value, key: &str, value: &Value| device.pointer(key).is_some_and(|found| found == value);
    let present: Vec<&Value> = listed.iter().filter(|device| is(device, "/state/state", &"present".into())).collect();
    let is_software = |device: &Value| is(device, "/state/is_software", &true.into());
    let has_real = present.iter().any(|device| !is_software(device));
    let mut subjects = Subject::in_all(patchcore::DEFAULT_DEVICE, None);
    for device in present {
        let Some(name) = device.get("name").and_then(Value::as_str) else { continue };
        let beside = "a CPU that poses as a GPU, beside a GPU: `--device` checks it alone";
        subjects.extend(Subject::in_all(name, (has_real && is_software(device)).then_some(beside)));
    }
    Ok((listed, subjects))
}

/// Runs every part of every subject.
pub fn check_all(check: &Check<'_>, subjects: Vec<Subject>) -> anyhow::Result<Vec<DeviceFound>> {
    let mut found: Vec<(Subject, Vec<PartFound>)> = subjects.into_iter().map(|subject| (subject, Vec::new())).collect();
    let mut order: Vec<usize> = (0..found.len()).collect();
    // A device's rounds: the CPU, f32, then the rest by the order of the precisions.
    let round = |subject: &Subject| match (subject.is_gpu, subject.precision) {
        (false, _) => 0,
        (true, Precision::F32) => 1,
        (true, precision) => 2 + PRECISIONS.iter().position(|name| *name == precision.name()).unwrap_or(0),
    };
    let rounds: Vec<usize> = found.iter().map(|(subject, _)| round(subject)).collect();
    order.sort_by_key(|at| rounds.get(*at).copied());
    for same_round in order.chunk_by(|a, b| rounds.get(*a) == rounds.get(*b)) {
        for part in PARTS {
            for at in same_round {
                if let Some((subject, parts)) = found.get_mut(*at) {
                    let result = check_one(check, subject, part, parts.first())?;
                    parts.push(result);
                }
            }
        }
    }
    let made = |(subject, parts): (Subject, Vec<PartFound>)| {
        let Subject { device, precision, is_gpu, .. } = subject;
        DeviceFound { device, precision, is_gpu, parts }
    };
    Ok(found.into_iter().map(made).collect())
}

/// Runs one part. `first` is what the first part found.
fn check_one(check: &Check<'_>, subject: &Subject, part: Part, first: Option<&PartFound>) -> anyhow::Result<PartFound> {
    let not_run = |reason: String| Ok(PartFound::nothing(name(part), State::NotRun, Some(reason)));
    if let Some(reason) = &subject.left_out {
        return not_run(reason.clone());
    }
    match first.map(|first| first.state) {
        None | Some(State::Passed | State::Differs) => {}
        Some(_) => return not_run("the device did not come through `doctor`".to_owned()),
    }
    let limit = limit(part).min(check.budget.left());
    if limit < Duration::from_secs(1) {
        return not_run(format!("the {} seconds of the whole were used up", check.budget.whole.as_secs()));
    }
    output::note(&format!("{} of {} in {} ...", name(part), subject.device, subject.precision.name()));
    let threads = crate::threads::in_force().to_string();
    let words = ["device-check-part", "--threads", &threads, "--part", name(part), "--device", &subject.device];
    let mut arguments: Vec<&OsStr> = words.map(OsStr::new).to_vec();
    arguments.extend(["--precision", subject.precision.name(), "--from"].map(OsStr::new));
    arguments.push(check.folder.as_os_str());
    let ended = process::run(&arguments, check.cache, limit)?;
    let (state, reason) = match ended.how {
        How::Done => (State::Passed, None),
        // What a device has not, by the words of `DeviceError::UnsupportedPrecision`, is no failure.
        How::Error(reason) if reason.contains("cannot compute in") => (State::NotRun, Some(reason)),
        How::Error(reason) => (State::Failed, Some(reason)),
        How::Crashed(how) => (State::Crashed, Some(how)),
        How::OutOfTime => (State::OutOfTime, Some(format!("ended after {:.0} s", ended.seconds))),
    };
    let mut found = PartFound::nothing(name(part), state, reason);
    found.seconds = ended.seconds;
    found.device_memory_bytes = ended.device_memory;
    for line in ended.found {
        take(&mut found, line);
    }
    Ok(found)
}

fn take(part: &mut PartFound, line: Found) {
    match line {
        Found::Devices(_) => {}
        Found::Examination(value) => part.examination = Some(value),
        Found::Answers(answers) => part.answers.push(answers),
        Found::Fit(fit) => part.fits.push(fit),
        Found::Stage(stage) => part.stages.push(stage),
        Found::Throughput(throughput) => part.throughput.push(throughput),
        Found::HostMemory(bytes) => part.host_memory_bytes = Some(bytes),
        Found::Differs(what) => {
            // A crash or an error after that weighs more.
            if part.state == State::Passed {
                part.state = State::Differs;
            }
            let before = part.reason.take().map(|reason| format!("{reason}; ")).unwrap_or_default();
            part.reason = Some(format!("{before}{what}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::compute::AUTO;

    #[test]
    fn wrong_numbers_are_told_and_do_not_hide_a_crash() {
        let differs = || Found::Differs("scores are off".to_owned());
        let mut part = PartFound::nothing("answers", State::Passed, None);
        take(&mut part, differs());
        take(&mut part, Found::Differs("maps too".to_owned()));
        assert_eq!((part.state, part.reason.as_deref()), (State::Differs, Some("scores are off; maps too")));
        let mut part = PartFound::nothing("answers", State::Crashed, Some("signal: 11".to_owned()));
        take(&mut part, differs());
        assert_eq!((part.state, part.reason.as_deref()), (State::Crashed, Some("signal: 11; scores are off")));
    }

    #[test]
    fn a_cpu_is_checked_in_f32_and_a_gpu_in_all_precisions() {
        let of = |device: &str| Subject::named(&[device.to_owned()]).len();
        assert_eq!((of("cpu"), of("flex:tensors")), (1, 1));
        // `auto` is a choice among them.
        let precisions = PRECISIONS.iter().filter(|name| **name != AUTO).count();
        assert_eq!((of("vulkan:1"), of("cuda")), (precisions, precisions));
    }
}
