//! What a row says beside its score: confidence, regions, a second threshold, and the picture that explains a verdict.

use std::fs;

use serde_json::Value;

use crate::photos::{HEIGHT, WIDTH, category, good_folder, photo, save};
use crate::program::{Workplace, csv_rows, entries, patchcore, small_fit};

/// A model, 30 held-out good photos, and one with a defect.
fn fitted(options: &[&str]) -> Workplace {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 6);
    let mut fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    fit.extend(options.iter().map(|option| (*option).to_owned()));
    patchcore(fit).done();
    for seed in 100..130 {
        save(&place.path(&format!("held_out/{seed}.png")), photo(WIDTH, HEIGHT, seed, false));
    }
    save(&place.path("new/bad.png"), photo(WIDTH, HEIGHT, 9, true));
    fs::copy(place.path("held_out/100.png"), place.path("new/good.png")).unwrap();
    place
}

fn rows(place: &Workplace, options: &[&str]) -> Vec<Value> {
    let (model, new) = (place.text("m.patchcore"), place.text("new"));
    let score = ["score", "--model", &model, "--format", "json", &new];
    serde_json::from_str(&patchcore(score.iter().chain(options)).done().stdout).unwrap()
}

#[test]
fn rows_have_regions_in_places_of_the_photo_and_a_confidence() {
    let place = fitted(&[]);
    // Without a threshold there are regions all the same: the fit's own good photos set what is one.
    let found = rows(&place, &[]);
    assert!(found[0]["confidence"].is_null() && found[0]["threshold"].is_null() && found[0]["verdict"].is_null());
    let regions = found[0]["regions"].as_array().unwrap();
    assert_eq!(found[0]["region_count"], regions.len());
    let of = |key: &str| regions[0][key].as_f64().unwrap();
    assert!(of("left") <= of("peak_x") && of("peak_x") <= of("left") + of("width"), "{:#}", regions[0]);
    assert!(of("top") <= of("peak_y") && of("peak_y") <= of("top") + of("height"), "{:#}", regions[0]);
    assert_eq!(regions[0]["peak"], found[0]["score"], "in mode line the score is the highest peak");
    assert!(regions[0]["nearest_good"].as_str().unwrap().contains("photos") && of("nearest_good_distance") > 0.0);
    let largest = regions.iter().map(|region| region["area"].as_f64().unwrap()).fold(0.0, f64::max);
    assert_eq!(found[0]["largest_region_area"], largest);
    let above = format!("{}", largest + 1.0);
    let none = rows(&place, &["--min-area", &above]);
    assert!(none[0]["region_count"] == 0 && none[0]["regions"].as_array().unwrap().is_empty(), "{:#}", none[0]);
    let model = place.text("m.patchcore");
    patchcore(["score", "--model", &model, "--min-area", "-1", &place.text("new")])
        .misused(&["--min-area", "0 or more"]);

    // At the threshold the confidence is a half, above it more.
    let score = found[0]["score"].to_string();
    let at = rows(&place, &["--threshold", &score]);
    assert_eq!((&at[0]["confidence"], &at[0]["verdict"]), (&Value::from(0.5), &Value::from("good")));
    assert!(at[1]["confidence"].as_f64().unwrap() < 0.5, "{:#}", at[1]);
    let arguments = ["score", "--model", &model, "--format", "csv", "--threshold", "0.001", &place.text("new")];
    let csv = csv_rows(&patchcore(arguments).done().stdout);
    assert!(csv.iter().all(|row| &row["verdict"] == "anomalous" && row["confidence"].parse::<f32>().unwrap() > 0.5));
    assert_eq!(csv[0]["region_count"], found[0]["region_count"].to_string());
}

