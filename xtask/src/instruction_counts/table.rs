//! The recorded counts, and what is wrong with new ones.

use std::path::Path;

use anyhow::{Context, ensure};

use super::row::Row;

/// The largest share by which a count may be off the recorded one, in either direction.
const ALLOWED: f64 = 0.02;

/// The rows of a file; none if it is not there.
///
/// # Errors
/// A file that is no such table.
pub fn read(path: &Path) -> anyhow::Result<Vec<Row>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let rows = csv::Reader::from_path(path).and_then(|mut reader| reader.deserialize().collect());
    rows.with_context(|| format!("{} is no table of instruction counts: record it anew", path.display()))
}

/// Writes rows.
///
/// # Errors
/// A file that cannot be written.
pub fn write(path: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display()))?;
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    Ok(writer.flush()?)
}

/// The rows to record: those that were counted, and what is known of instruction sets that were not.
pub fn merged(known: Vec<Row>, counted: Vec<Row>) -> Vec<Row> {
    let is_counted = |row: &Row| counted.iter().any(|other| other.instruction_set == row.instruction_set);
    let mut rows: Vec<Row> = known.into_iter().filter(|row| !is_counted(row)).collect();
    rows.extend(counted);
    rows
}

/// A row beside the known one, for the terminal.
pub fn line(row: &Row, known: &[Row]) -> String {
    let Row { stage, instruction_set, instructions, .. } = row;
    let known = known.iter().find(|known| known.is_of(row));
    let change = known.map_or("new".to_owned(), |known| format!("{:+.2} %", 100.0 * change(row, known)));
    format!("{stage:<28} {instruction_set:<10} {instructions:>13} {change:>10}")
}

/// Counts of two instruction sets that are the same all over: the program does not choose by the variable.
///
/// # Errors
/// That.
pub fn check_sets_differ(counted: &[Row]) -> anyhow::Result<()> {
    let Some(first) = counted.first() else { return Ok(()) };
    let (of_first, others): (Vec<&Row>, Vec<&Row>) =
        counted.iter().partition(|row| row.instruction_set == first.instruction_set);
    let one_of = |row: &Row| of_first.iter().find(|known| known.stage == row.stage).copied();
    let differs = others.iter().any(|row| one_of(row).is_none_or(|known| change(row, known).abs() > ALLOWED));
    let set = &first.instruction_set;
    ensure!(differs || others.is_empty(), "PATCHCORE_INSTRUCTIONS changes nothing: all counts are those of {set}");
    Ok(())
}

/// What is wrong with the counts: more than 2 % off the recorded ones, not recorded, or recorded and gone.
pub fn complaints(counted: &[Row], known: &[Row]) -> Vec<String> {
    let record = "`cargo xtask instruction-counts --record`";
    let mut complaints = Vec::new();
    for row in counted {
        let (stage, set, found) = (&row.stage, &row.instruction_set, row.instructions);
        let Some(known) = known.iter().find(|known| known.is_of(row)) else {
            complaints.push(format!("{stage} ({set}) is not in the table: record it with {record}"));
            continue;
        };
        let change = change(row, known);
        if change.abs() <= ALLOWED {
            continue;
        }
        let remedy = match change > 0.0 {
            true => "more work than before: find out why, and if it is meant",
            false => "less work than before:",
        };
        complaints.push(format!(
            "{stage} ({set}): {found} instructions, expected {} within {:.0} %, found {:+.1} %; {remedy} record it with \
             {record}. Recorded with {} on {}, counted with {} on {}",
            known.instructions,
            100.0 * ALLOWED,
            100.0 * change,
            known.rustc,
            known.processor,
            row.rustc,
            row.processor
        ));
    }
    let is_counted_set = |row: &Row| counted.iter().any(|other| other.instruction_set == row.instruction_set);
    for row in known.iter().filter(|row| is_counted_set(row) && !counted.iter().any(|other| other.is_of(row))) {
        let (stage, set) = (&row.stage, &row.instruction_set);
        complaints.push(format!("{stage} ({set}) is in the table but was not counted: record it with {record}"));
    }
    complaints
}

/// By what share a row has more instructions than the known one.
fn change(row: &Row, known: &Row) -> f64 {
    assert!(known.instructions > 0, "{} is in the table without an instruction: record it anew", known.stage);
    let known = known.instructions as f64;
    (row.instructions as f64 - known) / known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(stage: &str, set: &str, instructions: u64) -> Row {
        let (stage, instruction_set) = (stage.to_owned(), set.to_owned());
        Row { stage, instruction_set, instructions, rustc: "rustc 1.0.0".into(), processor: "a processor".into() }
    }

    #[test]
    fn two_percent_in_either_direction_are_allowed() {
        let known = [row("map", "avx2", 100_000)];
        for (count, allowed) in [(98_000, true), (102_000, true), (97_999, false), (102_001, false)] {
            let complaints = complaints(&[row("map", "avx2", count)], &known);
            assert_eq!(complaints.is_empty(), allowed, "{complaints:?}");
            for word in ["map (avx2)", "expected 100000", "rustc 1.0.0", "--record"] {
                assert!(allowed || complaints[0].contains(word), "{complaints:?}");
            }
        }
    }

    #[test]
    fn what_is_not_recorded_and_what_is_gone_is_told() {
        let known = [row("map", "avx2", 10), row("search", "avx2", 10), row("search", "portable", 10)];
        let found = complaints(&[row("map", "avx2", 10), row("coreset", "avx2", 10)], &known);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("coreset (avx2) is not in") && found[1].starts_with("search (avx2) is in"));
    }

    #[test]
    fn recording_keeps_the_sets_that_were_not_counted() {
        let known = vec![row("map", "avx2", 10), row("gone", "avx2", 10), row("map", "portable", 30)];
        let rows = merged(known, vec![row("map", "avx2", 11)]);
        assert_eq!(rows, [row("map", "portable", 30), row("map", "avx2", 11)]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counts.csv");
        assert_eq!(read(&path).unwrap(), []);
        write(&path, &rows).unwrap();
        assert_eq!(read(&path).unwrap(), rows);
    }

    #[test]
    fn a_variable_that_nobody_reads_is_noticed() {
        let counted = |portable| [row("map", "portable", portable), row("map", "avx2", 5_000_000)];
        assert!(check_sets_differ(&counted(9_000_000)).is_ok());
        // The two runs' environments differ, and so a handful of instructions.
        assert!(check_sets_differ(&counted(5_000_003)).unwrap_err().to_string().contains("PATCHCORE_INSTRUCTIONS"));
        assert!(check_sets_differ(&counted(9_000_000)[..1]).is_ok());
    }
}
