//! What to fit and where: everything has a default, nothing is checked before `fit`.

use std::collections::BTreeMap;
#[cfg(not(target_family = "wasm"))]
use std::path::PathBuf;
use std::sync::Arc;

use patchcore_config::{
    Architecture, BankDtype, Border, Checked, ConfigError, Copies, Crop, DEFAULT_PATCH_SIZE, Distance, EmbeddingRule,
    ImageScoreRule, MemberConfig, Mode, Network, NetworkPrecision, NetworkWeights, Pad, ProjectionRule, Region, Resize,
    Smoothing, StartRule, Tiling, Upsampling, Weighting,
};
use patchcore_core::backbone::Backbone;
use patchcore_core::model_file::StoredPath;
use patchcore_core::{ComputeDevice, Instructions, Precision};

use crate::devices::{DEFAULT_DEVICE, open_device};
use crate::error::Error;
use crate::network_settings::NetworkSettings;
use crate::own_networks::OwnNetworks;
#[cfg(not(target_family = "wasm"))]
use crate::weights::resolve_weights;
#[cfg(not(target_family = "wasm"))]
use crate::weights_file::{WeightsFile, assign_weights};

/// Settings of a fit: what a user says. Start from [`Settings::default`] and set what differs; `None` is what has not been
/// said. [`Settings::config`] makes the configuration of it, in which every rule has its value.
///
/// ```
/// use patchcore::{Mode, Settings};
///
/// let settings = Settings { mode: Mode::Anomalib, coreset_sampling_ratio: Some(0.01), ..Settings::default() };
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
///     tiling: Tiling::Tiles { size: 512, overlap: 128 },
///     region: Some(Region::from_pixels(size, &look)?),
///     full_scale: Some(4095),
///     ..Settings::default()
/// };
/// assert!(settings.config().is_ok());
/// # Ok::<(), patchcore_config::RegionError>(())
/// ```
///
/// A mix of the published definitions; models and reports name it.
///
/// ```
/// use patchcore::config::Distance;
/// use patchcore::{Mode, Settings};
///
/// # fn main() -> Result<(), patchcore::Error> {
/// let settings =
///     Settings { mode: Mode::Anomalib, distance: Some(Distance::SquaredL2), ..Settings::default() };
/// assert_eq!(settings.config()?.rules_name(), "anomalib with distance squared_l2");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which definition to compute; it gives every rule that nothing below says. Default: [`Mode::Line`], this project's own; `paper`,
    /// `authors` and `anomalib` are the published ones.
    pub mode: Mode,
    /// The unit of scores, where it is not to be the mode's.
    pub distance: Option<Distance>,
    /// From patches to the image, where it is not to be the mode's. Say `num_neighbors` with it.
    pub image_score: Option<ImageScoreRule>,
    /// How the map grows, where it is not to be as in the mode.
    pub upsampling: Option<Upsampling>,
    /// What the map's smoothing sees beyond the edge, where it is not to be as in the mode.
    pub border: Option<Border>,
    /// How the map is smoothed, where it is not to be the published way.
    pub smoothing: Option<Smoothing>,
    /// The embedding, where it is not to be the mode's for these layers.
    pub embedding: Option<EmbeddingRule>,
    /// What the coreset is selected on, where it is not to be the mode's.
    pub projection: Option<ProjectionRule>,
    /// How the coreset's selection starts, where it is not to be as in the mode.
    pub start: Option<StartRule>,
    /// Rules said by name and value, after all others: see [`PatchCoreConfig::with_rule`](crate::config::PatchCoreConfig::with_rule). For
    /// rules of a single member, and for what comes as text.
    pub rules: Vec<(String, String)>,
    /// Name of the frozen network: one of the catalogue, or one of the application's own, which the fit is given
    /// ([`FitOptions::network`](crate::FitOptions::network)). Default: `efficientnet_lite0`, the small one that ships with the crate.
    pub backbone: String,
    /// ONNX or safetensors file with the weights of [`backbone`](Settings::backbone); default: embedded, else the weights directory.
    #[cfg(not(target_family = "wasm"))]
    pub weights: Option<PathBuf>,
    /// Feature levels in network order; default: the paper's two, strides 8 and 16.
    pub layers: Option<Vec<String>>,
    /// Networks beside [`backbone`](Settings::backbone), each with banks of its own, and further levels of one that is there. Their maps
    /// are averaged, each weighted by good photos alone. In mode `line` each brings the two banks that it has alone; in the published modes
    /// one, and the image score is the map's maximum: a mix, which models and reports name. Default: none.
    pub further_networks: Vec<NetworkSettings>,
    /// Side of a patch, in cells of each level: odd, 1 to 15. Default 3, as published; the authors' segmentation ensemble
    /// has 5.
    pub patch_size: usize,
    /// Values of each level after the first of the authors' two poolings. When not said: 1024. Where the mode concatenates the
    /// levels it needs `target_embed_dimension` beside it.
    pub pretrain_embed_dimension: Option<usize>,
    /// Values of a row of the memory bank after the second pooling. When not said: 1024. It asks for the authors' pooling, also
    /// where the mode concatenates the levels.
    pub target_embed_dimension: Option<usize>,
    /// Share of all training patches kept in each memory bank, in `(0, 1]`. When not said: 0.1, and in mode `line` 0.05 for each of a
    /// network's two.
    pub coreset_sampling_ratio: Option<f64>,
    /// Rows of each memory bank, instead of a share. Default: the share.
    pub bank_rows: Option<usize>,
    /// The largest distance of a training patch to its nearest bank row, an L2 distance between embeddings: each bank grows until it is
    /// kept, however many rows that takes. Default: the share.
    pub coverage: Option<f64>,
    /// Bytes that the fit may hold of patches, of their selection and of the banks; what the program, the network and photos that are
    /// decoded ahead take comes on top ([`FitPlan`](crate::FitPlan) says it). A fit that needs more goes over the patches block by block,
    /// in one pass. Default: whatever all patches take.
    pub memory: Option<u64>,
    /// k of the patch score in mode `authors` (when not said: 1), b of eq. 7 in the others (9). Of several networks in mode `authors`
    /// it is k, too, and the rule [`ImageScoreRule::MaximumOfMapOfMeans`].
    pub num_neighbors: Option<usize>,
    /// Resize before the crop. When not said: the mode's, and [`Resize::Keep`] in tiles.
    pub resize: Option<Resize>,
    /// Crop after the resize. When not said: the mode's (224 x 224 in mode `authors`) after its own resize of the whole photo;
    /// a resize of one's own, padding and tiles come without a crop.
    pub crop: Option<Crop>,
    /// Pad the input to whole grid cells instead of leaving the last one half empty. Default: no.
    pub pad_to_stride: bool,
    /// Cut large photos into tiles; padding comes with it. Default: the whole photo at once.
    pub tiling: Tiling,
    /// Where to look, in the geometry of the photos, all of which then have its size. Default: everywhere. See
    /// [`region_of_masks`](crate::region_of_masks).
    pub region: Option<Region>,
    /// The sample that is white in photos of 16 bits or floats: 4095 for a camera's 12 bits in 16, 255 for floats of 8 bits. Brighter
    /// ones are cut off, and this goes before a photo's own [`Photo::with_full_scale`](crate::Photo::with_full_scale). Default: the
    /// photo's own; of a file 65535, and 1 of floats.
    pub full_scale: Option<u16>,
    /// Copies of every photo that are fitted beside it: other light, turned. Default: none.
    pub copies: Copies,
    /// Source of every random choice. Default 0.
    pub seed: u64,
    /// `cpu`, `gpu`, `auto`, or one of Burn's: `flex`, `vulkan`, `cuda:0`, ... (see [`open_device`]). Default
    /// [`DEFAULT_DEVICE`], the CPU.
    pub device: String,
    /// Number format in which the device computes an f32 network. Default f32, the published numbers.
    pub precision: Precision,
    /// The most that the CPU's own kernels may use. Default: the environment variable `PATCHCORE_INSTRUCTIONS`, else the
    /// widest that the processor has.
    pub instructions: Option<Instructions>,
    /// Number format of the memory bank. Default f32.
    pub bank_dtype: BankDtype,
    /// Number format of the network: a property of the model, in which every device then computes it. Default f32, the published
    /// numbers. In int8 the fit first looks at up to 64 of its photos for the ranges of the network's maps. Not to be mixed with
    /// [`precision`](Settings::precision), which is how a device computes an f32 network, and stays at its default in bf16 and int8.
    pub network_precision: NetworkPrecision,
}

