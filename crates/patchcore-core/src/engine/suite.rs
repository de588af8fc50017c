//! One suite for every engine, on every device that is there: each operation gives what its definition gives.
//!
//! `PATCHCORE_TEST_DEVICE` names further devices, comma separated. A faulty engine at the end shows that each operation is looked at.

use std::sync::Arc;

use patchcore_config::{
    Border, Distance, EmbeddingRule, Grid, Normalization, ProjectionRule, Smoothing, StartRule, Upsampling,
};
use patchcore_testing::{Golden, test_devices};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::faulty::Faulty;
use super::reduced_suite::{features_in_bf16, features_in_int8};
use super::{Embedded, EmbeddingSpec, Engine, Features, Index, MapSpec, Oracle, WholeModel, engine_of};
use crate::backbone::test_networks::{Blocks, lite0, values};
use crate::backbone::{Backbone, Level, LevelMap};
use crate::coreset::{RandomProjection, SelectionStopped, initial_distances, mean_distance_to};
use crate::device::{ComputeDevice, Instructions};
use crate::error::BackboneError;
use crate::image_input::ImageInput;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::Neighbor;
use crate::nearest_neighbor::oracle::all_by_distance;

/// A name, and what fails for an engine that computes something else.
type Check = (&'static str, fn(&dyn Engine));

/// What the suite holds an engine to.
const CHECKS: [Check; 14] = [
    ("features of a network of the catalogue", features_of_the_catalogue),
    ("features of an own network", features_of_an_own_network),
    ("features in int8", features_in_int8),
    ("features in bf16", features_in_bf16),
    ("nearest rows", nearest_rows),
    ("nearest rows of faiss", golden_neighbours_of_faiss),
    ("equal rows", equal_rows_go_to_the_lowest),
    ("k nearest rows", k_nearest_rows),
    ("projection", projection),
    ("selection", selection),
    ("selections of the published codes", golden_selections),
    ("maps", maps),
    ("maps of the published codes", golden_maps),
    ("whole photos", whole_photos),
];

/// The oracle, the CPU's kernels with every set of instructions that is there, and every device that is named.
fn engines() -> Vec<(String, Arc<dyn Engine>)> {
    let mut engines: Vec<(String, Arc<dyn Engine>)> = vec![("oracle".to_owned(), Arc::new(Oracle))];
    #[cfg(feature = "cpu")]
    for instructions in Instructions::available() {
        let device = ComputeDevice::cpu().with_instructions(instructions).unwrap();
        engines.push((format!("cpu, {}", instructions.name()), engine_of(&device)));
    }
    let burn = ["flex:tensors"].map(str::to_owned).to_vec();
    let named = test_devices().unwrap_or(if cfg!(feature = "flex") { burn } else { Vec::new() });
    for name in named.into_iter().filter(|name| cfg!(feature = "burn") || name == "cpu") {
        engines.push((name.clone(), engine_of(&ComputeDevice::from_name(&name).unwrap())));
    }
    engines
}

#[test]
fn every_engine_gives_what_the_definitions_give() {
    for (name, engine) in engines() {
        for (check, run) in CHECKS {
            println!("{name}: {check}");
            run(engine.as_ref());
        }
    }
}

/// Within a share of the largest expected value: sums in another order.
fn assert_close(found: &[f32], expected: &[f32], share: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let allowed = share * expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= allowed, "{what} {index}: {found} {expected} (allowed {allowed})");
    }
}

/// Both rules, over both levels and one alone, in patches of three sizes.
fn specs() -> Vec<EmbeddingSpec> {
    let pool = |pretrain_embed_dimension, target_embed_dimension| EmbeddingRule::AdaptivePool {
        pretrain_embed_dimension,
        target_embed_dimension,
    };
    let of = |levels: &[usize], rule, patch_size| EmbeddingSpec { levels: levels.to_vec(), grid: 0, rule, patch_size };
    // The first level averaged onto the second one's grid.
    let pooled = |rule| EmbeddingSpec { levels: vec![0, 1], grid: 1, rule, patch_size: 3 };
    vec![
        of(&[0, 1], pool(24, 24), 3),
        of(&[0, 1], EmbeddingRule::Concatenate, 3),
        of(&[1], EmbeddingRule::Concatenate, 1),
        of(&[0, 1], pool(30, 17), 5),
        pooled(EmbeddingRule::Concatenate),
        pooled(pool(24, 15)),
    ]
}

