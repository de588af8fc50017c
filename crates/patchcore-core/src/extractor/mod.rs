//! Photo in, embedding rows out: normalisation, backbone and patch embedding on one device.

mod extractor_error;
mod image_input;
#[cfg(feature = "burn")]
mod tensor_extractor;
#[cfg(feature = "burn")]
mod tensors;

use std::sync::Arc;

pub use extractor_error::ExtractorError;
pub use image_input::ImageInput;
#[cfg(feature = "burn")]
use tensor_extractor::TensorExtractor;

use crate::backbone::verify_weights;
use crate::device::ComputeDevice;
#[cfg(feature = "burn")]
use crate::device::guarded;
use crate::error::{DeviceError, InputError, ScoreError};
use patchcore_config::backbone::plan::{Plan, Step};
use patchcore_config::{BackboneWeights, Checked, Grid, MemberConfig, Normalization};
use patchcore_cpu::ScratchPool;
use patchcore_cpu::embedding::{CpuEmbedding, EmbeddingScratch};
use patchcore_cpu::network::grey_stem::push_grey_planes;
use patchcore_cpu::network::{CpuNetwork, CpuNetworkError, FeatureMap, MapLayout, Workspace};

/// What an error of the device says was being done.
const OPERATION: &str = "feature extraction";
/// The most photos that go through the network at once.
const LARGEST_BATCH: u64 = 32;

/// The frozen part of PatchCore.
#[derive(Debug, Clone)]
pub struct Extractor {
    config: Checked,
    device: ComputeDevice,
    plan: Plan,
    implementation: Implementation,
    dim: usize,
    weights_sha256: String,
}

/// Who computes: tensor operations on any device, or the CPU's own kernels. Both execute the same plan and the same
/// tap tables.
#[derive(Debug, Clone)]
enum Implementation {
    #[cfg(feature = "burn")]
    Tensors(Box<TensorExtractor>),
    Cpu(Arc<CpuImplementation>),
}

struct CpuImplementation {
    network: CpuNetwork,
    embedding: CpuEmbedding,
    workspaces: ScratchPool<CpuWorkspace>,
}

#[derive(Default)]
struct CpuWorkspace {
    network: Workspace,
    planes: Vec<f32>,
    maps: Vec<FeatureMap>,
    embedding: EmbeddingScratch,
    rows: Vec<f32>,
}

impl Extractor {
    /// Puts the network on the device.
    ///
    /// # Errors
    /// [`ExtractorError`].
    pub fn new(config: Checked, weights: &BackboneWeights, device: &ComputeDevice) -> Result<Self, ExtractorError> {
        let member = config.first();
        let plan = member.backbone.plan(&member.layers)?;
        verify_weights(member.backbone, &plan, weights)?;
        let implementation = if device.is_cpu() {
            let network = CpuNetwork::for_photos(device.instructions(), &plan, weights, &member.normalization)
                .map_err(|error| ExtractorError::Cpu(error.to_string()))?;
            let channels: Vec<usize> = plan.taps.iter().map(|tap| tap.channels).collect();
            let embedding = CpuEmbedding::new(member.embedding, member.patch_size, &channels);
            Implementation::Cpu(Arc::new(CpuImplementation { network, embedding, workspaces: ScratchPool::default() }))
        } else {
            Self::on(device, member, &plan, weights)?
        };
        // Only what the network reads counts: a file with more layers gives the same features.
        let weights_sha256 = weights.restricted_to(&plan).sha256();
        let dim = member.embedding_dim();
        Ok(Self { config, device: device.clone(), plan, implementation, dim, weights_sha256 })
    }

    #[cfg(feature = "burn")]
    fn on(
        device: &ComputeDevice,
        member: &MemberConfig,
        plan: &Plan,
        weights: &BackboneWeights,
    ) -> Result<Implementation, ExtractorError> {
        guarded(device, "upload of the network", || {
            Ok(Implementation::Tensors(Box::new(TensorExtractor::new(member, plan.clone(), weights, device)?)))
        })
    }

