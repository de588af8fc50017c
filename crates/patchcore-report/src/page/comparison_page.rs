//! The page of two evaluations of the same images.

use askama::Template;
use patchcore_metrics::{Interval, Metric};

use super::{STYLE, Threshold, metric_text};
use crate::ReportError;
use crate::chart::{Histogram, LineChart, Scatter, Series, histogram, line_chart, scatter};
use crate::number::number;

/// A metric of both, and the second's minus the first's.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricDifference {
    /// Which one.
    pub metric: &'static Metric,
    /// Of the first; `None` where it is not defined.
    pub a: Option<f64>,
    /// Of the second.
    pub b: Option<f64>,
    /// Confidence interval of b - a, where one was computed.
    pub interval: Option<Interval>,
}

impl MetricDifference {
    /// b - a, where both are defined.
    pub fn difference(&self) -> Option<f64> {
        Some(self.b? - self.a?)
    }

    /// Whether the second is better; `None` where the interval does not say so, because 0 is in it.
    pub fn is_better(&self) -> Option<bool> {
        let interval = self.interval.filter(|interval| !interval.contains(0.0))?;
        Some(self.metric.improves(interval.low))
    }

    fn shown_a(&self) -> String {
        metric_text::value(self.metric, self.a)
    }

    fn shown_b(&self) -> String {
        metric_text::value(self.metric, self.b)
    }

    fn shown_difference(&self) -> String {
        let difference = metric_text::difference(self.metric, self.difference());
        match self.is_better() {
            Some(true) => format!("{difference}, better"),
            Some(false) => format!("{difference}, worse"),
            None => difference,
        }
    }

    fn shown_interval(&self) -> String {
        metric_text::interval_of_difference(self.metric, self.interval)
    }
}

/// An image that both have scored.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedImage {
    /// Its path in the test set.
    pub path: String,
    /// The kind of defect, or `good`.
    pub kind: String,
    /// Whether it is defective.
    pub is_anomalous: bool,
    /// Score of the first, finite.
    pub a: f32,
    /// Score of the second, finite.
    pub b: f32,
}

/// What a comparison is made of.
#[derive(Debug, Clone)]
pub struct ComparisonPage {
    /// Names of the first and the second, such as their folders.
    pub names: [String; 2],
    /// Metrics of both.
    pub metrics: Vec<MetricDifference>,
    /// Images that both have scored.
    pub images: Vec<ComparedImage>,
    /// Thresholds of both.
    pub thresholds: [Option<Threshold>; 2],
    /// ROC points `[false-positive rate, true-positive rate]` of both over the images above; empty where not defined.
    pub roc: [Vec<[f64; 2]>; 2],
    /// What a reader must know, such as images that only one of the two has scored.
    pub notes: Vec<String>,
    /// Most rows in a table of images.
    pub most_rows: usize,
}

/// An image with its places in both rankings, 1 being the highest score.
#[derive(Debug, Clone, PartialEq)]
struct Ranked<'a> {
    image: &'a ComparedImage,
    rank_a: usize,
    rank_b: usize,
}

impl Ranked<'_> {
    fn moved(&self) -> usize {
        self.rank_a.abs_diff(self.rank_b)
    }
}

struct Changed<'a> {
    image: &'a ComparedImage,
    a: &'static str,
    b: &'static str,
    better: bool,
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    style: &'static str,
    page: &'a ComparisonPage,
    figures: Vec<(String, &'static str)>,
    changed: Vec<Changed<'a>>,
    n_changed: usize,
    moved: Vec<Ranked<'a>>,
}

impl Page<'_> {
    fn score(&self, score: &f32) -> String {
        number(*score)
    }

    fn thresholds(&self) -> impl Iterator<Item = (&String, &Option<Threshold>)> {
        self.page.names.iter().zip(&self.page.thresholds)
    }
}

impl ComparisonPage {
    /// Writes the page.
    ///
    /// # Errors
    /// [`ReportError::Template`].
    pub fn render(&self) -> Result<String, ReportError> {
        let mut changed = self.changed();
        let n_changed = changed.len();
        changed.truncate(self.most_rows);
        let mut moved: Vec<Ranked<'_>> = self.ranked().into_iter().filter(|row| row.moved() > 0).collect();
        moved.sort_by(|x, y| y.moved().cmp(&x.moved()).then(x.image.path.cmp(&y.image.path)));
        moved.truncate(self.most_rows);
        Ok(Page { style: STYLE, page: self, figures: self.figures()?, changed, n_changed, moved }.render()?)
    }

