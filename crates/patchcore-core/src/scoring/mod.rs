//! The anomaly map: patch scores grown to the input's size and smoothed (paper section 3.3). What a score is stands in `finish.rs`.

mod anomaly_map;
mod axis_matrix;
#[cfg(feature = "cube")]
mod cube;
mod map_grower;
pub(crate) mod oracle;

pub use anomaly_map::AnomalyMap;
pub(crate) use axis_matrix::axis_matrices;
#[cfg(feature = "cube")]
pub(crate) use cube::GrownAxis;
pub use map_grower::MapGrower;