    #[cfg(not(feature = "burn"))]
    fn on(
        device: &ComputeDevice,
        _: &MemberConfig,
        _: &Plan,
        _: &BackboneWeights,
    ) -> Result<Implementation, ExtractorError> {
        Err(device.without_burn().into())
    }

    /// The settings.
    pub fn config(&self) -> &Checked {
        &self.config
    }

    /// Where it computes.
    pub fn device(&self) -> &ComputeDevice {
        &self.device
    }

    /// Digest of the weights that the network reads.
    pub fn weights_sha256(&self) -> &str {
        &self.weights_sha256
    }

    /// Values per embedding row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Input pixels per grid cell and axis.
    pub fn stride(&self) -> usize {
        self.plan.taps.first().map_or(1, |tap| tap.stride)
    }

    /// The patch grid of an input of such a size.
    pub fn grid(&self, height: usize, width: usize) -> Grid {
        let stride = self.stride();
        Grid { rows: height.div_ceil(stride), columns: width.div_ceil(stride) }
    }

    /// Bytes that one photo of a batch takes on the device while its features are computed: three times the network's
    /// largest map (input, output and residual), and of the embedding the shifted copies of each level (nine for
    /// patches of 3 x 3), twice, and its rows.
    pub fn bytes_per_image(&self, height: usize, width: usize) -> u64 {
        let largest =
            self.plan.steps.iter().fold((0usize, vec![1usize; self.plan.slots]), |(largest, strides), step| {
                largest_map(largest, strides, step, height * width)
            });
        let cells = self.grid(height, width).cells();
        let copies = 2 * self.config.first().patch_size.pow(2);
        let unfolded: usize = self.plan.taps.iter().map(|tap| copies * tap.channels * cells).sum();
        4 * (3 * largest.0.max(3 * height * width) + unfolded + 4 * self.dim * cells) as u64
    }

    /// How many photos of such a size go through the network at once: as many as fit in the device's budget
    /// ([`DeviceProperties::batch_budget`](crate::device::DeviceProperties::batch_budget)) beside `reserved` bytes, at most
    /// 32; 1 on the CPU, whose own kernels take one photo at a time.
    pub fn batch_size(&self, height: usize, width: usize, reserved: u64) -> usize {
        if self.device.is_cpu() {
            return 1;
        }
        let free = self.device.properties().batch_budget().saturating_sub(reserved);
        (free / self.bytes_per_image(height, width).max(1)).clamp(1, LARGEST_BATCH) as usize
    }

