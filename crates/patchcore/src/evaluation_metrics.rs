//! The metrics of a set of images of an evaluation.

use patchcore_config::ImageScoreRule;
use patchcore_metrics::threshold::{Threshold, Thresholds, Verdict};
use patchcore_metrics::{
    Confusion, ImageMetrics, Interval, LabelledMap, LookAgain, MetricError, PerMetric, PixelMetrics, SetResults, Share,
    image_metrics_at, pixel_metrics_at,
};

use crate::error::Error;
use crate::evaluated_image::EvaluatedImage;

/// Metrics over a set of images.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Good images scored.
    pub n_normal: usize,
    /// Defective images scored.
    pub n_anomalous: usize,
    /// Image metrics, or why they are not defined (one class only).
    pub image: Result<ImageMetrics, MetricError>,
    /// Pixel metrics, or why they are not defined (no defective pixel in view).
    pub pixel: Result<PixelMetrics, MetricError>,
    /// Verdicts at the model's image threshold against the truth; `None` for a model without one.
    pub confusion: Option<Confusion>,
    /// Defective images that [`Evaluation::verdicts_at`](crate::Evaluation::verdicts_at) calls anomalous; `None` without either.
    pub found: Option<Share>,
    /// Good images that it calls anomalous; `None` without either.
    pub false_alarms: Option<Share>,
    /// Defective images with defective pixels that count whose map is highest on one of them
    /// ([`EvaluatedImage::worst_on_defect`]); `None` without such images.
    pub worst_on_defect: Option<Share>,
    /// Images between the model's two thresholds; `None` for a model without a second one.
    pub look_again: Option<LookAgain>,
    /// How far each metric may be off; none before [`Evaluation::add_intervals`](crate::Evaluation::add_intervals), nor for one that is not defined.
    pub intervals: PerMetric<Interval>,
}

impl Metrics {
    /// The same as it stands in metrics.json.
    pub fn results(&self) -> SetResults {
        let (image, pixel) = (self.image.as_ref().ok(), self.pixel.as_ref().ok());
        SetResults {
            intervals: self.intervals,
            confusion: self.confusion,
            found: self.found,
            false_alarms: self.false_alarms,
            worst_on_defect: self.worst_on_defect,
            look_again: self.look_again,
            ..SetResults::new(self.n_normal, self.n_anomalous, image, pixel)
        }
    }
}

/// What the metrics of all images are made of, or those of one kind and the good ones.
pub(crate) struct Entries<'a> {
    pub scores: Vec<f32>,
    pub labels: Vec<bool>,
    pub maps: Vec<LabelledMap<'a>>,
}

impl<'a> Entries<'a> {
    pub fn new(images: &'a [EvaluatedImage], kind: Option<&str>) -> Self {
        let wanted = |row: &&EvaluatedImage| !row.image.is_anomalous || kind.is_none_or(|kind| row.image.kind == kind);
        let mut entries = Self { scores: Vec::new(), labels: Vec::new(), maps: Vec::new() };
        for row in images.iter().filter(wanted) {
            if let Ok(score) = row.score {
                entries.scores.push(score);
                entries.labels.push(row.image.is_anomalous);
            }
            entries.maps.extend(row.labelled_map());
        }
        entries
    }
}

/// At which thresholds a model of this rule is judged.
pub(crate) fn judged_at(stored: Thresholds, rule: ImageScoreRule) -> Thresholds {
    let of_map = match rule {
        ImageScoreRule::MaximumOfMap | ImageScoreRule::MaximumOfMapOfMeans => stored.pixel.or(stored.image),
        ImageScoreRule::MaximumOfMeans | ImageScoreRule::Reweighted => stored.pixel,
    };
    Thresholds { pixel: of_map, ..stored }
}

/// The thresholds of images and of maps.
pub(crate) fn values(thresholds: &Thresholds) -> [Option<f32>; 2] {
    [thresholds.image, thresholds.pixel].map(|threshold| Some(threshold?.value))
}

pub(crate) fn metrics_of(
    images: &[EvaluatedImage],
    kind: Option<&str>,
    judged_at: &Thresholds,
    verdicts_at: Option<Threshold>,
) -> Result<Metrics, Error> {
    let [of_images, of_pixels] = values(judged_at);
    let Entries { scores, labels, maps } = Entries::new(images, kind);
    let n_anomalous = labels.iter().filter(|label| **label).count();
    let called = |wanted: bool| {
        let verdicts = scores.iter().zip(&labels).filter(|(_, label)| **label == wanted);
        let is_called =
            |threshold: Threshold| verdicts.map(move |(score, _)| threshold.verdict(*score) == Verdict::Anomalous);
        Share::counted(is_called(verdicts_at?))
    };
    let of_kind = images.iter().filter(|row| kind.is_none_or(|kind| row.image.kind == kind));
    let worst_on_defect = Share::counted(of_kind.filter_map(EvaluatedImage::worst_on_defect));
    let look_again = judged_at.look_again.zip(judged_at.image).map(|(low, high)| {
        let scores = scores.iter().copied().zip(labels.iter().copied());
        LookAgain::counted(low.value, high.value, scores)
    });
    Ok(Metrics {
        n_normal: labels.len() - n_anomalous,
        n_anomalous,
        image: image_metrics_at(of_images, &scores, &labels),
        pixel: pixel_metrics_at(of_pixels, &maps),
        confusion: of_images.map(|threshold| Confusion::at(threshold, &scores, &labels)).transpose()?,
        found: called(true),
        false_alarms: called(false),
        worst_on_defect,
        look_again,
        intervals: PerMetric::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluated_image::tests::image;

    #[test]
    fn images_are_found_and_rejected_at_one_threshold_whatever_the_kind() {
        let row = |score: f32, kind: &str, is_anomalous| {
            let mut row = image([score; 6], None, None);
            row.score = Ok(score);
            row.image.kind = kind.to_owned();
            row.image.is_anomalous = is_anomalous;
            row
        };
        let images = [
            row(1.0, "good", false),
            row(3.0, "good", false),
            row(2.0, "a", true),
            row(4.0, "a", true),
            row(5.0, "b", true),
        ];
        let counts = |kind, at: Option<f32>| {
            let metrics = metrics_of(&images, kind, &Thresholds::default(), at.map(Threshold::manual)).unwrap();
            [metrics.found, metrics.false_alarms].map(|share| share.map(|share| (share.count, share.of)))
        };
        assert_eq!(counts(None, Some(2.5)), [Some((2, 3)), Some((1, 2))]);
        assert_eq!(counts(Some("a"), Some(2.5)), [Some((1, 2)), Some((1, 2))]);
        assert_eq!(counts(Some("b"), None), [None, None]);
    }

    #[test]
    fn one_threshold_serves_image_and_map_only_where_both_are_on_one_scale() {
        let [image, pixel] = [2.0, 3.0].map(|value| Some(Threshold::manual(value)));
        let stored = Thresholds { image, ..Thresholds::default() };
        assert_eq!(judged_at(stored, ImageScoreRule::Reweighted), stored);
        assert_eq!(
            judged_at(stored, ImageScoreRule::MaximumOfMap),
            Thresholds { image, pixel: image, ..Thresholds::default() }
        );
        let both = Thresholds { image, pixel, ..Thresholds::default() };
        assert_eq!(judged_at(both, ImageScoreRule::MaximumOfMap), both);
    }
}
