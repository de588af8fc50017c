//! The tables of docs/explanation/speed.md, of what every processor has measured.

use std::fmt::Write;

use super::measurement::{digits, three_digits};
use super::reduced;
use super::results::{Kept, Results};
use super::rows::{self, GROUPS, Group, Peer, Row};

/// One table a [`Group`], then what each processor is. `results`: the processor measured last first.
pub fn page(results: &[Results]) -> String {
    let Some(last) = with_times(results) else { return String::new() };
    let mut text = format!(
        "{}\n\n**Ratio** = the peer's time (or memory) / ours, medians of measurements taken in turn: above 1, ours is better; bold where \
         the target is reached. Times, and shares of the ceiling (operations of the plain method per second, of what a large matrix product \
         does in the same run; above 100 % where fewer operations do, or better kernels), are those of {} on {}. Columns of ratios name the processor and \
         the day; a row of another day carries its own. `-`: not measured there.\n",
        scoring_time(last),
        last.processor,
        last.date
    );
    let rows = rows::all();
    for group in GROUPS {
        let table = match group {
            Group::Reduced => reduced::tables(&rows, results),
            _ => table(group, &rows, results),
        };
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table);
        }
    }
    text.push_str(
        "\nPhotographs: MVTec AD `bottle` (60 of its training images and 40 mirrored ones) and Magnetic Tile Defects.\n\n",
    );
    for one in results {
        let Results { processor, hardware, date, software, .. } = one;
        let _ = writeln!(text, "- {processor}, {date}: {}", sentence(&[hardware, &ceilings(one), software]));
    }
    text
}

/// Whose times and shares the tables have: the processor measured last of those whose times were kept.
fn with_times(results: &[Results]) -> Option<&Results> {
    results.iter().find(|one| one.rows.iter().any(|kept| kept.ours.is_some()))
}

/// The first sentence of the page.
fn scoring_time(last: &Results) -> String {
    let ours = last.find("score/authors t2", "the authors' code").and_then(|kept| kept.ours);
    let milliseconds = ours.map_or("-".to_owned(), three_digits);
    format!(
        "A photo of 900x900 becomes a score and a map in {milliseconds} ms on two threads of an {}, with ResNet-18 in mode `authors`.",
        last.processor
    )
}

fn ceilings(results: &Results) -> String {
    match results.ceilings {
        [Some(one), Some(two)] => format!("GEMM ceiling {one:.0} GFLOP/s on one thread, {two:.0} on two"),
        [Some(one), None] => format!("GEMM ceiling {one:.0} GFLOP/s on one thread"),
        _ => String::new(),
    }
}

/// What is not empty, with a full stop.
fn sentence(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    format!("{}.", parts.join("; "))
}

/// The table of a group. Those of the whole line in two number formats are left out until somebody has measured them.
fn table(group: Group, rows: &[Row], results: &[Results]) -> String {
    let has_result =
        |row: &Row| row.peers.iter().any(|peer| results.iter().any(|one| one.find(&row.name(), peer.name).is_some()));
    let is_shown = |row: &&Row| row.group == group && has_result(row);
    let rows: Vec<&Row> = rows.iter().filter(is_shown).collect();
    if rows.is_empty() {
        return String::new();
    }
    let has_shares = rows.iter().any(|row| row.gflop.is_some());
    let mut text = format!("| {} | ours | peer | its |", group.title());
    if has_shares {
        text.push_str(" of the ceiling: ours, its |");
    }
    for one in results {
        let _ = write!(text, " ratio: {}, {} |", one.processor, one.date);
    }
    let columns = text.matches('|').count();
    let _ = writeln!(text, " target |\n|{}", "---|".repeat(columns));
    for row in rows {
        for peer in &row.peers {
            text.push_str(&line(row, peer, results, has_shares));
        }
    }
    text
}

fn line(row: &Row, peer: &Peer, results: &[Results], has_shares: bool) -> String {
    let of = |one: &Results| one.find(&row.name(), peer.name).cloned();
    let last = with_times(results).and_then(of);
    let time = |value: Option<f64>| value.map_or("-".to_owned(), three_digits);
    let [ours, its] = [last.as_ref().and_then(|kept| kept.ours), last.as_ref().and_then(|kept| kept.its)];
    let mut text = format!("| {} | {} | {} | {} |", row.label, time(ours), peer.name, time(its));
    if has_shares {
        let of_ceiling = |time: Option<f64>| share(row.gflop, time, last.as_ref().and_then(|kept| kept.ceiling));
        let _ = write!(
            text,
            " {} |",
            of_ceiling(ours).zip(of_ceiling(its)).map_or("-".to_owned(), |(a, b)| format!("{a}, {b}"))
        );
    }
    for one in results {
        let _ = write!(text, " {} |", of(one).map_or("-".to_owned(), |kept| ratio(&kept, peer, &one.date)));
    }
    let _ = writeln!(text, " {} |", peer.target);
    text
}

