//! The table of the instruction sets in docs/explanation/speed.md.

use std::fmt::Write;

use super::results::{Kept, Network, Results};
use crate::bench_report::measurement::three_digits;

/// A table for each network, of what every processor has measured; `results`: the one measured last first.
pub fn table(results: &[Results]) -> String {
    if results.is_empty() {
        return "No processor has been measured yet.".to_owned();
    }
    let mut networks: Vec<Network<'_>> = Vec::new();
    for kept in results.iter().flat_map(|one| &one.rows) {
        if !networks.contains(&kept.network()) {
            networks.push(kept.network());
        }
    }
    let mut text = String::new();
    for network in networks {
        let Network { backbone, precision } = network;
        let _ = writeln!(
            text,
            "| `{backbone}` in {precision}: set | processor | decode | network | search | map | all, ms | times the widest set's | scores off by | \
             maps off by | same nearest patch |\n|{}",
            "---|".repeat(11)
        );
        for set in known(results) {
            let measured: Vec<String> = results
                .iter()
                .flat_map(|one| one.rows.iter().map(move |kept| (kept, one)))
                .filter(|(kept, _)| kept.network() == network && kept.set == set)
                .map(|(kept, one)| line(kept, one))
                .collect();
            if measured.is_empty() {
                let here = results.first().map_or("", |one| &one.processor);
                let _ = writeln!(text, "| `{set}` | not on {here} |{}", " - |".repeat(9));
            }
            measured.iter().for_each(|line| text.push_str(&format!("{line}\n")));
        }
        text.push('\n');
    }
    for one in results {
        let Results { processor, date, hardware, software, photos, .. } = one;
        let _ = writeln!(text, "- {processor}, {date}: {hardware}; {software}; photos: {photos}.");
    }
    text
}

/// The sets that the program had a name for when it was measured last, then those that only older rows have.
fn known(results: &[Results]) -> Vec<&str> {
    let mut known: Vec<&str> = Vec::new();
    let named = results.iter().flat_map(|one| &one.known);
    for set in named.chain(results.iter().flat_map(|one| one.rows.iter().map(|kept| &kept.set))) {
        if !known.contains(&set.as_str()) {
            known.push(set);
        }
    }
    known
}

/// One set on one processor.
pub fn line(kept: &Kept, of: &Results) -> String {
    let time = kept.milliseconds;
    let [decode, network, search, map, all] =
        [time.decode, time.network, time.search, time.map, time.median].map(three_digits);
    let off = |value: f64| if value == 0.0 { "0".to_owned() } else { format!("{value:.0e}") };
    let found = kept.differences;
    format!(
        "| `{}` | {}, {} | {decode} | {network} | {search} | {map} | {all} | {:.2} | {} | {} | {} of {} |",
        kept.set,
        of.processor,
        of.date,
        kept.times_the_widest,
        off(found.scores),
        off(found.maps),
        found.same_nearest,
        found.photos
    )
}

#[cfg(test)]
mod tests {
    use super::super::results::{Differences, Stages};
    use super::*;
    use crate::per_processor::folder;
    use crate::written_tables::tests::written;

    fn results(processor: &str, date: &str, known: &[&str], sets: &[&str]) -> Results {
        let milliseconds = Stages { decode: 10.0, network: 2.5, search: 1.25, map: 0.5, median: 14.25 };
        let differences = Differences { photos: 20, scores: 2.9e-7, maps: 0.0, same_nearest: 19 };
        let kept = |set: &&str| Kept {
            backbone: "resnet18".to_owned(),
            precision: "int8".to_owned(),
            set: (*set).to_owned(),
            milliseconds,
            times_the_widest: 1.0,
            differences,
        };
        Results {
            processor: processor.to_owned(),
            hardware: "2 virtual processors".to_owned(),
            date: date.to_owned(),
            software: "rustc 1.95.0".to_owned(),
            photos: "bottle".to_owned(),
            known: known.iter().map(|set| (*set).to_owned()).collect(),
            rows: sets.iter().map(kept).collect(),
        }
    }

    #[test]
    fn sets_that_a_processor_lacks_are_named_or_keep_the_rows_of_another() {
        let here = results("A", "2026-11-30", &["plain", "wide", "other"], &["plain"]);
        let there = results("B", "2026-11-28", &["plain", "wide"], &["plain", "wide"]);
        let text = table(&[here, there]);
        let sets: Vec<&str> = text.lines().filter(|line| line.starts_with("| `") && !line.contains("set |")).collect();
        assert_eq!(
            sets[0],
            "| `plain` | A, 2026-11-30 | 10.0 | 2.50 | 1.25 | 0.5000 | 14.2 | 1.00 | 3e-7 | 0 | 19 of 20 |"
        );
        assert!(
            sets[1].starts_with("| `plain` | B, 2026-11-28 |") && sets[2].starts_with("| `wide` | B, 2026-11-28 |")
        );
        assert_eq!(sets[3], format!("| `other` | not on A |{}", " - |".repeat(9)));
        assert_eq!(sets.len(), 4);
    }

    #[test]
    fn the_page_says_what_the_kept_files_say() {
        let table = table(&Results::all(&folder()).unwrap());
        let written = written("docs/explanation/speed.md", "bench-instructions");
        assert!(!written.is_empty(), "the page says neither what was measured nor that nothing was");
        assert_eq!(written, table.trim(), "run `cargo xtask bench-instructions --page`");
    }
}
