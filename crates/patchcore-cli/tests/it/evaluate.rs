//! `patchcore evaluate`: one bad file never stops a run, and what is not defined is absent, not NaN.

use std::fs;
use std::path::Path;

use image::GrayImage;
use serde_json::Value;

use crate::photos::{HEIGHT, WIDTH, category, photo, save, truncate};
use crate::program::{Row, Run, Workplace, command, csv_rows, entries, finish, patchcore, small_fit};

/// A category and a model of it.
fn fitted() -> Workplace {
    let place = Workplace::new();
    category(&place.path("part"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    place
}

fn evaluate(place: &Workplace) -> Run {
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out])
}

fn metrics(place: &Workplace) -> Value {
    let text = fs::read_to_string(place.path("out/metrics.json")).unwrap();
    assert!(!text.contains("NaN") && !text.contains("null"), "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The rows of scores.csv.
fn rows(place: &Workplace) -> Vec<Row> {
    csv_rows(&fs::read_to_string(place.path("out/scores.csv")).unwrap())
}

fn row(place: &Workplace, path: &str) -> Row {
    rows(place).into_iter().find(|row| &row["image_path"] == path).unwrap_or_else(|| panic!("no row for {path}"))
}

#[test]
fn a_good_test_set_gives_all_metrics_and_pictures() {
    let place = fitted();
    let run = evaluate(&place).done();
    assert!(run.stdout.contains("im.AUROC") && run.stdout.contains("spot"), "{}", run.stdout);
    let metrics = metrics(&place);
    assert_eq!(metrics["image_auroc"], 1.0, "{metrics:#}");
    assert!(metrics["pixel_auroc"].as_f64().unwrap() > 0.9, "{metrics:#}");
    assert_eq!(metrics["kinds"]["spot"]["n_anomalous"], 3);
    assert_eq!(metrics["model"]["mode"], "line");
    // Counts over all and per kind; scores.csv has the worst place of each defective photo.
    assert_eq!((&metrics["found"]["count"], &metrics["found"]["of"]), (&3.into(), &3.into()));
    assert_eq!((&metrics["false_alarms"]["count"], &metrics["false_alarms"]["of"]), (&0.into(), &3.into()));
    let on_defect = rows(&place).iter().filter(|row| &row["worst_on_defect"] == "1").count();
    for set in [&metrics, &metrics["kinds"]["spot"]] {
        assert_eq!((&set["worst_on_defect"]["count"], &set["worst_on_defect"]["of"]), (&on_defect.into(), &3.into()));
    }
    for row in rows(&place) {
        assert_eq!(row["worst_on_defect"].is_empty(), &row["label"] == "0", "{row:?}");
    }
    // Photos so small resolve no rate of 1e-5, and a model without a threshold has nothing at one.
    assert!(run.stderr.contains("AUPIMO is not defined: the smallest false-positive rate"), "{}", run.stderr);
    assert!(fs::read_to_string(place.path("out/report.html")).unwrap().contains("AUPIMO is not defined"));
    for key in ["aupimo", "image_f1", "region_recall", "regions_found"] {
        assert!(metrics.get(key).is_none(), "{key}: {metrics:#}");
    }
    assert!(rows(&place).len() == 6 && rows(&place).iter().all(|row| row["aupimo"].is_empty()));
    assert_eq!(
        entries(&place.path("out")),
        ["metrics.json", "overlays", "replicates.json", "report.html", "run.json", "scores.csv"]
    );
    assert_eq!(
        entries(&place.path("out/overlays/spot")),
        ["000.png", "001.png", "002.png"].map(|name| format!("{name}.overlay.png"))
    );

    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("bare"));
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays", "--no-report"]).done();
    assert_eq!(entries(&place.path("bare")), ["metrics.json", "replicates.json", "run.json", "scores.csv"]);
    // And what an evaluation with intervals left does not stay beside one without.
    let bare = ["--no-overlays", "--no-report", "--no-intervals"];
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out].into_iter().chain(bare)).done();
    assert_eq!(entries(&place.path("bare")), ["metrics.json", "run.json", "scores.csv"]);
}