/// Nominal operations per second, in per cent of the ceiling.
fn share(gflop: Option<f64>, milliseconds: Option<f64>, ceiling: Option<f64>) -> Option<String> {
    Some(format!("{:.0} %", 100.0 * gflop? / milliseconds? * 1e3 / ceiling?))
}

/// With the day, where it is not the column's.
fn ratio(kept: &Kept, peer: &Peer, column: &str) -> String {
    let number = digits(kept.ratio);
    let number = if kept.ratio >= peer.target { format!("**{number}**") } else { number };
    if kept.date == column { number } else { format!("{number} ({})", kept.date) }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::results;
    use super::*;
    use crate::per_processor::folder;
    use crate::written_tables::tests::written;

    #[test]
    fn a_row_has_shares_of_the_ceiling_and_the_ratios_of_every_processor() {
        let row = rows::all().into_iter().find(|row| row.name() == "search/bottle/1024/7840/1 t1").unwrap();
        let (name, peer) = (row.name(), row.peers[0].name);
        // 12.6 GFLOP in 63 ms are 200 of 100 GFLOP/s, in 252 ms 50.
        let here = results("A", "2026-11-30", &[(&name, peer, 62.94, 251.8)]);
        let mut there = results("B", "2026-11-28", &[(&name, peer, 1.0, 7.0)]);
        there.rows[0].date = "2026-11-27".to_owned();
        let text = table(Group::Search, &[row], &[here, there]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("| ratio: A, 2026-11-30 | ratio: B, 2026-11-28 | target |"), "{}", lines[0]);
        assert_eq!(lines[1].matches("---").count(), lines[0].matches('|').count() - 1);
        assert_eq!(
            lines[2],
            "| bottle, 1024-d, M = 7840, 1 thread | 62.9 | faiss IndexFlatL2 | 252 | 200 %, 50 % | 4.00 | **7** (2026-11-27) | 6 |"
        );
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let row = rows::all().remove(0);
        let name = row.name();
        let text = table(Group::Network, &[row], &[results("A", "2026-11-30", &[(&name, "onnxruntime", 1.0, 2.0)])]);
        assert!(text.ends_with("| - | OpenVINO | - | - | - | 1 |\n"), "{text}");
    }

    #[test]
    fn a_row_stands_there_once_it_was_measured() {
        let rows: Vec<Row> = rows::all().into_iter().filter(|row| row.group == Group::Line).collect();
        assert_eq!(table(Group::Line, &rows, &[results("A", "2026-11-30", &[])]), "");
        let (name, peer) = (rows[1].name(), rows[1].peers[0].name);
        let text = table(Group::Line, &rows, &[results("A", "2026-11-30", &[(&name, peer, 1.0, 2.0)])]);
        assert_eq!(
            text.lines().skip(2).map(|line| line.contains(&rows[1].label)).collect::<Vec<_>>(),
            [true],
            "{text}"
        );
    }

    #[test]
    fn times_are_those_of_a_processor_whose_times_were_kept() {
        let row = rows::all().remove(0);
        let measured = [(row.name(), 1.0, 2.0)];
        let of = |processor: &str, date: &str| {
            let measured = measured.each_ref().map(|(name, ours, its)| (name.as_str(), "onnxruntime", *ours, *its));
            results(processor, date, &measured)
        };
        let (mut last, before) = (of("A", "2026-11-30"), of("B", "2026-11-28"));
        (last.rows[0].ours, last.rows[0].its) = (None, None);
        let text = table(Group::Network, &[row], &[last.clone(), before.clone()]);
        assert!(text.contains("| 1.00 | onnxruntime | 2.00 |"), "{text}");
        assert!(page(&[last, before]).contains("are those of B on 2026-11-28"));
    }

    #[test]
    fn the_page_says_what_the_kept_files_say() {
        let page = page(&Results::all(&folder()).unwrap());
        let written = written("docs/explanation/speed.md", "bench-report");
        assert_eq!(written, page.trim(), "run `cargo xtask bench-report --page`");
    }
}
