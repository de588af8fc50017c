//! PatchCore: tensors and slices in, values out.
//!
//! PatchCore (Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022) learns from photos of
//! good parts alone. This crate is the method; the crate `patchcore` around it reads photos and files.
//!
//! In the order in which data flows: a [`backbone`] turns normalised pixels into feature maps,
//! [`patch_embedding`] into one row per grid cell; a [`Fitter`] (before which a [`RangeSurvey`] looks at some of the photos for a network
//! of int8) lets the [`coreset`] choose the rows of the [`memory_bank`]; a fitted [`PatchCore`] looks up the [`nearest_neighbor`] of every
//! patch, and `finish.rs` makes patch scores, the image score (equations 6 and 7) and the map ([`scoring`]) of the distances. Who computes
//! is an [`engine`]: the CPU's own kernels, Burn's tensors on any device, or the definitions themselves. Which published definition of each
//! step is computed are the rules of a
//! [configuration](patchcore_config::PatchCoreConfig). Judging scores is `patchcore-metrics`.
//!
//! The crate reads no file, clock, environment or network and prints nothing.
//!
//! # Stability
//! Not stable: a part of `patchcore`, published because that depends on it, which any version may change. What `patchcore`
//! re-exports of it is as stable as `patchcore`.
//!
//! # Cargo features
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
#![cfg_attr(not(feature = "document-features"), doc = "They stand in `Cargo.toml`.")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backbone;
pub mod bank_builder;
mod bank_changes;
#[cfg(test)]
#[cfg(feature = "cpu")]
mod budget_tests;
mod copies;
pub mod coreset;
pub mod coverage;
#[cfg(test)]
#[cfg(feature = "cpu")]
mod cramped_tests;
#[cfg(feature = "cube")]
mod cube;
pub mod device;
#[cfg(test)]
#[cfg(feature = "flex")]
mod device_tests;
pub mod engine;
#[cfg(test)]
#[cfg(feature = "cpu")]
mod ensemble_tests;
pub mod error;
mod extractor;
mod finish;
mod fit_budget;
mod fit_measures;
mod fit_memory;
mod fit_samples;
mod fitted_on;
mod fitted_patches;
mod fitter;
mod given_weights;
pub mod good_quantiles;
mod image_input;
mod leave_one_out;
mod level_variances;
mod member;
mod member_fits;
mod member_scores;
pub mod memory_bank;
pub mod model_file;
#[cfg(test)]
#[cfg(feature = "cpu")]
mod model_tests;
pub mod nearest_neighbor;
mod network_group;
pub mod passport;
mod passport_check;
pub mod patch_embedding;
mod patchcore;
mod photo_parts;
mod range_survey;
mod score_batch;
pub mod scoring;
pub mod self_check;
#[doc(hidden)]
pub mod stages;
pub mod suggestions;
#[cfg(feature = "burn")]
mod tensor_scores;
#[cfg(feature = "burn")]
pub mod tensors;
#[cfg(test)]
#[cfg(feature = "cpu")]
mod test_threads;

pub use bank_builder::{BankBuilder, BankRules, BuiltBank};
pub use bank_changes::PatchCollector;
pub use coverage::{Coverage, CoverageMeter};
pub use device::{ComputeDevice, INSTRUCTIONS, Instructions, Precision};
pub use extractor::Extractor;
pub use finish::reweighted_score;
pub use fit_budget::BudgetPlan;
pub use fitted_on::{FittedOn, GoodScores};
pub use fitter::Fitter;
pub use given_weights::GivenWeights;
pub use image_input::ImageInput;
pub use member::Member;
pub use member_scores::MemberScore;
pub use network_group::{MemberShape, backbones_of};
pub use patchcore::{ImageScore, PatchCore, ScoreStep};
pub use range_survey::{MOST_SURVEYED, RangeSurvey};
