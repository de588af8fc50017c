//! A model whose banks grow, shrink and merge: `extend`, `forget`, `merge`, `diff`, budgets and shards; what each says, refuses and leaves.

use std::fs;
use std::path::Path;

use patchcore_core::model_file::ModelFile;
use serde_json::Value;

use crate::photos::{HEIGHT, WIDTH, photo, save};
use crate::program::{Run, Workplace, csv_rows, patchcore, small_fit};

fn good(folder: &Path, seeds: std::ops::Range<u32>) {
    seeds.for_each(|seed| save(&folder.join(format!("{seed:03}.png")), photo(WIDTH, HEIGHT, seed, false)));
}

/// A model of four photos, with four more that it has not seen.
fn fitted() -> Workplace {
    let place = Workplace::new();
    good(&place.path("good"), 0..4);
    good(&place.path("more"), 50..53);
    good(&place.path("held"), 70..76);
    patchcore(small_fit(&place.path("good"), &place.path("m.patchcore"))).done();
    place
}

fn inspected(model: &str) -> Value {
    serde_json::from_str(&patchcore(["inspect", model, "--format", "json"]).done().stdout).unwrap()
}

fn kinds(inspected: &Value) -> Vec<&str> {
    let changes = inspected["sections"]["history"].as_array().unwrap();
    changes.iter().map(|change| change["kind"].as_str().unwrap()).collect()
}

fn radii(inspected: &Value) -> Vec<f64> {
    let coverage = inspected["sections"]["coverage"].as_array().unwrap();
    coverage.iter().map(|bank| bank["radius"].as_f64().unwrap()).collect()
}

fn diff(a: &str, b: &str, more: &[&str]) -> Value {
    let run = patchcore(["diff", a, b, "--format", "json"].iter().chain(more)).done();
    serde_json::from_str(&run.stdout).unwrap()
}

/// What is said before the first photo is read.
#[track_caller]
fn refused_and_whole(place: &Workplace, file: &str, run: impl FnOnce() -> Run, needles: &[&str]) {
    let before = fs::read(place.path(file)).unwrap();
    run().fails(needles);
    assert!(before == fs::read(place.path(file)).unwrap(), "{file} was changed");
}

#[test]
fn an_extension_adds_photos_once_and_keeps_the_threshold() {
    let place = fitted();
    let (model, more) = (place.text("m.patchcore"), place.text("more"));
    patchcore(["calibrate", "--model", &model, "--manual", "8"]).done();
    let before = inspected(&model);
    let run = patchcore(["extend", &model, "--data", &more]).done();
    for needle in ["3 photos added to 4, 0 it had already", "coverage of bank 1: radius ", "the thresholds stay"] {
        assert!(run.stdout.contains(needle), "{needle}: {run:#?}");
    }
    let after = inspected(&model);
    assert_eq!((kinds(&before), kinds(&after)), (vec![], vec!["fit", "extend"]));
    let change = &after["sections"]["history"][1];
    assert_eq!((&change["photos"], change["added"].as_array().unwrap().len()), (&7.into(), 3));
    assert!(change["date"].as_str().unwrap().ends_with("UTC"), "{change:#}");
    assert_eq!(after["sections"]["thresholds"]["image"], before["sections"]["thresholds"]["image"]);
    assert_eq!((&before["fitted_on"]["images"], &after["fitted_on"]["images"]), (&4.into(), &7.into()));
    assert!(after["bank_rows"].as_u64() > before["bank_rows"].as_u64());
    let table = patchcore(["inspect", &model]).done().stdout;
    for needle in ["coverage ", "extend, 3 photos added; 7 photos, rows ", "threshold     8, set by hand"] {
        assert!(table.contains(needle), "{needle}: {table}");
    }

    // The same photos under other names are the same photos, and the file stays as it is.
    let bytes = fs::read(place.path("m.patchcore")).unwrap();
    for (at, name) in ["050.png", "051.png", "052.png"].iter().enumerate() {
        fs::create_dir_all(place.path("copies")).unwrap();
        fs::copy(place.path("more").join(name), place.path(&format!("copies/{at}.png"))).unwrap();
    }
    let run = patchcore(["extend", &model, "--data", &place.text("copies")]).done();
    assert!(run.stdout.contains("0 photos added to 7, 3 it had already"), "{run:#?}");
    assert!(bytes == fs::read(place.path("m.patchcore")).unwrap());
}