/// Rows and grid per photo and embedding.
fn embedded(features: &dyn Features, images: &[ImageInput<'_>]) -> Vec<(usize, usize, Grid, Vec<f32>)> {
    let mut found = Vec::new();
    let mut note = |Embedded { image, embedding, rows, grid }: Embedded<'_>| {
        found.push((image, embedding, grid, rows.to_vec()));
    };
    features.embed(images, &mut note).unwrap();
    found
}

/// Colour and grey photos of one size, several at once, one network with several embeddings.
fn features_are_the_oracles(engine: &dyn Engine, backbone: &Arc<dyn Backbone>, tolerance: f32) {
    let normalization = Normalization { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
    let (height, width) = (35, 46);
    let pixels: Vec<f32> = values(3 * height * width, 9).iter().map(|value| 0.5 + 0.5 * value).collect();
    let of = |from: usize, planes: usize| ImageInput {
        width,
        height,
        pixels: &pixels[from..from + planes * height * width],
    };
    let features = engine.features(backbone, &normalization, &specs()).unwrap();
    let expected = Oracle.features(backbone, &normalization, &specs()).unwrap();
    for images in [vec![of(0, 3)], vec![of(0, 1), of(7, 1)], vec![of(5, 1), of(0, 3)]] {
        let (found, expected) = (embedded(features.as_ref(), &images), embedded(expected.as_ref(), &images));
        assert_eq!(found.len(), images.len() * specs().len());
        for (found, expected) in found.iter().zip(&expected) {
            let what = format!("{}: photo {}, embedding {}", engine.name(), expected.0, expected.1);
            assert_eq!((found.0, found.1, found.2), (expected.0, expected.1, expected.2), "{what}");
            assert_close(&found.3, &expected.3, tolerance, &what);
        }
    }
}

fn features_of_the_catalogue(engine: &dyn Engine) {
    features_are_the_oracles(engine, &lite0(), 1e-4);
}

fn features_of_an_own_network(engine: &dyn Engine) {
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    features_are_the_oracles(engine, &blocks, 1e-5);
}

fn bank(rows: &[f32], dim: usize) -> MemoryBank {
    MemoryBank::from_rows(dim, rows.to_vec()).unwrap()
}

fn nearest(index: &dyn Index, queries: &[f32]) -> Vec<Neighbor> {
    let mut found = vec![Neighbor::NONE; 3];
    index.nearest(queries, &mut found).unwrap();
    found
}

/// The neighbour's distance is right, and no row is nearer by more than rounding.
fn assert_nearest(found: Neighbor, query: &[f32], rows: &[f32], what: &str) {
    let all = all_by_distance(query, rows);
    let scale = query.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() + all[0].1;
    let own = all.iter().find(|(row, _)| *row == found.row).unwrap().1;
    // Squares below the smallest normal number lose their digits.
    let rounding = 1e-5 * scale + f64::from(f32::MIN_POSITIVE);
    assert!(own <= all[0].1 + rounding, "{what}: row {} at {own}, nearest {:?}", found.row, all[0]);
    assert!((f64::from(found.squared_distance) - own).abs() <= 1e-5 * own + 1e-30, "{what}: {found:?} {own}");
}

fn nearest_rows(engine: &dyn Engine) {
    let cases = (1usize..300, 1usize..40, 1usize..12, prop::sample::select(vec![1e-3f32, 1.0, 1e6]), any::<u64>());
    let mut runner = TestRunner::new(Config::with_cases(16));
    let result = runner.run(&cases, |(m, dim, n, scale, seed)| {
        let scaled = |count, seed| values(count, seed).iter().map(|value| value * scale).collect::<Vec<f32>>();
        let (rows, queries) = (scaled(m * dim, seed), scaled(n * dim, seed ^ 1));
        let index = engine.index(&bank(&rows, dim)).unwrap();
        let found = nearest(index.as_ref(), &queries);
        prop_assert_eq!(found.len(), n);
        for (query, found) in queries.chunks(dim).zip(found) {
            assert_nearest(found, query, &rows, engine.name());
        }
        Ok(())
    });
    result.unwrap();
    // A query that is a row is at distance 0, in whatever chunk of the bank it lies.
    let rows = values(9_000 * 8, 4);
    let index = engine.index(&bank(&rows, 8)).unwrap();
    for found in nearest(index.as_ref(), &rows[8 * 8_400..8 * 8_420]) {
        // Another row may be as near as the expansion's rounding.
        assert!(found.squared_distance < 1e-6, "{}: {found:?}", engine.name());
    }
}

fn golden_neighbours_of_faiss(engine: &dyn Engine) {
    let Some(golden) = Golden::open("bank") else { return };
    let index = engine.index(&bank(&golden.f32("bank"), 1024)).unwrap();
    for name in ["normal", "defect"] {
        let file = Golden::open(name).unwrap();
        let (rows, cells) = (file.f32("embedding_rows"), file.indices("rows"));
        let (distances, indices) = (file.f32("knn_d2_faiss"), file.indices("knn_idx_faiss"));
        for (cell, found) in cells.iter().zip(nearest(index.as_ref(), &rows)) {
            assert_eq!(found.row as usize, indices[cell * 3], "{}: {name} {cell}", engine.name());
            assert!((found.squared_distance - distances[cell * 3]).abs() < 1e-3, "{}: {name} {cell}", engine.name());
        }
        for (cell, query) in cells.iter().zip(rows.chunks(1024)) {
            let mut found = Vec::new();
            index.k_nearest(query, 3, &mut found).unwrap();
            for (rank, found) in found.into_iter().enumerate() {
                assert_eq!(found.row as usize, indices[cell * 3 + rank], "{}: {name} {cell} {rank}", engine.name());
                assert!((found.squared_distance - distances[cell * 3 + rank]).abs() < 1e-3, "{}", engine.name());
            }
        }
    }
}

fn equal_rows_go_to_the_lowest(engine: &dyn Engine) {
    // 700 copies of 3 rows: every split of the bank holds all three.
    let rows: Vec<f32> = (0..2_100).flat_map(|row| [(row % 3) as f32, 1.0, 0.0, 2.0]).collect();
    let index = engine.index(&bank(&rows, 4)).unwrap();
    let queries: Vec<f32> = [2.0f32, 0.0, 1.0].iter().flat_map(|value| [*value, 1.0, 0.0, 2.0]).collect();
    let found = nearest(index.as_ref(), &queries);
    let found: Vec<(u32, f32)> = found.iter().map(|found| (found.row, found.squared_distance)).collect();
    assert_eq!(found, [(2, 0.0), (0, 0.0), (1, 0.0)], "{}", engine.name());
    let mut found = Vec::new();
    index.k_nearest(&queries[..4], 3, &mut found).unwrap();
    assert_eq!(found.iter().map(|found| found.row).collect::<Vec<_>>(), [2, 5, 8], "{}", engine.name());
}

fn k_nearest_rows(engine: &dyn Engine) {
    let dim = 24;
    let (rows, query) = (values(150 * dim, 31), values(dim, 32));
    let index = engine.index(&bank(&rows, dim)).unwrap();
    let expected = all_by_distance(&query, &rows);
    for k in [1, 9, 150, 200] {
        let mut found = vec![Neighbor::NONE; 2];
        index.k_nearest(&query, k, &mut found).unwrap();
        assert_eq!(found.len(), k.min(150), "{}", engine.name());
        for (found, (row, squared)) in found.iter().zip(&expected) {
            assert_eq!(found.row, *row, "{}", engine.name());
            assert!((f64::from(found.squared_distance) - squared).abs() <= 1e-5 * squared, "{}", engine.name());
        }
    }
}

fn projection(engine: &dyn Engine) {
    let (n, dim) = (70, 384);
    let rows = values(n * dim, 21);
    for rule in [ProjectionRule::Dense(128), ProjectionRule::Sparse { eps: 0.9 }] {
        let projection = RandomProjection::new(rule, dim, 40 * 784, 7).unwrap();
        let found = engine.project(&projection, &rows).unwrap();
        let expected = Oracle.project(&projection, &rows).unwrap();
        assert_eq!(found.len(), n * projection.projected_dim());
        assert_close(&found, &expected, 1e-5, engine.name());
    }
}

fn select(engine: &dyn Engine, features: &[f32], dim: usize, initial: &[f32], count: usize) -> Vec<usize> {
    engine.select(features, dim, initial, count, &mut |_| true).unwrap()
}

fn selection(engine: &dyn Engine) {
    // Coordinates on a coarse grid, and a zero mean, keep all arithmetic exact: ties are ties everywhere.
    let cases = (1usize..700, 1usize..9, 1usize..160, any::<u64>());
    let mut runner = TestRunner::new(Config::with_cases(8));
    let result = runner.run(&cases, |(n, dim, count, seed)| {
        let mut features: Vec<f32> = values(n * dim, seed).iter().map(|value| (value * 16.0).round()).collect();
        let negated: Vec<f32> = features.iter().map(|value| -value).collect();
        features.extend(negated);
        let initial = initial_distances(StartRule::RandomRow, &features, dim, seed);
        let expected = select(&Oracle, &features, dim, &initial, count);
        prop_assert_eq!(select(engine, &features, dim, &initial, count), expected);
        Ok(())
    });
    result.unwrap();
    // Duplicates are not picked twice; more rows than there are is all rows; a caller may stop.
    let same = vec![1.0; 1_500 * 4];
    let initial = initial_distances(StartRule::FarthestFromMean, &same, 4, 0);
    assert_eq!(select(engine, &same, 4, &initial, 1_300), (0..1_300).collect::<Vec<_>>(), "{}", engine.name());
    let mut all = select(engine, &[0.0, 3.0, 1.0], 1, &[1.0, 1.0, 1.0], 9);
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2], "{}", engine.name());
    let stopped = engine.select(&same, 4, &initial, 9, &mut |_| false);
    assert_eq!(stopped, Err(SelectionStopped::Cancelled), "{}", engine.name());
}

