//! How much each member's map counts in the joint map.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where the weight of a member comes from. The paper's authors scale the maps of an ensemble by the smallest and largest score of the
/// test set, which a line does not have; here good photos alone decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// The weight that the configuration has.
    #[default]
    AsGiven,
    /// One over the median score of good patches that the member's bank does not know (leave-one-photo-out): members whose distances
    /// differ in size then count alike. The fit measures it.
    GoodPatches,
}

impl Weighting {
    /// Whether nothing is measured.
    pub fn is_as_given(&self) -> bool {
        *self == Self::AsGiven
    }
}

impl fmt::Display for Weighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Weighting::AsGiven => "as_given",
            Weighting::GoodPatches => "good_patches",
        })
    }
}
