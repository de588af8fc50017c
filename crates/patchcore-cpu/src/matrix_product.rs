//! Matrix products of the `gemm` crates, with extents checked.
//!
//! `gemm-f32` and `gemm-f64` directly: the crate `gemm` in front of them also compiles the products of complex numbers.

use std::ops::{Add, Mul};

use gemm_common::Parallelism;

use crate::caches;

/// A kernel of `gemm-common`: extents `m, n, inner`; `out` and whether to add to it; the left and the right matrix; what `out` and
/// the product are multiplied by; which of the three to conjugate. Strides are those of columns, then of rows.
type Kernel<T> = unsafe fn(
    usize,
    usize,
    usize,
    *mut T,
    isize,
    isize,
    bool,
    *const T,
    isize,
    isize,
    *const T,
    isize,
    isize,
    T,
    T,
    bool,
    bool,
    bool,
    Parallelism,
);

/// A number that there is a matrix product for.
pub(crate) trait Element: From<f32> + Copy + Add<Output = Self> + Mul<Output = Self> {
    /// The kernel for the vector instructions that this processor has.
    fn kernel() -> Kernel<Self>;
}

impl Element for f32 {
    fn kernel() -> Kernel<Self> {
        gemm_f32::gemm::f32::get_gemm_fn()
    }
}

impl Element for f64 {
    fn kernel() -> Kernel<Self> {
        gemm_f64::gemm::f64::get_gemm_fn()
    }
}

