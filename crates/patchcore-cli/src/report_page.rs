//! From an evaluation to the plain values that `report.html` is made of.

use std::path::Path;
use std::time::Duration;

use patchcore::metrics::{
    LabelledMap, Metric, Results, StressResults, pimo_curve, pr_curve, pro_curve, roc_curve, thin_curve,
};
use patchcore::{EvaluatedImage, Evaluation, MemoryBank, Model};
use patchcore_report::{EvaluationPage, Fact, ImageRow};

use crate::commands::score::color_scale;
use crate::results::{no_aupimo, one_class, threshold};
use crate::utc;

/// Finer than a curve is drawn.
const RESOLUTION: f64 = 0.002;
/// The false-positive rate at which the per-image-overlap curve ends: far beyond the AUPIMO's upper bound.
const PIMO_UP_TO: f64 = 1e-2;
/// Images in a gallery.
const GALLERY: usize = 8;
/// Where the thresholds of a report come from when the model carries none.
const CHOSEN_HERE: &str = "the threshold with the largest F1, chosen on this very test set and therefore flattering; \
                           a line needs one that good photos alone have set";

/// The report's content, without the photos. `scoring`: the time that all of them took.
pub fn report_page(
    title: &str,
    data: &Path,
    model: &Model,
    evaluation: &Evaluation,
    results: &Results,
    stress: Option<&StressResults>,
    scoring: Duration,
) -> EvaluationPage {
    let scored: Vec<(f32, bool)> =
        evaluation.images.iter().filter_map(|row| Some((*row.score.as_ref().ok()?, row.image.is_anomalous))).collect();
    let (scores, labels): (Vec<f32>, Vec<bool>) = scored.into_iter().unzip();
    let maps: Vec<LabelledMap<'_>> = evaluation.images.iter().filter_map(EvaluatedImage::labelled_map).collect();
    let (stored, f1_max) = (model.thresholds(), results.overall.thresholds);
    // A curve that is not defined on this set is left out, as its metric is.
    let roc = roc_curve(&scores, &labels).map_or_else(
        |_| Vec::new(),
        |roc| thin_curve(roc.fpr.iter().zip(&roc.tpr).map(|(fpr, tpr)| [*fpr, *tpr]), RESOLUTION),
    );
    EvaluationPage {
        title: title.to_owned(),
        results: results.clone(),
        images: evaluation.images.iter().map(image_row).collect(),
        image_threshold: threshold(stored.image, f1_max.get(&Metric::IMAGE_F1_MAX), CHOSEN_HERE),
        pixel_threshold: threshold(stored.pixel, f1_max.get(&Metric::PIXEL_F1_MAX), CHOSEN_HERE),
        scale: color_scale(model),
        roc,
        pr: pr_curve(&scores, &labels, RESOLUTION).unwrap_or_default(),
        pro: pro_curve(&maps, RESOLUTION).unwrap_or_default(),
        pimo: pimo_curve(&maps, PIMO_UP_TO, RESOLUTION).unwrap_or_default(),
        stress: stress.cloned(),
        notes: notes(results).into_iter().chain(no_aupimo(evaluation).map(|reason| format!("{reason}."))).collect(),
        configuration: configuration(model),
        environment: environment(data, model, evaluation, scoring),
        gallery_size: GALLERY,
    }
}

fn image_row(row: &EvaluatedImage) -> ImageRow {
    let error = row.score.as_ref().err().or(row.mask_error.as_ref());
    ImageRow {
        path: row.image.relative.clone(),
        kind: row.image.kind.clone(),
        is_anomalous: row.image.is_anomalous,
        score: row.score.as_ref().ok().copied(),
        error: error.map(ToString::to_string),
    }
}

fn notes(results: &Results) -> Vec<String> {
    let hidden = |cause| results.hidden_defects.get(cause).copied().unwrap_or_default();
    let black = hidden("no_defective_pixel");
    let notes = [
        (results.n_failed, "images could not be scored; they are in no metric."),
        (
            results.n_without_mask.saturating_sub(black),
            "defective images have no usable mask; they are in the image metrics only.",
        ),
        (black, "defective images have masks that are black everywhere; they are in the image metrics only."),
        (hidden("resize"), "defective images lose all their defective pixels in the resize."),
        (hidden("crop"), "defective images have all their defective pixels in what the crop cuts off."),
        (hidden("region"), "defective images have all their defective pixels outside the region of interest."),
    ];
    let one_class = one_class(results).map(|reason| format!("{reason}: image metrics are not defined."));
    let counted = notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}"));
    counted.chain(one_class).collect()
}

/// Rows and values of every bank: "3072 rows x 120 and 3072 rows x 144".
fn shape_of(banks: Vec<&MemoryBank>) -> String {
    let shape = |bank: &&MemoryBank| format!("{} rows x {}", bank.len(), bank.dim());
    banks.iter().map(shape).collect::<Vec<_>>().join(" and ")
}

/// What a model is, name by name.
pub fn configuration(model: &Model) -> Vec<Fact> {
    let fitted_on = model.fitted_on();
    let mut facts: Vec<Fact> =
        model.config().described().into_iter().map(|(key, value)| Fact::new(key, value)).collect();
    facts.extend([
        Fact::new("weights", format!("sha256 {}", model.weights_sha256())),
        Fact::new("memory bank", shape_of(model.banks())),
        Fact::new("fitted on", format!("{} photos, {} patches", fitted_on.images, fitted_on.patches)),
    ]);
    facts
}

fn environment(data: &Path, model: &Model, evaluation: &Evaluation, scoring: Duration) -> Vec<Fact> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // A test set has images: a folder without any is refused.
    let per_image = scoring.as_secs_f64() * 1e3 / evaluation.images.len() as f64;
    let masks = (evaluation.masks.masks() > 0).then(|| Fact::new("masks", evaluation.masks.rule().to_string()));
    let mut facts = vec![
        Fact::new("test set", data.display().to_string()),
        Fact::new("scoring", format!("{per_image:.1} ms per image, decoding included")),
        Fact::new("device", format!("{}, {}", model.device().name(), model.device().precision().name())),
        Fact::new("machine", format!("{} {}, {threads} threads", std::env::consts::OS, std::env::consts::ARCH)),
        Fact::new("program", format!("patchcore {}", env!("CARGO_PKG_VERSION"))),
        Fact::new("written", utc::now()),
    ];
    facts.splice(1..1, masks);
    facts
}
