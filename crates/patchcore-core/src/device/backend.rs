//! What computes: the backends that Burn brings, named as its cargo features, and this project's own CPU engine.

/// A compute backend, named as its cargo feature is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The CPU by this project's own kernels alone; needs no Burn.
    Cpu,
    /// The CPU by Burn's Flex backend, pure Rust, with this project's own kernels for every step.
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

/// Every backend, in the order in which `gpu` and `auto` try them.
pub const BACKENDS: [Backend; 8] = [
    Backend::Cuda,
    Backend::Rocm,
    Backend::Metal,
    Backend::Vulkan,
    Backend::Wgpu,
    Backend::WebGpu,
    Backend::Flex,
    Backend::Cpu,
];

impl Backend {
    /// Name on the command line and cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Cpu => "cpu",
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
    pub const fn is_compiled_in(self) -> bool {
        match self {
            Backend::Cpu => cfg!(feature = "cpu"),
            Backend::Flex => cfg!(feature = "flex"),
            Backend::Vulkan => cfg!(feature = "vulkan"),
            Backend::Wgpu => cfg!(feature = "wgpu"),
            Backend::WebGpu => cfg!(feature = "webgpu"),
            Backend::Metal => cfg!(feature = "metal"),
            Backend::Cuda => cfg!(feature = "cuda"),
            Backend::Rocm => cfg!(feature = "rocm"),
        }
    }

    /// Whether it is one for GPUs.
    pub fn is_gpu(self) -> bool {
        !matches!(self, Backend::Cpu | Backend::Flex)
    }

    /// The backends of this build among which a name leaves the choice, in order: `gpu` stands for the first GPU that can be used,
    /// `auto` for the same, else for `cpu`. `None` for a name that leaves none.
    pub fn choice(name: &str) -> Option<Vec<Backend>> {
        let or_cpu = match name {
            "gpu" => false,
            "auto" => true,
            _ => return None,
        };
        Some(Self::compiled_in().filter(|backend| backend.is_gpu() || or_cpu && *backend == Backend::Cpu).collect())
    }

    /// The backends of this build.
    pub fn compiled_in() -> impl Iterator<Item = Backend> {
        BACKENDS.into_iter().filter(|backend| backend.is_compiled_in())
    }
}