fn golden_selections(engine: &dyn Engine) {
    let Some(file) = Golden::open("greedy") else { return };
    let features = file.f32("features");
    // The authors' exact sampler.
    let initial = initial_distances(StartRule::FarthestFromMean, &features, 32, 0);
    for (found, expected) in initial.iter().zip(file.f32("exact_initial_anchor")) {
        assert!((found.sqrt() / expected - 1.0).abs() < 1e-5, "{found} {expected}");
    }
    assert_eq!(select(engine, &features, 32, &initial, 75), file.indices("exact_indices"), "{}", engine.name());
    // Their approximate one.
    let projected = file.f32("approx_projected");
    let initial = mean_distance_to(&file.indices("approx_start_points"), &projected, 128);
    for (found, expected) in initial.iter().zip(file.f32("approx_initial_anchor")) {
        // The published f32 expansion puts a start point at 7e-4 from itself, here it is at 0.
        assert!((found.sqrt() / expected - 1.0).abs() < 1e-4, "{found} {expected}");
    }
    assert_eq!(select(engine, &projected, 128, &initial, 100), file.indices("approx_indices"), "{}", engine.name());
    // anomalib's.
    let expected = file.indices("anomalib_indices_first_is_start");
    let mut initial = vec![f32::MAX; 300];
    initial[expected[0]] = f32::INFINITY;
    assert_eq!(select(engine, &features, 32, &initial, 75), expected, "{}", engine.name());
}

