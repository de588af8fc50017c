//! `fit --network-precision`: a model of int8 is the same file in every set of instructions and on any number of threads, and says what it is.

use serde_json::Value;

use crate::photos::{good_folder, photo, save};
use crate::program::{Run, Workplace, patchcore, small_fit};

const INT8: [&str; 2] = ["--network-precision", "int8"];

fn sets() -> Vec<String> {
    let said: Value = serde_json::from_str(&patchcore(["devices", "--format", "json"]).done().stdout).unwrap();
    let sets = said["instructions"]["available"].as_array().unwrap();
    sets.iter().map(|set| set.as_str().unwrap().to_owned()).collect()
}

fn fit(place: &Workplace, model: &str, more: &[&str]) -> Run {
    let arguments = small_fit(&place.path("photos"), &place.path(model));
    patchcore(arguments.into_iter().chain(more.iter().map(|word| (*word).to_owned())))
}

/// What a line may send and the fit has not seen: a defect, white, black, and the same white in 16 bits.
fn unseen(place: &Workplace) -> Vec<String> {
    let white: Vec<u16> = vec![u16::MAX; 112 * 80];
    save(&place.path("defect.png"), photo(112, 80, 40, true));
    save(&place.path("white.png"), image::GrayImage::from_pixel(112, 80, image::Luma([255])));
    save(&place.path("black.png"), image::RgbImage::new(112, 80));
    let deep: image::ImageBuffer<image::Luma<u16>, _> = image::ImageBuffer::from_raw(112, 80, white).unwrap();
    save(&place.path("white16.png"), deep);
    ["defect.png", "white.png", "black.png", "white16.png"].map(|name| place.text(name)).into()
}

#[test]
fn the_model_and_its_scores_and_maps_are_the_same_bits_in_every_set_and_on_any_number_of_threads() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 5);
    let photos = unseen(&place);
    let (mut model, mut scored) = (None, None);
    for set in sets() {
        for threads in ["1", "2"] {
            let force = ["--instructions", &set, "--threads", threads, "--reproducible", "--force"];
            fit(&place, "m.patchcore", &[&INT8[..], &force].concat()).done();
            let bytes = std::fs::read(place.path("m.patchcore")).unwrap();
            assert!(*model.get_or_insert_with(|| bytes.clone()) == bytes, "{set}, {threads} threads: another model");
            let maps = place.text("maps");
            let mut score = vec!["score", "--model"];
            let file = place.text("m.patchcore");
            score.extend([&file, "--instructions", &set, "--threads", threads, "--maps", &maps]);
            score.extend(["--map-format", "npy", "--force"]);
            score.extend(photos.iter().map(String::as_str));
            let rows = patchcore(score).done().stdout;
            let mut files: Vec<_> = std::fs::read_dir(&maps).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            let maps: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
            assert_eq!(maps.len(), photos.len());
            let (of_first, maps_of_first) = scored.get_or_insert_with(|| (rows.clone(), maps.clone()));
            assert_eq!(*of_first, rows, "{set}, {threads} threads");
            assert!(*maps_of_first == maps, "{set}, {threads} threads: other maps");
        }
    }
}

