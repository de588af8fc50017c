//! The command line, and what its options mean as settings; long because it is one list: every option of every command, with
//! its help.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use patchcore::config::backbone::WeightsSource;
use patchcore::config::{CATALOGUE, DEFAULT_PATCH_SIZE};
use patchcore::{
    BankDtype, Copies, Crop, DEFAULT_DEVICE, Instructions, Mode, Precision, Resize, Settings, Size, Tiling, Turned,
};

/// PatchCore anomaly detection: learn from photos of good parts, score new ones, see where they differ.
#[derive(Debug, Parser)]
#[command(name = "patchcore", version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say more on stderr (or set PATCHCORE_LOG=debug).
    #[arg(long, short, global = true, display_order = 998)]
    pub verbose: bool,
}

/// Overlap of tiles when none is asked for.
pub const DEFAULT_OVERLAP: u32 = 128;

/// Photos of each class in a stress test when no number is asked for.
pub const STRESS_PHOTOS: u32 = 40;

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some images failed, 4 an anomalous photo (score --fail-on-anomaly), 130 cancelled (Ctrl-C).";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Learn from photos of good parts and write a model file
    Fit(Box<Fit>),
    /// Score photos with a model
    Score(Score),
    /// Set the model's thresholds from photos of good parts, with a promise
    Calibrate(Calibrate),
    /// Rank the training photos by how little they are like the others: defective ones come first
    Audit(Audit),
    /// Score a labelled test set; write report.html, metrics.json, scores.csv and overlays
    Evaluate(Evaluate),
    /// Compare two evaluations of the same images; write one page
    Compare(Compare),
    /// Measure public benchmarks in every mode beside the published numbers; write a page
    Reproduce(Reproduce),
    /// Say what is in a model file
    Inspect(Inspect),
    /// Say how a data set is understood, and what is left out of it
    InspectData(InspectData),
    /// List what can compute here
    Devices(Devices),
    /// Take a device through every stage and compare it with the CPU
    Doctor(Doctor),
    /// Try a device and say nothing: run in a process of its own, which a bad driver may end
    #[command(hide = true)]
    TryDevice(Compute),
    /// Fit, score and evaluate on the photos that ship with the program
    Demo(Demo),
    /// Print a completion script for a shell
    Completions(Completions),
}

impl Command {
    /// What Ctrl-C cancels, in words. Nobody waits for the process of its own.
    pub fn what(&self) -> Option<&'static str> {
        Some(match self {
            Self::Fit(_) => "fit",
            Self::Score(_) => "scoring",
            Self::Calibrate(_) => "calibration",
            Self::Audit(_) => "audit",
            Self::Evaluate(_) => "evaluation",
            Self::Compare(_) => "comparison",
            Self::Reproduce(_) => "reproduction",
            Self::Inspect(_) => "inspection",
            Self::InspectData(_) => "look at the data",
            Self::Devices(_) => "list of devices",
            Self::Doctor(_) => "examination",
            Self::Demo(_) => "demo",
            Self::Completions(_) => "script",
            Self::TryDevice(_) => return None,
        })
    }
}

/// Where to compute, and in which number format.
#[derive(Debug, Clone, Args)]
pub struct Compute {
    /// Where to compute: auto, gpu, cpu, flex (the CPU too, with Burn), vulkan, cuda:0, ... (see `patchcore devices`)
    #[arg(long, default_value = DEFAULT_DEVICE)]
    pub device: String,
    /// Number format of the network: f32, f16 or bf16 (see the README for what it does to scores)
    #[arg(long, default_value = "f32", value_name = "FORMAT")]
    pub precision: String,
    /// The most that the CPU's own kernels may use: portable, avx2 or avx512 [default: PATCHCORE_INSTRUCTIONS, else the
    /// widest that the processor has]
    #[arg(long, value_name = "SET")]
    pub instructions: Option<String>,
}

impl Compute {
    /// The instruction set that the command names.
    pub fn instructions(&self) -> anyhow::Result<Option<Instructions>> {
        Ok(self.instructions.as_deref().map(Instructions::from_name).transpose()?)
    }
}

