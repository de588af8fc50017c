//! The page of one evaluation: `report.html`.

use askama::Template;
use patchcore_metrics::{
    AuthorsNormalization, Confusion, LookAgain, METRICS, Metric, MetricError, MetricSource, Results, SetResults, Share,
    StressResults,
};

use super::card::{Card, Evidence};
use super::gallery::choose;
use super::stress::StressSection;
use super::verdicts::{Call, Verdicts};
use super::{Fact, ImageRow, STYLE, Threshold, metric_text};
use crate::chart::{Histogram, LineChart, Series, color_bar, histogram, line_chart};
use crate::{ColorScale, ReportError};

/// What a report is made of; plain values, so that it does not matter who computed them.
#[derive(Debug, Clone)]
pub struct EvaluationPage {
    /// Name of what was evaluated.
    pub title: String,
    /// The metrics, over all images and per kind of defect.
    pub results: Results,
    /// Every image of the test set.
    pub images: Vec<ImageRow>,
    /// Threshold of the image scores.
    pub image_threshold: Option<Threshold>,
    /// A second, lower threshold: what lies above it and not above the other is called neither good nor defective but looked at again.
    pub look_again: Option<Threshold>,
    /// Threshold of the maps: where the contour is drawn.
    pub pixel_threshold: Option<Threshold>,
    /// The one scale of all heat maps.
    pub scale: ColorScale,
    /// Points `[false-positive rate, true-positive rate]` of the images; empty where it is not defined.
    pub roc: Vec<[f64; 2]>,
    /// Points `[recall, precision]` of the images; empty where it is not defined.
    pub pr: Vec<[f64; 2]>,
    /// Points `[false-positive rate, per-region overlap]` of the pixels; empty where it is not defined.
    pub pro: Vec<[f64; 2]>,
    /// Points `[log10 of the false-positive rate of the good images, mean overlap of the defective images]`; empty where it is
    /// not defined.
    pub pimo: Vec<[f64; 2]>,
    /// What becomes of the verdicts when light, focus or place change, where that was tested.
    pub stress: Option<StressResults>,
    /// What a reader must know before believing the numbers, such as images that failed.
    pub notes: Vec<String>,
    /// How the model was made.
    pub configuration: Vec<Fact>,
    /// Where and when it was evaluated.
    pub environment: Vec<Fact>,
    /// Most images in a gallery; 10 give a file of 1 to 2 MB.
    pub gallery_size: usize,
}

/// Rows of the table of all images; the rest is in `scores.csv`.
const MOST_ROWS: usize = 1000;

/// A figure with what stands below it.
struct Figure {
    svg: String,
    caption: String,
}

struct Gallery {
    id: &'static str,
    title: &'static str,
    about: &'static str,
    none: &'static str,
    cards: Vec<Card>,
    /// How many there are, where only some are shown.
    total: Option<usize>,
}

impl Gallery {
    /// How many of its images have no card.
    fn more(&self) -> usize {
        self.total.map_or(0, |total| total.saturating_sub(self.cards.len()))
    }

    /// Whether its images are called what they are not.
    fn is_of_errors(&self) -> bool {
        self.total.is_some() && !self.cards.is_empty()
    }
}

/// A table of metrics per kind.
struct MetricTable {
    title: &'static str,
    metrics: Vec<&'static Metric>,
}

/// Metrics that stand beside the counts of each kind; the others have tables of their own.
const HEADLINE: [&Metric; 2] = [&Metric::IMAGE_AUROC, &Metric::AUPRO_05];
/// Said where an interval has no width.
const TOO_FEW: &str = "too few photos to say";

#[derive(Template)]
#[template(path = "evaluation.html")]
struct Page<'a> {
    style: &'static str,
    page: &'a EvaluationPage,
    sentence: String,
    verdicts: Verdicts<'a>,
    figures: Vec<Figure>,
    legend: String,
    galleries: Vec<Gallery>,
    rows: &'a [ImageRow],
    stress: Option<StressSection<'a>>,
}

