//! `patchcore fit`: its options, and what they mean as settings. It is long because it is one list: every option of a fit.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytesize::ByteSize;
use clap::builder::PossibleValuesParser;
use clap::{Args, FromArgMatches, ValueEnum};
use patchcore::config::CATALOGUE;
use patchcore::{
    BankDtype, Copies, Crop, MODES, Mode, NETWORK_PRECISIONS, NetworkPrecision, NetworkSettings, PRESETS, Precision,
    Preset, Resize, Settings, Size, Tiling, Turned, WeightsFile, assign_weights, has_weights,
};

use crate::arguments::compute::Compute;
use crate::arguments::heading::{COMPUTE, DATA, MODEL, OUTPUT, VIEW};
use crate::arguments::parse::{LevelSet, parse_bytes, parse_layers, parse_rule, parse_size, weights_parser};
use crate::misuse::Misuse;
use crate::shard::Shard;

/// Overlap of tiles when none is asked for.
const DEFAULT_OVERLAP: u32 = 128;

/// Number formats of the memory bank.
const BANK_DTYPES: [&str; 2] = ["f32", "f16"];

const EXAMPLES: &str = "Examples:
  patchcore fit --data good/ -o part.patchcore
  patchcore fit --data good/ --resize 384 --roi look.png -o part.patchcore
  patchcore fit --data camera-12mp/ --tile 512 -o part.patchcore
  patchcore fit --data a-year-of-photos/ --memory 512MiB --bank-rows 10000 -o part.patchcore";

