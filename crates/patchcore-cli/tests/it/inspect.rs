//! `patchcore inspect`, `devices` and `completions`: what the program says about models, the machine and itself.

use serde_json::Value;

use crate::photos::good_folder;
use crate::program::{Workplace, command, finish, patchcore, small_fit};

#[test]
fn inspect_says_what_a_model_was_made_of() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 4);
    let fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    patchcore(fit.into_iter().chain(["--mode", "paper", "--seed", "3"].map(str::to_owned))).done();
    let model = place.text("m.patchcore");
    let table = patchcore(["inspect", &model]).done().stdout;
    for needle in [
        "paper",
        "efficientnet_lite0",
        "sha256",
        "64 x 64",
        "no crop",
        "3 x 3 cells, mean of each of 120 channels",
        "64 rows x 120 f32",
        "4 photos, 256 patches, device cpu",
        "coreset ratio 0.25",
        "seed          3",
        "version 3",
        env!("CARGO_PKG_VERSION"),
    ] {
        assert!(table.contains(needle), "{needle}: {table}");
    }
    let json: Value = serde_json::from_str(&patchcore(["inspect", &model, "--format", "json"]).done().stdout).unwrap();
    assert_eq!((json["bank_rows"].as_u64(), json["bank_dim"].as_u64()), (Some(64), Some(120)));
    assert_eq!((json["mode"].as_str(), json["config"]["distance"].as_str()), (Some("paper"), Some("l2")));
    assert_eq!(json["config"]["seed"], 3);
    assert_eq!(json["config"]["num_neighbors"], 9);
    assert_eq!((json["format_version"].as_u64(), json["has_weights"].as_bool()), (Some(3), Some(false)));
    let member = &json["config"]["members"][0];
    assert_eq!((&member["embedding"], &member["patch_size"]), (&"concatenate".into(), &3.into()));
    assert_eq!(json["fitted_on"]["images"], 4);
    let sections = &json["sections"];
    assert_eq!(sections["photos"].as_array().unwrap().len(), 4);
    assert!(sections["photos"][2]["name"].as_str().unwrap().ends_with("002.png"));
    assert_eq!((&sections["fit"]["device"], &sections["good_quantiles"]["photos"]), (&"cpu".into(), &4.into()));
    assert_eq!(json["requires"], serde_json::json!(["rules", "view"]));
    assert_eq!(json["networks"][0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(json["computed_sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn inspect_shows_embedded_weights_crops_and_the_authors_knobs() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 2);
    let (data, model) = (place.text("photos"), place.text("m.patchcore"));
    let options = ["--mode", "authors", "--resize", "72", "--crop", "64", "--embed-weights"];
    let ensemble = ["--patch-size", "5", "--target-embed-dimension", "384"];
    patchcore(["fit", "--data", &data, "-o", &model].into_iter().chain(options).chain(ensemble)).done();
    let table = patchcore(["inspect", &model]).done().stdout;
    for needle in [
        "authors with patch_size 5, embedding adaptive_pool to 1024, then 384",
        "embedded",
        "short side to 72, centre crop 64 x 64",
        "5 x 5 cells, pooled to 1024, then 384 values",
        "x 384 f32",
    ] {
        assert!(table.contains(needle), "{needle}: {table}");
    }
}

#[test]
fn devices_lists_the_cpu_and_how_to_get_the_rest() {
    let table = patchcore(["devices"]).done().stdout;
    assert!(table.lines().any(|line| line.starts_with("cpu") && line.contains("ready")), "{table}");
    #[cfg(not(feature = "cuda"))]
    assert!(table.contains("--features cuda"), "{table}");
    let json: Value = serde_json::from_str(&patchcore(["devices", "--format", "json"]).done().stdout).unwrap();
    let devices = json["devices"].as_array().unwrap();
    let state = |name: &str| &devices.iter().find(|device| device["name"] == name).unwrap()["state"]["state"];
    assert_eq!(state("cpu"), "present", "{json:#}");
    #[cfg(not(feature = "cuda"))]
    assert_eq!(state("cuda"), "not_compiled_in", "{json:#}");
    assert!(json["threads"].as_u64().unwrap() >= 1);
}

#[test]
fn the_log_says_more_on_request_and_survives_wrong_wishes() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 2);
    let fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    patchcore(fit.iter().map(String::as_str).chain(["-v"])).done();
    for wish in ["debug", "patchcore=[[[", ""] {
        finish(command().env("PATCHCORE_LOG", wish).args(&fit)).done();
    }
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = patchcore(["completions", shell]).done().stdout;
        assert!(script.contains("patchcore") && script.contains("evaluate"), "{shell}");
    }
    patchcore(["completions", "tcsh"]).ends(2, &["tcsh", "bash"]);
}