#[test]
fn unreadable_images_have_a_row_with_their_error_and_the_rest_is_scored() {
    let place = fitted();
    truncate(&place.path("part/test/spot/001.png"));
    fs::write(place.path("part/test/good/000.png"), "").unwrap();
    let run = evaluate(&place).ends(3, &["test/spot/001.png", "truncated", "copy the file again", "test/good/000.png"]);
    assert!(run.stdout.contains("all"), "{}", run.stdout);
    let metrics = metrics(&place);
    assert_eq!(metrics["n_failed"], 2);
    assert_eq!((metrics["n_normal"].as_u64(), metrics["n_anomalous"].as_u64()), (Some(2), Some(2)));
    assert!(metrics["image_auroc"].is_f64() && metrics["aupro_0.3"].is_f64());
    let rows = rows(&place);
    assert_eq!(rows.len(), 6);
    assert_eq!(rows.iter().filter(|row| row["score"].parse::<f32>().is_ok() && row["error"].is_empty()).count(), 4);
    let failed = row(&place, "test/spot/001.png");
    assert_eq!((&failed["kind"], &failed["label"], &failed["score"]), ("spot", "1", ""));
    assert!(failed["error"].contains("truncated"), "{failed:?}");
    assert!(row(&place, "test/good/000.png")["error"].contains("0 bytes"));
}

#[test]
fn masks_that_are_missing_or_misfit_leave_the_pixel_metrics_only() {
    let place = fitted();
    fs::remove_file(place.path("part/ground_truth/spot/000_mask.png")).unwrap();
    save(&place.path("part/ground_truth/spot/001_mask.png"), GrayImage::new(50, 40));
    evaluate(&place).ends(3, &["ground_truth/spot/000_mask.png", "001_mask.png", "50x40", "112x80"]);
    let metrics = metrics(&place);
    assert_eq!((metrics["n_failed"].as_u64(), metrics["n_without_mask"].as_u64()), (Some(0), Some(2)));
    assert_eq!(metrics["n_anomalous"], 3);
    assert!(metrics["pixel_auroc"].is_f64(), "one mask is left: {metrics:#}");
    for (path, error) in [("test/spot/000.png", "no mask"), ("test/spot/001.png", "export the mask")] {
        let row = row(&place, path);
        assert!(row["score"].parse::<f32>().is_ok() && row["error"].contains(error), "{row:?}");
    }
    // Without any mask at all the image metrics stay.
    fs::remove_dir_all(place.path("part/ground_truth")).unwrap();
    let run = evaluate(&place).done();
    assert!(run.stderr.contains("the test set has no masks: pixel metrics are not defined"), "{}", run.stderr);
    assert!(!run.stderr.contains("spot/00"), "a line a photo: {}", run.stderr);
    let metrics = self::metrics(&place);
    assert!(metrics["image_auroc"].is_f64() && metrics.get("pixel_auroc").is_none(), "{metrics:#}");
}

#[test]
fn a_test_set_of_good_images_has_scores_but_no_metrics() {
    let place = fitted();
    fs::remove_dir_all(place.path("part/test/spot")).unwrap();
    let run = evaluate(&place).done();
    assert!(!run.stdout.contains("NaN"), "{}", run.stdout);
    let metrics = metrics(&place);
    for key in ["image_auroc", "image_ap", "image_f1_max", "pixel_auroc", "pixel_ap", "aupro_0.3", "aupro_0.05"] {
        assert!(metrics.get(key).is_none(), "{key}: {metrics:#}");
    }
    assert_eq!((metrics["n_normal"].as_u64(), metrics["n_anomalous"].as_u64()), (Some(3), Some(0)));
    assert_eq!(rows(&place).len(), 3);
}

#[test]
fn a_test_set_that_fails_entirely_still_has_its_rows() {
    let place = fitted();
    for kind in ["good", "spot"] {
        for name in ["000.png", "001.png", "002.png"] {
            fs::write(place.path("part/test").join(kind).join(name), "no photo").unwrap();
        }
    }
    evaluate(&place).ends(3, &["is not an image"]);
    assert_eq!(metrics(&place)["n_failed"], 6);
    assert_eq!(rows(&place).len(), 6);
}

