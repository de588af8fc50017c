//! `--pad-to-stride`, `--no-crop`, `--roi`, `--ignore`, `--tile` and `--map-geometry`, as a user types them.

use std::fs;

use image::{GrayImage, ImageBuffer, Luma};
use serde_json::Value;

use crate::photos::{HEIGHT, WIDTH, category, good_folder, photo, save};
use crate::program::{Workplace, patchcore};

fn fit(place: &Workplace, extra: &[&str]) -> Vec<String> {
    let (data, model) = (place.text("part"), place.text("m.patchcore"));
    let base = ["fit", "--data", &data, "--coreset-sampling-ratio", "0.25", "-o", &model];
    base.iter().chain(extra).map(|text| (*text).to_owned()).collect()
}

fn mask(value: impl Fn(u32) -> bool, width: u32) -> GrayImage {
    GrayImage::from_fn(width, HEIGHT, |x, _| Luma([if value(x) { 255 } else { 0 }]))
}

#[test]
fn inspect_says_how_photos_are_looked_at() {
    let place = Workplace::new();
    category(&place.path("part"));
    save(&place.path("roi.png"), mask(|x| x < 56, WIDTH));
    let roi = place.text("roi.png");
    for (extra, said) in [
        (vec!["--resize", "64", "--pad-to-stride"], "short side to 64, no crop, padded to multiples of 16"),
        (vec!["--mode", "authors", "--no-crop"], "short side to 256, no crop, both sides in steps of 16\n"),
        (vec!["--mode", "authors"], "short side to 256, centre crop 224 x 224\n"),
        (vec!["--tile", "96", "--overlap", "32"], "as it is, no crop, padded to multiples of 16"),
        (vec!["--tile", "96", "--overlap", "32"], "in tiles of 96 with an overlap of 32"),
        (vec!["--resize", "64", "--roi", &roi], "4480 pixels of photos of 112 x 80"),
    ] {
        patchcore(fit(&place, &extra)).done();
        let text = patchcore(["inspect", &place.text("m.patchcore")]).done().stdout;
        assert!(text.contains(said), "{extra:?}: {text}");
    }
}

#[test]
fn a_defect_outside_the_region_is_not_seen_and_does_not_count() {
    let place = Workplace::new();
    category(&place.path("part"));
    // The spot of the defective photos lies at columns 80 to 93.
    save(&place.path("right.png"), mask(|x| x >= 72, WIDTH));
    save(&place.path("left.png"), mask(|x| x < 72, WIDTH));
    let (right, left) = (place.text("right.png"), place.text("left.png"));
    let metrics = |extra: &[&str]| -> Value {
        patchcore(fit(&place, extra)).done();
        let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
        let arguments = ["evaluate", "--model", &model, "--data", &data, "-o", &out];
        patchcore(arguments.into_iter().chain(["--map-geometry", "original"])).done();
        serde_json::from_str(&fs::read_to_string(place.path("out/metrics.json")).unwrap()).unwrap()
    };
    let seen = metrics(&["--resize", "64", "--roi", &right]);
    assert_eq!(seen["image_auroc"], 1.0, "{seen}");
    assert!(seen["pixel_auroc"].as_f64().unwrap() > 0.9 && seen["pixel_auroc_ci"].is_array(), "{seen}");
    let ignored = metrics(&["--resize", "64", "--ignore", &right]);
    // No defective pixel is inside: there is nothing to measure. (The images may still be told apart: a network looks
    // beyond its cell, and the spot is 8 pixels away.)
    assert!(ignored["pixel_auroc"].is_null(), "{ignored}");
    let both = patchcore(fit(&place, &["--roi", &right, "--ignore", &right]));
    both.fails(&["empty", "--roi"]);
    save(&place.path("small.png"), mask(|x| x < 25, 50));
    patchcore(fit(&place, &["--roi", &left, "--ignore", &place.text("small.png")])).fails(&["50x80", "112x80"]);
    patchcore(fit(&place, &["--roi", &place.text("small.png")])).fails(&["112x80", "50x80"]);
}

#[test]
fn twelve_bits_in_sixteen_score_as_the_same_photos_in_eight() {
    let place = Workplace::new();
    for seed in 0..4 {
        let eight = photo(WIDTH, HEIGHT, seed, seed == 3);
        // White is 4080 here: sample / 4080 is then exactly the 8-bit sample / 255.
        let twelve = ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| Luma([u16::from(eight.get_pixel(x, y).0[0]) * 16]));
        let folder = if seed == 3 { "new" } else { "train" };
        save(&place.path(&format!("eight/{folder}/{seed}.png")), eight);
        save(&place.path(&format!("twelve/{folder}/{seed}.png")), twelve);
    }
    let score = |kind: &str, extra: &[&str]| {
        let (data, model) = (place.text(&format!("{kind}/train")), place.text("m.patchcore"));
        let base = ["fit", "--data", &data, "--coreset-sampling-ratio", "0.25", "--size", "112x80", "-o", &model];
        let run = patchcore(base.iter().chain(extra)).done();
        let new = place.text(&format!("{kind}/new"));
        let json = patchcore(["score", "--model", &model, "--format", "json", &new]).done().stdout;
        (run.stderr, serde_json::from_str::<Value>(&json).unwrap()[0]["score"].clone())
    };
    let (_, expected) = score("eight", &[]);
    let (said, dark) = score("twelve", &[]);
    assert!(said.contains("nearly black") && said.contains("--full-scale 4095"), "{said}");
    assert_ne!(dark, expected);
    let (said, found) = score("twelve", &["--full-scale", "4080"]);
    assert!(!said.contains("nearly black"), "{said}");
    assert_eq!(found, expected);
    let text = patchcore(["inspect", &place.text("m.patchcore")]).done().stdout;
    assert!(text.contains("4080 is white in 16-bit photos"), "{text}");
    let (data, model) = (place.text("twelve/train"), place.text("m.patchcore"));
    patchcore(["fit", "--data", &data, "--full-scale", "0", "-o", &model]).misused(&["--full-scale is 0", "4095"]);
}

