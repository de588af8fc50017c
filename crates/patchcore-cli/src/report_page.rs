//! From an evaluation to the plain values that `report.html` is made of.

use std::path::Path;
use std::time::Duration;

use patchcore::metrics::{LabelledMap, Results, StressResults, pimo_curve, pr_curve, pro_curve, roc_curve, thin_curve};
use patchcore::{EvaluatedImage, Evaluation, MemoryBank, Model, ThresholdOrigin, Thresholds};
use patchcore_report::{EvaluationPage, Fact, ImageRow, Threshold};

use crate::in_words::NO_FIT;
use crate::output;
use crate::pictures::color_scale;
use crate::results::{described, no_aupimo, one_class};
use crate::utc;

/// Finer than a curve is drawn.
const RESOLUTION: f64 = 0.002;
/// The false-positive rate at which the per-image-overlap curve ends: far beyond the AUPIMO's upper bound.
const PIMO_UP_TO: f64 = 1e-2;
/// Images in a gallery.
const GALLERY: usize = 10;

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
    // A curve that is not defined on this set is left out, as its metric is.
    let roc = roc_curve(&scores, &labels).map_or_else(
        |_| Vec::new(),
        |roc| thin_curve(roc.fpr.iter().zip(&roc.tpr).map(|(fpr, tpr)| [*fpr, *tpr]), RESOLUTION),
    );
    let stale = model.stale_thresholds().map(|stale| output::stale(stale).replacen("the", "The", 1));
    let reasons = [no_aupimo(evaluation), stale];
    EvaluationPage {
        title: title.to_owned(),
        results: results.clone(),
        images: evaluation.images.iter().map(image_row).collect(),
        image_threshold: evaluation.verdicts_at.map(described),
        look_again: model.thresholds().look_again.map(described),
        pixel_threshold: Some(pixel_threshold(model)),
        scale: color_scale(model),
        roc,
        pr: pr_curve(&scores, &labels, RESOLUTION).unwrap_or_default(),
        pro: pro_curve(&maps, RESOLUTION).unwrap_or_default(),
        pimo: pimo_curve(&maps, PIMO_UP_TO, RESOLUTION).unwrap_or_default(),
        stress: stress.cloned(),
        notes: notes(results)
            .into_iter()
            .chain(reasons.into_iter().flatten().map(|reason| format!("{reason}.")))
            .collect(),
        configuration: configuration(model),
        environment: environment(data, model, evaluation, scoring),
        gallery_size: GALLERY,
    }
}

/// Where the contour is drawn, in every picture of the model.
fn pixel_threshold(model: &Model) -> Threshold {
    let value = model.map_scale().threshold;
    let Thresholds { image, pixel, .. } = model.thresholds();
    let how = match (pixel, image) {
        (Some(stored), _) if stored.value == value => {
            let is_rate = matches!(stored.origin, ThresholdOrigin::Calibrated(_));
            let of_photos = "; rates are shares of photos, not of pixels: a photo is one false alarm or one find, however many of its \
                             pixels are above";
            described(stored).how + if is_rate { of_photos } else { "" }
        }
        (_, Some(image)) if image.value == value => {
            "the image threshold, which in this mode holds for the pixels of the map too".to_owned()
        }
        _ if model.good_quantiles().is_none() => {
            "99 % of the patches of good photos of the fit are at most that high; it promises nothing".to_owned()
        }
        _ => {
            "99.5 % of the pixels of good maps are at most that high, of photos of the fit that the bank did not know; \
              it promises nothing"
                .to_owned()
        }
    };
    Threshold { value, how }
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
        (results.n_failed, ["image", "images"], "could not be scored: in no metric."),
        (
            results.n_without_mask.saturating_sub(black),
            ["defective image", "defective images"],
            "without a usable mask: in the image metrics only.",
        ),
        (black, ["mask", "masks"], "of defective images, black everywhere: in the image metrics only."),
        (hidden("resize"), ["defective image", "defective images"], "without a defective pixel after the resize."),
        (
            hidden("crop"),
            ["defective image", "defective images"],
            "with all defective pixels in what the crop cuts off.",
        ),
        (
            hidden("region"),
            ["defective image", "defective images"],
            "with all defective pixels outside the region of interest.",
        ),
    ];
    let one_class = one_class(results).map(|reason| format!("{reason}: image metrics are not defined."));
    let counted = notes.into_iter().filter(|(count, ..)| *count > 0);
    let counted =
        counted.map(|(count, [one, many], text)| format!("{count} {} {text}", if count == 1 { one } else { many }));
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
    let fitted_on = match fitted_on.is_known() {
        false => NO_FIT.to_owned(),
        true => format!("{} photos, {} patches", fitted_on.images, fitted_on.patches),
    };
    let mut facts: Vec<Fact> =
        model.config().described().into_iter().map(|(key, value)| Fact::new(key, value)).collect();
    facts.extend([
        Fact::new("weights", format!("sha256 {}", model.weights_sha256())),
        Fact::new("memory bank", shape_of(model.banks())),
        Fact::new("fitted on", fitted_on),
    ]);
    facts
}

fn environment(data: &Path, model: &Model, evaluation: &Evaluation, scoring: Duration) -> Vec<Fact> {
    let threads = crate::threads::in_force();
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
