//! What the tests, benches and tasks of this project share: where the real photographs, weights and golden vectors lie.
//!
//! They lie outside the repository, in `../shared` from the workspace's root or where `PATCHCORE_SHARED` says; a relative
//! `PATCHCORE_SHARED` counts from the workspace's root too, whatever folder a test runs in. What is not there is skipped
//! with one printed line, unless `PATCHCORE_REQUIRE_SHARED=1`: then it is a failure, which is how CI knows that the golden
//! tests have run.
//!
//! - [`shared`], [`resnet18`] and [`Golden`] are for tests: they print `skipped: ...`, or panic where it is required.
//! - [`find_shared`] is for programs, which fall back or say themselves what they skip.
//! - [`files`] and [`read_npy`] read what lies there, and what the program wrote of it.
//! - [`formula_weights`] are weights for any network of the catalogue, for tests of what those cannot be had for.
//! - [`test_devices`] names the devices that tests may open.
//!
//! Nothing here depends on Burn, so that xtask and build scripts can use it.

mod devices;
mod files;
mod formula;
mod golden;
mod npy;
mod shared;

pub use devices::test_devices;
pub use files::files;
pub use formula::{formula_values, formula_weights};
pub use golden::Golden;
pub use npy::read_npy;
pub use shared::{RESNET18, SharedMissing, find_shared, resnet18, shared};
