//! [`Lanes`] on a plain array: every target, and the oracle of the others.

#![allow(clippy::indexing_slicing, reason = "constant-length arrays, indices below their length")]

use super::lanes::{LANES, Lanes};

/// No instruction set beyond the target's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn lanewise(f: impl Fn(usize) -> f32) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for (lane, value) in out.iter_mut().enumerate() {
        *value = f(lane);
    }
    out
}

// SAFETY (of every function below): the trait's contract is that pointers are valid for sixteen floats.
impl Lanes for Portable {
    type Floats = [f32; LANES];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Floats {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Floats {
        // SAFETY: see above.
        unsafe { from.cast::<Self::Floats>().read() }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::Floats) {
        // SAFETY: see above.
        unsafe { to.cast::<Self::Floats>().write(value) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        lanewise(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        lanewise(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    unsafe fn mul(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        lanewise(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats {
        // `f32::mul_add` is an instruction on aarch64 and a library call on plain x86-64 and wasm.
        if cfg!(target_arch = "aarch64") {
            lanewise(|lane| a[lane].mul_add(b[lane], c[lane]))
        } else {
            lanewise(|lane| a[lane] * b[lane] + c[lane])
        }
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}

    #[inline(always)]
    unsafe fn at_least(bound: Self::Floats, x: Self::Floats) -> Self::Floats {
        lanewise(|lane| if bound[lane] > x[lane] { bound[lane] } else { x[lane] })
    }

    #[inline(always)]
    unsafe fn at_most(bound: Self::Floats, x: Self::Floats) -> Self::Floats {
        lanewise(|lane| if bound[lane] < x[lane] { bound[lane] } else { x[lane] })
    }
}
