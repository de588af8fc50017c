//! A device that can be computed on, opened by its name.

#[cfg(feature = "burn")]
use burn::tensor::{Device, Tensor, TensorData};

use super::failure::Failure;
use super::fork::check_fork;
use super::open::{Opened, lose, note_lost, open};
use super::panic_message::panic_message;
use super::{BACKENDS, Backend, DeviceProperties, Instructions, PRECISIONS, Precision};
use crate::error::DeviceError;

/// The name of the CPU by tensor operations alone.
const FLEX_TENSORS: &str = "flex:tensors";

/// A device that can be computed on, and the precision in which the network runs there. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ComputeDevice {
    backend: Backend,
    index: Option<usize>,
    /// Burn's handle; `None` for the CPU without Burn.
    #[cfg(feature = "burn")]
    burn: Option<Device>,
    properties: DeviceProperties,
    precision: Precision,
    /// Matrix units that round their factors to tf32 are there.
    has_tf32: bool,
    instructions: Instructions,
    tensors_only: bool,
    simulated_bits: u32,
}

/// Bits behind the leading one of an f32.
const EVERY_BIT: u32 = Precision::F32.factor_bits();

impl ComputeDevice {
    /// The CPU, without Burn.
    #[cfg(feature = "cpu")]
    pub fn cpu() -> Self {
        Self::new(Backend::Cpu, None, Opened::default())
    }

    /// The CPU, with Burn's tensors.
    #[cfg(feature = "flex")]
    pub fn flex() -> Self {
        Self::new(Backend::Flex, None, Opened { burn: Some(Device::flex()), ..Opened::default() })
    }

    fn new(backend: Backend, index: Option<usize>, opened: Opened) -> Self {
        Self {
            backend,
            index,
            #[cfg(feature = "burn")]
            burn: opened.burn,
            properties: opened.properties,
            precision: Precision::F32,
            has_tf32: opened.has_tf32,
            instructions: Instructions::native(),
            tensors_only: false,
            simulated_bits: EVERY_BIT,
        }
    }

    /// The device of that name: `cpu`, `flex`, `vulkan`, `cuda:1`, ... ; `cpu` and `flex` are the processor by this project's
    /// own kernels and give the same bits, `flex` has Burn's tensors beside them; `flex:tensors` is the processor by tensor
    /// operations alone. The device is opened, not tried: see [`crate::self_check`].
    ///
    /// # Errors
    /// [`DeviceError::Unknown`], [`DeviceError::NotCompiledIn`], [`DeviceError::NotPresent`], and [`DeviceError::Choice`] for
    /// `gpu` and `auto`, which only a self-check can decide ([`Backend::choice`]).
    pub fn from_name(name: &str) -> Result<Self, DeviceError> {
        if Backend::choice(name).is_some() {
            return Err(DeviceError::Choice { name: name.to_owned() });
        }
        let (backend, index, tensors_only) = parse(name)?;
        if !backend.is_compiled_in() {
            let available = Backend::compiled_in().map(Backend::name).collect::<Vec<_>>().join(", ");
            return Err(DeviceError::NotCompiledIn { name: name.to_owned(), feature: backend.name(), available });
        }
        let device = Self::open(backend, index, name)?;
        Ok(Self { tensors_only, ..device })
    }

    fn open(backend: Backend, index: Option<usize>, name: &str) -> Result<Self, DeviceError> {
        if backend.is_gpu() {
            check_fork(|| name.to_owned())?;
        }
        let absent = |found| DeviceError::NotPresent { name: name.to_owned(), found };
        // A driver that is broken or missing may panic in Burn instead of returning.
        match std::panic::catch_unwind(|| open(backend, index)) {
            Ok(opened) => opened.map(|opened| Self::new(backend, index, opened)).map_err(absent),
            Err(panic) => Err(absent(panic_message(panic.as_ref()))),
        }
    }

