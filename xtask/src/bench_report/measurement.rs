//! A measured row, as it stands in the JSON file.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::rows::Row;

/// One comparison's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured, with its unit.
    pub what: String,
    /// Our median.
    pub ours_ms: f64,
    /// Who the other side was.
    pub peer: String,
    /// Its median.
    pub peer_ms: f64,
    /// Median of the rounds' ratios, theirs over ours: above 1 we are better.
    pub ratio: f64,
    /// The least ratio that is wanted.
    pub target: Option<f64>,
    /// Whether it was reached; true without a target.
    pub met: bool,
    /// Operations of the plain method per second of ours, in 10^9: above the ceiling where we do fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gflops: Option<f64>,
    /// Those of a large matrix product in the same run, on as many threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling_gflops: Option<f64>,
}

impl Measurement {
    /// Medians of a row's rounds.
    pub fn new(row: &Row, ours: &mut [f64], peer: &mut [f64], ratios: &mut [f64], ceiling: f64) -> Self {
        let (ours_ms, peer_ms, ratio) = (median(ours), median(peer), median(ratios));
        Self {
            what: row.what.clone(),
            ours_ms,
            peer: row.peer.to_owned(),
            peer_ms,
            ratio,
            target: row.target,
            met: row.target.is_none_or(|target| ratio >= target),
            gflops: row.gflop.map(|gflop| gflop / ours_ms * 1e3),
            ceiling_gflops: row.gflop.map(|_| ceiling),
        }
    }

    /// For the terminal.
    pub fn line(&self) -> String {
        let met = if self.met { "" } else { "  MISSED" };
        let target = self.target.map_or("-".to_owned(), |target| target.to_string());
        let [ours, peer] = [self.ours_ms, self.peer_ms].map(three_digits);
        let rate = match (self.gflops, self.ceiling_gflops) {
            (Some(ours), Some(ceiling)) => format!(", {ours:.0} GFLOP/s nominal of {ceiling:.0}"),
            _ => String::new(),
        };
        let Self { what, peer: name, ratio, .. } = self;
        format!("{what}: {ours} against {peer} ({name}): {ratio:.2} (target {target}){rate}{met}")
    }
}

/// The middle value; of an even number of values, the mean of the two in the middle.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(at(middle.wrapping_sub(1)), at(middle)) } else { at(middle) }
}

/// A number with about three digits that count.
pub fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

/// The rows of a file; none if it is not there.
///
/// # Errors
/// A file that is none of ours.
pub fn read(path: &Path) -> anyhow::Result<Vec<Measurement>> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(Vec::new()) };
    serde_json::from_str(&text).with_context(|| format!("{} holds no rows of a report; delete it", path.display()))
}

/// Writes rows.
///
/// # Errors
/// A file that cannot be written.
pub fn write(path: &Path, rows: &[Measurement]) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(rows)? + "\n";
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench_report::rows;

    #[test]
    fn a_row_is_judged_by_the_median_of_its_ratios() {
        let row = rows::all().into_iter().find(|row| row.target == Some(1.3)).unwrap();
        let measured = Measurement::new(&row, &mut [3.0, 1.0, 2.0], &mut [4.0, 4.0, 4.0], &mut [4.0, 1.2, 2.0], 100.0);
        assert_eq!((measured.ours_ms, measured.peer_ms, measured.ratio, measured.met), (2.0, 4.0, 2.0, true));
        assert!(!Measurement::new(&row, &mut [1.0], &mut [1.0], &mut [1.0], 100.0).met);
        let text = serde_json::to_string(&[&measured]).unwrap();
        for key in ["what", "ours_ms", "peer", "peer_ms", "ratio", "target", "met"] {
            assert!(text.contains(&format!("\"{key}\":")), "{key}");
        }
    }

    #[test]
    fn an_even_number_of_values_has_its_median_between_two() {
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 8.0]), 3.0);
        assert_eq!(median(&mut [4.0]), 4.0);
        assert!(median(&mut []).is_nan());
    }

    #[test]
    fn no_two_rows_have_one_name() {
        let rows = rows::all();
        for (index, row) in rows.iter().enumerate() {
            assert!(rows.iter().skip(index + 1).all(|other| other.what != row.what && other.name() != row.name()));
        }
    }
}
