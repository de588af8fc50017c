//! The kernels in AVX2; plain Rust: [`super::portable`].

#![allow(clippy::indexing_slicing, reason = "fixed-size arrays and lengths asserted by the caller")]

use std::arch::x86_64::*;

use super::{PANEL, STRIDE, portable};

/// Queries held in registers at once: three times four vectors of sums leave room for the operands.
const HELD: usize = 3;

/// Products of one panel with `Q` queries, as four vectors of 8 rows each.
///
/// # Safety
/// `panel` holds `PANEL * dims` and `queries` holds `Q * dims` values.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn products<const Q: usize>(panel: *const i16, queries: *const i16, dims: usize) -> [[__m256i; 4]; Q] {
    let mut sums = [[_mm256_setzero_si256(); 4]; Q];
    for pair in 0..dims / 2 {
        for (query, sums) in sums.iter_mut().enumerate() {
            // SAFETY: a pair takes 2 * PANEL values of the panel and two of each query; reads need no alignment.
            unsafe {
                let at = panel.add(pair * 2 * PANEL);
                let values = queries.add(query * dims + 2 * pair).cast::<i32>().read_unaligned();
                let values = _mm256_set1_epi32(values);
                for (part, sum) in sums.iter_mut().enumerate() {
                    let rows = _mm256_loadu_si256(at.add(part * 16).cast());
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(rows, values));
                }
            }
        }
    }
    sums
}

/// # Safety
/// Lengths as checked in `IntegerLevel::distances`; the processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn distances(
    panel: &[i16],
    norms: &[i32],
    queries: &[i16],
    dims: usize,
    out: &mut [i32],
    stride: usize,
) {
    for group in 0..queries.len() / (HELD * dims) {
        // SAFETY: the group's queries are inside `queries`, and `out` reaches to the last query's PANEL values.
        unsafe {
            let sums = products::<HELD>(panel.as_ptr(), queries.as_ptr().add(group * HELD * dims), dims);
            for (query, sums) in sums.iter().enumerate() {
                store(norms, sums, out.as_mut_ptr().add((group * HELD + query) * stride));
            }
        }
    }
}

/// # Safety
/// Lengths as checked in `IntegerLevel::distances_to_one`; the processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn distances_to_one(panel: &[i16], norms: &[i32], query: &[i16], out: &mut [i32]) {
    // SAFETY: `norms` and `out` have PANEL values, the panel as many coordinates as the query.
    unsafe {
        let [sums] = products::<1>(panel.as_ptr(), query.as_ptr(), query.len());
        store(norms, &sums, out.as_mut_ptr());
    }
}

/// # Safety
/// `norms` has PANEL values, `out` room for as many.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn store(norms: &[i32], sums: &[__m256i; 4], out: *mut i32) {
    for (part, sum) in sums.iter().enumerate() {
        // SAFETY: four parts of 8 rows.
        unsafe {
            let norms = _mm256_loadu_si256(norms.as_ptr().add(part * 8).cast());
            let twice = _mm256_slli_epi32::<1>(*sum);
            _mm256_storeu_si256(out.add(part * 8).cast(), _mm256_sub_epi32(norms, twice));
        }
    }
}

/// # Safety
/// Lengths as checked in `IntegerLevel::closer`; the processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn closer(
    panel: &[i16],
    floors: &[i32],
    queries: &[i16],
    norms: &[i32],
    dims: usize,
    masks: &mut [u32],
) {
    for group in 0..queries.len() / (HELD * dims) {
        // SAFETY: the group's queries are inside `queries`.
        let sums = unsafe { products::<HELD>(panel.as_ptr(), queries.as_ptr().add(group * HELD * dims), dims) };
        for (query, sums) in sums.iter().enumerate() {
            let query = group * HELD + query;
            let norm = _mm256_set1_epi32(norms[query]);
            let mut mask = 0;
            for (part, sum) in sums.iter().enumerate() {
                // SAFETY: `floors` has PANEL values.
                let floors = unsafe { _mm256_loadu_si256(floors.as_ptr().add(part * 8).cast()) };
                let farther = _mm256_cmpgt_epi32(_mm256_add_epi32(floors, norm), _mm256_slli_epi32::<1>(*sum));
                let farther = _mm256_movemask_ps(_mm256_castsi256_ps(farther)) as u32;
                mask |= (farther ^ 0xff) << (part * 8);
            }
            masks[query] = mask;
        }
    }
}

