//! A measured row, as it stands in the file of `--json`.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::rows::{Peer, Row};

/// One comparison's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    pub target: f64,
    /// Whether it was reached.
    pub met: bool,
    /// Operations of the plain method per second of ours, in 10^9: above the ceiling where we do fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gflops: Option<f64>,
    /// Those of the peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_gflops: Option<f64>,
    /// Those of a large matrix product in the same run, on as many threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling_gflops: Option<f64>,
    /// When, `YYYY-MM-DD`.
    pub date: String,
}

/// What is kept of a row's rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Medians {
    /// Our median.
    pub ours: f64,
    /// The peer's.
    pub its: f64,
    /// Median of the rounds' ratios.
    pub ratio: f64,
    /// GFLOP/s of a large matrix product on as many threads.
    pub ceiling: Option<f64>,
}

impl Medians {
    /// Of rounds in which both sides were measured, one after the other.
    pub fn of(ours: &[f64], its: &[f64], ceiling: Option<f64>) -> Self {
        let mut ratios: Vec<f64> = its.iter().zip(ours).map(|(its, ours)| its / ours).collect();
        Self { ours: median(&mut ours.to_vec()), its: median(&mut its.to_vec()), ratio: median(&mut ratios), ceiling }
    }
}

impl Measurement {
    /// What was measured of a row on one day.
    pub fn new(row: &Row, peer: &Peer, medians: &Medians, date: &str) -> Self {
        let &Medians { ours: ours_ms, its: peer_ms, ratio, ceiling } = medians;
        Self {
            what: row.what.clone(),
            ours_ms,
            peer: peer.name.to_owned(),
            peer_ms,
            ratio,
            target: peer.target,
            met: ratio >= peer.target,
            gflops: row.gflop.map(|gflop| gflop / ours_ms * 1e3),
            peer_gflops: row.gflop.map(|gflop| gflop / peer_ms * 1e3),
            ceiling_gflops: row.gflop.and(ceiling),
            date: date.to_owned(),
        }
    }

    /// For the terminal.
    pub fn line(&self) -> String {
        let met = if self.met { "" } else { "  MISSED" };
        let [ours, peer] = [self.ours_ms, self.peer_ms].map(three_digits);
        let rate = match (self.gflops, self.peer_gflops, self.ceiling_gflops) {
            (Some(ours), Some(peer), Some(ceiling)) => {
                format!(", {ours:.0} GFLOP/s nominal against {peer:.0}, ceiling {ceiling:.0}")
            }
            _ => String::new(),
        };
        let Self { what, peer: name, ratio, target, .. } = self;
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

/// Two decimals at most, fewer of large numbers and of those that were kept with fewer.
pub fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let [rounded, shortest] = [format!("{value:.decimals$}"), value.to_string()];
    if shortest.len() < rounded.len() { shortest } else { rounded }
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
        let row = rows::all().remove(0);
        let peer = Peer { target: 1.3, ..row.peers[0].clone() };
        let new = |ours: &[f64], its: &[f64]| {
            Measurement::new(&row, &peer, &Medians::of(ours, its, Some(100.0)), "2026-11-30")
        };
        // Ratios 4, 1.25, 1: their median is not the ratio of the medians.
        let measured = new(&[1.0, 4.0, 3.0], &[4.0, 5.0, 3.0]);
        assert_eq!((measured.ours_ms, measured.peer_ms, measured.ratio, measured.met), (3.0, 4.0, 1.25, false));
        assert!(new(&[1.0], &[1.3]).met);
        // Twice the peer's time is half its operations in a second.
        let half = new(&[1.0], &[2.0]);
        assert_eq!(half.gflops, half.peer_gflops.map(|peer| 2.0 * peer));
        let text = serde_json::to_string(&[&measured]).unwrap();
        for key in ["what", "ours_ms", "peer", "peer_ms", "ratio", "target", "met", "date"] {
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
    fn numbers_have_three_digits_or_those_that_they_came_with() {
        assert_eq!([1.8, 44.0, 4.95, 2.0631, 11.58, 209.3].map(digits), ["1.8", "44", "4.95", "2.06", "11.6", "209"]);
    }

    #[test]
    fn no_two_rows_have_one_name() {
        let rows = rows::all();
        for (index, row) in rows.iter().enumerate() {
            for other in rows.iter().skip(index + 1) {
                assert!(other.what != row.what && other.name() != row.name());
                assert!((other.group, &other.label) != (row.group, &row.label), "{}", row.label);
            }
        }
    }
}
