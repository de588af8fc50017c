//! `evaluate --stress`: what a user is told of a model whose light, focus or place change.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::photos::{HEIGHT, WIDTH, category, photo, save};
use crate::program::{Workplace, csv_rows, entries, patchcore, small_fit};

/// The photos of `patchcore demo`.
fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/demo/flange")
}

fn stress_json(place: &Workplace) -> Value {
    let text = fs::read_to_string(place.path("out/stress.json")).unwrap();
    assert!(!text.contains("NaN") && !text.contains("null"), "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The outcome at a level of a kind.
fn at<'a>(stress: &'a Value, kind: &str, level: f64) -> &'a Value {
    let series = stress["kinds"].as_array().unwrap().iter().find(|series| series["kind"] == kind).unwrap();
    series["levels"].as_array().unwrap().iter().find(|found| found["level"] == level).unwrap()
}

/// The highest score of a folder's photos.
fn highest_score(model: &str, folder: &Path) -> f64 {
    let run = patchcore(["score", "--model", model, "--format", "jsonl", &folder.display().to_string()]).done();
    let score = |line: &str| serde_json::from_str::<Value>(line).unwrap()["score"].as_f64().unwrap();
    run.stdout.lines().map(score).fold(0.0, f64::max)
}

#[test]
fn dark_light_raises_the_false_alarms_of_the_demo() {
    let place = Workplace::new();
    patchcore(small_fit(&demo(), &place.path("m.patchcore"))).done();
    let (model, data, out) = (place.text("m.patchcore"), demo().display().to_string(), place.text("out"));
    let threshold = highest_score(&model, &demo().join("test/good")) * 1.05;
    patchcore(["calibrate", "--model", &model, "--manual", &threshold.to_string()]).done();
    let evaluate = ["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays", "--no-intervals"];
    let run = patchcore(evaluate.into_iter().chain(["--stress", "--stress-photos", "6"])).done();
    let said = "stress test: 6 of 10 good and 6 of 25 defective photos, each as it is and at 36 levels: 444 scores";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let stress = stress_json(&place);
    let count = |outcome: &Value, what: &str| outcome[what]["count"].as_u64().unwrap();
    let (before, dark) = (&stress["unchanged"], at(&stress, "light", 0.5));
    assert!(count(before, "false_alarms") == 0 && count(dark, "false_alarms") >= 5, "{stress:#}");
    assert_eq!(dark["false_alarms"]["finding"], "rises");
    assert!(dark["median_ratio"].as_f64().unwrap() > 1.2 && dark["words"] == "50 % less light", "{dark:#}");
    let numbers = ["n_normal", "n_anomalous", "of_normal", "of_anomalous", "n_failed"].map(|key| stress[key].as_u64());
    assert_eq!(numbers, [6, 6, 10, 25, 0].map(Some));
    assert_eq!(stress["threshold"]["origin"], "manual");
    // Six photos of a kind hold nothing, but can rise; table, file and report say the same.
    let sentence = stress["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("Too few photos to say what holds: 6 good and 6 defective"), "{sentence}");
    assert!(sentence.contains("false alarms rise from 0 of 6 to") && sentence.contains("less light"), "{sentence}");
    assert!(run.stdout.contains(sentence), "{}", run.stdout);
    let dark_row = run.stdout.lines().find(|line| line.starts_with("50 % less light")).unwrap();
    let counted = format!("{} of 6", count(dark, "false_alarms"));
    assert!(dark_row.contains(&counted) && dark_row.ends_with("rises"), "{dark_row}");
    let html = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(html.contains("<h2 id=\"stress\">Changed conditions</h2>") && html.contains(sentence));
    for kind in ["light", "shading", "blur", "noise", "jpeg", "shift", "rotation", "scale"] {
        assert!(html.contains(&format!("id=\"stress-{kind}-title\"")), "no chart of {kind}");
    }
    assert!(html.contains("role=\"rowheader\">50 % less light</th>"));
    // A row for the photos as they are and one for each level.
    let rows = csv_rows(&fs::read_to_string(place.path("out/stress.csv")).unwrap());
    assert_eq!(rows.len(), 37);
    let (unchanged, darkest) = (&rows[0], &rows[1]);
    assert_eq!(&unchanged["kind"], "unchanged");
    assert_eq!((&darkest["kind"], &darkest["level"], &darkest["change"]), ("light", "0.5", "50 % less light"));
    assert_eq!(darkest["false_alarms"], count(dark, "false_alarms").to_string());
    // The next evaluation is another one: nothing of this test stays beside it.
    patchcore(evaluate).done();
    let left = entries(&place.path("out"));
    assert!(
        !left.iter().any(|name| name.starts_with("stress")) && left.contains(&"metrics.json".to_owned()),
        "{left:?}"
    );
    assert!(!fs::read_to_string(place.path("out/report.html")).unwrap().contains("Changed conditions"));
}

/// A category without defective photos, and a model of it.
fn good_photos() -> Workplace {
    let place = Workplace::new();
    category(&place.path("part"));
    fs::remove_dir_all(place.path("part/test/spot")).unwrap();
    fs::remove_dir_all(place.path("part/ground_truth")).unwrap();
    for seed in 3..14 {
        save(&place.path(&format!("part/test/good/{seed:03}.png")), photo(WIDTH, HEIGHT, 10 + seed, false));
    }
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    place
}

#[test]
fn without_defective_photos_there_are_false_alarms_only() {
    let place = good_photos();
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    let evaluate =
        ["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-intervals", "--no-overlays", "--stress"];
    // Without a threshold it is counted at the highest of the good scores, and that is said.
    let run = patchcore(evaluate.iter().chain(&["--stress-photos", "1"])).done();
    assert!(
        run.stdout.contains("as they are, 0 false alarms") || run.stdout.contains("Too few photos"),
        "{}",
        run.stdout
    );
    let origin = stress_json(&place)["threshold"]["origin"].clone();
    assert_eq!(origin["highest_good"]["n_normal"], 14, "{origin:#}");
    let threshold = highest_score(&model, &place.path("part/test/good")) * 1.05;
    patchcore(["calibrate", "--model", &model, "--manual", &threshold.to_string()]).done();
    let run = patchcore(evaluate).done();
    let stress = stress_json(&place);
    let sentence = stress["sentence"].as_str().unwrap();
    assert!(sentence.contains("false alarms only, of 14 good photos: there is no defective one"), "{sentence}");
    assert!(run.stdout.contains(sentence) && !sentence.contains("misses"), "{}", run.stdout);
    assert_eq!(stress["threshold"]["origin"], "manual");
    let dark = at(&stress, "light", 0.5);
    assert!(dark["misses"].is_null() && dark["image_auroc"].is_null() && dark["false_alarms"]["of"] == 14, "{dark:#}");
}

#[test]
fn what_is_there_and_not_ours_is_found_before_the_work() {
    let place = good_photos();
    fs::create_dir(place.path("out")).unwrap();
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    let evaluate = ["evaluate", "--model", &model, "--data", &data, "-o", &out, "--stress"];
    for name in ["stress.json", "stress.csv"] {
        fs::write(place.path("out").join(name), "mine").unwrap();
        patchcore(evaluate).fails(&[name, "a file that patchcore did not write is there", "--force"]);
        assert_eq!(fs::read_to_string(place.path("out").join(name)).unwrap(), "mine");
        fs::remove_file(place.path("out").join(name)).unwrap();
    }
    assert!(entries(&place.path("out")).is_empty());
    patchcore(evaluate.into_iter().chain(["--stress-photos", "0"])).ends(2, &["--stress-photos"]);
}
