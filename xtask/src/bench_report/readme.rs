//! The README's lines on speed, of the same results as the page.

use anyhow::Context;

use super::measurement::{digits, three_digits};
use super::results::Results;

/// The README with the lines of these results; `results`: the processor measured last first.
///
/// # Errors
/// A line that the README does not have, or no processor that has measured every row it names.
pub fn with_results(text: &str, results: &[Results]) -> anyhow::Result<String> {
    let lines = lines(results)?;
    let mut found = 0;
    let replaced: Vec<&str> = text
        .lines()
        .map(|old| {
            let new = lines.iter().find(|(start, _)| old.starts_with(start));
            found += usize::from(new.is_some());
            new.map_or(old, |(_, line)| line.as_str())
        })
        .collect();
    anyhow::ensure!(found == lines.len(), "the README has {found} of the {} lines on speed", lines.len());
    Ok(replaced.join("\n") + "\n")
}

/// Each line with what it begins with.
fn lines(results: &[Results]) -> anyhow::Result<[(&'static str, String); 4]> {
    let (last, rows) = results
        .iter()
        .find_map(|one| Some((one, measured(one)?)))
        .context("no processor has measured all rows that the README names")?;
    let [(to_authors, ..), (to_anomalib, ..), (_, our_memory, its_memory), (_, our_fit, its_fit)] = rows;
    let authors = "the authors' code";
    let others: Vec<String> = results
        .iter()
        .filter(|other| other.processor != last.processor)
        .filter_map(|other| {
            let authors = other.find("score/authors t2", authors)?.ratio;
            let anomalib = other.find("score/anomalib t2", "anomalib")?.ratio;
            Some(format!("{} and {} on an {}", one_decimal(authors), one_decimal(anomalib), other.processor))
        })
        .collect();
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
    let command = "| `cargo xtask bench-report` |";
    Ok([
        (
            "| time per photo |",
            format!(
                "| time per photo | {} times as fast as the authors' code, {} times as fast as anomalib, on two threads of an {}{others} \
                 ([all rows](docs/explanation/speed.md)) {command}",
                one_decimal(to_authors),
                one_decimal(to_anomalib),
                last.processor
            ),
        ),
        (
            "| memory while scoring |",
            format!("| memory while scoring | {our_memory:.0} MiB instead of {its_memory:.0} MiB {command}"),
        ),
        (
            "| fit of 100 photos |",
            format!(
                "| fit of 100 photos | {} s instead of {} s {command}",
                two_digits(our_fit / 1e3),
                two_digits(its_fit / 1e3)
            ),
        ),
        (
            "Speed measured on ",
            format!(
                "Speed measured on {}, {}, two virtual processors. What it does not do: [limits](docs/explanation/limits.md).",
                last.date, last.processor
            ),
        ),
    ])
}

/// Ratio, our figure and the peer's of the rows that are named; none where one of them is not there.
fn measured(results: &Results) -> Option<[(f64, f64, f64); 4]> {
    let of = |row: &str, peer: &str| {
        let kept = results.find(row, peer)?;
        Some((kept.ratio, kept.ours?, kept.its?))
    };
    let authors = "the authors' code";
    Some([
        of("score/authors t2", authors)?,
        of("score/anomalib t2", "anomalib")?,
        of("score/authors t2 peak", authors)?,
        of("fit/authors t2", authors)?,
    ])
}

fn one_decimal(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { digits(value) }
}

fn two_digits(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { three_digits(value.round()).trim_end_matches(".0").to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::results;
    use super::*;
    use crate::per_processor::folder;
    use crate::tidy::root;

    #[test]
    fn the_readme_says_what_the_kept_files_say() {
        let text = std::fs::read_to_string(root().join("README.md")).unwrap();
        let expected = with_results(&text, &Results::all(&folder()).unwrap()).unwrap();
        assert_eq!(text, expected, "run `cargo xtask bench-report --page`");
    }

    #[test]
    fn every_processor_that_scored_is_named() {
        let authors = "the authors' code";
        let measured = [
            ("score/authors t2", authors, 10.0, 85.0),
            ("score/anomalib t2", "anomalib", 10.0, 120.0),
            ("score/authors t2 peak", authors, 136.0, 890.0),
            ("fit/authors t2", authors, 2268.0, 52_759.0),
        ];
        let all = [results("A", "2026-11-30", &measured), results("B", "2026-11-28", &measured[..2])];
        let [time, memory, fit, measured_on] = lines(&all).unwrap();
        assert!(time.1.contains("8.5 times as fast as the authors' code, 12 times as fast"), "{}", time.1);
        assert!(time.1.contains("on two threads of an A; 8.5 and 12 on an B ([all rows]"), "{}", time.1);
        assert!(memory.1.contains("136 MiB instead of 890 MiB") && fit.1.contains("2.3 s instead of 53 s"));
        assert!(measured_on.1.starts_with("Speed measured on 2026-11-30, A, "));
        assert!(lines(&all[1..]).is_err() && with_results("no line", &all).is_err());
    }
}