/// Settings of a fit, shared by `fit` and `demo`.
#[derive(Debug, Clone, Args)]
pub struct Fit {
    /// Photos of good parts: a folder of them, a data set (MVTec AD, AD 2, LOCO, 3D-AD, VisA, BTAD, KolektorSDD), of which those
    /// for training are taken, or a manifest (CSV)
    #[arg(long, value_name = "DATA")]
    pub data: PathBuf,
    /// Network, one of the catalogue
    #[arg(long, default_value = patchcore::DEFAULT_BACKBONE, help = backbone_help())]
    pub backbone: String,
    /// ONNX or safetensors file with the network's weights [default: embedded, else the weights directory]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// What to compute: line, this project's own definition, or one of the published: paper, authors
    /// (amazon-science/patchcore-inspection), anomalib
    #[arg(long, default_value = Mode::default().name())]
    pub mode: String,
    /// A rule that is not to be the mode's, in the words in which `inspect` names a mix: image_score=maximum_of_map; again for each
    /// further one
    #[arg(long = "rule", value_name = "RULE=VALUE", value_parser = parse_rule)]
    pub rules: Vec<(String, String)>,
    /// Feature levels, in network order [default: the two at strides 8 and 16]
    #[arg(long, value_delimiter = ',', value_name = "LAYER,LAYER")]
    pub layers: Option<Vec<String>>,
    /// Side of a patch, in cells of each level: odd, 1 to 15
    #[arg(long, value_name = "CELLS", default_value_t = DEFAULT_PATCH_SIZE)]
    pub patch_size: usize,
    /// Values of each level after the first of the authors' two poolings [default: 1024]
    #[arg(long, value_name = "N")]
    pub pretrain_embed_dimension: Option<usize>,
    /// Values of a patch after the second pooling; asks for that pooling where the mode concatenates the levels [default: 1024,
    /// or all channels]
    #[arg(long, value_name = "N")]
    pub target_embed_dimension: Option<usize>,
    /// Share of the training patches that each memory bank keeps, in (0, 1] [default: 0.1; in mode line 0.05 in each of its two, and
    /// with a larger --resize as many rows as with 256]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub coreset_sampling_ratio: Option<f64>,
    /// k of the patch score in mode authors [default: 1], b of equation 7 in the others [default: 9]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub num_neighbors: Option<usize>,
    /// Short side after the resize; the aspect ratio is kept, both sides are rounded to whole grid cells [default: 256; mode anomalib:
    /// --size 256x256]
    #[arg(long, value_name = "PIXELS", conflicts_with = "size", allow_negative_numbers = true)]
    pub resize: Option<u32>,
    /// Both sides after the resize, aspect ratio not kept
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    pub size: Option<Size>,
    /// Centre crop after the resize: N or WxH [default: 224 in mode authors with its own resize, else none]
    #[arg(long, value_name = "PIXELS", value_parser = parse_size)]
    pub crop: Option<Size>,
    /// No crop, whatever the mode
    #[arg(long, conflicts_with = "crop")]
    pub no_crop: bool,
    /// No crop, and pad the photo to whole grid cells (the padding itself is not scored)
    #[arg(long, conflicts_with = "crop")]
    pub pad_to_stride: bool,
    /// Side of the tiles for small defects on large photos, which keep their size unless a resize is given: 512
    #[arg(long, value_name = "PIXELS", conflicts_with = "crop")]
    pub tile: Option<u32>,
    /// Pixels that neighbouring tiles share
    #[arg(long, value_name = "PIXELS", default_value_t = DEFAULT_OVERLAP, requires = "tile")]
    pub overlap: u32,
    /// Mask of where to look (white = look), of the photos' size
    #[arg(long, value_name = "MASK")]
    pub roi: Option<PathBuf>,
    /// Mask of what to ignore (white = ignore), of the photos' size
    #[arg(long, value_name = "MASK")]
    pub ignore: Option<PathBuf>,
    /// Sample that is white in 16-bit and float photos: 4095 for a camera of 12 bits [default: 65535, of floats 1]
    #[arg(long, value_name = "SAMPLE")]
    pub full_scale: Option<u16>,
    /// The light of the line is not steady: every photo is fitted with 20 % less and 20 % more light too. Three times the rows, so fit and
    /// score take longer; where light is steady it can cost sensitivity
    #[arg(long)]
    pub unsteady_light: bool,
    /// Parts lie at any angle: every photo is fitted turned by 45 degrees too, seven times, or mirrored. Up to eight times the rows, so fit
    /// and score take longer; harmful for parts that always lie alike
    #[arg(long, value_enum, value_name = "COPIES", num_args = 0..=1, default_missing_value = "turned")]
    pub any_angle: Option<AnyAngle>,
    /// Source of every random choice
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub seed: u64,
    /// Number format of the memory bank: f32, or f16 for half the size
    #[arg(long, default_value = "f32", value_name = "FORMAT")]
    pub bank_dtype: String,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
    /// Memory that the fit may take, in MiB; one that may need more is refused before the work [default: what is free, where the
    /// system says so]
    #[arg(long, value_name = "MIB")]
    pub max_memory: Option<u64>,
    /// Store the network's weights in the model file, so that it needs nothing else
    #[arg(long)]
    pub embed_weights: bool,
    /// Keep small pictures of the photos in the model (some 20 KB each), so that the nearest good patch can be shown on a computer that
    /// has not got the photos
    #[arg(long)]
    pub keep_thumbnails: bool,
    /// Leave out of the model what hangs on where and when it was fitted: paths, date, command line. The same photos and options then
    /// give the same bytes, in whatever folder
    #[arg(long)]
    pub reproducible: bool,
    /// The model file to write
    #[arg(short, long, value_name = "MODEL")]
    pub output: PathBuf,
    /// Replace files that patchcore did not write, and a model that has thresholds
    #[arg(long)]
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
fn ratio_of_a_larger_view(mode: Mode, resize: Option<u32>) -> Option<f64> {
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
        let mode = Mode::from_name(&self.mode)?;
        let copies = Copies {
            light: if self.unsteady_light { Copies::UNSTEADY_LIGHT.to_vec() } else { Vec::new() },
            turned: match self.any_angle {
                None => Turned::No,
                Some(AnyAngle::Turned) => Turned::EighthTurns,
                Some(AnyAngle::Mirrored) => Turned::Mirrored,
            },
        };
        Ok(Settings {
            mode,
            backbone: self.backbone.clone(),
            weights: self.weights.clone(),
            layers: self.layers.clone(),
            rules: self.rules.clone(),
            patch_size: self.patch_size,
            pretrain_embed_dimension: self.pretrain_embed_dimension,
            target_embed_dimension: self.target_embed_dimension,
            coreset_sampling_ratio: self.coreset_sampling_ratio.or_else(|| ratio_of_a_larger_view(mode, self.resize)),
            copies,
            num_neighbors: self.num_neighbors,
            resize,
            crop,
            pad_to_stride: self.pad_to_stride,
            tiling,
            full_scale: self.full_scale,
            seed: self.seed,
            device: self.compute.device.clone(),
            precision: Precision::from_name(&self.compute.precision)?,
            instructions: self.compute.instructions()?,
            bank_dtype: BankDtype::from_name(&self.bank_dtype)?,
            ..Settings::default()
        })
    }

