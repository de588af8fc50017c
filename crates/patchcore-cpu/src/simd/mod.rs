//! Vectors: which instructions this processor has ([`level`]), aligned memory, and sixteen `f32` at a time, the one vector
//! width in which every kernel of the network is written.
//!
//! Such a kernel is a generic, always-inlined function over [`Lanes`]; [`dispatch`] wraps it once per instruction set in
//! a function that enables the set, and picks the wrapper by the [`FloatLevel`] found at run time, or by a narrower one that
//! the caller asked for.

mod aligned_buffer;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod level;
mod portable;

pub(crate) use aligned_buffer::AlignedBuffer;
pub(crate) use level::{Avx2Fma, Avx512F, FloatLevel, IntegerLevel, Token};
pub(crate) use portable::Portable;

/// Channels of a block, floats of a vector.
pub(crate) const LANES: usize = 16;

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

/// Defines `fn $name(level, args)`: calls `$body::<L>(args)` inside a function that enables the instruction set.
macro_rules! dispatch {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) => $body:ident) => {
        $(#[$meta])*
        $visibility unsafe fn $name(level: $crate::simd::FloatLevel, $($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512($($arg: $kind),*) {
                // SAFETY: the caller's contract, with avx512f enabled here.
                unsafe { $body::<$crate::simd::Avx512F>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $kind),*) {
                // SAFETY: the caller's contract, with avx2 and fma enabled here.
                unsafe { $body::<$crate::simd::Avx2Fma>($($arg),*) }
            }
            // SAFETY: the level's token proves that the processor has the set; pointers are the caller's contract.
            unsafe {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::FloatLevel::Avx512(_) => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::FloatLevel::Avx2(_) => avx2($($arg),*),
                    _ => $body::<$crate::simd::Portable>($($arg),*),
                }
            }
        }
    };
}
pub(crate) use dispatch;
