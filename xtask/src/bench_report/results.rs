//! What each processor has measured: a file of `benches/results` for each, `bench-report-PROCESSOR.json`.
//!
//! A run replaces the rows that it measured in the file of its own processor, each with its date; the files of other processors
//! stay as they are. The page is written from all of them, so no figure is lost when the next run is on another machine.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::measurement::{Measurement, Medians};
use super::rows::{self, Peer, Row};
use crate::per_processor::{self, rounded};

/// What the names of the files begin with.
const WHAT: &str = "bench-report";

/// One processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// As the tables call it.
    pub processor: String,
    /// Number, instruction sets, caches, as far as they are known.
    pub hardware: String,
    /// When it was last run there, `YYYY-MM-DD`.
    pub date: String,
    /// Versions of the compiler and the peers in that run.
    pub software: String,
    /// GFLOP/s of a large matrix product in that run, on one thread and on two.
    pub ceilings: [Option<f64>; 2],
    /// The rows, in the table's order.
    pub rows: Vec<Kept>,
}

/// One row against one peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// [`Row::name`].
    pub row: String,
    /// Who the other side was.
    pub peer: String,
    /// When it was measured, `YYYY-MM-DD`.
    pub date: String,
    /// Our median; none where only the ratio was kept.
    pub ours: Option<f64>,
    /// The peer's median.
    pub its: Option<f64>,
    /// Theirs over ours.
    pub ratio: f64,
    /// GFLOP/s of a large matrix product in the same run, on as many threads.
    pub ceiling: Option<f64>,
}

impl Results {
    /// What `folder` holds, the processor measured last first.
    ///
    /// # Errors
    /// A file that is none of ours.
    pub fn all(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let mut all: Vec<Self> = per_processor::read_all(folder, WHAT)?;
        all.sort_by(|a, b| (&b.date, &a.processor).cmp(&(&a.date, &b.processor)));
        Ok(all)
    }

    /// Takes a measurement of the day of the last run in, in the place of an older one.
    pub fn take(&mut self, row: &Row, peer: &Peer, medians: &Medians) {
        let kept = Kept {
            row: row.name(),
            peer: peer.name.to_owned(),
            date: self.date.clone(),
            ours: Some(rounded(medians.ours)),
            its: Some(rounded(medians.its)),
            ratio: rounded(medians.ratio),
            ceiling: row.gflop.and(medians.ceiling).map(rounded),
        };
        self.rows.retain(|old| (&old.row, &old.peer) != (&kept.row, &kept.peer));
        self.rows.push(kept);
        let order: Vec<(String, &str)> =
            rows::all().iter().flat_map(|row| row.peers.iter().map(|peer| (row.name(), peer.name))).collect();
        let place = |kept: &Kept| order.iter().position(|(row, peer)| (row, *peer) == (&kept.row, kept.peer.as_str()));
        // What is measured no longer goes.
        self.rows.retain(|kept| place(kept).is_some());
        self.rows.sort_by_key(place);
    }

    /// The rows of which times were kept, as `--json` has them.
    pub fn measurements(&self) -> Vec<Measurement> {
        let mut measured = Vec::new();
        for row in rows::all() {
            for peer in &row.peers {
                let Some(kept) = self.find(&row.name(), peer.name) else { continue };
                let &Kept { ours, its, ratio, ceiling, .. } = kept;
                let medians = ours.zip(its).map(|(ours, its)| Medians { ours, its, ratio, ceiling });
                measured.extend(medians.map(|medians| Measurement::new(&row, peer, &medians, &kept.date)));
            }
        }
        measured
    }

    /// The row against that peer.
    pub fn find(&self, row: &str, peer: &str) -> Option<&Kept> {
        self.rows.iter().find(|kept| kept.row == row && kept.peer == peer)
    }

    /// Writes the processor's file.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        per_processor::write(folder, WHAT, &self.processor, self)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::per_processor::folder;

    /// A processor that has measured these rows: name, peer, ours, its.
    pub fn results(processor: &str, date: &str, measured: &[(&str, &str, f64, f64)]) -> Results {
        let kept = |(row, peer, ours, its): &(&str, &str, f64, f64)| Kept {
            row: (*row).to_owned(),
            peer: (*peer).to_owned(),
            date: date.to_owned(),
            ours: Some(*ours),
            its: Some(*its),
            ratio: its / ours,
            ceiling: Some(100.0),
        };
        Results {
            processor: processor.to_owned(),
            hardware: "2 virtual processors".to_owned(),
            date: date.to_owned(),
            software: "rustc 1.95.0".to_owned(),
            ceilings: [Some(100.0), None],
            rows: measured.iter().map(kept).collect(),
        }
    }

    #[test]
    fn a_run_replaces_its_own_rows_and_no_other_processors() {
        let folder = tempfile::tempdir().unwrap();
        let rows = rows::all();
        let [first, second] = [&rows[0], &rows[1]];
        let peer = &first.peers[0];
        let names = [first.name(), second.name()];
        let old = [0, 1].map(|at: usize| (names[at].as_str(), "onnxruntime", 2.0, 4.0));
        let mut here = results("AMD EPYC (Zen 4)", "2026-11-23", &old);
        results("Intel Xeon", "2026-11-28", &old).write(folder.path()).unwrap();
        here.date = "2026-11-30".to_owned();
        here.take(first, peer, &Medians::of(&[1.0], &[3.0], Some(50.0)));
        here.write(folder.path()).unwrap();
        let all = Results::all(folder.path()).unwrap();
        let of = |index: usize, row: &Row| all[index].find(&row.name(), "onnxruntime").unwrap();
        assert_eq!([&all[0].processor, &all[1].processor], ["AMD EPYC (Zen 4)", "Intel Xeon"]);
        assert_eq!((of(0, first).ratio, of(0, first).date.as_str()), (3.0, "2026-11-30"));
        assert_eq!((of(0, second).ratio, of(0, second).date.as_str()), (2.0, "2026-11-23"));
        assert_eq!(of(1, first).ratio, 2.0);
        let measured: Vec<(f64, String)> = all[0].measurements().into_iter().map(|one| (one.ratio, one.date)).collect();
        assert_eq!(measured, [(3.0, "2026-11-30".to_owned()), (2.0, "2026-11-23".to_owned())]);
    }

    #[test]
    fn the_kept_files_name_rows_that_there_are() {
        let rows = rows::all();
        for results in Results::all(&folder()).unwrap() {
            for kept in &results.rows {
                let row = rows.iter().find(|row| row.name() == kept.row);
                let row = row.unwrap_or_else(|| panic!("{}: no row `{}`", results.processor, kept.row));
                assert!(row.peers.iter().any(|peer| peer.name == kept.peer), "{}: {}", kept.row, kept.peer);
            }
        }
    }
}
