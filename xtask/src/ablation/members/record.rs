//! What is kept: one row of benches/results/members.csv a fit, and one of members-time.csv a model's time.

use serde::{Deserialize, Serialize};

/// One fit, judged on its set's test photos, and against the first network alone with the same seed. Percent and percentage points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub networks: String,
    pub banks: String,
    pub set: String,
    pub seed: u64,
    pub image_auroc: f64,
    pub pixel_ap: f64,
    pub aupro_05: f64,
    /// Ends of the paired 95 % interval of the difference to the first network alone with one bank; empty for that one.
    pub image_auroc_low: Option<f64>,
    pub image_auroc_high: Option<f64>,
    pub aupro_05_low: Option<f64>,
    pub aupro_05_high: Option<f64>,
}

impl Record {
    /// Whether it is of this crew.
    pub fn is_of(&self, networks: &str, banks: &str) -> bool {
        (self.networks.as_str(), self.banks.as_str()) == (networks, banks)
    }

    /// Whether it is of this run.
    pub fn is(&self, networks: &str, banks: &str, set: &str, seed: u64) -> bool {
        self.is_of(networks, banks) && (self.set.as_str(), self.seed) == (set, seed)
    }
}

/// What a model takes for a photo on one thread, against the first of the crews in the same rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Time {
    pub networks: String,
    pub banks: String,
    /// Milliseconds for a photo: decoding, networks, search and map; the median of the rounds.
    pub milliseconds: f64,
    /// The median of the rounds' ratios to the first crew.
    pub ratio: f64,
}
