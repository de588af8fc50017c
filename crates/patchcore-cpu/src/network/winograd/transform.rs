//! Winograd's transforms of filters, input windows and output tiles; sixteen channels at a time.

#![allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "constant-length arrays, unrolled loops")]

use crate::network::map::Map;
use crate::simd::{LANES, Lanes, dispatch};

/// Side of an output tile.
pub(super) const TILE: usize = 4;
/// Side of an input window.
const WINDOW: usize = 6;
/// Values of a transformed window.
pub(super) const FREQUENCIES: usize = WINDOW * WINDOW;

/// `G g G^T` of one 3x3 filter, in `f64`, row-major.
pub(super) fn transform_filter(filter: &[f32]) -> [f32; FREQUENCIES] {
    const G: [[f64; 3]; WINDOW] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];
    let mut rows = [[0.0f64; 3]; WINDOW];
    for (row, factors) in rows.iter_mut().zip(&G) {
        for (x, value) in row.iter_mut().enumerate() {
            *value = (0..3).map(|y| factors[y] * f64::from(filter[y * 3 + x])).sum();
        }
    }
    let mut out = [0.0; FREQUENCIES];
    for (line, row) in out.chunks_exact_mut(WINDOW).zip(&rows) {
        for (value, factors) in line.iter_mut().zip(&G) {
            *value = (0..3).map(|x| factors[x] * row[x]).sum::<f64>() as f32;
        }
    }
    out
}

/// Transforms the input windows of a range of tiles, one block of channels.
#[derive(Clone, Copy)]
pub(super) struct Gather {
    /// The block's plane in the first image.
    pub(super) plane: *const f32,
    pub(super) map: Map,
    /// First tile, numbered through images, rows, columns.
    pub(super) first: usize,
    pub(super) count: usize,
    /// `[frequency][tile][16]`
    pub(super) windows: *mut f32,
    /// Floats between frequencies.
    pub(super) window_step: usize,
}

