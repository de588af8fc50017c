//! The kernels over [`ExactLanes`], for every set that has them; plain loops: [`super::portable`].

#![allow(clippy::indexing_slicing, reason = "fixed-size arrays and lengths asserted by the caller")]

use super::shape::Shape;
use super::{PANEL, STRIDE, TILE, portable};
use crate::simd::{ExactLanes, LANES};

#[inline(always)]
pub(super) unsafe fn multiplies_bytes<S: ExactLanes>() -> bool {
    S::BYTES
}

/// Products of `V` x 16 rows of a panel with `Q` queries.
///
/// # Safety
/// From `panel` on there are the rows of `dims` coordinates, `queries` holds `Q * dims` values, and the set is enabled: as in every
/// function below.
#[inline(always)]
unsafe fn products<S: ExactLanes, const Q: usize, const V: usize>(
    panel: *const i16,
    queries: *const i16,
    dims: usize,
) -> [[S::Integers; V]; Q] {
    // SAFETY: the caller's contract.
    unsafe { products_of_images::<S, Q, V>(panel, queries, dims, dims) }
}

/// The same of images, behind whose `wide` first places there are bytes.
#[inline(always)]
unsafe fn products_of_images<S: ExactLanes, const Q: usize, const V: usize>(
    panel: *const i16,
    queries: *const i16,
    dims: usize,
    wide: usize,
) -> [[S::Integers; V]; Q] {
    // SAFETY: the caller's contract.
    unsafe {
        let sums = [[S::splat_integer(0); V]; Q];
        let sums = add_products::<S, Q, V, false>(sums, panel, queries, dims, 0..wide / 2);
        add_products::<S, Q, V, true>(sums, panel, queries, dims, wide / 2..dims / 2)
    }
}

#[inline(always)]
unsafe fn add_products<S: ExactLanes, const Q: usize, const V: usize, const BYTES: bool>(
    mut sums: [[S::Integers; V]; Q],
    panel: *const i16,
    queries: *const i16,
    dims: usize,
    pairs: std::ops::Range<usize>,
) -> [[S::Integers; V]; Q] {
    // SAFETY: a pair takes 2 * PANEL values of the panel and two of each query.
    unsafe {
        for pair in pairs {
            let at = panel.add(pair * 2 * PANEL);
            let mut rows = [S::load_pairs(at); V];
            for (part, rows) in rows.iter_mut().enumerate() {
                *rows = S::load_pairs(at.add(part * 2 * LANES));
            }
            for (query, sums) in sums.iter_mut().enumerate() {
                let values = S::splat_pair(queries.add(query * dims + 2 * pair));
                for (sum, rows) in sums.iter_mut().zip(rows) {
                    *sum = if BYTES {
                        S::add_byte_products(*sum, rows, values)
                    } else {
                        S::add_products(*sum, rows, values)
                    };
                }
            }
        }
        sums
    }
}

/// `norms - 2 sums`, to `out`.
#[inline(always)]
unsafe fn store<S: ExactLanes>(norms: *const i32, sums: S::Integers, out: *mut i32) {
    // SAFETY: sixteen values each.
    unsafe {
        let twice = S::add_integers(sums, sums);
        S::store_integers(out, S::sub_integers(S::load_integers(norms), twice));
    }
}

#[inline(always)]
pub(super) unsafe fn distances<S: ExactLanes>(
    panel: &[i16],
    norms: &[i32],
    queries: &[i16],
    dims: usize,
    out: &mut [i32],
    stride: usize,
) {
    // SAFETY: as above.
    unsafe {
        if S::MANY_REGISTERS {
            distances_of::<S, TILE, 2>(panel, norms, queries, dims, out, stride);
        } else {
            distances_of::<S, { TILE / 2 }, 1>(panel, norms, queries, dims, out, stride);
        }
    }
}

