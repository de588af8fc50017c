//! `patchcore calibrate`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::heading::{DATA, OUTPUT, THRESHOLD};
use crate::arguments::model_source::ModelSource;

const EXAMPLES: &str = "Examples:
  patchcore calibrate --model part.patchcore --good held-out/ --fpr 0.05
  patchcore calibrate --model part.patchcore --good good/ --cross-fit 5
  patchcore calibrate --model part.patchcore --manual 21.5";

/// `patchcore calibrate`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("from").required(true).args(["good", "manual", "f1_max"]), after_help = EXAMPLES)]
pub struct Calibrate {
    /// The model; its file gets the thresholds.
    #[command(flatten)]
    pub source: ModelSource,
    /// Photos of good parts that the model has not seen
    ///
    /// A folder, or a data set, of which the validation photos are taken. With --cross-fit: the training photos.
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub good: Option<PathBuf>,
    /// Labelled test set, for --f1-max
    #[arg(long, value_name = "PATH", requires = "f1_max", help_heading = DATA)]
    pub data: Option<PathBuf>,
    /// Highest share of false alarms among good parts [default: 0.01]
    ///
    /// With --cross-fit the default is the smallest that the photos support.
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = THRESHOLD)]
    pub fpr: Option<f64>,
    /// Confidence with which --fpr holds
    #[arg(long, default_value_t = 0.95, value_name = "SHARE", allow_negative_numbers = true, help_heading = THRESHOLD)]
    pub confidence: f64,
    /// Set a second, lower threshold: at most this share of good parts is above it
    ///
    /// What lies between the two thresholds is called look_again, for a person to decide.
    #[arg(long, value_name = "SHARE", requires = "good", allow_negative_numbers = true, help_heading = THRESHOLD)]
    pub look_again_fpr: Option<f64>,
    /// No held-out photos: estimate from K fits on the photos of --good
    ///
    /// Each fit leaves out one of K runs of the photos and scores it.
    #[arg(long, value_name = "K", requires = "good", help_heading = THRESHOLD)]
    pub cross_fit: Option<usize>,
    /// Set the image threshold by hand
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, help_heading = THRESHOLD)]
    pub manual: Option<f32>,
    /// Set the pixel threshold by hand [default: as it is]
    #[arg(long, value_name = "SCORE", requires = "manual", allow_negative_numbers = true, help_heading = THRESHOLD)]
    pub manual_pixel: Option<f32>,
    /// Set the second, lower threshold by hand [default: none]
    ///
    /// What lies between the two thresholds is called look_again, for a person to decide.
    #[arg(long, value_name = "SCORE", requires = "manual", allow_negative_numbers = true, help_heading = THRESHOLD)]
    pub manual_look_again: Option<f32>,
    /// Take the threshold with the largest F1 on --data (optimistic: chosen on the test set)
    #[arg(long, requires = "data", help_heading = THRESHOLD)]
    pub f1_max: bool,
    /// Also write a page for quality management: what the threshold guarantees, and on what grounds
    #[arg(long, value_name = "HTML", conflicts_with_all = ["manual", "f1_max"], help_heading = OUTPUT)]
    pub certificate: Option<PathBuf>,
    /// Change this name alone of a model with hard links; replace a page that patchcore did not write
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
