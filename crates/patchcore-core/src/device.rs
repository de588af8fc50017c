//! Where to compute: a named device chosen at run time among the backends compiled in.
//!
//! Burn's own default device panics on a backend that is not compiled in; this type answers with an error.

use burn::tensor::Device;

use crate::error::DeviceError;

/// A compute backend, named as Burn's cargo feature is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The CPU: Burn's Flex backend, pure Rust.
    Flex,
    /// Vulkan with SPIR-V kernels.
    Vulkan,
    /// Whatever graphics API wgpu finds.
    Wgpu,
    /// WebGPU (the browser's).
    WebGpu,
    /// Apple's Metal.
    Metal,
    /// NVIDIA CUDA.
    Cuda,
    /// AMD ROCm.
    Rocm,
}

/// Every backend, in the order in which `auto` tries them.
pub const BACKENDS: [Backend; 7] =
    [Backend::Cuda, Backend::Rocm, Backend::Metal, Backend::Vulkan, Backend::Wgpu, Backend::WebGpu, Backend::Flex];

impl Backend {
    /// Name on the command line and cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Flex => "flex",
            Backend::Vulkan => "vulkan",
            Backend::Wgpu => "wgpu",
            Backend::WebGpu => "webgpu",
            Backend::Metal => "metal",
            Backend::Cuda => "cuda",
            Backend::Rocm => "rocm",
        }
    }

    /// Whether this build contains the backend.
    pub fn is_compiled_in(self) -> bool {
        match self {
            Backend::Flex => cfg!(feature = "flex"),
            Backend::Vulkan => cfg!(feature = "vulkan"),
            Backend::Wgpu => cfg!(feature = "wgpu"),
            Backend::WebGpu => cfg!(feature = "webgpu"),
            Backend::Metal => cfg!(feature = "metal"),
            Backend::Cuda => cfg!(feature = "cuda"),
            Backend::Rocm => cfg!(feature = "rocm"),
        }
    }

    /// The backends of this build.
    pub fn compiled_in() -> impl Iterator<Item = Backend> {
        BACKENDS.into_iter().filter(|backend| backend.is_compiled_in())
    }
}

/// A device that can be computed on.
#[derive(Debug, Clone)]
pub struct ComputeDevice {
    backend: Backend,
    index: Option<usize>,
    device: Device,
}

impl ComputeDevice {
    /// The CPU.
    #[cfg(feature = "flex")]
    pub fn flex() -> Self {
        Self { backend: Backend::Flex, index: None, device: Device::flex() }
    }

    /// The device of that name: `flex`, `vulkan`, `cuda:1`, ... ; `auto` is the first backend compiled in, in the
    /// order of [`BACKENDS`], whose device answers.
    ///
    /// # Errors
    /// [`DeviceError::Unknown`] and [`DeviceError::NotCompiledIn`].
    pub fn from_name(name: &str) -> Result<Self, DeviceError> {
        let available = || Backend::compiled_in().map(Backend::name).collect::<Vec<_>>().join(", ");
        let unknown = || DeviceError::Unknown { name: name.to_owned() };
        if name == "auto" {
            return BACKENDS
                .into_iter()
                .filter(|backend| backend.is_compiled_in())
                .find_map(|backend| open(backend, None).map(|device| Self { backend, index: None, device }))
                .ok_or_else(|| DeviceError::NotPresent { name: name.to_owned(), found: "no device".into() });
        }
        let (kind, index) = match name.split_once(':') {
            Some((kind, index)) => (kind, Some(index.parse::<usize>().map_err(|_| unknown())?)),
            None => (name, None),
        };
        let backend = BACKENDS.into_iter().find(|backend| backend.name() == kind).ok_or_else(unknown)?;
        if backend == Backend::Flex && index.is_some() {
            return Err(unknown());
        }
        if !backend.is_compiled_in() {
            let available = available();
            return Err(DeviceError::NotCompiledIn { name: name.to_owned(), feature: backend.name(), available });
        }
        let device = open(backend, index)
            .ok_or_else(|| DeviceError::NotPresent { name: name.to_owned(), found: "no such device".into() })?;
        Ok(Self { backend, index, device })
    }

    /// The backend.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The name that [`ComputeDevice::from_name`] takes.
    pub fn name(&self) -> String {
        match self.index {
            Some(index) => format!("{}:{index}", self.backend.name()),
            None => self.backend.name().to_owned(),
        }
    }

    /// Burn's handle.
    pub fn burn(&self) -> &Device {
        &self.device
    }

    /// Whether the specialised CPU bodies apply.
    pub fn is_cpu(&self) -> bool {
        self.backend == Backend::Flex
    }

    /// The error of an operation that failed here.
    pub(crate) fn failed(&self, operation: &'static str, error: impl std::fmt::Display) -> DeviceError {
        DeviceError::Execution { device: self.name(), operation, message: error.to_string() }
    }
}

/// Burn's handle for a backend; `None` where it is not compiled in.
fn open(backend: Backend, index: Option<usize>) -> Option<Device> {
    // Unused in a build with the CPU alone.
    let _ = index;
    match backend {
        #[cfg(feature = "flex")]
        Backend::Flex => Some(Device::flex()),
        #[cfg(feature = "cuda")]
        Backend::Cuda => Some(Device::cuda(index.unwrap_or(0))),
        #[cfg(feature = "rocm")]
        Backend::Rocm => Some(Device::rocm(index.unwrap_or(0))),
        #[cfg(feature = "vulkan")]
        Backend::Vulkan => Some(Device::vulkan(graphics_kind(index))),
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => Some(Device::wgpu(graphics_kind(index))),
        #[cfg(feature = "webgpu")]
        Backend::WebGpu => Some(Device::webgpu(graphics_kind(index))),
        #[cfg(feature = "metal")]
        Backend::Metal => Some(Device::metal(graphics_kind(index))),
        #[allow(unreachable_patterns)]
        _ => None,
    }
}

#[cfg(feature = "wgpu")]
fn graphics_kind(index: Option<usize>) -> burn::tensor::DeviceKind {
    match index {
        Some(index) => burn::tensor::DeviceKind::DiscreteGpu(index),
        None => burn::tensor::DeviceKind::DefaultDevice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_refused_with_the_list_of_names() {
        for name in ["tpu", "", "flex:0", "cuda:x", "Flex"] {
            assert_eq!(
                ComputeDevice::from_name(name).unwrap_err(),
                DeviceError::Unknown { name: name.into() },
                "{name}"
            );
        }
    }

    #[test]
    fn backends_that_are_not_compiled_in_name_their_feature() {
        for backend in BACKENDS.into_iter().filter(|backend| !backend.is_compiled_in()) {
            let error = ComputeDevice::from_name(backend.name()).unwrap_err();
            assert!(error.to_string().contains(&format!("--features {}", backend.name())), "{error}");
        }
    }

    #[cfg(feature = "flex")]
    #[test]
    fn the_cpu_is_always_there() {
        assert!(ComputeDevice::from_name("flex").unwrap().is_cpu());
    }
}
