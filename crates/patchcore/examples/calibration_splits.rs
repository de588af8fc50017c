//! Does the calibrated false-positive rate hold on real photos? Repeated splits of good photos into those that calibrate
//! and those that are judged.
//!
//! `cargo run --release --example calibration_splits -- BACKBONE WEIGHTS TRAINED FPR GOOD_FOLDER...` (WEIGHTS: `-` for
//! embedded ones). TRAINED photos are fitted, 5 times over; of the others, as many calibrate as FPR needs at 95 %, and
//! the rest is judged; each fit's scores are split 1,000 times.
//!
//! The judged photos are few, so even a threshold with exactly the promised rate is above it on many splits. What to
//! compare with is therefore not 5 %, but the share that exchangeable scores would give: the number of judged scores
//! above the r-th largest of n calibrating ones has a negative hypergeometric distribution. Splits of one fit share their
//! photos: the observed share scatters more than 5,000 independent splits would.

use std::path::Path;

use patchcore::metrics::threshold::{GoodScoreSource, Verdict, calibrate, photos_needed, rank_of};
use patchcore::{CalibrateOptions, Model, Settings, good_images};

const FITS: u64 = 5;
const SPLITS: usize = 1_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backbone, weights, trained, fpr, folders @ ..] = arguments.as_slice() else {
        return Err("usage: calibration_splits BACKBONE WEIGHTS TRAINED FPR GOOD_FOLDER...".into());
    };
    let (trained, fpr): (usize, f64) = (trained.parse()?, fpr.parse()?);
    let weights = (weights != "-").then(|| Path::new(weights).to_owned());
    let settings = Settings { backbone: backbone.clone(), weights, ..Settings::default() };
    let mut files = Vec::new();
    for folder in folders {
        files.extend(good_images(Path::new(folder))?);
    }
    let needed = photos_needed(fpr, 0.95)?;
    if files.len() < trained + needed + 1 {
        return Err(format!("{} photos: {trained} to fit, {needed} to calibrate and some to judge", files.len()).into());
    }
    let judged = files.len() - trained - needed;
    let (mut state, mut rates, mut above) = (1, 0.0, 0);
    for _ in 0..FITS {
        shuffle(&mut files, &mut state);
        let (fitted, others) = files.split_at(trained);
        let model = Model::fit(&settings, fitted)?;
        let report = model.calibrate(others, CalibrateOptions::default())?;
        let mut scores: Vec<f32> = report.scores.iter().map(|photo| photo.score).collect();
        for _ in 0..SPLITS {
            shuffle(&mut scores, &mut state);
            let (calibrating, rest) = scores.split_at(needed);
            let threshold = calibrate(calibrating, fpr, 0.95, GoodScoreSource::HeldOut)?;
            let alarms = rest.iter().filter(|score| threshold.verdict(**score) == Verdict::Anomalous).count();
            let rate = alarms as f64 / rest.len() as f64;
            rates += rate;
            above += usize::from(rate > fpr);
        }
    }
    let splits = (FITS as usize * SPLITS) as f64;
    let rank = rank_of(needed, fpr, 0.95)?;
    let most = (fpr * judged as f64).floor() as usize;
    println!("{trained} photos fitted, {needed} calibrate, {judged} judged; promised rate {fpr} at 95 % confidence");
    println!("mean rate {:.4} (exchangeable scores: {:.4})", rates / splits, rank as f64 / (needed + 1) as f64);
    println!(
        "share of splits above {fpr}: {:.3} (exchangeable scores: {:.3})",
        above as f64 / splits,
        1.0 - (0..=most).map(|alarms| probability(alarms, rank, needed, judged)).sum::<f64>()
    );
    Ok(())
}

/// That `alarms` of `judged` scores lie above the `rank`-th largest of `n` others, if no order is likelier than another.
fn probability(alarms: usize, rank: usize, n: usize, judged: usize) -> f64 {
    let ln_choose = |n: usize, k: usize| (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum::<f64>();
    let ways = ln_choose(alarms + rank - 1, alarms) + ln_choose(judged - alarms + n - rank, judged - alarms);
    (ways - ln_choose(judged + n, judged)).exp()
}

/// Fisher and Yates, by splitmix64.
fn shuffle<T>(items: &mut [T], state: &mut u64) {
    for last in (1..items.len()).rev() {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        items.swap(last, ((mixed ^ (mixed >> 31)) % (last as u64 + 1)) as usize);
    }
}
