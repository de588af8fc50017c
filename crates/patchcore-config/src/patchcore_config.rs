//! Everything that decides what a fit computes, as plain settings checked once.

use serde::{Deserialize, Serialize};

use crate::Architecture;
use crate::BankDtype;
use crate::ConfigError;
use crate::{EmbeddingRule, Mode};
use crate::{Normalization, Pad, Region, Resize, Size, Tiling, View};

/// Settings of a fit. [`PatchCoreConfig::new`] gives a mode's own values; change fields before fitting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatchCoreConfig {
    /// Which definition of PatchCore. Default: `paper`.
    pub mode: Mode,
    /// The frozen network.
    pub backbone: Architecture,
    /// Feature levels in network order. Default: strides 8 and 16 (the paper's j and j + 1).
    pub layers: Vec<String>,
    /// Geometry of the network's input.
    pub view: View,
    /// Mean and standard deviation of the input. Default: the backbone's own.
    pub normalization: Normalization,
    /// The embedding. Default: the mode's, for these layers.
    pub embedding: EmbeddingRule,
    /// Side of a patch, in cells of each level: odd, 1 to 15. Default 3.
    #[serde(default = "published_patch_size", skip_serializing_if = "is_published_patch_size")]
    pub patch_size: usize,
    /// Share of all training patches that the memory bank keeps, in `(0, 1]`. Default 0.1.
    pub coreset_sampling_ratio: f64,
    /// k of the patch score (mode `authors`) or b of eq. 7 (the others). Default 1 or 9.
    pub num_neighbors: usize,
    /// Number format in which the memory bank is kept. Default f32.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bank_dtype: BankDtype,
    /// Source of every random choice.
    pub seed: u64,
    /// Cut the input into tiles; needs a view padded to the deepest stride. Default: the whole input at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiling: Option<Tiling>,
    /// Where to look, in the geometry of the photos. Default: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The sample that is white in 16-bit photos: 4095 for a camera's 12 bits. Default: each photo's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_scale: Option<u16>,
}

/// Whether a setting need not be written: files of earlier versions do not know it.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Side of a patch in the paper and in both published codes, in cells.
pub const DEFAULT_PATCH_SIZE: usize = 3;

/// Smallest and largest side of a patch, in cells; only odd ones have a cell in the middle, so that the grid stays as it is.
pub const PATCH_SIZES: std::ops::RangeInclusive<usize> = 1..=15;

fn published_patch_size() -> usize {
    DEFAULT_PATCH_SIZE
}

fn is_published_patch_size(patch_size: &usize) -> bool {
    *patch_size == DEFAULT_PATCH_SIZE
}

/// Smallest and largest side of the network's input, in pixels.
pub const INPUT_SIDES: std::ops::RangeInclusive<usize> = 8..=8192;

impl PatchCoreConfig {
    /// A mode's values for a backbone.
    pub fn new(mode: Mode, backbone: Architecture) -> Self {
        let layers = backbone.default_layers();
        let channels =
            layers.iter().filter_map(|layer| backbone.layer_shape(layer)).map(|(channels, _)| channels).sum();
        Self {
            mode,
            backbone,
            layers: layers.map(str::to_owned).to_vec(),
            view: mode.default_view(),
            normalization: backbone.normalization(),
            embedding: mode.embedding(channels),
            patch_size: DEFAULT_PATCH_SIZE,
            coreset_sampling_ratio: 0.1,
            num_neighbors: mode.default_num_neighbors(),
            bank_dtype: BankDtype::F32,
            seed: 0,
            tiling: None,
            region: None,
            full_scale: None,
        }
    }

    /// Input pixels per cell of the finest and of the deepest level.
    pub fn strides(&self) -> (u32, u32) {
        let strides = self.layers.iter().filter_map(|layer| self.backbone.layer_shape(layer));
        let strides = strides.map(|(_, stride)| stride as u32);
        (strides.clone().min().unwrap_or(1), strides.max().unwrap_or(1))
    }

