//! How good is a detector: exact detection and localisation metrics over plain slices, after scoring.
//!
//! | function | question | definition |
//! |---|---|---|
//! | [`roc_curve`], [`auroc`] | does a defective image score above a good one? | P(s⁺ > s⁻) + ½ P(s⁺ = s⁻) |
//! | [`average_precision`] | how clean is the top of the ranking? | Σₙ (Rₙ − Rₙ₋₁) Pₙ over distinct scores |
//! | [`f1_max`] | what is the best single threshold? | max over thresholds of 2·TP / (2·TP + FP + FN) |
//! | [`image_metrics`] | the three above for whole images | one sort |
//! | [`pixel_metrics`] | the same for pixels, AUPRO at 0.05 and 0.3, AUPIMO | one sort |
//! | [`aupro`] | is every defect found, large or small? | see [`aupro`] |
//! | [`aupimo`] | is the defect of each image found at next to no false alarms? | see [`aupimo`] |
//! | [`region_recall`] | how much of each defect is above one threshold? | shares of the true regions |
//! | [`pr_curve`], [`pro_curve`], [`pimo_curve`] | the points below AP, AUPRO and AUPIMO, for plots | [`thin_curve`] leaves out what cannot be seen |
//! | [`Confusion`] | what does one threshold call what? | counts of `score > threshold` |
//! | [`delong`], [`delong_difference`] | how sure is an AUROC, or that one is larger? | DeLong's variance |
//! | [`image_replicates`], [`pixel_replicates`] | how far may each metric be off? | [`Bootstrap`] over images |
//! | [`Share`], [`Interval::binomial`] | how far may a counted share be off? | Clopper and Pearson |
//! | [`Comparison`] | which of two models is better, and do the photos suffice to say so? | the same photos, at equal false alarms |
//! | [`StressOutcome`] | does a changed light or place change the verdicts? | the same photos, changed and unchanged |
//! | [`threshold`] | from which score is a part defective? | a stated rate of false alarms, at a stated confidence |
//!
//! [`METRICS`] is the table of what is reported of an evaluation, with keys, names and units; [`Results`] are its values as a
//! file, metrics.json.
//!
//! A prediction is positive when `score >= threshold`, and **equal scores are one step**: the order in which ties are
//! stored never changes a number. (MVTec's own script takes the false-positive rate from the rank in the sorted list
//! instead, so on maps with ties it gives another AUPRO.) Curves follow scikit-learn's conventions without dropping
//! collinear points.
//!
//! # Exactness
//! Counts are `u64`. The AUROC is one division of two integers, and the best F1 is found by comparing integer
//! fractions; only the AP, the AUPRO and the AUPIMO sum `f64` terms. Nothing here is binned or sampled, and nothing returns NaN:
//! where a metric has no value (one class only, too few good pixels for a rate) there is a [`MetricError`].
//!
//! # Cost
//! All metrics of one call share one sort (`ranked_scores.rs`): O(n log n) over all cores, then one linear sweep per
//! metric. Memory beyond the input: 4 bytes per normal pixel and 8 bytes per anomalous pixel, plus 4 bytes per pixel of
//! the largest map while its regions are labelled. Measured: all pixel metrics of 40 maps of 512 x 512 (10.5 million
//! pixels, 820 regions) in 0.34 s, release build on two cores of a server CPU. The AUPIMO sorts the highest good pixels alone and
//! takes a tenth of that; anomalib's takes some 200 times as long (`cargo xtask bench-report --rows metrics`).
//!
//! # Invariants
//! The crate knows no tensor, reads no file and no clock and holds no `unsafe`. Its functions are checked against slow
//! oracles (`oracle.rs`), against golden values, and against anomalib's own (`anomalib.rs`).
//!
//! # Stability
//! Stable: versions follow semantic versioning, and the changelog begins each version with what breaks.

mod aupimo;
mod aupro;
mod auroc;
mod authors_normalization;
mod average_precision;
mod binomial_interval;
mod bootstrap;
mod compare;
mod confusion;
mod connected_regions;
mod delong;
mod error;
mod f1_max;
mod headline;
mod image_metrics;
mod interval;
mod labelled_map;
mod look_again;
mod metric;
mod overlap_events;
mod per_metric;
mod pixel_metrics;
mod places;
mod pr_curve;
mod pro_curve;
mod ranked_scores;
mod region_recall;
mod results;
mod results_error;
mod roc_curve;
mod run_file;
mod run_note;
mod set_results;
mod share;
mod stress;
mod thin_curve;
pub mod threshold;
mod versioned;

#[cfg(test)]
mod anomalib;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;

pub use aupimo::{AUPIMO_BOUNDS, Aupimo, aupimo, pimo_curve};
pub use aupro::aupro;
pub use auroc::auroc;
pub use authors_normalization::AuthorsNormalization;
pub use average_precision::average_precision;
pub use bootstrap::{
    Bootstrap, ImageReplicates, PixelReplicates, image_replicates, image_replicates_at, pixel_replicates,
    pixel_replicates_at, pixel_replicates_telling,
};
pub use compare::{
    ChangedPhoto, ComparedPhoto, Comparison, ComparisonFinding, Judged, KindDifference, MetricDifference, OfBoth,
    OperatingBasis, OperatingPoint, PairedCount, SettingDifference, Side,
};
pub use confusion::Confusion;
pub use connected_regions::{ConnectedRegions, connected_regions};
pub use delong::{DelongAuroc, DelongDifference, delong, delong_difference};
pub use error::MetricError;
pub use f1_max::{F1Max, f1_max};
pub use image_metrics::{ImageMetrics, image_metrics, image_metrics_at};
pub use interval::Interval;
pub use labelled_map::LabelledMap;
pub use look_again::LookAgain;
pub use metric::{Better, METRICS, Metric, MetricSource, Unit};
pub use per_metric::PerMetric;
pub use pixel_metrics::{PixelMetrics, pixel_metrics, pixel_metrics_at};
pub use pr_curve::pr_curve;
pub use pro_curve::pro_curve;
pub use region_recall::{RegionRecall, region_recall};
pub use results::{EvaluatedModel, Results};
pub use results_error::ResultsError;
pub use roc_curve::{RocCurve, roc_curve};
pub use run_file::RunFile;
pub use run_note::RunNote;
pub use set_results::SetResults;
pub use share::Share;
pub use stress::{StressCount, StressFinding, StressLevel, StressOutcome, StressResults, StressSeries};
pub use thin_curve::thin_curve;
