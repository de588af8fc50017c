//! Devices that have passed the self-check: opened by name, checked once, and remembered.
//!
//! [`open_device`] is what fits and loads go through. The CPU needs no check. Any other device runs the test cases of
//! [`patchcore_core::self_check`] the first time; the verdict is kept in the cache folder (`devices/` beside the
//! installed weights, see [`patchcore_weights::weights_dir`]), under the hardware, the driver, the precision, the
//! version of this library and of Burn, and the features it was built with. Where nothing can be kept, the device is
//! checked every time; [`forget`] has it checked again.
//!
//! A driver so broken that it ends the process cannot be caught here; the program `patchcore` therefore has a device
//! tried in a process of its own first. [`open_device`] leaves a mark while it checks, so that a process that was ended
//! by a driver is not ended by it again.

use std::path::{Path, PathBuf};

use patchcore_core::ComputeDevice;
use patchcore_core::device::{BACKENDS, Backend, DeviceProperties, Instructions, Precision, burn_build, count_devices};
use patchcore_core::error::DeviceError;
use patchcore_core::self_check::{self, Check};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::write_file::write_beside_and_rename;

/// The device of [`Settings`](crate::Settings) and [`LoadOptions`](crate::LoadOptions) that name no other: the CPU, with Burn's
/// tensors beside this project's own kernels (`flex`) where they are compiled in, else without (`cpu`). Both give the same bits.
pub const DEFAULT_DEVICE: &str = if Backend::Flex.is_compiled_in() { "flex" } else { "cpu" };

/// Characters of a record's file name that can be read: no file system takes more than 255 in all.
const READABLE: usize = 180;

/// A device and whether it can be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeviceReport {
    /// The name that `--device` takes: `cpu`, `flex`, `vulkan`, `cuda:1`.
    pub name: String,
    /// What is known of it.
    pub state: DeviceState,
}

/// Whether a device can be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum DeviceState {
    /// It is there.
    Present(DeviceProperties),
    /// Its backend is compiled in, but it does not open.
    Absent {
        /// Why.
        reason: String,
    },
    /// Its backend is not compiled in.
    NotCompiledIn {
        /// The cargo feature that brings it.
        feature: &'static str,
    },
}

impl DeviceReport {
    /// A backend whose devices cannot be used, and why.
    pub fn absent(backend: Backend, reason: String) -> Self {
        Self { name: backend.name().to_owned(), state: DeviceState::Absent { reason } }
    }
}

/// Every backend and every device that can be found. Opens each of them, and with a driver that ends the process so ends
/// the caller: a program that must survive one asks for [`devices_of`] one backend in a process of its own first, as
/// `patchcore devices` does.
pub fn list_devices() -> Vec<DeviceReport> {
    BACKENDS.into_iter().flat_map(devices_of).collect()
}

/// The devices of one backend.
pub fn devices_of(backend: Backend) -> Vec<DeviceReport> {
    let name = backend.name();
    if !backend.is_compiled_in() {
        let state = DeviceState::NotCompiledIn { feature: name };
        return vec![DeviceReport { name: name.to_owned(), state }];
    }
    let names = match count_devices(backend) {
        0 | 1 => vec![name.to_owned()],
        count => (0..count).map(|index| format!("{name}:{index}")).collect(),
    };
    let report = |name: String| {
        let state = match ComputeDevice::from_name(&name) {
            Ok(device) => DeviceState::Present(device.properties().clone()),
            Err(DeviceError::NotPresent { found, .. }) => DeviceState::Absent { reason: found },
            Err(error) => DeviceState::Absent { reason: error.to_string() },
        };
        DeviceReport { name, state }
    };
    names.into_iter().map(report).collect()
}

/// Opens the device of that name in a precision, and runs the self-check on it unless it has passed already. `auto`
/// takes the first device that opens and passes, in the order of [`BACKENDS`], and falls back to the CPU; each one
/// passed over is a warning.
///
/// `instructions` limits the CPU's own kernels. `None`: what the environment variable `PATCHCORE_INSTRUCTIONS` says, which
/// other devices leave alone; without it the widest that the processor has.
///
/// # Errors
/// [`Error::Device`]: unknown, not compiled in, not present, wrong results, unsupported precision or instructions.
/// [`Error::Config`]: the environment variable names no instruction set.
pub fn open_device(
    name: &str,
    precision: Precision,
    instructions: Option<Instructions>,
) -> Result<ComputeDevice, Error> {
    limited_to(open_checked(name, precision)?, instructions)
}

/// A device whose own CPU kernels use what is asked for, here or by the environment.
pub(crate) fn limited_to(device: ComputeDevice, instructions: Option<Instructions>) -> Result<ComputeDevice, Error> {
    let wanted = match instructions {
        None if device.instructions().is_some() => instructions_of_environment()?,
        given => given,
    };
    match wanted {
        None => Ok(device),
        Some(wanted) => Ok(device.with_instructions(wanted)?),
    }
}

