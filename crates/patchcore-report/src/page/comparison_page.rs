//! The page of two evaluations of the same images.

use askama::Template;
use image::RgbImage;
use patchcore_metrics::{
    ChangedPhoto, ComparedPhoto, Comparison, KindDifference, METRICS, Metric, MetricDifference, OperatingBasis,
    PairedCount,
};

use super::picture::Picture;
use super::rows::Fact;
use super::{STYLE, Threshold, metric_text};
use crate::ReportError;
use crate::chart::{Histogram, LineChart, Scatter, Series, histogram, line_chart, scatter};
use crate::number::number;

/// What a comparison is made of.
#[derive(Debug, Clone)]
pub struct ComparisonPage {
    /// What it found.
    pub comparison: Comparison,
    /// Images that both have scored.
    pub images: Vec<ComparedPhoto>,
    /// The thresholds that both models carry.
    pub thresholds: [Option<Threshold>; 2],
    /// ROC points `[false-positive rate, true-positive rate]` of both over the images above; empty where not defined.
    pub roc: [Vec<[f64; 2]>; 2],
    /// Heat maps of the first changed photos, in their order: the first's and the second's, or why there is none.
    pub heat_maps: Vec<[Result<RgbImage, String>; 2]>,
    /// What a reader must know, such as images that only one of the two has scored.
    pub notes: Vec<String>,
    /// How the page came about.
    pub facts: Vec<Fact>,
    /// Most rows in a table of images.
    pub most_rows: usize,
}

/// Long side of a heat map on the page, in pixels.
const LONG_SIDE: u32 = 720;

/// An image with its places in both rankings, 1 being the highest score.
#[derive(Debug, Clone, PartialEq)]
struct Ranked<'a> {
    image: &'a ComparedPhoto,
    rank_a: usize,
    rank_b: usize,
}

impl Ranked<'_> {
    fn moved(&self) -> usize {
        self.rank_a.abs_diff(self.rank_b)
    }
}

/// A metric's row.
struct MetricRow {
    metric: &'static Metric,
    first: String,
    second: String,
    difference: String,
    interval: String,
}

impl MetricRow {
    fn new(metric: &'static Metric, row: &MetricDifference) -> Self {
        let difference = metric_text::difference(metric, row.difference);
        Self {
            metric,
            first: metric_text::value(metric, row.value.first),
            second: metric_text::value(metric, row.value.second),
            difference: match row.is_better(metric) {
                Some(true) => format!("{difference}, better"),
                Some(false) => format!("{difference}, worse"),
                None => difference,
            },
            interval: metric_text::interval_of_difference(metric, row.interval),
        }
    }
}

/// A changed photo with its heat maps.
struct Card<'a> {
    photo: &'a ChangedPhoto,
    /// Of the first and of the second, each with what stands below it, or why there is none.
    views: [(&'static str, Result<Picture, &'a str>); 2],
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    style: &'static str,
    page: &'a ComparisonPage,
    metrics: Vec<MetricRow>,
    figures: Vec<(String, &'static str)>,
    cards: Vec<Card<'a>>,
    changed: &'a [ChangedPhoto],
    moved: Vec<Ranked<'a>>,
}

impl Page<'_> {
    fn score(&self, score: &f32) -> String {
        number(*score)
    }

    fn thresholds(&self) -> impl Iterator<Item = (&String, &Option<Threshold>)> {
        self.page.comparison.names.iter().zip(&self.page.thresholds)
    }

    /// What the verdicts are taken at.
    fn basis(&self) -> String {
        let Some(point) = self.page.comparison.operating_point else {
            return "There are no good photos in common, so there are no thresholds at which verdicts can be compared."
                .to_owned();
        };
        let (rate, first, second) = (share(point.rate), number(point.first), number(point.second));
        let alarms =
            self.page.comparison.false_alarms.map(|alarms| alarms.first.max(alarms.second)).unwrap_or_default();
        match point.basis {
            OperatingBasis::CalibratedAlike => format!(
                "Both models are calibrated alike, for at most {rate} % false alarms, so verdicts are taken at the threshold of each: \
                 {first} of the first, {second} of the second."
            ),
            _ => format!(
                "The thresholds of the two were not calibrated alike, so verdicts are compared at equal false alarms: at thresholds that \
                 call {alarms} of the common good photos defective in both, at most {rate} %: {first} of the first, {second} of the second."
            ),
        }
    }

    fn word(&self, photo: &ChangedPhoto, is_second: bool) -> &'static str {
        // What is right of a defective photo is to call it defective.
        if (photo.second_is_right == is_second) == photo.is_anomalous { "defective" } else { "good" }
    }

    fn found(&self, kind: &KindDifference, is_second: bool) -> String {
        let count = |found: PairedCount| if is_second { found.second } else { found.first };
        kind.found.map_or_else(|| "–".to_owned(), |found| format!("{} of {}", count(found), found.of))
    }

    fn auroc(&self, value: &Option<f64>) -> String {
        metric_text::value(&Metric::IMAGE_AUROC, *value)
    }

    fn known<'v>(&self, value: &'v Option<String>) -> &'v str {
        value.as_deref().unwrap_or("no such setting")
    }

    fn ms(&self) -> Option<String> {
        let times = &self.page.comparison.ms_per_photo;
        let shown = |ms: f64| format!("{ms:.1} ms");
        let (first, second) = (times.first.map(shown), times.second.map(shown));
        let of = |time: Option<String>| time.unwrap_or_else(|| "not recorded".to_owned());
        (first.is_some() || second.is_some())
            .then(|| format!("{} by the first, {} by the second", of(first), of(second)))
    }
}

