//! `patchcore calibrate` and `audit`, and verdicts: promises kept, refusals that help, exit codes for a line.

use std::fs;

use patchcore::{Limits, Photo};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::photos::{HEIGHT, WIDTH, category, good_folder, photo, save};
use crate::program::{Workplace, entries, patchcore, small_fit};

/// A model of a category, 30 held-out good photos in `held_out`.
fn fitted() -> Workplace {
    let place = Workplace::new();
    category(&place.path("part"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    for seed in 100..130 {
        save(&place.path(&format!("held_out/{seed}.png")), photo(WIDTH, HEIGHT, seed, false));
    }
    place
}

#[test]
fn a_calibrated_model_gives_verdicts_and_exit_codes() {
    let place = fitted();
    let (model, held_out) = (place.text("m.patchcore"), place.text("held_out"));
    let (good, bad) = (place.text("held_out/100.png"), place.text("part/test/spot/000.png"));
    patchcore(["score", "--model", &model, "--fail-on-anomaly", &good]).fails(&["calibrate", "--threshold"]);
    let before = fs::read(&model).unwrap();
    patchcore(["calibrate", "--model", &model, "--good", &held_out]).fails(&["30 photos", "299 are needed", "9.51 %"]);
    assert_eq!(fs::read(&model).unwrap(), before, "a refusal changed the model");

    let run = patchcore(["calibrate", "--model", &model, "--good", &held_out, "--fpr", "0.1"]).done();
    assert!(run.stdout.contains("at most 10 % false alarms with 95 % confidence"), "{}", run.stdout);
    let table = patchcore(["inspect", &model]).done().stdout;
    assert!(table.contains("of 30 held-out scores"), "{table}");
    patchcore(["score", "--model", &model, "--fail-on-anomaly", &good]).done();
    let run = patchcore(["score", "--model", &model, &bad]).done();
    for said in ["image threshold ", "of 30 held-out scores; it holds for", "calibrate again"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    let run = patchcore(["score", "--model", &model, "--fail-on-anomaly", &good, &bad]).ends(4, &[]);
    let words: Vec<_> = run.stdout.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(words, ["good", "anomalous"]);
    patchcore(["score", "--model", &model, "--fail-on-anomaly", "--threshold", "1e9", &bad]).done();
    let json = patchcore(["score", "--model", &model, "--format", "json", &bad]).done().stdout;
    let row = &serde_json::from_str::<Value>(&json).unwrap()[0];
    assert_eq!(row["verdict"], "anomalous");
    assert!(row["nearest_good_distance"].as_f64().unwrap() > 0.0 && row["nearest_good_row"].is_u64(), "{row:#}");
    // An overlay has a line where the pixel threshold lies, and a box around it; a good part has neither, only the key of the lines.
    let overlays = place.text("overlays");
    patchcore(["score", "--model", &model, "--overlays", &overlays, &good, &bad]).done();
    let white = |name: &str| {
        let picture = image::open(place.path("overlays").join(format!("{name}.overlay.png"))).unwrap().to_rgb8();
        picture.pixels().filter(|pixel| pixel.0 == [255; 3]).count()
    };
    assert!(white("000.png") > 2 * white("100.png"), "{} {}", white("000.png"), white("100.png"));

    // The evaluation counts at the threshold, and says how far the metrics may be off.
    let (data, out) = (place.text("part"), place.text("out"));
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays"]).done();
    let metrics: Value = serde_json::from_str(&fs::read_to_string(place.path("out/metrics.json")).unwrap()).unwrap();
    assert_eq!(metrics["confusion"]["true_positives"], 3, "{metrics:#}");
    assert_eq!(metrics["image_auroc_ci"], serde_json::json!([1.0, 1.0]));
    let counts = &metrics["confusion"];
    let errors = counts["false_positives"].as_f64().unwrap() + counts["false_negatives"].as_f64().unwrap();
    assert_eq!(metrics["image_f1"], 6.0 / (6.0 + errors), "{metrics:#}");
    assert!(metrics["image_f1_ci"].is_array() && metrics["region_recall_ci"].is_array());
    let recall = metrics["region_recall"].as_f64().unwrap();
    assert!(0.0 < recall && recall <= metrics["regions_found"].as_f64().unwrap(), "{metrics:#}");
    let interval = &metrics["aupro_0.3_ci"];
    let (low, value, high) = (interval[0].as_f64(), metrics["aupro_0.3"].as_f64(), interval[1].as_f64());
    assert!(low.unwrap() <= value.unwrap() && value.unwrap() <= high.unwrap(), "{metrics:#}");
    assert!(metrics["kinds"]["spot"]["pixel_auroc_ci"].is_array() && metrics["thresholds"]["pixel"].is_null());
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays", "--no-intervals"]).done();
    assert!(!fs::read_to_string(place.path("out/metrics.json")).unwrap().contains("_ci"));
}

#[test]
fn other_thresholds_say_where_they_come_from() {
    let place = fitted();
    let (model, part) = (place.text("m.patchcore"), place.text("part"));
    let calibrate = |options: &[&str]| patchcore(["calibrate", "--model", &model].iter().chain(options));
    calibrate(&["--good", &part, "--fpr", "0.6"]).fails(&["training photo", "--cross-fit"]);
    let run = calibrate(&["--good", &part, "--fpr", "0.6", "--cross-fit", "2"]).done();
    assert!(run.stdout.contains("estimated") && run.stderr.contains("estimate"), "{run:#?}");
    let run = calibrate(&["--good", &part, "--cross-fit", "2"]).done();
    assert!(run.stderr.contains("the strongest promise that 4 photos support: at most 52.72 %"), "{}", run.stderr);
    assert!(run.stdout.contains("estimated for 52.72 % false alarms"), "{}", run.stdout);
    let run = calibrate(&["--f1-max", "--data", &part]).done();
    assert!(run.stdout.contains("chosen on the test set (3 normal, 3 anomalous)"), "{}", run.stdout);
    let run = calibrate(&["--manual", "2.5"]).done();
    assert!(run.stdout.contains("image threshold 2.5: set by hand"), "{}", run.stdout);
    assert!(run.stdout.contains("pixel threshold") && run.stdout.contains("largest F1"), "{}", run.stdout);
    calibrate(&["--manual", "nan"]).misused(&["not a finite number"]);
    calibrate(&[]).ends(2, &["--good"]);
    calibrate(&["--good", &part, "--fpr", "1.5"]).misused(&["--fpr is 1.5", "below 1"]);
}

#[test]
fn an_audit_puts_the_planted_photo_first_and_shows_it() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 6);
    save(&place.path("photos/003.png"), photo(WIDTH, HEIGHT, 3, true));
    patchcore(small_fit(&place.path("photos"), &place.path("m.patchcore"))).done();
    let (model, crops, photos) = (place.text("m.patchcore"), place.text("crops"), place.text("photos"));
    for good in [&["--good", &photos][..], &[]] {
        let arguments = ["audit", "--model", &model, "--format", "json", "-o", &crops, "--top", "2"];
        let json = patchcore(arguments.iter().chain(good)).done().stdout;
        let rows: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(rows.as_array().unwrap().len(), 6);
        assert!(rows[0]["image_path"].as_str().unwrap().ends_with("003.png"), "{rows:#}");
    }
    let names = entries(&place.path("crops"));
    assert_eq!((names.len(), names[0].as_str()), (2, "001_003.png.pair.png"));
    // The pair: two crops wide.
    let pair = image::open(place.path("crops/001_003.png.pair.png")).unwrap();
    assert!(pair.width() > 3 * pair.height() / 2, "{} x {}", pair.width(), pair.height());
    let table = patchcore(["audit", "--model", &model]).done().stdout;
    assert!(table.lines().nth(1).unwrap().ends_with("003.png"), "{table}");
    // Photos that have moved are found by name, on both sides of the picture.
    fs::rename(place.path("photos"), place.path("moved")).unwrap();
    let (moved, crops) = (place.text("moved"), place.text("crops2"));
    let run = patchcore(["audit", "--model", &model, "--good", &moved, "-o", &crops, "--top", "1"]).done();
    assert!(!run.stderr.contains("no picture"), "{}", run.stderr);
    patchcore(["audit", "--model", &model]).fails(&["--good"]);
}

#[test]
fn a_certificate_says_what_is_promised_and_on_what_grounds() {
    let place = fitted();
    let (model, held_out, page) = (place.text("m.patchcore"), place.text("held_out"), place.text("c.html"));
    let run = patchcore(["calibrate", "--model", &model, "--good", &held_out, "--fpr", "0.1", "--certificate", &page]);
    assert!(run.done().stdout.contains("certificate written to"));
    let html = fs::read_to_string(&page).unwrap();
    let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let file = hex(&Sha256::digest(fs::read(&model).unwrap()));
    assert!(html.contains(&file), "the digest of the model's file as it is now");
    for seed in 100..130 {
        let photo = Photo::open(&place.path(&format!("held_out/{seed}.png")), &Limits::default()).unwrap();
        assert!(html.contains(&hex(&photo.sha256())), "{seed}");
    }
    for said in ["at most 10 % are called defective", "number 1 of the 30 scores", "--certificate"] {
        assert!(html.contains(said), "{said}");
    }
    assert_eq!(html.matches("not known").count(), 0);
    assert!(!html.contains("again, by a person"));
    // A second threshold has its own promise; and one photo is one photo.
    fs::write(place.path("held_out/broken.png"), "none").unwrap();
    let options = ["--fpr", "0.1", "--look-again-fpr", "0.5", "--certificate", &page];
    patchcore(["calibrate", "--model", &model, "--good", &held_out].iter().chain(&options)).ends(3, &["broken.png"]);
    let html = fs::read_to_string(&page).unwrap();
    for said in
        ["again, by a person", "at most 50 % false alarms with 95 % confidence", "1 photo could not be used and is"]
    {
        assert!(html.contains(said), "{said}: {html}");
    }
    assert!(html.contains("data-name=\"above\">look again<"), "{html}");
    fs::remove_file(place.path("held_out/broken.png")).unwrap();
    // A cross-fit's photos are those of the fit; it estimates and does not promise.
    let good = place.text("part/train/good");
    patchcore(["calibrate", "--model", &model, "--good", &good, "--cross-fit", "2", "--certificate", &page]).done();
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("No promise, but an estimate") && !html.contains("not known"), "{html}");
    // No calibration, no certificate; and no file of somebody else's is replaced.
    patchcore(["calibrate", "--model", &model, "--manual", "2", "--certificate", &page]).misused(&["--certificate"]);
    let before = fs::read(&model).unwrap();
    fs::write(&page, "<html>mine</html>").unwrap();
    patchcore(["calibrate", "--model", &model, "--good", &held_out, "--fpr", "0.1", "--certificate", &page])
        .fails(&["did not write", "--force"]);
    patchcore(["calibrate", "--model", &model, "--good", &held_out, "--fpr", "0.1", "--certificate", &model])
        .fails(&["this command reads"]);
    assert_eq!(fs::read(&model).unwrap(), before);
}
