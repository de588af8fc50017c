//! `patchcore demo`: the whole main job from the program alone.

use std::fs;

use serde_json::Value;

use crate::program::{Workplace, csv_rows, patchcore};

#[test]
fn the_demo_does_the_whole_job_and_can_be_run_again() {
    let place = Workplace::new();
    let out = place.path("out");
    // The second run meets the first one's photos, model and results.
    for _ in 0..2 {
        let run = patchcore(["demo", "-o", &place.text("out")]).done();
        for needle in ["EfficientNet-Lite0", "metrics.json", "scores.csv", "overlays", "patchcore fit"] {
            assert!(run.stdout.contains(needle), "{needle}: {}", run.stdout);
        }
        assert!(run.stderr.contains("24 photos") && run.stderr.contains("MiB"), "{}", run.stderr);
        check_metrics(&serde_json::from_slice(&fs::read(out.join("metrics.json")).unwrap()).unwrap());
    }

    let rows = csv_rows(&fs::read_to_string(out.join("scores.csv")).unwrap());
    assert_eq!(rows.len(), 35);
    for row in &rows {
        assert!(row["score"].parse::<f32>().unwrap() > 0.0, "{row:?}");
        let area = row["aupimo"].parse::<f64>();
        assert_eq!(area.is_ok_and(|area| (0.0..=1.0).contains(&area)), &row["label"] == "1", "{row:?}");
        assert_eq!(&row["label"], if &row["kind"] == "good" { "0" } else { "1" });
        let name = row["image_path"].rsplit('/').next().unwrap();
        let overlay = image::open(out.join("overlays").join(&row["kind"]).join(format!("{name}.overlay.png"))).unwrap();
        assert!(overlay.width() >= 256 && overlay.height() >= 128);
    }
    let stays = |text: &str| text.contains(".part");
    assert!(!crate::program::entries(&out).iter().any(|name| stays(name)));
}

fn check_metrics(metrics: &Value) {
    for key in [
        "image_auroc",
        "image_ap",
        "image_f1_max",
        "pixel_auroc",
        "pixel_ap",
        "pixel_f1_max",
        "aupro_0.3",
        "aupro_0.05",
        "aupimo",
    ] {
        let value = metrics[key].as_f64().unwrap_or_else(|| panic!("{key}: {metrics:#}"));
        assert!((0.0..=1.0).contains(&value), "{key}: {value}");
        for (kind, of_kind) in metrics["kinds"].as_object().unwrap() {
            assert!(of_kind[key].is_f64(), "{key} of {kind}");
        }
    }
    assert_eq!((metrics["n_normal"].as_u64(), metrics["n_anomalous"].as_u64()), (Some(10), Some(25)));
    assert_eq!(metrics["n_failed"], 0);
    assert!(metrics["image_auroc"].as_f64().unwrap() >= 0.98, "{metrics:#}");
    assert!(metrics["pixel_auroc"].as_f64().unwrap() >= 0.9, "{metrics:#}");
    for stage in ["load", "scoring", "metrics", "overlays"] {
        assert!(metrics["seconds"][stage].as_f64().unwrap() >= 0.0, "{stage}");
    }
    let kinds: Vec<&String> = metrics["kinds"].as_object().unwrap().keys().collect();
    assert_eq!(kinds, ["chip", "dent", "missing_hole", "scratch", "stain"]);
}

#[test]
fn the_photos_alone_are_unpacked_at_once() {
    let place = Workplace::new();
    let run = patchcore(["demo", "--photos-only", "-o", &place.text("out")]).done();
    assert!(run.stdout.contains("flange") && !run.stdout.contains("network"), "{run:#?}");
    assert_eq!(crate::program::entries(&place.path("out")), ["flange"]);
    assert_eq!(crate::program::entries(&place.path("out/flange/train/good")).len(), 24);
}

#[test]
fn a_file_where_the_demo_should_go_is_named() {
    let place = Workplace::new();
    fs::write(place.path("taken"), "x").unwrap();
    patchcore(["demo", "-o", &place.text("taken")]).fails(&[&place.text("taken"), "folder"]);
}