fn grow(engine: &dyn Engine, map: MapSpec, scores: &[f32]) -> Vec<f32> {
    let mut grown = vec![7.0; 3];
    engine.grower(map).unwrap().grow(scores, &mut grown).unwrap();
    grown
}

fn maps(engine: &dyn Engine) {
    let rules = (
        prop::sample::select(vec![Upsampling::Bilinear, Upsampling::Nearest]),
        prop::sample::select(vec![Border::ReflectEdgeRepeated, Border::ReflectEdgeOnce]),
        prop::sample::select(vec![
            Smoothing::None,
            Smoothing::Gaussian { sigma: 4.0 },
            Smoothing::Gaussian { sigma: 0.7 },
        ]),
    );
    let cases = (1usize..9, 1usize..9, 1usize..70, 1usize..70, rules, any::<u64>());
    let mut runner = TestRunner::new(Config::with_cases(24));
    let result = runner.run(&cases, |(rows, columns, height, width, (upsampling, border, smoothing), seed)| {
        let map = MapSpec { grid: Grid { rows, columns }, height, width, upsampling, smoothing, border };
        let scores: Vec<f32> = values(rows * columns, seed).iter().map(|value| value + 1.0).collect();
        let (found, expected) = (grow(engine, map, &scores), grow(&Oracle, map, &scores));
        assert_close(&found, &expected, 2e-5, engine.name());
        Ok(())
    });
    result.unwrap();
    // A constant stays one.
    for border in [Border::ReflectEdgeRepeated, Border::ReflectEdgeOnce] {
        let (upsampling, smoothing) = (Upsampling::Bilinear, Smoothing::Gaussian { sigma: 4.0 });
        let map = MapSpec { grid: Grid { rows: 3, columns: 1 }, height: 17, width: 1, upsampling, smoothing, border };
        let map = grow(engine, map, &[2.5; 3]);
        assert!(map.len() == 17 && map.iter().all(|value| (value - 2.5).abs() < 1e-5), "{}: {map:?}", engine.name());
    }
}