    /// The same settings with other layers; the embedding follows the mode's rule for them.
    pub fn with_layers(mut self, layers: Vec<String>) -> Self {
        let shapes = layers.iter().filter_map(|layer| self.backbone.layer_shape(layer));
        self.embedding = self.mode.embedding(shapes.map(|(channels, _)| channels).sum());
        self.layers = layers;
        self
    }

    /// Values per embedding row.
    pub fn embedding_dim(&self) -> usize {
        let shapes = self.layers.iter().filter_map(|layer| self.backbone.layer_shape(layer));
        self.embedding.dim(shapes.map(|(channels, _)| channels).sum())
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`ConfigError`], for the first parameter at fault.
    pub fn check(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |parameter, found: String, expected| Err(ConfigError::OutOfRange { parameter, found, expected });
        self.backbone.plan(&self.layers)?;
        let ratio = self.coreset_sampling_ratio;
        if !(ratio > 0.0 && ratio <= 1.0) {
            return out_of_range("coreset_sampling_ratio", ratio.to_string(), "a share in (0, 1], for example 0.1");
        }
        if self.num_neighbors == 0 || self.num_neighbors > 1024 {
            return out_of_range("num_neighbors", self.num_neighbors.to_string(), "a number from 1 to 1024");
        }
        if !PATCH_SIZES.contains(&self.patch_size) || self.patch_size.is_multiple_of(2) {
            return out_of_range("patch_size", self.patch_size.to_string(), "an odd number of cells from 1 to 15");
        }
        if let EmbeddingRule::AdaptivePool { pretrain_embed_dimension, target_embed_dimension } = self.embedding {
            for (parameter, dim) in [
                ("pretrain_embed_dimension", pretrain_embed_dimension),
                ("target_embed_dimension", target_embed_dimension),
            ] {
                if !(1..=65_536).contains(&dim) {
                    return out_of_range(parameter, dim.to_string(), "a dimension from 1 to 65536");
                }
            }
        }
        let side_ok = |side: u32| INPUT_SIDES.contains(&(side as usize));
        let size_ok = |size: Size| side_ok(size.width) && side_ok(size.height);
        let show = |size: Size| format!("{}x{}", size.width, size.height);
        match self.view.resize {
            Resize::ShortSide(side) if !side_ok(side) => {
                return out_of_range("resize", side.to_string(), "8 to 8192 pixels");
            }
            Resize::Exact(size) if !size_ok(size) => {
                return out_of_range("size", show(size), "8 to 8192 pixels a side");
            }
            _ => {}
        }
        if let Some(crop) = self.view.crop
            && !size_ok(crop)
        {
            return out_of_range("crop", show(crop), "8 to 8192 pixels a side");
        }
        self.check_padding_and_tiles()?;
        if self.full_scale == Some(0) {
            return out_of_range(
                "full_scale",
                "0".to_owned(),
                "a sample from 1 to 65535, for example 4095 for 12 bits",
            );
        }
        if let Some(region) = &self.region
            && let Err(error) = region.check()
        {
            return out_of_range("region", error.to_string(), "a mask with at least one pixel inside");
        }
        let Normalization { mean, std } = self.normalization;
        if mean.iter().chain(&std).any(|value| !value.is_finite()) || std.iter().any(|value| *value <= 0.0) {
            return out_of_range(
                "normalization",
                format!("{mean:?} / {std:?}"),
                "finite means and positive deviations",
            );
        }
        Ok(())
    }
}

