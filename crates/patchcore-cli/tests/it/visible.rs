//! What a person sees: on real photos the heat map shows the defect, and leaves good parts as they are.

use std::path::Path;

use image::{Rgb, RgbImage};
use palette::color_difference::Ciede2000;
use palette::{IntoColor, Lab, Srgb};
use patchcore::{
    DataSet, EvaluateOptions, EvaluatedImage, Evaluation, Limits, MapScale, Model, Settings, Threshold, Thresholds,
    good_images,
};
use patchcore_report::{ColorScale, overlay};
use patchcore_testing::shared;

/// A colour that anybody tells from another one beside it.
const VISIBLE: f32 = 10.0;

fn lab(pixel: Rgb<u8>) -> Lab {
    Srgb::from(pixel.0).into_format::<f32>().into_color()
}

/// Which pixels an overlay shows otherwise than the photo.
fn seen(photo: &RgbImage, overlay: &RgbImage) -> Vec<bool> {
    let pairs = photo.pixels().zip(overlay.pixels());
    pairs.map(|(photo, drawn)| photo != drawn && lab(*photo).difference(lab(*drawn)) >= VISIBLE).collect()
}

fn count(of: impl Iterator<Item = bool>) -> usize {
    of.filter(|is| *is).count()
}

struct Counts {
    /// Photos above the threshold; those at whose map's maximum nothing is seen.
    above: usize,
    unseen_maximum: Vec<String>,
    /// Found defects with a true region that has pixels above the pixel threshold, and those without; those of the former of which less
    /// than half is seen.
    with_pixels: usize,
    without_pixels: Vec<String>,
    half_unseen: Vec<String>,
    /// Of good photos below the threshold the share of pixels that are seen, sorted.
    good: Vec<f64>,
}

#[expect(clippy::unwrap_used, reason = "a test's own helper: a fault in it fails the test")]
fn counted(folder: &Path) -> Counts {
    let photos = good_images(&folder.join("train/good")).unwrap();
    let model = Model::fit(&Settings::default(), photos).unwrap();
    let data = DataSet::open(folder).unwrap();
    let evaluate = |model: &Model| model.evaluate(&data, EvaluateOptions::default()).unwrap();
    // The line's threshold: no good photo of the test set is above it.
    let score = |row: &EvaluatedImage| *row.score.as_ref().unwrap();
    let first = evaluate(&model);
    let highest = first.images.iter().filter(|row| !row.image.is_anomalous).map(score).fold(0.0, f32::max);
    let image = Some(Threshold::manual(highest));
    let model = model.with_thresholds(Thresholds { image, ..Thresholds::default() }).unwrap();
    let MapScale { good, threshold, full } = model.map_scale();
    let scale = ColorScale { low: good, threshold, high: full };
    let Evaluation { images, .. } = first;
    let mut counts = Counts {
        above: 0,
        unseen_maximum: vec![],
        with_pixels: 0,
        without_pixels: vec![],
        half_unseen: vec![],
        good: vec![],
    };
    for row in &images {
        let name = row.image.relative.clone();
        let map = row.map.as_ref().unwrap();
        let photo = model.open_photo(&row.image.path, &Limits::default()).unwrap();
        let photo = model.prepare(&photo).unwrap().to_rgb8();
        let drawn = overlay(&photo, &map.scores, map.width as u32, map.height as u32, &scale, None).unwrap();
        let seen = seen(&photo, &drawn);
        if score(row) <= highest {
            if !row.image.is_anomalous {
                counts.good.push(count(seen.iter().copied()) as f64 / seen.len() as f64);
            }
            continue;
        }
        counts.above += 1;
        let (at, _) = map.scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        if !seen[at] {
            counts.unseen_maximum.push(name.clone());
        }
        let Some(truth) = row.truth.as_ref() else { continue };
        let pixels: Vec<usize> = (0..seen.len()).filter(|at| truth[*at] && map.scores[*at] > threshold).collect();
        if pixels.is_empty() {
            counts.without_pixels.push(name);
            continue;
        }
        counts.with_pixels += 1;
        if 2 * count(pixels.iter().map(|at| seen[*at])) < pixels.len() {
            counts.half_unseen.push(name);
        }
    }
    counts.good.sort_by(f64::total_cmp);
    counts
}

#[test]
fn heat_maps_of_real_photos_show_the_defect_and_leave_good_parts_as_they_are() {
    let mut medians = vec![];
    for category in ["bottle", "magnetic_tile"] {
        let Some(folder) = shared(&format!("data/{category}")) else { return };
        let counts = counted(&folder);
        let median = counts.good[counts.good.len() / 2];
        eprintln!(
            "{category}: {} above, unseen maximum {:?}; {} with pixels, {:?} without, half unseen {:?}; good median {median}, all {:?}",
            counts.above,
            counts.unseen_maximum,
            counts.with_pixels,
            counts.without_pixels,
            counts.half_unseen,
            counts.good
        );
        assert!(counts.unseen_maximum.is_empty());
        assert!(counts.half_unseen.is_empty());
        medians.push(median);
    }
    assert!(medians.iter().all(|median| *median <= 0.01), "{medians:?}");
}
