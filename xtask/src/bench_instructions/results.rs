//! What the instruction sets of a processor cost and computed: `benches/results/instructions-PROCESSOR.json`.

use std::path::Path;

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::bench_report::measurement::median;
use crate::per_processor::{self, rounded};

/// What the names of the files begin with.
const WHAT: &str = "instructions";

/// One processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// As the tables call it.
    pub processor: String,
    /// Number, instruction sets, caches.
    pub hardware: String,
    /// When it was measured, `YYYY-MM-DD`.
    pub date: String,
    /// Version of the compiler.
    pub software: String,
    /// Which photos.
    pub photos: String,
    /// All sets that the program had a name for, the widest last.
    pub known: Vec<String>,
    /// A row for each network and each set of this processor.
    pub rows: Vec<Kept>,
}

/// A network in a number format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network<'a> {
    /// The network.
    pub backbone: &'a str,
    /// Its number format.
    pub precision: &'a str,
}

/// One set with one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The network.
    pub backbone: String,
    /// Its number format.
    #[serde(default = "f32_name")]
    pub precision: String,
    /// The instruction set.
    pub set: String,
    /// Medians over photos, then over rounds.
    pub milliseconds: Stages,
    /// How many times as long as with the widest set a photo takes: the median over rounds.
    pub times_the_widest: f64,
    /// What differs from the widest set's answers.
    pub differences: Differences,
}

/// The number format of rows that were kept before there was another.
fn f32_name() -> String {
    "f32".to_owned()
}

/// Milliseconds per photo.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Stages {
    /// File, decoder, resize.
    pub decode: f64,
    /// Network and embedding.
    pub network: f64,
    /// Nearest bank rows.
    pub search: f64,
    /// Map and image score.
    pub map: f64,
    /// All together.
    pub median: f64,
}

/// By how much answers are off.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Differences {
    /// Photos that were compared.
    pub photos: usize,
    /// Largest difference of a score, of that score.
    pub scores: f64,
    /// Largest difference in a map, of that map's largest value.
    pub maps: f64,
    /// Photos whose worst patch has the same nearest good patch.
    pub same_nearest: usize,
}

impl Kept {
    /// Which network.
    pub fn network(&self) -> Network<'_> {
        Network { backbone: &self.backbone, precision: &self.precision }
    }

    /// The medians of a set's rounds, beside those of the widest set.
    pub fn new(network: Network<'_>, set: &str, times: &[Stages], widest: &[Stages], differences: Differences) -> Self {
        let of = |stage: fn(&Stages) -> f64| rounded(median(&mut times.iter().map(stage).collect::<Vec<_>>()));
        let milliseconds = Stages {
            decode: of(|time| time.decode),
            network: of(|time| time.network),
            search: of(|time| time.search),
            map: of(|time| time.map),
            median: of(|time| time.median),
        };
        let mut ratios: Vec<f64> = times.iter().zip(widest).map(|(time, widest)| time.median / widest.median).collect();
        let [scores, maps] = [differences.scores, differences.maps].map(rounded);
        Self {
            backbone: network.backbone.to_owned(),
            precision: network.precision.to_owned(),
            set: set.to_owned(),
            milliseconds,
            times_the_widest: rounded(median(&mut ratios)),
            differences: Differences { scores, maps, ..differences },
        }
    }
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

    /// Takes in what this processor has measured of other networks, f32 first.
    ///
    /// # Errors
    /// That was on another day, which the tables could not say.
    pub fn keep(&mut self, all: Vec<Self>) -> anyhow::Result<()> {
        let Some(old) = all.into_iter().find(|old| old.processor == self.processor) else { return Ok(()) };
        ensure!(old.date == self.date, "what was measured before is of {}: measure all formats", old.date);
        let is_new = |kept: &Kept| self.rows.iter().any(|row| row.network() == kept.network());
        let old: Vec<Kept> = old.rows.into_iter().filter(|kept| !is_new(kept)).collect();
        self.rows.extend(old);
        self.rows.sort_by_key(|kept| kept.precision != f32_name());
        Ok(())
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
mod tests {
    use super::*;

    #[test]
    fn a_set_is_compared_with_the_widest_of_its_own_round() {
        let of = |median: f64| Stages { network: median / 2.0, median, ..Stages::default() };
        // A machine that gets slower: the ratio of every round is 3.
        let network = Network { backbone: "b", precision: "f32" };
        let kept =
            Kept::new(network, "s", &[3.0, 6.0, 30.0].map(of), &[1.0, 2.0, 10.0].map(of), Differences::default());
        assert_eq!((kept.milliseconds.median, kept.milliseconds.network, kept.times_the_widest), (6.0, 3.0, 3.0));
    }

    #[test]
    fn one_format_leaves_the_others_of_that_day() {
        let of = |processor: &str, date: &str, rows: &[(&str, f64)]| {
            let kept = |(precision, median): &(&str, f64)| {
                let times = [Stages { median: *median, ..Stages::default() }];
                Kept::new(Network { backbone: "b", precision }, "s", &times, &times, Differences::default())
            };
            Results {
                processor: processor.to_owned(),
                hardware: String::new(),
                date: date.to_owned(),
                software: String::new(),
                photos: String::new(),
                known: Vec::new(),
                rows: rows.iter().map(kept).collect(),
            }
        };
        let old = of("A", "2026-11-30", &[("f32", 1.0), ("int8", 2.0)]);
        let mut new = of("A", "2026-11-30", &[("int8", 3.0)]);
        new.keep(vec![of("B", "2026-11-01", &[("f32", 9.0)]), old.clone()]).unwrap();
        let rows: Vec<(&str, f64)> =
            new.rows.iter().map(|kept| (kept.precision.as_str(), kept.milliseconds.median)).collect();
        assert_eq!(rows, [("f32", 1.0), ("int8", 3.0)]);
        let error = of("A", "2026-12-01", &[]).keep(vec![old]).unwrap_err().to_string();
        assert!(error.contains("2026-11-30"), "{error}");
    }
}