/// `out [m, n] = a [m, inner] b [inner, n]`, or `out += ..` where it is to `accumulate`; the strides are those of rows and columns,
/// in values.
#[allow(clippy::too_many_arguments, reason = "two matrices with their strides")]
pub(crate) fn product<T: Element>(
    out: &mut [T],
    [m, n]: [usize; 2],
    accumulate: bool,
    a: &[T],
    a_strides: [usize; 2],
    b: &[T],
    b_strides: [usize; 2],
    inner: usize,
    parallelism: Parallelism,
) {
    let last = |rows: usize, columns: usize, strides: [usize; 2]| {
        rows.saturating_sub(1) * strides[0] + columns.saturating_sub(1) * strides[1]
    };
    if m == 0 || n == 0 || inner == 0 {
        return;
    }
    assert!(out.len() >= m * n && a.len() > last(m, inner, a_strides) && b.len() > last(inner, n, b_strides));
    if !caches::are_read_by_gemm() {
        return plain(out, [m, n], accumulate, a, a_strides, b, b_strides, inner);
    }
    let [a_rows, a_columns] = a_strides.map(|stride| stride as isize);
    let [b_rows, b_columns] = b_strides.map(|stride| stride as isize);
    let out_rows = n as isize;
    let (alpha, beta) = (T::from(1.0), T::from(1.0));
    // The kernels want the smaller stride between the rows of `out`: unless it is a single column, its transpose is computed,
    // which is that of `b` times that of `a`. So does the crate `gemm`, and its bits are these.
    let (extents, out_strides, left, right) = if n > 1 {
        ((n, m), (out_rows, 1), (b.as_ptr(), b_rows, b_columns), (a.as_ptr(), a_rows, a_columns))
    } else {
        ((m, n), (1, out_rows), (a.as_ptr(), a_columns, a_rows), (b.as_ptr(), b_columns, b_rows))
    };
    // SAFETY: the assertion covers the last element that each of the three views reaches, transposed or not, and the kernel is
    // one that this processor has the instructions for.
    unsafe {
        T::kernel()(
            extents.0,
            extents.1,
            inner,
            out.as_mut_ptr(),
            out_strides.0,
            out_strides.1,
            accumulate,
            left.0,
            left.1,
            left.2,
            right.0,
            right.1,
            right.2,
            alpha,
            beta,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// The product by its definition, for machines whose caches stop `gemm`. Several times as slow.
#[allow(
    clippy::indexing_slicing,
    clippy::too_many_arguments,
    reason = "as `product`, which has held the lengths against the strides"
)]
fn plain<T: Element>(
    out: &mut [T],
    [m, n]: [usize; 2],
    accumulate: bool,
    a: &[T],
    a_strides: [usize; 2],
    b: &[T],
    b_strides: [usize; 2],
    inner: usize,
) {
    for (row, out) in out.chunks_exact_mut(n).take(m).enumerate() {
        if !accumulate {
            out.fill(T::from(0.0));
        }
        for term in 0..inner {
            let left = a[row * a_strides[0] + term * a_strides[1]];
            let right = b[term * b_strides[0]..].iter().step_by(b_strides[1].max(1));
            out.iter_mut().zip(right).for_each(|(out, right)| *out = *out + left * *right);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::cases;

    /// Whole numbers small enough that every sum of products is exact in `f32`, in any order.
    fn whole<T: Element>(count: usize, seed: u32) -> Vec<T> {
        let value = |at: u32| (at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 20) % 15;
        (0..count as u32).map(|at| T::from(value(at) as f32 - 7.0)).collect()
    }

    /// One sum after the other.
    fn by_definition<T: Element>(
        [m, n]: [usize; 2],
        before: Option<&Vec<T>>,
        a: &[T],
        a_strides: [usize; 2],
        b: &[T],
        b_strides: [usize; 2],
        inner: usize,
    ) -> Vec<T> {
        let value = |at: usize| {
            let term = |term: usize| {
                let left = a[at / n * a_strides[0] + term * a_strides[1]];
                left * b[term * b_strides[0] + at % n * b_strides[1]]
            };
            let first = before.map_or(T::from(0.0), |before| before[at]);
            (0..inner).map(term).fold(first, |sum, product| sum + product)
        };
        (0..m * n).map(value).collect()
    }

    fn check<T>(
        [m, n, inner]: [usize; 3],
        [a_turned, b_turned]: [bool; 2],
        gap: usize,
        accumulate: bool,
        threads: usize,
    ) where
        T: Element + Copy + PartialEq + std::fmt::Debug + std::ops::Mul<Output = T> + std::ops::Add<Output = T>,
    {
        let strides = |rows: usize, columns: usize, turned: bool| match turned {
            true => [1, rows + gap],
            false => [columns + gap, 1],
        };
        let (a_strides, b_strides) = (strides(m, inner, a_turned), strides(inner, n, b_turned));
        let (a, b) = (whole::<T>((m + gap) * (inner + gap), 1), whole::<T>((inner + gap) * (n + gap), 2));
        let before = whole::<T>(m * n, 3);
        let expected = by_definition([m, n], accumulate.then_some(&before), &a, a_strides, &b, b_strides, inner);
        let mut found = before.clone();
        plain(&mut found, [m, n], accumulate, &a, a_strides, &b, b_strides, inner);
        assert_eq!(found, expected, "the plain loops");
        let mut found = before;
        let parallelism = if threads == 1 { Parallelism::None } else { Parallelism::Rayon(threads) };
        product(&mut found, [m, n], accumulate, &a, a_strides, &b, b_strides, inner, parallelism);
        assert_eq!(found, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: cases(96), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_the_product_in_every_layout(
            shape in [1_usize..40, 1_usize..40, 1_usize..70], turned in any::<[bool; 2]>(), gap in 0_usize..3,
            accumulate in any::<bool>(), threads in 1_usize..3,
        ) {
            check::<f32>(shape, turned, gap, accumulate, threads);
            check::<f64>(shape, turned, gap, accumulate, threads);
        }
    }

    #[test]
    fn nothing_times_nothing_leaves_what_was_there() {
        let mut out = [5.0_f32; 4];
        product(&mut out, [2, 2], false, &[], [0, 1], &[], [2, 1], 0, Parallelism::None);
        assert_eq!(out, [5.0; 4]);
    }

    #[test]
    #[should_panic(expected = "assertion failed")]
    fn a_view_beyond_its_slice_is_refused() {
        product(&mut [0.0_f32; 4], [2, 2], false, &[1.0; 3], [2, 1], &[1.0; 4], [2, 1], 2, Parallelism::None);
    }
}
