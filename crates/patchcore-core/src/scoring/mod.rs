//! From neighbours to what a user reads: patch scores, the image score (paper eq. 6 and 7) and the anomaly map.

mod anomaly_map;
mod axis_matrix;
mod image_score;
mod map_grower;
#[cfg(test)]
#[cfg(feature = "flex")]
mod oracle;

pub use anomaly_map::AnomalyMap;
pub use image_score::reweighted_score;
pub use map_grower::MapGrower;
