//! What was measured of one choice of network, size and bank, and which choice a time budget leaves.

use patchcore::NetworkPrecision;
use patchcore::metrics::{Interval, delong, delong_difference};
use serde::Serialize;

/// Times of a photo in milliseconds: medians of each part, of the whole, and what 95 of 100 photos take at most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Milliseconds {
    /// Reading the file, decoding it, the resize.
    pub decode: f64,
    /// The network and the embedding of its features; on a device that does all in one go, all of that.
    pub network: f64,
    /// The nearest rows of the banks.
    pub search: f64,
    /// The map and the image score.
    pub map: f64,
    /// All together.
    pub median: f64,
    /// The 95th percentile of all together.
    pub p95: f64,
}

/// Times of one photo's parts, in milliseconds: decode, network, search, map.
pub type Parts = [f64; 4];

impl Milliseconds {
    /// Of the parts of every photo; `None` without any.
    pub fn of(photos: &[Parts]) -> Option<Self> {
        let part = |number: usize| photos.iter().map(|parts| parts.get(number).copied().unwrap_or(0.0)).collect();
        let whole: Vec<f64> = photos.iter().map(|parts| parts.iter().sum()).collect();
        Some(Self {
            decode: at(part(0), 0.5)?,
            network: at(part(1), 0.5)?,
            search: at(part(2), 0.5)?,
            map: at(part(3), 0.5)?,
            median: at(whole.clone(), 0.5)?,
            p95: at(whole, 0.95)?,
        })
    }
}

/// The smallest value that such a share of the values does not exceed.
fn at(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.max(1) - 1).copied()
}

/// A choice and what it takes and finds.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Network of the catalogue.
    pub backbone: String,
    /// Number format in which it computes.
    pub network_precision: NetworkPrecision,
    /// Short side after the resize, in pixels.
    pub resize: u32,
    /// Share of the training patches in each memory bank.
    pub coreset_sampling_ratio: f64,
    /// Rows of each memory bank.
    pub bank_rows: Vec<usize>,
    /// Photos that were timed.
    pub photos: usize,
    /// Per photo.
    pub milliseconds: Milliseconds,
    /// On the data's labelled photos; absent without photos of both classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_auroc: Option<f64>,
    /// DeLong, 95 %; absent where the AUROC has none: too few photos, or not one of them in the wrong order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_auroc_interval: Option<Interval>,
    /// No other choice here is both faster and better.
    pub is_on_front: bool,
    /// Image scores in the order of the photos, for comparisons.
    #[serde(skip)]
    pub scores: Vec<f32>,
}

impl Measured {
    /// Sets the AUROC from the scores; `labels` is `true` for defective.
    pub fn judge(&mut self, labels: &[bool]) {
        let Ok(estimate) = delong(&self.scores, labels) else { return };
        self.image_auroc = Some(estimate.auroc);
        self.image_auroc_interval = estimate.interval(0.95).ok().filter(|interval| interval.low < interval.high);
    }

    /// Whether the photos tell this choice's AUROC apart from another's (DeLong, paired, 5 %).
    fn differs_from(&self, other: &Self, labels: &[bool]) -> bool {
        delong_difference(&self.scores, &other.scores, labels).is_ok_and(|difference| difference.p_value < 0.05)
    }

    /// How good a choice is: its AUROC; without labelled photos the pixels that it looks at, and the rows.
    fn merit(&self) -> (f64, f64) {
        match self.image_auroc {
            Some(auroc) => (auroc, 0.0),
            None => (f64::from(self.resize), self.bank_rows.iter().sum::<usize>() as f64),
        }
    }
}

/// Marks the choices that no other one beats: none is as fast and as good, and better in one of the two.
pub fn mark_front(all: &mut [Measured]) {
    let points: Vec<(f64, (f64, f64))> = all.iter().map(|one| (one.milliseconds.median, one.merit())).collect();
    for (one, (time, merit)) in all.iter_mut().zip(&points) {
        let beats = |(other_time, other): &(f64, (f64, f64))| {
            other_time <= time && other >= merit && (other_time < time || other > merit)
        };
        one.is_on_front = !points.iter().any(beats);
    }
}

/// What a time budget leaves.
pub struct Choice<'a> {
    /// The best of what 95 of 100 photos stay within the budget with; of equally good ones the fastest.
    pub best: &'a Measured,
    /// The fastest choice that the photos do not tell apart from the best, if another one is.
    pub as_good: Option<&'a Measured>,
}