#[test]
fn a_model_of_int8_says_so_and_one_of_f32_is_as_it_was() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 4);
    let said = fit(&place, "int8.patchcore", &INT8).done();
    assert!(said.stderr.contains("a network of int8: its maps' ranges come first, from up to 64 photos"), "{said:#?}");
    assert!(
        said.stdout.contains("mode line with network_precision int8, backbone efficientnet_lite0, ranges "),
        "{}",
        said.stdout
    );
    // A rule says the same of all networks.
    let of_rule = fit(&place, "rule.patchcore", &["--rule", "network_precision=int8"]).done();
    assert!(of_rule.stderr.contains("a network of int8: "), "{of_rule:#?}");
    assert!(of_rule.stdout.contains("mode line with network_precision int8, backbone"), "{}", of_rule.stdout);
    let f32 = fit(&place, "f32.patchcore", &[]).done();
    assert!(!f32.stdout.contains("ranges") && !f32.stderr.contains("int8"), "{f32:#?}");
    let inspect =
        |model: &str, format: &str| patchcore(["inspect", &place.text(model), "--format", format]).done().stdout;
    let table = inspect("int8.patchcore", "table");
    for needle in ["layers block4, block7, in int8", "int8 ranges", " maps, from "] {
        assert!(table.contains(needle), "{needle}: {table}");
    }
    let json: Value = serde_json::from_str(&inspect("int8.patchcore", "json")).unwrap();
    let ranges = &json["activation_ranges"][0];
    let number = |key: &str| ranges[key].as_f64().unwrap();
    assert!(number("channels") > number("maps") && number("maps") > 10.0, "{ranges}");
    assert!(number("lowest") < 0.0 && number("highest") >= number("median_highest"), "{ranges}");
    assert!(json["requires"].as_array().unwrap().contains(&"network_precision".into()));
    assert!(json["config"]["members"].as_array().unwrap().iter().all(|member| member["network_precision"] == "int8"));
    let text = inspect("f32.patchcore", "json") + &inspect("f32.patchcore", "table");
    assert!(!text.contains("network_precision") && !text.contains("int8") && !text.contains("activation"), "{text}");
    // By hand: what one instruction of a set multiplies.
    let said: Value = serde_json::from_str(&patchcore(["devices", "--format", "json"]).done().stdout).unwrap();
    let products = match said["instructions"]["used"].as_str().unwrap() {
        "avx_vnni" | "avx512_vnni" | "neon_dot" => "products of four bytes",
        "amx" => "products of matrices of bytes",
        _ => "products of two 16-bit numbers",
    };
    assert_eq!(said["instructions"]["int8"], products);
    let devices = patchcore(["devices"]).done().stdout;
    let end = format!("; an int8 network by {products}");
    assert!(devices.lines().any(|line| line.starts_with("cpu") && line.ends_with(&end)), "{end}: {devices}");
}

#[test]
fn a_precision_of_the_device_is_refused_beside_it_and_a_file_of_options_may_say_it() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 4);
    for precision in ["f16", "bf16", "tf32", "auto"] {
        let refused = fit(&place, "m.patchcore", &[&INT8[..], &["--precision", precision]].concat());
        refused.misused(&[&format!("--precision {precision} is how a device computes"), "--network-precision int8"]);
    }
    let refused = fit(&place, "m.patchcore", &["--rule", "network_precision=int8", "--precision", "auto"]);
    refused.misused(&["--precision auto is how a device computes", "--rule network_precision=int8"]);
    fit(&place, "m.patchcore", &["--network-precision", "int4"]).misused(&["'int4'", "f32, bf16, int8"]);
    std::fs::write(place.path("line.toml"), "[fit]\nnetwork-precision = \"int8\"\n").unwrap();
    fit(&place, "m.patchcore", &["--config", &place.text("line.toml")]).done();
    let model = place.text("m.patchcore");
    assert!(patchcore(["inspect", &model]).done().stdout.contains(", in int8"));
    // Scoring in another number format: the model says which it is, and the choice among several is none.
    let score =
        |precision: &str| patchcore(["score", "--model", &model, "--precision", precision, &place.text("photos")]);
    let (computes, hint) = ("the model's network computes in int8 on every device", "leave `--precision` out");
    score("bf16").fails(&[computes, "this one is to compute in bf16", hint]);
    score("auto").fails(&[computes, "there is no precision to choose", hint]);
}

#[test]
fn bf16_fits_and_scores_too() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 4);
    let said = fit(&place, "m.patchcore", &["--network-precision", "bf16"]).done();
    assert!(said.stderr.contains("a network of bf16") && !said.stdout.contains("ranges"), "{said:#?}");
    let model = place.text("m.patchcore");
    assert!(patchcore(["inspect", &model]).done().stdout.contains(", in bf16"));
    // The same number format by name is none of the device's either.
    let score = ["score", "--model", &model, "--precision", "bf16", &place.text("photos")];
    patchcore(score).fails(&["the model's network computes in bf16 on every device", "leave `--precision` out"]);
    let rows = patchcore(["score", "--model", &model, "--format", "json", &place.text("photos")]).done().stdout;
    assert_eq!(serde_json::from_str::<Value>(&rows).unwrap().as_array().unwrap().len(), 4);
}
