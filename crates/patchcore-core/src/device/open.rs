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
        Backend::Cuda => cube(Device::cuda(counted(backend, index)?)),
        #[cfg(feature = "rocm")]
        Backend::Rocm => cube(Device::rocm(counted(backend, index)?)),
        #[cfg(feature = "wgpu")]
        Backend::Vulkan | Backend::Wgpu | Backend::WebGpu | Backend::Metal => graphics::open(backend, index),
        #[allow(unreachable_patterns, reason = "some features leave nothing over")]
        _ => Err("this backend is not compiled in".to_owned()),
    }
}

/// The index of a device that is there; the first without one.
#[cfg(any(feature = "cuda", feature = "rocm"))]
fn counted(backend: Backend, index: Option<usize>) -> Result<usize, String> {
    // Without an index the driver itself says what is missing.
    let Some(index) = index else { return Ok(0) };
    let count = count_devices(backend);
    if index < count { Ok(index) } else { Err(too_few(backend, count)) }
}

/// Why there is no device of an index.
#[cfg(any(feature = "cuda", feature = "rocm", feature = "wgpu"))]
fn too_few(backend: Backend, count: usize) -> String {
    match count {
        0 => format!("no {} device", backend.name()),
        count => format!("{count} {} device(s), counted from 0", backend.name()),
    }
}

/// Notes that a device is gone: the next [`open`] has to open it anew.
pub(super) fn note_lost(backend: Backend, index: Option<usize>) {
    #[cfg(feature = "wgpu")]
    graphics::note_lost(backend, index);
    #[cfg(not(feature = "wgpu"))]
    let _ = (backend, index);
}

/// Takes a device away, where that can be done.
pub(super) fn lose(backend: Backend, index: Option<usize>) -> bool {
    #[cfg(feature = "wgpu")]
    return graphics::lose(backend, index);
    #[cfg(not(feature = "wgpu"))]
    {
        let _ = (backend, index);
        false
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
    use std::pin::pin;
    use std::sync::{LazyLock, Mutex, PoisonError};
    use std::task::{Context, Poll, Waker};

    use burn::backend::{CubeDevice, DispatchDevice, WgpuBackend, WgpuDeviceKind};
    use burn::tensor::{Device, DeviceKind};
    use burn_cubecl::cubecl::wgpu::WgpuSetup;
    use burn_cubecl::cubecl::wgpu::wgpu::{AdapterInfo, DeviceDescriptor, DeviceType, PollType};

    use super::{Backend, Opened, cube};

    /// Driver and kind of every device opened so far: a runtime hands its adapter out once, when it is set up.
    static ADAPTERS: LazyLock<Mutex<Adapters>> = LazyLock::new(Mutex::default);

    type Adapters = HashMap<(Backend, Option<usize>), Adapter>;

    #[derive(Clone)]
    struct Adapter {
        device: Device,
        setup: WgpuSetup,
        driver: String,
        is_software: bool,
        is_lost: bool,
    }

    pub(super) fn note_lost(backend: Backend, index: Option<usize>) {
        let mut adapters = ADAPTERS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(adapter) = adapters.get_mut(&(backend, index)) {
            adapter.is_lost = true;
        }
    }

    pub(super) fn lose(backend: Backend, index: Option<usize>) -> bool {
        let adapters = ADAPTERS.lock().unwrap_or_else(PoisonError::into_inner);
        let adapter = adapters.get(&(backend, index));
        if let Some(adapter) = adapter {
            adapter.setup.device.destroy();
            // The runtime hears of it when the device is looked at.
            let _ = adapter.setup.device.poll(PollType::Poll);
        }
        adapter.is_some()
    }

    /// The adapter with a new device, after it has lost the one that it had.
    fn renewed(lost: &Adapter) -> Result<Adapter, String> {
        // A compiler to SPIR-V or MSL asks the adapter for more than can be asked for here.
        if cfg!(any(feature = "vulkan", feature = "metal")) {
            return Err(
                "it was lost, and its graphics API gives it to a new process only: start the program again".into()
            );
        }
        let setup = &lost.setup;
        let descriptor = DeviceDescriptor {
            label: None,
            required_features: setup.device.features(),
            required_limits: setup.device.limits(),
            ..DeviceDescriptor::default()
        };
        let made = at_once(setup.adapter.request_device(&descriptor)).ok_or("its driver does not answer")?;
        let (device, queue) = made.map_err(|error| format!("it was lost and cannot be opened anew: {error}"))?;
        let setup = WgpuSetup { device, queue, ..setup.clone() };
        let opened = Device::wgpu_options().setup(setup.clone()).init().map_err(|error| error.to_string())?;
        Ok(Adapter { device: opened, setup, is_lost: false, ..lost.clone() })
    }

    /// What a future gives that need not be waited for; drivers answer at once.
    fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    pub(super) fn open(backend: Backend, index: Option<usize>) -> Result<Opened, String> {
        let mut adapters = ADAPTERS.lock().unwrap_or_else(PoisonError::into_inner);
        let adapter = match adapters.get(&(backend, index)) {
            Some(adapter) if !adapter.is_lost => adapter.clone(),
            Some(lost) => {
                let adapter = renewed(lost)?;
                adapters.insert((backend, index), adapter.clone());
                adapter
            }
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
                kind_of(present.get(index).ok_or_else(|| super::too_few(backend, present.len()))?)
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
        let is_software = device_type == DeviceType::Cpu;
        Ok(Adapter { device, setup, driver, is_software, is_lost: false })
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
