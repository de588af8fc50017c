//! What is kept of a run: one row of benches/results/precision.csv.

use serde::{Deserialize, Serialize};

/// How many metrics are kept, each with its interval.
pub const METRICS: usize = 3;

/// One fit in one number format, judged on its set's test photos in one light, and against f32 with the same seed. Percent and percentage
/// points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub network: String,
    pub set: String,
    pub seed: u64,
    pub light: String,
    pub precision: String,
    pub image_auroc: f64,
    pub pixel_ap: f64,
    pub aupro_05: f64,
    /// Ends of the paired 95 % interval of the difference to f32; empty for f32 itself.
    pub image_auroc_low: Option<f64>,
    pub image_auroc_high: Option<f64>,
    pub pixel_ap_low: Option<f64>,
    pub pixel_ap_high: Option<f64>,
    pub aupro_05_low: Option<f64>,
    pub aupro_05_high: Option<f64>,
}

impl Record {
    /// Image AUROC, pixel AP and AUPRO 0.05.
    pub fn values(&self) -> [f64; METRICS] {
        [self.image_auroc, self.pixel_ap, self.aupro_05]
    }

    /// Ends of their intervals.
    pub fn intervals(&self) -> Option<[[f64; 2]; METRICS]> {
        let of = |low: Option<f64>, high: Option<f64>| Some([low?, high?]);
        Some([
            of(self.image_auroc_low, self.image_auroc_high)?,
            of(self.pixel_ap_low, self.pixel_ap_high)?,
            of(self.aupro_05_low, self.aupro_05_high)?,
        ])
    }

    /// Whether it is of this run.
    pub fn is(&self, network: &str, set: &str, seed: u64, light: &str, precision: &str) -> bool {
        (self.network.as_str(), self.set.as_str(), self.seed) == (network, set, seed)
            && (self.light.as_str(), self.precision.as_str()) == (light, precision)
    }
}
