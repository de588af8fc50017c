//! What a matrix unit does.

/// Rows of a tile register, at most.
pub(crate) const TILE_ROWS: usize = 16;

/// Bytes of a row of a tile register, at most.
pub(crate) const ROW_BYTES: usize = 64;

/// Bytes of a tile register.
pub(crate) const TILE_BYTES: usize = TILE_ROWS * ROW_BYTES;

/// Tile registers.
pub(super) const TILES: usize = 8;

/// The shapes of the tile registers, as `ldtilecfg` reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Shapes {
    /// The kind of tiles: 1 has eight, of 1 KiB each.
    palette: u8,
    /// Where an interrupted load goes on; 0 where none was.
    start_row: u8,
    reserved: [u8; 14],
    /// Bytes of a row of each register; the second half is reserved.
    row_bytes: [u16; 2 * TILES],
    /// Rows of each register; the second half is reserved.
    rows: [u8; 2 * TILES],
}

impl Shapes {
    /// Eight registers of sixteen rows of 64 bytes.
    pub(crate) const FULL: Self = Self::of([(TILE_ROWS as u8, ROW_BYTES as u16); TILES]);

    /// Registers of so many rows of so many bytes.
    pub(super) const fn of(shapes: [(u8, u16); TILES]) -> Self {
        let mut made =
            Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 2 * TILES], rows: [0; 2 * TILES] };
        let mut tile = 0;
        while tile < TILES {
            #[allow(clippy::indexing_slicing, reason = "below the length; an iterator cannot be had in a constant")]
            {
                (made.rows[tile], made.row_bytes[tile]) = shapes[tile];
            }
            tile += 1;
        }
        made
    }

    /// Rows and bytes of a row of a register.
    #[cfg(test)]
    pub(super) fn get(&self, tile: usize) -> (usize, usize) {
        let row_bytes = self.row_bytes.get(tile).copied().unwrap_or_default();
        (self.rows.get(tile).copied().unwrap_or_default().into(), row_bytes.into())
    }
}

/// Eight tile registers of up to sixteen rows of 64 bytes, and products of them that are added to a third.
///
/// # Safety
/// Of every method: the unit is there. Between `configure` and `release` the calls come from one thread, and nothing else on it uses
/// the registers. Pointers are valid for the rows and bytes of the tile's shape, so many bytes apart.
pub(crate) trait Tiles {
    /// Gives the registers their shapes, and zeros.
    unsafe fn configure(&mut self, shapes: &Shapes);
    /// Loads a register; its rows are `stride` bytes apart in memory.
    unsafe fn load<const TILE: usize>(&mut self, from: *const u8, stride: usize);
    /// Stores a register.
    unsafe fn store<const TILE: usize>(&mut self, to: *mut u8, stride: usize);
    /// `SUMS[m][n] += A[m][4k + i] * B[k][4n + i]` over `k` and `i < 4`: bytes from 0 in `A`, signed ones in `B`, sums in `i32` that
    /// wrap.
    unsafe fn add_bytes<const SUMS: usize, const A: usize, const B: usize>(&mut self);
    /// `SUMS[m][n] += A[m][2k + i] * B[k][2n + i]` over `k` and `i < 2`, all `bf16`, sums in `f32`; numbers below the normal ones count
    /// as 0.
    unsafe fn add_halves<const SUMS: usize, const A: usize, const B: usize>(&mut self);
    /// Ends the use: the registers hold nothing that the operating system would have to keep.
    unsafe fn release(&mut self);
}
