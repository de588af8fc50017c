//! The inner kernel of every dense convolution: a register tile of pixels times channels, as [`super::super::tile`] with groups of
//! values instead of single ones.

use std::mem::MaybeUninit;

use super::super::tile::Run;
use super::finish::{ANY, Constants, Ends, Loaded, PLAIN, RESIDUAL};
use super::finish_row::SumsOfRow;
use super::storage::{Element, Storage};
use crate::simd::LANES;

/// What one call of a kernel reads and writes.
#[derive(Clone, Copy)]
pub(super) struct Tile<E: Element> {
    /// First pixel of the tile, at the first tap of the kernel window.
    pub(super) input: *const E,
    /// Where the input's elements lie; every length is a multiple of a group's.
    pub(super) runs: *const Run,
    /// Number of runs.
    pub(super) run_count: usize,
    /// `[runs][length / group][blocks][16][group]`
    pub(super) weights: *const E::Weight,
    /// One a block.
    pub(super) constants: *const Constants,
    /// Of the tile's first pixel.
    pub(super) ends: Ends<E>,
    /// Elements between blocks of the residual.
    pub(super) residual_plane: usize,
    /// Elements between blocks of the output.
    pub(super) output_plane: usize,
    /// Values between pixels of the tap.
    pub(super) tap_pixel: usize,
}

/// A kernel for one tile shape.
pub(super) type Kernel<E> = unsafe fn(&Tile<E>);

/// How the pixels of a tile lie in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Blocked pixels, stride 1.
    Stride1,
    /// Blocked pixels, stride 2.
    Stride2,
    /// Planar pixels, stride 2: the first convolution.
    PlanarStride2,
}

/// The kernels of one form: what an instruction set offers.
#[derive(Clone, Copy)]
pub(super) struct Kernels<E: Element> {
    pub(super) one: &'static [Kernel<E>],
    pub(super) two: &'static [Kernel<E>],
}

impl<E: Element> Kernels<E> {
    /// Blocks of output channels of the widest tile.
    pub(super) fn blocks(&self) -> usize {
        if self.two.is_empty() { 1 } else { 2 }
    }

    /// Pixels of the longest tile.
    pub(super) fn pixels(&self) -> usize {
        self.one.len()
    }

    /// The kernel for `1..=pixels()` pixels and `1..=blocks()` blocks.
    pub(super) fn get(&self, pixels: usize, blocks: usize) -> Kernel<E> {
        let table = if blocks == 2 { self.two } else { self.one };
        match table.get(pixels.wrapping_sub(1)) {
            Some(kernel) => *kernel,
            None => {
                unreachable!("no kernel for a tile of {pixels} pixels and {blocks} blocks: callers stay in the table")
            }
        }
    }
}

/// `$body` for every one of the numbers in brackets from `$from` and below `$end`, each on its own: what a loop does the compiler does not always unroll,
/// and sums that are indexed by a variable lie in memory from the first product on.
macro_rules! each {
    ($pixel:ident of [$($at:literal)*], $from:expr, $end:expr => $body:expr) => {
        $(if $at >= $from && $at < $end {
            let $pixel: usize = $at;
            $body;
        })*
    };
}

/// What follows the sums of a tile, which lie in memory.
pub(super) type Finish<E> = unsafe fn(&SumsOfRow<E>);

/// The sums, and what follows them. What most convolutions write (a map alone, not at every other pixel of a blocked one) is written
/// from registers: through memory it would take a fourteenth of a network of few channels. Everything else is `finish`, which is
/// compiled once an instruction set and not once a shape, of which there are many.
///
/// # Safety
/// All pointers of the tile must be valid for its shape, and the instruction set of the storage enabled.
#[inline(always)]
pub(super) unsafe fn kernel<S: Storage, const PIXELS: usize, const BLOCKS: usize, const STEP: usize>(
    tile: &Tile<S::Element>,
    finish: Finish<S::Element>,
) {
    // SAFETY: the caller's contract; the memory holds the sums of every pixel and block.
    unsafe {
        let sums = products::<S, PIXELS, BLOCKS, STEP>(tile);
        if STEP != 2 * LANES {
            match tile.ends.kind(tile.constants) {
                PLAIN => return write::<S, PIXELS, BLOCKS, PLAIN>(tile, &sums),
                RESIDUAL => return write::<S, PIXELS, BLOCKS, RESIDUAL>(tile, &sums),
                _ => {}
            }
        }
        let mut memory = MaybeUninit::<[[Line; PIXELS]; BLOCKS]>::uninit();
        let to = memory.as_mut_ptr().cast::<i32>();
        store::<S, PIXELS, BLOCKS>(&sums, to, PIXELS * LANES);
        for block in 0..BLOCKS {
            finish(&SumsOfRow {
                sums: to.add(block * PIXELS * LANES),
                pixels: PIXELS,
                constants: tile.constants.add(block),
                ends: tile.ends_at::<ANY>(0, block),
                tap_pixel: tile.tap_pixel,
            });
        }
    }
}

/// Sixteen sums, in a cache line.
#[repr(C, align(64))]
struct Line([i32; LANES]);

/// The sums alone: the output is memory of the sums, which have 32 bits each, and nothing follows.
///
/// # Safety
/// As [`kernel`]; of the constants only what the sums start with is read.
#[inline(always)]
pub(super) unsafe fn sums_kernel<S: Storage, const PIXELS: usize, const BLOCKS: usize, const STEP: usize>(
    tile: &Tile<S::Element>,
) {
    // SAFETY: the caller's contract.
    unsafe {
        let sums = products::<S, PIXELS, BLOCKS, STEP>(tile);
        store::<S, PIXELS, BLOCKS>(&sums, tile.ends.output.cast(), tile.output_plane);
    }
}

