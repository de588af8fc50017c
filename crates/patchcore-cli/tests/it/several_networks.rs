//! Models of several networks, and of several sets of levels of one: every command works with them, and says whose weights it lacks.

use std::fs;

use patchcore_testing::resnet18;
use serde_json::Value;

use crate::photos::{category, good_folder, photo, save};
use crate::program::{Run, Workplace, csv_rows, entries, patchcore, small_fit};

const TWO: [&str; 4] = ["--backbone", "efficientnet_lite0", "--backbone", "resnet18"];
/// One network, tapped twice.
const TWO_SETS: [&str; 4] = ["--layers", "efficientnet_lite0=block4,block7", "--layers", "efficientnet_lite0=block4"];

fn fit(place: &Workplace, model: &str, more: &[&str]) -> Run {
    let arguments = small_fit(&place.path("part"), &place.path(model));
    patchcore(arguments.into_iter().chain(more.iter().map(|word| (*word).to_owned())))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Fits with both networks, the second one's weights from a file, and takes the model through whatever reads one.
#[test]
fn every_command_works_with_two_networks() {
    let Some(weights) = resnet18() else { return };
    let place = Workplace::new();
    category(&place.path("part"));
    let file = weights.display().to_string();
    // A file without a name is the one network's that lacks weights.
    let two = [&TWO[..], &["--weights", &file]].concat();
    let fitted = fit(&place, "m.patchcore", &[&two[..], &["--embed-weights"]].concat()).done();
    for said in ["of 120, 144, 384 and 448 values", "efficientnet_lite0 + resnet18: ", "multiply-adds a photo"] {
        assert!(fitted.stderr.contains(said), "{said}: {}", fitted.stderr);
    }
    assert!(fitted.stdout.contains("mode line, backbone efficientnet_lite0 + resnet18, "), "{}", fitted.stdout);
    assert!(fitted.stdout.contains("memory banks ") && fitted.stdout.contains(" x 448, mode"), "{}", fitted.stdout);
    let model = place.text("m.patchcore");

    let shown = patchcore(["inspect", &model]).done().stdout;
    for network in ["efficientnet_lite0, layers block4, block7", "resnet18, layers layer2, layer3", "embedded"] {
        assert!(shown.contains(network), "{network}: {shown}");
    }
    let inspected = json(&patchcore(["inspect", &model, "--format", "json"]).done().stdout);
    let names: Vec<&str> =
        inspected["networks"].as_array().unwrap().iter().map(|network| network["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["efficientnet_lite0", "resnet18"]);

    patchcore(["audit", "--model", &model]).done();
    patchcore(["calibrate", "--model", &model, "--good", &place.text("part/test/good"), "--fpr", "0.6"]).done();
    let folder = place.text("part");
    patchcore([
        "calibrate",
        "--model",
        &model,
        "--good",
        &place.text("part/train/good"),
        "--cross-fit",
        "2",
        "--fpr",
        "0.5",
        "--force",
    ])
    .done();
    let photo = first(&place, "part/test/spot");
    let (overlays, explain, maps) = (place.text("overlays"), place.text("explain"), place.text("maps"));
    let score = [
        "score",
        "--model",
        &model,
        "--overlays",
        &overlays,
        "--explain",
        &explain,
        "--maps",
        &maps,
        "--format",
        "csv",
        &photo,
    ];
    let rows = csv_rows(&patchcore(score).done().stdout);
    let bank: usize = rows[0]["nearest_good_bank"].parse().unwrap();
    assert!((1..=4).contains(&bank) && !rows[0]["nearest_good"].is_empty(), "{rows:?}");
    assert_eq!((entries(&place.path("overlays")).len(), entries(&place.path("maps")).len()), (1, 1));

    let results = place.text("results");
    let evaluated = patchcore([
        "evaluate",
        "--model",
        &model,
        "--data",
        &folder,
        "-o",
        &results,
        "--stress",
        "--stress-photos",
        "1",
        "--authors-normalization",
    ])
    .done();
    assert!(evaluated.stdout.contains("this combination has seen the test set"), "{}", evaluated.stdout);
    let metrics = json(&fs::read_to_string(place.path("results/metrics.json")).unwrap());
    assert_eq!(metrics["model"]["backbone"], "efficientnet_lite0 + resnet18");
    let (own, theirs) = (&metrics["image_auroc"], &metrics["authors_normalization"]["image_auroc"]);
    assert!(own.is_number() && theirs.is_number(), "{metrics}");
    assert!(metrics["authors_normalization"]["kinds"].as_object().is_some_and(|kinds| kinds.len() == 1));
    let report = fs::read_to_string(place.path("results/report.html")).unwrap();
    assert!(report.contains("has seen the test set") && report.contains("by the test set"), "no section");
    let again = place.text("again");
    patchcore(["evaluate", "--from", &place.text("results/run.json"), "-o", &again]).done();
    let repeated = json(&fs::read_to_string(place.path("again/metrics.json")).unwrap());
    assert_eq!(repeated["authors_normalization"], metrics["authors_normalization"]);

    // Against a model of one network.
    fit(&place, "one.patchcore", &[]).done();
    let of_one = place.text("of_one");
    patchcore([
        "evaluate",
        "--model",
        &place.text("one.patchcore"),
        "--data",
        &folder,
        "-o",
        &of_one,
        "--no-report",
        "--no-overlays",
    ])
    .done();
    patchcore(["compare", &results, &of_one, "-o", &place.text("comparison.html")]).done();
    let one = json(&fs::read_to_string(place.path("of_one/metrics.json")).unwrap());
    assert_ne!(one["model"]["weights_sha256"], metrics["model"]["weights_sha256"]);
    assert!(one.get("authors_normalization").is_none());
    let alone = [
        "evaluate",
        "--model",
        &place.text("one.patchcore"),
        "--data",
        &folder,
        "-o",
        &of_one,
        "--map-geometry",
        "original",
        "--authors-normalization",
    ];
    patchcore(alone).misused(&["--authors-normalization", "--map-geometry"]);
    patchcore(["doctor", "--model", &model, "--device", "cpu"]).done();
}

/// The only entry of a folder that comes first.
fn first(place: &Workplace, folder: &str) -> String {
    place.path(folder).join(&entries(&place.path(folder))[0]).display().to_string()
}

#[test]
fn weights_are_given_to_each_network_by_name() {
    let Some(weights) = resnet18() else { return };
    let place = Workplace::new();
    good_folder(&place.path("part"), 2);
    save(&place.path("new.png"), photo(112, 80, 9, true));
    let copy = place.text("moved.onnx");
    fs::copy(&weights, &copy).unwrap();
    fit(&place, "m.patchcore", &TWO).fails(&["no weights for resnet18", "--weights NAME=FILE"]);
    let named = format!("resnet18={copy}");
    fit(&place, "m.patchcore", &[&TWO[..], &["--weights", &named]].concat()).done();
    let (model, new) = (place.text("m.patchcore"), place.text("new.png"));
    // From where the fit was given them, then from nowhere, then by name and without one.
    let expected = patchcore(["score", "--model", &model, &new]).done().stdout;
    fs::remove_file(&copy).unwrap();
    patchcore(["score", "--model", &model, &new]).fails(&["no weights for resnet18", "NAME=FILE"]);
    let file = weights.display().to_string();
    let named = format!("resnet18={file}");
    for given in [&file, &named] {
        assert_eq!(patchcore(["score", "--model", &model, "--weights", given, &new]).done().stdout, expected);
    }
    let strange = format!("resnet50={file}");
    let refused = patchcore(["score", "--model", &model, "--weights", &strange, &new]);
    refused.fails(&["given for resnet50", "efficientnet_lite0, resnet18"]);
    // With all weights inside nobody lacks any.
    fit(&place, "whole.patchcore", &[&TWO[..], &["--weights", &named, "--embed-weights"]].concat()).done();
    let whole = place.text("whole.patchcore");
    assert_eq!(patchcore(["score", "--model", &whole, &new]).done().stdout, expected);
    patchcore(["score", "--model", &whole, "--weights", &file, &new])
        .fails(&["none of efficientnet_lite0, resnet18 lacks weights", "--weights NAME=FILE"]);
    // A file of options has a list of networks and of files.
    let toml = format!("[fit]\nbackbone = [\"efficientnet_lite0\", \"resnet18\"]\nweights = [{named:?}]\n");
    fs::write(place.path("options.toml"), toml).unwrap();
    let fitted = fit(&place, "file.patchcore", &["--config", &place.text("options.toml")]).done();
    assert!(fitted.stdout.contains("efficientnet_lite0 + resnet18"), "{}", fitted.stdout);
}

#[test]
fn sets_of_levels_of_one_network_are_members_that_share_it() {
    let place = Workplace::new();
    good_folder(&place.path("part"), 3);
    save(&place.path("new.png"), photo(112, 80, 9, true));
    let fitted = fit(&place, "m.patchcore", &TWO_SETS).done();
    assert!(fitted.stdout.contains("mode line, backbone efficientnet_lite0, "), "{}", fitted.stdout);
    let model = place.text("m.patchcore");
    let inspected = json(&patchcore(["inspect", &model, "--format", "json"]).done().stdout);
    assert_eq!(inspected["networks"].as_array().unwrap().len(), 1, "it runs once");
    assert_eq!(inspected["config"]["members"].as_array().unwrap().len(), 4);
    patchcore(["score", "--model", &model, &place.text("new.png")]).done();
    // In a published mode each is a member, and the mix is named.
    let mixed = [&TWO_SETS[..], &["--mode", "paper"]].concat();
    let fitted = fit(&place, "mixed.patchcore", &mixed).done();
    assert!(fitted.stdout.contains("mode line with level_scaling of member 2 none"), "{}", fitted.stdout);
    let three = ["--mode", "authors", "--layers", "efficientnet_lite0=block2"];
    let fitted = fit(&place, "three.patchcore", &[&TWO_SETS[..], &three].concat()).done();
    let name = "mode authors with image_score maximum_of_map, weighting good_patches, weighting of member 2 good_patches, weighting \
                of member 3 good_patches";
    assert!(fitted.stdout.contains(name), "{}", fitted.stdout);
    // Means over several neighbours, as the authors' segmentation ensemble has them.
    let several = [&TWO_SETS[..], &["--mode", "authors", "--num-neighbors", "3"]].concat();
    let fitted = fit(&place, "means.patchcore", &several).done();
    assert!(fitted.stdout.contains("authors with image_score maximum_of_map_of_means"), "{}", fitted.stdout);
    patchcore(["score", "--model", &place.text("means.patchcore"), &place.text("new.png")]).done();
}

#[test]
fn what_does_not_fit_several_networks_is_refused_by_name() {
    let place = Workplace::new();
    good_folder(&place.path("part"), 2);
    let bare = [&TWO[..], &["--layers", "layer2,layer3"]].concat();
    fit(&place, "m.patchcore", &bare)
        .misused(&["--layers is layer2,layer3 for 2 networks", "--layers efficientnet_lite0="]);
    fit(&place, "m.patchcore", &["--layers", "resnet18=layer2"])
        .misused(&["resnet18", "none of the networks: efficientnet_lite0"]);
    let rule = [&TWO_SETS[..], &["--mode", "paper", "--rule", "image_score=reweighted"]].concat();
    fit(&place, "m.patchcore", &rule).misused(&["reweighted for 2 members", "maximum_of_map"]);
    let neighbours = [&TWO_SETS[..], &["--mode", "paper", "--num-neighbors", "3"]].concat();
    fit(&place, "m.patchcore", &neighbours).misused(&["--num-neighbors is 3 with the map's maximum"]);
    for beside in [["--mode", "paper"], ["--backbone", "resnet18"], ["--size", "64x64"]] {
        let mut words = vec!["fit", "--data", "part", "-o", "m.patchcore", "--preset", "authors-ensemble"];
        words.extend(beside);
        patchcore(words).ends(2, &["--preset", beside[0]]);
    }
    let preset =
        ["fit", "--data", &place.text("part"), "-o", &place.text("m.patchcore"), "--preset", "authors-ensemble"];
    patchcore(preset).fails(&["no weights for wide_resnet101_2"]);
}
