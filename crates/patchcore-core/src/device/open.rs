//! Burn's handle for a device, and what its driver says of itself.

#[cfg(feature = "burn")]
use burn::tensor::{Device, DeviceType};

use super::{Backend, DeviceProperties};

/// An open device.
#[derive(Default)]
pub(super) struct Opened {
    /// Burn's handle; `None` for the CPU without Burn.
    #[cfg(feature = "burn")]
    pub(super) burn: Option<Device>,
    pub(super) properties: DeviceProperties,
    /// It has matrix units for tf32.
    pub(super) has_tf32: bool,
}

/// Opens the `index`-th device of a backend, or the one that the backend prefers; or says why not.
pub(super) fn open(backend: Backend, index: Option<usize>) -> Result<Opened, String> {
    // Unused in a build with the CPU alone.
    let _ = index;
    match backend {
        #[cfg(feature = "cpu")]
        Backend::Cpu => Ok(Opened::default()),
        #[cfg(feature = "flex")]
        Backend::Flex => Ok(Opened { burn: Some(Device::flex()), ..Opened::default() }),
        #[cfg(feature = "cuda")]
        Backend::Cuda => cube(Device::cuda(index.unwrap_or(0))),
        #[cfg(feature = "rocm")]
        Backend::Rocm => cube(Device::rocm(index.unwrap_or(0))),
        #[cfg(feature = "wgpu")]
        Backend::Vulkan | Backend::Wgpu | Backend::WebGpu | Backend::Metal => graphics::open(backend, index),
        #[allow(unreachable_patterns, reason = "some features leave nothing over")]
        _ => Err("this backend is not compiled in".to_owned()),
    }
}

/// How many devices of a backend are present; 0 for the CPU, which has no index.
pub fn count_devices(backend: Backend) -> usize {
    #[cfg(feature = "burn")]
    return enumerate(backend).len();
    #[cfg(not(feature = "burn"))]
    {
        let _ = backend;
        0
    }
}

/// The devices of a backend that are present, in the order of their index; empty for the CPU's backends.
#[cfg(feature = "burn")]
fn enumerate(backend: Backend) -> Vec<Device> {
    let Some(kind) = kind(backend) else { return Vec::new() };
    // A driver that is broken may panic instead of returning: then it has no device.
    std::panic::catch_unwind(move || Device::enumerate(kind).into_iter().collect()).unwrap_or_default()
}

/// Burn's name for a backend that is compiled in and has more devices than the CPU.
#[cfg(feature = "burn")]
fn kind(backend: Backend) -> Option<DeviceType> {
    match backend {
        #[cfg(feature = "cuda")]
        Backend::Cuda => Some(DeviceType::Cuda),
        #[cfg(feature = "rocm")]
        Backend::Rocm => Some(DeviceType::Rocm),
        #[cfg(feature = "vulkan")]
        Backend::Vulkan => Some(DeviceType::Vulkan),
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => Some(DeviceType::Wgpu),
        #[cfg(feature = "webgpu")]
        Backend::WebGpu => Some(DeviceType::WebGpu),
        #[cfg(feature = "metal")]
        Backend::Metal => Some(DeviceType::Metal),
        #[allow(unreachable_patterns, reason = "some features leave nothing over")]
        _ => None,
    }
}

/// A device of CubeCL, opened, with what its runtime says of it.
#[cfg(feature = "cube")]
fn cube(device: Device) -> Result<Opened, String> {
    use burn::backend::DispatchDevice;
    use burn_cubecl::cubecl::ir::{ElemType, FloatKind};
    let mut properties = DeviceProperties::default();
    let mut has_tf32 = false;
    #[allow(irrefutable_let_patterns, reason = "without the CPU's backend there is no other kind of device")]
    if let DispatchDevice::Cube(cube) = device.as_dispatch() {
        let client = cube.client();
        let known = client.properties();
        properties.hardware = known.identity.name.clone();
        properties.driver = known.identity.fingerprint.clone();
        properties.memory_bytes = known.memory.max_memory();
        properties.largest_allocation = Some(known.memory.max_page_size);
        let tf32 = ElemType::Float(FloatKind::TF32);
        let units = &known.features.matmul;
        has_tf32 = units.cmma.iter().chain(&units.mma).any(|unit| unit.a_type == tf32 && unit.b_type == tf32);
    }
    Ok(Opened { burn: Some(device), properties, has_tf32 })
}