/// A share in percent, as people write it.
fn share(share: f64) -> f64 {
    (share * 1e10).round() / 1e8
}

impl ComparisonPage {
    /// Writes the page.
    ///
    /// # Errors
    /// [`ReportError::Template`], and [`ReportError::EncodePicture`] for an empty heat map.
    pub fn render(&self) -> Result<String, ReportError> {
        let rows = METRICS.iter().filter_map(|metric| Some(MetricRow::new(metric, self.comparison.metric(metric)?)));
        let mut moved: Vec<Ranked<'_>> = self.ranked().into_iter().filter(|row| row.moved() > 0).collect();
        moved.sort_by(|x, y| y.moved().cmp(&x.moved()).then(x.image.path.cmp(&y.image.path)));
        moved.truncate(self.most_rows);
        let changed = self.comparison.changed.as_slice();
        let page = Page {
            style: STYLE,
            page: self,
            metrics: rows.collect(),
            figures: self.figures()?,
            cards: self.cards()?,
            changed: changed.get(..self.most_rows).unwrap_or(changed),
            moved,
        };
        Ok(page.render()?)
    }

    fn cards(&self) -> Result<Vec<Card<'_>>, ReportError> {
        let mut cards = Vec::new();
        for (photo, maps) in self.comparison.changed.iter().zip(&self.heat_maps) {
            let [first, second] = maps;
            let views = [view(photo, "first", first)?, view(photo, "second", second)?];
            cards.push(Card { photo, views });
        }
        Ok(cards)
    }

    /// Both ranks of every image; equal scores are ranked by their order in the test set.
    fn ranked(&self) -> Vec<Ranked<'_>> {
        let ranks = |score: fn(&ComparedPhoto) -> f32| -> Vec<usize> {
            let mut order: Vec<(usize, f32)> = self.images.iter().map(score).enumerate().collect();
            order.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
            let mut ranks: Vec<(usize, usize)> =
                order.iter().enumerate().map(|(rank, (index, _))| (*index, rank + 1)).collect();
            ranks.sort_unstable();
            ranks.into_iter().map(|(_, rank)| rank).collect()
        };
        let both = ranks(|image| image.first).into_iter().zip(ranks(|image| image.second));
        self.images.iter().zip(both).map(|(image, (rank_a, rank_b))| Ranked { image, rank_a, rank_b }).collect()
    }

    /// Charts with what stands below them.
    fn figures(&self) -> Result<Vec<(String, &'static str)>, ReportError> {
        let [name_a, name_b] = &self.comparison.names;
        let point = self.comparison.operating_point;
        let values = [point.map(|point| point.first), point.map(|point| point.second)];
        let points: Vec<(f32, f32, bool, &str)> = self
            .images
            .iter()
            .map(|image| (image.first, image.second, image.is_anomalous, image.path.as_str()))
            .collect();
        let drawn = scatter(&Scatter {
            id: "scatter",
            title: "Score by score",
            description: &format!(
                "One mark for each of {} images: the score of the first across, of the second upwards; \
                 dashed lines at the thresholds.",
                points.len()
            ),
            x_name: "score, first",
            y_name: "score, second",
            points: &points,
            thresholds: (values[0], values[1]),
        })?;
        let mut figures = vec![(drawn, "Each image by both scores; dashed lines at the thresholds of the comparison.")];
        let [roc_a, roc_b] = &self.roc;
        if !roc_a.is_empty() && !roc_b.is_empty() {
            let drawn = line_chart(&LineChart {
                id: "roc",
                title: "ROC curves",
                description: &format!("Solid: the first, {name_a}. Dashed: the second, {name_b}."),
                x_name: "good images called defective",
                y_name: "defective images found",
                series: &[
                    Series { name: "first", points: roc_a, steps: false },
                    Series { name: "second", points: roc_b, steps: false },
                ],
                chance: Some((0.0, 1.0)),
                operating_point: None,
                limit: None,
                decades: None,
            })?;
            figures.push((drawn, "ROC curves of the images that both have scored."));
        }
        let scores: [fn(&ComparedPhoto) -> f32; 2] = [|image| image.first, |image| image.second];
        for ((score, threshold), (id, title)) in
            scores.into_iter().zip(values).zip([("first", "Scores of the first"), ("second", "Scores of the second")])
        {
            let of = |defective: bool| -> Vec<f32> {
                self.images.iter().filter(|image| image.is_anomalous == defective).map(score).collect()
            };
            let drawn = histogram(&Histogram { id, title, good: &of(false), defective: &of(true), threshold })?;
            figures.push((drawn, title));
        }
        Ok(figures)
    }
}

