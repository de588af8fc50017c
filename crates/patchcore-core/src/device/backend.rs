//! The backends that Burn brings, named as its cargo features.

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