/// Settings of a fit, shared by `fit` and `demo`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Fit {
    /// Photos of good parts: a folder, a data set or a manifest (CSV)
    ///
    /// Of a data set (MVTec AD, AD 2, LOCO, 3D-AD, VisA, BTAD, KolektorSDD) the photos for training are taken. `patchcore inspect-data`
    /// shows how a data set is read.
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub data: PathBuf,
    /// Part of the photos to fit on, for many machines or nights: 3/16
    ///
    /// The K-th of N parts, each with every N-th photo in the order of their paths. `patchcore merge` makes one model of the parts'.
    #[arg(long, value_name = "K/N", value_parser = Shard::parse, help_heading = DATA)]
    pub shard: Option<Shard>,
    /// Mask of where to look (white), of the photos' size
    #[arg(long, value_name = "MASK", help_heading = DATA)]
    pub roi: Option<PathBuf>,
    /// Mask of what to ignore (white), of the photos' size
    #[arg(long, value_name = "MASK", help_heading = DATA)]
    pub ignore: Option<PathBuf>,
    /// White level of 16-bit and float photos: 4095 for a 12-bit camera
    ///
    /// Without this option: 65535, of floats 1.
    #[arg(long, value_name = "LEVEL", help_heading = DATA)]
    pub full_scale: Option<u16>,
    /// Short side after the resize; the aspect ratio is kept [default: 256]
    ///
    /// Both sides are rounded to whole grid cells. Mode anomalib has --size 256x256 instead.
    #[arg(long, value_name = "PIXELS", conflicts_with = "size", allow_negative_numbers = true, help_heading = VIEW)]
    pub resize: Option<u32>,
    /// Both sides after the resize; the aspect ratio is not kept
    #[arg(long, value_name = "WxH", value_parser = parse_size, help_heading = VIEW)]
    pub size: Option<Size>,
    /// Centre crop after the resize: N or WxH
    ///
    /// Without this option: 224 in mode authors with its own resize, else no crop.
    #[arg(long, value_name = "PIXELS", value_parser = parse_size, help_heading = VIEW)]
    pub crop: Option<Size>,
    /// No crop, whatever the mode
    #[arg(long, conflicts_with = "crop", help_heading = VIEW)]
    pub no_crop: bool,
    /// No crop; pad the photo to whole grid cells
    ///
    /// The padding itself is not scored.
    #[arg(long, conflicts_with = "crop", help_heading = VIEW)]
    pub pad_to_stride: bool,
    /// Side of tiles, for small defects on large photos: 512
    ///
    /// Photos keep their size unless a resize is given.
    #[arg(long, value_name = "PIXELS", conflicts_with = "crop", help_heading = VIEW)]
    pub tile: Option<u32>,
    /// Pixels that neighbouring tiles share
    #[arg(long, value_name = "PIXELS", default_value_t = DEFAULT_OVERLAP, requires = "tile", help_heading = VIEW)]
    pub overlap: u32,
    /// Also fit on every photo with 20 % less and 20 % more light
    ///
    /// For lines whose light changes. Three times the rows, so fit and score take longer; where light is steady it can cost sensitivity.
    #[arg(long, help_heading = VIEW)]
    pub unsteady_light: bool,
    /// Also fit on every photo turned, or mirrored: parts lie at any angle
    ///
    /// turned: by 45 degrees, seven times. Up to eight times the rows, so fit and score take longer; harmful for parts that always lie
    /// alike.
    #[arg(long, value_enum, value_name = "COPIES", num_args = 0..=1, default_missing_value = "turned", help_heading = VIEW)]
    pub any_angle: Option<AnyAngle>,
    /// Settings that the authors have published, of three networks
    ///
    /// authors-ensemble: wide_resnet101_2, resnext101_32x8d and densenet201, --mode authors, --resize 366, --crop 320, 1 % of the patches,
    /// pooled to 1024 and then 384 values. authors-ensemble-segmentation also has --patch-size 5 and --num-neighbors 5. Options that are
    /// given go before the preset's; --mode, --backbone and --size are refused beside it.
    #[arg(long, value_name = "PRESET", value_parser = presets(), conflicts_with_all = ["mode", "backbone", "size"], help_heading = MODEL)]
    pub preset: Option<String>,
    /// Network
    #[arg(long, default_value = patchcore::DEFAULT_BACKBONE, help = "Network; give the option again for each further one", long_help = backbone_help(), value_parser = backbones(), help_heading = MODEL)]
    pub backbone: Vec<String>,
    /// ONNX or safetensors file with the network's weights; of several networks NAME=FILE for each
    ///
    /// Without this option: embedded in the program, else from the weights directory. A FILE without a name goes to the one network that
    /// has no weights elsewhere.
    #[arg(long, value_name = "[NAME=]FILE", value_parser = weights_parser(), help_heading = MODEL)]
    pub weights: Vec<WeightsFile>,
    /// Which PatchCore to compute
    ///
    /// line is this project's own definition; paper, authors (amazon-science/patchcore-inspection) and anomalib are the published ones.
    #[arg(long, default_value = Mode::default().name(), value_parser = modes(), help_heading = MODEL)]
    pub mode: String,
    /// Replace one rule of the mode: image_score=maximum_of_map
    ///
    /// The words are those with which `patchcore inspect` names a mix. Give the option again for each further rule.
    #[arg(long = "rule", value_name = "RULE=VALUE", value_parser = parse_rule, help_heading = MODEL)]
    pub rules: Vec<(String, String)>,
    /// Feature levels, in network order [default: those at strides 8 and 16]
    ///
    /// Of several networks NAME=LAYER,LAYER for each that is to have others. Given twice for one network, it has memory banks for both
    /// sets of levels, and runs once.
    #[arg(long, value_name = "[NAME=]LAYER,LAYER", value_parser = parse_layers, help_heading = MODEL)]
    pub layers: Vec<LevelSet>,
    /// Side of a patch, in cells of each level: odd, 1 to 15 [default: 3]
    #[arg(long, value_name = "CELLS", help_heading = MODEL)]
    pub patch_size: Option<usize>,
    /// Values of each level after the first pooling of mode authors [default: 1024]
    #[arg(long, value_name = "N", help_heading = MODEL)]
    pub pretrain_embed_dimension: Option<usize>,
    /// Values of a patch after the second pooling
    ///
    /// Turns that pooling on where the mode concatenates the levels. Without this option: 1024, or all channels.
    #[arg(long, value_name = "N", help_heading = MODEL)]
    pub target_embed_dimension: Option<usize>,
    /// Share of the training patches in each memory bank, in (0, 1]
    ///
    /// Without this option: 0.1; in mode line 0.05 in each of a network's two, and with a larger --resize as many rows as with 256.
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["bank_rows", "coverage"], allow_negative_numbers = true, help_heading = MODEL)]
    pub coreset_sampling_ratio: Option<f64>,
    /// Rows of each memory bank, instead of a share
    #[arg(long, value_name = "N", conflicts_with = "coverage", allow_negative_numbers = true, help_heading = MODEL)]
    pub bank_rows: Option<usize>,
    /// Largest distance of a training patch to its memory bank, instead of a share
    ///
    /// Each bank gets as many rows as that takes. The unit is that of distances between patches (L2): fit once without this option, and
    /// see what `patchcore inspect` says of the coverage.
    #[arg(long, value_name = "RADIUS", allow_negative_numbers = true, help_heading = MODEL)]
    pub coverage: Option<f64>,
    /// Neighbours of a patch: k in mode authors, b of equation 7 in paper and anomalib
    ///
    /// Without this option: 1 in mode authors, 9 in paper and anomalib.
    #[arg(long, value_name = "K", allow_negative_numbers = true, help_heading = MODEL)]
    pub num_neighbors: Option<usize>,
    /// Number format of the network, in this fit and in every score of the model
    ///
    /// int8 is faster where the processor multiplies bytes (VNNI, dotprod); elsewhere it depends: `patchcore bench` tells. Its features are
    /// the same bits on every processor; the fit first looks at up to 64 of its photos. bf16 can be faster where the processor multiplies
    /// bf16: `patchcore bench --network-precision f32,bf16` tells. Both are computed by the CPU, whatever the device, and their scores are
    /// not those of f32.
    #[arg(long, default_value = "f32", value_name = "FORMAT", value_parser = network_precisions(), help_heading = MODEL)]
    pub network_precision: String,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, help_heading = MODEL)]
    pub seed: u64,
    /// Number format of the memory bank; f16 is half the size
    #[arg(long, default_value = "f32", value_name = "FORMAT", value_parser = PossibleValuesParser::new(BANK_DTYPES), help_heading = MODEL)]
    pub bank_dtype: String,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
    /// Budget for patches, their selection and the banks: 512MiB, 2GiB [default: whatever all patches take]
    ///
    /// A fit whose patches take more goes over them block by block, in one pass; its banks then cover the patches within a bound that is
    /// proven instead of measured. Program, network and photos that are decoded ahead come on top: the fit says how much.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, help_heading = COMPUTE)]
    pub memory: Option<ByteSize>,
    /// Memory that the fit may take in all, in MiB [default: what is free]
    ///
    /// A fit that may need more is refused before the work.
    #[arg(long, value_name = "MIB", help_heading = COMPUTE)]
    pub max_memory: Option<u64>,
    /// The model file to write
    #[arg(short, long, value_name = "MODEL", help_heading = OUTPUT)]
    pub output: PathBuf,
    /// Store the network's weights in the model, so that it needs nothing else
    #[arg(long, help_heading = OUTPUT)]
    pub embed_weights: bool,
    /// Store small pictures of the photos in the model
    ///
    /// Some 20 KB each. The nearest good patch can then be shown on a computer without the photos.
    #[arg(long, help_heading = OUTPUT)]
    pub keep_thumbnails: bool,
    /// Leave out of the model where and when it was fitted
    ///
    /// That is paths, date and command line. The same photos and options then give the same bytes in any folder.
    #[arg(long, help_heading = OUTPUT)]
    pub reproducible: bool,
    /// Replace files that patchcore did not write, and a model that has thresholds
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}

