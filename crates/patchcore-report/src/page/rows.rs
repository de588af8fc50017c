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
