//! The self-check: does a device compute what this library relies on?
//!
//! Drivers and compilers have returned wrong numbers without an error. (One case is at hand: the software device
//! SwiftShader multiplies matrices wrong with the SPIR-V kernels of the feature `vulkan`; with WGSL it is right.) A score
//! from such a device is a lie that nobody notices. So before a device is used, [`run`] compares it on a few seconds'
//! worth of test cases with values that plain loops in f64 compute (`expected_values.rs`), and [`verdict`] refuses it by the
//! name of the operation. The crate `patchcore` keeps the verdict per hardware, driver and version.
//!
//! Every deviation is relative to the largest expected value. The factors of products and convolutions have 24 bits, so that a
//! device shows whether it rounds them to fewer: in f32 that is refused (`test_case.rs` derives the tolerances: 2e-5 for f32, 2e-3 for
//! tf32, 1e-2 for f16, 6e-2 for bf16). Indices must be right where no other candidate is within rounding. `known_faults.rs` holds
//! shapes for which devices have been wrong.

mod check;
#[cfg(feature = "burn")]
mod convolutions;
#[cfg(feature = "burn")]
mod expected_values;
#[cfg(feature = "burn")]
mod known_faults;
#[cfg(feature = "burn")]
mod layer;
#[cfg(feature = "burn")]
mod of_model;
#[cfg(feature = "burn")]
mod on_device;
#[cfg(feature = "burn")]
mod products;
mod reference;
mod steps;
#[cfg(feature = "burn")]
mod tensor_operations;
mod test_case;

pub use check::Check;
#[cfg(feature = "burn")]
pub use of_model::of_model;

use crate::device::{ComputeDevice, guarded};
use crate::error::DeviceError;
use test_case::TestCase;

/// Runs every test case. `step` is called before each with its name.
///
/// # Errors
/// [`DeviceError::Execution`] where an operation fails.
pub fn run(device: &ComputeDevice, step: &mut dyn FnMut(&str)) -> Result<Vec<Check>, DeviceError> {
    test_cases(device)
        .into_iter()
        .map(|case| {
            step(&case.name);
            let found = guarded(device, OPERATION, || (case.run)(device))?;
            Ok(Check { operation: case.name.into_owned(), found, tolerance: case.tolerance })
        })
        .collect()
}

/// What an error of the device says was being done.
const OPERATION: &str = "self-check";

/// What a device is checked on: operations on tensors where it has them, and the steps made of them.
fn test_cases(device: &ComputeDevice) -> Vec<TestCase> {
    let mut cases = Vec::new();
    #[cfg(feature = "burn")]
    if device.burn().is_ok() {
        cases.extend(products::cases(device));
        cases.extend(convolutions::cases(device));
        cases.extend(tensor_operations::cases());
        cases.extend(known_faults::cases(device));
    }
    #[cfg(not(feature = "burn"))]
    let _ = device;
    cases.extend(steps::cases());
    cases
}

/// [`of_model`] in a build without Burn, whose only device is the CPU by this project's own kernels, with which others are compared:
/// nothing is asked.
///
/// # Errors
/// None.
#[cfg(not(feature = "burn"))]
pub fn of_model(
    _: &crate::patchcore::PatchCore,
    _: crate::given_weights::GivenWeights<'_>,
    _: (usize, usize),
    _: usize,
    _: &mut dyn FnMut(&str),
) -> Result<Vec<Check>, DeviceError> {
    Ok(Vec::new())
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
    use crate::device::Precision;

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
        assert_eq!(checks.len(), steps::cases().len());
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

    /// The GPUs among the devices that `PATCHCORE_TEST_DEVICE` names: right as they are, in every precision that they have; as devices
    /// whose units cut factors to eleven bits they are refused in f32, by the product, the convolution and the depthwise
    /// convolution, and taken in tf32; with the cut off they are right again.
    #[test]
    fn a_simulated_device_is_refused_in_f32_and_taken_in_tf32() {
        let names = patchcore_testing::test_devices().unwrap_or_default();
        for name in &names {
            let device = ComputeDevice::from_name(name).unwrap();
            if !device.backend().is_gpu() {
                continue;
            }
            for precision in device.precisions() {
                let device = device.clone().with_precision(precision).unwrap();
                let started = std::time::Instant::now();
                let checks = run(&device, &mut |_| ()).unwrap();
                println!("{name} in {}, {:.1} s: {checks:#?}", precision.name(), started.elapsed().as_secs_f64());
                verdict(&device, &checks).unwrap();
            }
            let simulated = device.with_simulated_bits(10);
            let checks = run(&simulated, &mut |_| ()).unwrap();
            let wrong: Vec<&str> =
                checks.iter().filter(|check| !check.passed()).map(|check| check.operation.as_str()).collect();
            println!("{name} with factors of eleven bits is wrong in {wrong:?}");
            for operation in ["matrix product", "convolution 3x3", "depthwise convolution"] {
                assert!(wrong.contains(&operation), "{operation}: {checks:#?}");
            }
            assert!(matches!(verdict(&simulated, &checks), Err(DeviceError::WrongAnswer { .. })));
            let tf32 = simulated.clone().with_precision(Precision::Tf32).unwrap();
            verdict(&tf32, &run(&tf32, &mut |_| ()).unwrap()).unwrap();
            let whole = simulated.with_simulated_bits(23);
            assert!(whole.clone().with_precision(Precision::Tf32).is_err(), "it has no units for tf32");
            verdict(&whole, &run(&whole, &mut |_| ()).unwrap()).unwrap();
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