impl Page<'_> {
    fn metrics(&self) -> &'static [Metric] {
        &METRICS
    }

    /// Each kind of defect, then all images.
    fn sets(&self) -> impl Iterator<Item = (&str, &SetResults)> {
        let results = &self.page.results;
        results.kinds.iter().map(|(kind, set)| (kind.as_str(), set)).chain([("all", &results.overall)])
    }

    fn value(&self, set: &SetResults, metric: &Metric) -> String {
        metric_text::value(metric, set.values.get(metric))
    }

    /// How far a metric may be off, or that nothing can be said of it; `None` where no interval was computed.
    fn interval(&self, set: &SetResults, metric: &Metric) -> Option<String> {
        let interval = set.intervals.get(metric)?;
        Some(metric_text::interval(metric, interval).map_or_else(|| TOO_FEW.to_owned(), |ends| unbroken(&ends)))
    }

    /// A share with its interval, on one line.
    fn in_percent(&self, share: &Share) -> String {
        unbroken(&share.in_percent())
    }

    fn headline(&self) -> [&'static Metric; 2] {
        HEADLINE
    }

    /// All metrics per kind, in tables that are narrow enough for a page.
    fn metric_tables(&self) -> [MetricTable; 2] {
        let of = |of_images: bool| {
            METRICS.iter().filter(|metric| matches!(metric.source, MetricSource::Images(_)) == of_images).collect()
        };
        [
            MetricTable { title: "Whole images", metrics: of(true) },
            MetricTable { title: "Where the defects are", metrics: of(false) },
        ]
    }

    /// Every metric with the model's own weights and with those of the test set; `None` where the latter were not asked for.
    fn as_authors(&self) -> Option<Vec<[String; 3]>> {
        let results = &self.page.results;
        let joined = results.authors_normalization.as_ref()?;
        let row = |(metric, own, theirs): (&Metric, f64, f64)| {
            let [own, theirs] = [own, theirs].map(|value| metric_text::value(metric, Some(value)));
            [metric.label.to_owned(), own, theirs]
        };
        Some(joined.beside(&results.overall).into_iter().map(row).collect())
    }

    fn authors_note(&self) -> &'static str {
        AuthorsNormalization::NOTE
    }

    /// The two counts of a set: their headings, the counts and their shares.
    fn counts(&self, set: &SetResults) -> [(&'static str, Option<Share>); 2] {
        [("found", set.found), ("worst place on the defect", set.worst_on_defect)]
    }

    /// Good and defective images by what they are called; empty without a threshold.
    fn called(&self) -> Vec<(&'static str, Vec<usize>)> {
        let calls = self.calls();
        let row = |(name, is_anomalous)| {
            let count = |(_, call): &(&str, Call)| self.verdicts.count(&self.page.images, is_anomalous, *call);
            (name, calls.iter().map(count).collect())
        };
        [("good", false), ("defective", true)].map(row).into()
    }

    /// What an image can be called, with the headings.
    fn calls(&self) -> Vec<(&'static str, Call)> {
        let mut calls = vec![("called good", Call::Good)];
        calls.extend(self.verdicts.look_again.map(|_| ("look again", Call::LookAgain)));
        calls.push(("called defective", Call::Defective));
        calls
    }

    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.page.configuration.iter().chain(&self.page.environment)
    }

    fn verdict(&self, row: &ImageRow) -> &'static str {
        match row.score.and_then(|score| self.verdicts.call(score)) {
            Some(Call::Defective) => "defective",
            Some(Call::LookAgain) => "look again",
            Some(Call::Good) => "good",
            None => "none",
        }
    }
}

impl EvaluationPage {
    /// Writes the page. `evidence` loads what is shown of an image, by its index; it is asked once for each image in a
    /// gallery, and a reason in the place of the pictures is no failure.
    ///
    /// # Errors
    /// [`ReportError`] when a picture and its map do not fit each other, the scale has no extent, or an image's score is not
    /// finite.
    #[expect(clippy::indexing_slicing, reason = "galleries hold indices of these images")]
    pub fn render(&self, evidence: &mut dyn FnMut(usize) -> Result<Evidence, String>) -> Result<String, ReportError> {
        let verdicts = Verdicts { threshold: self.image_threshold.as_ref(), look_again: self.look_again.as_ref() };
        let mut galleries = Vec::new();
        for choice in choose(&self.images, verdicts, self.gallery_size) {
            let mut cards = Vec::new();
            for index in choice.images {
                let row = &self.images[index];
                cards.push(Card::new((index, row), evidence(index), verdicts, &self.scale)?);
            }
            let (id, title, about, none, total) = (choice.id, choice.title, choice.about, choice.none, choice.total);
            galleries.push(Gallery { id, title, about, none, cards, total });
        }
        let page = Page {
            style: STYLE,
            page: self,
            sentence: self.sentence(),
            verdicts,
            figures: self.figures()?,
            legend: color_bar("legend", &self.scale)?,
            galleries,
            // All, where they are fewer.
            rows: self.images.get(..MOST_ROWS).unwrap_or(&self.images),
            stress: self.stress.as_ref().map(StressSection::new).transpose()?,
        };
        Ok(page.render()?)
    }

    /// How often [`EvaluationPage::render`] asks for evidence, to show how far it is.
    #[must_use]
    pub fn n_cards(&self) -> usize {
        let verdicts = Verdicts { threshold: self.image_threshold.as_ref(), look_again: self.look_again.as_ref() };
        choose(&self.images, verdicts, self.gallery_size).iter().map(|choice| choice.images.len()).sum()
    }

    /// What it comes to, in the words of metrics.json.
    fn sentence(&self) -> String {
        let sentence = self.results.sentence.clone().unwrap_or_else(|| self.results.in_words());
        match (&self.look_again, &self.image_threshold, self.results.overall.look_again) {
            (Some(low), Some(high), None) => {
                let scored = self.images.iter().filter_map(|row| Some((row.score?, row.is_anomalous)));
                format!("{sentence} {}", LookAgain::counted(low.value, high.value, scored))
            }
            _ => sentence,
        }
    }

