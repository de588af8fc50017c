//! From patches to the image: equations 6 and 7 of the paper (section 3.3).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What `num_neighbors` means and how the image score comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageScoreRule {
    /// Patch score = mean distance to the k nearest rows; image score = the largest patch score.
    MaximumOfMeans,
    /// Patch score = distance to the nearest row; the largest one is re-weighted over b neighbours (eq. 7).
    Reweighted,
    /// Patch score = distance to the nearest row; image score = the largest value of the anomaly map inside the region.
    /// A rule for a model of several members, which meet in the map.
    MaximumOfMap,
    /// Patch score = mean distance to the k nearest rows; image score = the largest value of the anomaly map inside the region. A rule
    /// for a model of several members, too.
    MaximumOfMapOfMeans,
}

impl fmt::Display for ImageScoreRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ImageScoreRule::MaximumOfMeans => "maximum_of_means",
            ImageScoreRule::Reweighted => "reweighted",
            ImageScoreRule::MaximumOfMap => "maximum_of_map",
            ImageScoreRule::MaximumOfMapOfMeans => "maximum_of_map_of_means",
        })
    }
}

impl ImageScoreRule {
    /// Whether the image score is read from the anomaly map, so that photo and map are on one scale.
    pub fn is_of_map(self) -> bool {
        matches!(self, Self::MaximumOfMap | Self::MaximumOfMapOfMeans)
    }

    /// Whether a patch score is the mean distance to the k nearest rows.
    pub fn is_of_means(self) -> bool {
        matches!(self, Self::MaximumOfMeans | Self::MaximumOfMapOfMeans)
    }
}
