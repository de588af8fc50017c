//! The table of docs/explanation/line.md, and the rule by which a choice is kept.

use super::record::Record;
use super::variants::{NETS, SETS, VARIANTS, Variant};

/// A variant on one network and set, mean of the seeds that both it and its base have.
struct Cell {
    set: &'static str,
    /// Image AUROC and AUPRO 0.05, in percent.
    value: [f64; 2],
    /// Both less the base's; nothing without a base.
    change: Option<[Change; 2]>,
    seeds: usize,
}

#[derive(Clone, Copy)]
struct Change {
    mean: f64,
    /// Ends of the paired 95 % interval, each the mean of the seeds' ends: not narrower for there being several seeds.
    low: f64,
    high: f64,
}

/// The whole table, as Markdown.
pub fn table(records: &[Record]) -> String {
    let mut text = String::from(
        "| network | choice | against | sets | image AUROC | change | better, worse | AUPRO 5 % | change | better, worse | kept |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for net in &NETS {
        for variant in &VARIANTS {
            let cells: Vec<Cell> = SETS.iter().filter_map(|set| cell(records, net.name, set, variant)).collect();
            if !cells.is_empty() {
                text.push_str(&row(net.name, variant, &cells));
            }
        }
    }
    text
}

/// Where the last variant that bears the mode's name loses: set by set.
pub fn losses(records: &[Record], variant: &str) -> String {
    let mut text = String::from(
        "| network | set | image AUROC | change | interval | AUPRO 5 % | change | interval |\n|---|---|---|---|---|---|---|---|\n",
    );
    let Some(variant) = VARIANTS.iter().find(|known| known.name == variant) else { return text };
    for net in &NETS {
        for cell in SETS.iter().filter_map(|set| cell(records, net.name, set, variant)) {
            let Some([image, aupro]) = cell.change else { continue };
            let of = |change: Change| format!("{:+.2} | {:+.2} to {:+.2}", change.mean, change.low, change.high);
            let [of_image, of_aupro] = cell.value;
            text.push_str(&format!(
                "| {} | {} | {of_image:.2} | {} | {of_aupro:.2} | {} |\n",
                net.name,
                cell.set,
                of(image),
                of(aupro)
            ));
        }
    }
    text
}

fn row(network: &str, variant: &Variant, cells: &[Cell]) -> String {
    let mean = |of: &dyn Fn(&Cell) -> f64| cells.iter().map(of).sum::<f64>() / cells.len() as f64;
    let seeds = cells.iter().map(|cell| cell.seeds).min().unwrap_or(0);
    let column = |at: usize| {
        let value = format!("{:.2}", mean(&|cell| cell.value.get(at).copied().unwrap_or(f64::NAN)));
        let changes: Vec<Change> = cells.iter().filter_map(|cell| cell.change.as_ref()?.get(at).copied()).collect();
        if changes.is_empty() {
            return format!("{value} | | ");
        }
        let change = changes.iter().map(|change| change.mean).sum::<f64>() / changes.len() as f64;
        let better = changes.iter().filter(|change| change.low > 0.0).count();
        let worse = changes.iter().filter(|change| change.high < 0.0).count();
        format!("{value} | {change:+.2} | {better}, {worse}")
    };
    let kept = match variant.base {
        None => "",
        Some(_) if is_kept(cells) => "yes",
        Some(_) => "no",
    };
    format!(
        "| {network} | {} | {} | {} x {seeds} seeds | {} | {} | {kept} |\n",
        variant.name,
        variant.base.unwrap_or_default(),
        cells.len(),
        column(0),
        column(1)
    )
}

/// The rule, fixed before anything was measured: both means do not fall, one rises, and on no set an interval lies wholly below zero.
fn is_kept(cells: &[Cell]) -> bool {
    let changes = |at: usize| cells.iter().filter_map(move |cell| cell.change.as_ref()?.get(at).copied());
    let mean = |at: usize| changes(at).map(|change| change.mean).sum::<f64>();
    let (image, aupro) = (mean(0), mean(1));
    let loses = (0..2).flat_map(changes).any(|change| change.high < 0.0);
    image >= 0.0 && aupro >= 0.0 && image + aupro > 0.0 && !loses
}