/// The backbone that ships with the crate.
pub const DEFAULT_BACKBONE: &str = Architecture::EFFICIENTNET_LITE0.name();

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            distance: None,
            image_score: None,
            upsampling: None,
            border: None,
            smoothing: None,
            embedding: None,
            projection: None,
            start: None,
            rules: Vec::new(),
            backbone: DEFAULT_BACKBONE.to_owned(),
            #[cfg(not(target_family = "wasm"))]
            weights: None,
            layers: None,
            further_networks: Vec::new(),
            patch_size: DEFAULT_PATCH_SIZE,
            pretrain_embed_dimension: None,
            target_embed_dimension: None,
            coreset_sampling_ratio: None,
            bank_rows: None,
            coverage: None,
            memory: None,
            num_neighbors: None,
            resize: None,
            crop: None,
            pad_to_stride: false,
            tiling: Tiling::Whole,
            region: None,
            full_scale: None,
            copies: Copies::default(),
            seed: 0,
            device: DEFAULT_DEVICE.to_owned(),
            precision: Precision::F32,
            instructions: None,
            bank_dtype: BankDtype::F32,
            network_precision: NetworkPrecision::F32,
        }
    }
}

impl Settings {
    /// The configuration that these settings mean, checked.
    ///
    /// # Errors
    /// [`Error::Config`], for an unknown backbone or any value out of range.
    pub fn config(&self) -> Result<Checked, Error> {
        self.config_of(&OwnNetworks::default())
    }