    /// The same device with the network in another precision. The CPU's own kernels compute in [`Precision::F32`] alone; on
    /// `flex` the others run as tensor operations, slower: there they are for finding out what a precision does to the scores.
    ///
    /// # Errors
    /// [`DeviceError::UnsupportedPrecision`] where the device cannot compute in it.
    pub fn with_precision(self, precision: Precision) -> Result<Self, DeviceError> {
        if !self.supports(precision) {
            let available = self.precisions().map(Precision::name).collect::<Vec<_>>().join(", ");
            return Err(DeviceError::UnsupportedPrecision {
                device: self.name(),
                precision: precision.name(),
                available,
            });
        }
        Ok(Self { precision, ..self })
    }

    /// The precisions in which this device can compute, the most exact one first.
    pub fn precisions(&self) -> impl Iterator<Item = Precision> {
        PRECISIONS.into_iter().filter(|precision| self.supports(*precision))
    }

    fn supports(&self, precision: Precision) -> bool {
        match precision {
            Precision::F32 => true,
            // Whoever has units cut factors to so few bits simulates units of tf32.
            Precision::Tf32 => self.has_tf32 || self.simulated_bits <= Precision::Tf32.factor_bits(),
            Precision::F16 | Precision::Bf16 => self.holds(precision),
        }
    }

    /// Whether there are tensors of a format.
    #[cfg(feature = "burn")]
    fn holds(&self, precision: Precision) -> bool {
        self.burn.as_ref().is_some_and(|device| device.supports_dtype(precision.dtype()))
    }

    #[cfg(not(feature = "burn"))]
    fn holds(&self, _: Precision) -> bool {
        false
    }

    /// The same device with the CPU's own kernels limited to these vector instructions.
    ///
    /// # Errors
    /// [`DeviceError::UnsupportedInstructions`] where the processor does not have them, or where those kernels do not compute
    /// (on another device than the CPU, in another precision than f32).
    pub fn with_instructions(self, instructions: Instructions) -> Result<Self, DeviceError> {
        let refused = |expected| {
            let (device, precision) = (self.name(), self.precision.name());
            Err(DeviceError::UnsupportedInstructions { device, precision, found: instructions.name(), expected })
        };
        if !self.has_own_kernels() {
            return refused("the CPU's own kernels (device `cpu` in f32), or no choice of instructions".into());
        }
        if !instructions.is_available() {
            let available: Vec<&str> = Instructions::available().map(Instructions::name).collect();
            return refused(format!("what this processor has: {}", available.join(", ")));
        }
        Ok(Self { instructions, ..self })
    }

    /// The vector instructions that this project's own kernels may use; `None` where they do not compute: on a GPU, by tensor
    /// operations, in a precision below f32.
    pub fn instructions(&self) -> Option<Instructions> {
        self.has_own_kernels().then_some(self.instructions)
    }

    /// The same device as if its units cut the factors of products to so many bits behind the leading one, as matrix units do (TF32
    /// and f16 keep 10, bf16 keeps 7): this project's own kernels on a GPU then do so. For finding out whether that is noticed.
    #[doc(hidden)]
    #[must_use]
    pub fn with_simulated_bits(self, bits: u32) -> Self {
        Self { simulated_bits: bits.clamp(1, EVERY_BIT), ..self }
    }

    /// The bits that kernels keep of the factors of products: 23 of a device that is none of [`ComputeDevice::with_simulated_bits`].
    #[doc(hidden)]
    pub fn simulated_bits(&self) -> u32 {
        self.simulated_bits
    }

    /// The precision of the network.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The backend.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Hardware, driver and memory.
    pub fn properties(&self) -> &DeviceProperties {
        &self.properties
    }

    /// The name that [`ComputeDevice::from_name`] takes.
    pub fn name(&self) -> String {
        match self.index {
            Some(index) => format!("{}:{index}", self.backend.name()),
            None if self.tensors_only => FLEX_TENSORS.to_owned(),
            None => self.backend.name().to_owned(),
        }
    }

    /// Whether this project's own kernels compute here, every step of them, with no tensor anywhere: the engine of `cpu`, and of `flex`
    /// in f32.
    pub(crate) fn has_own_kernels(&self) -> bool {
        match self.backend {
            Backend::Cpu => true,
            Backend::Flex => self.precision == Precision::F32 && !self.tensors_only,
            _ => false,
        }
    }

