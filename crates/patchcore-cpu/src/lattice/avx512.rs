//! The kernels in AVX-512 with VNNI; plain Rust: [`super::portable`].

#![allow(clippy::indexing_slicing, reason = "fixed-size arrays and lengths asserted by the caller")]

use std::arch::x86_64::*;

use super::{PANEL, STRIDE, TILE, portable};

/// Products of one panel with `Q` queries, as two vectors of 16 rows each.
///
/// # Safety
/// `panel` holds `PANEL * dims` and `queries` holds `Q * dims` values.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
unsafe fn products<const Q: usize>(panel: *const i16, queries: *const i16, dims: usize) -> [[__m512i; 2]; Q] {
    let mut sums = [[_mm512_setzero_si512(); 2]; Q];
    for pair in 0..dims / 2 {
        // SAFETY: a pair takes 2 * PANEL values of the panel and two of each query.
        let (low, high) = unsafe {
            let at = panel.add(pair * 2 * PANEL);
            (_mm512_loadu_si512(at.cast()), _mm512_loadu_si512(at.add(PANEL).cast()))
        };
        for (query, sums) in sums.iter_mut().enumerate() {
            // SAFETY: as above; the read needs no alignment.
            let values = unsafe { queries.add(query * dims + 2 * pair).cast::<i32>().read_unaligned() };
            let values = _mm512_set1_epi32(values);
            sums[0] = _mm512_dpwssd_epi32(sums[0], low, values);
            sums[1] = _mm512_dpwssd_epi32(sums[1], high, values);
        }
    }
    sums
}

/// # Safety
/// Lengths as checked in `IntegerLevel::distances`; the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn distances(
    panel: &[i16],
    norms: &[i32],
    queries: &[i16],
    dims: usize,
    out: &mut [i32],
    stride: usize,
) {
    // SAFETY: `norms` has PANEL values.
    let (low, high) = unsafe { load_rows(norms.as_ptr()) };
    for tile in 0..queries.len() / (TILE * dims) {
        // SAFETY: the tile's queries are inside `queries`.
        let sums = unsafe { products::<TILE>(panel.as_ptr(), queries.as_ptr().add(tile * TILE * dims), dims) };
        for (query, sums) in sums.iter().enumerate() {
            // SAFETY: `out` reaches to the last query's PANEL values.
            unsafe {
                let at = out.as_mut_ptr().add((tile * TILE + query) * stride);
                _mm512_storeu_si512(at.cast(), _mm512_sub_epi32(low, _mm512_slli_epi32::<1>(sums[0])));
                _mm512_storeu_si512(at.add(16).cast(), _mm512_sub_epi32(high, _mm512_slli_epi32::<1>(sums[1])));
            }
        }
    }
}

/// # Safety
/// Lengths as checked in `IntegerLevel::distances_to_one`; the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn distances_to_one(panel: &[i16], norms: &[i32], query: &[i16], out: &mut [i32]) {
    // SAFETY: `norms` and `out` have PANEL values, the panel as many coordinates as the query.
    unsafe {
        let (low, high) = load_rows(norms.as_ptr());
        let [sums] = products::<1>(panel.as_ptr(), query.as_ptr(), query.len());
        let at = out.as_mut_ptr();
        _mm512_storeu_si512(at.cast(), _mm512_sub_epi32(low, _mm512_slli_epi32::<1>(sums[0])));
        _mm512_storeu_si512(at.add(16).cast(), _mm512_sub_epi32(high, _mm512_slli_epi32::<1>(sums[1])));
    }
}

/// # Safety
/// Lengths as checked in `IntegerLevel::closer`; the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn closer(
    panel: &[i16],
    floors: &[i32],
    queries: &[i16],
    norms: &[i32],
    dims: usize,
    masks: &mut [u32],
) {
    // SAFETY: `floors` has PANEL values.
    let (low, high) = unsafe { load_rows(floors.as_ptr()) };
    for tile in 0..queries.len() / (TILE * dims) {
        // SAFETY: the tile's queries are inside `queries`.
        let sums = unsafe { products::<TILE>(panel.as_ptr(), queries.as_ptr().add(tile * TILE * dims), dims) };
        for (query, sums) in sums.iter().enumerate() {
            let query = tile * TILE + query;
            let norm = _mm512_set1_epi32(norms[query]);
            let below = _mm512_cmple_epi32_mask(_mm512_add_epi32(low, norm), _mm512_slli_epi32::<1>(sums[0]));
            let above = _mm512_cmple_epi32_mask(_mm512_add_epi32(high, norm), _mm512_slli_epi32::<1>(sums[1]));
            masks[query] = u32::from(below) | u32::from(above) << 16;
        }
    }
}

/// # Safety
/// `values` points to PANEL values.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn load_rows(values: *const i32) -> (__m512i, __m512i) {
    // SAFETY: the caller's promise.
    unsafe { (_mm512_loadu_si512(values.cast()), _mm512_loadu_si512(values.add(16).cast())) }
}

