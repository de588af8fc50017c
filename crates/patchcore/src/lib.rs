//! PatchCore anomaly detection in pure Rust on Burn: learn from photos of good parts, score new ones, see where.
//!
//! One dependency does it all: photos in (files, a camera's bare buffer, or `image::DynamicImage`), a fitted [`Model`]
//! out, which scores, saves and loads. The network is frozen and ships with the crate; nothing is downloaded.
//!
//! ```no_run
//! use patchcore::{Limits, Model, Photo, Save, Settings, good_images};
//!
//! # fn main() -> Result<(), patchcore::Error> {
//! let model = Model::fit(&Settings::default(), good_images("photos/good".as_ref())?)?;
//! model.save("part.patchcore", Save::WithWeights)?;
//!
//! let photo = Photo::open("frame.png".as_ref(), &Limits::default())?;
//! let score = model.score(&photo)?;
//! println!("{:.3}, worst at {:?}", score.score, score.worst_at);
//! # Ok(())
//! # }
//! ```
//!
//! A camera's frames need not be files, and a score says what it was compared with:
//!
//! ```
//! use patchcore::{Model, Photo, PixelBuffer, PixelFormat, Settings};
//!
//! # fn main() -> Result<(), patchcore::Error> {
//! # let frame = |level: u8| -> Vec<u8> { (0..64 * 64u32).map(|i| (i * 37 % 61) as u8 + level).collect() };
//! # let camera: Vec<Vec<u8>> = vec![frame(90), frame(95), frame(100)];
//! let photo = |frame: &Vec<u8>| {
//!     Photo::from_buffer(&PixelBuffer { data: frame, width: 64, height: 64, stride: 64, format: PixelFormat::Gray8 })
//! };
//! let settings = Settings { coreset_sampling_ratio: Some(0.25), ..Settings::default() };
//! let good = camera.iter().map(photo).collect::<Result<Vec<_>, _>>()?;
//! let model = Model::fit(&settings, good)?;
//!
//! let score = model.score(&photo(&frame(97))?)?;
//! println!("{:.3}, worst at {:?}, like {:?}", score.score, score.worst_at, score.nearest_good.image);
//! println!("heat map: {} x {} scores, up to {:.3}", score.map.width, score.map.height, score.map.max());
//! # Ok(())
//! # }
//! ```
//!
//! The doors, each of which takes whatever is [`IntoPhoto`]: [`Model::fit`] and, with options and a report, [`Model::fit_with`];
//! [`Model::score`] for one photo and [`Model::scores`] for a stream of them, with decoding on another thread.
//! [`Model::calibrate`] makes a threshold of a stated false-positive rate from photos of good parts that the model has not seen;
//! then a score carries its [`Verdict`]. [`Model::audit`] finds defective parts among the training photos, [`Model::extend`] adds photos to a model, [`Model::forget`] takes some out
//! of it and [`Model::merge`] makes one of several ([`Model::coverage`] says what its banks still cover), [`Model::stress`] says how much its light, focus and place may change, [`Model::evaluate`]
//! judges a model on a data set ([`DataSet`]: MVTec AD and its kin, `VisA`, BTAD, `KolektorSDD`, a manifest). A model is a file ([`Model::save`], [`Model::load`]) or its bytes
//! ([`Model::to_bytes`], [`Model::from_bytes`]). What each [`Mode`] computes is one table in [`patchcore_config::mode`].
//!
//! Options and reports may get more fields: the options have a default and a method for each, [`Settings`] is made with
//! `..Settings::default()`. This library reads no clock, prints nothing, and on wasm touches no file: what takes a path is not
//! there.
//!
//! # Stability
//! Stable: versions follow semantic versioning, and the changelog begins each version with what breaks. So do model files: a later
//! version reads them and computes the same scores. The same holds of `patchcore-config`, `patchcore-io`, `patchcore-metrics` and
//! `patchcore-report`; the other packages are parts that any version may change.
//!
//! # Cargo features
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
#![cfg_attr(not(feature = "document-features"), doc = "They stand in `Cargo.toml`.")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod ahead;
mod audit;
#[cfg(not(target_family = "wasm"))]
mod authors_normalization;
mod batch_note;
mod calibration;
mod changed_model;
mod chosen_photos;
mod config_difference;
mod coverage;
pub mod devices;
mod doctor;
#[cfg(doctest)]
mod documents;
pub mod error;
#[cfg(not(target_family = "wasm"))]
mod evaluated_image;
#[cfg(not(target_family = "wasm"))]
mod evaluation;
#[cfg(not(target_family = "wasm"))]
mod evaluation_metrics;
mod extend;
mod extend_options;
#[cfg(not(target_family = "wasm"))]
mod fastest_precision;
mod first_pass;
mod fit;
mod fit_in_progress;
mod fit_options;
#[cfg(not(target_family = "wasm"))]
mod fit_plan;
#[cfg(not(target_family = "wasm"))]
mod fit_time;
mod foreign_bank;
mod forget;
mod history;
mod inputs_seen;
mod interval;
mod into_photo;
mod known_photos;
mod load_options;
mod map_scale;
mod merge;
mod model;
mod network_settings;
mod notes;
mod own_networks;
mod photo_map;
mod places;
mod prepared;
mod preset;
mod progress;
mod regions;
mod remarks;
mod save;
mod score;
mod scores;
mod settings;
mod span;
#[doc(hidden)]
pub mod stages;
mod stress;
mod threads;
mod threshold_fate;
#[cfg(not(target_family = "wasm"))]
mod training_photo;
mod usual_input;
mod weights;
#[cfg(not(target_family = "wasm"))]
mod weights_file;
#[cfg(not(target_family = "wasm"))]
mod write_file;

