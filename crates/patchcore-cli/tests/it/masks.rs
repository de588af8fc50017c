//! What masks mean to `fit` and `evaluate`, whatever their makers' numbers; and photos with transparent pixels.

use std::fs;

use image::{DynamicImage, GrayImage, Luma, Rgba, RgbaImage};
use serde_json::{Value, json};

use crate::photos::{HEIGHT, WIDTH, category, mask, photo, save};
use crate::program::{Run, Workplace, patchcore, small_fit};

/// A category and a model of it.
fn fitted() -> Workplace {
    let place = Workplace::new();
    category(&place.path("part"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    place
}

fn evaluate(place: &Workplace) -> (Run, Value) {
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    let run = patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays"]);
    let mut metrics: Value = serde_json::from_slice(&fs::read(place.path("out/metrics.json")).unwrap()).unwrap();
    (metrics["seconds"], metrics["run"]["written"]) = (Value::Null, Value::Null);
    (run, metrics)
}

fn save_mask(place: &Workplace, number: u32, mask: impl Into<DynamicImage>) {
    save(&place.path(&format!("part/ground_truth/spot/{number:03}_mask.png")), mask);
}

/// Counted in a picture of these levels: those of the defect.
fn with_values(value: impl Fn(u32, u32) -> u8) -> GrayImage {
    let white = mask();
    GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([if white.get_pixel(x, y).0[0] > 0 { value(x, y) } else { 0 }]))
}

#[test]
fn numbers_palettes_and_alpha_give_the_metrics_of_white_masks() {
    let place = fitted();
    let (run, expected) = evaluate(&place);
    assert!(!run.done().stderr.contains("masks:"));
    assert!(expected["pixel_ap"].as_f64().unwrap() > 0.5, "{expected}");
    assert_eq!(expected["mask_rule"], "everything that is not black counts");

    let dark = |x: u32, y: u32| if mask().get_pixel(x, y).0[0] > 0 { [64, 0, 0, 255] } else { [0, 0, 0, 255] };
    let alpha = |x: u32, y: u32| [255, 255, 255, mask().get_pixel(x, y).0[0]];
    let rgba = |pixel: &dyn Fn(u32, u32) -> [u8; 4]| RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| Rgba(pixel(x, y)));
    let folders: [(&str, [DynamicImage; 3]); 4] = [
        ("the values 60, 255", [(); 3].map(|()| with_values(|x, _| if x < 84 { 255 } else { 60 }).into())),
        ("the values 1, 2, 3", [1, 2, 3].map(|value| with_values(|_, _| value).into())),
        ("the value 64", [(); 3].map(|()| rgba(&dark).into())),
        ("drawn in alpha", [(); 3].map(|()| rgba(&alpha).into())),
    ];
    for (said, masks) in folders {
        for (number, mask) in masks.into_iter().enumerate() {
            save_mask(&place, number as u32, mask);
        }
        let (run, metrics) = evaluate(&place);
        let run = run.done();
        assert_eq!(metrics, expected, "{said}");
        let lines: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("masks:")).collect();
        assert!(lines.len() == 1 && lines[0].contains(said), "{said}: {}", run.stderr);
    }
}

#[test]
fn a_defect_that_is_not_seen_is_named_with_its_true_cause() {
    let place = fitted();
    save_mask(&place, 0, with_values(|_, _| 0));
    save_mask(&place, 1, GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([if (x, y) == (40, 40) { 255 } else { 0 }])));
    let (run, metrics) = evaluate(&place);
    let run = run.ends(
        3,
        &[
            "1 defective photo has a mask without a defective pixel, black everywhere: test/spot/000.png; it counts for the image \
             metrics only; draw",
            "test/spot/001.png (its 1 defective pixel vanishes at 64x64); it counts for the image metrics, and",
        ],
    );
    assert!(!run.stderr.contains("crop"), "{}", run.stderr);
    assert_eq!(metrics["hidden_defects"], json!({"no_defective_pixel": 1, "resize": 1}));
    assert_eq!((&metrics["n_without_mask"], &metrics["n_defect_out_of_view"]), (&json!(1), &json!(1)));
    assert_eq!(metrics["n_anomalous"], 3);
    let scores = fs::read_to_string(place.path("out/scores.csv")).unwrap();
    let row = scores.lines().find(|row| row.contains("spot/000.png")).unwrap();
    assert!(row.contains("black everywhere"), "{row}");
    let report = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(report.contains("1 defective image without a defective pixel after the resize"));
}

