//! Photos and folders that cannot be used: each is named, with what was expected, what was found, and what to do.

use std::fs;

use crate::photos::{good_folder, lying_png, photo, save, truncate};
use crate::program::{Run, Workplace, csv_rows, patchcore, small_fit};

fn fit(place: &Workplace, folder: &str) -> Run {
    patchcore(small_fit(&place.path(folder), &place.path("m.patchcore")))
}

#[test]
fn folders_without_photos_are_named() {
    let place = Workplace::new();
    fit(&place, "nowhere").fails(&[&place.text("nowhere"), "does not exist", "check the path"]);
    fs::create_dir(place.path("empty")).unwrap();
    fit(&place, "empty").fails(&[&place.text("empty"), "no images", "*.png", "put photos there"]);
    fs::create_dir_all(place.path("part/train/good")).unwrap();
    fit(&place, "part").fails(&[&place.text("part"), "no images", "without photos: train/good"]);
    fs::write(place.path("file"), "x").unwrap();
    fit(&place, "file").fails(&[&place.text("file"), "is a file, expected a folder"]);
    assert!(!place.path("m.patchcore").exists());
}

#[test]
fn a_folder_of_one_bad_file_says_what_is_wrong_with_it() {
    let place = Workplace::new();
    let alone = |name: &str| {
        let path = place.path(&format!("{name}/{name}.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    fs::write(alone("text"), "this is a text file").unwrap();
    fs::write(alone("empty"), "").unwrap();
    save(&alone("cut"), photo(96, 64, 0, false));
    truncate(&place.path("cut/cut.png"));
    lying_png(&alone("bomb"), 60_000, 60_000);
    lying_png(&alone("liar"), 300, 200);
    fs::write(alone("gif"), b"GIF89a\x01\x00\x01\x00\x00\x00\x00;").unwrap();
    fs::create_dir_all(place.path("folder/folder.png")).unwrap();
    let cases: [(&str, &[&str]); 7] = [
        ("text", &["is not an image", "this is a te", "expected PNG, JPEG, BMP, TIFF or WebP", "convert"]),
        ("empty", &["0 bytes", "copy the file again"]),
        ("cut", &["truncated PNG", "copy the file again"]),
        ("bomb", &["60000x60000", "expected at most 32768x32768", "shrink the photo"]),
        ("liar", &["PNG", "expected", "copy"]),
        ("gif", &["GIF image", "convert it to PNG"]),
        ("folder", &["no images"]),
    ];
    for (name, needles) in cases {
        let run = fit(&place, name).fails(needles);
        assert!(run.stderr.contains(name), "{run:?}");
    }
    assert!(!place.path("m.patchcore").exists());
}

#[test]
fn many_bad_files_are_one_line_and_all_of_them_with_v() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 3);
    for at in 0..50 {
        fs::write(place.path(&format!("photos/bad\u{7}{at:02}.png")), "no photo").unwrap();
    }
    let lines = |run: &Run, needle: &str| run.stderr.lines().filter(|line| line.contains(needle)).count();
    let run = fit(&place, "photos").ends(3, &["50 photos are left out (-v names all), the first: ", r"bad\u{7}00.png"]);
    assert_eq!(lines(&run, "is not an image"), 1, "{}", run.stderr);
    assert!(!run.stderr.contains('\u{7}'), "a name rings the bell: {}", run.stderr);
    let mut fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    fit.push("-v".to_owned());
    let run = patchcore(fit).ends(3, &[r"bad\u{7}49.png"]);
    assert!(lines(&run, "is not an image") >= 50 && !run.stderr.contains('\u{7}'), "{}", run.stderr);
}

#[test]
fn bad_files_among_good_ones_are_left_out_and_named() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 3);
    fs::write(place.path("photos/a_text.png"), "no photo").unwrap();
    fs::write(place.path("photos/b_empty.jpg"), "").unwrap();
    save(&place.path("photos/c_cut.jpg"), photo(96, 64, 0, false));
    truncate(&place.path("photos/c_cut.jpg"));
    lying_png(&place.path("photos/d_bomb.png"), 60_000, 60_000);
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere.png", place.path("photos/e_dead_link.png")).unwrap();
    let mut names = vec!["a_text.png", "b_empty.jpg", "c_cut.jpg", "d_bomb.png"];
    names.extend(cfg!(unix).then_some("e_dead_link.png"));
    let run = fit(&place, "photos").ends(3, &names);
    assert!(run.stdout.contains("3 photos"), "{}", run.stdout);

    // Scoring the same folder: one row per file.
    let csv = patchcore(["score", "--model", &place.text("m.patchcore"), "--format", "csv", &place.text("photos")]);
    let csv = csv.ends(3, &[]).stdout;
    let rows = csv_rows(&csv);
    assert_eq!(rows.len(), 3 + names.len());
    for row in rows {
        let (score, error) = (&row["score"], &row["error"]);
        assert!(score.is_empty() != error.is_empty(), "{row:?}");
    }
    let table = patchcore(["score", "--model", &place.text("m.patchcore"), &place.text("photos")]).ends(3, &[]).stdout;
    assert_eq!(table.lines().filter(|line| line.trim_start().starts_with("error ")).count(), names.len(), "{table}");
}