    /// Whether this project's own CubeCL kernels compute here: on every GPU.
    #[cfg(feature = "cube")]
    pub(crate) fn has_cube_kernels(&self) -> bool {
        self.backend.is_gpu()
    }

    /// Waits for everything that was asked of the device.
    ///
    /// # Errors
    /// [`DeviceError::Execution`], for whatever failed since the last time.
    pub fn sync(&self) -> Result<(), DeviceError> {
        #[cfg(feature = "burn")]
        if let Some(device) = &self.burn {
            check_fork(|| self.name())?;
            return device.sync().map_err(|error| self.failed("synchronisation", error));
        }
        Ok(())
    }

    /// The error of an operation that failed here, of the kind that the backend's words say. A device that is gone is opened anew the
    /// next time.
    pub(crate) fn failed(&self, operation: &'static str, error: impl std::fmt::Display) -> DeviceError {
        let (device, message) = (self.name(), error.to_string());
        match Failure::of(&message) {
            Failure::OutOfMemory => DeviceError::OutOfMemory { device, operation, message },
            // Of the first operation that fails the words may be of a buffer that could not be read.
            failure if failure == Failure::Lost || self.is_gone() => {
                note_lost(self.backend, self.index);
                DeviceError::Lost { device, operation, message }
            }
            _ => DeviceError::Execution { device, operation, message },
        }
    }

    /// Whether the device answers that it is gone.
    fn is_gone(&self) -> bool {
        #[cfg(feature = "burn")]
        if let Some(device) = self.burn.as_ref().filter(|_| self.backend.is_gpu()) {
            // A driver that is gone may panic in Burn instead of returning, and be heard of only after it has been asked.
            let ask = || std::panic::catch_unwind(|| device.sync().map_err(|error| error.to_string()));
            let said = || ask().unwrap_or_else(|panic| Err(panic_message(panic.as_ref())));
            return (0..2).any(|_| said().is_err_and(|said| Failure::of(&said) == Failure::Lost));
        }
        false
    }

    /// Takes the device away as a driver does that gives up, for finding out what follows; false where that cannot be done. Whatever
    /// else uses the device loses it too.
    #[doc(hidden)]
    pub fn lose(&self) -> bool {
        lose(self.backend, self.index)
    }
}

#[cfg(feature = "burn")]
impl ComputeDevice {
    /// Burn's handle.
    ///
    /// # Errors
    /// [`DeviceError::NoTensors`] for `cpu`, which computes without them.
    pub(crate) fn burn(&self) -> Result<&Device, DeviceError> {
        self.burn.as_ref().ok_or_else(|| DeviceError::NoTensors { device: self.name() })
    }

    /// Values on the device, in f32.
    pub(crate) fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Result<Tensor<D>, DeviceError> {
        Ok(Tensor::from_data(TensorData::new(values, shape), self.burn()?))
    }
}

