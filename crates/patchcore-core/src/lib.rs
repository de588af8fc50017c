//! PatchCore's computation on Burn tensors: tensors and slices in, values out.
//!
//! PatchCore (Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022) learns from photos of
//! good parts alone. This crate is the method; the crate `patchcore` around it reads photos and files.
//!
//! In the order in which data flows: [`backbone`] turns normalised pixels into feature maps,
//! [`patch_embedding`] into one row per grid cell; a [`Fitter`] lets the [`coreset`] choose the rows of the
//! [`memory_bank`]; a fitted [`PatchCore`] looks up the [`nearest_neighbor`] of every patch and makes of the distances
//! what [`scoring`] defines. Which published definition of each step is computed is the [mode](patchcore_config::mode); what
//! is to be computed at all stands in `patchcore-config`. Judging scores is `patchcore-metrics`.
//!
//! The crate reads no file, clock, environment or network and prints nothing.

pub mod backbone;
mod batch;
mod cells_within;
pub mod coreset;
pub mod device;
pub mod error;
pub mod extractor;
mod fitter;
mod leave_one_out;
pub mod memory_bank;
pub mod model_file;
pub mod nearest_neighbor;
pub mod passport;
mod passport_check;
pub mod patch_embedding;
mod patchcore;
#[cfg(feature = "burn")]
mod score_on_device;
mod score_within;
pub mod scoring;
pub mod self_check;
#[cfg(feature = "burn")]
pub mod tensors;

pub use device::{ComputeDevice, Instructions, Precision};
pub use extractor::{Extractor, ImageInput};
pub use fitter::Fitter;
pub use patchcore::{FittedOn, GoodScores, ImageScore, PatchCore};
