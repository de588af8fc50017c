//! A matrix unit is held against plain loops before anything relies on it.

#![allow(clippy::indexing_slicing, reason = "positions inside the matrices")]

use super::product::{OUTPUTS, PIXELS, Product, Sums};
use super::tiles::{ROW_BYTES, Shapes, TILE_BYTES, Tiles};

/// Tiles that are summed over.
const STEPS: usize = 3;

/// Bytes of a pixel.
const PIXEL: usize = STEPS * ROW_BYTES;

/// A number for each place: it makes the bytes of a matrix.
type Places = fn(usize) -> u8;

/// Whether products of bytes and of `bf16` are those of plain loops: of the largest numbers, of both signs, in all tile registers.
///
/// # Safety
/// That of [`Tiles`].
pub(super) unsafe fn is_right(tiles: &mut impl Tiles) -> bool {
    // The extremes of both kinds of bytes, whose sums are the largest that there are, and mixed ones.
    let bytes: [(Places, Places); 3] =
        [(|_| 255, |_| 0x80), (|_| 255, |_| 0x7f), (|at| (at * 37 % 251) as u8, |at| (at * at % 253) as u8)];
    // Whole numbers, whose sums are exact in every order: the upper half of an `f32`.
    let upper = |value: usize, least: f32| ((value as f32 + least).to_bits() >> 16) as u16;
    let half = |at: usize, value: u16| value.to_le_bytes()[at % 2];
    let pixel = |at: usize| half(at, upper(at / 2 * 29 % 113, -56.0));
    let weight = |at: usize| half(at, upper(at / 2 * 31 % 97, -48.0));
    // What sums begin with.
    let integer = |at: usize| at as i32 * 1_000_003 - 16_000_000;
    let float = |at: usize| (at as f32 * 3.0 - 50.0).to_bits().cast_signed();
    // SAFETY: the caller's contract; all matrices are as large as the product says.
    unsafe {
        tiles.configure(&Shapes::FULL);
        let right = bytes.iter().all(|(pixel, weight)| is_exact::<u8>(tiles, pixel, weight, &integer))
            && is_exact::<u16>(tiles, &pixel, &weight, &float);
        tiles.release();
        right
    }
}

unsafe fn is_exact<E>(
    tiles: &mut impl Tiles,
    pixel: &dyn Fn(usize) -> u8,
    weight: &dyn Fn(usize) -> u8,
    start: &dyn Fn(usize) -> i32,
) -> bool {
    let pixels: [u8; PIXELS * PIXEL] = std::array::from_fn(pixel);
    let weights: [u8; 2 * STEPS * TILE_BYTES] = std::array::from_fn(weight);
    let steps: [usize; STEPS] = std::array::from_fn(|step| step * ROW_BYTES);
    let start: [[i32; OUTPUTS]; 2] =
        std::array::from_fn(|block| std::array::from_fn(|output| start(block * OUTPUTS + output)));
    let product = Product {
        pixels: pixels.as_ptr(),
        stride: PIXEL,
        steps: &steps,
        weights: weights.as_ptr(),
        panel: STEPS * TILE_BYTES,
        start: start.as_ptr().cast(),
        start_panel: ROW_BYTES,
    };
    let mut found: Sums = [[[i32::MIN; OUTPUTS]; PIXELS]; 2];
    // SAFETY: the caller's contract; the arrays are as large as the product says.
    unsafe { product.multiply::<_, E, 2, 2>(tiles, &mut found) };
    let mut expected: Sums = [[[0; OUTPUTS]; PIXELS]; 2];
    for (block, sums) in expected.iter_mut().enumerate() {
        for (pixel, sums) in sums.iter_mut().enumerate() {
            for (output, sum) in sums.iter_mut().enumerate() {
                let pixel = &pixels[pixel * PIXEL..][..PIXEL];
                // What meets byte `at` of a pixel: groups of four bytes, then outputs, then the bytes of a group.
                let weight = |at: usize| {
                    let (step, at) = (at / ROW_BYTES, at % ROW_BYTES);
                    weights[(block * STEPS + step) * TILE_BYTES + at / 4 * ROW_BYTES + output * 4 + at % 4]
                };
                let start = start[block][output];
                *sum = if size_of::<E>() == 1 {
                    start + sum_of_bytes(pixel, weight)
                } else {
                    (f32::from_bits(start.cast_unsigned()) + sum_of_halves(pixel, weight)).to_bits().cast_signed()
                };
            }
        }
    }
    found == expected
}

fn sum_of_bytes(pixel: &[u8], weight: impl Fn(usize) -> u8) -> i32 {
    pixel.iter().enumerate().map(|(at, value)| i32::from(*value) * i32::from(weight(at) as i8)).sum()
}