#[test]
fn a_second_threshold_asks_to_look_again() {
    let place = fitted(&[]);
    let (model, held_out) = (place.text("m.patchcore"), place.text("held_out"));
    let calibrate = |options: &[&str]| {
        let start = ["calibrate", "--model", &model, "--good", &held_out, "--fpr", "0.1"];
        patchcore(start.iter().chain(options))
    };
    calibrate(&["--look-again-fpr", "0.05"]).misused(&["--look-again-fpr 0.05 is below --fpr 0.1", "larger share"]);
    // The same is said of the rate that nobody named; and what the photos cannot carry, before any is scored.
    let run = |options: &[&str]| {
        let start = ["calibrate", "--model", &model, "--look-again-fpr"];
        patchcore(start.iter().chain(options))
    };
    run(&["0.005", "--good", &held_out]).misused(&["--look-again-fpr 0.005 is below --fpr 0.01, the default"]);
    run(&["1.5", "--good", &held_out, "--fpr", "0.1"]).misused(&["--look-again-fpr is 1.5", "below 1"]);
    let photos = place.text("photos");
    let early = run(&["0.3", "--good", &photos, "--cross-fit", "2"]).fails(&[
        "--look-again-fpr 0.3: 6 photos",
        "30 %",
        "9 are needed",
        "6 support 39.31 %",
    ]);
    assert!(!early.stderr.contains("scoring") && !early.stderr.contains("features"), "after the work: {early:#?}");

    let run = calibrate(&["--look-again-fpr", "0.5"]).done();
    assert!(!run.stderr.contains("is gone"), "{}", run.stderr);
    assert!(run.stdout.contains("look-again threshold") && run.stdout.contains("at most 50 %"), "{}", run.stdout);
    assert!(patchcore(["inspect", &model]).done().stdout.contains("look again"));
    let json: Value = serde_json::from_str(&patchcore(["inspect", "--format", "json", &model]).done().stdout).unwrap();
    let thresholds = &json["sections"]["thresholds"];
    let value = |name: &str| thresholds[name]["value"].as_f64().unwrap();
    assert!(value("look_again") < value("image") && thresholds["confidence_scale"].as_f64().unwrap() > 0.0);
    // One that lies between the two.
    let table = patchcore(["score", "--model", &model, "--fail-on-anomaly", &held_out]).done().stdout;
    let verdicts: Vec<&str> = table.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(verdicts.contains(&"look_again") && verdicts.contains(&"good"), "{table}");
    let manual = |lower| patchcore(["calibrate", "--model", &model, "--manual", "2", "--manual-look-again", lower]);
    manual("3").misused(&["look-again threshold 3", "image threshold 2"]);
    manual("1").done();
}

#[test]
fn a_second_threshold_does_not_go_without_a_word() {
    let place = Workplace::new();
    category(&place.path("part"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    let (model, part) = (place.text("m.patchcore"), place.text("part"));
    let calibrate = |options: &[&str]| patchcore(["calibrate", "--model", &model].iter().chain(options)).done();
    let (gone, with) = ("the look-again threshold 1.25 is gone: give", ["--look-again-fpr", "--manual-look-again"]);
    for options in [&["--manual", "2"][..], &["--f1-max", "--data", &part], &["--good", &part, "--cross-fit", "2"]] {
        let run = calibrate(&["--manual", "2", "--manual-look-again", "1.25"]);
        assert!(!run.stderr.contains("gone"), "{}", run.stderr);
        let run = calibrate(options);
        let said = run.stderr.lines().find(|line| line.contains(gone)).unwrap_or_else(|| panic!("{run:#?}"));
        assert!(with.iter().all(|option| said.contains(option)), "{said}");
        // There is none any more that could go.
        assert!(!calibrate(options).stderr.contains("gone"));
    }
}

#[test]
fn a_flagged_photo_is_explained_and_a_model_with_thumbnails_does_it_elsewhere() {
    for (options, elsewhere) in [(&[][..], false), (&["--keep-thumbnails"][..], true)] {
        let place = fitted(options);
        let (model, new, out) = (place.text("m.patchcore"), place.text("new"), place.text("out"));
        patchcore(["score", "--model", &model, "--explain", &out, &new]).fails(&["threshold"]);
        let found = rows(&place, &[]);
        let score = |at: usize| found[at]["score"].as_f64().unwrap();
        let between = format!("{}", (score(0) + score(1)) / 2.0);
        let explain = || rows(&place, &["--threshold", &between, "--explain", &out]);
        let rows = explain();
        assert_eq!(entries(&place.path("out")), ["bad.png.explained.png"]);
        assert!(rows[0]["explanation_path"].as_str().unwrap().ends_with("bad.png.explained.png"));
        assert!(rows[1]["explanation_path"].is_null());
        let picture = || image::open(place.path("out/bad.png.explained.png")).unwrap().to_rgb8();
        let here = picture();
        // Where the photos of the fit are gone, a small picture of the nearest one is left in the model, or none.
        fs::rename(place.path("photos"), place.path("gone")).unwrap();
        explain();
        let (there, empty) = (picture(), image::Rgb([226, 226, 222]));
        let (x, y) = (there.width() * 3 / 4, there.height() - 40);
        assert_ne!(here.get_pixel(x, y), &empty);
        assert_eq!(there.get_pixel(x, y) == &empty, !elsewhere);
        if elsewhere {
            // Nearly the same picture.
            let pairs = here.pixels().zip(there.pixels());
            let off = pairs.map(|(a, b)| u64::from(a.0[0].abs_diff(b.0[0]))).sum::<u64>();
            assert!(off / u64::from(here.width() * here.height()) < 6, "{off}");
        }
    }
}