/// # Safety
/// `a` and `b` have the same length; the processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn product(a: &[i16], b: &[i16]) -> i32 {
    let mut sums = [_mm256_setzero_si256(); 2];
    let blocks = a.len() / 32;
    for block in 0..blocks {
        for (half, sum) in sums.iter_mut().enumerate() {
            // SAFETY: 32 values per block in both.
            let (a, b) = unsafe {
                let at = block * 32 + half * 16;
                (_mm256_loadu_si256(a.as_ptr().add(at).cast()), _mm256_loadu_si256(b.as_ptr().add(at).cast()))
            };
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(a, b));
        }
    }
    let mut lanes = [0i32; 8];
    // SAFETY: 8 values of 4 bytes.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), _mm256_add_epi32(sums[0], sums[1])) };
    lanes.iter().sum::<i32>() + portable::product(&a[blocks * 32..], &b[blocks * 32..])
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn not_above(values: &[i32], limit: i32, first: u32, out: &mut Vec<(i32, u32)>) {
    let limits = _mm256_set1_epi32(limit);
    let blocks = values.len() / 8;
    for block in 0..blocks {
        // SAFETY: 8 values per block.
        let some = unsafe { _mm256_loadu_si256(values.as_ptr().add(block * 8).cast()) };
        let above = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(some, limits))) as u32;
        let mut mask = above ^ 0xff;
        while mask != 0 {
            let at = block * 8 + mask.trailing_zeros() as usize;
            out.push((values[at], first + at as u32));
            mask &= mask - 1;
        }
    }
    portable::not_above(&values[blocks * 8..], limit, first + (blocks * 8) as u32, out);
}

/// # Safety
/// `a` and `b` have the same length; the processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn squared_distance(a: &[f32], b: &[f32], limit: f64) -> f64 {
    let mut sums = [_mm256_setzero_pd(); 4];
    let blocks = a.len() / 16;
    for block in 0..blocks {
        for (part, sum) in sums.iter_mut().enumerate() {
            // SAFETY: 16 values per block in both.
            let (a, b) = unsafe {
                let at = block * 16 + part * 4;
                (_mm_loadu_ps(a.as_ptr().add(at)), _mm_loadu_ps(b.as_ptr().add(at)))
            };
            let difference = _mm256_sub_pd(_mm256_cvtps_pd(a), _mm256_cvtps_pd(b));
            // Not fused: every implementation must round in the same places.
            *sum = _mm256_add_pd(*sum, _mm256_mul_pd(difference, difference));
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

#[target_feature(enable = "avx2")]
#[inline]
fn lanes(sums: [__m256d; 4]) -> [f64; 16] {
    let mut lanes = [0.0f64; 16];
    for (part, sum) in sums.iter().enumerate() {
        // SAFETY: four parts of four values.
        unsafe { _mm256_storeu_pd(lanes.as_mut_ptr().add(part * 4), *sum) };
    }
    lanes
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn least(values: &[i32]) -> (i32, usize) {
    let mut least = _mm256_set1_epi32(i32::MAX);
    let blocks = values.len() / 8;
    for block in 0..blocks {
        // SAFETY: 8 values per block.
        least = _mm256_min_epi32(least, unsafe { _mm256_loadu_si256(values.as_ptr().add(block * 8).cast()) });
    }
    let mut lanes = [0i32; 8];
    // SAFETY: 8 values of 4 bytes.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), least) };
    let in_blocks = lanes.iter().fold(i32::MAX, |least, lane| least.min(*lane));
    let (in_tail, at) = portable::least(&values[blocks * 8..]);
    if blocks == 0 || in_tail < in_blocks {
        return (in_tail, blocks * 8 + at);
    }
    let wanted = _mm256_set1_epi32(in_blocks);
    for block in 0..blocks {
        // SAFETY: 8 values per block.
        let some = unsafe { _mm256_loadu_si256(values.as_ptr().add(block * 8).cast()) };
        let mask = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(some, wanted))) as u32;
        if mask != 0 {
            return (in_blocks, block * 8 + mask.trailing_zeros() as usize);
        }
    }
    (in_blocks, 0)
}

/// The plain loops that the compiler vectorises well once it may use the instructions.
macro_rules! compiled_for_this_set {
    ($($name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {$(
        #[target_feature(enable = "avx2")]
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