#[inline(always)]
unsafe fn distances_of<S: ExactLanes, const Q: usize, const V: usize>(
    panel: &[i16],
    norms: &[i32],
    queries: &[i16],
    dims: usize,
    out: &mut [i32],
    stride: usize,
) {
    for (group, first) in groups::<Q, V>(queries, dims) {
        // SAFETY: the group's queries are inside `queries`, and `out` reaches to the last query's PANEL values.
        unsafe {
            let rows = panel.as_ptr().add(2 * first);
            let sums = products::<S, Q, V>(rows, queries.as_ptr().add(group * Q * dims), dims);
            for (query, sums) in sums.into_iter().enumerate() {
                for (part, sums) in sums.into_iter().enumerate() {
                    let row = first + part * LANES;
                    let at = (group * Q + query) * stride + row;
                    store::<S>(norms.as_ptr().add(row), sums, out.as_mut_ptr().add(at));
                }
            }
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "as the function of the level")]
pub(super) unsafe fn bounds<S: ExactLanes>(
    panel: &[i16],
    halves: &[i32],
    queries: &[i16],
    query_halves: &[i32],
    shape: Shape,
    out: &mut [i16],
    stride: usize,
    least: &mut [i32],
) {
    // SAFETY: as above.
    unsafe {
        if shape.is_wide() {
            bounds_in_tiles::<S>(panel, halves, queries, query_halves, Shape::wide(shape.wide), out, stride, least);
        } else {
            bounds_in_tiles::<S>(panel, halves, queries, query_halves, shape, out, stride, least);
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "as the function of the level")]
unsafe fn bounds_in_tiles<S: ExactLanes>(
    panel: &[i16],
    halves: &[i32],
    queries: &[i16],
    query_halves: &[i32],
    shape: Shape,
    out: &mut [i16],
    stride: usize,
    least: &mut [i32],
) {
    // SAFETY: as above.
    unsafe {
        if S::MANY_REGISTERS {
            bounds_of::<S, TILE, 2>(panel, halves, queries, query_halves, shape, out, stride, least);
        } else {
            bounds_of::<S, { TILE / 2 }, 1>(panel, halves, queries, query_halves, shape, out, stride, least);
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "as the function of the level")]
unsafe fn bounds_of<S: ExactLanes, const Q: usize, const V: usize>(
    panel: &[i16],
    halves: &[i32],
    queries: &[i16],
    query_halves: &[i32],
    shape: Shape,
    out: &mut [i16],
    stride: usize,
    least: &mut [i32],
) {
    let (dims, wide, shorter) = (shape.places(), shape.wide, shape.shorter);
    for (group, first) in groups::<Q, V>(queries, dims) {
        // SAFETY: the group's queries are inside `queries`; `out` reaches to the last query's PANEL values, `least` to its
        // LANES.
        unsafe {
            let rows = panel.as_ptr().add(2 * first);
            let sums = products_of_images::<S, Q, V>(rows, queries.as_ptr().add(group * Q * dims), dims, wide);
            for (query, sums) in sums.into_iter().enumerate() {
                let query = group * Q + query;
                let half = S::splat_integer(query_halves[query]);
                let at = least.as_mut_ptr().add(query * LANES);
                let mut lowest = S::load_integers(at);
                for (part, sums) in sums.into_iter().enumerate() {
                    let row = first + part * LANES;
                    let both = S::add_integers(S::load_integers(halves.as_ptr().add(row)), half);
                    let bound = S::sub_integers(both, sums);
                    lowest = S::lesser(lowest, bound);
                    S::store_short(out.as_mut_ptr().add(query * stride + row), bound, shorter);
                }
                S::store_integers(at, lowest);
            }
        }
    }
}

/// Groups of `Q` queries, each with the first of `V` x 16 rows of the panel that it meets.
#[inline(always)]
fn groups<const Q: usize, const V: usize>(queries: &[i16], dims: usize) -> impl Iterator<Item = (usize, usize)> {
    let all = queries.len() / (Q * dims);
    (0..PANEL).step_by(V * LANES).flat_map(move |first| (0..all).map(move |group| (group, first)))
}

#[inline(always)]
pub(super) unsafe fn distances_to_one<S: ExactLanes>(
    panel: &[i16],
    norms: &[i32],
    query: &[i16],
    wide: usize,
    out: &mut [i32],
) {
    // SAFETY: `norms` and `out` have PANEL values, the panel as many coordinates as the query.
    unsafe {
        let [[low, high]] = products_of_images::<S, 1, 2>(panel.as_ptr(), query.as_ptr(), query.len(), wide);
        store::<S>(norms.as_ptr(), low, out.as_mut_ptr());
        store::<S>(norms.as_ptr().add(LANES), high, out.as_mut_ptr().add(LANES));
    }
}

#[inline(always)]
pub(super) unsafe fn closer<S: ExactLanes>(
    panel: &[i16],
    floors: &[i32],
    queries: &[i16],
    norms: &[i32],
    dims: usize,
    masks: &mut [u32],
) {
    // SAFETY: as above.
    unsafe {
        if S::MANY_REGISTERS {
            closer_of::<S, TILE, 2>(panel, floors, queries, norms, dims, masks);
        } else {
            closer_of::<S, { TILE / 2 }, 1>(panel, floors, queries, norms, dims, masks);
        }
    }
}

#[inline(always)]
unsafe fn closer_of<S: ExactLanes, const Q: usize, const V: usize>(
    panel: &[i16],
    floors: &[i32],
    queries: &[i16],
    norms: &[i32],
    dims: usize,
    masks: &mut [u32],
) {
    masks.fill(0);
    for (group, first) in groups::<Q, V>(queries, dims) {
        // SAFETY: the group's queries are inside `queries`; `floors` has PANEL values.
        unsafe {
            let rows = panel.as_ptr().add(2 * first);
            let sums = products::<S, Q, V>(rows, queries.as_ptr().add(group * Q * dims), dims);
            for (query, sums) in sums.into_iter().enumerate() {
                let query = group * Q + query;
                let norm = S::splat_integer(norms[query]);
                for (part, sums) in sums.into_iter().enumerate() {
                    let row = first + part * LANES;
                    let floors = S::load_integers(floors.as_ptr().add(row));
                    masks[query] |= S::not_above(S::add_integers(floors, norm), S::add_integers(sums, sums)) << row;
                }
            }
        }
    }
}

#[inline(always)]
pub(super) unsafe fn product<S: ExactLanes>(a: &[i16], b: &[i16]) -> i32 {
    const BLOCK: usize = 4 * LANES;
    let blocks = a.len() / BLOCK;
    // SAFETY: both have as many blocks.
    let lanes = unsafe {
        let mut sums = [S::splat_integer(0); 2];
        for at in (0..blocks).map(|block| block * BLOCK) {
            for (half, sum) in sums.iter_mut().enumerate() {
                let at = at + half * 2 * LANES;
                *sum = S::add_products(*sum, S::load_pairs(a.as_ptr().add(at)), S::load_pairs(b.as_ptr().add(at)));
            }
        }
        lanes::<S>(S::add_integers(sums[0], sums[1]))
    };
    lanes.iter().sum::<i32>() + portable::product(&a[blocks * BLOCK..], &b[blocks * BLOCK..])
}

#[inline(always)]
unsafe fn lanes<S: ExactLanes>(value: S::Integers) -> [i32; LANES] {
    let mut lanes = [0; LANES];
    // SAFETY: room for sixteen.
    unsafe { S::store_integers(lanes.as_mut_ptr(), value) };
    lanes
}

#[inline(always)]
pub(super) unsafe fn shorts_not_above<S: ExactLanes>(values: &[i16], limit: i16, first: u32, out: &mut [u32]) -> usize {
    let mut count = 0;
    for (panel, values) in values.chunks_exact(PANEL).enumerate() {
        // SAFETY: PANEL values, and room for as many positions: no more than one was found of each value before.
        unsafe {
            let mask = S::shorts_not_above(values.as_ptr(), limit);
            S::store_positions(out.as_mut_ptr().add(count), mask, first + (panel * PANEL) as u32);
            count += mask.count_ones() as usize;
        }
    }
    count
}

/// Prefetch distance, in images.
const AHEAD: usize = 8;

#[inline(always)]
pub(super) unsafe fn near_images<S: ExactLanes>(
    images: &[i16],
    norms: &[i32],
    query: &[i16],
    rows: &[u32],
    limit: i32,
    out: &mut Vec<(i32, u32)>,
) {
    let image = |row: u32| &images[row as usize * query.len()..][..query.len()];
    let prefetch = |row: u32| {
        let soon = image(row);
        // SAFETY: the image's own bytes.
        unsafe { prefetch::<S>(soon.as_ptr().cast(), size_of_val(soon)) };
    };
    rows.iter().take(AHEAD).for_each(|row| prefetch(*row));
    for (position, row) in rows.iter().enumerate() {
        if let Some(soon) = rows.get(position + AHEAD) {
            prefetch(*soon);
        }
        // SAFETY: images have equal lengths.
        let distance = norms[*row as usize] - 2 * unsafe { product::<S>(query, image(*row)) };
        if distance <= limit {
            out.push((distance, *row));
        }
    }
}

#[inline(always)]
pub(super) unsafe fn product_of_bytes<S: ExactLanes>(a: &[i16], b: &[i8]) -> i32 {
    const BLOCK: usize = 4 * LANES;
    let blocks = a.len() / BLOCK;
    // SAFETY: both have as many blocks.
    let lanes = unsafe {
        let mut sums = [S::splat_integer(0); 2];
        for at in (0..blocks).map(|block| block * BLOCK) {
            for (half, sum) in sums.iter_mut().enumerate() {
                let at = at + half * 2 * LANES;
                *sum = S::add_products(*sum, S::load_pairs(a.as_ptr().add(at)), S::load_bytes(b.as_ptr().add(at)));
            }
        }
        lanes::<S>(S::add_integers(sums[0], sums[1]))
    };
    lanes.iter().sum::<i32>() + portable::product_of_bytes(&a[blocks * BLOCK..], &b[blocks * BLOCK..])
}

#[inline(always)]
pub(super) unsafe fn first_not_above<S: ExactLanes>(values: &[i16], limit: i16) -> Option<usize> {
    // SAFETY: PANEL values.
    let mask = |values: &[i16]| unsafe { S::shorts_not_above(values.as_ptr(), limit) };
    let mut panels = values.chunks_exact(PANEL).map(mask).enumerate();
    panels.find(|(_, mask)| *mask != 0).map(|(panel, mask)| panel * PANEL + mask.trailing_zeros() as usize)
}

#[inline(always)]
pub(super) unsafe fn not_above<S: ExactLanes>(values: &[i32], limit: i32, first: u32, out: &mut Vec<(i32, u32)>) {
    let blocks = values.len() / PANEL;
    // SAFETY: PANEL values per block.
    unsafe {
        let limits = S::splat_integer(limit);
        for start in (0..blocks).map(|block| block * PANEL) {
            let half = |at: usize| S::not_above(S::load_integers(values.as_ptr().add(start + at)), limits);
            let mut mask = half(0) | half(LANES) << LANES;
            while mask != 0 {
                let at = start + mask.trailing_zeros() as usize;
                out.push((values[at], first + at as u32));
                mask &= mask - 1;
            }
        }
    }
    portable::not_above(&values[blocks * PANEL..], limit, first + (blocks * PANEL) as u32, out);
}

#[inline(always)]
pub(super) unsafe fn squared_distance<S: ExactLanes>(a: &[f32], b: &[f32], limit: f64) -> f64 {
    let blocks = a.len() / LANES;
    // SAFETY: both have as many blocks.
    unsafe {
        let mut sums = S::no_doubles();
        for block in 0..blocks {
            sums = S::add_squares(sums, a.as_ptr().add(block * LANES), b.as_ptr().add(block * LANES));
            if block % (STRIDE / LANES) == STRIDE / LANES - 1 {
                let total = S::total(sums);
                if total > limit {
                    return total;
                }
            }
        }
        if blocks * LANES == a.len() {
            return S::total(sums);
        }
        let mut lanes = [0.0; LANES];
        S::store_doubles(lanes.as_mut_ptr(), sums);
        portable::add(&mut lanes, &a[blocks * LANES..], &b[blocks * LANES..]);
        portable::reduce(&lanes)
    }
}

/// Prefetches `bytes` from there on, at most [`FAR`].
#[inline(always)]
pub(super) unsafe fn prefetch<S: ExactLanes>(from: *const u8, bytes: usize) {
    const LINE: usize = 64;
    for at in (0..bytes.min(FAR)).step_by(LINE) {
        // SAFETY: the address stays inside what the caller points to.
        unsafe { S::prefetch_near(from.add(at)) };
    }
}

/// 4 KiB, a row of 1024 values.
const FAR: usize = 4096;

/// The plain loops, which the compiler vectorises well once it may use the instructions.
macro_rules! compiled_for_the_set {
    ($($name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<S: ExactLanes>($($argument: $kind),*) $(-> $result)? {
            portable::$name($($argument),*)
        }
    )*};
}

compiled_for_the_set! {
    shift(row: &[f32], centre: &[f32], scale: f64, out: &mut [f32]) -> f64;
    copy(row: &[f32], centre: &[f32], scale: f64, out: &mut [i16]) -> (f64, f64);
    to_bytes(values: &[i16], step: f32, out: &mut [i8]) -> (f64, i32);
    round(values: &[i32], scale: f64, out: &mut [i16]) -> (f64, f64);
    dot(a: &[f64], b: &[f64]) -> f64;
    subtract(values: &mut [f64], factor: f64, other: &[f64]);
}
