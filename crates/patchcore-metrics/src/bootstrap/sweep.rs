//! One walk over the scores, highest first, for several resamples at once.
//!
//! A resample is a weight per image; the curves of all metrics are followed in (weighted) counts, and divided at the
//! end. See [`RankedScores`](super::super::ranked_scores::RankedScores) and its metrics for the same without weights.

#![allow(
    clippy::indexing_slicing,
    reason = "an index is a lane, an image with a weight, or a place that the events themselves tell"
)]

use super::events::{Events, Totals};

/// Resamples of one walk: as many as fill the vector registers.
pub(super) const LANES: usize = 8;
type Lanes = [f64; LANES];
/// False-positive rates up to which the AUPRO is taken.
const LIMITS: [f64; 2] = [0.3, 0.05];

/// The metrics of one resample.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Replicate {
    pub(crate) auroc: f64,
    pub(crate) ap: f64,
    pub(crate) f1_max: f64,
    pub(crate) aupro_30: f64,
    pub(crate) aupro_05: f64,
    /// These are not of the sweep, and not in the files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aupimo: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) f1: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region_recall: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) regions_found: Option<f64>,
}

/// Where the curves are, and the areas under them so far.
#[derive(Default)]
struct State {
    false_positives: Lanes,
    true_positives: Lanes,
    overlap: Lanes,
    roc_area: Lanes,
    precision_sum: Lanes,
    /// Numerator and denominator of half the best F1.
    best: [Lanes; 2],
    pro_area: [Lanes; 2],
}

/// Weighted totals of each resample.
#[derive(Default)]
struct LaneTotals {
    normal: Lanes,
    anomalous: Lanes,
    regions: Lanes,
}

/// The metrics of up to [`LANES`] resamples, `weights[resample][image]`; `None` for one without a normal or an anomalous
/// entry.
pub(super) fn sweep(events: &Events, weights: &[Vec<u32>]) -> Vec<Option<Replicate>> {
    let images = events.totals.len();
    assert!(weights.len() <= LANES && weights.iter().all(|weights| weights.len() == images), "a weight for each image");
    let lanes_of = |image: usize| {
        let mut lanes = [0.0; LANES];
        for (lane, weights) in lanes.iter_mut().zip(weights) {
            *lane = f64::from(weights[image]);
        }
        lanes
    };
    let weights_of: Vec<Lanes> = (0..images).map(lanes_of).collect();
    let mut totals = LaneTotals::default();
    for (weight, Totals { normal, anomalous, regions }) in weights_of.iter().zip(&events.totals) {
        add(&mut totals.normal, weight, *normal);
        add(&mut totals.anomalous, weight, *anomalous);
        add(&mut totals.regions, weight, *regions);
    }
    let state = walk(events, &weights_of, &totals);
    (0..weights.len()).map(|lane| finish(&state, &totals, lane)).collect()
}

fn walk(events: &Events, weights_of: &[Lanes], totals: &LaneTotals) -> State {
    let weight = |image: u32| &weights_of[image as usize];
    let limits = LIMITS.map(|limit| totals.normal.map(|normal| limit * normal));
    let mut state = State::default();
    let (mut normal_at, mut anomalous_at) = (0, 0);
    for step in &events.steps {
        let before = &events.normal[normal_at..step.before_end];
        let tied = &events.normal[step.before_end..step.tied_end];
        let anomalous = &events.anomalous[anomalous_at..step.anomalous_end];
        (normal_at, anomalous_at) = (step.tied_end, step.anomalous_end);

        if !before.is_empty() {
            let mut next = state.false_positives;
            for event in before {
                add(&mut next, weight(event.image), f64::from(event.count));
            }
            state.go_right(&next, &limits);
        }
        let (mut false_positives, mut true_positives) = (state.false_positives, state.true_positives);
        let mut overlap = state.overlap;
        for event in tied {
            add(&mut false_positives, weight(event.image), f64::from(event.count));
        }
        for event in anomalous {
            add(&mut true_positives, weight(event.image), f64::from(event.count));
            add(&mut overlap, weight(event.image), event.overlap);
        }
        if !tied.is_empty() {
            state.go_aslant(&false_positives, &true_positives, &overlap, &limits);
        }
        state.arrive(false_positives, true_positives, overlap, &totals.anomalous);
    }
    state.go_right(&totals.normal, &limits);
    state
}

