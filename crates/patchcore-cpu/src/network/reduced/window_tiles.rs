//! Winograd's F(2x2, 3x3) in integers: transforms of filters, input windows and output tiles; sixteen channels at a time.

#![allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "constant-length arrays, unrolled loops")]

use super::super::map::Map;
use super::finish::{Constants, Ends};
use super::finish_row::{SumsOfRow, finish_row};
use super::storage::{Element, WindowStorage};
use crate::simd::LANES;

/// Side of an output tile.
pub(super) const TILE: usize = 2;
/// Side of an input window.
const WINDOW: usize = 4;
/// Values of a transformed window.
pub(super) const FREQUENCIES: usize = WINDOW * WINDOW;
/// Tiles of a row whose sums are finished at once.
const TILES_AT_ONCE: usize = 16;

/// `2G g (2G)^T` of one 3x3 filter, row-major: at most 9 times its largest weight.
pub(super) fn transform_filter(filter: [i16; 9]) -> [i16; FREQUENCIES] {
    let line = |a: i16, b: i16, c: i16| [2 * a, a + b + c, a - b + c, 2 * c];
    let columns = [0, 1, 2].map(|x| line(filter[x], filter[3 + x], filter[6 + x]));
    let mut out = [0; FREQUENCIES];
    for (y, row) in out.chunks_exact_mut(WINDOW).enumerate() {
        row.copy_from_slice(&line(columns[0][y], columns[1][y], columns[2][y]));
    }
    out
}

/// Transforms the input windows of a range of tiles, one block of channels.
#[derive(Clone, Copy)]
pub(super) struct Gather<E> {
    /// The block's plane in the first image; its border covers the windows of the convolution.
    pub(super) plane: *const E,
    pub(super) map: Map,
    /// First tile, numbered through images, rows, columns.
    pub(super) first: usize,
    pub(super) count: usize,
    /// `[frequency][tile][16]`
    pub(super) windows: *mut E,
    /// Elements between frequencies.
    pub(super) window_step: usize,
}

/// Transforms sums back into output tiles of one block of channels, and writes what becomes of them.
#[derive(Clone, Copy)]
pub(super) struct Scatter<E: Element> {
    /// `[frequency][tile][16]`, four times those of the convolution when they are transformed back.
    pub(super) sums: *const i32,
    /// Sums between frequencies.
    pub(super) sum_step: usize,
    /// Of the block, for four times the sums.
    pub(super) constants: *const Constants,
    /// Of the block at the first pixel of the first image.
    pub(super) ends: Ends<E>,
    /// Layout of the residual; where there is none, any.
    pub(super) residual_map: Map,
    pub(super) map: Map,
    pub(super) first: usize,
    pub(super) count: usize,
}

/// Position of a tile, counted up without divisions.
struct Cursor {
    image: usize,
    y: usize,
    x: usize,
    down: usize,
    across: usize,
}

impl Cursor {
    #[inline(always)]
    fn new(map: &Map, tile: usize) -> Self {
        let (down, across) = (map.height.div_ceil(TILE), map.width.div_ceil(TILE));
        Self { image: tile / (down * across), y: tile / across % down, x: tile % across, down, across }
    }

    /// Moves on by `by` tiles of a row.
    #[inline(always)]
    fn advance(&mut self, by: usize) {
        self.x += by;
        if self.x == self.across {
            self.x = 0;
            self.y += 1;
            if self.y == self.down {
                self.y = 0;
                self.image += 1;
            }
        }
    }
}

/// # Safety
/// The tiles must lie inside the images, the windows have room for them, and the instruction set of the storage be enabled.
#[inline(always)]
pub(super) unsafe fn gather_windows<S: WindowStorage>(job: &Gather<i16>) {
    let map = &job.map;
    let mut at = Cursor::new(map, job.first);
    for tile in 0..job.count {
        // First row and column of the window, one before the output tile's. Beyond the border, which only outputs read that are not
        // written, any row or column will do.
        let (y, x) = (at.y * TILE, at.x * TILE);
        let column = |column: usize| (map.before - 1 + (x + column).min(map.width + 1)) * LANES;
        let columns = [column(0), column(1), column(2), column(3)];
        // SAFETY: the caller's contract; rows and columns lie inside the plane and its border.
        unsafe {
            let image = job.plane.add(at.image * map.image());
            let row = |row: usize| image.add((map.before - 1 + (y + row).min(map.height + 1)) * map.row());
            transform_window::<S>(
                [row(0), row(1), row(2), row(3)],
                columns,
                job.windows.add(tile * LANES),
                job.window_step,
            );
        }
        at.advance(1);
    }
}