fn sum_of_halves(pixel: &[u8], weight: impl Fn(usize) -> u8) -> f32 {
    let wide = |low: u8, high: u8| f32::from_bits(u32::from_le_bytes([0, 0, low, high]));
    let product = |(at, pair): (usize, &[u8])| wide(pair[0], pair[1]) * wide(weight(2 * at), weight(2 * at + 1));
    pixel.chunks_exact(2).enumerate().map(product).sum()
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::super::tiles::TILE_ROWS;
    use super::*;

    #[test]
    fn the_model_passes() {
        // SAFETY: plain Rust.
        assert!(unsafe { is_right(&mut Model::new()) });
    }

    /// A unit that is wrong in one place.
    struct Wrong {
        inner: Model,
        /// Forgets the products of one register; else takes the operands the other way round.
        forgets: bool,
        /// Of bytes; else of `bf16`.
        bytes: bool,
    }

    #[allow(clippy::undocumented_unsafe_blocks, reason = "the model's contract is the caller's")]
    impl Tiles for Wrong {
        unsafe fn configure(&mut self, shapes: &Shapes) {
            unsafe { self.inner.configure(shapes) }
        }
        unsafe fn load<const TILE: usize>(&mut self, from: *const u8, stride: usize) {
            unsafe { self.inner.load::<TILE>(from, stride) }
        }
        unsafe fn store<const TILE: usize>(&mut self, to: *mut u8, stride: usize) {
            unsafe { self.inner.store::<TILE>(to, stride) }
        }
        unsafe fn add_bytes<const SUMS: usize, const A: usize, const B: usize>(&mut self) {
            match (self.bytes, self.forgets, SUMS) {
                (true, true, 3) => (),
                (true, false, _) => unsafe { self.inner.add_bytes::<SUMS, B, A>() },
                _ => unsafe { self.inner.add_bytes::<SUMS, A, B>() },
            }
        }
        unsafe fn add_halves<const SUMS: usize, const A: usize, const B: usize>(&mut self) {
            match (self.bytes, self.forgets, SUMS) {
                (false, true, 3) => (),
                (false, false, _) => unsafe { self.inner.add_halves::<SUMS, B, A>() },
                _ => unsafe { self.inner.add_halves::<SUMS, A, B>() },
            }
        }
        unsafe fn release(&mut self) {
            unsafe { self.inner.release() }
        }
    }

    #[test]
    fn a_unit_that_is_wrong_does_not_pass() {
        for (forgets, bytes) in [(true, true), (true, false), (false, true), (false, false)] {
            // SAFETY: plain Rust.
            assert!(!unsafe { is_right(&mut Wrong { inner: Model::new(), forgets, bytes }) }, "{forgets}, {bytes}");
        }
    }

    /// The trial's own products have all rows and columns; these have one tile of either.
    #[test]
    fn one_tile_of_pixels_or_outputs_is_a_part_of_two() {
        let pixels: [u8; PIXELS * ROW_BYTES] = std::array::from_fn(|at| (at * 89 % 256) as u8);
        let weights: [u8; 2 * TILE_BYTES] = std::array::from_fn(|at| (at * 57 % 256) as u8);
        let start = [[3; OUTPUTS]; 2];
        let product = Product {
            pixels: pixels.as_ptr(),
            stride: ROW_BYTES,
            steps: &[0],
            weights: weights.as_ptr(),
            panel: TILE_BYTES,
            start: start.as_ptr().cast(),
            start_panel: ROW_BYTES,
        };
        let mut tiles = Model::new();
        let mut sums = [[[[7; OUTPUTS]; PIXELS]; 2]; 4];
        // SAFETY: plain Rust; the arrays are as large as the product says.
        unsafe {
            tiles.configure(&Shapes::FULL);
            product.multiply::<_, u8, 2, 2>(&mut tiles, &mut sums[0]);
            product.multiply::<_, u8, 1, 2>(&mut tiles, &mut sums[1]);
            product.multiply::<_, u8, 2, 1>(&mut tiles, &mut sums[2]);
            product.multiply::<_, u8, 1, 1>(&mut tiles, &mut sums[3]);
        }
        for (part, (rows, columns)) in [(2, 2), (1, 2), (2, 1), (1, 1)].into_iter().enumerate() {
            for (column, all) in sums[0].iter().enumerate() {
                for (pixel, all) in all.iter().enumerate() {
                    let there = column < columns && pixel < rows * TILE_ROWS;
                    let expected = if there { *all } else { [7; OUTPUTS] };
                    assert_eq!(sums[part][column][pixel], expected, "part {part}, block {column}, pixel {pixel}");
                }
            }
        }
    }

    /// What stops a program on the real unit stops it on the model.
    #[test]
    #[should_panic(expected = "what is summed over")]
    fn shapes_that_do_not_fit_stop_the_model() {
        let mut tiles = Model::new();
        let mut shapes = [(16, 64); 8];
        shapes[6] = (15, 64);
        // SAFETY: plain Rust.
        unsafe {
            tiles.configure(&Shapes::of(shapes));
            tiles.add_bytes::<0, 4, 6>();
        }
    }
}
