//! The self-check: does a device compute what this library relies on?
//!
//! Drivers and compilers have returned wrong numbers without an error. (One case is at hand: the software device
//! SwiftShader multiplies matrices wrong with the SPIR-V kernels of the feature `vulkan`; with WGSL it is right.) A score
//! from such a device is a lie that nobody notices. So before a device is used, [`run`] compares it on a few seconds'
//! worth of test cases with values that plain loops in f64 compute (`expected_values.rs`), and [`verdict`] refuses it by the
//! name of the operation. The crate `patchcore` keeps the verdict per hardware, driver and version.
//!
//! Every deviation is relative to the largest expected value. The tolerances are for another order of summation in the
//! device's precision: 1e-4 for f32 (measured: 1e-6 at most), 1e-2 for f16, 6e-2 for bf16; indices must be right where no
//! other candidate is within rounding.

#[cfg(feature = "burn")]
mod expected_values;
mod reference;
mod steps;
#[cfg(feature = "burn")]
mod tensor_operations;
mod test_case;

use serde::{Deserialize, Serialize};

use crate::device::{ComputeDevice, guarded};
use crate::error::DeviceError;
use test_case::TestCase;

/// One test case and how far the device's result was off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The operation.
    pub operation: String,
    /// Largest deviation, relative to the largest expected value.
    pub found: f64,
    /// Largest deviation allowed.
    pub tolerance: f64,
}

impl Check {
    /// Whether the result was right; a deviation that is not a number is wrong.
    pub fn passed(&self) -> bool {
        self.found <= self.tolerance
    }
}

/// Runs every test case. `step` is called before each with its name.
///
/// # Errors
/// [`DeviceError::Execution`] where an operation fails.
pub fn run(device: &ComputeDevice, step: &mut dyn FnMut(&str)) -> Result<Vec<Check>, DeviceError> {
    test_cases(device)
        .map(|case| {
            step(case.name);
            let found = guarded(device, case.name, || (case.run)(device))?;
            let tolerance = (case.tolerance)(device.precision());
            Ok(Check { operation: case.name.to_owned(), found, tolerance })
        })
        .collect()
}

/// What a device is checked on: operations on tensors where it has them, and the steps made of them.
fn test_cases(device: &ComputeDevice) -> impl Iterator<Item = &'static TestCase> {
    #[cfg(feature = "burn")]
    let on_tensors = device.burn().is_ok().then_some(&tensor_operations::OPERATIONS).into_iter().flatten();
    #[cfg(not(feature = "burn"))]
    let on_tensors = {
        let _ = device;
        std::iter::empty()
    };
    on_tensors.chain(&steps::STEPS)
}

/// Refuses a device that computed wrong.
///
/// # Errors
/// [`DeviceError::WrongAnswer`], for the worst result.
pub fn verdict(device: &ComputeDevice, checks: &[Check]) -> Result<(), DeviceError> {
    let wrong = checks.iter().filter(|check| !check.passed());
    let excess = |check: &Check| if check.found.is_finite() { check.found / check.tolerance } else { f64::INFINITY };
    match wrong.max_by(|a, b| excess(a).total_cmp(&excess(b))) {
        None => Ok(()),
        Some(worst) => Err(DeviceError::WrongAnswer {
            device: device.name(),
            operation: worst.operation.clone(),
            found: worst.found,
            tolerance: worst.tolerance,
        }),
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_passes() {
        let device = ComputeDevice::from_name("flex:tensors").unwrap();
        let mut steps_told = 0;
        let checks = run(&device, &mut |_| steps_told += 1).unwrap();
        assert_eq!(steps_told, checks.len());
        for check in &checks {
            assert!(check.found <= check.tolerance / 10.0, "{check:?}");
        }
        verdict(&device, &checks).unwrap();
    }

    #[test]
    fn a_device_without_tensors_is_checked_on_the_steps_alone() {
        let device = ComputeDevice::cpu();
        let checks = run(&device, &mut |_| ()).unwrap();
        assert_eq!(checks.len(), steps::STEPS.len());
        verdict(&device, &checks).unwrap();
    }

    #[test]
    fn the_worst_wrong_result_names_its_operation() {
        let device = ComputeDevice::flex();
        let check = |operation: &str, found| Check { operation: operation.to_owned(), found, tolerance: 1e-4 };
        for found in [0.5, f64::INFINITY, f64::NAN] {
            let checks = [check("pool", 1e-7), check("matrix product", found), check("gather", 1e-3)];
            let message = verdict(&device, &checks).unwrap_err().to_string();
            assert!(message.contains("matrix product is off by"), "{message}");
        }
    }

    /// The device that `PATCHCORE_TEST_WRONG_DEVICE` names is known to compute wrong: SwiftShader with SPIR-V kernels.
    #[test]
    fn a_device_that_computes_wrong_is_refused() {
        let Ok(name) = std::env::var("PATCHCORE_TEST_WRONG_DEVICE") else {
            println!("skipped: PATCHCORE_TEST_WRONG_DEVICE names no device that is known to compute wrong");
            return;
        };
        let device = ComputeDevice::from_name(&name).unwrap();
        let checks = run(&device, &mut |_| ()).unwrap();
        let wrong: Vec<&str> =
            checks.iter().filter(|check| !check.passed()).map(|check| check.operation.as_str()).collect();
        println!("{:?} computes wrong: {wrong:?}", device.properties());
        assert!(wrong.contains(&"matrix product"), "{checks:?}");
        let error = verdict(&device, &checks).unwrap_err();
        assert!(matches!(error, DeviceError::WrongAnswer { .. }), "{error}");
    }
}