    /// [`Settings::config`] for settings that name networks of the application's own.
    ///
    /// # Errors
    /// As [`Settings::config`]; [`Error::Config`] also for a network that is given and not named.
    pub fn config_with(&self, networks: &[Arc<dyn Backbone>]) -> Result<Checked, Error> {
        self.config_of(&OwnNetworks::from(networks))
    }

    pub(crate) fn config_of(&self, own: &OwnNetworks) -> Result<Checked, Error> {
        let mut config = self.mode.config(own.network(&self.backbone)?);
        config.members.clear();
        for (backbone, layers) in self.networks() {
            let members = self.members_of(own.network(backbone)?, layers)?;
            config.members.extend(members);
        }
        own.check_used(&config.members)?;
        own.normalize(&mut config.members);
        let joined = !self.further_networks.is_empty();
        if joined {
            // Members meet in the map. What the authors call k still counts.
            let of_means = config.image_score.is_of_means() && self.num_neighbors.is_some();
            config.image_score =
                if of_means { ImageScoreRule::MaximumOfMapOfMeans } else { ImageScoreRule::MaximumOfMap };
        }
        for member in &mut config.members {
            if joined {
                member.weighting = Weighting::GoodPatches;
            }
            member.patch_size = self.patch_size;
            let embedding = self.embedding.unwrap_or(member.embedding);
            member.embedding = embedding.with_dimensions(self.pretrain_embed_dimension, self.target_embed_dimension)?;
            member.projection = self.projection.unwrap_or(member.projection);
            member.start = self.start.unwrap_or(member.start);
        }
        config.distance = self.distance.unwrap_or(config.distance);
        config.image_score = self.image_score.unwrap_or(config.image_score);
        config.num_neighbors = self.num_neighbors.unwrap_or(config.num_neighbors);
        config.upsampling = self.upsampling.unwrap_or(config.upsampling);
        config.border = self.border.unwrap_or(config.border);
        config.smoothing = self.smoothing.unwrap_or(config.smoothing);
        config = config.with_network_precision(self.network_precision);
        for (rule, value) in &self.rules {
            config = config.with_rule(rule, value)?;
        }
        if let (Some(given), ImageScoreRule::MaximumOfMap) = (self.num_neighbors, config.image_score) {
            return Err(out_of_range(
                "num_neighbors",
                format!("{given} with the map's maximum as the image score"),
                "none: the map's maximum looks at no neighbours; they count in the modes paper, authors and anomalib",
            ));
        }
        if let Some(ratio) = self.coreset_sampling_ratio
            && let Some(other) = self.bank_rows.map(|_| "bank_rows").or(self.coverage.map(|_| "coverage"))
        {
            let expected = "one of coreset_sampling_ratio, bank_rows and coverage: each says how large the banks are";
            return Err(out_of_range("coreset_sampling_ratio", format!("{ratio} beside {other}"), expected));
        }
        config.coreset_sampling_ratio = self.coreset_sampling_ratio.unwrap_or(config.coreset_sampling_ratio);
        (config.bank_rows, config.coverage, config.memory) = (self.bank_rows, self.coverage, self.memory);
        config.seed = self.seed;
        config.bank_dtype = self.bank_dtype;
        let whole_cells = self.pad_to_stride || !self.tiling.is_whole();
        // The mode's own crop belongs to the mode's own view: whoever asks for another one has not asked for that crop.
        if self.resize.is_some() || whole_cells {
            config.view.crop = Crop::Keep;
        }
        if !self.tiling.is_whole() {
            config.view.resize = Resize::Keep;
        }
        if whole_cells {
            config.view.pad = Pad::ToMultiple(config.strides().1);
        }
        config.view.resize = self.resize.unwrap_or(config.view.resize);
        config.view.crop = self.crop.unwrap_or(config.view.crop);
        config.view.sizes = config.usual_sizes();
        config.tiling = self.tiling;
        config.region = self.region.clone();
        config.full_scale = self.full_scale;
        config.copies = self.copies.clone();
        Ok(config.check()?)
    }

