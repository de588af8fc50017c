//! The tables of docs/explanation/coverage.md.

use std::fmt::Write;

use super::accuracy::{HELD, RATIOS};
use super::row::{Accuracy, ChangeRow, Growth};

/// What stands where no row has been measured.
const NOT_YET: &str = "Not measured yet.";

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// The mean of changes, with its standard error.
fn with_error(changes: &[f64]) -> String {
    let Some(mean_change) = mean(changes.iter().copied()) else { return String::new() };
    let spread: f64 = changes.iter().map(|change| (change - mean_change).powi(2)).sum();
    let error = (spread / (changes.len().max(2) - 1) as f64 / changes.len() as f64).sqrt();
    format!("{mean_change:+.2} ± {error:.2}")
}

/// Means over sets and seeds, and the set that loses most AUPRO.
pub fn accuracy(rows: &[Accuracy]) -> String {
    if rows.is_empty() {
        return NOT_YET.to_owned();
    }
    let mut table = String::from(
        "| bank | patches held | image AUROC | AUPRO 30 % | AUPRO 5 % | AUPRO 30 %, change | radius, measured | radius, told | largest loss of AUPRO 30 % |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for ratio in RATIOS {
        let at = |held: f64| rows.iter().filter(move |row| row.ratio == ratio && (row.held - held).abs() < 1e-3);
        for held in HELD {
            let one = |of: fn(&Accuracy) -> f64| mean(at(held).map(of));
            let Some(radius) = one(|row| row.radius) else { continue };
            let before = mean(at(1.0).map(|row| row.radius)).unwrap_or(radius);
            let loss = |row: &Accuracy| {
                let whole = at(1.0).find(|other| other.set == row.set && other.seed == row.seed);
                whole.map(|whole| (row.set.clone(), whole.aupro_30 - row.aupro_30))
            };
            let changes: Vec<f64> = at(held).filter_map(loss).map(|(_, loss)| -loss).collect();
            let change = if held < 1.0 { with_error(&changes) } else { String::new() };
            let sets: std::collections::BTreeSet<String> = at(held).map(|row| row.set.clone()).collect();
            let of_set = |set: &String| {
                let losses = at(held).filter_map(loss).filter(|(of, _)| of == set).map(|(_, loss)| loss);
                Some((set.clone(), mean(losses)?))
            };
            let worst = sets.iter().filter_map(of_set).max_by(|one, other| one.1.total_cmp(&other.1));
            let said = worst.filter(|_| held < 1.0).map_or(String::new(), |(set, loss)| format!("{loss:.1} ({set})"));
            let held_said = if held < 1.0 { format!("{:.0} %", held * 100.0) } else { "all".to_owned() };
            let percent = |of: fn(&Accuracy) -> f64| one(of).map_or(String::new(), |value| format!("{value:.2}"));
            let _ = writeln!(
                table,
                "| {:.0} % | {held_said} | {} | {} | {} | {change} | {:.2} | {:.2} | {said} |",
                ratio * 100.0,
                percent(|row| row.image_auroc),
                percent(|row| row.aupro_30),
                percent(|row| row.aupro_05),
                radius / before,
                one(|row| row.radius_told).unwrap_or(0.0) / before,
            );
        }
    }
    table
}

/// One row for every fit, and the picture.
pub fn growth(rows: &[Growth]) -> String {
    if rows.is_empty() {
        return NOT_YET.to_owned();
    }
    let mut table = String::from(
        "| fit | photos | megapixels | told before, MiB | peak, MiB | CPU seconds | photos a CPU second | seconds |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let what = match row.budget_mib {
            0 => row.what.clone(),
            budget => format!("budget of {budget} MiB"),
        };
        let told = if row.told_mib == 0 { String::new() } else { row.told_mib.to_string() };
        let _ = writeln!(
            table,
            "| {what} | {} | {:.2} | {told} | {} | {:.0} | {:.1} | {:.0} |",
            row.photos,
            row.megapixels,
            row.peak_mib,
            row.cpu_seconds,
            row.photos as f64 / row.cpu_seconds,
            row.seconds
        );
    }
    table.push_str("\n![Time and peak memory of a fit over the number of its photos](coverage-growth.svg)\n");
    table
}

/// Means over the sets of each way, and the made photos one by one.
pub fn changes(rows: &[ChangeRow]) -> String {
    if rows.is_empty() {
        return NOT_YET.to_owned();
    }
    let mut table = String::from(
        "| model | photos | bank rows | CPU seconds | radius, first bank | image AUROC | AUPRO 30 % |\n|---|---|---|---|---|---|---|\n",
    );
    let mut ways: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.image_auroc.is_some()) {
        if !ways.contains(&row.what.as_str()) {
            ways.push(&row.what);
        }
    }
    for way in ways {
        let of = || rows.iter().filter(|row| row.what == way && row.image_auroc.is_some());
        let value = |of_row: fn(&ChangeRow) -> f64| mean(of().map(of_row)).unwrap_or(f64::NAN);
        let _ = writeln!(
            table,
            "| {way} | {} sets, means | {:.0} | {:.1} | {:.3} | {:.2} | {:.2} |",
            of().count(),
            value(|row| row.bank_rows as f64),
            value(|row| row.cpu_seconds),
            value(|row| row.radius),
            value(|row| row.image_auroc.unwrap_or(f64::NAN)),
            value(|row| row.aupro_30.unwrap_or(f64::NAN)),
        );
    }
    for row in rows.iter().filter(|row| row.image_auroc.is_none()) {
        let ChangeRow { what, set, bank_rows, cpu_seconds, radius, .. } = row;
        let _ = writeln!(table, "| {what} | {set} | {bank_rows} | {cpu_seconds:.1} | {radius:.3} | | |");
    }
    table
}
