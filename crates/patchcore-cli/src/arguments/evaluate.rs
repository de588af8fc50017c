//! `patchcore evaluate`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::formats::MapGeometry;
use crate::arguments::heading::{DATA, METRICS, OUTPUT};
use crate::arguments::model_source::ModelSource;
use crate::arguments::parse::parse_area;

/// Photos of each class in a stress test when no number is asked for.
pub const STRESS_PHOTOS: u32 = 40;

const EXAMPLES: &str = "Examples:
  patchcore evaluate --model part.patchcore --data part/ -o results
  patchcore evaluate --model part.patchcore --data part/ -o results --stress
  patchcore evaluate --from results/run.json -o again";

/// `patchcore evaluate`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Evaluate {
    /// The model.
    #[command(flatten)]
    pub source: ModelSource,
    /// Labelled test set: a data set or a manifest (CSV)
    ///
    /// test/<kind>/* with ground_truth/<kind>/<name>_mask.png (MVTec AD), or another layout that `patchcore inspect-data` understands.
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub data: PathBuf,
    /// Repeat the evaluation of this run.json
    ///
    /// Model, data and options are taken from it; only -o and --force are given beside it. A model file that has changed is refused.
    #[arg(long, value_name = "RUN", help_heading = DATA)]
    pub from: Option<PathBuf>,
    /// Measure pixels of the network's input, or of the original photo
    ///
    /// The input is what the published codes measure. In the original photo a defect that a crop hides counts as missed. (`score` writes
    /// maps of the original photo unless it is told otherwise.)
    #[arg(long, value_enum, default_value_t = MapGeometry::Input, help_heading = METRICS)]
    pub map_geometry: MapGeometry,
    /// Also join the model's banks as the authors' code does, for comparison: by the test set
    ///
    /// Each bank's scores and maps are scaled by their smallest and largest values in the test set, and then averaged. No line knows these
    /// before its parts; the report and metrics.json say that the combination has seen the test set. Every photo is scored twice more.
    #[arg(long, help_heading = METRICS)]
    pub authors_normalization: bool,
    /// No bootstrap intervals: faster
    #[arg(long, help_heading = METRICS)]
    pub no_intervals: bool,
    /// Also test changed light, focus, noise and position
    ///
    /// Photos are scored in other light, out of focus, noisy, compressed, shifted, turned and scaled; a section of the report, stress.json
    /// and stress.csv say how far the verdicts hold.
    #[arg(long, help_heading = METRICS)]
    pub stress: bool,
    /// Good photos, and defective ones, that --stress takes
    #[arg(long, value_name = "N", default_value_t = STRESS_PHOTOS, requires = "stress", value_parser = clap::value_parser!(u32).range(1..), help_heading = METRICS)]
    pub stress_photos: u32,
    /// Leave smaller regions out of scores.csv and pictures
    ///
    /// The area is in pixels of the photo.
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, value_parser = parse_area, allow_negative_numbers = true, help_heading = OUTPUT)]
    pub min_area: f64,
    /// Folder for report.html, metrics.json, scores.csv, run.json and overlays/
    #[arg(short, long, value_name = "DIR", help_heading = OUTPUT)]
    pub output: PathBuf,
    /// Do not draw overlays
    #[arg(long, help_heading = OUTPUT)]
    pub no_overlays: bool,
    /// Do not write report.html
    #[arg(long, help_heading = OUTPUT)]
    pub no_report: bool,
    /// Font (TTF, OTF) for characters that the built-in one lacks
    ///
    /// The built-in font has Latin, Greek and Cyrillic. Without this option another character is drawn as its number, U+65E5.
    #[arg(long, value_name = "FILE", conflicts_with = "no_overlays", help_heading = OUTPUT)]
    pub font: Option<PathBuf>,
    /// Replace files that patchcore did not write; write into the photos' folder
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
