//! The network and the embedding alone, by the kernels that a device has.

use patchcore_config::backbone::plan::Plan;
use patchcore_config::{BackboneWeights, MemberConfig};
use patchcore_cpu::embedding::CpuEmbedding;
use patchcore_cpu::network::{CpuNetwork, FeatureMap, MapLayout, Workspace};

use crate::device::ComputeDevice;
use crate::error::{DeviceError, EngineError};

/// A network with the photo that it is run for.
pub(super) enum Trunk {
    /// By the CPU's own kernels: one photo at a time.
    OnCpu(Box<OnCpu>),
    /// By tensor operations.
    #[cfg(feature = "burn")]
    OnTensors(Box<on_tensors::OnTensors>),
}

pub(super) struct OnCpu {
    device: ComputeDevice,
    network: CpuNetwork,
    embedding: CpuEmbedding,
    /// `[3, height, width]`, normalised.
    image: Vec<f32>,
    height: usize,
    width: usize,
    workspace: Workspace,
    maps: Vec<FeatureMap>,
}

const OPERATION: &str = "network";

impl Trunk {
    /// Makes it ready for a normalised photo `[3, height, width]` and runs it once.
    pub(super) fn new(
        device: &ComputeDevice,
        member: &MemberConfig,
        plan: &Plan,
        weights: &BackboneWeights,
        image: Vec<f32>,
        (height, width): (usize, usize),
    ) -> Result<Self, EngineError> {
        let channels: Vec<usize> = plan.taps.iter().map(|tap| tap.channels).collect();
        let Some(instructions) = device.instructions() else {
            #[cfg(feature = "burn")]
            return on_tensors::OnTensors::new(device, member, plan, weights, &channels, (image, height, width))
                .map(|made| Self::OnTensors(Box::new(made)));
            #[cfg(not(feature = "burn"))]
            return Err(device.failed(OPERATION, "it has no kernels in this build").into());
        };
        let network = CpuNetwork::for_photos(instructions, plan, weights, &member.normalization);
        let network = network.map_err(|error| device.failed(OPERATION, error))?;
        let embedding = CpuEmbedding::new(member.embedding, member.patch_size, &channels);
        let (device, workspace, maps) = (device.clone(), Workspace::new(), Vec::new());
        let mut on_cpu = OnCpu { device, network, embedding, image, height, width, workspace, maps };
        on_cpu.forward()?;
        Ok(Self::OnCpu(Box::new(on_cpu)))
    }

    /// Whether several photos go through it at once.
    pub(super) fn takes_batches(&self) -> bool {
        !matches!(self, Self::OnCpu(_))
    }

    /// Runs the network for so many photos at once, and waits for it. A CPU runs it for one.
    pub(super) fn forward(&mut self, images: usize) -> Result<(), DeviceError> {
        match self {
            Self::OnCpu(on_cpu) => on_cpu.forward()?,
            #[cfg(feature = "burn")]
            Self::OnTensors(on_tensors) => on_tensors.forward(images)?,
        }
        #[cfg(not(feature = "burn"))]
        let _ = images;
        Ok(())
    }

    /// Makes the rows of the photo's maps, and waits for them.
    pub(super) fn embed(&mut self) -> Result<(), DeviceError> {
        match self {
            Self::OnCpu(on_cpu) => drop(on_cpu.embedding.forward(&on_cpu.maps)),
            #[cfg(feature = "burn")]
            Self::OnTensors(on_tensors) => on_tensors.embed()?,
        }
        Ok(())
    }
}

impl OnCpu {
    fn forward(&mut self) -> Result<(), DeviceError> {
        let Self { device, network, image, height, width, workspace, maps, .. } = self;
        let done = network.forward(image, 1, *height, *width, MapLayout::ChannelsLast, workspace, maps);
        done.map_err(|error| device.failed(OPERATION, error))
    }
}

#[cfg(feature = "burn")]
mod on_tensors {
    use burn::tensor::{Device, Tensor, TensorData};
    use patchcore_config::backbone::plan::Plan;
    use patchcore_config::{BackboneWeights, MemberConfig};

