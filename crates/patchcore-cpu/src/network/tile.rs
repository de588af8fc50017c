//! The inner kernel of every dense convolution: a register tile of pixels times channels.
//!
//! `out[p][c] = sum over runs r, i < r.length of input[p * STEP + r.offset + i] * weights[r, i][c]`, for up to fourteen
//! pixels `p` and one or two blocks of sixteen channels. The accumulators stay in registers over the whole sum, so
//! bias, residual and activation cost nothing extra and the order of summation depends on nothing but the layer.

#[cfg(target_arch = "aarch64")]
use crate::simd::Neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use crate::simd::Simd128;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{LANES, Lanes, Level, Portable};

/// Contiguous input floats that meet consecutive rows of the packed weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Floats from the tile's first pixel.
    pub(super) offset: usize,
    /// Number of floats.
    pub(super) length: usize,
}

/// What one call of a kernel reads and writes.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// First pixel of the tile, at the first tap of the kernel window.
    pub(super) input: *const f32,
    /// Where the input's floats lie.
    pub(super) runs: *const Run,
    /// Number of runs.
    pub(super) run_count: usize,
    /// Panels `[runs][length][16]`.
    pub(super) weights: *const f32,
    /// Floats between panels.
    pub(super) panel: usize,
    /// Floats from a row of weights to the one to prefetch; sums only.
    pub(super) ahead: usize,
    /// First of sixteen floats a block.
    pub(super) bias: *const f32,
    /// Residual of the tile's first pixel, or null.
    pub(super) residual: *const f32,
    /// Floats between blocks of the residual.
    pub(super) residual_plane: usize,
    /// The tile's first pixel.
    pub(super) output: *mut f32,
    /// Floats between blocks of the output.
    pub(super) output_plane: usize,
    /// Lower bound of the activation.
    pub(super) floor: f32,
    /// Upper bound of the activation.
    pub(super) ceiling: f32,
}

/// A kernel for one tile shape.
pub(super) type Kernel = unsafe fn(&Tile);

/// How the pixels of a tile lie in the input, and whether an epilogue follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Blocked pixels, stride 1, sums only: Winograd's products.
    Sums,
    /// Blocked pixels, stride 1.
    Stride1,
    /// Blocked pixels, stride 2.
    Stride2,
    /// Planar pixels, stride 2: the first convolution.
    PlanarStride2,
}

/// The kernels of one form: what an instruction set offers.
#[derive(Clone, Copy)]
pub(super) struct Kernels {
    one: &'static [Kernel],
    two: &'static [Kernel],
}

impl Kernels {
    /// Kernels of that form.
    pub(super) fn new(level: Level, form: Form) -> Self {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) | Level::Avx512Vnni(_) | Level::Amx(_) => avx512_kernels(form),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) | Level::AvxVnni(_) => avx2_kernels(form),
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) | Level::NeonDot(_) => neon_kernels(form),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Level::Simd128 => simd128_kernels(form),
            Level::Portable => portable_kernels(form),
        }
    }

    /// Blocks of output channels of the widest tile.
    pub(super) fn blocks(&self) -> usize {
        if self.two.is_empty() { 1 } else { 2 }
    }

    /// Pixels of the longest tile.
    pub(super) fn pixels(&self) -> usize {
        self.one.len()
    }

    /// The kernel for `1..=pixels()` pixels and `1..=blocks()` blocks.
    pub(super) fn get(&self, pixels: usize, blocks: usize) -> Kernel {
        let table = if blocks == 2 { self.two } else { self.one };
        match table.get(pixels.wrapping_sub(1)) {
            Some(kernel) => *kernel,
            None => {
                unreachable!("no kernel for a tile of {pixels} pixels and {blocks} blocks: callers stay in the table")
            }
        }
    }
}

#[inline(always)]
#[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "constant bounds: unrolled into registers")]
unsafe fn kernel<L: Lanes, const PIXELS: usize, const BLOCKS: usize, const STEP: usize, const SUMS: bool>(tile: &Tile) {
    // SAFETY: the caller vouches for all pointers of the tile; offsets follow from its shape.
    unsafe {
        let mut sums = [[L::splat(0.0); BLOCKS]; PIXELS];
        let mut weights = tile.weights;
        for run in std::slice::from_raw_parts(tile.runs, tile.run_count) {
            let mut input = tile.input.add(run.offset);
            let end = input.add(run.length);
            while input < end {
                let mut row = [L::splat(0.0); BLOCKS];
                for block in 0..BLOCKS {
                    let from = weights.add(block * tile.panel);
                    row[block] = L::load(from);
                    if SUMS {
                        L::prefetch(from.wrapping_add(tile.ahead));
                    }
                }
                for pixel in 0..PIXELS {
                    let value = L::splat(*input.add(pixel * STEP));
                    for block in 0..BLOCKS {
                        sums[pixel][block] = L::mul_add(value, row[block], sums[pixel][block]);
                    }
                }
                input = input.add(1);
                weights = weights.add(LANES);
            }
        }
        let (floor, ceiling) = (L::splat(tile.floor), L::splat(tile.ceiling));
        for block in 0..BLOCKS {
            let output = tile.output.add(block * tile.output_plane);
            if SUMS {
                for pixel in 0..PIXELS {
                    L::store(output.add(pixel * LANES), sums[pixel][block]);
                }
                continue;
            }
            let bias = L::load(tile.bias.add(block * LANES));
            if tile.residual.is_null() {
                for pixel in 0..PIXELS {
                    let sum = L::add(sums[pixel][block], bias);
                    L::store(output.add(pixel * LANES), L::at_most(ceiling, L::at_least(floor, sum)));
                }
            } else {
                let residual = tile.residual.add(block * tile.residual_plane);
                for pixel in 0..PIXELS {
                    let sum = L::add(L::add(sums[pixel][block], bias), L::load(residual.add(pixel * LANES)));
                    L::store(output.add(pixel * LANES), L::at_most(ceiling, L::at_least(floor, sum)));
                }
            }
        }
    }
}

