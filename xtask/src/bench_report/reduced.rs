//! The tables of int8 and bf16: a line for each network, instruction set and number of threads, with all its peers.

use std::fmt::Write;

use super::measurement::{digits, three_digits};
use super::results::{Kept, Results};
use super::rows::{Group, OUR_F32, Peer, REDUCED_SETS, Row};

/// The page of how to reach 20 ms with a large network, and the name of its table.
pub const GAINS_PAGE: &str = "docs/how-to/large-network.md";
pub const GAINS: &str = "gains";

/// A table for int8, one for bf16, and which sets are not measured yet.
pub fn tables(rows: &[Row], results: &[Results]) -> String {
    let mut text = String::new();
    let mut has_lines = false;
    for precision in ["int8", "bf16"] {
        let of = format!("/{precision}");
        let rows: Vec<&Row> = rows.iter().filter(|row| row.group == Group::Reduced && row.row.ends_with(&of)).collect();
        let lines: Vec<String> = rows.iter().flat_map(|row| lines(row, results)).collect();
        let absent: Vec<String> = REDUCED_SETS
            .iter()
            .filter(|set| {
                let of_set: Vec<&&Row> = rows.iter().filter(|row| set_of(row) == **set).collect();
                !of_set.is_empty() && !of_set.iter().any(|row| results.iter().any(|one| !measured(row, one).is_empty()))
            })
            .map(|set| format!("`{set}`"))
            .collect();
        has_lines |= !lines.is_empty();
        if !lines.is_empty() {
            let _ = writeln!(
                text,
                "| network in {precision}, 224 px, batch 1, ms per photo | instruction set | processor | ours | OpenVINO {precision} | ratio | \
                 our f32 | ratio | OpenVINO f32 | ratio |\n|{}",
                "---|".repeat(10)
            );
            lines.iter().for_each(|line| text.push_str(line));
            text.push('\n');
        }
        if !absent.is_empty() {
            let _ = writeln!(text, "{precision} with {}: not measured yet.\n", absent.join(", "));
        }
    }
    if has_lines {
        text.push_str(
            "All of a line on the same instruction set, to which `ONEDNN_MAX_CPU_ISA` holds OpenVINO: what ran is read from its compiled \
             network, and a line of something else is left out. Its int8 networks: NNCF as it comes, all convolutions quantised. In \
             brackets the target.\n",
        );
    } else {
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The results of a row, peer by peer.
fn measured<'a>(row: &'a Row, of: &'a Results) -> Vec<(&'a Peer, &'a Kept)> {
    row.peers.iter().filter_map(|peer| Some((peer, of.find(&row.name(), peer.name)?))).collect()
}

/// The instruction set in the name of a row: `reduced/BACKBONE/SET/PRECISION`.
fn set_of(row: &Row) -> &str {
    row.row.split('/').nth(2).unwrap_or_default()
}

/// A line for each processor that has measured the row.
fn lines(row: &Row, results: &[Results]) -> Vec<String> {
    let line = |one: &Results| {
        let measured = measured(row, one);
        let (_, last) = measured.first()?;
        let (name, date) = (row.label.split(", ").next().unwrap_or_default(), &last.date);
        let threads = if row.threads == 1 { "1 thread" } else { "2 threads" };
        let time = |value: Option<f64>| value.map_or("-".to_owned(), three_digits);
        let mut text =
            format!("| {name}, {threads} | `{}` | {}, {date} | {} |", set_of(row), one.processor, time(last.ours));
        for peer in &row.peers {
            let kept = measured.iter().find(|(other, _)| other.name == peer.name).map(|(_, kept)| *kept);
            let ratio = kept.map_or("-".to_owned(), |kept| {
                let number = digits(kept.ratio);
                let number = if kept.ratio >= peer.target { format!("**{number}**") } else { number };
                format!("{number} ({})", peer.target)
            });
            let _ = write!(text, " {} | {ratio} |", time(kept.and_then(|kept| kept.its)));
        }
        Some(text + "\n")
    };
    results.iter().filter_map(line).collect()
}

/// What int8 gains with each network on the widest set that a processor has measured it on, for the page of how to reach 20 ms.
pub fn gains(rows: &[Row], results: &[Results]) -> String {
    let mut text = String::from(
        "| network alone, 224 px, ms per photo | processor, instruction set | f32 | int8 | times as fast |\n|---|---|---|---|---|\n",
    );
    let mut networks: Vec<(&str, usize)> = Vec::new();
    let reduced: Vec<&Row> =
        rows.iter().filter(|row| row.group == Group::Reduced && row.row.ends_with("/int8")).collect();
    for row in &reduced {
        let network = (row.label.split(", ").next().unwrap_or_default(), row.threads);
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    for (network, threads) in networks {
        for one in results {
            let widest = reduced
                .iter()
                .filter(|row| row.threads == threads && row.label.split(", ").next() == Some(network))
                .filter_map(|row| Some((set_of(row), one.find(&row.name(), OUR_F32)?)))
                .next_back();
            if let Some((set, kept)) = widest {
                let [f32_time, int8_time] = [kept.its, kept.ours].map(|time| time.map_or("-".to_owned(), three_digits));
                let _ = writeln!(
                    text,
                    "| {network}, {threads} thread{} | {}, `{set}`, {} | {f32_time} | {int8_time} | {} |",
                    if threads == 1 { "" } else { "s" },
                    one.processor,
                    kept.date,
                    digits(kept.ratio)
                );
            }
        }
    }
    // A head without a line is no table.
    if text.lines().count() == 2 { "Not measured yet.\n".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::results;
    use super::super::rows;
    use super::*;
    use crate::per_processor::folder;
    use crate::written_tables::tests::written;

    #[test]
    fn a_line_has_all_peers_on_one_set_and_sets_that_were_not_measured_are_named() {
        let row = |precision: &str| format!("reduced/resnet18/{precision} t1");
        let [int8, bf16] = [row("avx512_vnni/int8"), row("avx512_bf16/bf16")];
        let measured = [
            (int8.as_str(), "OpenVINO int8", 5.0, 4.0),
            (int8.as_str(), OUR_F32, 5.0, 12.0),
            (bf16.as_str(), OUR_F32, 8.0, 12.0),
        ];
        let here = results("A", "2026-11-30", &measured);
        let text = tables(&rows::all(), &[here]);
        let expected = "| ResNet-18, 1 thread | `avx512_vnni` | A, 2026-11-30 | 5.00 | 4.00 | 0.8 (0.9) | 12.0 | **2.4** (1.8) | - | - |";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("| A, 2026-11-30 | 8.00 | - | - | 12.0 | **1.5** (1) | - | - |"), "{text}");
        assert!(text.contains("int8 with `avx2`, `avx_vnni`, `avx512`, `amx`: not measured yet"), "{text}");
        assert!(text.contains("bf16 with `amx`: not measured yet"), "{text}");
        assert!(text.ends_with("In brackets the target.\n"), "{text}");
        // Without a table nothing is said of its lines.
        assert!(!tables(&rows::all(), &[]).contains("All of a line"));
    }

    #[test]
    fn the_gain_is_that_of_the_widest_set() {
        let row = |set: &str| format!("reduced/resnet50/{set}/int8 t2");
        let [narrow, wide] = [row("avx2"), row("avx512_vnni")];
        let measured = [(narrow.as_str(), OUR_F32, 20.0, 30.0), (wide.as_str(), OUR_F32, 8.0, 24.0)];
        let text = gains(&rows::all(), &[results("A", "2026-11-30", &measured)]);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines, ["| ResNet-50, 2 threads | A, `avx512_vnni`, 2026-11-30 | 24.0 | 8.00 | 3 |"]);
        assert_eq!(super::gains(&rows::all(), &[]), "Not measured yet.\n");
    }

    #[test]
    fn the_page_has_the_gains_that_were_kept() {
        let gains = gains(&rows::all(), &Results::all(&folder()).unwrap());
        assert_eq!(written(GAINS_PAGE, GAINS), gains.trim(), "run `cargo xtask bench-report --page`");
    }
}
