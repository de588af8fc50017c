//! Training photos are known by what they show, wherever they lie and whatever they are called: no promise on them.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::photos::{HEIGHT, WIDTH, category, photo, save};
use crate::program::{Run, Workplace, command, finish, patchcore, small_fit};

fn good(folder: &Path, seeds: std::ops::Range<u32>) {
    seeds.for_each(|seed| save(&folder.join(format!("{:03}.png", seed % 100)), photo(WIDTH, HEIGHT, seed, false)));
}

/// Runs the program in a folder.
fn within<S: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = S>) -> Run {
    finish(command().current_dir(folder).args(arguments))
}

/// A model that was fitted in the folder `line` on its folder `good`, as the README has it: relative.
fn fitted_on_a_line() -> Workplace {
    let place = Workplace::new();
    good(&place.path("line/good"), 0..6);
    within(&place.path("line"), small_fit(Path::new("good"), Path::new("m.patchcore"))).done();
    place
}

#[test]
fn no_training_photo_calibrates_from_another_folder_or_as_a_copy() {
    let place = fitted_on_a_line();
    let model = place.text("line/m.patchcore");
    let calibrate =
        |folder: &Path, good: &str| within(folder, ["calibrate", "--model", &model, "--good", good, "--fpr", "0.4"]);
    let own = ["is a training photo of this model", "and so are 5 more of the photos", "--cross-fit"];
    calibrate(&place.path(""), "line/good").fails(&own);
    // Copies, as files of another format, too, among new photos.
    good(&place.path("mixed"), 100..106);
    let copy = image::open(place.path("line/good/003.png")).unwrap();
    copy.save(place.path("mixed/zz.bmp")).unwrap();
    let run = calibrate(&place.path(""), "mixed")
        .fails(&["zz.bmp", "is a training photo of this model (there good/003.png)"]);
    assert!(!run.stderr.contains("more of the photos"), "{}", run.stderr);
    // Other photos under the names of the fit's are honest ones.
    good(&place.path("other/good"), 100..106);
    calibrate(&place.path("other"), "good").done();
}

#[cfg(unix)]
#[test]
fn names_that_are_not_text_are_no_hiding_place() {
    use std::os::unix::ffi::OsStrExt;
    let place = Workplace::new();
    good(&place.path("good"), 0..4);
    let odd = place.path("good").join(OsStr::from_bytes(b"fl\xe4che.png"));
    fs::rename(place.path("good/002.png"), &odd).unwrap();
    patchcore(small_fit(&place.path("good"), &place.path("m.patchcore"))).done();
    let (model, photos) = (place.text("m.patchcore"), place.text("good"));
    let held_out = place.path("held_out");
    fs::create_dir(&held_out).unwrap();
    fs::copy(&odd, held_out.join(OsStr::from_bytes(b"\xff.png"))).unwrap();
    patchcore(["calibrate", "--model", &model, "--good", &place.text("held_out"), "--fpr", "0.96"])
        .fails(&["is a training photo of this model"]);
    for good in [&["--good", &photos][..], &[]] {
        let json = patchcore(["audit", "--model", &model, "--format", "json"].iter().chain(good)).done().stdout;
        let rows: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(rows.as_array().unwrap().len(), 4, "{rows:#}");
    }
}

#[test]
fn copies_count_once_and_are_said() {
    let place = fitted_on_a_line();
    let (model, held_out) = (place.text("line/m.patchcore"), place.path("held_out"));
    good(&held_out, 100..101);
    for copy in 1..59 {
        fs::copy(held_out.join("000.png"), held_out.join(format!("{copy:03}.png"))).unwrap();
    }
    let held_out = place.text("held_out");
    let run = patchcore(["calibrate", "--model", &model, "--good", &held_out, "--fpr", "0.05"]).fails(&[
        "58 photos are copies of earlier photos",
        "1 photos",
        "59 are needed",
    ]);
    assert!(!run.stdout.contains("held-out scores"), "{}", run.stdout);

    // A fit says it once; a cross-fit has six photos, not seven.
    fs::copy(place.path("line/good/001.png"), place.path("line/good/1001.png")).unwrap();
    let (good, model) = (place.path("line/good"), place.path("m2.patchcore"));
    let run = patchcore(small_fit(&good, &model)).done();
    assert!(run.stderr.contains("1001.png is a copy of an earlier photo"), "{}", run.stderr);
    let (good, model) = (place.text("line/good"), place.text("m2.patchcore"));
    let cross_fit = |folds: &str| {
        patchcore(["calibrate", "--model", &model, "--good", &good, "--fpr", "0.4", "--cross-fit", folds])
    };
    cross_fit("7").fails(&["7 folds of 6 photos"]);
    let run = cross_fit("6").done();
    assert!(run.stdout.contains("of 6 cross-fitted scores (6 folds)"), "{}", run.stdout);
}

