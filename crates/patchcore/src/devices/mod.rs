//! Devices that have passed the self-check: opened by name, checked once, and remembered.
//!
//! [`open_device`] is what fits and loads go through. The CPU needs no check. Any other device runs the test cases of
//! [`patchcore_core::self_check`] the first time; the verdict is kept in the cache folder (`devices/` beside the
//! installed weights, see [`patchcore_weights::weights_dir`]), under the hardware, the driver, the precision, the
//! version of this library and of Burn, and the features it was built with. Where nothing can be kept, the device is
//! checked every time; [`forget`] has it checked again.
//!
//! A model's own network is checked besides when the model is loaded (`of_model.rs`): drivers have been wrong for some shapes only.
//!
//! A driver so broken that it ends the process cannot be caught here; the program `patchcore` therefore has a device
//! tried in a process of its own first. [`open_device`] leaves a mark while it checks, so that a process that was ended
//! by a driver is not ended by it again.

mod of_model;
#[cfg_attr(target_family = "wasm", path = "no_record.rs")]
mod record;
mod remembered;
mod verdict;

use patchcore_core::ComputeDevice;
use patchcore_core::device::{BACKENDS, Backend, DeviceProperties, Instructions, Precision, count_devices};
use patchcore_core::error::DeviceError;
use patchcore_core::self_check;
use serde::Serialize;

pub(crate) use self::of_model::check_model;
#[cfg(not(target_family = "wasm"))]
pub(crate) use self::of_model::model_checks;
use self::record::Record;
use self::remembered::{Unfinished, remembered};
use self::verdict::Verdict;
use crate::error::Error;

/// The device of [`Settings`](crate::Settings) and [`LoadOptions`](crate::LoadOptions) that name no other: the CPU, by this
/// project's own kernels (`cpu`); `flex`, which has Burn's tensors beside them and gives the same bits, in a build without those.
pub const DEFAULT_DEVICE: &str = if Backend::Cpu.is_compiled_in() { "cpu" } else { "flex" };

/// A device and whether it can be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeviceReport {
    /// Its name: `cpu`, `flex`, `vulkan`, `cuda:1`.
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

/// Opens the device of that name in a precision, and runs the self-check on it unless it has passed already.
///
/// `cpu` is the processor by this project's own kernels; `flex`, `vulkan`, `cuda:1` and the like are Burn's names. `gpu` is the
/// first GPU backend of this build, in the order of [`BACKENDS`], whose device opens and passes; `auto` is that, else `cpu`.
/// Each one passed over is a warning.
///
/// `instructions` limits the CPU's own kernels. `None`: what the environment variable `PATCHCORE_INSTRUCTIONS` says, which
/// other devices leave alone; without it the widest that the processor has.
///
/// # Errors
/// [`Error::Device`]: unknown, not compiled in, not present, wrong results, unsupported precision or instructions, no GPU that can
/// be used. [`Error::Config`]: the environment variable names no instruction set.
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
    let open = |name: &str| {
        refuse_crashed(name, precision)?;
        self_checked(ComputeDevice::from_name(name)?.with_precision(precision)?)
    };
    let Some(choice) = Backend::choice(name) else { return open(name) };
    let mut tried = Vec::new();
    for backend in choice {
        match open(backend.name()) {
            Ok(device) => return Ok(device),
            // Nothing comes after it.
            Err(error) if !backend.is_gpu() => return Err(error),
            Err(error) => {
                #[cfg(feature = "tracing")]
                tracing::warn!("device {name} passes over {}: {error}", backend.name());
                tried.push(format!("{}: {error}", backend.name()));
            }
        }
    }
    let none = "this build has no backend for one".to_owned();
    Err(DeviceError::NoGpu { tried: if tried.is_empty() { none } else { tried.join("; ") } }.into())
}

/// Whether a device has passed the self-check on this machine with this build, as far as its name tells: then it need
/// not be tried in a process of its own.
pub fn is_proved(name: &str, precision: Precision) -> bool {
    let verdict = || Record::of_name(name, precision)?.read();
    is_own_cpu(name) || matches!(verdict(), Some(Verdict::Checked { .. }))
}

/// Forgets every verdict on a device in a precision: it is checked again when it is opened.
pub fn forget(name: &str, precision: Precision) {
    Record::remove_all(name, precision);
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

/// The device, once it has passed the self-check, now or before.
fn self_checked(device: ComputeDevice) -> Result<ComputeDevice, Error> {
    let name = device.name();
    if is_own_cpu(&name) {
        return Ok(device);
    }
    let record = Record::of_device(&device);
    let checks =
        remembered(&device, record.as_ref(), Unfinished::Crashed, &mut |step| Ok(self_check::run(&device, step)?))?;
    self_check::verdict(&device, &checks)?;
    if let Some(record) = Record::of_name(&name, device.precision()) {
        record.write(&Verdict::Checked { checks });
    }
    Ok(device)
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
        // Without a GPU that is compiled in there is one answer each.
        if Backend::choice("gpu").is_some_and(|gpus| gpus.is_empty()) {
            assert_eq!(open_device("auto", Precision::F32, None).unwrap().name(), "cpu");
            let error = open_device("gpu", Precision::F32, None).unwrap_err();
            assert!(matches!(error, Error::Device(DeviceError::NoGpu { .. })), "{error}");
        }
        // A driver that happens to be there may crash in a process that has not tried it in a subprocess.
        match patchcore_testing::test_devices() {
            Some(names) if !names.iter().all(|name| is_own_cpu(name)) => {
                drop(open_device("auto", Precision::F32, None).unwrap());
            }
            _ => println!("skipped: PATCHCORE_TEST_DEVICE does not say that the devices here can be tried"),
        }
    }
}
