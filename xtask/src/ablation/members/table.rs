//! The tables of docs/how-to/several-networks.md.

use std::fmt::Write;

use super::crew::{CREWS, Crew};
use super::record::{Record, Time};
use crate::ablation::variants::SETS;

/// The metrics that are shown, as [`PICKS`] picks them.
const NAMES: [&str; 3] = ["image AUROC", "pixel AP", "AUPRO 5 %"];

/// The metric of this place in [`NAMES`].
type Pick = fn(&Mean) -> f64;

const PICKS: [Pick; 3] = [|mean| mean.image_auroc, |mean| mean.pixel_ap, |mean| mean.aupro_05];

/// Means over the sets that a crew and its networks alone have all been measured on: what it gains over the first network, and over
/// the better one; what a photo takes.
pub fn table(records: &[Record], times: &[Time]) -> String {
    let mut text = String::from("| networks | banks of each | sets |");
    NAMES.iter().for_each(|name| text.push_str(&format!(" {name} | against the first, the best alone |")));
    text.push_str(" time of a photo |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for crew in &CREWS {
        let own = means(records, crew);
        if own.is_empty() {
            continue;
        }
        let alone: Vec<Vec<Mean>> = crew.parts().map(|part| means(records, part)).collect();
        // What is compared is compared on the same sets.
        let shared: Vec<&Mean> =
            own.iter().filter(|mean| alone.iter().all(|part| part.iter().any(|other| other.set == mean.set))).collect();
        if shared.is_empty() {
            continue;
        }
        let _ = write!(text, "| {} | {} | {} |", crew.name(), if crew.two_banks { "two" } else { "one" }, shared.len());
        for pick in PICKS {
            let count = shared.len() as f64;
            let mean = shared.iter().map(|mean| pick(mean)).sum::<f64>() / count;
            if crew.networks.len() == 1 {
                let _ = write!(text, " {mean:.2} | |");
                continue;
            }
            let over = |better: &dyn Fn(&[f64]) -> f64| {
                let gains = shared.iter().map(|mean| {
                    let others = alone.iter().flatten().filter(|other| other.set == mean.set);
                    let others: Vec<f64> = others.map(pick).collect();
                    pick(mean) - better(&others)
                });
                gains.sum::<f64>() / count
            };
            let first = over(&|others| others.first().copied().unwrap_or(f64::NAN));
            let best = over(&|others| others.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            let _ = write!(text, " {mean:.2} | {first:+.2}, {best:+.2} |");
        }
        let time = times.iter().find(|time| time.networks == crew.name() && time.banks == crew.banks());
        let _ = match time {
            Some(time) => writeln!(text, " {:.2} |", time.ratio),
            None => writeln!(text, " not measured |"),
        };
    }
    let seeds = records.iter().map(|record| record.seed).max().map_or(0, |seed| seed + 1);
    let _ = write!(
        text,
        "\n\"The best alone\" is chosen set by set, by looking at the test photos: nobody can choose so well beforehand. Seeds: {seeds}. The time is \
         that of one thread, file to verdict, as a multiple of the first line's in the same rounds.\n"
    );
    text
}

/// Image AUROC set by set.
pub fn by_set(records: &[Record]) -> String {
    let mut text = String::from("| image AUROC |");
    let measured: Vec<&str> = SETS.into_iter().filter(|set| records.iter().any(|record| record.set == *set)).collect();
    measured.iter().for_each(|set| text.push_str(&format!(" {set} |")));
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(measured.len()));
    for crew in &CREWS {
        let own = means(records, crew);
        if own.is_empty() {
            continue;
        }
        let _ = write!(text, "| {}, {} |", crew.name(), crew.banks());
        for set in &measured {
            match own.iter().find(|mean| mean.set == *set) {
                Some(mean) => text.push_str(&format!(" {:.2} |", mean.image_auroc)),
                None => text.push_str(" |"),
            }
        }
        text.push('\n');
    }
    text
}

/// A crew on one set, mean of its seeds.
struct Mean {
    set: &'static str,
    image_auroc: f64,
    pixel_ap: f64,
    aupro_05: f64,
}

fn means(records: &[Record], crew: &Crew) -> Vec<Mean> {
    let of_set = |set: &'static str| {
        let own = records.iter().filter(|record| record.is_of(&crew.name(), crew.banks()) && record.set == set);
        let own: Vec<&Record> = own.collect();
        let mean = |of: fn(&Record) -> f64| own.iter().map(|record| of(record)).sum::<f64>() / own.len() as f64;
        (!own.is_empty()).then(|| Mean {
            set,
            image_auroc: mean(|record| record.image_auroc),
            pixel_ap: mean(|record| record.pixel_ap),
            aupro_05: mean(|record| record.aupro_05),
        })
    };
    SETS.into_iter().filter_map(of_set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_over_the_first_network_and_over_the_better_one() {
        let record = |networks: &str, set: &str, image_auroc: f64| Record {
            networks: networks.to_owned(),
            banks: "one bank".to_owned(),
            set: set.to_owned(),
            seed: 0,
            image_auroc,
            pixel_ap: 50.0,
            aupro_05: 30.0,
            image_auroc_low: None,
            image_auroc_high: None,
            aupro_05_low: None,
            aupro_05_high: None,
        };
        let records = [
            record("efficientnet_lite0", "bottle", 90.0),
            record("resnet18", "bottle", 92.0),
            record("efficientnet_lite0 + resnet18", "bottle", 93.0),
            // Without its networks alone there is nothing to compare with.
            record("efficientnet_lite0 + resnet18", "magnetic_tile", 10.0),
        ];
        let time = Time {
            networks: "efficientnet_lite0 + resnet18".to_owned(),
            banks: "one bank".to_owned(),
            milliseconds: 30.0,
            ratio: 3.0,
        };
        let table = table(&records, &[time]);
        let row = "| efficientnet_lite0 + resnet18 | one | 1 | 93.00 | +3.00, +1.00 | 50.00 | +0.00, +0.00 | 30.00 | +0.00, +0.00 | 3.00 |";
        assert!(table.contains(row), "{table}");
        assert!(by_set(&records).contains("| efficientnet_lite0 + resnet18, one bank | 93.00 | 10.00 |"));
    }
}