#[test]
fn a_crop_that_hides_defects_is_said() {
    let place = Workplace::new();
    category(&place.path("part"));
    let (data, model) = (place.text("part"), place.text("m.patchcore"));
    let fit = ["fit", "--data", &data, "--resize", "80", "--crop", "16", "--coreset-sampling-ratio", "1", "-o", &model];
    patchcore(fit.into_iter().chain(["--mode", "paper", "--num-neighbors", "3"])).done();
    let said = [
        "3 defective photos show no defective pixel: test/spot/000.png (its 196 defective pixels lie in what the crop",
    ];
    evaluate(&place).ends(0, &said);
    let metrics = metrics(&place);
    assert_eq!(metrics["n_defect_out_of_view"], 3);
    assert_eq!(metrics["hidden_defects"], serde_json::json!({"crop": 3}));
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let place = fitted();
    fs::write(place.path("out"), "a file in the folder's place").unwrap();
    evaluate(&place).fails(&[&place.text("out"), "folder", "check"]);
    assert_eq!(fs::read(place.path("out")).unwrap(), b"a file in the folder's place");

    fs::remove_file(place.path("out")).unwrap();
    fs::create_dir_all(place.path("out/metrics.json/inside")).unwrap();
    evaluate(&place).fails(&[&place.text("out/metrics.json"), "check that the folder exists and is writable"]);
    assert!(!entries(&place.path("out")).iter().any(|name| name.ends_with(".part")));

    fs::remove_dir_all(place.path("out")).unwrap();
    fs::create_dir_all(place.path("out")).unwrap();
    fs::write(place.path("out/overlays"), "x").unwrap();
    evaluate(&place).fails(&[&place.text("out/overlays")]);
    for (option, target) in [("--maps", "taken_maps"), ("--overlays", "taken_overlays")] {
        fs::write(place.path(target), "x").unwrap();
        let (model, photo) = (place.text("m.patchcore"), place.text("part/test/good/000.png"));
        patchcore(["score", "--model", &model, option, &place.text(target), &photo]).fails(&[&place.text(target)]);
    }
}

#[test]
fn folders_that_are_no_test_set_are_named() {
    let place = fitted();
    let run = |data: &Path| {
        let (model, data, out) = (place.text("m.patchcore"), data.display().to_string(), place.text("out"));
        patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out])
    };
    run(&place.path("nowhere")).fails(&[&place.text("nowhere"), "does not exist", "check the path"]);
    save(&place.path("plain/000.png"), photo(64, 64, 0, false));
    run(&place.path("plain")).fails(&[&place.text("plain"), "folder of photos", "test/<kind>/", "name another folder"]);
    save(&place.path("untested/train/good/000.png"), photo(64, 64, 0, false));
    run(&place.path("untested")).fails(&[&place.text("untested"), "no test images", "test/<kind>"]);
    fs::create_dir_all(place.path("hollow/test/good")).unwrap();
    run(&place.path("hollow")).fails(&["hollow", "no images"]);
    run(&place.path("plain/000.png")).fails(&["000.png", "is a file", "expected a folder"]);
}

#[test]
fn a_font_draws_what_the_built_in_one_lacks() {
    let place = fitted();
    save(&place.path("part/test/good/日.png"), photo(WIDTH, HEIGHT, 13, false));
    let (model, data, font) = (place.text("m.patchcore"), place.text("part"), place.text("square.ttf"));
    let evaluate = |out: &str, more: &[&str]| {
        let fixed = ["evaluate", "--model", &model, "--data", &data, "-o", &place.text(out), "--no-report"];
        patchcore([&fixed[..], &["--no-intervals"], more].concat())
    };
    evaluate("plain", &[]).done();
    fs::write(&font, include_bytes!("../../../patchcore-report/tests/it/one_glyph.ttf")).unwrap();
    evaluate("own", &["--font", &font]).done();
    let picture = |out: &str, name: &str| fs::read(place.path(out).join("overlays/good").join(name)).unwrap();
    assert_ne!(picture("plain", "日.png.overlay.png"), picture("own", "日.png.overlay.png"));
    assert_eq!(picture("plain", "000.png.overlay.png"), picture("own", "000.png.overlay.png"));
    // A wrong font is said before the work starts.
    fs::write(&font, "no font").unwrap();
    evaluate("none", &["--font", &font]).fails(&["square.ttf", "expected a TrueType or OpenType font"]);
    evaluate("none", &["--font", &place.text("absent.ttf")]).fails(&["cannot read the font", "absent.ttf"]);
    assert!(!place.path("none").exists());
}