#[cfg(feature = "wgpu")]
mod graphics {
    //! The backends over a graphics API.

    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex, PoisonError};

    use burn::backend::{CubeDevice, DispatchDevice, WgpuBackend, WgpuDeviceKind};
    use burn::tensor::{Device, DeviceKind};
    use burn_cubecl::cubecl::wgpu::wgpu::{AdapterInfo, DeviceType};

    use super::{Backend, Opened, cube};

    /// Driver and kind of every device opened so far: a runtime hands its adapter out once, when it is set up.
    static ADAPTERS: LazyLock<Mutex<Adapters>> = LazyLock::new(Mutex::default);

    type Adapters = HashMap<(Backend, Option<usize>), Adapter>;

    #[derive(Clone)]
    struct Adapter {
        device: Device,
        driver: String,
        is_software: bool,
    }

    pub(super) fn open(backend: Backend, index: Option<usize>) -> Result<Opened, String> {
        let mut adapters = ADAPTERS.lock().unwrap_or_else(PoisonError::into_inner);
        let adapter = match adapters.get(&(backend, index)) {
            Some(adapter) => adapter.clone(),
            None => {
                let adapter = set_up(backend, index)?;
                adapters.insert((backend, index), adapter.clone());
                adapter
            }
        };
        drop(adapters);
        let mut opened = cube(adapter.device)?;
        opened.properties.driver = adapter.driver;
        opened.properties.is_software = adapter.is_software;
        Ok(opened)
    }

    fn set_up(backend: Backend, index: Option<usize>) -> Result<Adapter, String> {
        let kind = match index {
            None => DeviceKind::DefaultDevice,
            Some(index) => {
                let present = super::enumerate(backend);
                let device = present.get(index).ok_or_else(|| match present.len() {
                    0 => format!("no {} device", backend.name()),
                    count => format!("{count} {} device(s), counted from 0", backend.name()),
                })?;
                kind_of(device)
            }
        };
        let api = match backend {
            Backend::Vulkan => WgpuBackend::Vulkan,
            Backend::Metal => WgpuBackend::Metal,
            Backend::WebGpu => WgpuBackend::WebGpu,
            _ => WgpuBackend::Auto,
        };
        let options = Device::wgpu_options().device_kind(kind).graphics_api(api);
        let (device, setup) = options.init_with_setup().map_err(|error| error.to_string())?;
        let AdapterInfo { driver, driver_info, device_type, .. } = setup.adapter.get_info();
        let driver = [driver, driver_info].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        Ok(Adapter { device, driver, is_software: device_type == DeviceType::Cpu })
    }

    fn kind_of(device: &Device) -> DeviceKind {
        match device.as_dispatch() {
            DispatchDevice::Cube(CubeDevice::Wgpu(device)) => match device.kind {
                WgpuDeviceKind::DiscreteGpu(index) => DeviceKind::DiscreteGpu(index),
                WgpuDeviceKind::IntegratedGpu(index) => DeviceKind::IntegratedGpu(index),
                WgpuDeviceKind::VirtualGpu(index) => DeviceKind::VirtualGpu(index),
                WgpuDeviceKind::Cpu => DeviceKind::Cpu,
                _ => DeviceKind::DefaultDevice,
            },
            #[allow(unreachable_patterns, reason = "some features leave nothing over")]
            _ => DeviceKind::DefaultDevice,
        }
    }
}