    fn value(&self, metric: &Metric) -> String {
        metric_text::value(metric, self.results.overall.values.get(metric))
    }

    /// How the images are called at the threshold; those without a score are in none of the counts.
    fn confusion(&self) -> Result<Option<Confusion>, ReportError> {
        let scored = self.images.iter().filter_map(|row| Some((row.score?, row.is_anomalous)));
        let (scores, labels): (Vec<f32>, Vec<bool>) = scored.unzip();
        let at = |threshold: &Threshold| Confusion::at(threshold.value, &scores, &labels);
        Ok(self.image_threshold.as_ref().map(at).transpose()?)
    }

    fn figures(&self) -> Result<Vec<Figure>, ReportError> {
        let scores = |defective: bool| -> Vec<f32> {
            self.images.iter().filter(|row| row.is_anomalous == defective).filter_map(|row| row.score).collect()
        };
        let (good, defective) = (scores(false), scores(true));
        for (index, row) in self.images.iter().enumerate() {
            if let Some(value) = row.score.filter(|score| !score.is_finite()) {
                return Err(MetricError::NonFiniteScore { map: None, index, value }.into());
            }
        }
        let threshold = self.image_threshold.as_ref();
        let svg = histogram(&Histogram {
            id: "histogram",
            title: "Image scores",
            good: &good,
            defective: &defective,
            threshold: threshold.map(|threshold| threshold.value),
        })?;
        let caption = "Scores of the images, good ones upwards, defective ones downwards.".to_owned();
        let mut figures = vec![Figure { svg, caption }];

        let confusion = self.confusion()?;
        let rates =
            confusion.and_then(|counts| Some((counts, counts.false_positive_rate()?, counts.true_positive_rate()?)));
        let point = |at: [f64; 2]| (at, "at the threshold".to_owned());
        if !self.roc.is_empty() {
            let auroc = self.value(&Metric::IMAGE_AUROC);
            figures.push(curve(&LineChart {
                id: "roc",
                title: "ROC curve",
                description: &format!("True-positive rate over false-positive rate of the images; area {auroc}."),
                x_name: "good images called defective",
                y_name: "defective images found",
                series: &[Series { name: "images", points: &self.roc, steps: false }],
                chance: Some((0.0, 1.0)),
                operating_point: rates.map(|(_, fpr, recall)| point([fpr, recall])),
                limit: None,
                decades: None,
            })?);
        }
        if !self.pr.is_empty() {
            // A curve without an image has no base line; it is drawn at 0.
            let total = (good.len() + defective.len()).max(1);
            let base = defective.len() as f64 / total as f64;
            let precision = rates.and_then(|(counts, _, recall)| Some([recall, counts.precision()?]));
            figures.push(curve(&LineChart {
                id: "pr",
                title: "Precision-recall curve",
                description: &format!(
                    "Precision over recall of the images; average {}.",
                    self.value(&Metric::IMAGE_AP)
                ),
                x_name: "defective images found (recall)",
                y_name: "alarms that are right (precision)",
                series: &[Series { name: "images", points: &self.pr, steps: true }],
                chance: Some((base, base)),
                operating_point: precision.map(point),
                limit: None,
                decades: None,
            })?);
        }
        if !self.pro.is_empty() {
            let (strict, wide) = (self.value(&Metric::AUPRO_05), self.value(&Metric::AUPRO_30));
            figures.push(curve(&LineChart {
                id: "pro",
                title: "Per-region-overlap curve",
                description: &format!(
                    "Mean share of each defect that is found, over the share of good pixels called defective; \
                     AUPRO up to 0.05 is {strict}, up to 0.3 {wide}."
                ),
                x_name: "good pixels called defective",
                y_name: "mean share of each defect found",
                series: &[Series { name: "pixels", points: &self.pro, steps: false }],
                chance: None,
                operating_point: None,
                limit: Some((0.05, "limit of AUPRO 0.05")),
                decades: None,
            })?);
        }
        if !self.pimo.is_empty() {
            let aupimo = self.value(&Metric::AUPIMO);
            figures.push(curve(&LineChart {
                id: "pimo",
                title: "Per-image-overlap curve",
                description: &format!(
                    "Mean share of each image's defect that is found, over the share of the good images' pixels called \
                     defective; AUPIMO from 1e-5 to 1e-4 is {aupimo}."
                ),
                x_name: "pixels of good images called defective",
                y_name: "mean share of each defect found",
                series: &[Series { name: "images", points: &self.pimo, steps: false }],
                chance: None,
                operating_point: None,
                limit: Some((-4.0, "upper end of AUPIMO")),
                decades: Some((-6, -2)),
            })?);
        }
        Ok(figures)
    }
}

/// The same without a place to break it.
fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

fn curve(chart: &LineChart<'_>) -> Result<Figure, ReportError> {
    Ok(Figure { svg: line_chart(chart)?, caption: format!("{}. {}", chart.title, chart.description) })
}