impl PatchCoreConfig {
    fn check_padding_and_tiles(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |parameter, found: String, expected| Err(ConfigError::OutOfRange { parameter, found, expected });
        let (finest, deepest) = self.strides();
        let whole_cells = match self.view.pad {
            Pad::None => false,
            Pad::ToMultiple(multiple) if !(1..=256).contains(&multiple) => {
                return out_of_range("pad", multiple.to_string(), "a multiple from 1 to 256 pixels");
            }
            Pad::ToMultiple(multiple) if self.view.crop.is_some() => {
                return out_of_range("pad", format!("{multiple} with a crop"), "padding without a crop");
            }
            Pad::ToMultiple(multiple) => multiple.is_multiple_of(deepest),
        };
        match self.tiling {
            Some(_) if !whole_cells => {
                let found = format!("asked for with padding {:?}", self.view.pad);
                out_of_range("tile", found, "a view padded to a multiple of the deepest stride")
            }
            Some(Tiling { size, overlap }) if !self.tiling.is_some_and(|tiling| tiling.fits(finest, deepest)) => {
                let expected = "a tile and an overlap that are multiples of the deepest stride (and the overlap of \
                                twice the finest), the overlap at most half of the tile, for example 512 and 64";
                out_of_range("tile", format!("{size} with an overlap of {overlap}"), expected)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_parameter_is_named() {
        let good = PatchCoreConfig::new(Mode::Paper, Architecture::ResNet18);
        assert_eq!(good.check(), Ok(()));
        type Spoil = fn(&mut PatchCoreConfig);
        let cases: [(&str, Spoil); 12] = [
            ("patch_size is 0", |config| config.patch_size = 0),
            ("patch_size is 4", |config| config.patch_size = 4),
            ("patch_size is 17", |config| config.patch_size = 17),
            ("pretrain_embed_dimension is 0", |config| config.embedding = EmbeddingRule::adaptive_pool(0, 16)),
            ("target_embed_dimension is 65537", |config| config.embedding = EmbeddingRule::adaptive_pool(16, 65_537)),
            ("coreset_sampling_ratio", |config| config.coreset_sampling_ratio = 0.0),
            ("coreset_sampling_ratio", |config| config.coreset_sampling_ratio = f64::NAN),
            ("num_neighbors", |config| config.num_neighbors = 0),
            ("resize", |config| config.view.resize = Resize::ShortSide(1)),
            ("crop", |config| config.view.crop = Some(Size { width: 0, height: 224 })),
            ("normalization", |config| config.normalization.std = [0.0; 3]),
            ("layer9", |config| config.layers = vec!["layer9".into()]),
        ];
        for (parameter, spoil) in cases {
            let mut config = good.clone();
            spoil(&mut config);
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(parameter), "{message}");
        }
    }

    #[test]
    fn a_patch_of_3_cells_is_not_written_and_another_is() {
        let mut config = PatchCoreConfig::new(Mode::Paper, Architecture::ResNet18);
        let published = serde_json::to_string(&config).unwrap();
        assert!(!published.contains("patch_size"), "{published}");
        assert_eq!(serde_json::from_str::<PatchCoreConfig>(&published).unwrap().patch_size, 3);
        config.patch_size = 5;
        let ensemble = serde_json::to_string(&config).unwrap();
        assert!(ensemble.contains(r#""patch_size":5"#), "{ensemble}");
        assert_eq!(serde_json::from_str::<PatchCoreConfig>(&ensemble).unwrap(), config);
    }

    #[test]
    fn dimensions_follow_mode_and_backbone() {
        let dim = |mode, backbone| PatchCoreConfig::new(mode, backbone).embedding_dim();
        assert_eq!(dim(Mode::Authors, Architecture::ResNet18), 1024);
        assert_eq!(dim(Mode::Anomalib, Architecture::ResNet18), 384);
        assert_eq!(dim(Mode::Paper, Architecture::ResNet18), 384);
        assert_eq!(dim(Mode::Paper, Architecture::WideResNet50_2), 1024);
        assert_eq!(dim(Mode::Anomalib, Architecture::WideResNet50_2), 1536);
        assert_eq!(dim(Mode::Paper, Architecture::EfficientNetLite0), 120);
    }
}
