//! The kernels of every instruction set: each is written once over a [`Storage`](super::storage::Storage) and compiled here for the sets
//! that have one.

use super::super::max_pool::Pool;
use super::depthwise_rows::{Rows, convolve_rows};
use super::finish_row::{SumsOfRow, finish_row};
#[cfg(target_arch = "x86_64")]
use super::halves::HalvesAtOnce;
use super::halves::{Half, Halves};
use super::kernel_set::{KernelSet, Transforms};
use super::load_line::{Line, load_line};
use super::pool_rows::pool_rows;
#[cfg(target_arch = "aarch64")]
use super::shifted_bytes::{Shifted, ShiftedBytes};
#[cfg(target_arch = "x86_64")]
use super::storage::Bytes;
use super::storage::{PlainShorts, Shorts};
use super::tile::{self, Form, Kernels, Tile};
use super::window_tiles::{Gather, Scatter, gather_windows, scatter_sums, transform_filter};
#[cfg(target_arch = "aarch64")]
use crate::simd::Neon;
use crate::simd::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use crate::simd::Simd128;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};

/// `static $name`: the kernels of the storage `$storage` with elements `$element`, compiled with the attributes in brackets; tiles of one
/// block and of two with those numbers of pixels.
macro_rules! kernel_set {
    (
        $(#[$cfg:meta])* $name:ident, $module:ident, $element:ty, $storage:ty, [$(#[$feature:meta])*],
        one: $one:tt, two: $two:tt, winograd: $winograd:ident
    ) => {
        $(#[$cfg])*
        mod $module {
            use super::*;

            $(#[$feature])*
            unsafe fn tile<const PIXELS: usize, const BLOCKS: usize, const STEP: usize>(tile: &Tile<$element>) {
                // SAFETY: the set is enabled here; pointers are the caller's contract.
                unsafe { tile::kernel::<$storage, PIXELS, BLOCKS, STEP>(tile, finish) }
            }

            kernel_set!(@winograd $winograd, $element, $storage, [$(#[$feature])*], $one, $two);

            pub(super) fn tiles(form: Form) -> Kernels<$element> {
                match form {
                    Form::Stride1 => kernel_set!(@tables tile, 16, $one, $two),
                    Form::Stride2 => kernel_set!(@tables tile, 32, $one, $two),
                    Form::PlanarStride2 => kernel_set!(@tables tile, 2, $one, $two),
                }
            }

            $(#[$feature])*
            pub(super) unsafe fn depthwise(rows: &Rows<$element>) {
                // SAFETY: the set is enabled here; pointers are the caller's contract.
                unsafe { convolve_rows::<$storage>(rows) }
            }

            $(#[$feature])*
            pub(super) unsafe fn pool(pool: &Pool<$element>) {
                // SAFETY: pointers are the caller's contract.
                unsafe { pool_rows::<$element>(pool) }
            }

            $(#[$feature])*
            pub(super) unsafe fn load(line: &Line<$element>) {
                // SAFETY: pointers are the caller's contract.
                unsafe { load_line::<$element>(line) }
            }

            // Not a part of every tile.
            #[inline(never)]
            $(#[$feature])*
            pub(super) unsafe fn finish(row: &SumsOfRow<$element>) {
                // SAFETY: the set is enabled here; pointers are the caller's contract.
                unsafe { finish_row::<$storage>(row) }
            }
        }

        $(#[$cfg])*
        pub(super) static $name: KernelSet<$element> = KernelSet {
            tiles: $module::tiles,
            depthwise: $module::depthwise,
            pool: $module::pool,
            load: $module::load,
            winograd: $module::WINOGRAD,
            #[cfg(target_arch = "x86_64")]
            finish: $module::finish,
        };
    };
    (@winograd no, $element:ty, $storage:ty, $features:tt, $one:tt, $two:tt) => {
        pub(super) const WINOGRAD: Option<Transforms<$element>> = None;
    };
    (@winograd yes, $element:ty, $storage:ty, [$(#[$feature:meta])*], $one:tt, $two:tt) => {
        $(#[$feature])*
        unsafe fn sums<const PIXELS: usize, const BLOCKS: usize, const STEP: usize>(tile: &Tile<$element>) {
            // SAFETY: the set is enabled here; pointers are the caller's contract.
            unsafe { tile::sums_kernel::<$storage, PIXELS, BLOCKS, STEP>(tile) }
        }

        $(#[$feature])*
        unsafe fn gather(job: &Gather<$element>) {
            // SAFETY: the set is enabled here; pointers are the caller's contract.
            unsafe { gather_windows::<$storage>(job) }
        }

        $(#[$feature])*
        unsafe fn scatter(job: &Scatter<$element>) {
            // SAFETY: the set is enabled here; pointers are the caller's contract.
            unsafe { scatter_sums::<$storage>(job) }
        }

        pub(super) const WINOGRAD: Option<Transforms<$element>> =
            Some(Transforms { sums: kernel_set!(@tables sums, 16, $one, $two), filter: transform_filter, gather, scatter });
    };
    (@tables $kernel:ident, $step:literal, $one:tt, $two:tt) => {
        Kernels { one: kernel_set!(@table $kernel, 1, $step, $one), two: kernel_set!(@table $kernel, 2, $step, $two) }
    };
    (@table $kernel:ident, $blocks:literal, $step:literal, [$($pixels:literal)*]) => {
        &[$($kernel::<$pixels, $blocks, $step>),*]
    };
}

// 14 x 2 accumulators, two rows of weights and one group of values fill 31 of 32 registers.
kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX512_BYTES, avx512_bytes, u8, Bytes<Avx512<true>>,
    [#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]],
    one: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], two: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], winograd: no
);
// The last register holds a product before it is added.
kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX512_SHORTS, avx512_shorts, i16, Shorts<Avx512<false>>,
    [#[target_feature(enable = "avx512f,avx512bw,avx512vl")]],
    one: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], two: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], winograd: yes
);
// 6 x 2 half-width accumulators, two rows of weights and one group of values fill 15 of 16 registers.
kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX_VNNI_BYTES, avx_vnni_bytes, u8, Bytes<Avx2<true>>,
    [#[target_feature(enable = "avx2,fma,avxvnni")]],
    one: [1 2 3 4 5 6], two: [], winograd: no
);
kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX2_SHORTS, avx2_shorts, i16, Shorts<Avx2<false>>,
    [#[target_feature(enable = "avx2,fma")]],
    one: [1 2 3 4 5 6], two: [], winograd: yes
);
// 6 x 4 quarter-width accumulators, four of weights and two of values fill 30 of 32 registers.
kernel_set!(
    #[cfg(target_arch = "aarch64")]
    NEON_SHORTS, neon_shorts, i16, Shorts<Neon>,
    [#[target_feature(enable = "neon")]],
    one: [1 2 3 4 5 6], two: [], winograd: yes
);
// The same with one of values.
kernel_set!(
    #[cfg(target_arch = "aarch64")]
    NEON_DOT_BYTES, neon_dot_bytes, Shifted, ShiftedBytes,
    [#[target_feature(enable = "neon,dotprod")]],
    one: [1 2 3 4 5 6], two: [], winograd: no
);
kernel_set!(
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    SIMD128_SHORTS, simd128_shorts, i16, Shorts<Simd128>, [],
    one: [1 2 3 4 5 6], two: [], winograd: yes
);
kernel_set!(PLAIN_SHORTS, plain_shorts, i16, PlainShorts, [], one: [1 2 3 4 5 6], two: [], winograd: yes);
// As `AVX512_BYTES`.
kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX512_BF16, avx512_bf16, Half, HalvesAtOnce,
    [#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512bf16")]],
    one: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], two: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], winograd: no
);
// 12 x 2 accumulators, twice two rows of weights and a pair of values fill 30 of 32 registers.
kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX512_HALVES, avx512_halves, Half, Halves<Avx512<false>>,
    [#[target_feature(enable = "avx512f,avx512bw,avx512vl")]],
    one: [1 2 3 4 5 6 7 8 9 10 11 12], two: [1 2 3 4 5 6 7 8 9 10 11 12], winograd: no
);
// 4 x 2 half-width accumulators, twice two rows of weights and a pair of values fill 14 of 16 registers.
kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX2_HALVES, avx2_halves, Half, Halves<Avx2<false>>,
    [#[target_feature(enable = "avx2,fma")]],
    one: [1 2 3 4], two: [], winograd: no
);
// 5 x 4 quarter-width accumulators, twice four of weights and a pair of values fill 30 of 32 registers.
kernel_set!(
    #[cfg(target_arch = "aarch64")]
    NEON_HALVES, neon_halves, Half, Halves<Neon>,
    [#[target_feature(enable = "neon")]],
    one: [1 2 3 4 5], two: [], winograd: no
);
kernel_set!(
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    SIMD128_HALVES, simd128_halves, Half, Halves<Simd128>, [],
    one: [1 2 3 4], two: [], winograd: no
);
kernel_set!(PLAIN_HALVES, plain_halves, Half, Halves<Portable>, [], one: [1 2 3 4], two: [], winograd: no);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_within_the_bounds_has_a_kernel() {
        for form in [Form::Stride1, Form::Stride2, Form::PlanarStride2] {
            let kernels = (PLAIN_SHORTS.tiles)(form);
            (1..=kernels.pixels()).for_each(|pixels| _ = kernels.get(pixels, 1));
            #[cfg(target_arch = "x86_64")]
            for blocks in 1..=2 {
                let kernels = (AVX512_BYTES.tiles)(form);
                (1..=kernels.pixels()).for_each(|pixels| _ = kernels.get(pixels, blocks));
            }
        }
    }

    #[test]
    #[should_panic(expected = "no kernel for a tile of 7 pixels and 1 blocks")]
    fn a_shape_outside_the_table_stops_the_program() {
        let _ = (PLAIN_SHORTS.tiles)(Form::Stride1).get(7, 1);
    }
}
