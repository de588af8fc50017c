//! How many coordinates the first bound looks at, and whether most of them are bytes. A wrong choice costs time, never a result.

#![allow(clippy::indexing_slicing, reason = "images have `dims` coordinates each, and shapes fewer")]

use crate::lattice::{LENGTH, Shape};
use crate::simd::Level;

/// Coordinates of the coarse images that are tried.
const COORDINATES: [usize; 7] = [16, 24, 32, 48, 64, 96, 128];
/// The same where the processor multiplies bytes and all but [`WIDE`] of them are bytes.
const COORDINATES_IN_BYTES: [usize; 6] = [32, 48, 64, 96, 128, 160];
/// Coordinates of 16 bits before the bytes: of the axes that spread most, and the rest.
const WIDE: usize = 8;
/// What fits into a byte, in standard deviations along the axis that spreads most among theirs. The few coordinates beyond it are drawn
/// back, which lets more rows through; but the smaller the step, the fewer.
const FITTING: f64 = 2.0;
/// Bank rows that are searched for, once, to choose among them.
const PROBES: usize = 48;
/// What a row that passes the coarse bound costs, in places of the coarse scan.
const PASSED_COST: f64 = 5000.0;
/// Queries are not bank rows: this factor of the squared distance to the nearest one lets about as many rows through as theirs.
const UNSEEN: f64 = 1.2;

/// Searches for a few of the bank's fine `images` `[n, dims]`, whose first `axes` coordinates are those on the axes, among the others, to
/// see how many each shape lets through, and takes the shape that costs least.
pub(super) fn best_shape(images: &[i16], dims: usize, axes: usize, instructions: Level) -> Shape {
    let images: Vec<&[i16]> = images.chunks_exact(dims).collect();
    let count = images.len();
    let apart = |a: usize, b: usize, dims: usize| {
        let (a, b) = (&images[a][..dims], &images[b][..dims]);
        let product = |a, b| i64::from(instructions.product(a, b));
        product(a, a) + product(b, b) - 2 * product(a, b)
    };
    let length = length_with_bytes(&images, axes);
    let with_bytes = COORDINATES_IN_BYTES.into_iter().filter(|_| instructions.multiplies_bytes());
    let with_bytes = with_bytes.map(|all| Shape::new(WIDE, all - WIDE, length));
    let all = COORDINATES.into_iter().map(Shape::wide).chain(with_bytes);
    let usable: Vec<Shape> = all.filter(|shape| shape.coordinates() < dims).collect();
    let mut passed = vec![0usize; usable.len()];
    let mut compared = 0;
    // Of fewer rows than probes, each is one.
    for probe in (0..count).step_by((count / PROBES).max(1)) {
        let others = || (0..count).filter(|other| *other != probe);
        // A bank of one row has no others: nothing is compared, and each depth lets nothing through.
        let Some(nearest) = others().map(|other| apart(probe, other, dims)).min() else { break };
        for (shape, passed) in usable.iter().zip(&mut passed) {
            let coordinates = shape.coordinates();
            let errors = 2.0 * rounding(*shape);
            let reach = ((nearest as f64 * UNSEEN).sqrt() + errors).powi(2) as i64;
            *passed += others().step_by(4).filter(|other| apart(probe, *other, coordinates) <= reach).count();
        }
        compared += others().step_by(4).count();
    }
    let cost = |at: usize| usable[at].places() as f64 + PASSED_COST * passed[at] as f64 / compared.max(1) as f64;
    (0..usable.len()).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).map_or(Shape::wide(dims), |at| usable[at])
}

/// Steps of the longest row where coordinates on the axes behind [`WIDE`] fit into bytes.
fn length_with_bytes(images: &[&[i16]], axes: usize) -> f64 {
    let variance = |axis: usize| {
        let squares = images.iter().map(|image| f64::from(image[axis]).powi(2));
        squares.sum::<f64>() / images.len() as f64
    };
    let widest = (WIDE - 1..axes).map(variance).fold(0.0, f64::max).sqrt();
    // No axes, no spread: any step will do.
    (LENGTH * 127.0 / (FITTING * widest)).min(LENGTH)
}

/// How far rounding to a shape moves a vector, in steps of the fine images: a twelfth of a squared step a coordinate.
fn rounding(shape: Shape) -> f64 {
    (shape.coordinates() as f64 / 12.0).sqrt() * LENGTH / shape.length
}

#[cfg(test)]
mod tests {
    use super::{FITTING, WIDE, best_shape, length_with_bytes};
    use crate::simd::Level;

    /// Images of 127 coordinates that spread less and less, and one that stands for the rest.
    fn images(count: usize) -> Vec<i16> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1 << 23) as f64 - 1.0
        };
        (0..count * 128).map(|at| (next() * 6000.0 / (1.0 + (at % 128) as f64 / 2.0)) as i16).collect()
    }

    #[test]
    fn bytes_are_chosen_where_the_processor_multiplies_them() {
        let images = images(600);
        for level in Level::available() {
            let shape = best_shape(&images, 128, 127, level);
            assert_eq!(shape.bytes > 0, level.multiplies_bytes(), "{level:?}: {shape:?}");
            assert!(shape.coordinates() < 128);
        }
    }

    #[test]
    fn a_byte_reaches_as_far_as_it_says() {
        let images = images(600);
        let rows: Vec<&[i16]> = images.chunks_exact(128).collect();
        let length = length_with_bytes(&rows, 127);
        // A coordinate that spreads evenly has its most 3^0.5 standard deviations from the middle.
        let most = rows.iter().map(|row| row[WIDE - 1].unsigned_abs()).max().unwrap();
        let found = FITTING * f64::from(most) / 3f64.sqrt() * length / 8192.0;
        assert!((found / 127.0 - 1.0).abs() < 0.1, "{found}");
        assert_eq!(length_with_bytes(&rows, 3), 8192.0);
    }
}
