//! The pixel metrics alone: milliseconds for 10.5 million pixels. The peer makes the same maps (`peers/anomalib_metrics.py`).

use std::hint::black_box;

use anyhow::bail;
use patchcore::metrics::{AUPIMO_BOUNDS, LabelledMap, aupimo, pixel_metrics};

use crate::protocol::{Measure, timed};

const SIDE: usize = 512;
/// Maps; every second one is defective.
const MAPS: usize = 40;
/// Defective squares of a defective map, along a side: 36 regions.
const SQUARES: usize = 6;

/// `aupimo`, or `all`: AUROC, AP, F1-max, both AUPROs and AUPIMO.
///
/// # Errors
/// Another name.
pub fn set_up(what: &str) -> anyhow::Result<Measure> {
    let run: fn(&[LabelledMap<'_>]) -> anyhow::Result<()> = match what {
        "aupimo" => |maps| {
            black_box(aupimo(maps, AUPIMO_BOUNDS)?);
            Ok(())
        },
        "all" => |maps| {
            black_box(pixel_metrics(maps)?);
            Ok(())
        },
        _ => bail!("unknown metric `{what}`"),
    };
    let images: Vec<(Vec<f32>, Option<Vec<bool>>)> = (0..MAPS).map(image).collect();
    Ok(Box::new(move || {
        let (width, height) = (SIDE, SIDE);
        let map = images.iter().map(|(scores, mask)| (scores, mask.as_deref()));
        let maps: Vec<LabelledMap<'_>> =
            map.map(|(scores, mask)| LabelledMap { width, height, scores, mask, inside: None }).collect();
        timed(|| run(&maps))
    }))
}

/// Scores of image `number`, and its defective pixels if it has any: good pixels have sums of two uniform numbers, defective
/// ones two thirds more.
fn image(number: usize) -> (Vec<f32>, Option<Vec<bool>>) {
    let defective = |at: usize| {
        let (row, column) = (at / SIDE, at % SIDE);
        let cell = SIDE / SQUARES;
        let in_square = |along: usize| (along % cell) < 12 + number / 4 && along < SQUARES * cell;
        number % 2 == 1 && in_square(row) && in_square(column)
    };
    let score = |at: usize| {
        let index = (number * SIDE * SIDE + at) as u64;
        let uniform = |stream: u64| (mixed(index + stream) >> 8) as f64 / f64::from(1 << 24);
        (10.0 + 5.0 * (uniform(0) + uniform(1 << 30)) + if defective(at) { 20.0 / 3.0 } else { 0.0 }) as f32
    };
    let mask: Vec<bool> = (0..SIDE * SIDE).map(defective).collect();
    ((0..SIDE * SIDE).map(score).collect(), (number % 2 == 1).then_some(mask))
}

/// A 32-bit number for each index.
fn mixed(at: u64) -> u64 {
    let step = |x: u64, (shift, factor): (u32, u64)| {
        let x = (x * factor) & 0xffff_ffff;
        x ^ (x >> shift)
    };
    [(15, 2_654_435_761), (13, 2_246_822_519), (16, 3_266_489_917)].into_iter().fold(at & 0xffff_ffff, step)
}
