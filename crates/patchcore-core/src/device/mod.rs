//! Where to compute, and in which precision: devices chosen by name at run time among the backends compiled in.
//!
//! Burn's own default device panics on a backend that is not compiled in, and a driver's failure reaches its caller as a
//! panic; here both are a [`DeviceError`](crate::error::DeviceError). A [`ComputeDevice`] knows what a scoring needs to
//! know of its hardware: the name and driver under which a verdict on it can be kept ([`crate::self_check`]), and the
//! memory that batches must fit in.
//!
//! A GPU runs the steps as Burn tensor operations and this project's own CubeCL kernels; the CPU has kernels of its own for
//! every step, with Burn's tensors beside them (`flex`) or without Burn (`cpu`). `flex:tensors` is the CPU by tensor
//! operations alone: what a GPU would run, where there is no GPU.

mod backend;
mod burn_build;
mod compute_device;
mod failure;
mod fork;
mod guard;
mod open;
mod panic_message;
mod precision;
mod properties;

pub use backend::{BACKENDS, Backend};
pub use burn_build::burn_build;
pub use compute_device::ComputeDevice;
pub(crate) use guard::guarded;
pub use open::count_devices;
pub use patchcore_cpu::{INSTRUCTIONS, Instructions};
pub use precision::{PRECISIONS, Precision};
pub use properties::DeviceProperties;
