//! `patchcore fit` and `patchcore score` on photos as people have them: every format, depth and shape.

use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageFormat};
use serde_json::Value;

use crate::photos::{HEIGHT, WIDTH, good_folder, photo, save};
use crate::program::{Workplace, csv_rows, entries, patchcore, small_fit};

/// A folder with one photo of each kind that users have.
fn mixed_folder(folder: &Path) -> usize {
    let gray = |width, height, seed| DynamicImage::from(photo(width, height, seed, false));
    let photos: [(&str, DynamicImage); 11] = [
        ("gray.png", gray(112, 80, 0)),
        ("gray16.png", gray(80, 112, 1).into_luma16().into()),
        ("rgb.png", gray(64, 64, 2).into_rgb8().into()),
        ("rgb16.png", gray(96, 64, 3).into_rgb16().into()),
        ("rgba.png", gray(128, 70, 4).into_rgba8().into()),
        ("gray_alpha.png", gray(90, 70, 5).into_luma_alpha8().into()),
        ("photo.JPG", gray(120, 90, 6).into_rgb8().into()),
        ("gray.jpeg", gray(77, 99, 7)),
        ("photo.bmp", gray(101, 67, 8).into_rgb8().into()),
        ("photo.tif", gray(99, 65, 9).into_rgb16().into()),
        ("photo.webp", gray(98, 66, 10).into_rgb8().into()),
    ];
    let count = photos.len();
    for (name, image) in photos {
        save(&folder.join(name), image);
    }
    // The content decides: a JPEG that calls itself PNG is a photo like any other.
    gray(100, 80, 11).save_with_format(folder.join("jpeg_inside.png"), ImageFormat::Jpeg).unwrap();
    count + 1
}

#[test]
fn every_format_depth_and_shape_fits_and_scores() {
    let place = Workplace::new();
    let count = mixed_folder(&place.path("photos"));
    let mut fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    fit.extend(["--device", "auto"].map(str::to_owned));
    let run = patchcore(fit).done();
    assert!(run.stdout.contains(&format!("{count} photos")), "{}", run.stdout);
    assert!(run.stderr.contains("MiB"), "the estimate comes before the work: {}", run.stderr);

    let model = place.text("m.patchcore");
    let table = patchcore(["score", "--model", &model, &place.text("photos")]).done().stdout;
    assert_eq!(table.lines().count(), count);
    for name in entries(&place.path("photos")) {
        assert!(table.lines().any(|line| line.ends_with(&name)), "{name}: {table}");
    }

    let json = patchcore(["score", "--model", &model, "--format", "json", &place.text("photos")]).done().stdout;
    let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
    let lines = patchcore(["score", "--model", &model, "--format", "jsonl", &place.text("photos")]).done().stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(Value::from(lines), serde_json::from_str::<Value>(&json).unwrap());
    let csv = patchcore(["score", "--model", &model, "--format", "csv", &place.text("photos")]).done().stdout;
    let records = csv_rows(&csv);
    assert_eq!((rows.len(), records.len()), (count, count));
    for ((row, record), line) in rows.iter().zip(&records).zip(table.lines()) {
        let score = row["score"].as_f64().unwrap();
        assert_eq!(record["score"].parse::<f32>().unwrap(), score as f32, "{row}");
        assert_eq!(line.split_whitespace().next().unwrap(), format!("{score:.4}"));
        assert_eq!(&record["image_path"], row["image_path"].as_str().unwrap());
        assert!(row["error"].is_null());
        assert!(row["nearest_good"].as_str().unwrap().contains("photos"));
    }
}

