//! Every instruction set against the plain loops, on values that fill the allowed range.

use super::{PANEL, Panels, Shape, TILE};
use crate::simd::{LANES, Level};

/// Pseudo-random numbers below `2^15`, the high bits of a linear congruential generator.
fn numbers(seed: u64, count: usize) -> Vec<i32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 49) as i32
    };
    (0..count).map(|_| next()).collect()
}

fn coordinates(seed: u64, count: usize) -> Vec<i16> {
    numbers(seed, count).into_iter().map(|value| ((value - 16_384) / 16) as i16).collect()
}

#[test]
fn panel_kernels_agree() {
    for (dims, tiles) in [(2, 1), (6, 2), (64, 1), (130, 3)] {
        let panels = Panels::pack(&coordinates(1, PANEL * dims), dims, dims);
        let queries = coordinates(2, tiles * TILE * dims);
        let norms = numbers(3, PANEL);
        let limits = numbers(4, tiles * TILE);
        let stride = PANEL + 7;
        let run = |set: Level| {
            let mut all = vec![0; tiles * TILE * stride];
            set.distances(panels.panel(0), &norms, &queries, dims, &mut all, stride);
            let mut one = vec![0; PANEL];
            set.distances_to_one(panels.panel(0), &norms, &queries[..dims], dims, &mut one);
            assert_eq!(one, all[..PANEL]);
            let mut masks = vec![0; tiles * TILE];
            set.closer(panels.panel(0), &norms, &queries, &limits, dims, &mut masks);
            let mut few = Vec::new();
            set.not_above(&all[..stride], -1000, 5, &mut few);
            let halves = |squared: &[i32]| -> Vec<i32> { squared.iter().map(|squared| squared >> 1).collect() };
            let mut bounds = vec![0; tiles * TILE * stride];
            let mut least = vec![i32::MAX; tiles * TILE * LANES];
            let (rows, others) = (halves(&norms), halves(&limits));
            set.bounds(panels.panel(0), &rows, &queries, &others, Shape::wide(dims), &mut bounds, stride, &mut least);
            let product = set.product(&queries[..dims], &queries[dims..2 * dims]);
            (all, masks, few, product, bounds, least)
        };
        let expected = run(Level::Portable);
        for set in Level::available() {
            assert_eq!(run(set), expected, "{set:?}");
        }
    }
}

#[test]
fn bounds_are_below_half_the_distances_and_short_ones_say_the_same() {
    let dims = 10;
    let panels = Panels::pack(&coordinates(7, PANEL * dims), dims, dims);
    let queries = coordinates(8, TILE * dims);
    let squared = |values: &[i16]| -> Vec<i32> {
        values.chunks_exact(dims).map(|row| row.iter().map(|value| i32::from(*value).pow(2)).sum()).collect()
    };
    let (norms, query_norms) = (squared(&coordinates(7, PANEL * dims)), squared(&queries));
    let halves = |squared: &[i32]| -> Vec<i32> { squared.iter().map(|squared| squared >> 1).collect() };
    let (mut bounds, mut least) = (vec![0; TILE * PANEL], vec![i32::MAX; TILE * LANES]);
    let (rows, others) = (halves(&norms), halves(&query_norms));
    Level::Portable.bounds(
        panels.panel(0),
        &rows,
        &queries,
        &others,
        Shape::wide(dims),
        &mut bounds,
        PANEL,
        &mut least,
    );
    let mut distances = vec![0; TILE * PANEL];
    Level::Portable.distances(panels.panel(0), &norms, &queries, dims, &mut distances, PANEL);
    for query in 0..TILE {
        let distances: Vec<i32> =
            distances[query * PANEL..][..PANEL].iter().map(|less| less + query_norms[query]).collect();
        let bounds = &bounds[query * PANEL..][..PANEL];
        let least = *least[query * LANES..][..LANES].iter().min().unwrap();
        let nearest = *distances.iter().min().unwrap();
        assert!(2 * least <= nearest && nearest <= 2 * least + 2);
        for (distance, bound) in distances.iter().zip(bounds) {
            // What is at most that far passes, and nothing much farther does.
            assert!(*bound <= Shape::wide(dims).short_reach(*distance));
            assert!(*bound > Shape::wide(dims).short_reach(distance - 2 * 4096 - 3));
        }
    }
}