/// A heat map with whose it is, or why there is none.
fn view<'a>(
    photo: &ChangedPhoto,
    name: &'static str,
    map: &'a Result<RgbImage, String>,
) -> Result<(&'static str, Result<Picture, &'a str>), ReportError> {
    Ok((
        name,
        match map {
            Ok(map) => Ok(Picture::sized(map, LONG_SIDE, format!("Heat map of {}, {name}", photo.path))?),
            Err(reason) => Err(reason.as_str()),
        },
    ))
}

#[cfg(test)]
mod tests {
    use patchcore_metrics::{Bootstrap, EvaluatedModel, Interval, Judged};

    use super::*;

    #[test]
    fn a_difference_beyond_its_interval_is_better_or_worse() {
        let shown = |difference: f64, low, high| {
            let row = MetricDifference::new(Some(0.5), Some(0.5 + difference), Some(Interval { low, high }));
            MetricRow::new(&Metric::IMAGE_AUROC, &row).difference
        };
        assert_eq!(shown(0.25, 0.125, 0.375), "+25.00 points, better");
        assert_eq!(shown(-0.25, -0.375, -0.125), "-25.00 points, worse");
        assert_eq!(shown(0.25, -0.125, 0.375), "+25.00 points");
    }

    fn page(images: Vec<ComparedPhoto>) -> ComparisonPage {
        let judged = Judged::new(&images, [None, None], &Bootstrap::default()).unwrap();
        let models = [EvaluatedModel::default(), EvaluatedModel { seed: 7, ..EvaluatedModel::default() }];
        let names = ["a".to_owned(), "b".to_owned()];
        let mut comparison = Comparison::new(names, &images, &judged, [].into(), models).unwrap();
        comparison.ms_per_photo.first = Some(12.5);
        let picture = RgbImage::from_pixel(1600, 400, image::Rgb([9, 9, 9]));
        ComparisonPage {
            comparison,
            images,
            thresholds: [None, Some(Threshold { value: 2.5, how: "set by hand".to_owned() })],
            roc: [Vec::new(), Vec::new()],
            heat_maps: vec![[Ok(picture), Err("no overlays were drawn".to_owned())]],
            notes: Vec::new(),
            facts: vec![Fact::new("program", "patchcore")],
            most_rows: 10,
        }
    }

    #[test]
    fn ranks_verdicts_and_what_differs_are_shown() {
        let image = |path: &str, is_anomalous, first, second| ComparedPhoto {
            path: path.to_owned(),
            kind: if is_anomalous { "crack" } else { "good" }.to_owned(),
            is_anomalous,
            first,
            second,
        };
        let page = page(vec![image("x", false, 3.0, 10.0), image("y", true, 2.0, 30.0), image("z", true, 1.0, 20.0)]);
        let ranks: Vec<_> = page.ranked().iter().map(|row| (row.rank_a, row.rank_b)).collect();
        assert_eq!(ranks, [(1, 3), (2, 1), (3, 2)]);
        let html = page.render().unwrap();
        for needle in [
            "Score by score",
            "The photos do not suffice",
            "call 0 of the common good photos defective in both, at most 5 %: 3.00 of the first, 10.0 of the second",
            "<td role=\"cell\" data-name=\"found, first\">0 of 2</td><td role=\"cell\" data-name=\"found, second\">2 of 2</td>",
            "<th scope=\"row\" role=\"rowheader\">seed</th><td role=\"cell\" class=\"words\" data-name=\"first\">0</td>",
            "12.5 ms by the first, not recorded by the second",
            "no overlays were drawn",
            "width=\"720\" height=\"180\"",
            "2 images change their verdict",
            "good (2.00)</td><td role=\"cell\" data-name=\"second\">defective (30.0)</td><td role=\"cell\" data-name=\"second is\">right",
        ] {
            assert!(html.contains(needle), "{needle}: {html}");
        }
    }
}