    #[cfg(feature = "cube")]
    use crate::backbone::cube::{DeviceMaps, KernelNetwork};
    use crate::device::{ComputeDevice, guarded};
    use crate::error::{DeviceError, EngineError};
    #[cfg(feature = "cube")]
    use crate::patch_embedding::cube::KernelEmbedding;
    use crate::tensors::{Network, PatchEmbedding, burn_device};

    /// A network on a device of Burn's.
    pub(in crate::stages) struct OnTensors {
        device: ComputeDevice,
        burn: Device,
        form: Form,
        /// One normalised photo: `[1, 3, height, width]`.
        image: Tensor<4>,
        /// Several of it, as they were last asked for.
        batch: Tensor<4>,
    }

    /// What computes, and the maps of the photo.
    enum Form {
        Operations {
            network: Network,
            embedding: PatchEmbedding,
            maps: Vec<Tensor<4>>,
        },
        #[cfg(feature = "cube")]
        Kernels {
            network: Box<KernelNetwork>,
            embedding: Box<KernelEmbedding>,
            maps: Box<DeviceMaps>,
        },
    }

    impl OnTensors {
        pub(super) fn new(
            device: &ComputeDevice,
            member: &MemberConfig,
            plan: &Plan,
            weights: &BackboneWeights,
            channels: &[usize],
            (image, height, width): (Vec<f32>, usize, usize),
        ) -> Result<Self, EngineError> {
            let burn = burn_device(device)?.clone();
            guarded(device, super::OPERATION, || {
                let image = Tensor::<4>::from_data(TensorData::new(image, [1, 3, height, width]), &burn);
                let form = Form::new(device, &burn, member, (plan, weights), channels, &image)?;
                let batch = image.clone();
                Ok(Self { device: device.clone(), burn: burn.clone(), form, image, batch })
            })
        }

        pub(super) fn forward(&mut self, images: usize) -> Result<(), DeviceError> {
            let Self { device, burn, form, image, batch } = self;
            if batch.dims()[0] != images {
                *batch = image.clone().repeat_dim(0, images);
            }
            guarded(device, super::OPERATION, || {
                match form {
                    Form::Operations { network, .. } => drop(network.forward(batch.clone())),
                    #[cfg(feature = "cube")]
                    Form::Kernels { network, .. } => drop(network.maps(batch.clone())),
                }
                Self::wait(device, burn)
            })
        }

        pub(super) fn embed(&mut self) -> Result<(), DeviceError> {
            let Self { device, burn, form, .. } = self;
            guarded(device, "patch embedding", || {
                match form {
                    Form::Operations { embedding, maps, .. } => drop(embedding.forward(maps)),
                    #[cfg(feature = "cube")]
                    Form::Kernels { embedding, maps, .. } => {
                        let levels: Vec<usize> = (0..maps.taps.len()).collect();
                        drop(embedding.rows(maps, &levels));
                    }
                }
                Self::wait(device, burn)
            })
        }

        fn wait(device: &ComputeDevice, burn: &Device) -> Result<(), DeviceError> {
            burn.sync().map_err(|error| device.failed(super::OPERATION, error))
        }
    }

    impl Form {
        fn new(
            device: &ComputeDevice,
            burn: &Device,
            member: &MemberConfig,
            (plan, weights): (&Plan, &BackboneWeights),
            channels: &[usize],
            image: &Tensor<4>,
        ) -> Result<Self, EngineError> {
            #[cfg(feature = "cube")]
            if device.has_cube_kernels() {
                let strides: Vec<usize> = plan.taps.iter().map(|tap| tap.stride).collect();
                let network = KernelNetwork::new(plan, weights, None, device)?;
                let (rule, size) = (member.embedding, member.patch_size);
                let embedding = KernelEmbedding::new(rule, size, channels, (0, &strides), burn);
                let maps = network.maps(image.clone());
                return Ok(Self::Kernels {
                    network: Box::new(network),
                    embedding: Box::new(embedding),
                    maps: Box::new(maps),
                });
            }
            let network = Network::of_operations(member.backbone.name(), plan.clone(), weights, device)?;
            let embedding = PatchEmbedding::new(member.embedding, member.patch_size, channels, burn);
            let maps = network.forward(image.clone());
            Ok(Self::Operations { network, embedding, maps })
        }
    }
}