#[test]
fn floats_are_refused_with_their_range_and_score_as_eight_bits_when_white_is_named() {
    let place = Workplace::new();
    for seed in 0..4 {
        let eight = photo(WIDTH, HEIGHT, seed, seed == 3);
        let folder = if seed == 3 { "new" } else { "train" };
        let values: Vec<f32> = eight.pixels().map(|pixel| f32::from(pixel.0[0])).collect();
        let file = place.path(&format!("float/{folder}/{seed}.tif"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, patchcore_report::to_float_tiff(&values, WIDTH, HEIGHT).unwrap()).unwrap();
        save(&place.path(&format!("eight/{folder}/{seed}.png")), eight);
    }
    let model = place.text("m.patchcore");
    let fit = |data: &str, extra: &[&str]| {
        let base = ["fit", "--data", data, "--coreset-sampling-ratio", "0.25", "--size", "112x80", "-o", &model];
        patchcore(base.iter().chain(extra))
    };
    let score = |photos: &str, extra: &[&str]| {
        let base = ["score", "--model", &model, "--format", "json", photos];
        let run = patchcore(base.iter().chain(extra)).done();
        (serde_json::from_str::<Value>(&run.stdout).unwrap()[0]["score"].clone(), run.stderr)
    };
    fit(&place.text("eight/train"), &[]).done();
    let (expected, _) = score(&place.text("eight/new"), &[]);
    fit(&place.text("float/train"), &[]).fails(&[
        "float samples from ",
        "white (`fit --full-scale`)",
        "hint: `fit --full-scale 255`",
    ]);
    assert!(!fit(&place.text("float/train"), &["--full-scale", "255"]).done().stderr.contains("clipped"));
    let maps = place.text("maps");
    let (found, said) = score(&place.text("float/new"), &["--maps", &maps, "--map-format", "tiff"]);
    assert_eq!(found, expected);
    assert!(!said.contains("clipped"), "{said}");
    // The program's own maps are photos of floats like any other.
    let map = std::fs::read_dir(&maps).unwrap().map(|entry| entry.unwrap().path()).next().unwrap();
    let (_, said) = score(map.to_str().unwrap(), &[]);
    assert!(!said.contains("clipped"), "{said}");
    let bright: Vec<f32> = (0..WIDTH * HEIGHT).map(|at| if at % 50 == 0 { 256.0 } else { 9.0 }).collect();
    let path = place.path("bright.tif");
    std::fs::write(&path, patchcore_report::to_float_tiff(&bright, WIDTH, HEIGHT).unwrap()).unwrap();
    let (_, said) = score(path.to_str().unwrap(), &[]);
    assert!(said.contains("bright.tif is clipped: more than 1 % of its samples"), "{said}");
}

#[test]
fn a_small_defect_on_a_large_photo_is_found_in_tiles() {
    let place = Workplace::new();
    good_folder(&place.path("part"), 2);
    for seed in 0..2 {
        save(&place.path(&format!("part/{seed:03}.png")), photo(300, 200, seed, false));
    }
    save(&place.path("new/good.png"), photo(300, 200, 9, false));
    save(&place.path("new/bad.png"), photo(300, 200, 9, true));
    patchcore(fit(&place, &["--tile", "128", "--overlap", "64"])).done();
    let (model, new, maps) = (place.text("m.patchcore"), place.text("new"), place.text("maps"));
    let json = patchcore(["score", "--model", &model, &new, "--format", "json", "--maps", &maps]).done().stdout;
    let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
    let score = |row: &Value| row["score"].as_f64().unwrap();
    assert!(score(&rows[0]) > 1.5 * score(&rows[1]), "{json}");
    let (x, y) = (rows[0]["worst_x"].as_f64().unwrap(), rows[0]["worst_y"].as_f64().unwrap());
    assert!((x - 87.0).abs() < 16.0 && (y - 37.0).abs() < 16.0, "{x} {y}");
    patchcore(fit(&place, &["--tile", "100"])).misused(&["tile", "100", "multiples"]);
    patchcore(fit(&place, &["--overlap", "32"])).ends(2, &["--tile"]);
}
