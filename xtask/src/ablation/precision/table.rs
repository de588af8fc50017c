//! The tables of docs/how-to/large-network.md: what bf16 and int8 cost in accuracy, and where most.

use std::fmt::Write;

use super::super::variants::{NETS, SETS};
use super::light::LIGHTS;
use super::record::{METRICS, Record};

/// The formats, f32 first: the others are measured against it.
pub const PRECISIONS: [&str; 3] = ["f32", "int8", "bf16"];
/// As the tables name the kept metrics.
const NAMES: [&str; METRICS] = ["image AUROC", "pixel AP", "AUPRO 5 %"];

/// A format on one network and set in one light, mean of the seeds that both it and f32 have.
struct Cell {
    network: &'static str,
    set: &'static str,
    light: &'static str,
    values: [f64; METRICS],
    /// Less f32's; none of f32 itself.
    changes: Option<[Change; METRICS]>,
    seeds: usize,
}

#[derive(Clone, Copy)]
struct Change {
    mean: f64,
    /// Ends of the paired 95 % interval, each the mean of the seeds' ends: not narrower for there being several seeds.
    low: f64,
    high: f64,
}

/// Means over the sets, then where it loses most, then what is missing of so many seeds.
pub fn table(records: &[Record], seeds: u64) -> String {
    let mut text = String::from("| network | format | light | sets |");
    NAMES.iter().for_each(|name| text.push_str(&format!(" {name} | change | better, worse |")));
    let _ = writeln!(text, "\n|{}", "---|".repeat(4 + 3 * METRICS));
    for net in &NETS {
        for light in &LIGHTS {
            for precision in PRECISIONS {
                let cells: Vec<Cell> =
                    SETS.iter().filter_map(|set| cell(records, net.name, set, light.name, precision)).collect();
                if !cells.is_empty() {
                    text.push_str(&row(net.name, precision, light.name, &cells));
                }
            }
        }
    }
    for precision in PRECISIONS.into_iter().skip(1) {
        let sentence = worst(records, precision);
        if !sentence.is_empty() {
            let _ = write!(text, "\n{sentence}\n");
        }
    }
    let _ = write!(text, "\n{}\n", missing(records, seeds));
    text
}

/// int8 set by set, the photos as they are.
pub fn by_set(records: &[Record]) -> String {
    let mut text = String::from("| network in int8 | set |");
    NAMES.iter().for_each(|name| text.push_str(&format!(" {name} | change | interval |")));
    let _ = writeln!(text, "\n|{}", "---|".repeat(2 + 3 * METRICS));
    for net in &NETS {
        for cell in SETS.iter().filter_map(|set| cell(records, net.name, set, "as it is", "int8")) {
            let Some(changes) = cell.changes else { continue };
            let _ = write!(text, "| {} | {} |", cell.network, cell.set);
            for (value, change) in cell.values.iter().zip(changes) {
                let Change { mean, low, high } = change;
                let _ = write!(text, " {value:.2} | {mean:+.2} | {low:+.2} to {high:+.2} |");
            }
            text.push('\n');
        }
    }
    text
}

fn row(network: &str, precision: &str, light: &str, cells: &[Cell]) -> String {
    let seeds = cells.iter().map(|cell| cell.seeds).min().unwrap_or(0);
    let mut text = format!("| {network} | {precision} | {light} | {} x {seeds} seeds |", cells.len());
    for at in 0..METRICS {
        let count = cells.len() as f64;
        let value = cells.iter().filter_map(|cell| cell.values.get(at)).sum::<f64>() / count;
        let changes: Vec<Change> = cells.iter().filter_map(|cell| cell.changes.as_ref()?.get(at).copied()).collect();
        if changes.is_empty() {
            let _ = write!(text, " {value:.2} | | |");
            continue;
        }
        let change = changes.iter().map(|change| change.mean).sum::<f64>() / changes.len() as f64;
        let better = changes.iter().filter(|change| change.low > 0.0).count();
        let worse = changes.iter().filter(|change| change.high < 0.0).count();
        let _ = write!(text, " {value:.2} | {change:+.2} | {better}, {worse} |");
    }
    text + "\n"
}

/// The cells of a format in which a metric falls most, the photos as they are and in changed light.
fn worst(records: &[Record], precision: &str) -> String {
    let lights = |is_changed: bool| LIGHTS.iter().filter(move |light| (light.factor != 1.0) == is_changed);
    let of = |is_changed: bool| {
        let mut cells = Vec::new();
        for net in &NETS {
            for light in lights(is_changed) {
                cells.extend(SETS.iter().filter_map(|set| cell(records, net.name, set, light.name, precision)));
            }
        }
        let losses = NAMES.iter().enumerate().filter_map(|(at, name)| {
            let of = |cell: &Cell| Some(*cell.changes.as_ref()?.get(at)?);
            let worst = cells.iter().filter_map(|cell| Some((cell, of(cell)?)));
            let (cell, change) = worst.min_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean))?;
            let light = if is_changed { format!(", {}", cell.light) } else { String::new() };
            let Change { mean, low, high } = change;
            let Cell { network, set, .. } = cell;
            Some(match mean < 0.0 {
                true => format!("{name} {mean:+.2} ({low:+.2} to {high:+.2}) on {set} with {network}{light}"),
                false => format!("{name} nowhere"),
            })
        });
        losses.collect::<Vec<_>>().join("; ")
    };
    let (as_it_is, changed) = (of(false), of(true));
    if as_it_is.is_empty() {
        return String::new();
    }
    let changed = if changed.is_empty() {
        String::new()
    } else {
        format!(" In changed light, against f32 in the same light: {changed}.")
    };
    format!("**Where {precision} loses most:** {as_it_is}.{changed}")
}