/// Writes sums, `plane` apart from block to block.
///
/// # Safety
/// `to` must have room for them, and the instruction set be enabled.
#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "constant places, checked against constant bounds")]
unsafe fn store<S: Storage, const PIXELS: usize, const BLOCKS: usize>(
    sums: &[[S::Sums; BLOCKS]; PIXELS],
    to: *mut i32,
    plane: usize,
) {
    // SAFETY: the caller's contract.
    unsafe {
        each!(pixel of [0 1 2 3 4 5 6 7 8 9 10 11 12 13], 0, PIXELS => {
            S::store_sums(to.add(pixel * LANES), sums[pixel][0]);
            if BLOCKS == 2 {
                S::store_sums(to.add(plane + pixel * LANES), sums[pixel][BLOCKS - 1]);
            }
        });
    }
}

/// The sums of the products.
///
/// # Safety
/// As [`kernel`].
#[inline(always)]
#[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "constant bounds: unrolled into registers")]
unsafe fn products<S: Storage, const PIXELS: usize, const BLOCKS: usize, const STEP: usize>(
    tile: &Tile<S::Element>,
) -> [[S::Sums; BLOCKS]; PIXELS] {
    // What is written out for each pixel, below, is so up to here.
    const { assert!(PIXELS <= 14) };
    // SAFETY: the caller vouches for all pointers of the tile; offsets follow from its shape.
    unsafe {
        let group = <S::Element as Element>::GROUP;
        let mut sums = [[S::load_sums((&raw const (*tile.constants).start).cast()); BLOCKS]; PIXELS];
        for block in 1..BLOCKS {
            let start = S::load_sums((&raw const (*tile.constants.add(block)).start).cast());
            for pixel in 0..PIXELS {
                sums[pixel][block] = start;
            }
        }
        let mut weights = tile.weights;
        for run in std::slice::from_raw_parts(tile.runs, tile.run_count) {
            let mut input = tile.input.add(run.offset);
            let end = input.add(run.length);
            while input < end {
                let mut row = [S::load_weights(weights); BLOCKS];
                for block in 1..BLOCKS {
                    row[block] = S::load_weights(weights.add(block * LANES * group));
                }
                for pixel in 0..PIXELS {
                    let value = S::splat(input.add(pixel * STEP));
                    for block in 0..BLOCKS {
                        sums[pixel][block] = S::add_products(sums[pixel][block], value, row[block]);
                    }
                }
                input = input.add(group);
                weights = weights.add(BLOCKS * LANES * group);
            }
        }
        sums
    }
}

/// # Safety
/// As [`kernel`], for a tile of that kind.
#[inline(always)]
unsafe fn write<S: Storage, const PIXELS: usize, const BLOCKS: usize, const KIND: u8>(
    tile: &Tile<S::Element>,
    sums: &[[S::Sums; BLOCKS]; PIXELS],
) {
    // SAFETY: the caller's contract.
    unsafe {
        write_block::<S, PIXELS, BLOCKS, 0, KIND>(tile, sums);
        if BLOCKS == 2 {
            write_block::<S, PIXELS, BLOCKS, 1, KIND>(tile, sums);
        }
    }
}

/// # Safety
/// As [`kernel`], for a tile of that kind.
#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "constant places, checked against constant bounds")]
unsafe fn write_block<S: Storage, const PIXELS: usize, const BLOCKS: usize, const BLOCK: usize, const KIND: u8>(
    tile: &Tile<S::Element>,
    sums: &[[S::Sums; BLOCKS]; PIXELS],
) {
    let at_once = if S::Element::SATURATES { PIXELS / 4 * 4 } else { 0 };
    // SAFETY: the caller's contract.
    unsafe {
        let constants = Loaded::<S>::new(tile.constants.add(BLOCK));
        each!(pixel of [0 4 8], 0, at_once => {
            let four = [
                constants.steps::<KIND>(sums[pixel][BLOCK], &tile.ends_at::<KIND>(pixel, BLOCK)),
                constants.steps::<KIND>(sums[pixel + 1][BLOCK], &tile.ends_at::<KIND>(pixel + 1, BLOCK)),
                constants.steps::<KIND>(sums[pixel + 2][BLOCK], &tile.ends_at::<KIND>(pixel + 2, BLOCK)),
                constants.steps::<KIND>(sums[pixel + 3][BLOCK], &tile.ends_at::<KIND>(pixel + 3, BLOCK)),
            ];
            S::store_four_held(tile.ends_at::<KIND>(pixel, BLOCK).output, four);
        });
        each!(pixel of [0 1 2 3 4 5 6 7 8 9 10 11 12 13], at_once, PIXELS => {
            constants.finish::<KIND>(sums[pixel][BLOCK], &tile.ends_at::<KIND>(pixel, BLOCK));
        });
    }
}

impl<E: Element> Tile<E> {
    #[inline(always)]
    fn ends_at<const KIND: u8>(&self, pixel: usize, block: usize) -> Ends<E> {
        self.ends.moved::<KIND>(
            block * self.residual_plane + pixel * LANES,
            block * self.output_plane + pixel * LANES,
            block * LANES + pixel * self.tap_pixel,
            self.ends.tap_channels - block * LANES,
        )
    }
}
