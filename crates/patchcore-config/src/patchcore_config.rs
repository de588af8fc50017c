//! Everything that decides what a fit computes and a model scores by, every rule resolved.

use serde::{Deserialize, Serialize};

use crate::bank_dtype::BankDtype;
use crate::copies::Copies;
use crate::error::ConfigError;
use crate::member_config::MemberConfig;
use crate::network_precision::NetworkPrecision;
use crate::rules::{Border, Distance, ImageScoreRule, Smoothing, Upsampling};
use crate::view::{Crop, InputSizes, Pad, Region, Resampling, Resize, Size, Tiling, View};

/// Settings of a fit, stored whole in the model's file. [`Mode::config`](crate::Mode::config) gives a published combination;
/// change what differs and [`check`](PatchCoreConfig::check).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PatchCoreConfig {
    /// What a photo goes through, each with its own bank; their maps are joined. One in the published modes, two in mode `line`.
    pub members: Vec<MemberConfig>,
    /// Geometry of the networks' input.
    pub view: View,
    /// How the input is cut; tiles need a view padded to the deepest stride. Default: the whole input at once.
    pub tiling: Tiling,
    /// Where to look, in the geometry of the photos. Default: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The sample that is white in photos of 16 bits or floats: 4095 for a camera's 12 bits. Default: each photo's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_scale: Option<u16>,
    /// Copies of every photo that are fitted beside it. Default: none.
    #[serde(default, skip_serializing_if = "Copies::is_none")]
    pub copies: Copies,
    /// Share of all training patches that a memory bank keeps, in `(0, 1]`, where neither rows nor a radius is asked for. Default 0.1.
    pub coreset_sampling_ratio: f64,
    /// Rows of each memory bank, whatever the number of patches. Default: the share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_rows: Option<usize>,
    /// The largest distance of a training patch to its nearest bank row, an L2 distance between embeddings: each bank grows until it is
    /// kept. Default: the share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// Bytes that a fit may hold of patches, of their selection and of the banks. Beyond them it goes over the patches block by block, and
    /// gives another bank than a fit that holds all of them. Default: what all patches take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Number format in which memory banks are kept. Default f32.
    pub bank_dtype: BankDtype,
    /// Source of every random choice. Default 0.
    pub seed: u64,
    /// The unit of scores.
    pub distance: Distance,
    /// From patches to the image.
    pub image_score: ImageScoreRule,
    /// k of [`ImageScoreRule::MaximumOfMeans`] (mode `authors`: 1) and [`ImageScoreRule::MaximumOfMapOfMeans`], b of eq. 7 in
    /// [`ImageScoreRule::Reweighted`] (the other modes: 9); of no effect with [`ImageScoreRule::MaximumOfMap`].
    pub num_neighbors: usize,
    /// How the map grows from the grid.
    pub upsampling: Upsampling,
    /// What the smoothing sees beyond the map's edge.
    pub border: Border,
    /// How the map is smoothed.
    pub smoothing: Smoothing,
}

/// Smallest and largest side of what a network sees at once, in pixels: of its input, or of one of its tiles.
pub const INPUT_SIDES: std::ops::RangeInclusive<usize> = 8..=8192;
/// Smallest and largest side of an input that is seen in tiles, in pixels.
pub const TILED_SIDES: std::ops::RangeInclusive<usize> = 8..=65_535;

impl PatchCoreConfig {
    /// The paper's values: see [`mode`](crate::mode).
    pub(crate) fn paper(members: Vec<MemberConfig>) -> Self {
        let deepest = members.iter().map(|member| member.strides().1).max().unwrap_or(1);
        let sizes = InputSizes::whole_cells(deepest);
        Self {
            members,
            view: View { sizes, ..View::resized(Resize::Short(256), Resampling::Native) },
            tiling: Tiling::Whole,
            region: None,
            full_scale: None,
            copies: Copies::default(),
            coreset_sampling_ratio: 0.1,
            bank_rows: None,
            coverage: None,
            memory: None,
            bank_dtype: BankDtype::F32,
            seed: 0,
            distance: Distance::L2,
            image_score: ImageScoreRule::Reweighted,
            num_neighbors: 9,
            upsampling: Upsampling::Bilinear,
            border: Border::ReflectEdgeRepeated,
            smoothing: Smoothing::Gaussian { sigma: 4.0 },
        }
    }