/// How many runs of all are there, and which are not.
fn missing(records: &[Record], seeds: u64) -> String {
    let all = NETS.len() * SETS.len() * LIGHTS.len() * seeds as usize;
    let mut parts = Vec::new();
    for precision in PRECISIONS {
        let mut found = 0;
        for (net, set, light) in combinations() {
            found +=
                (0..seeds).filter(|seed| records.iter().any(|one| one.is(net, set, *seed, light, precision))).count();
        }
        if found < all {
            parts.push(format!("{precision} has {found} of {all}"));
        }
    }
    let plan = format!("{} networks, {} sets, {} lights and {seeds} seeds", NETS.len(), SETS.len(), LIGHTS.len());
    if parts.is_empty() {
        format!("All runs of {plan} are in it.")
    } else {
        format!(
            "Not all runs of {plan} are in it yet: {}. A mean is of the sets and seeds that its line names.",
            parts.join(", ")
        )
    }
}

fn combinations() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    NETS.iter().flat_map(|net| SETS.iter().flat_map(|set| LIGHTS.iter().map(|light| (net.name, *set, light.name))))
}

fn cell(
    records: &[Record],
    network: &'static str,
    set: &'static str,
    light: &'static str,
    precision: &str,
) -> Option<Cell> {
    let find = |seed: u64, precision: &str| records.iter().find(|one| one.is(network, set, seed, light, precision));
    let own = records.iter().filter(|one| one.is(network, set, one.seed, light, precision));
    let pairs: Vec<(&Record, &Record)> = own.filter_map(|one| Some((one, find(one.seed, "f32")?))).collect();
    if pairs.is_empty() {
        return None;
    }
    let count = pairs.len() as f64;
    let mean = |of: &dyn Fn(&Record, &Record) -> Option<f64>| {
        Some(pairs.iter().map(|(one, base)| of(one, base)).sum::<Option<f64>>()? / count)
    };
    let (mut values, mut changes) = ([0.0; METRICS], Vec::new());
    for (at, value) in values.iter_mut().enumerate() {
        *value = mean(&|one, _| one.values().get(at).copied())?;
        let end = |side: usize| mean(&|one, _| one.intervals()?.get(at)?.get(side).copied());
        let change = mean(&|one, base| Some(one.values().get(at)? - base.values().get(at)?));
        changes.extend(change.zip(end(0).zip(end(1))).map(|(mean, (low, high))| Change { mean, low, high }));
    }
    Some(Cell { network, set, light, values, changes: changes.try_into().ok(), seeds: pairs.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablation::precision::{PAGE, kept};
    use crate::written_tables::tests::written;

    fn record(set: &str, seed: u64, light: &str, precision: &str, value: f64) -> Record {
        let end = |end: f64| (precision != "f32").then_some(end);
        Record {
            network: "resnet18".to_owned(),
            set: set.to_owned(),
            seed,
            light: light.to_owned(),
            precision: precision.to_owned(),
            image_auroc: value,
            pixel_ap: value / 2.0,
            aupro_05: 50.0,
            image_auroc_low: end(-3.0),
            image_auroc_high: end(-1.0),
            pixel_ap_low: end(-2.0),
            pixel_ap_high: end(1.0),
            aupro_05_low: end(0.5),
            aupro_05_high: end(1.0),
        }
    }

    #[test]
    fn a_table_of_few_runs_says_so_and_names_the_worst_set() {
        let as_it_is = "as it is";
        let records = [
            record("bottle", 0, as_it_is, "f32", 90.0),
            record("bottle", 0, as_it_is, "int8", 88.0),
            record("magnetic_tile", 0, as_it_is, "f32", 80.0),
            record("magnetic_tile", 0, as_it_is, "int8", 76.0),
            // Without f32 in this light it says nothing.
            record("magnetic_tile", 0, "30 % more light", "int8", 10.0),
        ];
        let text = table(&records, 3);
        let row = "| resnet18 | int8 | as it is | 2 x 1 seeds | 82.00 | -3.00 | 0, 2 | 41.00 | -1.50 | 0, 0 | 50.00 | +0.00 | 2, 0 |";
        assert!(text.contains(row), "{text}");
        let worst = "**Where int8 loses most:** image AUROC -4.00 (-3.00 to -1.00) on magnetic_tile with resnet18; pixel AP -2.00 \
                     (-2.00 to +1.00) on magnetic_tile with resnet18; AUPRO 5 % nowhere.";
        assert!(text.contains(worst), "{text}");
        assert!(!text.contains("In changed light") && !text.contains("Where bf16"), "{text}");
        assert!(text.contains("yet: f32 has 2 of 144, int8 has 3 of 144, bf16 has 0 of 144."), "{text}");
        let sets = by_set(&records);
        assert!(sets.contains("| resnet18 | bottle | 88.00 | -2.00 | -3.00 to -1.00 |"), "{sets}");
    }

    #[test]
    fn the_page_says_what_was_measured() {
        let records = kept().unwrap();
        assert_eq!(
            written(PAGE, "precision"),
            table(&records, 3).trim(),
            "run `cargo xtask ablation --only precision --tables`"
        );
        assert_eq!(written(PAGE, "precision-sets"), by_set(&records).trim());
    }
}