/// Tables of an instruction set: `$kernel` is a function generic over pixels, blocks, step and sums.
macro_rules! kernels {
    ($name:ident, $kernel:ident, one: $one:tt, two: $two:tt) => {
        fn $name(form: Form) -> Kernels {
            match form {
                Form::Sums => Kernels {
                    one: kernels!(@table $kernel, 1, 16, true, $one),
                    two: kernels!(@table $kernel, 2, 16, true, $two),
                },
                Form::Stride1 => Kernels {
                    one: kernels!(@table $kernel, 1, 16, false, $one),
                    two: kernels!(@table $kernel, 2, 16, false, $two),
                },
                Form::Stride2 => Kernels {
                    one: kernels!(@table $kernel, 1, 32, false, $one),
                    two: kernels!(@table $kernel, 2, 32, false, $two),
                },
                Form::PlanarStride2 => Kernels {
                    one: kernels!(@table $kernel, 1, 2, false, $one),
                    two: kernels!(@table $kernel, 2, 2, false, $two),
                },
            }
        }
    };
    (@table $kernel:ident, $blocks:literal, $step:literal, $sums:literal, [$($pixels:literal)*]) => {
        &[$($kernel::<$pixels, $blocks, $step, $sums> as Kernel),*]
    };
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn avx512<const PIXELS: usize, const BLOCKS: usize, const STEP: usize, const SUMS: bool>(tile: &Tile) {
    // SAFETY: AVX-512 is enabled here; pointers are the caller's contract.
    unsafe { kernel::<Avx512<false>, PIXELS, BLOCKS, STEP, SUMS>(tile) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const PIXELS: usize, const BLOCKS: usize, const STEP: usize, const SUMS: bool>(tile: &Tile) {
    // SAFETY: AVX2 and FMA are enabled here; pointers are the caller's contract.
    unsafe { kernel::<Avx2<false>, PIXELS, BLOCKS, STEP, SUMS>(tile) }
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn neon<const PIXELS: usize, const BLOCKS: usize, const STEP: usize, const SUMS: bool>(tile: &Tile) {
    // SAFETY: NEON is enabled here; pointers are the caller's contract.
    unsafe { kernel::<Neon, PIXELS, BLOCKS, STEP, SUMS>(tile) }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
unsafe fn simd128<const PIXELS: usize, const BLOCKS: usize, const STEP: usize, const SUMS: bool>(tile: &Tile) {
    // SAFETY: pointers are the caller's contract.
    unsafe { kernel::<Simd128, PIXELS, BLOCKS, STEP, SUMS>(tile) }
}

unsafe fn portable<const PIXELS: usize, const BLOCKS: usize, const STEP: usize, const SUMS: bool>(tile: &Tile) {
    // SAFETY: pointers are the caller's contract.
    unsafe { kernel::<Portable, PIXELS, BLOCKS, STEP, SUMS>(tile) }
}

// 14 x 2 accumulators, two rows of weights and one input value fill 31 of 32 registers; 14 divides 28, 56 and 112.
#[cfg(target_arch = "x86_64")]
kernels!(avx512_kernels, avx512, one: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], two: [1 2 3 4 5 6 7 8 9 10 11 12 13 14]);
// 6 x 2 half-width accumulators, two rows of weights and one input value fill 15 of 16 registers.
#[cfg(target_arch = "x86_64")]
kernels!(avx2_kernels, avx2, one: [1 2 3 4 5 6], two: []);
// 6 x 4 quarter-width accumulators, four of weights and one input value fill 29 of 32 registers.
#[cfg(target_arch = "aarch64")]
kernels!(neon_kernels, neon, one: [1 2 3 4 5 6], two: []);
// The engine that runs the module has 16 registers on x86-64 and 32 on ARM.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
kernels!(simd128_kernels, simd128, one: [1 2 3 4 5 6], two: []);
kernels!(portable_kernels, portable, one: [1 2 3 4 5 6], two: []);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_within_the_bounds_has_a_kernel() {
        for level in Level::available() {
            for form in [Form::Sums, Form::Stride1, Form::Stride2, Form::PlanarStride2] {
                let kernels = Kernels::new(level, form);
                for blocks in 1..=kernels.blocks() {
                    (1..=kernels.pixels()).for_each(|pixels| _ = kernels.get(pixels, blocks));
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "no kernel for a tile of 7 pixels and 1 blocks")]
    fn a_shape_outside_the_table_stops_the_program() {
        let _ = portable_kernels(Form::Sums).get(7, 1);
    }

    #[test]
    #[should_panic(expected = "no kernel for a tile of 1 pixels and 2 blocks")]
    fn a_table_without_wide_tiles_stops_the_program() {
        let _ = portable_kernels(Form::Sums).get(1, 2);
    }
}
