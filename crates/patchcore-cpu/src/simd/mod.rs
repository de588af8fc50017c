//! Vectors: which instructions this processor has (`level`, `token`), aligned memory, and sixteen `f32` at a time, the one vector
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
mod lanes;
mod level;
mod portable;
mod token;

pub(crate) use aligned_buffer::AlignedBuffer;
pub(crate) use lanes::{LANES, Lanes};
pub(crate) use level::{FloatLevel, IntegerLevel};
pub(crate) use portable::Portable;
pub(crate) use token::{Avx2Fma, Avx512F, Token};

/// Defines `fn $name(level, args)`: calls `$kernel::<L>(args)` inside a function that enables the instruction set.
macro_rules! dispatch {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) => $kernel:ident) => {
        $(#[$meta])*
        $visibility unsafe fn $name(level: $crate::simd::FloatLevel, $($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512($($arg: $kind),*) {
                // SAFETY: the caller's contract, with avx512f enabled here.
                unsafe { $kernel::<$crate::simd::Avx512F>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $kind),*) {
                // SAFETY: the caller's contract, with avx2 and fma enabled here.
                unsafe { $kernel::<$crate::simd::Avx2Fma>($($arg),*) }
            }
            // SAFETY: the level's token proves that the processor has the set; pointers are the caller's contract.
            unsafe {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::FloatLevel::Avx512(_) => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::FloatLevel::Avx2(_) => avx2($($arg),*),
                    _ => $kernel::<$crate::simd::Portable>($($arg),*),
                }
            }
        }
    };
}
pub(crate) use dispatch;