#[test]
fn photos_keep_their_shape_and_each_mode_its_view() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 3);
    // 89 columns of 64 rows would be five cells and a half.
    for (mode, input) in [("paper", "96x64"), ("authors", "96x64"), ("anomalib", "96x64")] {
        let (data, model) = (place.text("photos"), place.text("m.patchcore"));
        let arguments = ["fit", "--data", &data, "--mode", mode, "--resize", "64", "-o", &model];
        let run = patchcore(arguments.into_iter().chain(["--coreset-sampling-ratio", "0.5"])).done();
        assert!(run.stdout.contains(&format!("mode {mode}")), "{}", run.stdout);
        let (maps, one) = (place.text(mode), place.text("photos/000.png"));
        for (geometry, expected) in [("input", input), ("original", "112x80")] {
            patchcore(["score", "--model", &model, "--maps", &maps, "--map-geometry", geometry, &one]).done();
            let (width, height) = npy_shape(&place.path(mode).join("000.png.map.npy"));
            assert_eq!(format!("{width}x{height}"), expected, "{mode} {geometry}");
        }
    }
}

#[test]
fn maps_and_overlays_of_photos_with_the_same_name_all_appear() {
    let place = Workplace::new();
    good_folder(&place.path("train"), 3);
    let model = place.path("m.patchcore");
    patchcore(small_fit(&place.path("train"), &model)).done();
    for (folder, defect) in [("a", false), ("b", true), ("c/b", false)] {
        save(&place.path(folder).join("000.png"), photo(WIDTH, HEIGHT, 9, defect));
    }
    let paths = ["a/000.png", "b/000.png", "c/b/000.png", "a"].map(|path| place.text(path));
    let (maps, overlays) = (place.text("out/maps"), place.text("out/overlays"));
    let arguments = ["score", "--model", &place.text("m.patchcore"), "--maps", &maps, "--overlays", &overlays];
    patchcore(arguments.into_iter().map(str::to_owned).chain(paths)).done();

    let names = entries(&place.path("out/maps"));
    assert_eq!(names, ["000.png", "2_000.png", "a_000.png", "b_000.png"].map(|name| format!("{name}.map.npy")));
    let stems: Vec<String> =
        entries(&place.path("out/overlays")).iter().map(|name| name.replace("overlay.png", "map.npy")).collect();
    assert_eq!(stems, names);
    for name in &names {
        let map = place.path("out/maps").join(name);
        // Of the photo, though the network saw 64 x 64.
        assert_eq!(npy_shape(&map), (WIDTH as usize, HEIGHT as usize));
        let overlay = image::open(place.path("out/overlays").join(name.replace("map.npy", "overlay.png"))).unwrap();
        // Photo, heat map over it and map alone, none smaller than the photo.
        assert!(overlay.width() > 3 * WIDTH && overlay.height() > HEIGHT);
    }
    // Only `b` shows the defect.
    let (model, maps, photo) = (place.text("m.patchcore"), place.text("out/tiff"), place.text("a/000.png"));
    patchcore(["score", "--model", &model, "--maps", &maps, "--map-format", "tiff", &photo]).done();
    let file = fs::File::open(place.path("out/tiff/000.png.map.tiff")).unwrap();
    let of_tiff = match tiff::decoder::Decoder::new(file).unwrap().read_image().unwrap() {
        tiff::decoder::DecodingResult::F32(scores) => scores,
        other => panic!("not f32: {other:?}"),
    };
    assert!(entries(&place.path("out/maps")).iter().any(|name| npy(&place.path("out/maps").join(name)) == of_tiff));
    let maximum =
        |name: &str| npy(&place.path("out/maps").join(format!("{name}.map.npy"))).into_iter().fold(f32::MIN, f32::max);
    assert!(maximum("b_000.png") > 1.5 * maximum("000.png"));
    assert_eq!(
        npy(&place.path("out/maps").join("000.png.map.npy")),
        npy(&place.path("out/maps").join("a_000.png.map.npy"))
    );
}

