//! The kernels as plain loops: what those over vectors must reproduce, and what runs on a processor without any known set.

#![allow(clippy::indexing_slicing, reason = "fixed-size arrays and lengths asserted by the caller")]

use super::shape::Shape;
use super::{PANEL, STRIDE, TILE};
use crate::simd::LANES;

/// Adding it rounds an `f64` to the nearest integer and leaves that integer in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

pub(super) fn multiplies_bytes() -> bool {
    false
}

/// Products of one panel with `TILE` queries, `[TILE][PANEL]`.
#[inline(always)]
fn products(panel: &[i16], queries: &[i16], dims: usize, wide: usize) -> [[i32; PANEL]; TILE] {
    let mut sums = [[0; PANEL]; TILE];
    for (query, sums) in queries.chunks_exact(dims).zip(&mut sums) {
        *sums = products_of_one(panel, query, wide);
    }
    sums
}

/// Of images whose first `wide` places are a coordinate each, the others two bytes.
#[inline(always)]
fn products_of_one(panel: &[i16], query: &[i16], wide: usize) -> [i32; PANEL] {
    let mut sums = [0i32; PANEL];
    let (wide_panel, panel) = panel.split_at(wide * PANEL);
    let (wide_query, query) = query.split_at(wide);
    for (pairs, query) in wide_panel.chunks_exact(2 * PANEL).zip(wide_query.chunks_exact(2)) {
        for (sum, pair) in sums.iter_mut().zip(pairs.chunks_exact(2)) {
            *sum += i32::from(pair[0]) * i32::from(query[0]) + i32::from(pair[1]) * i32::from(query[1]);
        }
    }
    for (pairs, query) in panel.chunks_exact(2 * PANEL).zip(query.chunks_exact(2)) {
        for (sum, pair) in sums.iter_mut().zip(pairs.chunks_exact(2)) {
            *sum += of_bytes(pair[0], query[0]) + of_bytes(pair[1], query[1]);
        }
    }
    sums
}

/// Products of a row's two bytes, which have a sign, with a query's, which have none.
fn of_bytes(row: i16, query: i16) -> i32 {
    let ([a, b], [c, d]) = (row.to_le_bytes(), query.to_le_bytes());
    i32::from(a as i8) * i32::from(c) + i32::from(b as i8) * i32::from(d)
}

