//! What is measured: sets, numbers of photos, variants, and one row of benches/results/few-photos.csv.

use serde::{Deserialize, Serialize};

/// A set, and the option that suits it.
pub struct Set {
    pub name: &'static str,
    pub option: &'static [&'static str],
}

/// Bottles under a lamp, tiles that look alike mirrored, small parts that lie anyhow.
pub const SETS: [Set; 3] = [
    Set { name: "bottle", option: &["--unsteady-light"] },
    Set { name: "magnetic_tile", option: &["--any-angle", "mirrored"] },
    Set { name: "piped/PA_BTN01_RL", option: &["--any-angle"] },
];

/// Photos of a fit.
pub const COUNTS: [usize; 5] = [1, 2, 4, 8, 16];
/// What is compared.
pub const VARIANTS: [&str; 3] = ["paper", "line", "line with option"];

/// One fit, judged on all test photos of its set; percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub set: String,
    pub photos: usize,
    pub draw: u64,
    pub variant: String,
    pub image_auroc: f64,
    pub aupro_05: f64,
}