#[test]
fn folders_give_their_direct_children_only() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 3);
    good_folder(&place.path("photos/below"), 2);
    fs::write(place.path("photos/notes.txt"), "no photo").unwrap();
    fs::write(place.path("photos/.hidden.png"), "no photo").unwrap();
    let run = patchcore(small_fit(&place.path("photos"), &place.path("m.patchcore"))).done();
    assert!(run.stdout.contains("3 photos"), "{}", run.stdout);
    let table = patchcore(["score", "--model", &place.text("m.patchcore"), &place.text("photos")]).done().stdout;
    assert_eq!(table.lines().count(), 3, "{table}");
    // A folder of folders says where it looked.
    fs::create_dir(place.path("outer")).unwrap();
    fs::rename(place.path("photos"), place.path("outer/photos")).unwrap();
    let run = patchcore(["score", "--model", &place.text("m.patchcore"), &place.text("outer")]);
    run.ends(1, &[&place.text("outer"), "no images", "not in folders below"]);
}

#[test]
fn a_category_fits_on_its_good_photos_and_the_same_seed_gives_the_same_model() {
    let place = Workplace::new();
    crate::photos::category(&place.path("part"));
    let run = patchcore(small_fit(&place.path("part"), &place.path("a.patchcore"))).done();
    assert!(run.stdout.contains("4 photos"), "{}", run.stdout);
    // Mode authors draws a projection and its start; the paper's greedy on so few values draws nothing.
    let fit = |name: &str, seed: &str| {
        let fit = small_fit(&place.path("part"), &place.path(name));
        patchcore(fit.into_iter().chain(["--mode", "authors", "--reproducible", "--seed", seed].map(str::to_owned)))
            .done();
        bank(&place.path(name))
    };
    let (first, again, other) = (fit("a.patchcore", "7"), fit("b.patchcore", "7"), fit("c.patchcore", "8"));
    assert!(first == again, "the same seed gave another bank");
    assert!(first != other, "another seed gave the same bank");
    let said = |name: &str| patchcore(["inspect", &place.text(name), "--format", "json"]).done().stdout;
    assert_eq!(said("a.patchcore"), said("b.patchcore"));
}

/// The bytes of a model's tensors: what follows the header, which begins with its length.
fn bank(model: &Path) -> Vec<u8> {
    let bytes = fs::read(model).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[cfg(target_os = "linux")]
#[test]
fn file_names_that_are_no_text_are_photos_all_the_same() {
    use std::os::unix::ffi::OsStrExt;
    let place = Workplace::new();
    good_folder(&place.path("photos"), 2);
    let odd = place.path("photos").join(std::ffi::OsStr::from_bytes(b"p\xff\xfe, \"x\".png"));
    fs::copy(place.path("photos/000.png"), &odd).unwrap();
    patchcore(small_fit(&place.path("photos"), &place.path("m.patchcore"))).done();
    let (model, maps) = (place.text("m.patchcore"), place.text("maps"));
    let arguments = ["score", "--model", &model, "--format", "csv", "--maps", &maps, &place.text("photos")];
    let csv = patchcore(arguments).done().stdout;
    assert_eq!(csv_rows(&csv).len(), 3);
    assert_eq!(entries(&place.path("maps")).len(), 3);
}

/// Columns and rows that an NPY file declares.
fn npy_shape(path: &Path) -> (usize, usize) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8(bytes[10..10 + length].to_vec()).unwrap();
    assert!(header.contains("'descr': '<f4', 'fortran_order': False"), "{header}");
    let shape = header.split_once("'shape': (").unwrap().1.split_once(')').unwrap().0;
    let (rows, columns) = shape.split_once(", ").unwrap();
    let (rows, columns): (usize, usize) = (rows.parse().unwrap(), columns.parse().unwrap());
    assert_eq!(bytes.len(), 10 + length + 4 * rows * columns);
    (columns, rows)
}

/// The values of an NPY file.
fn npy(path: &Path) -> Vec<f32> {
    let (columns, rows) = npy_shape(path);
    let bytes = fs::read(path).unwrap();
    let values = bytes[bytes.len() - 4 * columns * rows..].chunks_exact(4);
    values.map(|value| f32::from_le_bytes(value.try_into().unwrap())).collect()
}