#[test]
fn a_run_is_made_again_from_its_record() {
    let place = fitted();
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    let options = ["--map-geometry", "original", "--no-report", "--stress", "--stress-photos", "2"];
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out].iter().chain(&options)).done();
    let run: Value = serde_json::from_str(&fs::read_to_string(place.path("out/run.json")).unwrap()).unwrap();
    let line: Vec<&str> = run["run"]["command_line"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(line[..2], ["patchcore", "evaluate"]);
    assert!(line.contains(&"original") && line.contains(&"--stress") && !line.contains(&"-o"), "{line:?}");
    assert_eq!((&run["run"]["data"], &run["run"]["geometry"]), (&Value::from(data.as_str()), &Value::from("original")));
    let again = place.text("again");
    let record = place.text("out/run.json");
    patchcore(["evaluate", "--from", &record, "-o", &again]).done();
    let without_times = |folder: &str, name: &str| {
        let text = fs::read_to_string(place.path(folder).join(name)).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        let object = value.as_object_mut().unwrap();
        assert!(object.remove("seconds").is_some());
        assert!(object["run"].as_object_mut().unwrap().remove("written").is_some());
        value
    };
    for name in ["metrics.json", "run.json", "stress.json"] {
        assert_eq!(without_times("out", name), without_times("again", name), "{name}");
    }
    assert_eq!(entries(&place.path("out")), entries(&place.path("again")));
    let scores = |folder: &str| fs::read_to_string(place.path(folder).join("scores.csv")).unwrap();
    assert_eq!(scores("out"), scores("again"));
    // What is given beside it, is no run, or is of another model is refused.
    let equals = format!("--from={record}");
    let before = scores("again");
    for (options, named) in [
        (&["--model", &model][..], "--model"),
        (&["--no-overlays"], "--no-overlays"),
        (&["--map-geometry=input"], "--map-geometry"),
    ] {
        let line = ["evaluate", &equals, "-o", &again];
        patchcore(line.iter().chain(options)).misused(&[
            &format!("{named} cannot be given beside --from"),
            "run.json",
            "leave it out",
            "--data",
        ]);
    }
    let help = patchcore(["evaluate", "--from", &place.text("nowhere.json"), "--help"]).done().stdout;
    assert_eq!(help, patchcore(["evaluate", "--help"]).done().stdout);
    // A record that says where to write, or to replace files, is not of this program.
    for bad in [&["--force"][..], &["-o", "elsewhere"], &["--output", "elsewhere"], &["--from", "other"], &["--data"]] {
        let mut other = run.clone();
        let line = other["run"]["command_line"].as_array_mut().unwrap();
        line.extend(bad.iter().map(|word| Value::from(*word)));
        fs::write(place.path("other.json"), other.to_string()).unwrap();
        patchcore(["evaluate", "--from", &place.text("other.json"), "-o", &place.text("third")])
            .fails(&["other.json", bad[0]]);
    }
    assert!(!place.path("third").exists() && !Path::new("elsewhere").exists());
    assert_eq!(scores("again"), before);
    // The folder's name is no command, and short options may share a word.
    let line = ["-v", "evaluate", "-o", "evaluate", "--from", &record, "--force"];
    finish(command().current_dir(place.path("")).args(line)).done();
    patchcore(["evaluate", "--from", &record, &format!("-vo{}", place.text("evaluate"))]).done();
    assert_eq!(scores("evaluate"), before);
    patchcore(["evaluate", "--from", &place.text("out/scores.csv"), "-o", &again])
        .fails(&["scores.csv", "no run.json"]);
    patchcore(["evaluate", "--from", &place.text("nowhere.json"), "-o", &again])
        .fails(&["nowhere.json", "cannot read"]);
    patchcore(["calibrate", "--model", &model, "--manual", "2.5"]).done();
    patchcore(["evaluate", &equals, "-o", &again]).misused(&["is not the model of", "SHA-256"]);
}
