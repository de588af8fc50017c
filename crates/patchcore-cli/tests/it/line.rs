//! Mode `line`, rules said by name, copies in the fit and what a fit suggests.

use std::fs;

use image::GrayImage;

use crate::photos::{HEIGHT, WIDTH, category, good_folder, photo, save};
use crate::program::{Run, Workplace, patchcore, small_fit};

/// A fit on the photos of a workplace with further options.
fn fit(place: &Workplace, options: &[&str]) -> Run {
    let fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    patchcore(fit.into_iter().chain(options.iter().map(|option| (*option).to_owned())))
}

fn inspected(place: &Workplace) -> serde_json::Value {
    let run = patchcore(["inspect", &place.text("m.patchcore"), "--format", "json"]).done();
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn a_model_of_mode_line_has_two_banks_and_its_score_is_the_largest_value_of_its_map() {
    let place = Workplace::new();
    category(&place.path("part"));
    let (data, model) = (place.text("part"), place.text("m.patchcore"));
    let run = patchcore(["fit", "--data", &data, "--mode", "line", "--size", "64x64", "-o", &model]).done();
    assert!(run.stdout.contains("memory banks 12 x 120 and 12 x 144, mode line"), "{}", run.stdout);
    let json = inspected(&place);
    assert_eq!((json["mode"].as_str(), json["bank_rows"].as_u64()), (Some("line"), Some(24)));
    assert_eq!(json["banks"][1]["dim"].as_u64(), Some(144));
    let weights: f64 = (0..2).map(|member| json["config"]["members"][member]["weight"].as_f64().unwrap()).sum();
    assert!((weights - 2.0).abs() < 1e-5, "{weights}");

    let (maps, spot) = (place.text("maps"), place.text("part/test/spot/000.png"));
    let geometry = ["--map-geometry", "input"];
    let score = ["score", "--model", &model, "--maps", &maps, "--format", "json", &spot];
    let run = patchcore(score.into_iter().chain(geometry)).done();
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let row = &rows[0];
    let bytes = fs::read(place.path("maps").join("000.png.map.npy")).unwrap();
    let values = bytes[bytes.len() - 64 * 64 * 4..].chunks_exact(4);
    let largest = values.map(|value| f32::from_le_bytes(value.try_into().unwrap())).fold(0.0, f32::max);
    assert_eq!(row["score"].as_f64().unwrap() as f32, largest);
    assert!(row["nearest_good"].as_str().unwrap().contains("train"), "{row}");
    assert!([1, 2].contains(&row["nearest_good_bank"].as_u64().unwrap()), "{row}");

    // What works with a model works with this one.
    patchcore(["calibrate", "--model", &model, "--cross-fit", "2", "--good", &data, "--fpr", "0.6"]).done();
    patchcore(["audit", "--model", &model]).done();
    let out = place.text("out");
    let run = patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out]).done();
    assert!(run.stdout.contains("100.00"), "{}", run.stdout);
    let metrics: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path("out/metrics.json")).unwrap()).unwrap();
    assert_eq!((metrics["model"]["mode"].as_str(), metrics["model"]["bank_rows"].as_u64()), (Some("line"), Some(24)));
}

#[test]
fn a_rule_is_said_in_the_words_in_which_a_mix_is_named() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 3);
    fit(&place, &["--mode", "paper", "--rule", "image_score=maximum_of_map"]).done();
    assert_eq!(inspected(&place)["mode"].as_str(), Some("paper with image_score maximum_of_map"));
    let options =
        ["--mode", "line", "--rule", "level_scaling of member 2=none", "--rule", "smoothing=gaussian of sigma 2"];
    fit(&place, &options).done();
    let named = "line with smoothing gaussian of sigma 2, level_scaling of member 2 none";
    assert_eq!(inspected(&place)["mode"].as_str(), Some(named));
    fit(&place, &["--rule", "colour=red"]).misused(&["there is no rule `colour`", "image_score", "level_scaling"]);
    fit(&place, &["--rule", "distance=cosine"]).misused(&["cosine", "l2 or squared_l2"]);
    fit(&place, &["--rule", "distance"]).misused(&["RULE=VALUE"]);
}

#[test]
fn copies_grow_the_bank_in_proportion_and_stand_in_the_model() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 3);
    let patches = |options: &[&str]| {
        let run = fit(&place, &[&["--mode", "paper"], options].concat()).done();
        let words = run.stdout.split(" patches").next().unwrap().rsplit(' ').next().unwrap().to_owned();
        (words.parse::<usize>().unwrap(), inspected(&place)["bank_rows"].as_u64().unwrap())
    };
    assert_eq!(patches(&[]), (192, 48));
    assert_eq!(patches(&["--unsteady-light"]), (576, 144));
    let copies = &inspected(&place)["config"]["copies"];
    assert_eq!(copies["light"].as_array().unwrap().len(), 2, "{copies}");
    assert_eq!(patches(&["--any-angle", "mirrored"]), (576, 144));
    let (turned, _) = patches(&["--any-angle"]);
    // Eighths of a turn show less than the whole photo.
    assert!((4 * 192..8 * 192).contains(&turned), "{turned}");
    let run = patchcore(["inspect", &place.text("m.patchcore")]).done();
    assert!(run.stdout.contains("copies        turned by 45 degrees, seven times"), "{}", run.stdout);
    fit(&place, &["--any-angle", "upside-down"]).misused(&["upside-down", "turned, mirrored"]);
}

#[test]
fn a_larger_view_in_mode_line_has_as_many_rows_as_the_usual_one() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 2);
    let (data, model) = (place.text("photos"), place.text("m.patchcore"));
    let rows = |options: &[&str]| {
        let fit = ["fit", "--data", &data, "--mode", "line", "-o", &model];
        patchcore(fit.into_iter().chain(options.iter().copied())).done();
        let json = inspected(&place);
        (json["bank_rows"].as_u64().unwrap(), json["config"]["coreset_sampling_ratio"].as_f64().unwrap())
    };
    // 112 x 80 pixels become 352 x 256: 44 x 32 cells of two photos, 5 % in each bank.
    assert_eq!(rows(&[]), (2 * 140, 0.05));
    let (larger, ratio) = rows(&["--resize", "384"]);
    assert!((270..=290).contains(&larger), "{larger}");
    assert!((ratio - 0.05 * (256.0 / 384.0f64).powi(2)).abs() < 1e-12);
    assert_eq!(rows(&["--resize", "384", "--coreset-sampling-ratio", "0.05"]).1, 0.05);
    // Smaller ones are as asked for.
    assert_eq!(rows(&["--resize", "128"]).1, 0.05);
}

#[test]
fn a_fit_suggests_what_its_photos_speak_for_and_never_switches_it_on() {
    let place = Workplace::new();
    for seed in 0..10 {
        let darker = |value: u8| (f32::from(value) * (0.6 + 0.04 * seed as f32)) as u8;
        let photo = photo(WIDTH, HEIGHT, seed, false);
        let photo = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| image::Luma([darker(photo.get_pixel(x, y).0[0])]));
        save(&place.path("photos").join(format!("{seed}.png")), photo);
    }
    let run = fit(&place, &[]).done();
    let hint = "hint: the light varies by ";
    assert!(run.stderr.contains(hint) && run.stderr.contains("--unsteady-light may help"), "{}", run.stderr);
    assert!(inspected(&place)["config"].get("copies").is_none());
    let run = fit(&place, &["--unsteady-light"]).done();
    assert!(!run.stderr.contains(hint), "{}", run.stderr);
}
