//! The ceiling: one large f32 matrix product of the `gemm` crate. Everything else is judged against it.

use crate::protocol::{Measure, timed};

/// Side of the square matrices; `2 SIDE^3` operations.
pub const SIDE: usize = 1024;

/// Milliseconds of one product.
pub fn set_up(threads: usize) -> Measure {
    let values = |factor: usize| -> Vec<f32> { (0..SIDE * SIDE).map(|i| (i * factor % 251) as f32 / 251.0).collect() };
    let (a, b, mut c) = (values(7), values(11), vec![0.0f32; SIDE * SIDE]);
    let parallelism = if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
    let (n, stride) = (SIDE, SIDE as isize);
    Box::new(move || {
        timed(|| {
            let (to, a, b) = (c.as_mut_ptr(), a.as_ptr(), b.as_ptr());
            // SAFETY: three row-major matrices of SIDE x SIDE values, each in a vector of its own.
            unsafe {
                gemm::gemm(
                    n,
                    n,
                    n,
                    to,
                    1,
                    stride,
                    false,
                    a,
                    1,
                    stride,
                    b,
                    1,
                    stride,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    parallelism,
                );
            }
            Ok(())
        })
    })
}
