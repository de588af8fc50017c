//! What an evaluation leaves beside its metrics.json: the table on stdout, scores.csv and replicates.json.

use std::path::PathBuf;

use patchcore::metrics::{AuthorsNormalization, METRICS, Metric, PixelReplicates, Results};
use patchcore::{Evaluation, one_line, path_text};
use patchcore_report::Threshold;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::csv_cell::safe_cell;
use crate::said;

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

/// What it comes to, on stdout: the sentence of metrics.json and of the report, and an empty line.
pub fn headline(results: &Results) -> String {
    results.sentence.as_deref().map_or_else(String::new, |sentence| format!("{}\n\n", one_line(sentence)))
}

/// The table on stdout: a line per kind of defect and one of all images; the metrics that have a column, in their units.
pub fn summary(results: &Results) -> String {
    let mut text = line("%", "good", "defect", |metric| metric.column.unwrap_or_default().to_owned());
    let sets = results.kinds.iter().map(|(kind, set)| (one_line(kind), set));
    for (name, set) in sets.chain([("all".to_owned(), &results.overall)]) {
        let value = |metric: &Metric| match set.values.get(metric) {
            Some(value) => format!("{:.2}", value * metric.unit.scale()),
            None => "-".to_owned(),
        };
        text.push_str(&line(&name, &set.n_normal.to_string(), &set.n_anomalous.to_string(), value));
    }
    text
}

/// What the model's members reach when the test set joins them, beside what they reach by good photos; empty where that was not asked for.
pub fn as_authors(results: &Results) -> String {
    let Some(joined) = &results.authors_normalization else { return String::new() };
    let mut text = format!("\nJoined as in the authors' code, for comparison: {}.\n", AuthorsNormalization::NOTE);
    text.push_str(&format!("{:<16} {:>12} {:>12}\n", "%", "good photos", "test set"));
    for (metric, own, theirs) in
        joined.beside(&results.overall).into_iter().filter(|(metric, ..)| metric.column.is_some())
    {
        let [own, theirs] = [own, theirs].map(|value| format!("{:.2}", value * metric.unit.scale()));
        text.push_str(&format!("{:<16} {own:>12} {theirs:>12}\n", metric.label));
    }
    text
}

fn line(name: &str, good: &str, defective: &str, cell: impl Fn(&Metric) -> String) -> String {
    let columns = METRICS.iter().filter(|metric| metric.column.is_some());
    let cells: String = columns.map(|metric| format!(" {:>8}", cell(metric))).collect();
    format!("{name:<16} {good:>6} {defective:>6}{cells}\n")
}

/// Why image metrics are not defined: what was scored is of one class. `None` where they are, or nothing was scored.
pub fn one_class(results: &Results) -> Option<&'static str> {
    match (results.overall.n_normal, results.overall.n_anomalous) {
        (0, 1..) => Some("no good image was scored"),
        (1.., 0) => Some("no defective image was scored"),
        _ => None,
    }
}

/// Why the AUPIMO is not defined, where the other pixel metrics are.
pub fn no_aupimo(evaluation: &Evaluation) -> Option<String> {
    let reason = evaluation.overall.pixel.as_ref().ok()?.aupimo.as_ref().err()?;
    Some(format!("AUPIMO is not defined: {reason}"))
}

/// A threshold with how it came about, and when it ceases to hold.
pub fn described(threshold: patchcore::Threshold) -> Threshold {
    let patchcore::Threshold { value, origin } = threshold;
    Threshold { value, how: format!("{origin}; {}", origin.holds_until()) }
}

/// scores.csv: one row per test image, failed ones with their error; defective ones with the share of their defect that is found at
/// next to no false alarms, and with whether their map is highest on the defect, where that is defined. `overlays`: where each photo's
/// overlay lies in the folder, in their order; empty without overlays.
pub fn scores_csv(evaluation: &Evaluation, overlays: &[PathBuf]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "image_path",
        "kind",
        "label",
        "score",
        "defective_pixels",
        "error",
        "aupimo",
        "worst_on_defect",
        "region_count",
        "largest_region_area",
        "overlay_path",
    ])?;
    let areas = evaluation.overall.pixel.as_ref().ok().and_then(|pixel| pixel.aupimo.as_ref().ok());
    let mut areas = areas.into_iter().flat_map(|areas| &areas.images);
    for (index, row) in evaluation.images.iter().enumerate() {
        let (score, mut error) = match &row.score {
            Ok(score) => (score.to_string(), String::new()),
            Err(error) => (String::new(), said::of(error)),
        };
        if let Some(mask_error) = &row.mask_error {
            error = said::of(mask_error);
        }
        let label = if row.image.is_anomalous { "1" } else { "0" };
        let pixels = row.defective_pixels().to_string();
        // The maps that are measured are those of these rows, in their order.
        let area = row.labelled_map().and_then(|_| *areas.next()?);
        let area = area.map_or_else(String::new, |area| area.to_string());
        let on_defect = match row.worst_on_defect() {
            Some(true) => "1",
            Some(false) => "0",
            None => "",
        };
        // An image that failed has no map.
        let count = row.map.as_ref().map_or_else(String::new, |_| row.regions.len().to_string());
        let largest = row.regions.iter().map(|region| region.area).reduce(f64::max);
        let largest = largest.map_or_else(String::new, |area| area.to_string());
        let overlay = overlays.get(index).filter(|_| row.map.is_some()).map(|path| path_text(path)).unwrap_or_default();
        let (path, kind) = (&row.image.relative, &row.image.kind);
        let cells = [path, kind, label, &score, &pixels, &error, &area, on_defect, &count, &largest, &overlay];
        writer.write_record(cells.map(|cell| safe_cell(cell).into_owned()))?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}
