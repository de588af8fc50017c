//! Photos as they are, from end to end: maps in the photo's geometry, padding, regions of interest, tiles.

use patchcore::{
    Crop, Error, Mode, Model, Photo, PixelBuffer, PixelFormat, Region, Resize, Save, Settings, Size, Tiling,
};
use patchcore_core::nearest_neighbor::Neighbor;

/// A textured plate of any size with a spot of nine pixels a side around `spot`.
fn plate(width: u32, height: u32, seed: u32, spot: Option<(u32, u32)>) -> Photo {
    let mut data = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let noise = (x * 31 + y * 17 + seed * 7919).wrapping_mul(2_654_435_761) >> 28;
            let stripes = if (x / 6 + y / 11).is_multiple_of(2) { 90 } else { 120 };
            let spotted = spot.is_some_and(|(left, top)| x.abs_diff(left) < 5 && y.abs_diff(top) < 5);
            data.push(if spotted { 250 } else { (stripes + noise) as u8 });
        }
    }
    let stride = width as usize;
    Photo::from_buffer(&PixelBuffer { data: &data, width, height, stride, format: PixelFormat::Gray8 }).unwrap()
}

fn plates(width: u32, height: u32) -> Vec<Photo> {
    (0..4).map(|seed| plate(width, height, seed, None)).collect()
}

fn settings() -> Settings {
    Settings {
        resize: Some(Resize::Keep),
        coreset_sampling_ratio: Some(0.2),
        mode: patchcore::Mode::Paper,
        num_neighbors: Some(3),
        ..Settings::default()
    }
}

/// Column and row of the largest value.
fn peak(map: &patchcore::AnomalyMap) -> (f64, f64) {
    let best = (0..map.scores.len()).max_by(|a, b| map.scores[*a].total_cmp(&map.scores[*b])).unwrap();
    ((best % map.width) as f64, (best / map.width) as f64)
}

#[test]
fn the_map_lies_on_the_photo_whatever_the_view() {
    let spot = (90, 60);
    let crop = Crop::Center(Size { width: 64, height: 64 });
    let shrunk = Settings { resize: Some(Resize::Short(96)), ..settings() };
    let cases = [
        ("as it is", settings(), None),
        ("resized", shrunk.clone(), None),
        ("cropped", Settings { crop: Some(crop), ..shrunk.clone() }, Some((64.0 * 64.0) / (120.0 * 96.0))),
        ("padded", Settings { pad_to_stride: true, ..shrunk }, None),
    ];
    for (name, settings, share) in cases {
        let model = Model::fit(&settings, plates(150, 120)).unwrap();
        let score = model.score(&plate(150, 120, 9, Some(spot))).unwrap();
        let on_photo = score.on_photo();
        assert_eq!((on_photo.map.width, on_photo.map.height), (150, 120), "{name}");
        let (x, y) = peak(&on_photo.map);
        assert!((x - 90.0).abs() < 12.0 && (y - 60.0).abs() < 12.0, "{name}: {x} {y}");
        match (share, on_photo.seen) {
            (None, seen) => assert_eq!(seen, None, "{name}"),
            (Some(share), Some(seen)) => {
                let found = seen.iter().filter(|seen| **seen).count() as f64 / seen.len() as f64;
                assert!((found - share).abs() < 0.02, "{found} {share}");
                for (score, seen) in on_photo.map.scores.iter().zip(seen) {
                    assert!(seen || *score == 0.0);
                }
            }
            (Some(_), None) => panic!("the crop hides nothing"),
        }
    }
    // Where the input is the photo, the map is the map.
    let model = Model::fit(&settings(), plates(96, 64)).unwrap();
    let score = model.score(&plate(96, 64, 9, None)).unwrap();
    assert_eq!(score.on_photo().map, score.map);
}