/// What `PATCHCORE_INSTRUCTIONS` asks for; nothing where it is unset or empty.
///
/// # Errors
/// [`Error::Config`]: it names no instruction set.
pub fn instructions_of_environment() -> Result<Option<Instructions>, Error> {
    let wanted = std::env::var_os(INSTRUCTIONS_VARIABLE).filter(|value| !value.is_empty());
    let named = |name: std::ffi::OsString| Instructions::from_name(&name.to_string_lossy());
    Ok(wanted.map(named).transpose()?)
}

/// The environment variable that limits the CPU's own kernels.
pub const INSTRUCTIONS_VARIABLE: &str = "PATCHCORE_INSTRUCTIONS";

fn open_checked(name: &str, precision: Precision) -> Result<ComputeDevice, Error> {
    if name != "auto" {
        refuse_crashed(name, precision)?;
        return self_checked(ComputeDevice::from_name(name)?.with_precision(precision)?);
    }
    let mut first = None;
    for backend in Backend::compiled_in() {
        let opened = refuse_crashed(backend.name(), precision)
            .and_then(|()| ComputeDevice::from_name(backend.name()))
            .and_then(|device| device.with_precision(precision));
        match opened.map_err(Error::from).and_then(self_checked) {
            Ok(device) => return Ok(device),
            Err(error) => {
                #[cfg(feature = "tracing")]
                tracing::warn!("device auto passes over {}: {error}", backend.name());
                first.get_or_insert(error);
            }
        }
    }
    let nothing = DeviceError::NotPresent { name: name.to_owned(), found: "no backend is compiled in".into() };
    Err(first.unwrap_or(nothing.into()))
}

/// Whether a device has passed the self-check on this machine with this build, as far as its name tells: then it need
/// not be tried in a process of its own.
pub fn is_proved(name: &str, precision: Precision) -> bool {
    let verdict = || Record::of_name(name, precision)?.read();
    is_own_cpu(name) || matches!(verdict(), Some(Verdict::Checked { .. }))
}

/// Forgets every verdict on a device in a precision: it is checked again when it is opened.
pub fn forget(name: &str, precision: Precision) {
    let by_name = Record::of_name(name, precision);
    let folder = by_name.as_ref().and_then(|record| record.0.parent()).map(Path::to_owned);
    let prefix = Record::readable(&format!("{name} {} ", precision.name()));
    for entry in folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Notes that a driver ended the process that tried the device, so that no other process tries it with this build.
pub fn note_crash(name: &str, precision: Precision, how: &str) {
    if let Some(record) = Record::of_name(name, precision) {
        record.write(&Verdict::Crashed { how: how.to_owned() });
    }
}

/// A driver that ended a process is not even opened.
pub(crate) fn refuse_crashed(name: &str, precision: Precision) -> Result<(), DeviceError> {
    match Record::of_name(name, precision).and_then(|record| record.read()) {
        Some(Verdict::Crashed { how }) => Err(DeviceError::Crashed { device: name.to_owned(), how }),
        _ => Ok(()),
    }
}

fn is_own_cpu(name: &str) -> bool {
    matches!(name, "cpu" | "flex" | "flex:tensors")
}

/// What is known of a device.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// A process is checking it, or was ended while it checked.
    #[serde(rename = "asking")]
    Checking { process: u32 },
    /// The results of its self-check.
    #[serde(rename = "answered")]
    Checked { checks: Vec<Check> },
    /// A process that tried it was ended.
    Crashed { how: String },
}

/// The device, once it has passed the self-check, now or before.
fn self_checked(device: ComputeDevice) -> Result<ComputeDevice, Error> {
    let name = device.name();
    if is_own_cpu(&name) {
        return Ok(device);
    }
    let record = Record::of_device(&device);
    let checks = match record.as_ref().and_then(Record::read) {
        Some(Verdict::Checked { checks }) => checks,
        Some(Verdict::Crashed { how }) => return Err(DeviceError::Crashed { device: name, how }.into()),
        Some(Verdict::Checking { process }) if process != std::process::id() && !is_running(process) => {
            let how = format!("process {process} never came back from its self-check");
            return Err(DeviceError::Crashed { device: name, how }.into());
        }
        _ => {
            let keep = |verdict: &Verdict| record.iter().for_each(|record| record.write(verdict));
            if record.is_some() {
                keep(&Verdict::Checking { process: std::process::id() });
            }
            let checks = self_check::run(&device, &mut |_case| {
                #[cfg(feature = "tracing")]
                tracing::debug!("{name}: {_case}");
            });
            match checks {
                Ok(checks) => {
                    keep(&Verdict::Checked { checks: checks.clone() });
                    checks
                }
                Err(error) => {
                    // A failure may pass (memory that another program held): nothing is remembered.
                    if let Some(record) = &record {
                        let _ = std::fs::remove_file(&record.0);
                    }
                    return Err(error.into());
                }
            }
        }
    };
    self_check::verdict(&device, &checks)?;
    if let Some(record) = Record::of_name(&name, device.precision()) {
        record.write(&Verdict::Checked { checks });
    }
    Ok(device)
}