    /// Embedding rows of photos of one size, image by image: `[images x grid cells, dim]`, row-major. On a device other than
    /// the CPU one upload and one read-back for all of them.
    ///
    /// # Errors
    /// [`ScoreError::Input`] (also for photos of several sizes) and [`ScoreError::Device`].
    pub fn embed_batch_to_host(&self, images: &[ImageInput<'_>]) -> Result<(Vec<f32>, Grid), ScoreError> {
        let Some((height, width)) = check_batch(images)? else { return Ok((Vec::new(), Grid::default())) };
        match &self.implementation {
            Implementation::Cpu(_) => {
                let mut values = Vec::new();
                for image in images {
                    self.with_embedding(*image, |rows, _| values.extend_from_slice(rows))?;
                }
                Ok((values, self.grid(height, width)))
            }
            #[cfg(feature = "burn")]
            Implementation::Tensors(_) => {
                let (rows, grid) = self.embed_batch(images)?;
                let rows = guarded(&self.device, OPERATION, || {
                    rows.try_into_vec_as::<f32>().map_err(|error| self.failed(error))
                });
                Ok((rows?, grid))
            }
        }
    }

    /// Embedding rows of one photo, `[grid cells, dim]`, grid row by row.
    ///
    /// # Errors
    /// [`ScoreError::Input`] and [`ScoreError::Device`].
    pub fn embed_to_host(&self, image: ImageInput<'_>) -> Result<(Vec<f32>, Grid), ScoreError> {
        match &self.implementation {
            Implementation::Cpu(cpu) => {
                image.check()?;
                let taken =
                    cpu.with_rows(image, &self.config.first().normalization, |rows, grid| (std::mem::take(rows), grid));
                taken.map_err(|error| self.failed(error).into())
            }
            #[cfg(feature = "burn")]
            Implementation::Tensors(_) => self.embed_batch_to_host(&[image]),
        }
    }

    /// Embeds one photo and hands the rows `[grid cells, dim]` on. On the CPU they lie in a buffer that is used again,
    /// so that extracting from a steady stream of photos allocates nothing.
    ///
    /// # Errors
    /// [`ScoreError::Input`] and [`ScoreError::Device`].
    pub fn with_embedding<R>(
        &self,
        image: ImageInput<'_>,
        use_rows: impl FnOnce(&[f32], Grid) -> R,
    ) -> Result<R, ScoreError> {
        match &self.implementation {
            Implementation::Cpu(cpu) => {
                image.check()?;
                let used = cpu.with_rows(image, &self.config.first().normalization, |rows, grid| use_rows(rows, grid));
                used.map_err(|error| self.failed(error).into())
            }
            #[cfg(feature = "burn")]
            Implementation::Tensors(_) => {
                let (rows, grid) = self.embed_to_host(image)?;
                Ok(use_rows(&rows, grid))
            }
        }
    }

    fn failed(&self, error: impl std::fmt::Display) -> DeviceError {
        self.device.failed(OPERATION, error)
    }
}

/// Rows and columns of the images of a batch; `None` for no image.
fn check_batch(images: &[ImageInput<'_>]) -> Result<Option<(usize, usize)>, InputError> {
    let Some(first) = images.first() else { return Ok(None) };
    let expected = (first.height, first.width);
    for image in images {
        image.check()?;
        let found = (image.height, image.width);
        if found != expected {
            return Err(InputError::MixedSizes { found, expected });
        }
    }
    Ok(Some(expected))
}

/// The largest map so far, and the stride of every slot so far.
fn largest_map(largest: usize, mut strides: Vec<usize>, step: &Step, pixels: usize) -> (usize, Vec<usize>) {
    let (from, to, stride, channels) = match step {
        Step::Conv(conv) => (conv.from, conv.to, conv.stride, conv.out_channels),
        // A pool keeps its input's channels, on a quarter of its pixels: never the largest map.
        Step::MaxPool { from, to } => (*from, *to, 2, 0),
    };
    let stride = strides.get(from).copied().unwrap_or(1) * stride;
    if let Some(entry) = strides.get_mut(to) {
        *entry = stride;
    }
    (largest.max(channels * pixels / (stride * stride)), strides)
}

impl std::fmt::Debug for CpuImplementation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CpuImplementation").finish_non_exhaustive()
    }
}

impl CpuImplementation {
    /// Embeds one photo and hands its rows on; they live in a buffer that later photos use again.
    fn with_rows<R>(
        &self,
        image: ImageInput<'_>,
        normalization: &Normalization,
        use_rows: impl FnOnce(&mut Vec<f32>, Grid) -> R,
    ) -> Result<R, CpuNetworkError> {
        self.workspaces.with(|workspace| {
            let CpuWorkspace { network, planes, maps, embedding, rows } = workspace;
            planes.clear();
            if image.is_grey() && self.network.reads_grey() {
                push_grey_planes(normalization, image.pixels, planes);
            } else {
                (0..if image.is_grey() { 3 } else { 1 }).for_each(|_| planes.extend_from_slice(image.pixels));
                normalization.apply(planes);
            }
            self.network.forward(planes, 1, image.height, image.width, MapLayout::ChannelsLast, network, maps)?;
            let grid = self.embedding.forward_into(maps, embedding, rows);
            Ok(use_rows(rows, grid))
        })
    }
}