/// How copies of photos lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnyAngle {
    // A text of each would spread the help of every option over several lines.
    Turned,
    Mirrored,
}

/// The short side for which the share of patches was measured, in mode `line`.
const USUAL_SIDE: u32 = 256;

/// The share of patches of a larger view in mode `line`, where none is said: as many rows as the usual one has. What it gains comes from
/// the view, and the search then grows with the queries alone.
pub fn ratio_of_a_larger_view(mode: Mode, resize: Option<u32>) -> Option<f64> {
    let larger = resize.filter(|side| mode == Mode::Line && *side > USUAL_SIDE)?;
    let usual = mode.config(patchcore::config::Architecture::EFFICIENTNET_LITE0).coreset_sampling_ratio;
    Some(usual * (f64::from(USUAL_SIDE) / f64::from(larger)).powi(2))
}

impl Fit {
    /// The library's settings; the region of interest comes with the masks, which are files.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let resize = match (self.resize, self.size) {
            (Some(side), _) => Some(Resize::Short(side)),
            (None, Some(size)) => Some(Resize::Exact(size)),
            (None, None) => None,
        };
        let crop = match (self.crop, self.no_crop) {
            (Some(size), _) => Some(Crop::Center(size)),
            (None, true) => Some(Crop::Keep),
            (None, false) => None,
        };
        let tiling = match self.tile {
            Some(size) => Tiling::Tiles { size, overlap: self.overlap },
            None => Tiling::Whole,
        };
        let preset = self.preset.as_deref().map(Preset::from_name).transpose()?.map(Preset::settings);
        let given = preset.is_some();
        let base = preset.unwrap_or_default();
        let mode = if given { base.mode } else { Mode::from_name(&self.mode)? };
        let networks = self.networks(&base)?;
        let (first, further_networks) = networks.split_first().context("no network")?;
        // Rows and a radius say how large a bank is: beside them there is no share, neither a preset's nor a larger view's.
        let has_other_size = self.bank_rows.is_some() || self.coverage.is_some();
        let own_ratio = || match (has_other_size, given) {
            (true, _) => None,
            (false, true) => base.coreset_sampling_ratio,
            (false, false) => ratio_of_a_larger_view(mode, self.resize),
        };
        // Of the preset's view the crop belongs to the resize.
        let own_view = given && !self.pad_to_stride && self.tile.is_none();
        let copies = Copies {
            light: if self.unsteady_light { Copies::UNSTEADY_LIGHT.to_vec() } else { Vec::new() },
            turned: match self.any_angle {
                None => Turned::No,
                Some(AnyAngle::Turned) => Turned::EighthTurns,
                Some(AnyAngle::Mirrored) => Turned::Mirrored,
            },
        };
        let settings = Settings {
            mode,
            backbone: first.backbone.clone(),
            weights: first.weights.clone(),
            layers: first.layers.clone(),
            further_networks: further_networks.to_vec(),
            rules: self.rules.clone(),
            patch_size: self.patch_size.unwrap_or(base.patch_size),
            pretrain_embed_dimension: self.pretrain_embed_dimension.or(base.pretrain_embed_dimension),
            target_embed_dimension: self.target_embed_dimension.or(base.target_embed_dimension),
            coreset_sampling_ratio: self.coreset_sampling_ratio.or_else(own_ratio),
            bank_rows: self.bank_rows,
            coverage: self.coverage,
            memory: self.memory.map(|size| size.as_u64()),
            copies,
            num_neighbors: self.num_neighbors.or(base.num_neighbors),
            resize: resize.or(base.resize.filter(|_| own_view)),
            crop: crop.or(base.crop.filter(|_| own_view && resize.is_none())),
            pad_to_stride: self.pad_to_stride,
            tiling,
            full_scale: self.full_scale,
            seed: self.seed,
            device: self.compute.device.clone(),
            precision: self.compute.precision_without_model()?,
            instructions: self.compute.instructions()?,
            bank_dtype: BankDtype::from_name(&self.bank_dtype)?,
            network_precision: NetworkPrecision::from_name(&self.network_precision)?,
            ..Settings::default()
        };
        self.check_precisions(&settings)?;
        Ok(settings)
    }

    /// All networks with their levels and weights, each set of levels once.
    fn networks(&self, base: &Settings) -> anyhow::Result<Vec<NetworkSettings>> {
        let names: Vec<&str> = match self.preset {
            Some(_) => {
                let further = base.further_networks.iter().map(|network| network.backbone.as_str());
                std::iter::once(base.backbone.as_str()).chain(further).collect()
            }
            None => self.backbone.iter().map(String::as_str).collect(),
        };
        let bare: Vec<String> =
            self.layers.iter().filter(|set| set.network.is_none()).flat_map(|set| set.layers.clone()).collect();
        if let (false, [_, _, ..]) = (bare.is_empty(), names.as_slice()) {
            let text = format!(
                "--layers is {} for {} networks: say whose levels they are, --layers {}=...",
                bare.join(","),
                names.len(),
                names.first().copied().unwrap_or_default()
            );
            return Err(Misuse(text).into());
        }
        let stranger = self.layers.iter().filter_map(|set| set.network.as_deref()).find(|name| !names.contains(name));
        if let Some(stranger) = stranger {
            let text = format!("--layers names {stranger}, which is none of the networks: {}", names.join(", "));
            return Err(Misuse(text).into());
        }
        let files = assign_weights(&self.weights, &names, has_weights)?;
        let mut networks = Vec::new();
        for name in names {
            let own = self.layers.iter().filter(|set| set.network.as_deref() == Some(name));
            let mut sets: Vec<Option<Vec<String>>> = own.map(|set| Some(set.layers.clone())).collect();
            if !bare.is_empty() {
                sets.insert(0, Some(bare.clone()));
            }
            if sets.is_empty() {
                sets.push(None);
            }
            let network =
                |layers| NetworkSettings { backbone: name.to_owned(), layers, weights: files.get(name).cloned() };
            networks.extend(sets.into_iter().map(network));
        }
        Ok(networks)
    }

    /// The files that the command line names beside the photos.
    pub fn other_files(&self) -> impl Iterator<Item = &Path> {
        let masks = [&self.roi, &self.ignore].into_iter().filter_map(|mask| mask.as_deref());
        self.weights.iter().map(|file| file.path.as_path()).chain(masks)
    }

    /// The device has no number format of its own beside a network of bf16 and int8, whichever option has said that.
    fn check_precisions(&self, settings: &Settings) -> anyhow::Result<()> {
        let device = &self.compute.precision;
        if device == Precision::F32.name() {
            return Ok(());
        }
        let Some(network) = settings.config()?.reduced_precision() else { return Ok(()) };
        let said = match settings.network_precision.is_f32() {
            true => format!("--rule network_precision={network}"),
            false => format!("--network-precision {network}"),
        };
        let text = format!(
            "--precision {device} is how a device computes a network of f32, and {said} is computed alike on all: leave one of them out"
        );
        Err(Misuse(text).into())
    }

    /// What `patchcore fit --data DATA --output OUTPUT` asks for, on the device that `compute` names.
    pub fn with_defaults(data: &Path, output: &Path, compute: Compute) -> anyhow::Result<Self> {
        let arguments =
            [OsStr::new("fit"), OsStr::new("--data"), data.as_os_str(), OsStr::new("--output"), output.as_os_str()];
        let matches = Self::augment_args(clap::Command::new("fit")).try_get_matches_from(arguments)?;
        Ok(Self { compute, ..Self::from_arg_matches(&matches)? })
    }
}

