//! Model files that are not what they should be: refused by name by every command that reads one.

use std::fs;

use crate::photos::{category, good_folder};
use crate::program::{Workplace, patchcore, small_fit};

#[test]
fn damaged_model_files_are_refused_by_every_command() {
    let place = Workplace::new();
    category(&place.path("part"));
    patchcore(small_fit(&place.path("part"), &place.path("good.patchcore"))).done();
    let good = fs::read(place.path("good.patchcore")).unwrap();
    let flipped = |position: usize| {
        let mut bytes = good.clone();
        bytes[position] ^= 0x10;
        bytes
    };
    let newer = {
        let needle = br#"{\"format_version\":3,"#;
        let at = good.windows(needle.len()).position(|window| window == needle).unwrap();
        let mut bytes = good.clone();
        bytes[at + needle.len() - 2] = b'9';
        bytes
    };
    let cases: [(&str, Vec<u8>, &[&str]); 8] = [
        ("text", b"this is a text file, not a model".to_vec(), &["not a readable PatchCore model", "fit again"]),
        ("empty", Vec::new(), &["not a readable PatchCore model"]),
        ("cut", good[..good.len() / 2].to_vec(), &["not a readable PatchCore model", "truncated"]),
        ("cut_by_one", good[..good.len() - 1].to_vec(), &["not a readable PatchCore model"]),
        ("flipped_bank", flipped(good.len() - 9), &["checksum", "expected", "found", "restore a copy"]),
        ("flipped_length", flipped(7), &["not a readable PatchCore model"]),
        ("newer", newer, &["format version 9", "reads up to 3", "update patchcore"]),
        (
            "weights",
            fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/efficientnet_lite0.safetensors")).unwrap(),
            &["without PatchCore's header"],
        ),
    ];
    for (name, bytes, needles) in cases {
        let model = place.text(&format!("{name}.patchcore"));
        fs::write(&model, bytes).unwrap();
        let (photo, data, out) = (place.text("part/test/good/000.png"), place.text("part"), place.text("out"));
        for arguments in [
            vec!["inspect", &model],
            vec!["score", "--model", &model, &photo],
            vec!["evaluate", "--model", &model, "--data", &data, "-o", &out],
        ] {
            let run = patchcore(arguments).fails(needles);
            assert!(run.stderr.contains(&model), "{run:?}");
        }
    }
}

#[test]
fn models_that_are_not_there_are_named() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 1);
    let (model, photo) = (place.text("gone.patchcore"), place.text("photos/000.png"));
    patchcore(["inspect", &model]).fails(&[&model, "patchcore fit"]);
    patchcore(["score", "--model", &model, &photo]).fails(&[&model, "patchcore fit"]);
    // A folder, and a photo, in the model's place.
    patchcore(["inspect", &place.text("photos")]).fails(&[&place.text("photos")]);
    patchcore(["inspect", &photo]).fails(&[&photo, "not a readable PatchCore model"]);
}

#[test]
fn a_model_on_a_device_that_is_not_there_is_refused() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 2);
    patchcore(small_fit(&place.path("photos"), &place.path("m.patchcore"))).done();
    let (model, photo) = (place.text("m.patchcore"), place.text("photos/000.png"));
    patchcore(["score", "--model", &model, "--device", "npu", &photo])
        .misused(&["`npu`", "expected auto, gpu, cpu, flex"]);
    #[cfg(not(feature = "cuda"))]
    patchcore(["score", "--model", &model, "--device", "cuda:0", &photo]).fails(&["--features cuda"]);
}