    /// Images whose verdict differs, with both verdicts at the thresholds of their own.
    fn changed(&self) -> Vec<Changed<'_>> {
        let [Some(a), Some(b)] = &self.thresholds else { return Vec::new() };
        let word = |defective: bool| if defective { "defective" } else { "good" };
        let verdicts = self.images.iter().map(|image| (image, a.calls_defective(image.a), b.calls_defective(image.b)));
        let changed = verdicts.filter(|(_, a, b)| a != b);
        changed
            .map(|(image, a, b)| Changed { image, a: word(a), b: word(b), better: b == image.is_anomalous })
            .collect()
    }

    /// Both ranks of every image; equal scores are ranked by their order in the test set.
    fn ranked(&self) -> Vec<Ranked<'_>> {
        let ranks = |score: fn(&ComparedImage) -> f32| -> Vec<usize> {
            let mut order: Vec<(usize, f32)> = self.images.iter().map(score).enumerate().collect();
            order.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
            let mut ranks: Vec<(usize, usize)> =
                order.iter().enumerate().map(|(rank, (index, _))| (*index, rank + 1)).collect();
            ranks.sort_unstable();
            ranks.into_iter().map(|(_, rank)| rank).collect()
        };
        let both = ranks(|image| image.a).into_iter().zip(ranks(|image| image.b));
        self.images.iter().zip(both).map(|(image, (rank_a, rank_b))| Ranked { image, rank_a, rank_b }).collect()
    }

    /// Charts with what stands below them.
    fn figures(&self) -> Result<Vec<(String, &'static str)>, ReportError> {
        let [name_a, name_b] = &self.names;
        let values = self.thresholds.each_ref().map(|threshold| threshold.as_ref().map(|threshold| threshold.value));
        let points: Vec<(f32, f32, bool, &str)> =
            self.images.iter().map(|image| (image.a, image.b, image.is_anomalous, image.path.as_str())).collect();
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
        let mut figures = vec![(drawn, "Each image by both scores; dashed lines at the thresholds.")];
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
        let scores: [fn(&ComparedImage) -> f32; 2] = [|image| image.a, |image| image.b];
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_beyond_its_interval_is_better_or_worse() {
        let shown = |difference: f64, low, high| {
            let interval = Some(Interval { low, high });
            let metric = &patchcore_metrics::METRICS[0];
            MetricDifference { metric, a: Some(0.5), b: Some(0.5 + difference), interval }.shown_difference()
        };
        assert_eq!(shown(0.25, 0.125, 0.375), "+25.00 points, better");
        assert_eq!(shown(-0.25, -0.375, -0.125), "-25.00 points, worse");
        assert_eq!(shown(0.25, -0.125, 0.375), "+25.00 points");
    }

    #[test]
    fn ranks_and_verdicts_follow_the_scores() {
        let image = |path: &str, is_anomalous, a, b| ComparedImage {
            path: path.to_owned(),
            kind: String::new(),
            is_anomalous,
            a,
            b,
        };
        let threshold = |value| Some(Threshold { value, how: String::new() });
        let page = ComparisonPage {
            names: ["a".to_owned(), "b".to_owned()],
            metrics: Vec::new(),
            images: vec![image("x", false, 3.0, 10.0), image("y", true, 2.0, 30.0), image("z", true, 1.0, 20.0)],
            thresholds: [threshold(2.5), threshold(25.0)],
            roc: [Vec::new(), Vec::new()],
            notes: Vec::new(),
            most_rows: 10,
        };
        let ranks: Vec<_> = page.ranked().iter().map(|row| (row.rank_a, row.rank_b)).collect();
        assert_eq!(ranks, [(1, 3), (2, 1), (3, 2)]);
        let changed: Vec<_> = page.changed().iter().map(|row| (row.image.path.as_str(), row.a, row.better)).collect();
        assert_eq!(changed, [("x", "defective", true), ("y", "good", true)]);
        assert!(page.render().unwrap().contains("Score by score"));
    }
}
