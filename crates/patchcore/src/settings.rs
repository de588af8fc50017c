//! What to fit and where: everything has a default, nothing is checked before `fit`.

use std::path::PathBuf;

use patchcore_config::{
    Architecture, BackboneWeights, BankDtype, DEFAULT_PATCH_SIZE, Mode, Pad, PatchCoreConfig, Region, Resize, Size,
    Tiling,
};
use patchcore_core::{ComputeDevice, Instructions, Precision};

use crate::devices::{DEFAULT_DEVICE, open_device};
use crate::error::Error;
use crate::weights::resolve_weights;

/// Settings of a fit. Start from [`Settings::default`] and set what differs.
///
/// ```
/// use patchcore::{Mode, Settings};
///
/// let settings = Settings { mode: Mode::Anomalib, coreset_sampling_ratio: 0.01, ..Settings::default() };
/// assert_eq!(settings.backbone, "efficientnet_lite0");
/// ```
///
/// Photos as they are: tiles for small defects, a part of the picture, a camera of 12 bits.
///
/// ```
/// use patchcore::{Region, Settings, Size, Tiling};
///
/// let size = Size { width: 2048, height: 1536 };
/// // Everything but a label of 300 x 100 pixels in the upper left corner.
/// let look: Vec<bool> = (0..2048 * 1536).map(|at| at % 2048 >= 300 || at / 2048 >= 100).collect();
/// let settings = Settings {
///     tiling: Some(Tiling { size: 512, overlap: 128 }),
///     region: Some(Region::from_pixels(size, &look)?),
///     full_scale: Some(4095),
///     ..Settings::default()
/// };
/// assert!(settings.config().is_ok());
/// # Ok::<(), patchcore_config::RegionError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which published definition to compute. Default: the paper's.
    pub mode: Mode,
    /// Name of the frozen network. Default: `efficientnet_lite0`, the small one that ships with the crate.
    pub backbone: String,
    /// ONNX or safetensors file with the backbone's weights; default: embedded, else the weights directory.
    pub weights: Option<PathBuf>,
    /// Feature levels in network order; default: the paper's two, strides 8 and 16.
    pub layers: Option<Vec<String>>,
    /// Side of a patch, in cells of each level: odd, 1 to 15. Default 3, as published; the authors' segmentation ensemble
    /// has 5.
    pub patch_size: usize,
    /// Values of each level after the first of the authors' two poolings; default 1024. Where the mode concatenates the
    /// levels it needs `target_embed_dimension` beside it.
    pub pretrain_embed_dimension: Option<usize>,
    /// Values of a row of the memory bank after the second pooling; default 1024. It asks for the authors' pooling, also where
    /// the mode concatenates the levels.
    pub target_embed_dimension: Option<usize>,
    /// Share of all training patches kept in the memory bank, in `(0, 1]`. Default 0.1.
    pub coreset_sampling_ratio: f64,
    /// k of the patch score in mode `authors` (default 1), b of eq. 7 in the others (default 9).
    pub num_neighbors: Option<usize>,
    /// Resize before the crop; default: the mode's.
    pub resize: Option<Resize>,
    /// Centre crop after the resize; default: 224 x 224 in mode `authors`, else none.
    pub crop: Option<Size>,
    /// Pad the input to whole grid cells instead of leaving the last one half empty. Default: no. A mode's own crop is
    /// given up for it.
    pub pad_to_stride: bool,
    /// Cut large photos into tiles; padding comes with it, and where no resize is given the photo keeps its size.
    /// Default: the whole photo at once.
    pub tiling: Option<Tiling>,
    /// Where to look, in the geometry of the photos, all of which then have its size. Default: everywhere. See
    /// [`region_of_masks`](crate::region_of_masks).
    pub region: Option<Region>,
    /// The sample that is white in 16-bit photos: 4095 for a camera's 12 bits in 16. Brighter ones are cut off, and
    /// this goes before a photo's own [`Photo::with_full_scale`](crate::Photo::with_full_scale). Default: the photo's
    /// own, 65535 for a file.
    pub full_scale: Option<u16>,
    /// Source of every random choice. Default 0.
    pub seed: u64,
    /// `auto`, `flex`, `vulkan`, `cuda:0`, ... Default `flex`, the CPU.
    pub device: String,
    /// Number format of the network. Default f32, the published numbers.
    pub precision: Precision,
    /// The most that the CPU's own kernels may use. Default: the environment variable `PATCHCORE_INSTRUCTIONS`, else the
    /// widest that the processor has.
    pub instructions: Option<Instructions>,
    /// Number format of the memory bank. Default f32.
    pub bank_dtype: BankDtype,
}

/// The backbone that ships with the crate.
pub const DEFAULT_BACKBONE: &str = "efficientnet_lite0";

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            backbone: DEFAULT_BACKBONE.to_owned(),
            weights: None,
            layers: None,
            patch_size: DEFAULT_PATCH_SIZE,
            pretrain_embed_dimension: None,
            target_embed_dimension: None,
            coreset_sampling_ratio: 0.1,
            num_neighbors: None,
            resize: None,
            crop: None,
            pad_to_stride: false,
            tiling: None,
            region: None,
            full_scale: None,
            seed: 0,
            device: DEFAULT_DEVICE.to_owned(),
            precision: Precision::F32,
            instructions: None,
            bank_dtype: BankDtype::F32,
        }
    }
}

impl Settings {
    /// The core's configuration for these settings.
    ///
    /// # Errors
    /// [`Error::Config`], for an unknown backbone or any value out of range.
    pub fn config(&self) -> Result<PatchCoreConfig, Error> {
        let mut config = PatchCoreConfig::new(self.mode, Architecture::from_name(&self.backbone)?);
        if let Some(layers) = &self.layers {
            config = config.with_layers(layers.clone());
        }
        config.patch_size = self.patch_size;
        config.embedding =
            config.embedding.with_dimensions(self.pretrain_embed_dimension, self.target_embed_dimension)?;
        config.coreset_sampling_ratio = self.coreset_sampling_ratio;
        config.num_neighbors = self.num_neighbors.unwrap_or(config.num_neighbors);
        config.seed = self.seed;
        config.bank_dtype = self.bank_dtype;
        let own_size = self.tiling.map(|_| Resize::None);
        if let Some(resize) = self.resize.or(own_size) {
            config.view.resize = resize;
            // Another size asks for another view: the mode's own crop belongs to the mode's own resize.
            config.view.crop = None;
        }
        config.view.crop = self.crop.or(config.view.crop);
        if self.pad_to_stride || self.tiling.is_some() {
            config.view.crop = self.crop;
            config.view.pad = Pad::ToMultiple(config.strides().1);
        }
        config.tiling = self.tiling;
        config.region = self.region.clone();
        config.full_scale = self.full_scale;
        config.check()?;
        Ok(config)
    }

    /// The backbone's weights: the file given, else the embedded ones, else the weights directory.
    ///
    /// # Errors
    /// [`Error::Weights`].
    pub fn load_weights(&self) -> Result<BackboneWeights, Error> {
        resolve_weights(&self.backbone, self.weights.as_deref())
    }

    /// The device of that name, once it has passed its self-check ([`open_device`]).
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn compute_device(&self) -> Result<ComputeDevice, Error> {
        open_device(&self.device, self.precision, self.instructions)
    }
}
