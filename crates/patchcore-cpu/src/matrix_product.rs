//! Matrix products of the crate `gemm`, with extents checked.

use gemm::{Parallelism, gemm};

/// `out [m, n] = a [m, inner] b [inner, n]`; the strides are those of rows and columns, in values.
#[allow(clippy::too_many_arguments, reason = "two matrices with their strides")]
pub(crate) fn product<T: 'static + From<f32>>(
    out: &mut [T],
    [m, n]: [usize; 2],
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
    // SAFETY: the assertion covers the last element that each of the three views reaches.
    unsafe {
        gemm(
            m,
            n,
            inner,
            out.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.as_ptr(),
            a_strides[1] as isize,
            a_strides[0] as isize,
            b.as_ptr(),
            b_strides[1] as isize,
            b_strides[0] as isize,
            T::from(0.0),
            T::from(1.0),
            false,
            false,
            false,
            parallelism,
        );
    }
}