    /// Names and levels of all networks, the first one's in front.
    fn networks(&self) -> impl Iterator<Item = (&str, Option<&Vec<String>>)> {
        let further = self.further_networks.iter();
        let further = further.map(|network| (network.backbone.as_str(), network.layers.as_ref()));
        std::iter::once((self.backbone.as_str(), self.layers.as_ref())).chain(further)
    }

    /// The members of one network, with these levels or its usual ones. Refuses layers that leave mode `line` without its second bank.
    fn members_of(&self, backbone: Network, layers: Option<&Vec<String>>) -> Result<Vec<MemberConfig>, Error> {
        let layers = layers.cloned().unwrap_or_else(|| backbone.default_layers());
        let members = self.mode.members(backbone, layers);
        match (self.mode, members.as_slice()) {
            // A layer that does not exist is refused by its name, when the configuration is checked.
            (Mode::Line, [only])
                if only.layers.first().is_some_and(|first| only.backbone.layer_shape(first).is_some()) =>
            {
                Err(out_of_range(
                    "layers",
                    format!("{} in mode line", only.layers.join(", ")),
                    "a first layer with a finer one before it in the network, for the second bank; or mode paper",
                ))
            }
            _ => Ok(members),
        }
    }

    /// The weights of all networks: of each the file given, else the embedded ones, else those in the weights directory.
    ///
    /// # Errors
    /// [`Error::Weights`], and [`Error::WeightsTwice`] for two files for one network.
    pub fn load_weights(&self) -> Result<NetworkWeights, Error> {
        self.weights_beside(&OwnNetworks::default())
    }

    /// [`Settings::load_weights`] of all networks but the application's own, which bring theirs.
    pub(crate) fn weights_beside(&self, own: &OwnNetworks) -> Result<NetworkWeights, Error> {
        #[cfg(not(target_family = "wasm"))]
        let files = self.files()?;
        let mut weights = NetworkWeights::new();
        for (network, _) in self.networks() {
            if weights.get(network).is_some() {
                continue;
            }
            if own.has(network) {
                #[cfg(not(target_family = "wasm"))]
                if let Some(file) = files.get(network) {
                    let found = format!("{} for the network {network}", file.display());
                    let expected = "no file: a network of the application's own has its weights in itself";
                    return Err(out_of_range("weights", found, expected));
                }
                continue;
            }
            #[cfg(not(target_family = "wasm"))]
            let own = resolve_weights(network, files.get(network).map(PathBuf::as_path))?;
            #[cfg(target_family = "wasm")]
            let own = patchcore_weights::pretrained(network)?;
            weights = weights.with(network, own);
        }
        Ok(weights)
    }

    /// The files of weights that were given, each with its network's name.
    #[cfg(not(target_family = "wasm"))]
    fn files(&self) -> Result<BTreeMap<String, PathBuf>, Error> {
        let further = self.further_networks.iter();
        let all = further.map(|network| (network.backbone.as_str(), network.weights.as_ref()));
        let all = std::iter::once((self.backbone.as_str(), self.weights.as_ref())).chain(all);
        let given = all.filter_map(|(network, path)| Some(WeightsFile::of(network, path?))).collect::<Vec<_>>();
        let networks: Vec<&str> = self.networks().map(|(network, _)| network).collect();
        assign_weights(&given, &networks, |_| true)
    }

    /// Where the weights lie, of those networks whose are a file's.
    pub(crate) fn weights_files(&self) -> Result<BTreeMap<String, StoredPath>, Error> {
        #[cfg(not(target_family = "wasm"))]
        return Ok(self.files()?.into_iter().map(|(network, path)| (network, crate::places::stored(&path))).collect());
        #[cfg(target_family = "wasm")]
        return Ok(BTreeMap::new());
    }

    /// The device of that name, once it has passed its self-check ([`open_device`]).
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn compute_device(&self) -> Result<ComputeDevice, Error> {
        open_device(&self.device, self.precision, self.instructions)
    }
}

fn out_of_range(parameter: &'static str, found: String, expected: &'static str) -> Error {
    ConfigError::OutOfRange { parameter, found, expected }.into()
}