#[test]
fn an_extension_writes_beside_the_model_and_grows_as_far_as_it_is_told() {
    let place = fitted();
    let (model, more, out) = (place.text("m.patchcore"), place.text("more"), place.text("e.patchcore"));
    let before = fs::read(place.path("m.patchcore")).unwrap();
    let rows = inspected(&model)["banks"][0]["rows"].as_u64().unwrap();
    let extend = |options: &[&str]| {
        let words = ["extend", &model, "--data", &more, "-o", &out, "--force"];
        patchcore(words.iter().chain(options)).done();
        let banks = inspected(&out)["banks"].clone();
        banks.as_array().unwrap().iter().map(|bank| bank["rows"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let in_all = (rows + 5).to_string();
    assert_eq!(extend(&["--bank-rows", &in_all]), [rows + 5, rows + 5]);
    let [few, many] = ["0.05", "0.5"].map(|share| extend(&["--coreset-sampling-ratio", share])[0]);
    assert!(rows < few && few < many, "{rows} {few} {many}");
    let radius = 0.5 * radii(&inspected(&model)).into_iter().fold(f64::INFINITY, f64::min);
    assert!(extend(&["--coverage", &radius.to_string()])[0] > rows);
    assert!(before == fs::read(place.path("m.patchcore")).unwrap());
    // What was there in the old banks is in the new ones.
    let found = diff(&model, &out, &["--data", &place.text("held")]);
    assert_eq!(found["banks"][0]["both"].as_u64(), Some(rows), "{found:#}");
    assert_eq!((&found["photos"]["both"], found["photos"]["added"].as_array().unwrap().len()), (&4.into(), 3));
    let changes = found["scores"]["changed"].as_array().unwrap();
    assert!(changes.iter().all(|photo| photo["change"].as_f64().unwrap() <= 0.0), "a score has risen: {found:#}");
    for pair in [["--bank-rows=9", "--coverage=1"], ["--bank-rows=9", "--coreset-sampling-ratio=0.1"]] {
        patchcore(["extend", &model, "--data", &more].iter().chain(&pair)).misused(&["cannot be used with"]);
    }
}

#[test]
fn an_extension_calibrates_again_at_the_rate_that_was_promised() {
    let place = fitted();
    let (model, more, held, out) =
        (place.text("m.patchcore"), place.text("more"), place.text("held"), place.text("e.patchcore"));
    patchcore(["calibrate", "--model", &model, "--good", &held, "--fpr", "0.5"]).done();
    let extend = ["extend", &model, "--data", &more, "--calibrate-again", &held, "-o", &out];
    let run = patchcore(extend).done();
    assert!(run.stdout.contains("at most 50 % false alarms with 95 % confidence"), "{run:#?}");
    assert_eq!(inspected(&out)["sections"]["thresholds"]["image"]["origin"]["calibrated"]["n"], 6, "{run:#?}");
    // Photos that are in the model now are none to calibrate on, and six do not support every rate.
    let own = ["extend", &model, "--data", &more, "--calibrate-again", &more, "--fpr", "0.7", "-o", &out, "--force"];
    refused_and_whole(&place, "e.patchcore", || patchcore(own), &["is a training photo of this model"]);
    let strict = extend.iter().chain(&["--fpr", "0.01", "--force"]);
    refused_and_whole(&place, "e.patchcore", || patchcore(strict), &["299 are needed"]);
    patchcore(["extend", &model, "--data", &more, "--fpr", "0.5"]).misused(&["--calibrate-again"]);
}

#[test]
fn a_forgotten_photo_leaves_and_the_threshold_is_stale_until_a_calibration() {
    let place = fitted();
    let (model, photo) = (place.text("m.patchcore"), place.text("held/070.png"));
    patchcore(["calibrate", "--model", &model, "--manual", "1"]).done();
    let before = inspected(&model);
    let run = patchcore(["forget", &model, "--photo", &place.text("good/001.png")]).done();
    for needle in ["1 of 4 photos forgotten", "001.png", "radius at most ", "the thresholds are stale"] {
        assert!(run.stdout.contains(needle), "{needle}: {run:#?}");
    }
    let after = inspected(&model);
    let names: Vec<&str> =
        after["sections"]["photos"].as_array().unwrap().iter().map(|photo| photo["name"].as_str().unwrap()).collect();
    assert!(names.len() == 3 && !names.iter().any(|name| name.ends_with("001.png")), "{names:?}");
    assert!(after["bank_rows"].as_u64() < before["bank_rows"].as_u64());
    let pairs = radii(&before).into_iter().zip(radii(&after));
    assert!(pairs.clone().all(|(before, after)| after >= before), "{after:#}");
    let sections = &after["sections"];
    assert_eq!((kinds(&after), &sections["coverage"][0]["is_exact"]), (vec!["fit", "forget"], &false.into()));
    assert_eq!((&sections["thresholds"], &sections["stale_thresholds"]["since"]), (&Value::Null, &"forget".into()));
    assert!(patchcore(["inspect", &model]).done().stdout.contains("stale since photos were forgotten"));

    let score =
        |options: &[&str]| patchcore(["score", "--model", &model, &photo, "--format", "csv"].iter().chain(options));
    let run = score(&[]).ends(0, &["stale since photos were forgotten", "set by hand", "no verdicts"]);
    assert_eq!(&csv_rows(&run.stdout)[0]["verdict"], "");
    for option in [&["--fail-on-anomaly"][..], &["--explain", &place.text("why")]] {
        score(option).fails(&["stale", "--allow-stale-threshold"]);
    }
    let run = score(&["--fail-on-anomaly", "--allow-stale-threshold"]).ends(4, &["promises nothing"]);
    assert_eq!(&csv_rows(&run.stdout)[0]["verdict"], "anomalous");
    score(&["--fail-on-anomaly", "--threshold", "0.5"]).ends(4, &[]);
    score(&["--allow-stale-threshold", "--threshold", "0.5"]).misused(&["cannot be used with"]);

    patchcore(["calibrate", "--model", &model, "--good", &place.text("held"), "--fpr", "0.5"]).done();
    let calibrated = inspected(&model);
    assert_eq!(calibrated["sections"]["stale_thresholds"], Value::Null);
    assert_eq!(&csv_rows(&score(&[]).done().stdout)[0]["verdict"], "good");
    assert_eq!(kinds(&calibrated), ["fit", "forget"]);
}

#[test]
fn an_evaluation_says_that_the_threshold_is_stale() {
    let place = Workplace::new();
    crate::photos::category(&place.path("part"));
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    patchcore(["calibrate", "--model", &model, "--manual", "8"]).done();
    patchcore(["forget", &model, "--photo", &place.text("part/train/good/001.png")]).done();
    let evaluate = ["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays", "--no-intervals"];
    patchcore(evaluate).ends(0, &["thresholds are stale since photos were forgotten", "image threshold was 8"]);
    assert!(fs::read_to_string(place.path("out/report.html")).unwrap().contains("stale since photos were forgotten"));
}

#[test]
fn photos_are_forgotten_by_digest_and_covered_again() {
    let place = fitted();
    let (model, out) = (place.text("m.patchcore"), place.text("f.patchcore"));
    let before = inspected(&model);
    let digest = before["sections"]["photos"][2]["sha256"].as_str().unwrap().to_owned();
    let forget = |options: &[&str]| patchcore(["forget", &model, "-o", &out, "--force"].iter().chain(options)).done();
    let by_prefix = forget(&["--photo", &digest[..8]]);
    assert!(by_prefix.stdout.contains("002.png"), "{by_prefix:#?}");
    assert_eq!(inspected(&model), before);
    // With the photos of the fit the banks cover what stays as well as they did.
    forget(&["--photo", &digest, "--data", &place.text("good")]);
    let after = inspected(&out);
    for (at, (before, after)) in radii(&before).into_iter().zip(radii(&after)).enumerate() {
        assert!(after <= before * (1.0 + 1e-6), "bank {at}: {before} {after}");
    }
    assert_eq!(after["sections"]["coverage"][0]["is_exact"], true, "{after:#}");
    let found = diff(&model, &out, &[]);
    assert_eq!(found["photos"]["removed"][0]["sha256"].as_str(), Some(digest.as_str()), "{found:#}");
}

#[test]
fn what_cannot_be_forgotten_leaves_the_model_as_it_is() {
    let place = fitted();
    let model = place.text("m.patchcore");
    let own = ["000", "001", "002", "003"].map(|name| place.text(&format!("good/{name}.png")));
    let forget = |photos: &[&str]| {
        let words = photos.iter().flat_map(|photo| ["--photo", photo]);
        patchcore(["forget", &model].into_iter().chain(words))
    };
    let all: Vec<&str> = own.iter().map(String::as_str).collect();
    for (photos, needles) in [
        (&["nowhere.png"][..], &["nowhere.png", "none of the 4 photos"][..]),
        (&["0123456789abcdef"], &["none of the 4 photos"]),
        (&all, &["all 4 photos"]),
    ] {
        refused_and_whole(&place, "m.patchcore", || forget(photos), needles);
    }
    patchcore(["forget", &model]).misused(&["--photo"]);
}

#[test]
fn shards_have_every_photo_once_and_merge_to_one_model() {
    let place = Workplace::new();
    good(&place.path("good"), 0..5);
    let shard = |part: &str, model: &str| {
        let mut fit = small_fit(&place.path("good"), &place.path(model));
        fit.extend(["--shard".to_owned(), part.to_owned()]);
        patchcore(fit)
    };
    let run = shard("1/2", "s1.patchcore").ends(0, &["shard 1/2: 3 of 5 photos"]);
    assert!(run.stdout.contains("3 photos"), "{run:#?}");
    shard("2/2", "s2.patchcore").done();
    let [one, two, out] = ["s1", "s2", "m"].map(|name| place.text(&format!("{name}.patchcore")));
    let names = |model: &str| -> Vec<String> {
        let file = inspected(model);
        let photos = file["sections"]["photos"].as_array().unwrap();
        photos.iter().map(|photo| photo["name"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&one), ["000.png", "002.png", "004.png"]);
    assert_eq!(names(&two), ["001.png", "003.png"]);
    assert!(inspected(&one)["sections"]["provenance"]["command_line"].as_str().unwrap().contains("--shard 1/2"));

    let run = patchcore(["merge", &one, &two, "-o", &out]).done();
    for needle in ["5 photos of 2 models", "coverage of bank 1: radius ", "the model has no thresholds"] {
        assert!(run.stdout.contains(needle), "{needle}: {run:#?}");
    }
    let merged = inspected(&out);
    assert_eq!(names(&out).len(), 5);
    let rows = |model: &str| inspected(model)["banks"][0]["rows"].as_u64().unwrap();
    assert!(rows(&out) <= rows(&one) + rows(&two));
    let larger = radii(&inspected(&one)).into_iter().zip(radii(&inspected(&two))).map(|(one, two)| one.max(two));
    for (merged, larger) in radii(&merged).into_iter().zip(larger) {
        assert!((merged - larger).abs() <= 0.05 * larger, "{merged} {larger}");
    }
    assert_eq!(kinds(&merged).last(), Some(&"merge"));
    patchcore(["merge", &one, &two, "--bank-rows", "20", "-o", &out]).done();
    assert_eq!(rows(&out), 20);
    assert_eq!(inspected(&out)["sections"]["coverage"][0]["is_exact"], false);
    // What several models have is in the merged one once.
    let run = patchcore(["merge", &one, &two, &one, "-o", &out]).done();
    assert!(run.stdout.contains("5 photos of 3 models, 3 photos in more than one of them listed once"), "{run:#?}");

    shard("3/2", "x.patchcore").misused(&["K/N"]);
    shard("1/6", "x.patchcore").misused(&["--shard is 1/6", "5 photos"]);
    assert!(!place.path("x.patchcore").exists());
}

#[test]
fn models_that_differ_do_not_merge() {
    let place = fitted();
    let (model, out) = (place.text("m.patchcore"), place.text("out.patchcore"));
    let other = |name: &str, options: &[&str]| {
        let fit = small_fit(&place.path("more"), &place.path(name));
        patchcore(fit.iter().map(String::as_str).chain(options.iter().copied())).done();
        place.text(name)
    };
    let refused = |other: &str, needles: &[&str]| {
        patchcore(["merge", &model, other, "-o", &out]).fails(needles);
        assert!(!place.path("out.patchcore").exists());
    };
    refused(&other("seed.patchcore", &["--seed", "3"]), &["seed", "is 0 in the first", "3 in number 2"]);
    refused(&other("paper.patchcore", &["--mode", "paper"]), &["in the first"]);
    refused(&other("lite1.patchcore", &["--patch-size", "5"]), &["in the first"]);
    patchcore(["merge", &model, "-o", &out]).misused(&["<MODEL>"]);
    patchcore(["merge", &model, &model, "-o", &model]).fails(&["which this command reads"]);
    // Thresholds that were promises about smaller banks promise nothing of the larger one.
    patchcore(["calibrate", "--model", &model, "--manual", "8"]).done();
    let more = other("more.patchcore", &[]);
    let run = patchcore(["merge", &model, &more, "-o", &out]).done();
    assert!(run.stdout.contains("the thresholds are stale"), "{run:#?}");
    assert_eq!(inspected(&out)["sections"]["stale_thresholds"]["since"], "merge");
    // A model with thresholds is not replaced by one without.
    patchcore(["merge", &model, &more, "-o", &out]).done();
    patchcore(["calibrate", "--model", &out, "--manual", "8"]).done();
    patchcore(["merge", &model, &more, "-o", &out]).fails(&["has the image threshold 8", "--force"]);
    patchcore(["extend", &model, "--data", &place.text("more"), "-o", &out]).fails(&["image threshold 8", "--force"]);
}

#[test]
fn a_budget_that_holds_everything_changes_no_row_and_one_that_is_too_small_is_refused() {
    let place = fitted();
    let fit = |name: &str, options: &[&str]| {
        let fit = small_fit(&place.path("good"), &place.path(name));
        patchcore(fit.iter().map(String::as_str).chain(options.iter().copied()))
    };
    let run = fit("budget.patchcore", &["--memory", "512MiB"]).ends(0, &["budget"]);
    assert!(run.stdout.contains("coverage of bank 1: radius "), "{run:#?}");
    let (model, budget) = (place.text("m.patchcore"), place.text("budget.patchcore"));
    let found = diff(&model, &budget, &[]);
    let bank = &found["banks"][0];
    assert!(bank["a"] == bank["b"] && bank["b"] == bank["both"], "{found:#}");
    assert_eq!(found["settings"].as_array().unwrap().len(), 1, "{found:#}");
    fit("x.patchcore", &["--memory", "512"]).misused(&["512MiB"]);
    fit("x.patchcore", &["--memory", "64KiB"]).misused(&["--memory is 65536 bytes"]);
    assert!(!place.path("x.patchcore").exists());
    let (data, out) = (place.text("good"), place.text("x.patchcore"));
    let words = ["fit", "--data", &data, "--size", "64x64", "--bank-rows", "200", "--memory", "1MiB", "-o", &out];
    let run = patchcore(words).fails(&["for 400 rows", "hint: `--memory ", "MiB` is enough"]);
    assert!(!run.stderr.contains("features") && !place.path("x.patchcore").exists(), "{run:#?}");
    // What the hint names is enough.
    let (_, hint) = run.stderr.split_once("hint: `--memory ").unwrap();
    let enough = hint.split('`').next().unwrap();
    patchcore(words.map(|word| if word == "1MiB" { enough } else { word })).ends(0, &["budget of "]);
    assert_eq!(inspected(&out)["banks"][0]["rows"], 200);
}

#[test]
fn rows_and_a_radius_say_how_large_a_bank_is() {
    let place = fitted();
    let (data, model) = (place.text("good"), place.text("m.patchcore"));
    let out = place.text("sized.patchcore");
    let fit = |options: &[&str]| {
        let words = ["fit", "--data", &data, "--size", "64x64", "-o", &out];
        patchcore(words.iter().chain(options))
    };
    fit(&["--bank-rows", "30"]).done();
    let banks = inspected(&out)["banks"].clone();
    assert!(banks.as_array().unwrap().iter().all(|bank| bank["rows"] == 30), "{banks:#}");
    assert!(inspected(&out)["requires"].as_array().unwrap().contains(&"bank_size".into()));
    let radius = 0.7 * radii(&inspected(&model)).into_iter().fold(f64::INFINITY, f64::min);
    fit(&["--coverage", &radius.to_string()]).done();
    assert!(radii(&inspected(&out)).iter().all(|found| *found <= radius), "{radius}");
    for options in [["--bank-rows", "0"], ["--coverage", "-1"], ["--coverage", "nan"]] {
        fit(&options).misused(&[options[0]]);
    }
    fit(&["--bank-rows", "9", "--coverage", "1"]).misused(&["cannot be used with"]);
}

#[test]
fn a_score_has_an_interval_where_it_is_asked_for() {
    let place = fitted();
    let (model, photo) = (place.text("m.patchcore"), place.text("held/070.png"));
    let score = |model: &str, format: &str| {
        let words = ["score", "--model", model, "--format", format, &photo];
        [patchcore(words).done(), patchcore(words.iter().chain(&["--interval"])).done()].map(|run| run.stdout)
    };
    let [bare, with] = score(&model, "jsonl").map(|line| serde_json::from_str::<Value>(&line).unwrap());
    assert!(bare.get("score_low").is_none() && bare.get("interval_of").is_none(), "{bare:#}");
    let number = |key: &str| with[key].as_f64().unwrap();
    assert!(number("score_low") <= number("score") && number("score") <= number("score_high"), "{with:#}");
    assert_eq!(with["interval_of"], "score");
    let [bare, with] = score(&model, "csv");
    assert!(!bare.contains("score_low"), "{bare}");
    assert_eq!(&csv_rows(&with)[0]["interval_of"], "score");
    assert!(score(&model, "table")[1].contains(" to "));
    // A photo that fails has the columns, and no values.
    let missing = place.text("missing.png");
    let words = ["score", "--model", &model, "--format", "csv", "--interval", &photo, &missing];
    let rows = csv_rows(&patchcore(words).ends(3, &[]).stdout);
    assert_eq!((&rows[1]["score_low"], &rows[1]["interval_of"]), ("", ""));

    let fit = small_fit(&place.path("good"), &place.path("paper.patchcore"));
    patchcore(fit.iter().map(String::as_str).chain(["--mode", "paper"])).done();
    let [_, with] = score(&place.text("paper.patchcore"), "jsonl");
    let with: Value = serde_json::from_str(&with).unwrap();
    assert_eq!(with["interval_of"], "worst_patch", "{with:#}");

    // As a model of an earlier version has it.
    let mut file = ModelFile::from_bytes(&fs::read(place.path("m.patchcore")).unwrap()).unwrap();
    file.sections.coverage = Vec::new();
    fs::write(place.path("old.patchcore"), file.to_bytes().unwrap()).unwrap();
    let old = place.text("old.patchcore");
    patchcore(["score", "--model", &old, "--interval", &photo]).fails(&["coverage", "not known"]);
    assert!(patchcore(["inspect", &old]).done().stdout.contains("not known"));
    assert!(patchcore(["extend", &old, "--data", &place.text("more")]).done().code == Some(0));
}

#[test]
fn the_coverage_is_measured_again_over_photos() {
    let place = fitted();
    let (model, data) = (place.text("m.patchcore"), place.text("good"));
    let run = patchcore(["inspect", &model, "--measure-coverage", &data, "--format", "json"]).done();
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["measured_coverage"]["photos"], 4, "{found:#}");
    // The fit has measured the same patches.
    assert_eq!(found["measured_coverage"]["coverage"], found["sections"]["coverage"], "{found:#}");
    patchcore(["forget", &model, "--photo", &place.text("good/001.png")]).done();
    let before = fs::read(place.path("m.patchcore")).unwrap();
    let table = patchcore(["inspect", &model, "--measure-coverage", &data]).done().stdout;
    for needle in ["bank 1: radius at most ", "measured now  bank 1: radius ", "of 4 photos"] {
        assert!(table.contains(needle), "{needle}: {table}");
    }
    assert!(before == fs::read(place.path("m.patchcore")).unwrap());
}

#[test]
fn two_models_are_told_apart_by_what_differs() {
    let place = fitted();
    let (model, held) = (place.text("m.patchcore"), place.text("held"));
    let same = diff(&model, &model, &[]);
    assert_eq!((&same["same_scores"], same["settings"].as_array().unwrap().len()), (&true.into(), 0));
    let run = patchcore(["diff", &model, &model, "--data", &held]).done();
    assert!(run.stdout.contains("and so are all scores") && run.stdout.contains("0.0000 at most"), "{run:#?}");

    let fit = small_fit(&place.path("more"), &place.path("other.patchcore"));
    patchcore(fit.iter().map(String::as_str).chain(["--seed", "7"])).done();
    let other = place.text("other.patchcore");
    patchcore(["calibrate", "--model", &other, "--manual", "8"]).done();
    let found = diff(&model, &other, &["--data", &held, "--most", "2"]);
    // Weights of the members are measured, and other photos have others.
    let seed = found["settings"].as_array().unwrap().iter().find(|setting| setting["name"] == "seed").unwrap();
    assert_eq!((&found["same_scores"], &seed["a"], &seed["b"]), (&false.into(), &"0".into(), &"7".into()));
    assert_eq!((&found["photos"]["both"], &found["b"]["thresholds"]["image"]["value"]), (&0.into(), &8.0.into()));
    let scores = &found["scores"];
    assert_eq!((&scores["photos"], scores["changed"].as_array().unwrap().len()), (&6.into(), 2), "{found:#}");
    let table = patchcore(["diff", &model, &other, "--data", &held]).done().stdout;
    for needle in
        ["seed                0 | 7", "only in the second: ", "threshold           none | 8", "scores of 6 photos"]
    {
        assert!(table.contains(needle), "{needle}: {table}");
    }
    patchcore(["diff", &model]).misused(&["<B>"]);
    patchcore(["diff", &model, &place.text("nowhere.patchcore")]).fails(&["nowhere.patchcore"]);
    patchcore(["diff", &model, &other, "--most", "2"]).misused(&["--data"]);
}

#[test]
fn a_change_that_is_to_be_reproducible_has_no_date() {
    let place = fitted();
    let mut fit = small_fit(&place.path("good"), &place.path("r.patchcore"));
    fit.push("--reproducible".to_owned());
    patchcore(fit).done();
    let (model, more) = (place.text("r.patchcore"), place.text("more"));
    let made: Vec<Vec<u8>> = ["a.patchcore", "b.patchcore"]
        .iter()
        .map(|name| {
            patchcore(["extend", &model, "--data", &more, "--reproducible", "-o", &place.text(name)]).done();
            fs::read(place.path(name)).unwrap()
        })
        .collect();
    assert!(made[0] == made[1]);
    let text = inspected(&place.text("a.patchcore")).to_string();
    assert!(!text.contains("UTC") && !text.contains(&place.text("more")), "{text}");
}