/// Whether a process of that number runs; assumed where the system does not tell.
fn is_running(process: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(process.to_string()).exists()
}

/// A file that holds a verdict.
struct Record(PathBuf);

impl Record {
    /// By everything that can change a result.
    fn of_device(device: &ComputeDevice) -> Option<Self> {
        let DeviceProperties { hardware, driver, .. } = device.properties();
        Self::named(&device.name(), device.precision(), &format!("{hardware} {driver}"))
    }

    /// By name alone.
    fn of_name(name: &str, precision: Precision) -> Option<Self> {
        Self::named(name, precision, "proved")
    }

    fn named(device: &str, precision: Precision, what: &str) -> Option<Self> {
        // A browser has neither files nor processes.
        if cfg!(target_family = "wasm") {
            return None;
        }
        let (version, burn, build, precision) = (env!("CARGO_PKG_VERSION"), burn_build(), build(), precision.name());
        let name = format!("{device} {precision} {what} patchcore {version} burn {burn} {build}");
        let folder = patchcore_weights::weights_dir()?.join("devices");
        Some(Self(folder.join(Self::file_name(&name))))
    }

    /// What a file may be called everywhere: the beginning of the name, to be read, and a digest of the whole, which
    /// tells names apart whose difference lies further back or in characters that no file name has.
    fn file_name(name: &str) -> String {
        let digest: String = Sha256::digest(name).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{digest}.json", Self::readable(name))
    }

    fn readable(name: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
        name.chars().map(plain).take(READABLE).collect()
    }

    fn read(&self) -> Option<Verdict> {
        // What cannot be read or understood counts as never checked.
        serde_json::from_slice(&std::fs::read(&self.0).ok()?).ok()
    }

    fn write(&self, verdict: &Verdict) {
        // A verdict that cannot be kept is computed again.
        let folder = self.0.parent().map(std::fs::create_dir_all);
        if let (Some(Ok(())), Ok(json)) = (folder, serde_json::to_vec_pretty(verdict)) {
            let _ = write_beside_and_rename(&self.0, &json);
        }
    }
}

/// The features that change how a device computes.
fn build() -> &'static str {
    match (cfg!(feature = "fusion"), cfg!(feature = "autotune")) {
        (false, false) => "plain",
        (true, false) => "fusion",
        (false, true) => "autotune",
        (true, true) => "fusion_autotune",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_is_listed_and_the_cpu_is_there() {
        let devices = list_devices();
        for backend in BACKENDS {
            assert!(devices.iter().any(|device| device.name.starts_with(backend.name())), "{}", backend.name());
        }
        let cpu = devices.iter().find(|device| device.name == DEFAULT_DEVICE).unwrap();
        assert!(matches!(cpu.state, DeviceState::Present(_)), "{cpu:?}");
    }

    #[test]
    fn the_cpu_needs_no_check_and_auto_finds_something() {
        assert!(is_proved(DEFAULT_DEVICE, Precision::F32));
        assert_eq!(open_device("cpu", Precision::F32, None).unwrap().name(), "cpu");
        // A driver that happens to be there may crash in a process that has not tried it in a subprocess.
        match patchcore_testing::test_devices() {
            Some(names) if !names.iter().all(|name| is_own_cpu(name)) => {
                drop(open_device("auto", Precision::F32, None).unwrap());
            }
            _ => println!("skipped: PATCHCORE_TEST_DEVICE does not say that the devices here can be tried"),
        }
    }

    #[test]
    fn records_of_other_builds_precisions_and_drivers_are_other_files() {
        let path = |device: &str, precision, what: &str| Record::named(device, precision, what).map(|record| record.0);
        let one = path("vulkan", Precision::F32, "GPU driver 1");
        assert_ne!(one, path("vulkan", Precision::F16, "GPU driver 1"));
        assert_ne!(one, path("vulkan", Precision::F32, "GPU driver 2"));
        assert_ne!(one, path("vulkan:1", Precision::F32, "GPU driver 1"));
    }

    #[test]
    fn long_names_and_odd_characters_do_not_fall_together() {
        let long = "GPU of a very long name ".repeat(20);
        let names = [long.clone(), format!("{long}1"), format!("{long}2"), "GPU (a)".into(), "GPU [a]".into()];
        let mut files: Vec<String> = names.iter().map(|name| Record::file_name(name)).collect();
        files.iter().for_each(|file| assert!(file.len() <= 255 && file.is_ascii(), "{file}"));
        files.sort();
        files.dedup();
        assert_eq!(files.len(), names.len());
        // What is forgotten is found by the beginning.
        assert!(Record::file_name("vulkan f32 GPU").starts_with(&Record::readable("vulkan f32 ")));
    }
}