#[test]
fn padding_drops_its_own_cells_and_scores_the_border() {
    // 83 = 80 + 3 becomes 96: 6 columns of padding on the left and 7 on the right; 70 becomes 80: 5 and 5.
    let settings = Settings { pad_to_stride: true, mode: Mode::Authors, num_neighbors: None, ..settings() };
    let model = Model::fit(&settings, plates(83, 70)).unwrap();
    let good = model.score(&plate(83, 70, 9, None)).unwrap();
    assert_eq!((good.map.width, good.map.height), (96, 80));
    assert_eq!((good.patches.rows, good.patches.columns), (10, 12));
    let inside = good.inside.as_ref().unwrap();
    assert_eq!(inside.iter().filter(|inside| **inside).count(), 83 * 70);
    for corner in [(2, 2), (80, 2), (2, 67), (80, 67)] {
        let bad = model.score(&plate(83, 70, 9, Some(corner))).unwrap();
        assert!(bad.score > 1.3 * good.score, "{corner:?}: {} {}", bad.score, good.score);
    }
    // 49 becomes 64: 7 columns on the left, 8 on the right, which are a cell of nothing but padding.
    let model = Model::fit(&settings, plates(49, 64)).unwrap();
    let score = model.score(&plate(49, 64, 9, None)).unwrap();
    let columns = score.patches.columns;
    let outside: Vec<usize> = (0..columns).filter(|column| score.patches.scores[*column] == 0.0).collect();
    assert_eq!((columns, outside), (8, vec![7]));
    assert!(model.core().bank().origins().unwrap().iter().all(|origin| origin.column < 7));
    assert_eq!(model.core().fitted_on().patches, 4 * 8 * 7);
}

#[test]
fn a_region_decides_fit_score_and_map_and_travels_with_the_model() {
    let size = Size { width: 96, height: 64 };
    let inside: Vec<bool> = (0..64 * 96).map(|pixel| pixel % 96 < 48).collect();
    let region = Region::from_pixels(size, &inside).unwrap();
    let whole = Model::fit(&settings(), plates(96, 64)).unwrap();
    let settings = Settings { region: Some(region), ..settings() };
    let model = Model::fit(&settings, plates(96, 64)).unwrap();
    assert!(model.core().bank().origins().unwrap().iter().all(|origin| origin.column < 6));
    assert_eq!(model.core().fitted_on().patches, 4 * 8 * 6);

    let good = model.score(&plate(96, 64, 9, None)).unwrap();
    let seen = model.score(&plate(96, 64, 9, Some((20, 30)))).unwrap();
    let hidden = model.score(&plate(96, 64, 9, Some((88, 30)))).unwrap();
    assert!(seen.score > 1.5 * good.score, "{} {}", seen.score, good.score);
    assert!(hidden.score < 1.1 * good.score, "{} {}", hidden.score, good.score);
    assert!(whole.score(&plate(96, 64, 9, Some((88, 30)))).unwrap().score > 1.5 * good.score);
    for score in [&good, &seen, &hidden] {
        let pairs = || score.map.scores.iter().zip(&inside);
        assert!(pairs().all(|(score, inside)| *inside == (*score != 0.0)));
        assert_eq!(score.on_photo().seen.as_ref(), Some(&inside));
        assert!(score.worst_at.0 < 48.0);
        assert!(score.nearest_good.image.is_some());
    }
    // Smoothing does not darken the region's border: good columns next to it score like those in the middle.
    let column = |x: usize| (0..64).map(|y| good.map.scores[y * 96 + x]).sum::<f32>() / 64.0;
    assert!(column(47) > 0.6 * column(24), "{} {}", column(47), column(24));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.patchcore");
    model.save(&path, Save::WithoutWeights).unwrap();
    let loaded = Model::load(&path).unwrap();
    assert_eq!(loaded.score(&plate(96, 64, 9, Some((20, 30)))).unwrap(), seen);

    let other = model.score(&plate(97, 64, 9, None)).unwrap_err().to_string();
    assert!(other.contains("97x64") && other.contains("96x64"), "{other}");
    let cells = model.core().score_within(
        patchcore_core::ImageInput { width: 96, height: 64, pixels: &vec![0.5; 3 * 96 * 64] },
        Some(&inside),
    );
    let cells = cells.unwrap();
    assert!(cells.nearest.iter().enumerate().all(|(cell, near)| (*near == Neighbor::NONE) == (cell % 12 >= 6)));
}

