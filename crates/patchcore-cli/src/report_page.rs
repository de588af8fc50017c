//! From an evaluation to the plain values that `report.html` is made of.

use std::path::Path;

use patchcore::metrics::{LabelledMap, pr_curve, pro_curve, roc_curve, thin_curve};
use patchcore::{EvaluatedImage, Evaluation, Interval, Metrics, Model};
use patchcore_report::{EvaluationPage, Fact, ImageRow, MetricRow, MetricValue, Threshold};

use crate::commands::inspect::view;
use crate::commands::score::color_scale;
use crate::utc;

/// Finer than a curve is drawn.
const RESOLUTION: f64 = 0.002;
/// Images in a gallery.
const GALLERY: usize = 8;
/// Where the thresholds of a report come from when the model carries none.
const CHOSEN_HERE: &str = "the threshold with the largest F1, chosen on this very test set and therefore flattering; \
                           a line needs one that good photos alone have set";

/// The report's content, without the photos.
pub fn report_page(title: &str, data: &Path, model: &Model, evaluation: &Evaluation) -> anyhow::Result<EvaluationPage> {
    let scored: Vec<(f32, bool)> =
        evaluation.images.iter().filter_map(|row| Some((*row.score.as_ref().ok()?, row.image.is_anomalous))).collect();
    let (scores, labels): (Vec<f32>, Vec<bool>) = scored.into_iter().unzip();
    let maps: Vec<LabelledMap<'_>> = evaluation.images.iter().filter_map(EvaluatedImage::labelled_map).collect();
    let overall = &evaluation.overall;
    let stored = model.thresholds();
    // A curve that is not defined on this set is left out, as its metric is.
    let roc = roc_curve(&scores, &labels).map_or_else(
        |_| Vec::new(),
        |roc| thin_curve(roc.fpr.iter().zip(&roc.tpr).map(|(fpr, tpr)| [*fpr, *tpr]), RESOLUTION),
    );
    Ok(EvaluationPage {
        title: title.to_owned(),
        overall: metric_row("all", overall),
        kinds: evaluation.kinds.iter().map(|(kind, metrics)| metric_row(kind, metrics)).collect(),
        images: evaluation.images.iter().map(image_row).collect(),
        image_threshold: threshold(stored.image, overall.image.as_ref().ok().map(|image| image.f1_max.threshold)),
        pixel_threshold: threshold(stored.pixel, overall.pixel.as_ref().ok().map(|pixel| pixel.f1_max.threshold)),
        scale: color_scale(model),
        roc,
        pr: pr_curve(&scores, &labels, RESOLUTION).unwrap_or_default(),
        pro: pro_curve(&maps, RESOLUTION).unwrap_or_default(),
        notes: notes(evaluation),
        configuration: configuration(model),
        environment: environment(data, model, evaluation),
        gallery_size: GALLERY,
    })
}

/// The model's own threshold; without one, the one with the largest F1 on this set.
fn threshold(stored: Option<patchcore::Threshold>, f1_max: Option<f32>) -> Option<Threshold> {
    let own = stored.map(|threshold| Threshold { value: threshold.value, how: threshold.origin.to_string() });
    // F1-max calls `score >= threshold`, a verdict `score > threshold`.
    own.or_else(|| f1_max.map(|value| Threshold { value: value.next_down(), how: CHOSEN_HERE.to_owned() }))
}

fn metric_row(name: &str, metrics: &Metrics) -> MetricRow {
    let (image, pixel) = (metrics.image.as_ref().ok(), metrics.pixel.as_ref().ok());
    let (images, pixels) = (metrics.image_intervals.as_ref(), metrics.pixel_intervals.as_ref());
    let values = [
        ("image AUROC", image.map(|image| image.auroc), images.map(|images| images.auroc)),
        ("image AP", image.map(|image| image.ap), images.map(|images| images.ap)),
        ("image F1-max", image.map(|image| image.f1_max.f1), images.map(|images| images.f1_max)),
        ("pixel AUROC", pixel.map(|pixel| pixel.auroc), pixels.map(|pixels| pixels.auroc)),
        ("pixel AP", pixel.map(|pixel| pixel.ap), pixels.map(|pixels| pixels.ap)),
        ("pixel F1-max", pixel.map(|pixel| pixel.f1_max.f1), pixels.map(|pixels| pixels.f1_max)),
        ("AUPRO 0.3", pixel.map(|pixel| pixel.aupro_30), pixels.map(|pixels| pixels.aupro_30)),
        ("AUPRO 0.05", pixel.map(|pixel| pixel.aupro_05), pixels.map(|pixels| pixels.aupro_05)),
    ];
    let ends = |interval: Interval| (interval.low, interval.high);
    let values = values.map(|(name, value, interval)| MetricValue { name, value, interval: interval.map(ends) });
    MetricRow {
        name: name.to_owned(),
        n_normal: metrics.n_normal,
        n_anomalous: metrics.n_anomalous,
        values: values.to_vec(),
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

fn notes(evaluation: &Evaluation) -> Vec<String> {
    let count = |wanted: fn(&EvaluatedImage) -> bool| evaluation.images.iter().filter(|row| wanted(row)).count();
    let failed = count(|row| row.score.is_err());
    let without_mask = count(|row| row.mask_error.is_some());
    let hidden =
        count(|row| row.image.is_anomalous && row.score.is_ok() && row.mask_error.is_none() && row.truth.is_none());
    let mut notes = Vec::new();
    let mut note = |count: usize, text: &str| {
        if count > 0 {
            notes.push(format!("{count} {text}"));
        }
    };
    note(failed, "images could not be scored; they are in no metric.");
    note(without_mask, "defective images have no usable mask; they are in the image metrics only.");
    note(hidden, "defective images show no defective pixel in the network's view: the crop or the resize hides it.");
    notes
}

fn configuration(model: &Model) -> Vec<Fact> {
    let (config, fitted_on) = (model.config(), model.fitted_on());
    vec![
        Fact::new("mode", config.mode.name()),
        Fact::new("backbone", format!("{}, layers {}", config.backbone.name(), config.layers.join(", "))),
        Fact::new("weights", format!("sha256 {}", model.weights_sha256())),
        Fact::new("input", view(&config.view)),
        Fact::new("memory bank", format!("{} rows x {}", model.bank().len(), model.bank().dim())),
        Fact::new("fitted on", format!("{} photos, {} patches", fitted_on.images, fitted_on.patches)),
        Fact::new("coreset ratio", config.coreset_sampling_ratio.to_string()),
        Fact::new("neighbours", config.num_neighbors.to_string()),
        Fact::new("seed", config.seed.to_string()),
    ]
}

fn environment(data: &Path, model: &Model, evaluation: &Evaluation) -> Vec<Fact> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let per_image = evaluation.scoring.as_secs_f64() * 1e3 / evaluation.images.len().max(1) as f64;
    vec![
        Fact::new("test set", data.display().to_string()),
        Fact::new("scoring", format!("{per_image:.1} ms per image, decoding included")),
        Fact::new("device", format!("{}, {}", model.device().name(), model.device().precision().name())),
        Fact::new("machine", format!("{} {}, {threads} threads", std::env::consts::OS, std::env::consts::ARCH)),
        Fact::new("program", format!("patchcore {}", env!("CARGO_PKG_VERSION"))),
        Fact::new("written", utc::now()),
    ]
}