/// A record and its base's.
type Pair<'a> = (&'a Record, Option<&'a Record>);

fn cell(records: &[Record], network: &str, set: &'static str, variant: &Variant) -> Option<Cell> {
    let of = |seed: u64, name: &str| records.iter().find(|record| record.is(network, set, seed, name));
    let own = records.iter().filter(|record| record.is(network, set, record.seed, variant.name));
    let pairs: Vec<Pair<'_>> = match variant.base {
        None => own.map(|record| (record, None)).collect(),
        Some(base) => own.filter_map(|record| Some((record, Some(of(record.seed, base)?)))).collect(),
    };
    if pairs.is_empty() {
        return None;
    }
    let mean = |of: &dyn Fn(&Pair<'_>) -> Option<f64>| {
        pairs.iter().map(of).sum::<Option<f64>>().map(|sum| sum / pairs.len() as f64)
    };
    let change = |value: fn(&Record) -> f64, low: fn(&Record) -> Option<f64>, high: fn(&Record) -> Option<f64>| {
        Some(Change {
            mean: mean(&|(own, base)| Some(value(own) - value((*base)?)))?,
            low: mean(&|(own, _)| low(own))?,
            high: mean(&|(own, _)| high(own))?,
        })
    };
    let image = change(|record| record.image_auroc, |record| record.image_auroc_low, |record| record.image_auroc_high);
    let aupro = change(|record| record.aupro_05, |record| record.aupro_05_low, |record| record.aupro_05_high);
    let value = [mean(&|(own, _)| Some(own.image_auroc))?, mean(&|(own, _)| Some(own.aupro_05))?];
    Some(Cell { set, value, change: image.zip(aupro).map(|(image, aupro)| [image, aupro]), seeds: pairs.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(set: &str, variant: &str, image_auroc: f64, interval: Option<(f64, f64)>) -> Record {
        Record {
            network: "resnet18".to_owned(),
            set: set.to_owned(),
            seed: 0,
            variant: variant.to_owned(),
            image_auroc,
            image_ap: 0.0,
            pixel_auroc: 0.0,
            pixel_ap: 0.0,
            aupro_30: 0.0,
            aupro_05: 50.0,
            image_auroc_low: interval.map(|(low, _)| low),
            image_auroc_high: interval.map(|(_, high)| high),
            aupro_05_low: interval.map(|_| -1.0),
            aupro_05_high: interval.map(|_| 1.0),
        }
    }

    #[test]
    fn a_choice_is_kept_by_the_rule() {
        let name = "maximum of the map";
        let variant = VARIANTS.iter().find(|variant| variant.name == name).unwrap();
        let kept = |bottle: (f64, (f64, f64)), tile: (f64, (f64, f64))| {
            let records = [
                record("bottle", "paper", 90.0, None),
                record("magnetic_tile", "paper", 80.0, None),
                record("bottle", name, 90.0 + bottle.0, Some(bottle.1)),
                record("magnetic_tile", name, 80.0 + tile.0, Some(tile.1)),
            ];
            let of = |set| cell(&records, "resnet18", set, variant).unwrap();
            (is_kept(&[of("bottle"), of("magnetic_tile")]), table(&records))
        };
        let (better, text) = kept((2.0, (1.0, 3.0)), (-1.0, (-2.0, 0.5)));
        assert!(better);
        let row = "| resnet18 | maximum of the map | paper | 2 x 1 seeds | 85.50 | +0.50 | 1, 0 | 50.00 | +0.00 | 0, 0 | yes |";
        assert!(text.contains(row), "{text}");
        assert!(!kept((2.0, (1.0, 3.0)), (-1.0, (-2.0, -0.1))).0, "a set that loses");
        assert!(!kept((0.5, (-1.0, 3.0)), (-1.0, (-2.0, 0.5))).0, "a mean that falls");
        assert!(!kept((0.0, (-1.0, 1.0)), (0.0, (-2.0, 0.5))).0, "nothing rises");
    }
}