/// Backend, index, and whether the CPU's own kernels are left out.
fn parse(name: &str) -> Result<(Backend, Option<usize>, bool), DeviceError> {
    let unknown = || DeviceError::Unknown { name: name.to_owned() };
    if name == FLEX_TENSORS {
        return Ok((Backend::Flex, None, true));
    }
    let (kind, index) = match name.split_once(':') {
        Some((kind, index)) => (kind, Some(index.parse::<usize>().map_err(|_| unknown())?)),
        None => (name, None),
    };
    let backend = BACKENDS.into_iter().find(|backend| backend.name() == kind).ok_or_else(unknown)?;
    if matches!(backend, Backend::Cpu | Backend::Flex) && index.is_some() {
        return Err(unknown());
    }
    Ok((backend, index, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_refused_with_the_list_of_names() {
        for name in ["tpu", "", "flex:0", "cpu:0", "cpu:tensors", "cuda:x", "Flex"] {
            assert_eq!(
                ComputeDevice::from_name(name).unwrap_err(),
                DeviceError::Unknown { name: name.into() },
                "{name}"
            );
        }
    }

    #[test]
    fn gpu_and_auto_are_a_choice_and_auto_has_the_cpu_last() {
        let (gpu, auto) = (Backend::choice("gpu").unwrap(), Backend::choice("auto").unwrap());
        assert!(gpu.iter().all(|backend| backend.is_gpu() && backend.is_compiled_in()), "{gpu:?}");
        let last = if cfg!(feature = "cpu") { vec![Backend::Cpu] } else { Vec::new() };
        assert_eq!(auto, [gpu, last].concat());
        for one in ["cpu", "flex", "cuda:0", "GPU"] {
            assert_eq!(Backend::choice(one), None, "{one}");
        }
        let error = ComputeDevice::from_name("auto").unwrap_err();
        assert_eq!(error, DeviceError::Choice { name: "auto".into() });
    }

    #[test]
    fn backends_that_are_not_compiled_in_name_their_feature() {
        for backend in BACKENDS.into_iter().filter(|backend| !backend.is_compiled_in()) {
            let error = ComputeDevice::from_name(backend.name()).unwrap_err();
            assert!(error.to_string().contains(&format!("cargo feature `{}`", backend.name())), "{error}");
        }
    }

    #[cfg(feature = "cpu")]
    #[test]
    fn the_cpu_computes_in_f32_alone() {
        let cpu = ComputeDevice::from_name("cpu").unwrap();
        assert!(cpu.has_own_kernels());
        cpu.sync().unwrap();
        for precision in [Precision::Tf32, Precision::F16, Precision::Bf16] {
            let error = cpu.clone().with_precision(precision).unwrap_err();
            assert!(matches!(error, DeviceError::UnsupportedPrecision { .. }), "{error}");
        }
    }

    /// Every device here that is no NVIDIA card since Ampere; the error names what there is.
    #[cfg(feature = "flex")]
    #[test]
    fn tf32_is_refused_where_no_unit_has_it_and_what_there_is_is_named() {
        let names = patchcore_testing::test_devices().unwrap_or_else(|| vec!["flex:tensors".to_owned()]);
        for name in names.iter().filter(|name| !name.starts_with("cuda")) {
            let device = ComputeDevice::from_name(name).unwrap();
            let has: Vec<&str> = device.precisions().map(Precision::name).collect();
            assert_eq!((has[0], has.contains(&"tf32")), ("f32", false), "{name}");
            let error = device.with_precision(Precision::Tf32).unwrap_err().to_string();
            let expected = format!("device `{name}` cannot compute in tf32: it can in {}", has.join(", "));
            assert!(error.starts_with(&expected), "{error}");
        }
    }

    #[cfg(feature = "flex")]
    #[test]
    fn the_cpu_is_always_there() {
        assert!(matches!(ComputeDevice::cpu().burn(), Err(DeviceError::NoTensors { .. })));
        assert!(ComputeDevice::flex().burn().is_ok());
        assert!(ComputeDevice::from_name("flex").unwrap().has_own_kernels());
        let tensors = ComputeDevice::from_name("flex:tensors").unwrap();
        assert!(!tensors.has_own_kernels());
        assert_eq!(tensors.name(), "flex:tensors");
        assert!(!ComputeDevice::flex().with_precision(Precision::F16).unwrap().has_own_kernels());
    }

    #[cfg(feature = "flex")]
    #[test]
    fn instructions_are_the_processors_own_and_the_cpu_kernels_alone() {
        let cpu = ComputeDevice::flex();
        assert_eq!(cpu.instructions(), Some(Instructions::native()));
        assert_eq!(
            cpu.clone().with_instructions(Instructions::Portable).unwrap().instructions(),
            Some(Instructions::Portable)
        );
        let tensors = ComputeDevice::from_name("flex:tensors").unwrap().with_instructions(Instructions::Portable);
        assert!(matches!(tensors, Err(DeviceError::UnsupportedInstructions { .. })), "{tensors:?}");
        for set in super::super::INSTRUCTIONS.into_iter().filter(|set| !set.is_available()) {
            let error = cpu.clone().with_instructions(set).unwrap_err();
            assert!(error.to_string().contains("what this processor has: portable"), "{error}");
        }
    }

    #[cfg(feature = "vulkan")]
    #[test]
    fn a_device_past_the_last_one_is_not_present() {
        let error = ComputeDevice::from_name("vulkan:99").unwrap_err();
        assert!(matches!(error, DeviceError::NotPresent { .. }), "{error}");
    }
}