/// An image's coordinates: those of 16 bits in the ball of the longest row, bytes of every value.
fn image(shape: Shape, seed: u64, bytes: std::ops::RangeInclusive<i32>) -> Vec<i16> {
    let (least, values) = (bytes.start(), bytes.end() - bytes.start() + 1);
    let wide = numbers(seed, shape.wide).into_iter().map(|value| (value % 401 - 200) as i16);
    wide.chain(numbers(seed + 1, shape.bytes).into_iter().map(|value| (least + value % values) as i16)).collect()
}

#[test]
fn bounds_of_images_with_bytes_are_those_of_their_coordinates() {
    for (wide, bytes, length) in [(2, 4, 200.0), (8, 24, 300.0), (16, 112, 700.0), (8, 0, 900.0)] {
        let shape = Shape::new(wide, bytes, length);
        let rows: Vec<Vec<i16>> = (0..PANEL).map(|row| image(shape, row as u64, -127..=127)).collect();
        let queries: Vec<Vec<i16>> = (0..2 * TILE).map(|query| image(shape, 99 + query as u64, -128..=127)).collect();
        let squared = |values: &[i16]| -> i32 { values.iter().map(|value| i32::from(*value).pow(2)).sum() };
        let places = |coordinates: &[i16]| -> Vec<i16> {
            let mut places = coordinates[..wide].to_vec();
            places.resize(shape.places(), 0);
            Shape::pack(&coordinates[wide..], &mut places[wide..]);
            places
        };
        let row_places: Vec<i16> = rows.iter().flat_map(|row| places(row)).collect();
        let panels = Panels::pack(&row_places, shape.places(), shape.places());
        let images = row_places.chunks_exact(shape.places());
        let norms: Vec<i32> =
            rows.iter().zip(images).map(|(row, image)| squared(row) + 2 * shape.surplus(image)).collect();
        let halves: Vec<i32> = norms.iter().map(|norm| norm >> 1).collect();
        let mut query_places = Vec::new();
        for query in &queries {
            let mut image = places(query);
            shape.to_query(&mut image);
            query_places.extend(image);
        }
        let query_halves: Vec<i32> = queries.iter().map(|query| squared(query) >> 1).collect();
        for set in Level::available() {
            let (mut bounds, mut least) = (vec![0; 2 * TILE * PANEL], vec![i32::MAX; 2 * TILE * LANES]);
            let panel = panels.panel(0);
            set.bounds(panel, &halves, &query_places, &query_halves, shape, &mut bounds, PANEL, &mut least);
            for (at, query) in queries.iter().enumerate() {
                let mut one = vec![0; PANEL];
                let query_image = &query_places[at * shape.places()..][..shape.places()];
                set.distances_to_one(panel, &norms, query_image, wide, &mut one);
                let product =
                    |row: &[i16]| -> i32 { row.iter().zip(query).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum() };
                let distances: Vec<i32> = rows.iter().map(|row| squared(row) - 2 * product(row)).collect();
                assert_eq!(one, distances, "{set:?}, {shape:?}");
                let exact: Vec<i32> =
                    rows.iter().map(|row| (squared(row) >> 1) + (squared(query) >> 1) - product(row)).collect();
                let found = &bounds[at * PANEL..][..PANEL];
                assert!(
                    exact.iter().zip(found).all(|(exact, found)| *found == shape.short_reach(2 * exact)),
                    "{set:?}"
                );
                let least = least[at * LANES..][..LANES].iter().min();
                assert_eq!(least, exact.iter().min(), "{set:?}");
            }
        }
    }
}