fn golden_maps(engine: &dyn Engine) {
    let grid = Grid { rows: 28, columns: 28 };
    for name in ["normal", "defect"] {
        let Some(file) = Golden::open(name) else { return };
        for (scores, expected, upsampling, border) in [
            ("patch_scores", "map_smoothed", Upsampling::Bilinear, Border::ReflectEdgeRepeated),
            ("anomalib_patch_scores", "anomalib_map", Upsampling::Nearest, Border::ReflectEdgeOnce),
        ] {
            let smoothing = Smoothing::Gaussian { sigma: 4.0 };
            let map = MapSpec { grid, height: 224, width: 224, upsampling, smoothing, border };
            let found = grow(engine, map, &file.f32(scores));
            for (found, wanted) in found.iter().zip(file.f32(expected)) {
                let close = (found - wanted).abs() <= 1e-5 * wanted.abs();
                assert!(close, "{}: {name} {expected}: {found} {wanted}", engine.name());
            }
        }
    }
}

/// What an engine does at once is what its steps give one by one.
fn whole_photos(engine: &dyn Engine) {
    let (height, width, dim) = (35, 46, 10);
    let backbone: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let spec = EmbeddingSpec { levels: vec![0, 1], grid: 0, rule: EmbeddingRule::Concatenate, patch_size: 3 };
    let features = engine.features(&backbone, &Normalization::IMAGENET, &[spec]).unwrap();
    let pixels: Vec<f32> = values(6 * height * width, 3).iter().map(|value| 0.5 + 0.5 * value).collect();
    let images: Vec<ImageInput<'_>> =
        pixels.chunks(3 * height * width).map(|pixels| ImageInput { width, height, pixels }).collect();
    let rows = embedded(features.as_ref(), &images);
    let noise = values(60 * dim, 5);
    let bank_rows: Vec<f32> =
        rows[0].3.iter().chain(&rows[1].3).zip(noise.iter().cycle()).map(|(row, noise)| row + 0.3 * noise).collect();
    let index = engine.index(&bank(&bank_rows, dim)).unwrap();
    let grid = rows[0].2;
    let (upsampling, smoothing, border) =
        (Upsampling::Bilinear, Smoothing::Gaussian { sigma: 4.0 }, Border::ReflectEdgeRepeated);
    let grower = engine.grower(MapSpec { grid, height, width, upsampling, smoothing, border }).unwrap();
    let model = WholeModel {
        features: features.as_ref(),
        index: index.as_ref(),
        grower: grower.as_ref(),
        distance: Distance::L2,
        neighborhood: 4,
    };
    let photos = engine.whole_photos(model, &images).unwrap();
    assert_eq!(photos.is_some(), engine.takes_whole_photos(), "{}", engine.name());
    let Some(photos) = photos else { return };
    assert_eq!(photos.len(), 2);
    for (photo, (_, _, grid, rows)) in photos.iter().zip(&rows) {
        let what = format!("{}: a whole photo", engine.name());
        assert_eq!(photo.grid, *grid, "{what}");
        let step = nearest(index.as_ref(), rows);
        let squared = |all: &[Neighbor]| all.iter().map(|found| found.squared_distance).collect::<Vec<_>>();
        assert_close(&squared(&photo.nearest), &squared(&step), 1e-5, &what);
        let scores: Vec<f32> = step.iter().map(|found| found.squared_distance.sqrt()).collect();
        let mut map = Vec::new();
        grower.grow(&scores, &mut map).unwrap();
        assert_close(&photo.map, &map, 1e-4, &what);
        let worst = (0..step.len()).fold(0, |worst, cell| {
            if step[cell].squared_distance > step[worst].squared_distance { cell } else { worst }
        });
        let mut around = Vec::new();
        let nearest_row = step[worst].row as usize;
        index.k_nearest(&bank_rows[nearest_row * dim..(nearest_row + 1) * dim], 4, &mut around).unwrap();
        let query = &rows[worst * dim..(worst + 1) * dim];
        let to_row = |found: &Neighbor| {
            let row = &bank_rows[found.row as usize * dim..(found.row as usize + 1) * dim];
            query.iter().zip(row).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
        };
        let expected: Vec<f32> = around.iter().map(to_row).collect();
        assert_close(&photo.to_neighborhood, &expected, 1e-4, &what);
    }
}

