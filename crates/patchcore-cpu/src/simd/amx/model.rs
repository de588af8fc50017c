//! A matrix unit in plain Rust, which stops where a real one would raise an exception.
//!
//! Source: the operations of `TDPBUSD`, `TDPBF16PS`, `TILELOADD`, `TILESTORED` and `LDTILECFG` in Intel's Software Developer's Manual,
//! volume 2.

#![allow(clippy::indexing_slicing, reason = "rows and bytes are within the shapes, which are checked")]

use super::tiles::{ROW_BYTES, Shapes, TILE_ROWS, TILES, Tiles};

/// Tile registers in memory.
#[derive(Debug)]
pub(crate) struct Model {
    /// Nothing until it is configured, and after it is released.
    shapes: Option<Shapes>,
    tiles: [[[u8; ROW_BYTES]; TILE_ROWS]; TILES],
}

impl Model {
    /// Registers without shapes.
    pub(crate) fn new() -> Self {
        Self { shapes: None, tiles: [[[0; ROW_BYTES]; TILE_ROWS]; TILES] }
    }

    /// Rows and bytes of a row of a register.
    fn shape(&self, tile: usize) -> (usize, usize) {
        match &self.shapes {
            Some(shapes) => shapes.get(tile),
            None => unreachable!("tiles have shapes before they are used"),
        }
    }

    /// Looks at the shapes of a product: rows of the sums and of `A`, columns of the sums and of `B`, and what is summed over. Returns
    /// them.
    fn product(&self, sums: usize, a: usize, b: usize) -> [usize; 3] {
        let [sums_shape, a_shape, b_shape] = [sums, a, b].map(|tile| self.shape(tile));
        assert!(sums != a && sums != b && a != b, "three registers");
        assert_eq!(sums_shape.0, a_shape.0, "rows of the sums and of A");
        assert_eq!(sums_shape.1, b_shape.1, "columns of the sums and of B");
        assert_eq!(a_shape.1 / 4, b_shape.0, "what is summed over");
        [a_shape.0, b_shape.1 / 4, b_shape.0]
    }

    fn four(&self, tile: usize, row: usize, column: usize) -> [u8; 4] {
        let row = &self.tiles[tile][row][column * 4..];
        [row[0], row[1], row[2], row[3]]
    }
}

/// The two `bf16` of four bytes; a number below the normal ones is 0.
fn halves(bytes: [u8; 4]) -> [f32; 2] {
    let half = |low, high| flushed(f32::from_bits(u32::from_le_bytes([0, 0, low, high])));
    [half(bytes[0], bytes[1]), half(bytes[2], bytes[3])]
}

fn flushed(value: f32) -> f32 {
    if value.is_subnormal() { 0.0_f32.copysign(value) } else { value }
}

// SAFETY (of every function below): pointers are the trait's contract.
impl Tiles for Model {
    unsafe fn configure(&mut self, shapes: &Shapes) {
        for tile in 0..TILES {
            let (rows, bytes) = shapes.get(tile);
            let used = (1..=TILE_ROWS).contains(&rows) && (4..=ROW_BYTES).contains(&bytes) && bytes.is_multiple_of(4);
            assert!(used || (rows, bytes) == (0, 0), "tile {tile} of {rows} rows of {bytes} bytes");
        }
        *self = Self { shapes: Some(*shapes), ..Self::new() };
    }

    unsafe fn load<const TILE: usize>(&mut self, from: *const u8, stride: usize) {
        let (rows, bytes) = self.shape(TILE);
        assert_ne!(rows, 0, "a register that has a shape");
        self.tiles[TILE] = [[0; ROW_BYTES]; TILE_ROWS];
        for (row, to) in self.tiles[TILE].iter_mut().take(rows).enumerate() {
            // SAFETY: see above.
            unsafe { to.as_mut_ptr().copy_from_nonoverlapping(from.add(row * stride), bytes) };
        }
    }

    unsafe fn store<const TILE: usize>(&mut self, to: *mut u8, stride: usize) {
        let (rows, bytes) = self.shape(TILE);
        assert_ne!(rows, 0, "a register that has a shape");
        for (row, from) in self.tiles[TILE].iter().take(rows).enumerate() {
            // SAFETY: see above.
            unsafe { to.add(row * stride).copy_from_nonoverlapping(from.as_ptr(), bytes) };
        }
    }

    unsafe fn add_bytes<const SUMS: usize, const A: usize, const B: usize>(&mut self) {
        let [rows, columns, depth] = self.product(SUMS, A, B);
        for row in 0..rows {
            for column in 0..columns {
                let mut sum = i32::from_le_bytes(self.four(SUMS, row, column));
                for k in 0..depth {
                    for (a, b) in self.four(A, row, k).into_iter().zip(self.four(B, k, column)) {
                        sum = sum.wrapping_add(i32::from(a) * i32::from(b as i8));
                    }
                }
                self.tiles[SUMS][row][column * 4..][..4].copy_from_slice(&sum.to_le_bytes());
            }
        }
    }

    unsafe fn add_halves<const SUMS: usize, const A: usize, const B: usize>(&mut self) {
        let [rows, columns, depth] = self.product(SUMS, A, B);
        for row in 0..rows {
            for column in 0..columns {
                let mut parts = [0.0_f32; 2];
                for k in 0..depth {
                    let (a, b) = (halves(self.four(A, row, k)), halves(self.four(B, k, column)));
                    for (part, (a, b)) in parts.iter_mut().zip(a.into_iter().zip(b)) {
                        // The product has as many digits as an `f32`: only the sum is rounded.
                        *part = flushed(*part + a * b);
                    }
                }
                let before = flushed(f32::from_le_bytes(self.four(SUMS, row, column)));
                let sum = flushed(before + flushed(parts[0] + parts[1]));
                self.tiles[SUMS][row][column * 4..][..4].copy_from_slice(&sum.to_le_bytes());
            }
        }
    }

    unsafe fn release(&mut self) {
        *self = Self::new();
    }
}
