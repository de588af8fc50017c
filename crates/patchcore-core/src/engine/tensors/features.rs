//! Normalisation, network and embeddings on a device.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use patchcore_config::{Grid, Normalization};

#[cfg(feature = "cube")]
use crate::backbone::cube::{DeviceMaps, KernelNetwork, PhotoShape};
#[cfg(feature = "cube")]
use crate::backbone::verify_weights;
use crate::backbone::{Backbone, LevelMap, Network};
use crate::device::{ComputeDevice, guarded};
use crate::engine::interface::{Embedded, EmbeddingSpec, Features};
use crate::engine::own_backbone::{OwnBackbone, levels_of};
use crate::error::{DeviceError, EngineError};
use crate::image_input::ImageInput;
use crate::patch_embedding::PatchEmbedding;
#[cfg(feature = "cube")]
use crate::patch_embedding::cube::KernelEmbedding;

/// What an error of the device says was being done.
const OPERATION: &str = "feature extraction";

/// A network on a device, with its embeddings.
#[derive(Debug)]
pub(crate) struct TensorFeatures {
    device: ComputeDevice,
    rows: Arc<dyn RowTensors>,
}

/// Photos of one size to rows of every embedding on the device, `[n x grid cells, dim]` image by image.
pub(super) trait RowTensors: std::fmt::Debug + Send + Sync {
    fn of_photos(&self, images: &[ImageInput<'_>]) -> Result<Vec<(Tensor<2>, Grid)>, EngineError>;

    /// Of pixels that lie on the device, `[n, 3 or 1, height, width]` in `[0, 1]`; `None` for a network that computes on the host.
    fn of_tensor(&self, pixels: Tensor<4>) -> Result<Option<Vec<(Tensor<2>, Grid)>>, EngineError>;

    /// Of planes of photos that lie on the device, one after the other; `None` where no kernels of this project compute.
    #[cfg(feature = "cube")]
    fn of_planes(&self, _pixels: Tensor<1>, _photos: PhotoShape) -> Option<Vec<(Tensor<2>, Grid)>> {
        None
    }
}

/// Planes of photos of one size, one after the other, and how many each has: one grey one is enough for all of a batch, since
/// normalising makes three of it on the device.
pub(super) fn planes_of(images: &[ImageInput<'_>]) -> (Vec<f32>, usize) {
    let planes = if images.iter().all(ImageInput::is_grey) { 1 } else { 3 };
    let times = |image: &ImageInput<'_>| if image.is_grey() { planes } else { 1 };
    let pixels = images.iter().flat_map(|image| std::iter::repeat_n(image.pixels, times(image)));
    (pixels.flatten().copied().collect(), planes)
}

/// A plan and its embeddings by this project's own kernels.
#[cfg(feature = "cube")]
#[derive(Debug)]
struct Kernels {
    device: ComputeDevice,
    network: KernelNetwork,
    /// The levels of each embedding, and its tables.
    embeddings: Vec<(Vec<usize>, KernelEmbedding)>,
}

#[cfg(feature = "cube")]
impl Kernels {
    fn embed(&self, maps: &DeviceMaps) -> Result<Vec<(Tensor<2>, Grid)>, EngineError> {
        let rows = |(levels, embedding): &(Vec<usize>, KernelEmbedding)| {
            embedding.rows(maps, levels).ok_or_else(|| self.device.failed(OPERATION, "no feature map").into())
        };
        self.embeddings.iter().map(rows).collect()
    }
}

#[cfg(feature = "cube")]
impl RowTensors for Kernels {
    fn of_photos(&self, images: &[ImageInput<'_>]) -> Result<Vec<(Tensor<2>, Grid)>, EngineError> {
        let Some(ImageInput { width, height, .. }) = images.first().copied() else { return Ok(Vec::new()) };
        let (pixels, planes) = planes_of(images);
        let values = pixels.len();
        let photos = PhotoShape { images: images.len(), planes, height, width };
        self.embed(&self.network.maps_of_values(self.device.tensor(pixels, [values])?, photos))
    }

    fn of_tensor(&self, pixels: Tensor<4>) -> Result<Option<Vec<(Tensor<2>, Grid)>>, EngineError> {
        self.embed(&self.network.maps(pixels)).map(Some)
    }

    fn of_planes(&self, pixels: Tensor<1>, photos: PhotoShape) -> Option<Vec<(Tensor<2>, Grid)>> {
        self.embed(&self.network.maps_of_values(pixels, photos)).ok()
    }
}

/// Maps by tensor operations or from the host, and embeddings by tensor operations.
#[derive(Debug)]
struct Operations {
    device: ComputeDevice,
    maps: Box<dyn LevelTensors>,
    /// The levels of each embedding, and its tables.
    embeddings: Vec<(Vec<usize>, PatchEmbedding)>,
}

impl Operations {
    fn embed(&self, maps: &[Tensor<4>]) -> Result<Vec<(Tensor<2>, Grid)>, EngineError> {
        let embed = |(levels, embedding): &(Vec<usize>, PatchEmbedding)| {
            let levels: Vec<Tensor<4>> = levels.iter().filter_map(|level| maps.get(*level)).cloned().collect();
            embedding.forward(&levels).ok_or_else(|| self.device.failed(OPERATION, "no feature map").into())
        };
        self.embeddings.iter().map(embed).collect()
    }
}

impl RowTensors for Operations {
    fn of_photos(&self, images: &[ImageInput<'_>]) -> Result<Vec<(Tensor<2>, Grid)>, EngineError> {
        self.embed(&self.maps.of_photos(images)?)
    }

    fn of_tensor(&self, pixels: Tensor<4>) -> Result<Option<Vec<(Tensor<2>, Grid)>>, EngineError> {
        self.maps.of_tensor(pixels).map(|maps| self.embed(&maps)).transpose()
    }
}

/// Photos of one size to maps on the device, per level `[n, channels, height, width]`.
trait LevelTensors: std::fmt::Debug + Send + Sync {
    fn of_photos(&self, images: &[ImageInput<'_>]) -> Result<Vec<Tensor<4>>, EngineError>;

    /// Of pixels that lie on the device, `[n, 3 or 1, height, width]` in `[0, 1]`; `None` for a network that computes on the host.
    fn of_tensor(&self, pixels: Tensor<4>) -> Option<Vec<Tensor<4>>>;
}

/// A plan, by tensor operations.
#[derive(Debug)]
struct Planned {
    device: ComputeDevice,
    network: Network,
    /// Mean and deviation of the normalisation, `[1, 3, 1, 1]`.
    normalization: [Tensor<4>; 2],
}

impl LevelTensors for Planned {
    fn of_photos(&self, images: &[ImageInput<'_>]) -> Result<Vec<Tensor<4>>, EngineError> {
        let Some(ImageInput { width, height, .. }) = images.first().copied() else { return Ok(Vec::new()) };
        let (pixels, planes) = planes_of(images);
        Ok(self.maps(self.device.tensor(pixels, [images.len(), planes, height, width])?))
    }

    fn of_tensor(&self, pixels: Tensor<4>) -> Option<Vec<Tensor<4>>> {
        Some(self.maps(pixels))
    }
}

impl Planned {
    fn maps(&self, pixels: Tensor<4>) -> Vec<Tensor<4>> {
        let [mean, std] = self.normalization.clone();
        self.network.forward((pixels - mean) / std)
    }
}

/// An application's own network: its maps are uploaded.
#[derive(Debug)]
struct Uploaded {
    device: ComputeDevice,
    network: OwnBackbone,
}

impl LevelTensors for Uploaded {
    fn of_photos(&self, images: &[ImageInput<'_>]) -> Result<Vec<Tensor<4>>, EngineError> {
        let mut planes = Vec::new();
        let maps = images.iter().map(|image| self.network.maps(*image, &mut planes));
        let maps: Vec<Vec<LevelMap>> = maps.collect::<Result<_, _>>()?;
        let levels = maps.first().map_or(0, Vec::len);
        let level = |index: usize| {
            // Photos of one size have maps of one shape.
            let of_level = || maps.iter().filter_map(|photo| photo.get(index));
            let shape = of_level().next().map_or([0; 3], |map| [map.channels, map.height, map.width]);
            let values = of_level().flat_map(|map| &map.values).copied().collect();
            self.device.tensor(values, [images.len(), shape[0], shape[1], shape[2]])
        };
        Ok((0..levels).map(level).collect::<Result<_, DeviceError>>()?)
    }

    fn of_tensor(&self, _: Tensor<4>) -> Option<Vec<Tensor<4>>> {
        None
    }
}

impl TensorFeatures {
    pub(super) fn new(
        backbone: &Arc<dyn Backbone>,
        normalization: &Normalization,
        embeddings: &[EmbeddingSpec],
        device: &ComputeDevice,
    ) -> Result<Self, EngineError> {
        let burn = device.burn()?;
        let shapes = |spec: &EmbeddingSpec| {
            let levels = levels_of(backbone.as_ref(), spec)?;
            Ok(levels.iter().map(|level| (level.channels, level.stride)).unzip())
        };
        let shapes: Vec<(Vec<usize>, Vec<usize>)> =
            embeddings.iter().map(shapes).collect::<Result<_, EngineError>>()?;
        let of_each = || embeddings.iter().zip(&shapes);
        #[cfg(feature = "cube")]
        if let Some((plan, weights)) = backbone.plan().filter(|_| device.has_cube_kernels()) {
            verify_weights(backbone.name(), plan, weights)?;
            let network = KernelNetwork::new(plan, weights, Some(normalization), device)?;
            let embeddings = of_each().map(|(spec, (channels, strides))| {
                let grid = (spec.grid, strides.as_slice());
                (spec.levels.clone(), KernelEmbedding::new(spec.rule, spec.patch_size, channels, grid, burn))
            });
            let rows = Kernels { device: device.clone(), network, embeddings: embeddings.collect() };
            return Ok(Self { device: device.clone(), rows: Arc::new(rows) });
        }
        let embeddings = of_each().map(|(spec, (channels, strides))| {
            let embedding = PatchEmbedding::new(spec.rule, spec.patch_size, channels, burn);
            (spec.levels.clone(), embedding.on_grid_of(spec.grid, strides))
        });
        let embeddings = embeddings.collect();
        let maps: Box<dyn LevelTensors> = match backbone.plan() {
            Some((plan, weights)) => {
                let network = Network::of_operations(backbone.name(), plan.clone(), weights, device)?;
                let Normalization { mean, std } = *normalization;
                let values =
                    |values: [f32; 3]| Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), burn);
                Box::new(Planned { device: device.clone(), network, normalization: [values(mean), values(std)] })
            }
            None => {
                let network = OwnBackbone::new(Arc::clone(backbone), *normalization);
                Box::new(Uploaded { device: device.clone(), network })
            }
        };
        let rows = Operations { device: device.clone(), maps, embeddings };
        Ok(Self { device: device.clone(), rows: Arc::new(rows) })
    }

    /// What computes them.
    #[cfg(feature = "cube")]
    pub(super) fn rows_source(&self) -> &Arc<dyn RowTensors> {
        &self.rows
    }

    /// Rows of every embedding, `[n x grid cells, dim]` image by image, on the device: one upload, nothing is read back.
    pub(super) fn rows(&self, images: &[ImageInput<'_>]) -> Result<Vec<(Tensor<2>, Grid)>, EngineError> {
        self.rows.of_photos(images)
    }

    /// The same of pixels that lie on the device, `[n, 3 or 1, height, width]` in `[0, 1]`; `None` where the network computes on the
    /// host.
    pub(crate) fn rows_of_tensor(&self, pixels: Tensor<4>) -> Result<Option<Vec<(Tensor<2>, Grid)>>, EngineError> {
        self.rows.of_tensor(pixels)
    }
}

impl Features for TensorFeatures {
    fn embed(&self, images: &[ImageInput<'_>], use_rows: &mut dyn FnMut(Embedded<'_>)) -> Result<(), EngineError> {
        let read = guarded(&self.device, OPERATION, || {
            let read = |(rows, grid): (Tensor<2>, Grid)| {
                let rows = rows.try_into_vec_as::<f32>().map_err(|error| self.device.failed(OPERATION, error))?;
                Ok((rows, grid))
            };
            self.rows(images)?.into_iter().map(read).collect::<Result<Vec<_>, EngineError>>()
        })?;
        for image in 0..images.len() {
            for (embedding, (rows, grid)) in read.iter().enumerate() {
                let length = rows.len() / images.len();
                // Image by image: as many pieces of this length as there are images.
                let rows = rows.get(image * length..(image + 1) * length).unwrap_or_default();
                use_rows(Embedded { image, embedding, rows, grid: *grid });
            }
        }
        Ok(())
    }
}