/// The best choice within a budget in milliseconds; `None` where nothing is.
pub fn choose<'a>(all: &'a [Measured], budget: f64, labels: &[bool]) -> Option<Choice<'a>> {
    let within = || all.iter().filter(|one| one.milliseconds.p95 <= budget);
    let faster = |a: &&Measured, b: &&Measured| a.milliseconds.median.total_cmp(&b.milliseconds.median);
    let better = |a: &&Measured, b: &&Measured| {
        let order = a.merit().partial_cmp(&b.merit()).unwrap_or(std::cmp::Ordering::Equal);
        order.then(faster(b, a))
    };
    let best = within().max_by(better)?;
    let is_judged = best.image_auroc.is_some();
    let alike = within().filter(|one| is_judged && !best.differs_from(one, labels)).min_by(faster);
    Some(Choice { best, as_good: alike.filter(|one| !std::ptr::eq(*one, best)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(resize: u32, median: f64, scores: &[f32]) -> Measured {
        let milliseconds =
            Milliseconds { decode: 0.0, network: median, search: 0.0, map: 0.0, median, p95: median + 1.0 };
        let mut one = Measured {
            backbone: "n".to_owned(),
            network_precision: NetworkPrecision::F32,
            resize,
            coreset_sampling_ratio: 0.1,
            bank_rows: vec![3],
            photos: scores.len(),
            milliseconds,
            image_auroc: None,
            image_auroc_interval: None,
            is_on_front: false,
            scores: scores.to_vec(),
        };
        one.judge(&LABELS);
        one
    }

    const LABELS: [bool; 8] = [false, false, false, false, true, true, true, true];
    const PERFECT: [f32; 8] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    const NEARLY: [f32; 8] = [1.0, 2.0, 3.0, 5.5, 5.0, 6.0, 7.0, 8.0];
    const USELESS: [f32; 8] = [5.0, 6.0, 7.0, 8.0, 1.0, 2.0, 3.0, 4.0];

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let photos: Vec<Parts> = (1..=20).map(|number| [1.0, f64::from(number), 2.0, 0.5]).collect();
        let found = Milliseconds::of(&photos).unwrap();
        let wanted = Milliseconds { decode: 1.0, network: 10.0, search: 2.0, map: 0.5, median: 13.5, p95: 22.5 };
        assert_eq!(found, wanted);
        assert_eq!(Milliseconds::of(&[]), None);
        assert_eq!(Milliseconds::of(&[[1.0, 2.0, 3.0, 4.0]]).unwrap().p95, 10.0);
    }

    #[test]
    fn the_front_is_what_nothing_beats() {
        let mut all = [
            measured(192, 5.0, &NEARLY),
            measured(256, 9.0, &PERFECT),
            measured(300, 9.0, &PERFECT),
            measured(384, 20.0, &PERFECT),
            measured(128, 6.0, &USELESS),
        ];
        mark_front(&mut all);
        assert_eq!(all.map(|one| one.is_on_front), [true, true, true, false, false]);
    }

    #[test]
    fn a_budget_leaves_the_best_of_what_is_fast_enough() {
        let all = [
            measured(192, 5.0, &NEARLY),
            measured(256, 9.0, &PERFECT),
            measured(384, 8.0, &PERFECT),
            measured(128, 4.0, &USELESS),
        ];
        let choice = |budget: f64| {
            choose(&all, budget, &LABELS).map(|choice| (choice.best.resize, choice.as_good.map(|one| one.resize)))
        };
        // 95 of 100 photos count, not the median.
        assert_eq!(choice(4.5), None);
        assert_eq!(choice(5.0), Some((128, None)));
        assert_eq!(choice(6.0), Some((192, None)));
        // Two equally good ones: the faster. One photo in the wrong order of eight is chance.
        assert_eq!(choice(20.0), Some((384, Some(192))));
    }

    #[test]
    fn without_labelled_photos_the_largest_view_counts() {
        let mut all = [measured(192, 5.0, &PERFECT), measured(256, 9.0, &PERFECT), measured(384, 30.0, &PERFECT)];
        all.iter_mut().for_each(|one| one.image_auroc = None);
        let choice = choose(&all, 20.0, &[]).unwrap();
        assert_eq!((choice.best.resize, choice.as_good.is_none()), (256, true));
    }
}
