//! The rules of PatchCore, one a file: each step that the published codes take differently is an enum here.
//!
//! A [`PatchCoreConfig`](crate::PatchCoreConfig) holds one value of each, whoever chose it: a [`Mode`](crate::Mode), which
//! is a constructor of the three published combinations, or a user who mixes them. Whoever computes a step takes its rule
//! and asks nothing else. The texts ([`Display`](std::fmt::Display)) are for people and name a mix.

mod border;
mod distance;
mod embedding;
mod image_score;
mod level_scaling;
mod projection;
mod smoothing;
mod start;
mod upsampling;
mod weighting;

pub use border::Border;
pub use distance::Distance;
pub use embedding::{EmbeddingRule, PUBLISHED_EMBED_DIMENSION};
pub use image_score::ImageScoreRule;
pub use level_scaling::LevelScaling;
pub use projection::ProjectionRule;
pub use smoothing::Smoothing;
pub use start::StartRule;
pub use upsampling::Upsampling;
pub use weighting::Weighting;
