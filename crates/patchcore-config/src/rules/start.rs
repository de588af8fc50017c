//! How the greedy coreset selection starts: section 3.2 of the paper, algorithm 1, which leaves it open.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The distances with which the greedy selection starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartRule {
    /// Infinite, except that the first pick is the row farthest from the mean.
    FarthestFromMean,
    /// Each row's mean distance to this many random rows; those rows are not picked by that.
    MeanOfRandomRows(usize),
    /// The first pick is a random row.
    RandomRow,
}

impl fmt::Display for StartRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartRule::FarthestFromMean => f.write_str("farthest_from_mean"),
            StartRule::MeanOfRandomRows(rows) => write!(f, "mean_of_random_rows ({rows})"),
            StartRule::RandomRow => f.write_str("random_row"),
        }
    }
}
