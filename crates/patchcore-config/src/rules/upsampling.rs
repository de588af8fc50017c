//! How the patch scores become an anomaly map: section 3.3 of the paper, "upscaled by bi-linear interpolation".

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the grid of patch scores grows to the input's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upsampling {
    /// Bilinear, corners not aligned.
    Bilinear,
    /// The nearest cell: `floor(i * cells / pixels)`.
    Nearest,
}

impl fmt::Display for Upsampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Upsampling::Bilinear => "bilinear",
            Upsampling::Nearest => "nearest",
        })
    }
}