/// # Safety
/// `a` and `b` have the same length; the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn product(a: &[i16], b: &[i16]) -> i32 {
    let mut sums = [_mm512_setzero_si512(); 2];
    let blocks = a.len() / 64;
    for block in 0..blocks {
        for (half, sum) in sums.iter_mut().enumerate() {
            // SAFETY: 64 values per block in both.
            let (a, b) = unsafe {
                let at = block * 64 + half * 32;
                (_mm512_loadu_si512(a.as_ptr().add(at).cast()), _mm512_loadu_si512(b.as_ptr().add(at).cast()))
            };
            *sum = _mm512_dpwssd_epi32(*sum, a, b);
        }
    }
    let tail = portable::product(&a[blocks * 64..], &b[blocks * 64..]);
    _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1])) + tail
}

/// # Safety
/// The processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn not_above(values: &[i32], limit: i32, first: u32, out: &mut Vec<(i32, u32)>) {
    let limits = _mm512_set1_epi32(limit);
    let blocks = values.len() / 32;
    for block in 0..blocks {
        // SAFETY: 32 values per block.
        let (low, high) = unsafe { load_rows(values.as_ptr().add(block * 32)) };
        let low = _mm512_cmple_epi32_mask(low, limits);
        let high = _mm512_cmple_epi32_mask(high, limits);
        let mut mask = u32::from(low) | u32::from(high) << 16;
        while mask != 0 {
            let at = block * 32 + mask.trailing_zeros() as usize;
            out.push((values[at], first + at as u32));
            mask &= mask - 1;
        }
    }
    portable::not_above(&values[blocks * 32..], limit, first + (blocks * 32) as u32, out);
}

/// # Safety
/// `a` and `b` have the same length; the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn squared_distance(a: &[f32], b: &[f32], limit: f64) -> f64 {
    let mut sums = [_mm512_setzero_pd(); 2];
    let blocks = a.len() / 16;
    for block in 0..blocks {
        for (half, sum) in sums.iter_mut().enumerate() {
            // SAFETY: 16 values per block in both.
            let (a, b) = unsafe {
                let at = block * 16 + half * 8;
                (_mm256_loadu_ps(a.as_ptr().add(at)), _mm256_loadu_ps(b.as_ptr().add(at)))
            };
            let difference = _mm512_sub_pd(_mm512_cvtps_pd(a), _mm512_cvtps_pd(b));
            // Not fused: every implementation must round in the same places.
            *sum = _mm512_add_pd(*sum, _mm512_mul_pd(difference, difference));
        }
        if block % (STRIDE / 16) == STRIDE / 16 - 1 {
            let total = portable::reduce(&lanes(sums));
            if total > limit {
                return total;
            }
        }
    }
    let mut lanes = lanes(sums);
    portable::add(&mut lanes, &a[blocks * 16..], &b[blocks * 16..]);
    portable::reduce(&lanes)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn lanes(sums: [__m512d; 2]) -> [f64; 16] {
    let mut lanes = [0.0f64; 16];
    // SAFETY: 16 values of 8 bytes.
    unsafe {
        _mm512_storeu_pd(lanes.as_mut_ptr(), sums[0]);
        _mm512_storeu_pd(lanes.as_mut_ptr().add(8), sums[1]);
    }
    lanes
}

/// # Safety
/// The processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn least(values: &[i32]) -> (i32, usize) {
    let mut lanes = [_mm512_set1_epi32(i32::MAX); 2];
    let blocks = values.len() / 32;
    for block in 0..blocks {
        // SAFETY: 32 values per block.
        let (low, high) = unsafe { load_rows(values.as_ptr().add(block * 32)) };
        lanes = [_mm512_min_epi32(lanes[0], low), _mm512_min_epi32(lanes[1], high)];
    }
    let in_blocks = _mm512_reduce_min_epi32(_mm512_min_epi32(lanes[0], lanes[1]));
    let (in_tail, at) = portable::least(&values[blocks * 32..]);
    if blocks == 0 || in_tail < in_blocks {
        return (in_tail, blocks * 32 + at);
    }
    let wanted = _mm512_set1_epi32(in_blocks);
    for block in 0..blocks {
        // SAFETY: 32 values per block.
        let (low, high) = unsafe { load_rows(values.as_ptr().add(block * 32)) };
        let (low, high) = (_mm512_cmpeq_epi32_mask(low, wanted), _mm512_cmpeq_epi32_mask(high, wanted));
        let mask = u32::from(low) | u32::from(high) << 16;
        if mask != 0 {
            return (in_blocks, block * 32 + mask.trailing_zeros() as usize);
        }
    }
    (in_blocks, 0)
}

/// The plain loops that the compiler vectorises well once it may use the instructions.
macro_rules! compiled_for_this_set {
    ($($name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {$(
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
        pub(super) fn $name($($argument: $kind),*) $(-> $result)? {
            portable::$name($($argument),*)
        }
    )*};
}

compiled_for_this_set! {
    shift(row: &[f32], centre: &[f32], scale: f64, out: &mut [f32]) -> f64;
    round(values: &[f32], steps: f64, out: &mut [i16]) -> (f64, f64);
    dot(a: &[f64], b: &[f64]) -> f64;
    subtract(values: &mut [f64], factor: f64, other: &[f64]);
}