/// Transforms sums back into output tiles of one block of channels.
#[derive(Clone, Copy)]
pub(super) struct Scatter {
    /// `[frequency][tile][16]`
    pub(super) sums: *const f32,
    /// Floats between frequencies.
    pub(super) sum_step: usize,
    pub(super) bias: *const f32,
    /// The block's plane of the residual in the first image, or null.
    pub(super) residual: *const f32,
    pub(super) residual_map: Map,
    /// The block's plane in the first image.
    pub(super) output: *mut f32,
    pub(super) map: Map,
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) floor: f32,
    pub(super) ceiling: f32,
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

    #[inline(always)]
    fn advance(&mut self) {
        self.x += 1;
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

dispatch! {
    /// Runs a [`Gather`].
    pub(super) fn gather(job: &Gather) => gather_kernel
}

#[inline(always)]
unsafe fn gather_kernel<L: Lanes>(job: &Gather) {
    let map = &job.map;
    let mut at = Cursor::new(map, job.first);
    for tile in 0..job.count {
        // SAFETY: the window, cut at the bordered plane's edges, lies inside the image; windows have room.
        unsafe {
            let image = job.plane.add(at.image * map.image());
            let windows = job.windows.add(tile * LANES);
            // First row and column of the window in the bordered plane, one before the output tile's.
            let (y, x) = (at.y * TILE + map.before, at.x * TILE + map.before);
            let (rows, columns) = (map.height + map.before + map.after, map.width + map.before + map.after);
            if y >= 1 && x >= 1 && y + 5 <= rows && x + 5 <= columns {
                let corner = image.add((y - 1) * map.row() + (x - 1) * LANES);
                transform_window::<L>(corner, map.row(), windows, job.window_step);
            } else {
                let mut window = [[0.0f32; LANES]; FREQUENCIES];
                for row in 0..WINDOW {
                    for column in 0..WINDOW {
                        // `+ 1` keeps the unsigned difference from wrapping.
                        let (from_y, from_x) = (y + row, x + column);
                        if from_y >= 1 && from_x >= 1 && from_y <= rows && from_x <= columns {
                            let pixel = image.add((from_y - 1) * map.row() + (from_x - 1) * LANES);
                            L::store(window[row * WINDOW + column].as_mut_ptr(), L::load(pixel));
                        }
                    }
                }
                transform_window::<L>(window.as_ptr().cast(), WINDOW * LANES, windows, job.window_step);
            }
        }
        at.advance();
    }
}

/// `B^T d B`.
#[inline(always)]
unsafe fn transform_window<L: Lanes>(corner: *const f32, row: usize, to: *mut f32, step: usize) {
    // SAFETY: the caller vouches for a window of 6x6 pixels and 36 places to write.
    unsafe {
        let mut half = [[L::splat(0.0); WINDOW]; WINDOW];
        for column in 0..WINDOW {
            let from = corner.add(column * LANES);
            let line = [
                L::load(from),
                L::load(from.add(row)),
                L::load(from.add(2 * row)),
                L::load(from.add(3 * row)),
                L::load(from.add(4 * row)),
                L::load(from.add(5 * row)),
            ];
            let line = transform_line::<L>(line);
            for index in 0..WINDOW {
                half[index][column] = line[index];
            }
        }
        for index in 0..WINDOW {
            let line = transform_line::<L>(half[index]);
            for column in 0..WINDOW {
                L::store(to.add((index * WINDOW + column) * step), line[column]);
            }
        }
    }
}

/// `B^T` times a column.
#[inline(always)]
unsafe fn transform_line<L: Lanes>(d: [L::Floats; WINDOW]) -> [L::Floats; WINDOW] {
    // SAFETY: the caller's contract: the instruction set is enabled.
    unsafe {
        let (four, minus_four, minus_five) = (L::splat(4.0), L::splat(-4.0), L::splat(-5.0));
        let (two, minus_two) = (L::splat(2.0), L::splat(-2.0));
        let even = L::mul_add(minus_four, d[2], d[4]);
        let odd = L::mul_add(minus_four, d[1], d[3]);
        let near = L::sub(d[4], d[2]);
        let far = L::sub(d[3], d[1]);
        [
            L::mul_add(four, d[0], L::mul_add(minus_five, d[2], d[4])),
            L::add(even, odd),
            L::sub(even, odd),
            L::mul_add(two, far, near),
            L::mul_add(minus_two, far, near),
            L::mul_add(four, d[1], L::mul_add(minus_five, d[3], d[5])),
        ]
    }
}

dispatch! {
    /// Runs a [`Scatter`].
    pub(super) fn scatter(job: &Scatter) => scatter_kernel
}

#[inline(always)]
unsafe fn scatter_kernel<L: Lanes>(job: &Scatter) {
    let map = &job.map;
    let mut at = Cursor::new(map, job.first);
    for tile in 0..job.count {
        // SAFETY: sums hold the tile; pixels are written only inside the map.
        unsafe {
            let mut pixels = inverse::<L>(job.sums.add(tile * LANES), job.sum_step);
            let (y, x) = (at.y * TILE, at.x * TILE);
            let (rows, columns) = (TILE.min(map.height - y), TILE.min(map.width - x));
            let output = job.output.add(at.image * map.image() + map.origin() + y * map.row() + x * LANES);
            let residual = if job.residual.is_null() {
                std::ptr::null()
            } else {
                let other = &job.residual_map;
                job.residual.add(at.image * other.image() + other.origin() + y * other.row() + x * LANES)
            };
            let bias = L::load(job.bias);
            let (floor, ceiling) = (L::splat(job.floor), L::splat(job.ceiling));
            for row in 0..TILE {
                for column in 0..TILE {
                    if row < rows && column < columns {
                        let mut sum = L::add(pixels[row][column], bias);
                        if !residual.is_null() {
                            sum = L::add(sum, L::load(residual.add(row * job.residual_map.row() + column * LANES)));
                        }
                        pixels[row][column] = L::at_most(ceiling, L::at_least(floor, sum));
                        L::store(output.add(row * map.row() + column * LANES), pixels[row][column]);
                    }
                }
            }
        }
        at.advance();
    }
}

/// `A^T m A`.
#[inline(always)]
unsafe fn inverse<L: Lanes>(sums: *const f32, step: usize) -> [[L::Floats; TILE]; TILE] {
    // SAFETY: the caller vouches for 36 sums.
    unsafe {
        let mut half = [[L::splat(0.0); WINDOW]; TILE];
        for column in 0..WINDOW {
            let mut line = [L::splat(0.0); WINDOW];
            for row in 0..WINDOW {
                line[row] = L::load(sums.add((row * WINDOW + column) * step));
            }
            let line = inverse_line::<L>(line);
            for row in 0..TILE {
                half[row][column] = line[row];
            }
        }
        let mut out = [[L::splat(0.0); TILE]; TILE];
        for row in 0..TILE {
            out[row] = inverse_line::<L>(half[row]);
        }
        out
    }
}

/// `A^T` times a column.
#[inline(always)]
unsafe fn inverse_line<L: Lanes>(m: [L::Floats; WINDOW]) -> [L::Floats; TILE] {
    // SAFETY: the caller's contract: the instruction set is enabled.
    unsafe {
        let (near, near_odd) = (L::add(m[1], m[2]), L::sub(m[1], m[2]));
        let (far, far_odd) = (L::add(m[3], m[4]), L::sub(m[3], m[4]));
        [
            L::add(L::add(m[0], near), far),
            L::mul_add(L::splat(2.0), far_odd, near_odd),
            L::mul_add(L::splat(4.0), far, near),
            L::add(L::mul_add(L::splat(8.0), far_odd, near_odd), m[5]),
        ]
    }
}