/// `B^T d B`.
///
/// # Safety
/// As [`gather_windows`], for a window of 4x4 pixels and 16 places to write.
#[inline(always)]
unsafe fn transform_window<S: WindowStorage>(
    rows: [*const i16; WINDOW],
    columns: [usize; WINDOW],
    to: *mut i16,
    step: usize,
) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut half = [[S::load_shorts(rows[0]); WINDOW]; WINDOW];
        for x in 0..WINDOW {
            let load = |y: usize| S::load_shorts(rows[y].add(columns[x]));
            let line = transform_line::<S>([load(0), load(1), load(2), load(3)]);
            for y in 0..WINDOW {
                half[y][x] = line[y];
            }
        }
        for y in 0..WINDOW {
            let line = transform_line::<S>(half[y]);
            for x in 0..WINDOW {
                S::store_shorts(to.add((y * WINDOW + x) * step), line[x]);
            }
        }
    }
}

/// `B^T` times a column.
///
/// # Safety
/// The instruction set must be enabled.
#[inline(always)]
unsafe fn transform_line<S: WindowStorage>(d: [S::Shorts; WINDOW]) -> [S::Shorts; WINDOW] {
    // SAFETY: the caller's contract.
    unsafe {
        [S::sub_shorts(d[0], d[2]), S::add_shorts(d[1], d[2]), S::sub_shorts(d[2], d[1]), S::sub_shorts(d[1], d[3])]
    }
}

/// # Safety
/// The sums must hold the tiles, which lie inside the images, the ends be valid for the images, and the instruction set of the storage
/// be enabled.
#[inline(always)]
pub(super) unsafe fn scatter_sums<S: WindowStorage>(job: &Scatter<i16>) {
    let map = &job.map;
    let mut at = Cursor::new(map, job.first);
    let mut rows = [[[0_i32; LANES]; TILE * TILES_AT_ONCE]; TILE];
    let mut done = 0;
    while done < job.count {
        let tiles = (job.count - done).min(at.across - at.x).min(TILES_AT_ONCE);
        let (first_y, x) = (at.y * TILE, at.x * TILE);
        // SAFETY: the caller's contract; pixels are written only inside the map.
        unsafe {
            let start = S::load_sums((&raw const (*job.constants).start).cast());
            for tile in 0..tiles {
                let pixels = inverse::<S>(job.sums.add((done + tile) * LANES), job.sum_step);
                for y in 0..TILE {
                    for x in 0..TILE {
                        let to = rows[y].as_mut_ptr().add(TILE * tile + x);
                        S::store_sums(to.cast(), S::add_sums(pixels[y][x], start));
                    }
                }
            }
            for (y, sums) in (first_y..map.height).zip(&rows) {
                let place = |map: &Map| at.image * map.image() + y * map.row() + x * LANES;
                let tap = ((at.image * map.height + y) * map.width + x) * map.channels;
                // What is null stays null.
                let moved = |is_null: bool, by: usize| if is_null { 0 } else { by };
                let row = SumsOfRow {
                    sums: sums.as_ptr().cast(),
                    pixels: (TILE * tiles).min(map.width - x),
                    constants: job.constants,
                    ends: Ends {
                        residual: job
                            .ends
                            .residual
                            .wrapping_add(moved(job.ends.residual.is_null(), place(&job.residual_map))),
                        output: job.ends.output.wrapping_add(moved(job.ends.output.is_null(), place(map))),
                        tap: job.ends.tap.wrapping_add(moved(job.ends.tap.is_null(), tap)),
                        ..job.ends
                    },
                    tap_pixel: map.channels,
                };
                finish_row::<S>(&row);
            }
        }
        done += tiles;
        at.advance(tiles);
    }
}

/// `A^T m A`.
///
/// # Safety
/// `sums` must hold 16 frequencies, and the instruction set be enabled.
#[inline(always)]
unsafe fn inverse<S: WindowStorage>(sums: *const i32, step: usize) -> [[S::Sums; TILE]; TILE] {
    // SAFETY: the caller's contract.
    unsafe {
        let column = |x: usize| {
            let load = |y: usize| S::load_sums(sums.add((y * WINDOW + x) * step));
            inverse_line::<S>([load(0), load(1), load(2), load(3)])
        };
        let half = [column(0), column(1), column(2), column(3)];
        let row = |y: usize| inverse_line::<S>([half[0][y], half[1][y], half[2][y], half[3][y]]);
        [row(0), row(1)]
    }
}

/// `A^T` times a column.
///
/// # Safety
/// The instruction set must be enabled.
#[inline(always)]
unsafe fn inverse_line<S: WindowStorage>(m: [S::Sums; WINDOW]) -> [S::Sums; TILE] {
    // SAFETY: the caller's contract.
    unsafe { [S::add_sums(m[0], S::add_sums(m[1], m[2])), S::sub_sums(S::sub_sums(m[1], m[2]), m[3])] }
}