    /// Every rule and its value, in words: what makes a configuration a mode's or a mix.
    pub(crate) fn rules(&self) -> Vec<(String, String)> {
        let of_all = [
            ("distance", self.distance.to_string()),
            ("image_score", self.image_score.to_string()),
            ("upsampling", self.upsampling.to_string()),
            ("border", self.border.to_string()),
            ("smoothing", self.smoothing.to_string()),
            ("resampling", self.view.resampling.to_string()),
            ("members", self.members.len().to_string()),
        ];
        let mut rules: Vec<(String, String)> = of_all.map(|(key, value)| (key.to_owned(), value)).into();
        for (index, member) in self.members.iter().enumerate() {
            let of = if index == 0 { String::new() } else { format!(" of member {}", index + 1) };
            rules.extend(member.rules().map(|(key, value)| match (key, index) {
                // Without a number it is the rule of all members.
                ("network_precision", 0) if !self.is_of_one_precision() => (format!("{key} of member 1"), value),
                _ => (format!("{key}{of}"), value),
            }));
        }
        rules
    }

    /// Whether all networks compute in one number format.
    pub(crate) fn is_of_one_precision(&self) -> bool {
        let formats = self.members.iter().map(|member| member.network_precision);
        formats.clone().zip(formats.skip(1)).all(|(one, next)| one == next)
    }

    /// The number format of the first network that is not of f32; `None` where all compute as published.
    pub fn reduced_precision(&self) -> Option<NetworkPrecision> {
        self.members.iter().map(|member| member.network_precision).find(|precision| !precision.is_f32())
    }

    /// Smallest and largest side of an input, in pixels: what the network sees at once bounds it, unless that is a tile.
    pub fn input_sides(&self) -> std::ops::RangeInclusive<usize> {
        if self.tiling.is_whole() { INPUT_SIDES } else { TILED_SIDES }
    }

    /// Rows that a bank has at least: as many as the image score looks at together.
    pub fn bank_rows_needed(&self) -> usize {
        match self.image_score {
            ImageScoreRule::MaximumOfMap => 1,
            ImageScoreRule::MaximumOfMeans | ImageScoreRule::Reweighted | ImageScoreRule::MaximumOfMapOfMeans => {
                self.num_neighbors
            }
        }
    }

    /// The sizes that go with the view: whole cells where the input follows the photo.
    pub fn usual_sizes(&self) -> InputSizes {
        match self.view.follows_the_photo() {
            true => InputSizes::whole_cells(self.strides().1),
            false => InputSizes::AsResized,
        }
    }

    /// Input pixels per cell of the finest grid of patches and of the deepest level of all members.
    pub fn strides(&self) -> (u32, u32) {
        let strides = self.members.iter().map(MemberConfig::strides);
        let finest = strides.clone().map(|(finest, _)| finest).min().unwrap_or(1);
        (finest, strides.map(|(_, deepest)| deepest).max().unwrap_or(1))
    }
}