#[inline(always)]
fn add(lanes: &mut Lanes, weight: &Lanes, value: f64) {
    for (lane, weight) in lanes.iter_mut().zip(weight) {
        *lane += weight * value;
    }
}

impl State {
    /// Only normal entries: the curves are level.
    #[inline(always)]
    fn go_right(&mut self, next: &Lanes, limits: &[Lanes; 2]) {
        for lane in 0..LANES {
            let from = self.false_positives[lane];
            self.roc_area[lane] += (next[lane] - from) * self.true_positives[lane];
            for (area, limit) in self.pro_area.iter_mut().zip(limits) {
                area[lane] += (next[lane].min(limit[lane]) - from.min(limit[lane])) * self.overlap[lane];
            }
            self.false_positives[lane] = next[lane];
        }
    }

    /// Normal and anomalous entries with one score: a straight line between the two points.
    fn go_aslant(&mut self, false_positives: &Lanes, true_positives: &Lanes, overlap: &Lanes, limits: &[Lanes; 2]) {
        for lane in 0..LANES {
            let (from, to) = (self.false_positives[lane], false_positives[lane]);
            let width = to - from;
            self.roc_area[lane] += width * (self.true_positives[lane] + true_positives[lane]) / 2.0;
            let (low, high) = (self.overlap[lane], overlap[lane]);
            for (area, limit) in self.pro_area.iter_mut().zip(limits) {
                if width > 0.0 && from < limit[lane] {
                    let inside = to.min(limit[lane]) - from;
                    let end = low + (high - low) * inside / width;
                    area[lane] += inside * (low + end) / 2.0;
                }
            }
        }
    }

    /// Takes the values after a step, where precision and F1 are looked at.
    #[inline(always)]
    fn arrive(&mut self, false_positives: Lanes, true_positives: Lanes, overlap: Lanes, anomalous: &Lanes) {
        for lane in 0..LANES {
            let (hits, called) = (true_positives[lane], true_positives[lane] + false_positives[lane]);
            // Counts are whole: the maximum only spares the division of nothing by nothing.
            self.precision_sum[lane] += (hits - self.true_positives[lane]) * hits / called.max(1.0);
            let of = called + anomalous[lane];
            let better = hits * self.best[1][lane] >= self.best[0][lane] * of;
            self.best[0][lane] = if better { hits } else { self.best[0][lane] };
            self.best[1][lane] = if better { of } else { self.best[1][lane] };
        }
        self.false_positives = false_positives;
        self.true_positives = true_positives;
        self.overlap = overlap;
    }
}

/// Divides one lane's areas by what is whole; `None` without a normal or an anomalous entry.
fn finish(state: &State, totals: &LaneTotals, lane: usize) -> Option<Replicate> {
    let (normal, anomalous) = (totals.normal[lane], totals.anomalous[lane]);
    let [area_30, area_05] = &state.pro_area;
    let aupro = |area: &Lanes, limit: f64| (area[lane] / (limit * normal * totals.regions[lane])).min(1.0);
    let [hits, of] = &state.best;
    (normal > 0.0 && anomalous > 0.0).then(|| Replicate {
        auroc: state.roc_area[lane] / (normal * anomalous),
        ap: (state.precision_sum[lane] / anomalous).min(1.0),
        f1_max: 2.0 * hits[lane] / of[lane],
        aupro_30: aupro(area_30, LIMITS[0]),
        aupro_05: aupro(area_05, LIMITS[1]),
        aupimo: None,
        f1: None,
        region_recall: None,
        regions_found: None,
    })
}
