//! Sixteen `f32` at a time: the one vector width in which every kernel of the CPU body is written.
//!
//! A kernel is a generic, always-inlined function over [`Lanes`]; [`dispatch`] wraps it once per instruction set in
//! a function that enables the set, and picks the wrapper by the [`Isa`] found at run time, or by a narrower one that
//! the caller asked for.

mod aligned_floats;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

pub(crate) use aligned_floats::AlignedBuffer;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use portable::Portable;

use crate::Instructions;

/// Channels of a block, floats of a vector.
pub(crate) const LANES: usize = 16;

/// Instruction sets that have kernels of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    /// 512-bit vectors, 32 registers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors with fused multiply-add, 16 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain Rust that the compiler vectorises for its target.
    Portable,
}

impl Isa {
    /// The widest set that this processor has, up to `limit`.
    pub(crate) fn at_most(limit: Instructions) -> Self {
        let allowed = |isa: &Isa| match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => limit >= Instructions::Avx512,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => limit >= Instructions::Avx2,
            Isa::Portable => true,
        };
        Self::available().into_iter().find(allowed).unwrap_or(Isa::Portable)
    }

    /// All sets that this processor has, widest first.
    pub(crate) fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "only the portable set exists on other targets")]
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                sets.push(Isa::Avx512);
            }
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                sets.push(Isa::Avx2);
            }
        }
        sets.push(Isa::Portable);
        sets
    }
}

/// Arithmetic on a vector of sixteen `f32`.
///
/// # Safety
/// Every method may only be called where the instruction set of the implementation is enabled; pointers must be
/// valid for sixteen floats.
pub(crate) trait Lanes {
    /// Sixteen floats.
    type Vector: Copy;
    /// All lanes equal to `value`.
    unsafe fn splat(value: f32) -> Self::Vector;
    /// Sixteen floats from memory, any alignment.
    unsafe fn load(from: *const f32) -> Self::Vector;
    /// Sixteen floats to memory, any alignment.
    unsafe fn store(to: *mut f32, value: Self::Vector);
    /// `a + b`.
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a - b`.
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once where the hardware can.
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// Asks for a cache line that will be needed soon; any address.
    unsafe fn prefetch(from: *const f32);
    /// The larger of `bound` and `x`; a NaN in `x` stays NaN.
    unsafe fn at_least(bound: Self::Vector, x: Self::Vector) -> Self::Vector;
    /// The smaller of `bound` and `x`; a NaN in `x` stays NaN.
    unsafe fn at_most(bound: Self::Vector, x: Self::Vector) -> Self::Vector;
}

/// Defines `fn $name(isa, args)`: calls `$body::<L>(args)` inside a function that enables the instruction set.
macro_rules! dispatch {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) => $body:ident) => {
        $(#[$meta])*
        $visibility unsafe fn $name(isa: $crate::simd::Isa, $($arg: $kind),*) {
            use $crate::simd::{Isa, Portable};
            #[cfg(target_arch = "x86_64")]
            use $crate::simd::{Avx2, Avx512};
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512($($arg: $kind),*) {
                // SAFETY: the caller's contract, with avx512f enabled here.
                unsafe { $body::<Avx512>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $kind),*) {
                // SAFETY: the caller's contract, with avx2 and fma enabled here.
                unsafe { $body::<Avx2>($($arg),*) }
            }
            // SAFETY: an `Isa` only comes from detection; pointers are the caller's contract.
            unsafe {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => avx2($($arg),*),
                    Isa::Portable => $body::<Portable>($($arg),*),
                }
            }
        }
    };
}
pub(crate) use dispatch;