    /// What `patchcore fit --data DATA --output OUTPUT` asks for, on the device that `compute` names.
    pub fn with_defaults(data: &Path, output: &Path, compute: Compute) -> anyhow::Result<Self> {
        let arguments =
            [OsStr::new("fit"), OsStr::new("--data"), data.as_os_str(), OsStr::new("--output"), output.as_os_str()];
        let matches = Self::augment_args(clap::Command::new("fit")).try_get_matches_from(arguments)?;
        Ok(Self { compute, ..Self::from_arg_matches(&matches)? })
    }
}

/// Where a model comes from.
#[derive(Debug, Clone, Args)]
pub struct ModelSource {
    /// A model that `patchcore fit` wrote
    #[arg(long, value_name = "MODEL")]
    pub model: PathBuf,
    /// The network's weights, for a model that does not carry them [default: embedded, else the weights directory]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
    /// Go on where this device scores the model's own test pictures differently than the device of the fit
    #[arg(long)]
    pub allow_drift: bool,
}

/// `patchcore score`.
#[derive(Debug, Args)]
pub struct Score {
    /// The model.
    #[command(flatten)]
    pub source: ModelSource,
    /// Photos, or folders with photos directly in them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print the scores
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Call a photo anomalous when its score is greater than this [default: the model's image threshold]
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    pub threshold: Option<f32>,
    /// End with exit code 4 when any photo is anomalous
    #[arg(long)]
    pub fail_on_anomaly: bool,
    /// Write each anomaly map (float32, [height, width]) into this folder
    #[arg(long, value_name = "DIR")]
    pub maps: Option<PathBuf>,
    /// File format of the maps
    #[arg(long, value_enum, default_value_t = MapFormat::Npy)]
    pub map_format: MapFormat,
    /// Maps of the original photo (0 where a crop or mask hides it), or of the network's input
    #[arg(long, value_enum, default_value_t = MapGeometry::Original)]
    pub map_geometry: MapGeometry,
    /// Write a picture of each photo into this folder: the photo, its heat map over it and alone, the regions above the pixel threshold
    #[arg(long, value_name = "DIR")]
    pub overlays: Option<PathBuf>,
    /// Write a picture of each photo that is not good into this folder: its worst place beside the nearest good patch
    #[arg(long, value_name = "DIR")]
    pub explain: Option<PathBuf>,
    /// Leave regions of a smaller area, in pixels of the photo, out of rows and pictures
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, value_parser = parse_area, allow_negative_numbers = true)]
    pub min_area: f64,
    /// Font (TTF or OTF) for characters in the pictures that the built-in one lacks: it has Latin, Greek and Cyrillic
    /// [default: such a character is drawn as its number, U+65E5]
    #[arg(long, value_name = "FILE")]
    pub font: Option<PathBuf>,
    /// Replace files that patchcore did not write, and write into the folder of the photos
    #[arg(long)]
    pub force: bool,
}