pub use patchcore_config as config;
pub use patchcore_config::{
    BankDtype, Copies, Crop, MODES, Mode, NETWORK_PRECISIONS, NetworkPrecision, Pad, Region, Resize, Size, Tiling,
    Turned,
};
pub use patchcore_core::backbone::{Backbone, Level, LevelMap};
pub use patchcore_core::coverage::Coverage;
pub use patchcore_core::device::{BACKENDS, Backend};
pub use patchcore_core::engine::ReducedBatch;
pub use patchcore_core::good_quantiles::GoodQuantiles;
pub use patchcore_core::memory_bank::MemoryBank;
pub use patchcore_core::model_file::{
    self, Change, ChangeKind, ChangedPhoto, InputsSeen, ModelFile, Provenance, Sections, StaleThresholds, StoredPath,
    Thumbnail, TrainingPhoto,
};
pub use patchcore_core::scoring::AnomalyMap;
pub use patchcore_core::self_check::Check;
pub use patchcore_core::suggestions::Suggestion;
pub use patchcore_core::{
    BudgetPlan, ComputeDevice, FittedOn, GoodScores, INSTRUCTIONS, Instructions, Precision, ScoreStep,
};
#[cfg(not(target_family = "wasm"))]
pub use patchcore_io::{
    DataSet, DataSetRemark, Layout, LeftOut, ManifestRow, TestImage, good_images, is_photo_name, photos_in,
};
pub use patchcore_io::{
    Exposure, Geometry, HiddenDefect, Limits, MaskRule, MaskSurvey, NetworkInput, Perturbation, PerturbationKind,
    Photo, PhotoHeader, PhotoIdentity, PhotoKind, PixelBuffer, PixelFormat, SharedBytes, one_line, path_of_text,
    path_text, region_of_masks,
};
pub use patchcore_metrics::threshold::{Threshold, ThresholdOrigin, Thresholds, Verdict};
pub use patchcore_metrics::{self as metrics, Bootstrap, Interval};

pub use crate::audit::{Audit, AuditOptions, AuditedPhoto};
#[cfg(not(target_family = "wasm"))]
pub use crate::calibration::store_thresholds;
pub use crate::calibration::{CalibrateOptions, CalibrationReport, GoodScore};
pub use crate::coverage::{CoverageOptions, CoverageReport};
pub use crate::devices::{DEFAULT_DEVICE, list_devices, open_device};
pub use crate::doctor::{DecoderRow, DoctorReport, DoctorRow, doctor};
pub use crate::error::Error;
#[cfg(not(target_family = "wasm"))]
pub use crate::evaluated_image::{EvaluatedImage, WorstPatch};
#[cfg(not(target_family = "wasm"))]
pub use crate::evaluation::{EvaluateOptions, Evaluation, MapGeometry};
#[cfg(not(target_family = "wasm"))]
pub use crate::evaluation_metrics::Metrics;
pub use crate::extend::ExtendReport;
pub use crate::extend_options::ExtendOptions;
#[cfg(not(target_family = "wasm"))]
pub use crate::fastest_precision::{PrecisionChoice, TriedPrecision};
pub use crate::fit::FitReport;
pub use crate::fit_options::FitOptions;
#[cfg(not(target_family = "wasm"))]
pub use crate::fit_plan::FitPlan;
#[cfg(not(target_family = "wasm"))]
pub use crate::fit_time::FitTime;
pub use crate::foreign_bank::ForeignBank;
pub use crate::forget::{ForgetOptions, ForgetReport};
pub use crate::interval::{IntervalOf, ScoreInterval};
pub use crate::into_photo::{IntoPhoto, NamedPhoto, PhotoSource};
pub use crate::load_options::LoadOptions;
pub use crate::map_scale::MapScale;
pub use crate::merge::{MergeOptions, MergeReport};
pub use crate::model::Model;
pub use crate::network_settings::NetworkSettings;
pub use crate::photo_map::PhotoMap;
pub use crate::preset::{PRESETS, Preset};
pub use crate::progress::{Progress, ProgressFn, Stage};
pub use crate::regions::DefectRegion;
pub use crate::remarks::{Remark, Remarks};
pub use crate::save::Save;
pub use crate::score::{NearestGood, NearestPhoto, PatchScores, Score};
pub use crate::scores::{Scored, Scores};
pub use crate::settings::{DEFAULT_BACKBONE, Settings};
pub use crate::stress::{StressOptions, StressTest};
pub use crate::threads::Threads;
pub use crate::threshold_fate::ThresholdFate;
#[cfg(not(target_family = "wasm"))]
pub use crate::weights::{has_weights, resolve_weights};
#[cfg(not(target_family = "wasm"))]
pub use crate::weights_file::{WeightsFile, assign_weights};
#[cfg(not(target_family = "wasm"))]
pub use crate::write_file::{StagedFile, check_place, write_beside_and_rename};