#[test]
fn a_path_that_is_not_there_is_a_row_with_its_error() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 2);
    fit(&place, "photos").done();
    let (model, good) = (place.text("m.patchcore"), place.text("photos/000.png"));
    let run = patchcore(["score", "--model", &model, "--format", "json", "gone.png", &good]).ends(3, &[]);
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(rows[0]["error"].as_str().unwrap().contains("gone.png") && rows[0]["score"].is_null(), "{rows:#}");
    assert!(rows[1]["score"].is_f64());
}

#[test]
fn tiny_photos_are_refused_by_name_and_small_ones_enlarged() {
    let place = Workplace::new();
    save(&place.path("tiny/1x1.png"), photo(1, 1, 0, false));
    save(&place.path("tiny/2x3.png"), photo(2, 3, 0, false));
    fit(&place, "tiny").fails(&["1x1.png", "1x1 pixels", "64x64", "8x8"]);
    for side in 8..12 {
        save(&place.path(&format!("small/{side}.png")), photo(side, side + 3, 0, false));
    }
    fit(&place, "small").done();
    let score = |folder: &str| {
        let (model, folder) = (place.text("m.patchcore"), place.text(folder));
        patchcore(["score", "--model", &model, &folder, "--overlays", &place.text("out")])
    };
    score("small").done();
    let refused = score("tiny").ends(1, &["none of 2 could be scored", "1x1.png is 1x1 pixels"]).stdout;
    assert!(refused.contains("2x3.png is 2x3 pixels"), "{refused}");
    // The same photos without an enlargement that suffices.
    save(&place.path("flat/wide.png"), photo(20, 1, 0, false));
    let (data, model) = (place.text("flat"), place.text("n.patchcore"));
    patchcore(["fit", "--data", &data, "--resize", "8192", "-o", &model]).fails(&[
        "wide.png",
        "20x1",
        "expected at most",
        "resize to a fixed width and height",
    ]);
}

#[test]
fn photos_of_20000_pixels_are_resized_or_refused_by_name() {
    let place = Workplace::new();
    save(&place.path("huge/wide.png"), photo(20_000, 48, 0, false));
    // Both sides given: it is a photo like any other.
    fit(&place, "huge").done();
    let model = place.text("n.patchcore");
    let refused = |data: &str, options: &[&str]| {
        let arguments = ["fit", "--data", data, "-o", &model].into_iter().chain(options.iter().copied());
        patchcore(arguments)
    };
    // A short side of 64 would make it 26,666 pixels wide, in whole cells 26,672.
    refused(&place.text("huge"), &["--resize", "64"]).fails(&["wide.png", "26672", "8192", "--size"]);
    refused(&place.text("huge"), &["--resize", "256"]).fails(&["wide.png", "20000x48", "expected at most", "resize"]);
    good_folder(&place.path("huge"), 2);
    refused(&place.text("huge"), &["--resize", "64"]).ends(3, &["wide.png", "26672", "8192", "--size"]);
}