/// One setter a field, for a chain that ends in [`PatchCoreConfig::check`].
macro_rules! setters {
    ($($setter:ident, $field:ident: $type:ty;)*) => {
        impl PatchCoreConfig {
            $(
                #[doc = concat!("The same with another [`", stringify!($field), "`](PatchCoreConfig::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    with_members, members: Vec<MemberConfig>;
    with_view, view: View;
    with_tiling, tiling: Tiling;
    with_region, region: Option<Region>;
    with_full_scale, full_scale: Option<u16>;
    with_copies, copies: Copies;
    with_coreset_sampling_ratio, coreset_sampling_ratio: f64;
    with_bank_rows, bank_rows: Option<usize>;
    with_coverage, coverage: Option<f64>;
    with_memory, memory: Option<u64>;
    with_bank_dtype, bank_dtype: BankDtype;
    with_seed, seed: u64;
    with_distance, distance: Distance;
    with_image_score, image_score: ImageScoreRule;
    with_num_neighbors, num_neighbors: usize;
    with_upsampling, upsampling: Upsampling;
    with_border, border: Border;
    with_smoothing, smoothing: Smoothing;
}

impl PatchCoreConfig {
    /// The same with all networks in another number format ([`MemberConfig::network_precision`]).
    #[must_use]
    pub fn with_network_precision(mut self, network_precision: NetworkPrecision) -> Self {
        self.members.iter_mut().for_each(|member| member.network_precision = network_precision);
        self
    }

    /// The first parameter at fault; [`PatchCoreConfig::check`] is its public face.
    pub(crate) fn verify(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |parameter, found: String, expected| Err(ConfigError::OutOfRange { parameter, found, expected });
        if self.members.is_empty() {
            return Err(ConfigError::NoMembers);
        }
        self.members.iter().try_for_each(MemberConfig::verify)?;
        let members = self.members.len();
        if members > 1 && !self.image_score.is_of_map() {
            let found = format!("{} for {members} members", self.image_score);
            let expected = "maximum_of_map, or maximum_of_map_of_means: members meet in the anomaly map";
            return out_of_range("image_score", found, expected);
        }
        let ratio = self.coreset_sampling_ratio;
        if !(ratio > 0.0 && ratio <= 1.0) {
            return out_of_range("coreset_sampling_ratio", format!("{ratio:?}"), "a share in (0, 1], for example 0.1");
        }
        self.verify_bank_size()?;
        if self.num_neighbors == 0 || self.num_neighbors > 1024 {
            return out_of_range("num_neighbors", self.num_neighbors.to_string(), "a number from 1 to 1024");
        }
        // A wider Gaussian than the widest input is a constant.
        if let Smoothing::Gaussian { sigma } = self.smoothing
            && !(sigma > 0.0 && sigma <= 1024.0)
        {
            return out_of_range("smoothing", format!("sigma {sigma}"), "a sigma in (0, 1024] pixels, for example 4");
        }
        self.verify_view()?;
        self.verify_padding_and_tiles()?;
        self.copies.verify()?;
        if self.full_scale == Some(0) {
            let expected = "a sample from 1 to 65535, for example 4095 for 12 bits";
            return out_of_range("full_scale", "0".to_owned(), expected);
        }
        if let Some(region) = &self.region
            && let Err(error) = region.check()
        {
            return out_of_range("region", error.to_string(), "a mask with at least one pixel inside");
        }
        Ok(())
    }

    fn verify_view(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |parameter, found: String, expected| Err(ConfigError::OutOfRange { parameter, found, expected });
        let sides = self.input_sides();
        let side_ok = |side: u32| sides.contains(&(side as usize));
        let (a_side, both) = match self.tiling.is_whole() {
            true => ("8 to 8192 pixels", "8 to 8192 pixels a side"),
            false => ("8 to 65535 pixels", "8 to 65535 pixels a side"),
        };
        let size_ok = |size: Size| side_ok(size.width) && side_ok(size.height);
        // As it is written on the command line.
        let written = |size: Size| format!("{}x{}", size.width, size.height);
        match self.view.resize {
            Resize::Short(side) if !side_ok(side) => {
                return out_of_range("resize", side.to_string(), a_side);
            }
            Resize::Exact(size) if !size_ok(size) => {
                return out_of_range("size", written(size), both);
            }
            _ => {}
        }
        match self.view.crop {
            Crop::Center(size) if !size_ok(size) => return out_of_range("crop", written(size), both),
            _ => {}
        }
        // What no photo can change. Where the input follows the photo it is looked at with the photo.
        match self.view.fixed_size().filter(|_| self.tiling.is_whole()) {
            Some(size) => self.members.iter().try_for_each(|member| member.verify_size(size)),
            None => Ok(()),
        }
    }

    fn verify_padding_and_tiles(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |parameter, found: String, expected| Err(ConfigError::OutOfRange { parameter, found, expected });
        let (_, deepest) = self.strides();
        let whole_cells = match self.view.pad {
            Pad::None => false,
            Pad::ToMultiple(multiple) if !(1..=256).contains(&multiple) => {
                return out_of_range("pad", multiple.to_string(), "a multiple from 1 to 256 pixels");
            }
            Pad::ToMultiple(multiple) if self.view.crop != Crop::Keep => {
                return out_of_range("pad", format!("{multiple} with a crop"), "padding without a crop");
            }
            Pad::ToMultiple(multiple) => multiple.is_multiple_of(deepest),
        };
        if let InputSizes::WholeCells { stride, of_the_fit } = &self.view.sizes
            && self.view.follows_the_photo()
        {
            if *stride == 0 || !stride.is_multiple_of(deepest) {
                let found = format!("whole cells of {stride} pixels");
                return out_of_range("sizes", found, "steps of the deepest stride: see `usual_sizes`");
            }
            let side_ok = |side: u32| INPUT_SIDES.contains(&(side as usize));
            if let Some(size) = of_the_fit.iter().find(|size| !side_ok(size.width) || !side_ok(size.height)) {
                return out_of_range("sizes", size.to_string(), "8 to 8192 pixels a side");
            }
        }
        let Tiling::Tiles { size, overlap } = self.tiling else { return Ok(()) };
        if !whole_cells {
            let found = format!("asked for with padding {:?}", self.view.pad);
            return out_of_range("tile", found, "a view padded to a multiple of the deepest stride");
        }
        let fits = |(finest, deepest)| self.tiling.fits(finest, deepest);
        if !self.members.iter().map(MemberConfig::strides).all(fits) {
            let expected = "a tile and an overlap that are multiples of the deepest stride (and the overlap of \
                            twice the finest), the overlap at most half of the tile, for example 512 and 64";
            return out_of_range("tile", format!("{size} with an overlap of {overlap}"), expected);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::{Architecture, OwnLevel, OwnNetwork};
    use crate::mode::{MODES, Mode};
    use crate::rules::{EmbeddingRule, ProjectionRule, StartRule};

    fn good() -> PatchCoreConfig {
        Mode::Paper.config(Architecture::RESNET18)
    }

    #[test]
    fn bank_sizes_are_those_the_authors_published() {
        let config = Mode::Paper.config(Architecture::RESNET18);
        // Rows of the authors' published 10 % banks: int(images x 28 x 28 x 0.1).
        for (images, rows) in
            [(209, 16385), (224, 17561), (219, 17169), (280, 21952), (264, 20697), (391, 30654), (60, 4704)]
        {
            assert_eq!(config.coreset_size(images * 28 * 28), rows);
        }
    }

    #[test]
    fn in_tiles_the_tile_is_bounded_and_not_the_photo() {
        let mut wide = good();
        wide.view.resize = Resize::Exact(Size { width: 16_384, height: 64 });
        wide.view.pad = Pad::ToMultiple(wide.strides().1);
        assert!(wide.clone().check().is_err());
        wide.tiling = Tiling::Tiles { size: 512, overlap: 64 };
        assert!(wide.check().is_ok());
    }

    #[test]
    fn each_bad_parameter_is_named() {
        assert!(good().check().is_ok());
        type Spoil = fn(&mut PatchCoreConfig);
        let cases: [(&str, Spoil); 34] = [
            ("members", |config| config.members.clear()),
            ("image_score", |config| config.members.push(config.members[0].clone())),
            ("coreset_sampling_ratio", |config| config.coreset_sampling_ratio = 0.0),
            ("coreset_sampling_ratio", |config| config.coreset_sampling_ratio = f64::NAN),
            ("bank_rows", |config| config.bank_rows = Some(0)),
            ("coverage", |config| config.coverage = Some(f64::NAN)),
            ("coverage is 0.5 beside bank_rows 7", |config| {
                (config.coverage, config.bank_rows) = (Some(0.5), Some(7));
            }),
            ("memory is 512 bytes", |config| config.memory = Some(512)),
            ("num_neighbors", |config| config.num_neighbors = 0),
            ("resize", |config| config.view.resize = Resize::Short(1)),
            ("size", |config| config.view.resize = Resize::Exact(Size { width: 9000, height: 64 })),
            ("size", |config| {
                config.view.resize = Resize::Exact(Size { width: 65_536, height: 64 });
                config.view.pad = Pad::ToMultiple(16);
                config.tiling = Tiling::Tiles { size: 512, overlap: 64 };
            }),
            ("crop", |config| config.view.crop = Crop::Center(Size { width: 0, height: 224 })),
            ("pad", |config| config.view.pad = Pad::ToMultiple(0)),
            ("sizes is whole cells of 8 pixels", |config| config.view.sizes = InputSizes::whole_cells(8)),
            ("sizes is 9000 x 64", |config| {
                let sizes = [Size { width: 9000, height: 64 }];
                config.view.sizes = config.view.sizes.after_the_fit(sizes);
            }),
            ("tile", |config| config.tiling = Tiling::Tiles { size: 512, overlap: 64 }),
            ("full_scale", |config| config.full_scale = Some(0)),
            ("smoothing", |config| config.smoothing = Smoothing::Gaussian { sigma: 0.0 }),
            ("smoothing", |config| config.smoothing = Smoothing::Gaussian { sigma: f64::NAN }),
            ("normalization", |config| config.members[0].normalization.std = [0.0; 3]),
            ("layer9", |config| config.members[0].layers = vec!["layer9".into()]),
            ("patch_size is 0", |config| config.members[0].patch_size = 0),
            ("patch_size is 4", |config| config.members[0].patch_size = 4),
            ("patch_size is 17", |config| config.members[0].patch_size = 17),
            ("pretrain_embed_dimension is 0", |config| {
                config.members[0].embedding = EmbeddingRule::adaptive_pool(0, 16);
            }),
            ("target_embed_dimension is 65537", |config| {
                config.members[0].embedding = EmbeddingRule::adaptive_pool(16, 65_537);
            }),
            ("projection", |config| config.members[0].projection = ProjectionRule::Sparse { eps: 1.5 }),
            ("projection", |config| config.members[0].projection = ProjectionRule::Dense(0)),
            ("start", |config| config.members[0].start = StartRule::MeanOfRandomRows(0)),
            ("weight", |config| config.members[0].weight = 0.0),
            ("weight", |config| config.members[0].weight = f32::NAN),
            ("weight", |config| config.members[0].weight = f32::INFINITY),
            ("network_precision is int8 with the network mine: expected f32", |config| {
                let level = |name: &str, stride| OwnLevel { name: name.to_owned(), channels: 8, stride };
                let levels = vec![level("layer2", 8), level("layer3", 16)];
                config.members[0].backbone = OwnNetwork { name: "mine".to_owned(), levels }.into();
                config.members[0].network_precision = NetworkPrecision::Int8;
            }),
        ];
        for (parameter, spoil) in cases {
            let mut config = good();
            spoil(&mut config);
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(parameter), "{parameter}: {message}");
        }
    }

    #[test]
    fn several_members_meet_in_the_map() {
        let mut config = good().with_image_score(ImageScoreRule::MaximumOfMap);
        config.members.extend(Mode::Paper.config(Architecture::RESNET34).members);
        config.view.pad = Pad::ToMultiple(16);
        config.tiling = Tiling::Tiles { size: 512, overlap: 64 };
        let checked = config.check().unwrap();
        assert_eq!(checked.first().backbone, Architecture::RESNET18);
        assert_eq!(checked.rules_name(), "paper with image_score maximum_of_map");
        let backbones: Vec<String> =
            checked.described().into_iter().filter(|(key, _)| *key == "backbone").map(|(_, value)| value).collect();
        assert_eq!(backbones, ["resnet18, layers layer2, layer3", "resnet34, layers layer2, layer3"]);
    }

    /// A tile must fit the cells of every member, not only of the finest and the deepest.
    #[test]
    fn tiles_fit_every_member() {
        let mut config = good().with_image_score(ImageScoreRule::MaximumOfMap);
        config.view.pad = Pad::ToMultiple(32);
        config.tiling = Tiling::Tiles { size: 512, overlap: 32 };
        assert!(config.clone().check().is_ok());
        config.members.push(Mode::Paper.member(Architecture::RESNET18, vec!["layer4".into()]));
        assert!(config.check().unwrap_err().to_string().starts_with("tile is 512 with an overlap of 32"));
    }

    #[test]
    fn dimensions_follow_mode_and_backbone() {
        let dim = |mode: Mode, backbone| mode.config(backbone).check().unwrap().first().embedding_dim();
        assert_eq!(dim(Mode::Authors, Architecture::RESNET18), 1024);
        assert_eq!(dim(Mode::Anomalib, Architecture::RESNET18), 384);
        assert_eq!(dim(Mode::Paper, Architecture::RESNET18), 384);
        assert_eq!(dim(Mode::Paper, Architecture::WIDE_RESNET50_2), 1024);
        assert_eq!(dim(Mode::Anomalib, Architecture::WIDE_RESNET50_2), 1536);
        assert_eq!(dim(Mode::Paper, Architecture::EFFICIENTNET_LITE0), 120);
    }

    #[test]
    fn what_is_stored_comes_back_and_nothing_else_is_taken() {
        for mode in MODES {
            let mut config = mode.config(Architecture::WIDE_RESNET50_2).with_full_scale(Some(4095));
            config.region = Some(Region::from_pixels(Size { width: 2, height: 1 }, &[false, true]).unwrap());
            config.view.pad = Pad::ToMultiple(16);
            config.tiling = Tiling::Tiles { size: 512, overlap: 64 };
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<PatchCoreConfig>(&json).unwrap(), config);
            // A setting of a later version, and one that is missing: neither is guessed.
            let later = json.replacen('{', r#"{"polarity":"dark","#, 1);
            assert!(serde_json::from_str::<PatchCoreConfig>(&later).unwrap_err().to_string().contains("polarity"));
            let in_member = json.replacen(r#""patch_size":3"#, r#""patch_size":3,"dilation":2"#, 1);
            assert!(serde_json::from_str::<PatchCoreConfig>(&in_member).unwrap_err().to_string().contains("dilation"));
            let without = json.replacen(r#""upsampling":"#, r#""growth":"#, 1);
            assert!(serde_json::from_str::<PatchCoreConfig>(&without).is_err());
        }
    }

    /// The form of model files of version 3, letter for letter: what is changed here no longer reads them.
    #[test]
    fn the_stored_form_is_that_of_version_3() {
        let stored = concat!(
            r#"{"members":[{"backbone":"efficientnet_lite0","layers":["block4","block7"],"#,
            r#""normalization":{"mean":[0.49803922,0.49803922,0.49803922],"std":[0.5019608,0.5019608,0.5019608]},"#,
            r#""patch_size":3,"embedding":"concatenate","projection":{"sparse":{"eps":0.9}},"start":"random_row","#,
            r#""weight":1.0}],"view":{"resize":{"exact":{"width":256,"height":256}},"resampling":"float","#,
            r#""crop":"keep","pad":"none"},"tiling":"whole","coreset_sampling_ratio":0.1,"bank_dtype":"f32","seed":0,"#,
            r#""distance":"l2","image_score":"reweighted","num_neighbors":9,"upsampling":"nearest","#,
            r#""border":"reflect_edge_once","smoothing":{"gaussian":{"sigma":4.0}}}"#
        );
        let config = Mode::Anomalib.config(Architecture::EFFICIENTNET_LITE0);
        assert_eq!(serde_json::to_string(&config).unwrap(), stored);
        // What a network of f32 does not say, one of another format says.
        let int8 = stored.replace(r#""weight":1.0}"#, r#""weight":1.0,"network_precision":"int8"}"#);
        let config = config.with_network_precision(NetworkPrecision::Int8);
        assert_eq!(serde_json::to_string(&config).unwrap(), int8);
        assert_eq!(serde_json::from_str::<PatchCoreConfig>(&int8).unwrap(), config);
    }
}
