//! Vectors: one trait for sixteen numbers at a time (`lanes`), one file for each set of instructions that implements it beside the plain
//! one (`portable`), which of them this processor has (`level`), and aligned memory.
//!
//! A kernel is a generic, always-inlined function over [`Lanes`] or [`ExactLanes`]; [`dispatch`] and [`dispatch_exact`] wrap it once
//! per set in a function that enables the set, and pick the wrapper by the [`Level`] found at run time, or by a narrower one that
//! the caller asked for.

mod aligned_buffer;
#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_bf16;
mod half_lanes;
mod lanes;
mod level;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_dot;
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
#[cfg(test)]
mod small_tests;
#[cfg(test)]
mod tests;

pub(crate) use aligned_buffer::AlignedBuffer;
#[cfg(target_arch = "x86_64")]
pub(crate) use amx::Amx;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512_bf16::Avx512Bf16;
pub(crate) use half_lanes::{HalfLanes, LARGEST_HALF, from_half, to_half};
pub(crate) use lanes::{ByteLanes, ExactLanes, LANES, Lanes, ShortLanes};
pub(crate) use level::Level;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon_dot::{Fours, NeonDot};
pub(crate) use portable::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::Simd128;

/// Defines `fn $name(level, args)`: calls `$kernel::<L>(args)`, with [`Lanes`] of `f32`, inside a function that enables the
/// instruction set. Products of pairs make no difference to it.
macro_rules! dispatch {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) => $kernel:ident) => {
        $(#[$meta])*
        $visibility unsafe fn $name(level: $crate::simd::Level, $($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            unsafe fn avx512($($arg: $kind),*) {
                // SAFETY: the caller's contract, with the instructions enabled here.
                unsafe { $kernel::<$crate::simd::Avx512<false>>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $kind),*) {
                // SAFETY: the caller's contract, with the instructions enabled here.
                unsafe { $kernel::<$crate::simd::Avx2<false>>($($arg),*) }
            }
            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            unsafe fn neon($($arg: $kind),*) {
                // SAFETY: the caller's contract, with the instructions enabled here.
                unsafe { $kernel::<$crate::simd::Neon>($($arg),*) }
            }
            // SAFETY: the level's token proves that the processor has the set; pointers are the caller's contract.
            unsafe {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::Level::Avx512(_) | $crate::simd::Level::Avx512Vnni(_) | $crate::simd::Level::Amx(_) => {
                        avx512($($arg),*)
                    }
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::Level::Avx2(_) | $crate::simd::Level::AvxVnni(_) => avx2($($arg),*),
                    #[cfg(target_arch = "aarch64")]
                    $crate::simd::Level::Neon(_) | $crate::simd::Level::NeonDot(_) => neon($($arg),*),
                    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
                    $crate::simd::Level::Simd128 => $kernel::<$crate::simd::Simd128>($($arg),*),
                    $crate::simd::Level::Portable => $kernel::<$crate::simd::Portable>($($arg),*),
                }
            }
        }
    };
}
pub(crate) use dispatch;

/// Calls `$vector::<L>(args)`, with [`ExactLanes`], inside a function that enables the instruction set of `$level`, or
/// `$plain(args)` on none.
macro_rules! dispatch_exact {
    ($level:expr, ($($arg:ident: $kind:ty),* $(,)?) $(-> $result:ty)?, $vector:ident, $plain:path) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
        unsafe fn avx512_vnni($($arg: $kind),*) $(-> $result)? {
            // SAFETY: the caller's contract, with the instructions enabled here.
            unsafe { $vector::<$crate::simd::Avx512<true>>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        unsafe fn avx512($($arg: $kind),*) $(-> $result)? {
            // SAFETY: the caller's contract, with the instructions enabled here.
            unsafe { $vector::<$crate::simd::Avx512<false>>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avxvnni")]
        unsafe fn avx_vnni($($arg: $kind),*) $(-> $result)? {
            // SAFETY: the caller's contract, with the instructions enabled here.
            unsafe { $vector::<$crate::simd::Avx2<true>>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2($($arg: $kind),*) $(-> $result)? {
            // SAFETY: the caller's contract, with the instructions enabled here.
            unsafe { $vector::<$crate::simd::Avx2<false>>($($arg),*) }
        }
        #[cfg(target_arch = "aarch64")]
        #[target_feature(enable = "neon")]
        unsafe fn neon($($arg: $kind),*) $(-> $result)? {
            // SAFETY: the caller's contract, with the instructions enabled here.
            unsafe { $vector::<$crate::simd::Neon>($($arg),*) }
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        unsafe fn simd128($($arg: $kind),*) $(-> $result)? {
            // SAFETY: the caller's contract; the whole module has the instructions.
            unsafe { $vector::<$crate::simd::Simd128>($($arg),*) }
        }
        /// No set: nothing to be enabled.
        unsafe fn plain($($arg: $kind),*) $(-> $result)? {
            $plain($($arg),*)
        }
        // SAFETY: the level's token proves that the processor has the set; lengths were checked by the caller.
        unsafe {
            match $level {
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx512Vnni(_) | $crate::simd::Level::Amx(_) => avx512_vnni($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx512(_) => avx512($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::AvxVnni(_) => avx_vnni($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx2(_) => avx2($($arg),*),
                #[cfg(target_arch = "aarch64")]
                $crate::simd::Level::Neon(_) | $crate::simd::Level::NeonDot(_) => neon($($arg),*),
                #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
                $crate::simd::Level::Simd128 => simd128($($arg),*),
                $crate::simd::Level::Portable => plain($($arg),*),
            }
        }
    }};
}
pub(crate) use dispatch_exact;
