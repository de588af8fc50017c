//! Heat maps, overlays and panels.

use image::{Rgb, RgbImage};
use patchcore_report::{ColorScale, Lettering, Panel, PixelBox, ReportError, heat_map, overlay};

const SCALE: ColorScale = ColorScale { low: 1.0, threshold: 2.0, high: 3.0 };

fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7 % 256) as u8, (y * 5 % 256) as u8, 128]))
}

/// A smooth bump of height 3 in the middle, 0 far from it.
fn bump(width: u32, height: u32) -> Vec<f32> {
    let at = |i: u32| {
        let (x, y) = ((i % width) as f32 / width as f32 - 0.5, (i / width) as f32 / height as f32 - 0.5);
        3.2 * (-(x * x + y * y) * 30.0).exp()
    };
    (0..width * height).map(at).collect()
}

#[test]
fn a_colour_means_the_same_score_in_every_map() {
    let weak = heat_map(&[0.0, 1.0, 2.0, 2.0], 2, 2, &SCALE).unwrap();
    let strong = heat_map(&[2.0, 3.0, 9.0, 2.0], 2, 2, &SCALE).unwrap();
    assert_eq!(weak.get_pixel(0, 1), strong.get_pixel(0, 0));
    assert_eq!(weak.get_pixel(0, 0), weak.get_pixel(1, 0), "below the scale is the first colour");
    assert_eq!(strong.get_pixel(1, 0), strong.get_pixel(0, 1), "above the scale is the last colour");
}

#[test]
fn normal_regions_keep_the_photo() {
    let photo = photo(60, 40);
    let drawn = overlay(&photo, &bump(30, 20), 30, 20, &SCALE, None).unwrap();
    assert_eq!(drawn.dimensions(), (60, 40));
    assert_eq!(drawn.get_pixel(2, 2), photo.get_pixel(2, 2));
    assert_ne!(drawn.get_pixel(30, 20), photo.get_pixel(30, 20));
    let quiet = overlay(&photo, &[0.9; 600], 30, 20, &SCALE, None).unwrap();
    assert_eq!(quiet, photo, "a good part is the photo");
}

#[test]
fn contour_and_truth_are_drawn_where_they_belong() {
    let photo = RgbImage::from_pixel(64, 64, Rgb([90, 90, 90]));
    let truth: Vec<bool> = (0..64 * 64).map(|i| i % 64 >= 40 && i / 64 >= 40).collect();
    let drawn = overlay(&photo, &bump(64, 64), 64, 64, &SCALE, Some(&truth)).unwrap();
    let white: Vec<_> = drawn.enumerate_pixels().filter(|(_, _, p)| p.0 == [255; 3]).collect();
    assert!(white.len() > 20, "{}", white.len());
    let map = bump(64, 64);
    for (x, y, _) in white {
        let score = map[(y * 64 + x) as usize];
        assert!((2.0..2.6).contains(&score), "the contour lies just above the threshold: {score}");
    }
    let cyan = drawn.enumerate_pixels().filter(|(_, _, p)| p.0 == [0, 220, 255]);
    let mut count = 0;
    for (x, y, _) in cyan {
        assert!(x == 39 || y == 39, "the truth is outlined from outside: {x} {y}");
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn panels_hold_every_part() {
    let (photo, map) = (photo(320, 256), bump(40, 32));
    let truth: Vec<bool> =
        (0..320 * 256).map(|i| i % 320 > 150 && i % 320 < 180 && i / 320 > 110 && i / 320 < 150).collect();
    let panel = Panel {
        photo: &photo,
        map: &map,
        map_width: 40,
        map_height: 32,
        scale: SCALE,
        boxes: &[PixelBox { left: 150, top: 110, width: 30, height: 40 }],
        seen: None,
        truth: Some(&truth),
        title: "Kratzer é Ж Ω/003 日.png  score 3.41",
        lettering: &Lettering::new(None).unwrap(),
    };
    let with_truth = panel.render().unwrap();
    let without = Panel { truth: None, boxes: &[], ..panel }.render().unwrap();
    assert!(with_truth.width() > 4 * 320 && without.width() < with_truth.width());
    assert_eq!(with_truth.height(), without.height());
    if let Some(folder) = std::env::var_os("PATCHCORE_KEEP_PICTURES") {
        with_truth.save(std::path::Path::new(&folder).join("panel.png")).unwrap();
    }
}

#[test]
fn panels_of_odd_sizes() {
    let lettering = Lettering::new(None).unwrap();
    for (width, height) in [(1, 1), (3, 2000), (1500, 2), (1200, 900)] {
        let photo = photo(width, height);
        let truth = vec![true; (width * height) as usize];
        let panel = Panel {
            photo: &photo,
            map: &[0.0, 5.0],
            map_width: 1,
            map_height: 2,
            scale: SCALE,
            boxes: &[
                PixelBox { left: 0, top: 0, width, height },
                PixelBox { left: 9, top: 9, width: u32::MAX, height: 1 },
            ],
            seen: Some(&[true, false]),
            truth: Some(&truth),
            lettering: &lettering,
            title: "a very long title that does not fit on the panel of a very small photo, whatever it may say, ever",
        };
        assert!(panel.render().unwrap().width() < 5000, "{width} x {height}");
    }
}

#[test]
fn wrong_sizes_and_values_are_errors() {
    let photo = photo(4, 4);
    let draw = |map: &[f32], width, height, scale| overlay(&photo, map, width, height, scale, None);
    assert!(matches!(draw(&[1.0; 3], 2, 2, &SCALE), Err(ReportError::SizeMismatch { what: "map", .. })));
    assert!(matches!(draw(&[], 0, 2, &SCALE), Err(ReportError::NoPixels { what: "map", .. })));
    assert!(matches!(draw(&[f32::NAN], 1, 1, &SCALE), Err(ReportError::NonFiniteScore { index: 0, .. })));
    let flat = ColorScale { low: 2.0, threshold: 2.0, high: 2.0 };
    assert!(matches!(draw(&[1.0], 1, 1, &flat), Err(ReportError::InvalidScale { .. })));
    assert!(matches!(heat_map(&[1.0], 1, 2, &SCALE), Err(ReportError::SizeMismatch { .. })));
    let truth = overlay(&photo, &[1.0], 1, 1, &SCALE, Some(&[true; 15]));
    assert!(matches!(truth, Err(ReportError::SizeMismatch { what: "true mask", found: 15, .. })));
    let empty = RgbImage::new(0, 0);
    assert!(matches!(overlay(&empty, &[1.0], 1, 1, &SCALE, None), Err(ReportError::NoPixels { what: "photo", .. })));
}