/// `patchcore evaluate`.
#[derive(Debug, Clone, Args)]
pub struct Evaluate {
    /// The model.
    #[command(flatten)]
    pub source: ModelSource,
    /// A labelled data set: test/<kind>/* with ground_truth/<kind>/<name>_mask.png (MVTec AD), another one that inspect-data
    /// understands, or a manifest (CSV)
    #[arg(long, value_name = "DATA")]
    pub data: PathBuf,
    /// Folder for report.html, metrics.json, scores.csv, run.json and overlays/
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Repeat an evaluation: take its model, data and options from the run.json that it wrote; only -o and --force are given
    /// beside it. A model whose file has changed is refused
    #[arg(long, value_name = "RUN")]
    pub from: Option<PathBuf>,
    /// Replace files that patchcore did not write, and write into the folder of the photos
    #[arg(long)]
    pub force: bool,
    /// Count the pixels of the network's input, as the published codes do, or of the original photo, where a defect
    /// that a crop hides counts as missed
    #[arg(long, value_enum, default_value_t = MapGeometry::Input)]
    pub map_geometry: MapGeometry,
    /// Leave regions of a smaller area, in pixels of the photo, out of scores.csv and pictures
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, value_parser = parse_area, allow_negative_numbers = true)]
    pub min_area: f64,
    /// Font (TTF or OTF) for characters in overlays that the built-in one lacks: it has Latin, Greek and Cyrillic
    /// [default: such a character is drawn as its number, U+65E5]
    #[arg(long, value_name = "FILE", conflicts_with = "no_overlays")]
    pub font: Option<PathBuf>,
    /// Do not draw overlays
    #[arg(long)]
    pub no_overlays: bool,
    /// Do not compute bootstrap intervals of the metrics
    #[arg(long)]
    pub no_intervals: bool,
    /// Do not write report.html
    #[arg(long)]
    pub no_report: bool,
    /// Also score photos in other light, out of focus, noisy, compressed, shifted, turned and scaled, and say how far the verdicts
    /// hold: a section of the report, stress.json and stress.csv
    #[arg(long)]
    pub stress: bool,
    /// Good photos, and defective ones, that --stress takes, evenly chosen
    #[arg(long, value_name = "N", default_value_t = STRESS_PHOTOS, requires = "stress", value_parser = clap::value_parser!(u32).range(1..))]
    pub stress_photos: u32,
}

