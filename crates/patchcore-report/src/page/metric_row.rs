//! Rows of a page's tables.

use crate::number::number;

/// A name and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What is said.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Fact {
    /// A fact.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// One metric of one set.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricValue {
    /// Its name, such as `image AUROC`.
    pub name: &'static str,
    /// Its value in [0, 1]; `None` where it is not defined (one class only, no mask).
    pub value: Option<f64>,
    /// Confidence interval in [0, 1], where one was computed.
    pub interval: Option<(f64, f64)>,
}

impl MetricValue {
    /// In percent, or a dash.
    pub(crate) fn shown(&self) -> String {
        percent(self.value)
    }

    /// The interval in percent.
    pub(crate) fn shown_interval(&self) -> Option<String> {
        self.interval.map(|(low, high)| format!("{:.1} to {:.1}", low * 100.0, high * 100.0))
    }
}

/// The metrics of a set: all images, or one kind of defect together with all good images.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    /// Name of the set.
    pub name: String,
    /// Good images scored.
    pub n_normal: usize,
    /// Defective images scored.
    pub n_anomalous: usize,
    /// The same metrics in the same order for every row of a page.
    pub values: Vec<MetricValue>,
}

/// One image of the test set.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRow {
    /// Its path in the test set.
    pub path: String,
    /// The kind of defect, or `good`.
    pub kind: String,
    /// Whether it is defective.
    pub is_anomalous: bool,
    /// The image score, finite; `None` for an image that failed.
    pub score: Option<f32>,
    /// Why it failed, or why its pixels are not judged.
    pub error: Option<String>,
}

impl ImageRow {
    /// The score as people read it.
    pub(crate) fn shown_score(&self) -> String {
        self.score.map_or_else(|| "none".to_owned(), number)
    }
}

/// In percent with two digits and a space that does not break, or a dash.
pub(crate) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.2}\u{a0}%", value * 100.0))
}
