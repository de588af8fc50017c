//! What the integer image of a vector is made of.

use super::bound::LENGTH;

/// An image: `wide` coordinates of 16 bits, then `bytes` of 8 bits, two of them in the place of one.
///
/// A row's bytes have a sign; a query's have none and are 128 more than they stand for. That is what the instructions multiply
/// (`vpdpbusd`): four products a lane where coordinates of 16 bits have two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    /// Coordinates of 16 bits, an even number.
    pub(crate) wide: usize,
    /// Coordinates of 8 bits, a multiple of four.
    pub(crate) bytes: usize,
    /// Steps in the length of the longest row, at most [`LENGTH`].
    pub(crate) length: f64,
    /// Bits by which short bounds are smaller than half a squared distance: they fit into an `i16` up to twice the longest row.
    pub(super) shorter: i32,
}

/// The same of images whose longest row has [`LENGTH`] steps.
const SHORTER: i32 = 12;
/// What turns bytes with a sign into those without one, or back, in two of them at once.
const SIGNS: i16 = i16::from_le_bytes([0x80, 0x80]);

impl Shape {
    /// So many coordinates of 16 bits and of 8, of which the longest row has so many steps.
    pub(crate) fn new(wide: usize, bytes: usize, length: f64) -> Self {
        debug_assert!(wide.is_multiple_of(2) && bytes.is_multiple_of(4) && length <= LENGTH);
        let shorter = if length == LENGTH { SHORTER } else { (2.0 * length.log2() - 14.0).ceil().max(0.0) as i32 };
        Self { wide, bytes, length, shorter }
    }

    /// So many coordinates of 16 bits, no bytes.
    #[inline]
    pub(crate) fn wide(coordinates: usize) -> Self {
        Self { wide: coordinates, bytes: 0, length: LENGTH, shorter: SHORTER }
    }

    /// Whether it is [`Self::wide`]: a kernel compiled for that need not ask for bytes and knows by how much to shift.
    pub(super) fn is_wide(self) -> bool {
        self.bytes == 0 && self.shorter == SHORTER
    }

    /// All coordinates.
    pub(crate) fn coordinates(self) -> usize {
        self.wide + self.bytes
    }

    /// Places of 16 bits that an image takes.
    pub(crate) fn places(self) -> usize {
        self.wide + self.bytes / 2
    }

    /// The largest short bound (see [`Level::bounds`](crate::simd::Level::bounds)) of a squared distance of at most `reach`.
    pub(crate) fn short_reach(self, reach: i32) -> i16 {
        ((reach / 2) >> self.shorter).clamp(0, i32::from(i16::MAX)) as i16
    }

    /// Puts coordinates, which fit, into the places of bytes with a sign.
    pub(crate) fn pack(coordinates: &[i16], places: &mut [i16]) {
        for (place, pair) in places.iter_mut().zip(coordinates.chunks_exact(2)) {
            *place = pair.first().map_or(0, |low| low & 0xff) | pair.last().map_or(0, |high| high << 8);
        }
    }

    /// Makes a query's image of one whose bytes have a sign.
    pub(crate) fn to_query(self, image: &mut [i16]) {
        image.iter_mut().skip(self.wide).for_each(|pair| *pair ^= SIGNS);
    }

    /// By how much a query's image makes the products with a row's larger.
    pub(crate) fn surplus(self, row: &[i16]) -> i32 {
        let bytes = row.iter().skip(self.wide).flat_map(|pair| pair.to_le_bytes());
        128 * bytes.map(|byte| i32::from(byte as i8)).sum::<i32>()
    }
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, Shape};

    #[test]
    fn short_bounds_reach_to_twice_the_longest_row() {
        for length in [1.0, 90.0, 127.5, 128.0, 129.0, 600.0, 1024.0, 1025.0, 5000.0, LENGTH] {
            let shape = Shape::new(2, 4, length);
            let farthest = (4.0 * length * length) as i32;
            assert!((farthest / 2) >> shape.shorter <= 1 << 15, "{length}: too large");
            assert!(shape.shorter == 0 || (farthest / 2) >> shape.shorter >= (1 << 14) - 1, "{length}: too small");
            assert_eq!(shape.short_reach(farthest / 5), ((farthest / 5 / 2) >> shape.shorter) as i16);
            assert_eq!(shape.short_reach(-7), 0);
        }
        assert_eq!((Shape::wide(16).shorter, Shape::new(16, 4, LENGTH - 1e-6).shorter), (12, 12));
        assert!(
            Shape::wide(16).is_wide() && !Shape::new(16, 0, 100.0).is_wide() && !Shape::new(16, 4, LENGTH).is_wide()
        );
        assert_eq!(Shape::wide(16).short_reach(i32::MAX), i16::MAX);
    }

    #[test]
    fn bytes_lie_in_pairs_and_a_query_has_them_without_a_sign() {
        let shape = Shape::new(2, 4, 300.0);
        let mut image = [5000, -3, 0, 0];
        Shape::pack(&[-127, 127, -1, 0], &mut image[2..]);
        assert_eq!([image[2].to_le_bytes(), image[3].to_le_bytes()], [[0x81, 0x7f], [0xff, 0x00]]);
        assert_eq!((shape.places(), shape.coordinates(), shape.surplus(&image)), (4, 6, -128));
        shape.to_query(&mut image);
        assert_eq!(image[..2], [5000, -3]);
        assert_eq!([image[2].to_le_bytes(), image[3].to_le_bytes()], [[1, 255], [127, 128]]);
    }
}
