//! Photos whose names are not UTF-8, as old archives and cameras leave them: none is lost, and no two become one.

#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use image::{GrayImage, Luma};

use crate::photos::{HEIGHT, WIDTH, mask, photo, save};
use crate::program::{Workplace, csv_rows, entries, patchcore, small_fit};

fn named(folder: &Path, name: &[u8]) -> PathBuf {
    folder.join(OsStr::from_bytes(name))
}

/// Column `name` of a table, row by row.
fn column(csv: &str, name: &str) -> Vec<String> {
    csv_rows(csv).iter().map(|row| row[name].to_owned()).collect()
}

#[test]
fn names_that_are_no_text_go_through_every_command() {
    let place = Workplace::new();
    let part = place.path("part");
    for (seed, name) in [&b"a\xfe.png"[..], b"a\xff.png", b"b.png", b"c.png"].iter().enumerate() {
        save(&named(&part.join("train/good"), name), photo(WIDTH, HEIGHT, seed as u32, false));
    }
    for (seed, byte) in [0xfe, 0xff].into_iter().enumerate() {
        let of = |before: &[u8], after: &[u8]| [before, &[byte], after].concat();
        let seed = 10 + seed as u32;
        save(&named(&part.join("test/good"), &of(b"g", b".png")), photo(WIDTH, HEIGHT, seed, false));
        let kind = named(&part.join("test"), b"spot\xff");
        save(&named(&kind, &of(b"s", b".png")), photo(WIDTH, HEIGHT, 10 + seed, true));
        // The masks are told apart by their size.
        let masks = named(&part.join("ground_truth"), b"spot\xff");
        let whole = GrayImage::from_pixel(WIDTH, HEIGHT, Luma([255]));
        save(&named(&masks, &of(b"s", b"_mask.png")), if byte == 0xff { mask() } else { whole });
    }
    let (data, model) = (place.text("part"), place.text("m.patchcore"));
    let fitted = patchcore(small_fit(&part, &place.path("m.patchcore"))).done();
    assert!(fitted.stdout.contains("4 photos"), "{}", fitted.stdout);

    // Each photo has a row of its own, a map of its own, and a training photo that can be told.
    let (photos, maps) = (place.text("part/train/good"), place.text("maps"));
    let scored =
        patchcore(["score", "--model", &model, "--format", "csv", "--maps", &maps, "--overlays", &maps, &photos])
            .done();
    let names = [r"a\xFE.png", r"a\xFF.png", "b.png", "c.png"].map(|name| format!("{photos}/{name}"));
    assert_eq!(column(&scored.stdout, "image_path"), names);
    assert!(column(&scored.stdout, "nearest_good").iter().all(|name| names.contains(name)), "{}", scored.stdout);
    let files: Vec<String> = [r"a\xFE", r"a\xFF", "b", "c"]
        .iter()
        .flat_map(|stem| [format!("{stem}.png.map.npy"), format!("{stem}.png.overlay.png")])
        .collect();
    assert_eq!(entries(&place.path("maps")), files);

    // The training photos are found again by the names in the model.
    let audit = patchcore(["audit", "--model", &model, "--format", "csv", "-o", &place.text("pairs")]).done();
    let mut audited = column(&audit.stdout, "image_path");
    audited.sort();
    assert_eq!(audited, names);
    assert_eq!(entries(&place.path("pairs")).len(), 4);
    patchcore(["calibrate", "--model", &model, "--good", &data, "--fpr", "0.9"])
        .fails(&[r"a\xFE.png is a training photo of this model"]);

    // Each defective photo has its own mask, each photo its own picture.
    let out = place.text("out");
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out]).done();
    let scores = fs::read_to_string(place.path("out/scores.csv")).unwrap();
    let expected = [r"good/g\xFE.png", r"good/g\xFF.png", r"spot\xFF/s\xFE.png", r"spot\xFF/s\xFF.png"];
    assert_eq!(column(&scores, "image_path"), expected.map(|name| format!("test/{name}")));
    let pixels: Vec<usize> = column(&scores, "defective_pixels").iter().map(|count| count.parse().unwrap()).collect();
    assert!(pixels[2] == 64 * 64 && (1..1000).contains(&pixels[3]), "{pixels:?}");
    for (kind, letter) in [("good", 'g'), (r"spot\xFF", 's')] {
        let pictures = entries(&place.path("out/overlays").join(kind));
        assert_eq!(pictures, ["FE", "FF"].map(|byte| format!(r"{letter}\x{byte}.png.overlay.png")));
    }
    let compared = patchcore(["compare", &out, &out, "-o", &place.text("compared.html")]).done();
    assert!(compared.stdout.contains("4 images"), "{}", compared.stdout);
}

/// Names that end a line, reach for the terminal or are formulas of a spreadsheet.
#[test]
fn no_name_forges_a_line_or_a_formula() {
    let place = Workplace::new();
    let folder = place.path("photos");
    let names = ["-a.png", "=1+1.png", "+b.png", "@c.png", "d\n    0.0000  good  e.png", "f\u{1b}[31m.png", "\tg.png"];
    for (seed, name) in names.iter().enumerate() {
        save(&folder.join(name), photo(WIDTH, HEIGHT, seed as u32, false));
    }
    fs::write(folder.join("h\u{1b}[2J\n.png"), "no photo").unwrap();
    let model = place.text("m.patchcore");
    patchcore(small_fit(&folder, &place.path("odd.patchcore"))).ends(3, &[]);
    crate::photos::good_folder(&place.path("plain"), 3);
    patchcore(small_fit(&place.path("plain"), &place.path("m.patchcore"))).done();
    for format in ["table", "csv"] {
        let mut score = crate::program::command();
        // A CSV that goes into a file has the names as they are.
        let names = if format == "csv" { &names[..5] } else { &names[..] };
        score.current_dir(&folder).args(["score", "--model", &model, "--format", format, "--"]).args(names);
        let stdout = crate::program::finish(&mut score).done().stdout;
        if format == "table" {
            assert_eq!(stdout.lines().count(), names.len(), "{stdout}");
            assert!(!stdout.contains('\t') && stdout.contains(r"d\n    0.0000  good  e.png"), "{stdout}");
        } else {
            let expected = ["'-a.png", "'=1+1.png", "'+b.png", "'@c.png", names[4]];
            assert_eq!(column(&stdout, "image_path"), expected);
        }
    }
}