/// `patchcore calibrate`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("from").required(true).args(["good", "manual", "f1_max"]))]
pub struct Calibrate {
    /// The model; its file gets the thresholds.
    #[command(flatten)]
    pub source: ModelSource,
    /// Photos of good parts that the model has not seen: a folder, or a data set's validation photos; with --cross-fit the training
    /// photos
    #[arg(long, value_name = "DATA")]
    pub good: Option<PathBuf>,
    /// At most this share of good parts is called anomalous [default: 0.01; with --cross-fit the smallest that the photos support]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub fpr: Option<f64>,
    /// Also set a second, lower threshold: at most this share of good parts is above it; what lies between the two is called look_again,
    /// for a person to decide
    #[arg(long, value_name = "SHARE", requires = "good", allow_negative_numbers = true)]
    pub look_again_fpr: Option<f64>,
    /// With this confidence
    #[arg(long, default_value_t = 0.95, value_name = "SHARE", allow_negative_numbers = true)]
    pub confidence: f64,
    /// No held-out photos: fit on all but one of K runs of the photos in --good and score that one; an estimate
    #[arg(long, value_name = "K", requires = "good")]
    pub cross_fit: Option<usize>,
    /// Set the image threshold to this
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    pub manual: Option<f32>,
    /// Set the pixel threshold to this [default: as it is]
    #[arg(long, value_name = "VALUE", requires = "manual", allow_negative_numbers = true)]
    pub manual_pixel: Option<f32>,
    /// Set the second, lower threshold to this: what lies between it and the first is called look_again [default: none]
    #[arg(long, value_name = "VALUE", requires = "manual", allow_negative_numbers = true)]
    pub manual_look_again: Option<f32>,
    /// Take the thresholds with the largest F1 on the test set of --data: chosen on what they are judged by
    #[arg(long, requires = "data")]
    pub f1_max: bool,
    /// A data set with a labelled test set, for --f1-max
    #[arg(long, value_name = "DATA", requires = "f1_max")]
    pub data: Option<PathBuf>,
    /// Also write a page that says what the threshold promises, on what grounds, and when that ends
    #[arg(long, value_name = "HTML", conflicts_with_all = ["manual", "f1_max"])]
    pub certificate: Option<PathBuf>,
    /// Change the model under this name alone where its file has several (hard links), and replace a page that patchcore did not
    /// write
    #[arg(long)]
    pub force: bool,
}

/// `patchcore audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// The model.
    #[command(flatten)]
    pub source: ModelSource,
    /// The training photos: a folder, or a data set's [default: where they were at the fit]
    #[arg(long, value_name = "DATA")]
    pub good: Option<PathBuf>,
    /// How to print the ranking
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write pictures of the first photos into this folder: the worst place beside the most similar patch of another
    /// photo
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Replace files that patchcore did not write, and write into the folder of the photos
    #[arg(long)]
    pub force: bool,
    /// Font (TTF or OTF) for characters in the pictures that the built-in one lacks: it has Latin, Greek and Cyrillic
    /// [default: such a character is drawn as its number, U+65E5]
    #[arg(long, value_name = "FILE", requires = "output")]
    pub font: Option<PathBuf>,
    /// How many photos get a picture
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub top: usize,
}

/// `patchcore compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// Folder of the first evaluation (metrics.json and scores.csv)
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// Folder of the second evaluation
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// The page to write
    #[arg(short, long, value_name = "HTML", default_value = "comparison.html")]
    pub output: PathBuf,
    /// How to print the comparison
    #[arg(long, value_enum, default_value_t = InspectFormat::Table)]
    pub format: InspectFormat,
    /// Replace files that patchcore did not write
    #[arg(long)]
    pub force: bool,
}

/// `patchcore reproduce`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("benchmarks").required(true).multiple(true).args(["mvtec", "visa"]))]
pub struct Reproduce {
    /// Folder of MVTec AD, with its 15 classes as folders
    #[arg(long, value_name = "DIR")]
    pub mvtec: Option<PathBuf>,
    /// Folder of VisA, with its 12 classes and split_csv
    #[arg(long, value_name = "DIR")]
    pub visa: Option<PathBuf>,
    /// Only these classes [default: all]
    #[arg(long, value_delimiter = ',', value_name = "CLASS,CLASS")]
    pub classes: Vec<String>,
    /// Whose definitions to compute
    #[arg(long, value_delimiter = ',', value_name = "MODE,MODE", default_value = "paper,authors,anomalib,line")]
    pub modes: Vec<String>,
    /// Network, one of the catalogue (see `fit --help`); few numbers are published of others than the paper's
    #[arg(long, default_value = crate::commands::reproduce::PAPERS_BACKBONE)]
    pub backbone: String,
    /// ONNX or safetensors file with the network's weights [default: embedded, else the weights directory]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Share of the training patches that all memory banks of a model keep, in (0, 1]; published: 0.25, 0.1 and 0.01
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true)]
    pub coreset_sampling_ratio: f64,
    /// Source of every random choice
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub seed: u64,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
    /// Memory that a fit may take, in MiB; a class that may need more is not measured [default: what is free, where the system says so]
    #[arg(long, value_name = "MIB")]
    pub max_memory: Option<u64>,
    /// Folder for reproduce.md and a file of every run. What is there of an earlier start with the same settings and program is not
    /// measured again
    #[arg(short, long, value_name = "DIR", default_value = "patchcore-reproduce")]
    pub output: PathBuf,
    /// Replace files that patchcore did not write
    #[arg(long)]
    pub force: bool,
}

