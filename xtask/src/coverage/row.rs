//! Rows of the three tables in benches/results.

use serde::{Deserialize, Serialize};

/// One fit on a published set, judged on all its test photos; percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    pub set: String,
    /// Share of the patches that a bank keeps.
    pub ratio: f64,
    /// Share of the patches that the fit's budget holds; 1: all of them.
    pub held: f64,
    pub seed: u64,
    /// Rows of all banks.
    pub bank_rows: usize,
    /// The radius that the model tells: of its first bank, as of all others.
    pub radius_told: f64,
    /// The radius of the first bank, measured over all photos of the fit.
    pub radius: f64,
    pub image_auroc: f64,
    pub aupro_30: f64,
    pub aupro_05: f64,
}

/// One fit on made photos: its time and memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// `budget`, `all rows` or `anomalib mh_patchcore`.
    pub what: String,
    pub photos: usize,
    /// Megapixels of a photo.
    pub megapixels: f64,
    /// The budget; 0 for none.
    pub budget_mib: u64,
    /// What the program says that it takes at most: of a fit within a budget that and what it needs beside it; 0 where it is not known.
    pub told_mib: u64,
    pub peak_mib: u64,
    pub seconds: f64,
    /// Of all cores.
    pub cpu_seconds: f64,
}

/// A way to a model of the same photos, its time and what the model is worth; percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeRow {
    pub what: String,
    pub set: String,
    pub seconds: f64,
    /// Of all cores.
    pub cpu_seconds: f64,
    pub bank_rows: usize,
    pub radius: f64,
    /// Empty where the photos have no defects.
    pub image_auroc: Option<f64>,
    pub aupro_30: Option<f64>,
}
