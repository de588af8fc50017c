//! `patchcore score`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::formats::{Format, MapFormat, MapGeometry};
use crate::arguments::heading::{OUTPUT, THRESHOLD};
use crate::arguments::model_source::ModelSource;
use crate::arguments::parse::parse_area;

const EXAMPLES: &str = "Examples:
  patchcore score --model part.patchcore new.png --overlays out/
  patchcore score --model part.patchcore camera/ --format jsonl --fail-on-anomaly
  patchcore score --model part.patchcore camera/ --explain why/ --format csv > scores.csv";

/// `patchcore score`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Score {
    /// The model.
    #[command(flatten)]
    pub source: ModelSource,
    /// Photos, or folders with photos directly in them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Scores above this are anomalous [default: the model's image threshold]
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, help_heading = THRESHOLD)]
    pub threshold: Option<f32>,
    /// End with exit code 4 if any photo is anomalous
    #[arg(long, help_heading = THRESHOLD)]
    pub fail_on_anomaly: bool,
    /// Judge by thresholds that are stale
    ///
    /// A change of the model's banks has broken what they promise; without this option they give no verdict.
    #[arg(long, conflicts_with = "threshold", help_heading = THRESHOLD)]
    pub allow_stale_threshold: bool,
    /// Leave smaller regions out of rows and pictures
    ///
    /// The area is in pixels of the photo.
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, value_parser = parse_area, allow_negative_numbers = true, help_heading = THRESHOLD)]
    pub min_area: f64,
    /// Say between which values the score would lie against all patches of the fit
    ///
    /// A memory bank is some of the patches of a fit; its coverage says how far the others lie from it. Where the score is a rule of the
    /// neighbours (equation 7) the interval is that of the worst patch's distance alone.
    #[arg(long, help_heading = OUTPUT)]
    pub interval: bool,
    /// How to print the scores
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = OUTPUT)]
    pub format: Format,
    /// Folder for a picture of each photo, with heat map and regions
    ///
    /// The photo, its heat map over it and alone, the regions above the pixel threshold.
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub overlays: Option<PathBuf>,
    /// Folder for a picture of each photo that is not good: why was it flagged?
    ///
    /// Its worst place beside the nearest good patch.
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub explain: Option<PathBuf>,
    /// Folder for anomaly maps (float32, [height, width])
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub maps: Option<PathBuf>,
    /// File format of the maps
    #[arg(long, value_enum, default_value_t = MapFormat::Npy, help_heading = OUTPUT)]
    pub map_format: MapFormat,
    /// Maps of the original photo, or of the network's input
    ///
    /// A map of the original is 0 where a crop or mask hides the photo. `evaluate` measures in the network's input unless it is told
    /// otherwise, as the published codes do.
    #[arg(long, value_enum, default_value_t = MapGeometry::Original, help_heading = OUTPUT)]
    pub map_geometry: MapGeometry,
    /// Font (TTF, OTF) for characters that the built-in one lacks
    ///
    /// The built-in font has Latin, Greek and Cyrillic. Without this option another character is drawn as its number, U+65E5.
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub font: Option<PathBuf>,
    /// Replace files that patchcore did not write; write into the photos' folder
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
