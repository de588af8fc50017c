//! From neighbours to what a user reads: patch scores, the image score (paper eq. 6 and 7) and the anomaly map.

mod anomaly_map;
mod image_score;
#[cfg(test)]
mod oracle;

pub use anomaly_map::{AnomalyMap, MapGrower};
pub use image_score::reweighted_score;

/// Standard deviation of the anomaly map's Gaussian, in input pixels.
pub const GAUSSIAN_SIGMA: f64 = 4.0;