#[test]
fn masks_that_call_nearly_everything_defective_are_doubted() {
    let place = fitted();
    let inverted = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([255 - mask().get_pixel(x, y).0[0]]));
    (0..3).for_each(|number| save_mask(&place, number, inverted.clone()));
    evaluate(&place).0.ends(0, &["98 % of all pixels defective", "invert them"]);
}

#[test]
fn a_region_may_be_drawn_in_alpha_or_numbers_and_must_say_something() {
    let place = Workplace::new();
    category(&place.path("part"));
    let fit = |option: &str, mask: &str| {
        let mut arguments = small_fit(&place.path("part"), &place.path("m.patchcore"));
        arguments.extend([option.to_owned(), place.text(mask)]);
        patchcore(arguments)
    };
    let half = |x: u32| x < 56;
    save(
        &place.path("alpha.png"),
        RgbaImage::from_fn(WIDTH, HEIGHT, |x, _| Rgba([255, 255, 255, if half(x) { 255 } else { 0 }])),
    );
    save(&place.path("three.png"), GrayImage::from_fn(WIDTH, HEIGHT, |x, _| Luma([if half(x) { 3 } else { 0 }])));
    save(&place.path("white.png"), GrayImage::from_pixel(WIDTH, HEIGHT, Luma([255])));
    save(&place.path("plain.png"), GrayImage::from_fn(WIDTH, HEIGHT, |x, _| Luma([if half(x) { 255 } else { 0 }])));
    for (mask, said) in [("alpha.png", "drawn in alpha"), ("three.png", "the value 3: everything that is not black")] {
        fit("--roi", mask).ends(0, &["--roi: 1 mask", said]);
        let text = patchcore(["inspect", &place.text("m.patchcore")]).done().stdout;
        assert!(text.contains("4480 pixels of photos of 112 x 80"), "{text}");
    }
    assert!(!fit("--ignore", "plain.png").done().stderr.contains("--ignore"));
    for option in ["--roi", "--ignore"] {
        fit(option, "white.png").fails(&["white.png", "all of its pixels", "each pixel is 255 of 255"]);
    }
}

#[test]
fn transparent_pixels_are_warned_of_once() {
    let place = fitted();
    let see_through = |seed: u32, defect: bool| {
        let photo = photo(WIDTH, HEIGHT, seed, defect);
        RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
            let [grey] = photo.get_pixel(x, y).0;
            Rgba([grey, grey, grey, if x < 8 { 128 } else { 255 }])
        })
    };
    let said = "have transparent pixels, which are taken with the colours that lie under them (the first: ";
    let warned = |run: Run, photos: usize, first: &str| {
        let run = run.ends(0, &[&format!("{photos} photos {said}"), first]);
        assert_eq!(run.stderr.matches("transparent").count(), 1, "{}", run.stderr);
    };
    for seed in 100..114 {
        save(&place.path(&format!("cut_out/{seed}.png")), see_through(seed, false));
    }
    let (model, cut_out) = (place.text("m.patchcore"), place.text("cut_out"));
    warned(patchcore(["score", "--model", &model, &cut_out]), 14, "100.png");
    let calibrate = ["calibrate", "--model", &model, "--good", &cut_out, "--fpr", "0.5"];
    warned(patchcore(calibrate), 14, "100.png");
    for seed in 1..3 {
        save(&place.path(&format!("part/test/spot/{seed:03}.png")), see_through(20 + seed, true));
    }
    warned(evaluate(&place).0, 2, "test/spot/001.png");
    warned(patchcore(small_fit(&place.path("cut_out"), &place.path("n.patchcore"))), 14, "100.png");
    // Alpha that is opaque everywhere is none.
    let opaque = DynamicImage::from(photo(WIDTH, HEIGHT, 3, false)).into_rgba8();
    save(&place.path("opaque.png"), opaque);
    let run = patchcore(["score", "--model", &model, &place.text("opaque.png")]).done();
    assert!(!run.stderr.contains("transparent"), "{}", run.stderr);
}