/// Names of the networks of the catalogue.
pub fn backbones() -> PossibleValuesParser {
    PossibleValuesParser::new(CATALOGUE.iter().map(|network| network.name))
}

/// Names of the presets.
fn presets() -> PossibleValuesParser {
    PossibleValuesParser::new(PRESETS.map(Preset::name))
}

/// Names of the number formats of a network.
pub fn network_precisions() -> PossibleValuesParser {
    PossibleValuesParser::new(NETWORK_PRECISIONS.map(NetworkPrecision::name))
}

/// Names of the modes, the default first.
pub fn modes() -> PossibleValuesParser {
    let others = MODES.into_iter().filter(|mode| *mode != Mode::default());
    PossibleValuesParser::new(std::iter::once(Mode::default()).chain(others).map(Mode::name))
}

/// Which network is in the program.
fn backbone_help() -> String {
    // The first is the default one.
    let embedded = CATALOGUE.first().map_or("", |network| network.name);
    format!(
        "Network; give the option again for each further one\n\n{embedded} is in the program, the others need their weights: see `patchcore weights`. Each network has memory banks of its own, \
         and their maps are averaged; in modes other than line the image score is then the map's maximum, a mix that the model names."
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use patchcore::config::BankSize;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        fit: Fit,
    }

    fn fit(options: &[&str]) -> Fit {
        let arguments = ["fit", "--data", "photos", "-o", "m.patchcore"];
        Program::parse_from(arguments.iter().chain(options)).fit
    }

    fn view(options: &[&str]) -> (Resize, Crop) {
        let view = fit(options).settings().unwrap().config().unwrap().view.clone();
        (view.resize, view.crop)
    }

    #[test]
    fn a_crop_that_is_declined_asks_for_no_resize() {
        let square = |side| Size { width: side, height: side };
        let own_size = (Resize::Keep, Crop::Keep);
        assert_eq!(view(&["--tile", "512"]), own_size);
        assert_eq!(view(&["--tile", "512", "--no-crop"]), own_size);
        assert_eq!(view(&["--tile", "512", "--no-crop", "--mode", "authors"]), own_size);
        assert_eq!(view(&["--tile", "512", "--no-crop", "--resize", "768"]), (Resize::Short(768), Crop::Keep));
        let authors = ["--mode", "authors"];
        let of_authors = |options: &[&'static str]| view(&[&authors, options].concat());
        assert_eq!(of_authors(&[]), (Resize::Short(256), Crop::Center(square(224))));
        assert_eq!(of_authors(&["--no-crop"]), (Resize::Short(256), Crop::Keep));
        assert_eq!(of_authors(&["--pad-to-stride"]), (Resize::Short(256), Crop::Keep));
        assert_eq!(of_authors(&["--resize", "300"]), (Resize::Short(300), Crop::Keep));
        assert_eq!(of_authors(&["--crop", "200"]), (Resize::Short(256), Crop::Center(square(200))));
    }

    #[test]
    fn a_number_of_rows_or_a_radius_leaves_no_share() {
        for size in [&["--bank-rows", "100"][..], &["--coverage", "0.5"]] {
            for view in [&[][..], &["--resize", "512"], &["--preset", "authors-ensemble"]] {
                let settings = fit(&[size, view].concat()).settings();
                // The preset's networks have no weights here; what is looked at is the share.
                let Ok(settings) = settings else { continue };
                assert_eq!(settings.coreset_sampling_ratio, None, "{size:?} {view:?}");
                assert!(!matches!(settings.config().unwrap().bank_size(), BankSize::Ratio(_)), "{size:?} {view:?}");
            }
        }
        let larger = fit(&["--resize", "512"]).settings().unwrap();
        assert!(larger.coreset_sampling_ratio.is_some());
        assert_eq!(fit(&["--memory", "512MiB"]).settings().unwrap().memory, Some(512 << 20));
        let sizes = ["--coreset-sampling-ratio=0.1", "--bank-rows=100", "--coverage=0.5"];
        for (at, first) in sizes.iter().enumerate() {
            for second in &sizes[at + 1..] {
                let arguments = ["fit", "--data", "photos", "-o", "m.patchcore", first, second];
                let refused = Program::try_parse_from(arguments).unwrap_err().to_string();
                assert!(refused.contains("cannot be used with"), "{first} {second}: {refused}");
            }
        }
    }

    #[test]
    fn number_formats_of_the_bank_are_known() {
        for name in BANK_DTYPES {
            assert_eq!(BankDtype::from_name(name).unwrap().name(), name);
        }
    }

    #[test]
    fn a_network_of_int8_takes_no_precision_of_the_device() {
        let int8 = fit(&["--network-precision", "int8"]).settings().unwrap();
        assert_eq!(int8.network_precision, NetworkPrecision::Int8);
        assert!(fit(&["--network-precision", "f32", "--precision", "auto"]).settings().is_ok());
        for precision in ["tf32", "f16", "bf16", "auto"] {
            let both = fit(&["--network-precision", "int8", "--precision", precision]);
            let refused = both.settings().unwrap_err().to_string();
            assert!(refused.starts_with(&format!("--precision {precision} is how")), "{refused}");
            assert!(refused.contains("--network-precision int8"), "{refused}");
            for rule in ["network_precision=int8", "network_precision of member 2=int8"] {
                let refused = fit(&["--rule", rule, "--precision", precision]).settings().unwrap_err();
                assert!(refused.is::<Misuse>(), "{refused}");
                assert!(refused.to_string().contains("--rule network_precision=int8"), "{refused}");
            }
        }
    }

    #[test]
    fn the_demo_fits_as_the_command_line_does_without_options() {
        let asked = fit(&[]);
        let built = Fit::with_defaults(Path::new("photos"), Path::new("m.patchcore"), asked.compute.clone()).unwrap();
        assert_eq!(format!("{built:?}"), format!("{asked:?}"));
        assert_eq!(built.settings().unwrap(), Settings::default());
    }
}
