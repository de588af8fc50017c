//! The product of a strip of pixels with two blocks of outputs, in tiles.

use super::tiles::{ROW_BYTES, TILE_BYTES, TILE_ROWS, Tiles};

/// Pixels of a product, at most.
pub(crate) const PIXELS: usize = 2 * TILE_ROWS;

/// Outputs of a block: the four-byte columns of a tile.
pub(crate) const OUTPUTS: usize = ROW_BYTES / 4;

/// The sums of a product: two blocks of outputs, each of so many pixels, each of sixteen numbers. They are `i32` of bytes, and the
/// bits of `f32` of `bf16`.
pub(crate) type Sums = [[[i32; OUTPUTS]; PIXELS]; 2];

/// What one product reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product<'a> {
    /// The first pixel, at the first of its channels.
    pub(crate) pixels: *const u8,
    /// Bytes from one pixel to the next.
    pub(crate) stride: usize,
    /// Where the 64 bytes of channels lie that meet each tile of weights: bytes from the pixel.
    pub(crate) steps: &'a [usize],
    /// Tiles of weights: `[steps][16][16][4]` bytes, or `[steps][16][16][2]` `bf16`.
    pub(crate) weights: *const u8,
    /// Bytes from a block of outputs to the next.
    pub(crate) panel: usize,
    /// What the sums of a block begin with, sixteen numbers as [`Sums`] has them.
    pub(crate) start: *const u8,
    /// Bytes from there to the next block's.
    pub(crate) start_panel: usize,
}

impl Product<'_> {
    /// Multiplies and sums: products of bytes where `E` is one, else of `bf16`. `ROWS` tiles of sixteen pixels, `COLUMNS` blocks of
    /// outputs; the sums of others stay as they are.
    ///
    /// # Safety
    /// That of [`Tiles`], between a `configure` with full shapes and `release`. `16 ROWS` pixels and `COLUMNS` panels can be read.
    #[inline(always)]
    pub(crate) unsafe fn multiply<T: Tiles, E, const ROWS: usize, const COLUMNS: usize>(
        &self,
        tiles: &mut T,
        sums: &mut Sums,
    ) {
        // SAFETY: the caller's contract; places of the sums are inside them.
        unsafe {
            // One row for all pixels.
            tiles.load::<0>(self.start, 0);
            if COLUMNS == 2 {
                tiles.load::<1>(self.start.add(self.start_panel), 0);
            }
            if ROWS == 2 {
                tiles.load::<2>(self.start, 0);
            }
            if ROWS == 2 && COLUMNS == 2 {
                tiles.load::<3>(self.start.add(self.start_panel), 0);
            }
            let mut weights = self.weights;
            for step in self.steps {
                let pixels = self.pixels.add(*step);
                tiles.load::<4>(pixels, self.stride);
                tiles.load::<6>(weights, ROW_BYTES);
                add::<T, E, 0, 4, 6>(tiles);
                if COLUMNS == 2 {
                    tiles.load::<7>(weights.add(self.panel), ROW_BYTES);
                    add::<T, E, 1, 4, 7>(tiles);
                }
                if ROWS == 2 {
                    tiles.load::<5>(pixels.add(TILE_ROWS * self.stride), self.stride);
                    add::<T, E, 2, 5, 6>(tiles);
                }
                if ROWS == 2 && COLUMNS == 2 {
                    add::<T, E, 3, 5, 7>(tiles);
                }
                weights = weights.add(TILE_BYTES);
            }
            let first = std::ptr::from_mut(sums).cast::<u8>();
            let place = |column: usize, row: usize| first.add((column * 2 + row) * TILE_BYTES);
            tiles.store::<0>(place(0, 0), ROW_BYTES);
            if COLUMNS == 2 {
                tiles.store::<1>(place(1, 0), ROW_BYTES);
            }
            if ROWS == 2 {
                tiles.store::<2>(place(0, 1), ROW_BYTES);
            }
            if ROWS == 2 && COLUMNS == 2 {
                tiles.store::<3>(place(1, 1), ROW_BYTES);
            }
        }
    }
}

#[inline(always)]
unsafe fn add<T: Tiles, E, const SUMS: usize, const A: usize, const B: usize>(tiles: &mut T) {
    // SAFETY: the caller's contract.
    unsafe { if size_of::<E>() == 1 { tiles.add_bytes::<SUMS, A, B>() } else { tiles.add_halves::<SUMS, A, B>() } }
}