#[test]
fn everything_inside_is_the_whole_photo_bit_for_bit() {
    let size = Size { width: 96, height: 64 };
    let region = Some(Region::from_pixels(size, &[true; 96 * 64]).unwrap());
    let model = Model::fit(&settings(), plates(96, 64)).unwrap();
    let within = Model::fit(&Settings { region, ..settings() }, plates(96, 64)).unwrap();
    assert_eq!(model.core().bank(), within.core().bank());
    let photo = plate(96, 64, 9, Some((20, 30)));
    let (plain, within) = (model.score(&photo).unwrap(), within.score(&photo).unwrap());
    assert_eq!((plain.score, plain.map, plain.patches), (within.score, within.map, within.patches));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let refused = |settings: Settings, what: &str| {
        let error = Model::fit(&settings, plates(96, 64)).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
        assert!(matches!(error, Error::Config(_)), "{error}");
    };
    let crop = Some(Crop::Center(Size { width: 64, height: 64 }));
    refused(Settings { crop, pad_to_stride: true, ..settings() }, "pad");
    refused(Settings { tiling: Tiling::Tiles { size: 500, overlap: 64 }, ..settings() }, "tile");
    refused(Settings { tiling: Tiling::Tiles { size: 512, overlap: 300 }, ..settings() }, "tile");
    // The region lies outside the view: no photo can be used.
    let corner: Vec<bool> = (0..96 * 64).map(|pixel| pixel == 0).collect();
    let region = Some(Region::from_pixels(Size { width: 96, height: 64 }, &corner).unwrap());
    let crop = Some(Crop::Center(Size { width: 32, height: 32 }));
    let error = Model::fit(&Settings { region, crop, ..settings() }, plates(96, 64)).unwrap_err();
    assert!(error.to_string().contains("inside the region"), "{error}");
}

/// Patch scores and map of one photo against one bank, with tiles and without.
fn tiled_against_whole(tiling: Tiling) -> (f32, f32) {
    // The bank is that of the whole; only the score differs.
    let (width, height) = (704, 480);
    let whole = Model::fit(
        &Settings { pad_to_stride: true, coreset_sampling_ratio: Some(0.02), ..settings() },
        vec![plate(width, height, 1, None)],
    )
    .unwrap();
    let config = whole.core().config().clone().into_config().with_tiling(tiling).check().unwrap();
    let weights = patchcore::resolve_weights("efficientnet_lite0", None).unwrap();
    let rows = whole.core().bank().rows().to_vec();
    let device = patchcore::ComputeDevice::flex();
    let tiled = patchcore_core::PatchCore::with_bank(config, &weights, rows, &device).unwrap();
    let input = whole.prepare(&plate(width, height, 9, Some((300, 200)))).unwrap();
    let input = patchcore_core::ImageInput { width: input.width, height: input.height, pixels: &input.data };
    let (a, b) = (whole.core().score(input).unwrap(), tiled.score_within(input, None).unwrap());
    assert_eq!((a.grid, a.map.width, a.worst_cell), (b.grid, b.map.width, b.worst_cell));
    let difference = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    (difference(&a.patch_scores, &b.patch_scores) / a.map.max(), difference(&a.map.scores, &b.map.scores) / a.map.max())
}

/// The receptive field of EfficientNet-Lite0's block 7 reaches 74 pixels, the neighbourhood and the interpolation
/// between the levels 32 more: 112 pixels of context are exact.
#[test]
fn tiles_with_enough_context_are_the_whole() {
    let (patches, map) = tiled_against_whole(Tiling::Tiles { size: 480, overlap: 224 });
    println!("overlap 224: patches {patches:e}, map {map:e} of the largest score");
    assert!(patches < 1e-5 && map < 1e-5, "{patches} {map}");
}

#[test]
fn tiles_with_the_default_overlap_are_close() {
    let (patches, map) = tiled_against_whole(Tiling::Tiles { size: 512, overlap: 128 });
    println!("overlap 128: patches {patches:e}, map {map:e} of the largest score");
    assert!(patches < 0.05 && map < 0.05, "{patches} {map}");
    // A tile that is never cut changes nothing.
    let (patches, map) = tiled_against_whole(Tiling::Tiles { size: 704, overlap: 64 });
    assert_eq!((patches, map), (0.0, 0.0));
}
