//! What is kept of a run: one row of benches/results/ablation.csv.

use serde::{Deserialize, Serialize};

/// One fit of one variant, judged on its set's test photos, and against its base with the same seed. Percent and percentage points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub network: String,
    pub set: String,
    pub seed: u64,
    pub variant: String,
    pub image_auroc: f64,
    pub image_ap: f64,
    pub pixel_auroc: f64,
    pub pixel_ap: f64,
    pub aupro_30: f64,
    pub aupro_05: f64,
    /// Ends of the paired 95 % interval of the difference to the base; empty without a base.
    pub image_auroc_low: Option<f64>,
    pub image_auroc_high: Option<f64>,
    pub aupro_05_low: Option<f64>,
    pub aupro_05_high: Option<f64>,
}

impl Record {
    /// Whether it is of this run.
    pub fn is(&self, network: &str, set: &str, seed: u64, variant: &str) -> bool {
        (self.network.as_str(), self.set.as_str(), self.seed, self.variant.as_str()) == (network, set, seed, variant)
    }
}
