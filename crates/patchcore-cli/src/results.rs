//! The files of an evaluation: metrics.json, scores.csv and replicates.json.

use std::collections::BTreeMap;

use patchcore::metrics::{Confusion, PixelReplicates};
use patchcore::{Evaluation, Interval, Metrics, Thresholds};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// metrics.json. A metric that is not defined on this set (one class only, no mask) is absent.
#[derive(Debug, Clone, Serialize)]
pub struct MetricsFile {
    /// Over all images.
    #[serde(flatten)]
    pub overall: MetricValues,
    /// Test images that could not be scored.
    pub n_failed: usize,
    /// Defective images whose mask is missing or unusable; they are not in the pixel metrics.
    pub n_without_mask: usize,
    /// Defective images without a defective pixel in the network's view: a crop may hide the defect.
    pub n_defect_out_of_view: usize,
    /// Per kind of defect, each together with all good images.
    pub kinds: BTreeMap<String, MetricValues>,
    /// The model's thresholds and how they came about; absent for a model without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// Wall time per stage.
    pub seconds: BTreeMap<&'static str, f64>,
    /// What was evaluated.
    pub model: ModelValues,
}

/// replicates.json: what `compare` needs of the pixels of an evaluation, whose maps it does not have.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReplicatesFile {
    /// [`ReplicatesFile::digest`] of the files it was written with.
    pub evaluation_sha256: String,
    /// Per resample of the test images.
    pub pixel: PixelReplicates,
}

impl ReplicatesFile {
    /// Its name in an evaluation's folder.
    pub const NAME: &str = "replicates.json";

    /// What identifies an evaluation: the digest of its metrics.json and scores.csv, byte for byte. With other files beside
    /// it, replicates.json is of another evaluation.
    pub fn digest(metrics: &[u8], scores: &[u8]) -> String {
        // Each file by its own digest, so that nothing can move from one to the other.
        let both = Sha256::new().chain_update(Sha256::digest(metrics)).chain_update(Sha256::digest(scores));
        both.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What identifies the model.
#[derive(Debug, Clone, Serialize)]
pub struct ModelValues {
    /// The mode's name.
    pub mode: &'static str,
    /// The backbone's name.
    pub backbone: &'static str,
    /// Digest of its weights.
    pub weights_sha256: String,
    /// Rows of the memory bank.
    pub bank_rows: usize,
    /// Seed of the fit.
    pub seed: u64,
    /// Where it was evaluated.
    pub device: String,
    /// Number format of the network there.
    pub precision: &'static str,
    /// Version of this program.
    pub version: &'static str,
}

/// Metrics by their names in the field.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MetricValues {
    /// Good images scored.
    pub n_normal: usize,
    /// Defective images scored.
    pub n_anomalous: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_auroc: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_ap: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_f1_max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_f1_max_threshold: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_auroc: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_ap: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_f1_max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_f1_max_threshold: Option<f32>,
    #[serde(rename = "aupro_0.3", skip_serializing_if = "Option::is_none")]
    aupro_30: Option<f64>,
    #[serde(rename = "aupro_0.05", skip_serializing_if = "Option::is_none")]
    aupro_05: Option<f64>,
    // Bootstrap intervals over images, [low, high] at 95 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_auroc_ci: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_ap_ci: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_f1_max_ci: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_auroc_ci: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_ap_ci: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_f1_max_ci: Option<Interval>,
    #[serde(rename = "aupro_0.3_ci", skip_serializing_if = "Option::is_none")]
    aupro_30_ci: Option<Interval>,
    #[serde(rename = "aupro_0.05_ci", skip_serializing_if = "Option::is_none")]
    aupro_05_ci: Option<Interval>,
    /// Verdicts at the model's image threshold against the truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    confusion: Option<Confusion>,
}

impl MetricValues {
    /// The values of a set.
    pub fn new(metrics: &Metrics) -> Self {
        let (image, pixel) = (metrics.image.as_ref().ok(), metrics.pixel.as_ref().ok());
        Self {
            n_normal: metrics.n_normal,
            n_anomalous: metrics.n_anomalous,
            image_auroc: image.map(|image| image.auroc),
            image_ap: image.map(|image| image.ap),
            image_f1_max: image.map(|image| image.f1_max.f1),
            image_f1_max_threshold: image.map(|image| image.f1_max.threshold),
            pixel_auroc: pixel.map(|pixel| pixel.auroc),
            pixel_ap: pixel.map(|pixel| pixel.ap),
            pixel_f1_max: pixel.map(|pixel| pixel.f1_max.f1),
            pixel_f1_max_threshold: pixel.map(|pixel| pixel.f1_max.threshold),
            aupro_30: pixel.map(|pixel| pixel.aupro_30),
            aupro_05: pixel.map(|pixel| pixel.aupro_05),
            image_auroc_ci: metrics.image_intervals.map(|image| image.auroc),
            image_ap_ci: metrics.image_intervals.map(|image| image.ap),
            image_f1_max_ci: metrics.image_intervals.map(|image| image.f1_max),
            pixel_auroc_ci: metrics.pixel_intervals.map(|pixel| pixel.auroc),
            pixel_ap_ci: metrics.pixel_intervals.map(|pixel| pixel.ap),
            pixel_f1_max_ci: metrics.pixel_intervals.map(|pixel| pixel.f1_max),
            aupro_30_ci: metrics.pixel_intervals.map(|pixel| pixel.aupro_30),
            aupro_05_ci: metrics.pixel_intervals.map(|pixel| pixel.aupro_05),
            confusion: metrics.confusion,
        }
    }

    /// A line of a table: name, counts, then the metrics in percent.
    pub fn row(&self, name: &str) -> String {
        let percent = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.2}", value * 100.0));
        format!(
            "{name:<16} {:>6} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
            self.n_normal,
            self.n_anomalous,
            percent(self.image_auroc),
            percent(self.image_ap),
            percent(self.image_f1_max),
            percent(self.pixel_auroc),
            percent(self.pixel_ap),
            percent(self.aupro_30),
        )
    }

    /// The line above [`MetricValues::row`].
    pub fn heading() -> String {
        format!(
            "{:<16} {:>6} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
            "%", "good", "defect", "im.AUROC", "im.AP", "im.F1max", "px.AUROC", "px.AP", "AUPRO.3"
        )
    }
}

/// scores.csv: one row per test image, failed ones with their error.
pub fn scores_csv(evaluation: &Evaluation) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["image_path", "kind", "label", "score", "defective_pixels", "error"])?;
    for row in &evaluation.images {
        let (score, mut error) = match &row.score {
            Ok(score) => (score.to_string(), String::new()),
            Err(error) => (String::new(), error.to_string()),
        };
        if let Some(mask_error) = &row.mask_error {
            error = mask_error.to_string();
        }
        let label = if row.image.is_anomalous { "1" } else { "0" };
        let pixels = row.defective_pixels().to_string();
        writer.write_record([&row.image.relative, &row.image.kind, label, &score, &pixels, &error])?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}