/// `patchcore inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// A model that `patchcore fit` wrote
    pub model: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table)]
    pub format: InspectFormat,
}

/// `patchcore inspect-data`.
#[derive(Debug, Args)]
pub struct InspectData {
    /// A data set, a folder of photos or a manifest (CSV)
    pub data: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table)]
    pub format: InspectFormat,
}

/// `patchcore devices`.
#[derive(Debug, Args)]
pub struct Devices {
    /// How to print them
    #[arg(long, value_enum, default_value_t = InspectFormat::Table)]
    pub format: InspectFormat,
    /// Look up one backend's devices and print nothing: run in a process of its own, which a bad driver may end
    #[arg(long, hide = true, value_name = "BACKEND")]
    pub of: Option<String>,
}

/// `patchcore doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The device to examine.
    #[command(flatten)]
    pub compute: Compute,
    /// Also write everything found as JSON to this file, to attach to a report
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace files that patchcore did not write
    #[arg(long)]
    pub force: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table)]
    pub format: InspectFormat,
}

/// `patchcore demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Folder for the demo's photos, model and results
    #[arg(short, long, default_value = "patchcore-demo", value_name = "OUT")]
    pub output: PathBuf,
    /// Unpack the photos, to try the other commands on, and stop
    #[arg(long)]
    pub photos_only: bool,
    /// Replace files that patchcore did not write, and a model that has thresholds
    #[arg(long)]
    pub force: bool,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
}

/// `patchcore completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// How scores are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma separated values with a header.
    Csv,
}

/// How maps are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MapFormat {
    /// NumPy's own.
    Npy,
    /// An image of one float32 channel.
    Tiff,
}

/// Whose pixels a map has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MapGeometry {
    /// The photo as it came.
    Original,
    /// What the network saw.
    Input,
}

/// How one thing is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InspectFormat {
    /// For people.
    Table,
    /// One JSON object.
    Json,
}

/// The networks of the catalogue, and which of them is in the program.
fn backbone_help() -> String {
    let names = CATALOGUE.iter().map(|network| match network.weights {
        WeightsSource::Shipped { .. } => format!("{} (embedded)", network.name),
        _ => network.name.to_owned(),
    });
    format!("Network: {}", names.collect::<Vec<_>>().join(", "))
}

/// `RULE=VALUE`.
fn parse_rule(text: &str) -> Result<(String, String), String> {
    let (rule, value) = text.split_once('=').ok_or("expected RULE=VALUE, for example image_score=maximum_of_map")?;
    Ok((rule.trim().to_owned(), value.trim().to_owned()))
}

/// A number of pixels that is not negative.
fn parse_area(text: &str) -> Result<f64, String> {
    let area = text.parse::<f64>().ok().filter(|area| area.is_finite() && *area >= 0.0);
    area.ok_or_else(|| "expected a number of pixels, 0 or more".to_owned())
}

/// `N` or `WxH`.
fn parse_size(text: &str) -> Result<Size, String> {
    let side =
        |side: &str| side.parse::<u32>().map_err(|_| format!("`{text}`: expected N or WxH, for example 320x256"));
    match text.split_once(['x', 'X']) {
        Some((width, height)) => Ok(Size { width: side(width)?, height: side(height)? }),
        None => side(text).map(|side| Size { width: side, height: side }),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_are_a_side_or_two() {
        assert_eq!(parse_size("224"), Ok(Size { width: 224, height: 224 }));
        assert_eq!(parse_size("320x256"), Ok(Size { width: 320, height: 256 }));
        for bad in ["", "x", "3x", "a", "-1", "1x2x3"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    fn fit(options: &[&str]) -> Fit {
        let arguments = ["patchcore", "fit", "--data", "photos", "-o", "m.patchcore"];
        match Arguments::parse_from(arguments.iter().chain(options)).command {
            Command::Fit(fit) => *fit,
            other => panic!("{other:?}"),
        }
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
    fn the_demo_fits_as_the_command_line_does_without_options() {
        let asked = fit(&[]);
        let built = Fit::with_defaults(Path::new("photos"), Path::new("m.patchcore"), asked.compute.clone()).unwrap();
        assert_eq!(format!("{built:?}"), format!("{asked:?}"));
        assert_eq!(built.settings().unwrap(), Settings::default());
    }
}
