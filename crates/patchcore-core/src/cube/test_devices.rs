//! The devices on which tests try the kernels.

use crate::device::ComputeDevice;

/// Those of CubeCL among the devices that the tests are given (`PATCHCORE_TEST_DEVICE`); none without them.
pub(crate) fn cube_devices() -> Vec<ComputeDevice> {
    let named = patchcore_testing::test_devices().unwrap_or_default();
    let open = |name: String| ComputeDevice::from_name(&name).unwrap();
    named.into_iter().map(open).filter(ComputeDevice::has_cube_kernels).collect()
}