#[test]
fn an_audit_finds_the_photos_of_the_fit_and_no_others() {
    let place = fitted_on_a_line();
    let model = place.text("line/m.patchcore");
    let names = |folder: &Path, more: &[&str]| {
        let arguments = ["audit", "--model", &model, "--format", "json"];
        let run = within(folder, arguments.iter().chain(more));
        let rows: Value = serde_json::from_str(&run.done().stdout).unwrap();
        let mut names: Vec<String> =
            rows.as_array().unwrap().iter().map(|row| row["image_path"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    // In a folder where other photos lie under the names of the fit's.
    good(&place.path("other/good"), 100..106);
    let found = names(&place.path("other"), &[]);
    assert!(found.len() == 6 && found.iter().all(|name| name.contains("line")), "{found:?}");
    patchcore(["audit", "--model", &model, "--good", &place.text("other/good")])
        .fails(&["000.png", "no training photo"]);
    // Moved and renamed.
    fs::create_dir(place.path("renamed")).unwrap();
    for photo in 0..6 {
        fs::rename(place.path(&format!("line/good/{photo:03}.png")), place.path(&format!("renamed/{}.png", 9 - photo)))
            .unwrap();
    }
    assert_eq!(names(&place.path("other"), &["--good", &place.text("renamed")]).len(), 6);
}

#[test]
fn a_cross_fit_takes_the_photos_of_the_fit_alone() {
    let place = fitted_on_a_line();
    let model = place.text("line/m.patchcore");
    good(&place.path("mixed"), 0..6);
    let cross_fit =
        |good: &str| patchcore(["calibrate", "--model", &model, "--good", good, "--fpr", "0.5", "--cross-fit", "3"]);
    cross_fit(&place.text("mixed")).done();
    save(&place.path("mixed/new.png"), photo(WIDTH, HEIGHT, 100, false));
    cross_fit(&place.text("mixed")).fails(&["new.png is no training photo of this model"]);
}

#[test]
fn an_evaluation_says_that_its_photos_are_the_fits() {
    let place = Workplace::new();
    category(&place.path("part"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    let evaluate =
        || patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays", "--no-report"]);
    let said = "that the model was fitted on";
    assert!(!evaluate().done().stderr.contains(said));
    fs::copy(place.path("part/train/good/000.png"), place.path("part/test/good/000.png")).unwrap();
    let run = evaluate().done();
    assert!(run.stderr.contains("000.png is a photo that the model was fitted on"), "{}", run.stderr);
}

/// A model file of before, which has the relative paths of its photos and no digests.
#[test]
fn photos_of_an_earlier_file_go_by_their_paths_and_that_is_said() {
    let place = Workplace::new();
    fs::create_dir(place.path("line")).unwrap();
    let earlier = include_bytes!("../../../patchcore/tests/fixtures/version_2_paper.safetensors");
    fs::write(place.path("line/m.patchcore"), earlier).unwrap();
    for seed in 0..3 {
        save(&place.path(&format!("line/good/{seed}.png")), photo(WIDTH, HEIGHT, seed, false));
        save(&place.path(&format!("other/good/{seed}.png")), photo(WIDTH, HEIGHT, 100 + seed, false));
    }
    let model = place.text("line/m.patchcore");
    let said = "known by their paths, and copies of them are not found; fit again";
    let calibrate = |folder: &str, good: &str| {
        within(&place.path(folder), ["calibrate", "--model", &model, "--good", good, "--fpr", "0.9"])
    };
    // Found from where the fit was, and through another spelling of the same files.
    calibrate("line", "good").fails(&["0.png is a training photo of this model", said]);
    calibrate("line", "../line/good").fails(&["0.png is a training photo of this model", said]);
    // The bank has four rows, two of them of the first photo.
    let audited = within(&place.path("line"), ["audit", "--model", &model, "--format", "csv"]);
    let audited = audited.ends(3, &[said, "good/0.png: the other photos have 2 rows", "fit on more photos"]);
    assert_eq!(audited.stdout.lines().count(), 3, "{audited:#?}");
    let run = calibrate("other", "good");
    run.fails(&[said]);
}

#[test]
fn a_broken_part_among_those_that_calibrate_is_named() {
    let place = fitted_on_a_line();
    let model = place.text("line/m.patchcore");
    let calibrate =
        |fpr: &str| patchcore(["calibrate", "--model", &model, "--good", &place.text("held_out"), "--fpr", fpr]).done();
    for seed in 0..60 {
        save(&place.path(&format!("held_out/{seed:03}.png")), photo(WIDTH, HEIGHT, 100 + seed, false));
    }
    let clean = calibrate("0.05");
    assert!(!clean.stderr.contains("stand apart"), "{}", clean.stderr);
    save(&place.path("held_out/042.png"), photo(WIDTH, HEIGHT, 142, true));
    let run = calibrate("0.05");
    assert!(run.stderr.contains("stand apart from all others") && run.stderr.contains("042.png"), "{}", run.stderr);
    assert!(!run.stderr.contains("above the image threshold"), "it is the threshold itself: {}", run.stderr);
    // With a higher rate it is above the threshold's rank, and named there.
    let run = calibrate("0.1");
    let above = run.stderr.lines().find(|line| line.starts_with("above the image threshold")).unwrap();
    assert!(above.contains("042.png"), "{above}");
}

#[test]
fn photos_that_the_fit_does_not_cover_ask_for_more() {
    let place = fitted_on_a_line();
    let model = place.text("line/m.patchcore");
    let said = "the fit does not cover what is normal";
    // Brighter parts, as good as the others.
    for seed in 0..10 {
        let new = photo(WIDTH, HEIGHT, 100 + seed, false);
        save(&place.path(&format!("same/{seed:03}.png")), new.clone());
        let brighter = image::GrayImage::from_fn(WIDTH, HEIGHT, |x, y| image::Luma([new.get_pixel(x, y).0[0] + 90]));
        save(&place.path(&format!("brighter/{seed:03}.png")), brighter);
    }
    let calibrate =
        |good: &str| patchcore(["calibrate", "--model", &model, "--good", &place.text(good), "--fpr", "0.3"]).done();
    let run = calibrate("brighter");
    assert!(run.stderr.contains("10 of 10 photos are farther") && run.stderr.contains(said), "{}", run.stderr);
    assert!(!calibrate("same").stderr.contains(said));
}