pub(super) fn distances(panel: &[i16], norms: &[i32], queries: &[i16], dims: usize, out: &mut [i32], stride: usize) {
    for (tile, out) in queries.chunks_exact(TILE * dims).zip(out.chunks_mut(TILE * stride)) {
        for (query, sums) in products(panel, tile, dims, dims).iter().enumerate() {
            let out = &mut out[query * stride..][..PANEL];
            for ((out, norm), sum) in out.iter_mut().zip(norms).zip(sums) {
                *out = norm - 2 * sum;
            }
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "as the function of the level")]
pub(super) fn bounds(
    panel: &[i16],
    halves: &[i32],
    queries: &[i16],
    query_halves: &[i32],
    shape: Shape,
    out: &mut [i16],
    stride: usize,
    least: &mut [i32],
) {
    if shape.is_wide() {
        bounds_of(panel, halves, queries, query_halves, Shape::wide(shape.wide), out, stride, least);
    } else {
        bounds_of(panel, halves, queries, query_halves, shape, out, stride, least);
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "as the function of the level")]
fn bounds_of(
    panel: &[i16],
    halves: &[i32],
    queries: &[i16],
    query_halves: &[i32],
    shape: Shape,
    out: &mut [i16],
    stride: usize,
    least: &mut [i32],
) {
    let (dims, shorter) = (shape.places(), shape.shorter);
    let tiles = queries.chunks_exact(TILE * dims).zip(query_halves.chunks_exact(TILE));
    for (((tile, query_halves), out), least) in
        tiles.zip(out.chunks_mut(TILE * stride)).zip(least.chunks_exact_mut(TILE * LANES))
    {
        for (query, (sums, half)) in products(panel, tile, dims, shape.wide).iter().zip(query_halves).enumerate() {
            let out = &mut out[query * stride..][..PANEL];
            let least = &mut least[query * LANES..][..LANES];
            for (row, ((out, row_half), sum)) in out.iter_mut().zip(halves).zip(sums).enumerate() {
                let bound = row_half + half - sum;
                least[row % LANES] = least[row % LANES].min(bound);
                *out = (bound >> shorter).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
            }
        }
    }
}

pub(super) fn distances_to_one(panel: &[i16], norms: &[i32], query: &[i16], wide: usize, out: &mut [i32]) {
    for ((out, norm), sum) in out.iter_mut().zip(norms).zip(products_of_one(panel, query, wide)) {
        *out = norm - 2 * sum;
    }
}

pub(super) fn closer(panel: &[i16], floors: &[i32], queries: &[i16], norms: &[i32], dims: usize, masks: &mut [u32]) {
    for ((tile, norms), masks) in
        queries.chunks_exact(TILE * dims).zip(norms.chunks_exact(TILE)).zip(masks.chunks_exact_mut(TILE))
    {
        let sums = products(panel, tile, dims, dims);
        for ((sums, norm), mask) in sums.iter().zip(norms).zip(masks) {
            *mask = 0;
            for (row, (sum, floor)) in sums.iter().zip(floors).enumerate() {
                *mask |= u32::from(floor + norm <= 2 * sum) << row;
            }
        }
    }
}

/// A hint for processors whose instruction for it is known.
pub(super) fn prefetch(_: *const u8, _: usize) {}

pub(super) fn product(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

pub(super) fn shorts_not_above(values: &[i16], limit: i16, first: u32, out: &mut [u32]) -> usize {
    let mut count = 0;
    for (panel, values) in values.chunks_exact(PANEL).enumerate() {
        // Without an exit, so that it vectorises.
        if values.iter().fold(i16::MAX, |least, value| least.min(*value)) > limit {
            continue;
        }
        for (slot, _) in values.iter().enumerate().filter(|(_, value)| **value <= limit) {
            out[count] = first + (panel * PANEL + slot) as u32;
            count += 1;
        }
    }
    count
}

pub(super) fn near_images(
    images: &[i16],
    norms: &[i32],
    query: &[i16],
    rows: &[u32],
    limit: i32,
    out: &mut Vec<(i32, u32)>,
) {
    for row in rows {
        let at = *row as usize;
        let distance = norms[at] - 2 * product(query, &images[at * query.len()..][..query.len()]);
        if distance <= limit {
            out.push((distance, *row));
        }
    }
}

pub(super) fn product_of_bytes(a: &[i16], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

/// Rounds `values / step` to `out`; returns the squared length of what rounding changed, and that of `out`.
#[inline(always)]
pub(super) fn to_bytes(values: &[i16], step: f32, out: &mut [i8]) -> (f64, i32) {
    // Rounds an `f32` as `ROUNDER` does an `f64`.
    const ROUNDER: f32 = 12_582_912.0;
    let (mut changes, mut lengths) = ([0.0f32; 16], [0; 16]);
    for (values, out) in values.chunks(16).zip(out.chunks_mut(16)) {
        for (((change, length), value), out) in changes.iter_mut().zip(&mut lengths).zip(values).zip(out) {
            let value = f32::from(*value);
            let rounded = value / step + ROUNDER;
            let byte = rounded.to_bits() as i8;
            let left = value - (rounded - ROUNDER) * step;
            *out = byte;
            *change += left * left;
            *length += i32::from(byte) * i32::from(byte);
        }
    }
    (changes.iter().map(|change| f64::from(*change)).sum(), lengths.iter().sum())
}

pub(super) fn first_not_above(values: &[i16], limit: i16) -> Option<usize> {
    values.iter().position(|value| *value <= limit)
}

pub(super) fn not_above(values: &[i32], limit: i32, first: u32, out: &mut Vec<(i32, u32)>) {
    for (chunk, values) in values.chunks(PANEL).enumerate() {
        if values.iter().fold(i32::MAX, |low, value| low.min(*value)) > limit {
            continue;
        }
        let found = values.iter().enumerate().filter(|(_, value)| **value <= limit);
        out.extend(found.map(|(slot, value)| (*value, first + (chunk * PANEL + slot) as u32)));
    }
}

/// Element `i` goes to lane `i % 16`; see [`reduce`] for the order of the final sum.
pub(super) fn squared_distance(a: &[f32], b: &[f32], limit: f64) -> f64 {
    let mut lanes = [0.0; 16];
    let mut total = 0.0;
    for (a, b) in a.chunks(STRIDE).zip(b.chunks(STRIDE)) {
        add(&mut lanes, a, b);
        total = reduce(&lanes);
        if total > limit {
            return total;
        }
    }
    total
}

/// Adds the squared differences of `a` and `b` to their lanes.
pub(super) fn add(lanes: &mut [f64; 16], a: &[f32], b: &[f32]) {
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            let difference = f64::from(*a) - f64::from(*b);
            *lane += difference * difference;
        }
    }
}

/// Halves, then quarters, and so on: 16 lanes to 8, 4, 2, 1.
pub(super) fn reduce(lanes: &[f64; 16]) -> f64 {
    let mut lanes = *lanes;
    let mut width = 8;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `out = (row - centre) * scale`; returns its squared length.
#[inline(always)]
pub(super) fn shift(row: &[f32], centre: &[f32], scale: f64, out: &mut [f32]) -> f64 {
    let mut lanes = [0.0; 16];
    for ((row, centre), out) in row.chunks(16).zip(centre.chunks(16)).zip(out.chunks_mut(16)) {
        for (((lane, x), c), out) in lanes.iter_mut().zip(row).zip(centre).zip(out) {
            let value = (f64::from(*x) - f64::from(*c)) * scale;
            *lane += value * value;
            *out = value as f32;
        }
    }
    lanes.iter().sum()
}

/// Rounds `(row - centre) * scale` to `out`; returns its squared length, and that of what rounding changed.
#[inline(always)]
pub(super) fn copy(row: &[f32], centre: &[f32], scale: f64, out: &mut [i16]) -> (f64, f64) {
    let (mut lengths, mut changes) = ([0.0; 16], [0.0; 16]);
    for ((row, centre), out) in row.chunks(16).zip(centre.chunks(16)).zip(out.chunks_mut(16)) {
        let lanes = lengths.iter_mut().zip(&mut changes);
        for ((((length, change), x), c), out) in lanes.zip(row).zip(centre).zip(out) {
            let exact = (f64::from(*x) - f64::from(*c)) * scale;
            let rounded = exact + ROUNDER;
            *out = rounded.to_bits() as i16;
            let left = exact - (rounded - ROUNDER);
            *length += exact * exact;
            *change += left * left;
        }
    }
    (lengths.iter().sum(), changes.iter().sum())
}

/// Rounds `values * scale` to `out`; returns its squared length, and that of what rounding changed.
#[inline(always)]
pub(super) fn round(values: &[i32], scale: f64, out: &mut [i16]) -> (f64, f64) {
    let (mut lengths, mut changes) = ([0.0; 16], [0.0; 16]);
    for (values, out) in values.chunks(16).zip(out.chunks_mut(16)) {
        for (((length, change), value), out) in lengths.iter_mut().zip(&mut changes).zip(values).zip(out) {
            let exact = f64::from(*value) * scale;
            let rounded = exact + ROUNDER;
            *out = rounded.to_bits() as i16;
            let left = exact - (rounded - ROUNDER);
            *length += exact * exact;
            *change += left * left;
        }
    }
    (lengths.iter().sum(), changes.iter().sum())
}

/// `a . b`, lengths equal.
#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 16];
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum()
}

/// `values -= factor * other`.
#[inline(always)]
pub(super) fn subtract(values: &mut [f64], factor: f64, other: &[f64]) {
    for (value, other) in values.iter_mut().zip(other) {
        *value -= factor * other;
    }
}