#[test]
fn rows_are_listed_alike_in_every_set() {
    let values: Vec<i16> = coordinates(9, 5 * PANEL);
    let (images, norms) = (coordinates(10, 130 * 200), numbers(11, 200));
    let (query, rows) = (coordinates(12, 130), (0..200).step_by(3).collect::<Vec<u32>>());
    let bytes: Vec<i8> = coordinates(13, 130).iter().map(|value| (value >> 3) as i8).collect();
    for limit in [i16::MIN, -300, 0, 400, i16::MAX] {
        let run = |set: Level| {
            let mut found = vec![u32::MAX; values.len()];
            let count = set.shorts_not_above(&values, limit, 7, &mut found);
            let mut near = vec![(1, 2)];
            set.near_images(&images, &norms, &query, &rows, i32::from(limit) * 10, &mut near);
            (found[..count].to_vec(), set.first_not_above(&values, limit), near, set.product_of_bytes(&query, &bytes))
        };
        let expected = run(Level::Portable);
        let plain: Vec<u32> =
            values.iter().zip(7..).filter(|(value, _)| **value <= limit).map(|(_, row)| row).collect();
        assert_eq!((expected.0.first().map(|row| *row as usize - 7), &expected.0), (expected.1, &plain));
        for set in Level::available() {
            assert_eq!(run(set), expected, "{set:?}");
        }
    }
}

#[test]
fn copies_and_bytes_round_alike_and_know_what_they_have_changed() {
    for length in [1, 16, 33, 200] {
        let row: Vec<f32> = numbers(14, length).iter().map(|value| *value as f32 / 99.0).collect();
        let centre: Vec<f32> = numbers(15, length).iter().map(|value| *value as f32 / 111.0).collect();
        for set in Level::available() {
            let (mut copy, mut bytes) = (vec![0; length], vec![0; length]);
            let (squared, change) = set.copy(&row, &centre, 3.7, &mut copy);
            let exact: Vec<f64> = row.iter().zip(&centre).map(|(x, c)| (f64::from(*x) - f64::from(*c)) * 3.7).collect();
            let changes = exact.iter().zip(&copy).map(|(x, i)| (x - f64::from(*i)).powi(2)).sum::<f64>();
            let lengths = exact.iter().map(|x| x * x).sum::<f64>();
            assert!((change - changes).abs() <= 1e-9 && (squared - lengths).abs() <= lengths * 1e-12, "{set:?}");
            assert!(exact.iter().zip(&copy).all(|(x, i)| (x - f64::from(*i)).abs() <= 0.5));
            let step = 13.5;
            let (change, own) = set.to_bytes(&copy, step, &mut bytes);
            let left = copy.iter().zip(&bytes).map(|(i, byte)| (f32::from(*i) - f32::from(*byte) * step).powi(2));
            assert!((change - f64::from(left.sum::<f32>())).abs() <= 1e-3 * change + 1e-3, "{set:?}");
            assert_eq!(own, bytes.iter().map(|byte| i32::from(*byte).pow(2)).sum::<i32>());
        }
    }
}

#[test]
fn distances_agree_to_the_last_bit_and_stop_only_above_the_limit() {
    for length in [0, 1, 15, 16, 17, 255, 256, 257, 384, 1000, 1024] {
        let values = |seed| -> Vec<f32> { numbers(seed, length).iter().map(|v| *v as f32 / 777.0).collect() };
        let (a, b) = (values(5), values(6));
        let expected = Level::Portable.squared_distance(&a, &b, f64::INFINITY);
        let sum: f64 = a.iter().zip(&b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        assert!((expected - sum).abs() <= sum * 1e-13);
        for set in Level::available() {
            assert_eq!(set.squared_distance(&a, &b, f64::INFINITY).to_bits(), expected.to_bits(), "{set:?}");
            assert_eq!(set.squared_distance(&a, &b, expected).to_bits(), expected.to_bits(), "{set:?}");
            let limit = expected * 0.3;
            assert!(length == 0 || set.squared_distance(&a, &b, limit) > limit);
        }
    }
}