#[test]
fn a_network_without_the_level_asked_for_is_refused() {
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let spec = EmbeddingSpec { levels: vec![0, 2], grid: 0, rule: EmbeddingRule::Concatenate, patch_size: 3 };
    for (name, engine) in engines() {
        let refused = engine.features(&blocks, &Normalization::IMAGENET, std::slice::from_ref(&spec));
        let message = refused.err().unwrap_or_else(|| panic!("{name} took it")).to_string();
        assert_eq!(message, "the network blocks has no level `number 2`: it has fine, coarse");
    }
}

/// A network whose maps are not those of its levels.
#[derive(Debug)]
struct Cut(Blocks);

impl Backbone for Cut {
    fn name(&self) -> &str {
        "cut"
    }

    fn sha256(&self) -> &str {
        self.0.sha256()
    }

    fn levels(&self) -> &[Level] {
        self.0.levels()
    }

    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
        let mut maps = self.0.forward(planes, height, width)?;
        maps[1].width -= 1;
        Ok(maps)
    }
}

#[test]
fn a_map_of_another_size_than_its_levels_is_refused() {
    let cut: Arc<dyn Backbone> = Arc::new(Cut(Blocks::new()));
    let pixels = vec![0.5; 3 * 28 * 28];
    for (name, engine) in engines() {
        let features = engine.features(&cut, &Normalization::IMAGENET, &specs()).unwrap();
        let refused = features.embed(&[ImageInput { width: 28, height: 28, pixels: &pixels }], &mut |_| ());
        let message = refused.err().unwrap_or_else(|| panic!("{name} took it")).to_string();
        assert!(message.contains("gave a map of [5, 2, 1] for coarse: expected [5, 2, 2]"), "{name}: {message}");
    }
}

#[test]
#[cfg_attr(not(panic = "unwind"), ignore = "a panic ends the program")]
fn an_error_in_any_operation_fails_the_suite() {
    let fails = |operation: &'static str| {
        CHECKS.iter().any(|(_, run)| std::panic::catch_unwind(|| run(&Faulty(operation))).is_err())
    };
    for operation in ["features", "nearest", "k nearest", "project", "select", "grow"] {
        assert!(fails(operation), "an error in `{operation}` is not found");
    }
    assert!(!fails("nothing"), "without an error it is the oracle");
}
