//! The same photos in other layouts give the same scores and metrics, and every command says what it leaves out.

use std::fs;
use std::path::Path;

use image::{GrayImage, Luma};
use serde_json::Value;

use crate::photos::{HEIGHT, WIDTH, category, good_folder, mask, photo, save};
use crate::program::{Run, Workplace, patchcore, small_fit};

/// What of metrics.json hangs on the photos, labels and masks; without kinds, which layouts name as they like.
fn evaluated(place: &Workplace, data: &str) -> (Run, Value) {
    let (data, model, out) = (place.text(data), place.text("m.patchcore"), place.text("out"));
    patchcore(small_fit(Path::new(&data), &place.path("m.patchcore"))).done();
    let run =
        patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-intervals", "--no-overlays"])
            .done();
    let mut metrics: Value = serde_json::from_slice(&fs::read(place.path("out/metrics.json")).unwrap()).unwrap();
    for key in ["seconds", "kinds", "model", "run"] {
        metrics.as_object_mut().unwrap().remove(key);
    }
    (run, metrics)
}

/// Copies files of the standard layout to others.
fn copy(place: &Workplace, set: &str, files: &[(&str, String)]) {
    for (from, to) in files {
        let to = place.path(set).join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(place.path("part").join(from), to).unwrap();
    }
}

/// The files of [`category`], each at the place that a layout gives it.
fn laid_out(train: &str, good: &str, bad: &str, masks: &str) -> Vec<(&'static str, String)> {
    let names = [
        ["train/good/000.png", "train/good/001.png", "train/good/002.png", "train/good/003.png"].as_slice(),
        &["test/good/000.png", "test/good/001.png", "test/good/002.png"],
        &["test/spot/000.png", "test/spot/001.png", "test/spot/002.png"],
        &["ground_truth/spot/000_mask.png", "ground_truth/spot/001_mask.png", "ground_truth/spot/002_mask.png"],
    ];
    let places = [train, good, bad, masks];
    let of = |(names, place): (&[&'static str], &str)| {
        let place = |number: usize| place.replace('#', &format!("{number:03}"));
        names.iter().enumerate().map(|(number, name)| (*name, place(number))).collect::<Vec<_>>()
    };
    names.into_iter().zip(places).flat_map(of).collect()
}

#[test]
fn sets_of_their_makers_give_what_the_same_photos_give_in_mvtecs_layout() {
    let place = Workplace::new();
    category(&place.path("part"));
    let (_, expected) = evaluated(&place, "part");
    assert_eq!((expected["n_normal"].as_u64(), expected["n_anomalous"].as_u64()), (Some(3), Some(3)));
    assert!(expected["pixel_auroc"].is_f64());

    let visa = [
        "cap/Data/Images/Normal/1#.png",
        "cap/Data/Images/Normal/2#.png",
        "cap/Data/Images/Anomaly/#.png",
        "cap/Data/Masks/Anomaly/#.png",
    ];
    let mut table = "object,split,label,image,mask\n".to_owned();
    for (_, to) in laid_out(visa[0], visa[1], visa[2], visa[3]).iter().filter(|(_, to)| !to.contains("Masks")) {
        let row = match (to.contains("Anomaly"), to.contains("/1")) {
            (true, _) => format!("cap,test,anomaly,{to},{}\n", to.replace("Images", "Masks")),
            (false, train) => format!("cap,{},normal,{to},\n", if train { "train" } else { "test" }),
        };
        table += &row;
    }
    let sets = [
        ("btad", "btad", ["train/ok/#.png", "test/ok/#.png", "test/ko/#.png", "ground_truth/ko/#.png"]),
        (
            "capitals",
            "capitals",
            ["Train/Good/#.png", "Test/OK/#.png", "Test/spot/#.png", "Ground_Truth/spot/#_MASK.png"],
        ),
        (
            "ad2",
            "ad2",
            [
                "train/good/#.png",
                "test_public/good/#.png",
                "test_public/bad/#.png",
                "test_public/ground_truth/bad/#_mask.png",
            ],
        ),
        (
            "loco",
            "loco",
            [
                "train/good/#.png",
                "test/good/#.png",
                "test/logical_anomalies/#.png",
                "ground_truth/logical_anomalies/#/000.png",
            ],
        ),
        ("m3d", "m3d", ["train/good/rgb/#.png", "test/good/rgb/#.png", "test/spot/rgb/#.png", "test/spot/gt/#.png"]),
        ("visa", "visa/cap", visa),
    ];
    for (folder, data, [train, good, bad, masks]) in sets {
        copy(&place, folder, &laid_out(train, good, bad, masks));
        if folder == "visa" {
            fs::create_dir(place.path("visa/split_csv")).unwrap();
            fs::write(place.path("visa/split_csv/1cls.csv"), &table).unwrap();
        }
        assert_eq!(evaluated(&place, data).1, expected, "{folder}");
    }
    // The same as a table.
    let mut manifest = "image_path,label,mask_path,split\n".to_owned();
    for number in 0..4 {
        manifest += &format!("part/train/good/00{number}.png,good,,train\n");
    }
    for number in 0..3 {
        manifest += &format!("part/test/good/00{number}.png,ok,,test\n");
        manifest += &format!("part/test/spot/00{number}.png,spot,part/ground_truth/spot/00{number}_mask.png,test\n");
    }
    fs::write(place.path("photos.csv"), manifest).unwrap();
    assert_eq!(evaluated(&place, "photos.csv").1, expected);
}

/// LOCO's: of one defect in two files each half alone would be half of it.
#[test]
fn several_masks_of_a_photo_are_one() {
    let place = Workplace::new();
    category(&place.path("part"));
    let (_, expected) = evaluated(&place, "part");
    for number in 0..3 {
        let whole = mask();
        let half = |left: bool| {
            GrayImage::from_fn(WIDTH, HEIGHT, |x, y| if (x < 87) == left { *whole.get_pixel(x, y) } else { Luma([0]) })
        };
        let masks = place.path("part/ground_truth/spot");
        fs::remove_file(masks.join(format!("{number:03}_mask.png"))).unwrap();
        for (file, left) in [("000.png", true), ("001.png", false)] {
            save(&masks.join(format!("{number:03}")).join(file), half(left));
        }
    }
    let (_, metrics) = evaluated(&place, "part");
    let (auroc, whole) = (metrics["pixel_auroc"].as_f64().unwrap(), expected["pixel_auroc"].as_f64().unwrap());
    assert!((auroc - whole).abs() < 0.01 && metrics["n_without_mask"] == 0, "{metrics:#} {expected:#}");
}

#[test]
fn a_good_folder_of_another_name_is_said_once() {
    let place = Workplace::new();
    category(&place.path("part"));
    save(&place.path("part/test/OK/000.png"), photo(WIDTH, HEIGHT, 40, false));
    let (run, metrics) = evaluated(&place, "part");
    assert_eq!((metrics["n_normal"].as_u64(), metrics["n_anomalous"].as_u64()), (Some(4), Some(3)));
    assert_eq!(run.stderr.matches("test/OK is read as good").count(), 1, "{}", run.stderr);
    // Two good photos of one name have two overlays.
    let (data, model, out) = (place.text("part"), place.text("m.patchcore"), place.text("out"));
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-intervals"]).done();
    let good = crate::program::entries(&place.path("out/overlays/good"));
    assert_eq!(good, ["000.png", "001.png", "002.png", "test_good_000.png"].map(|name| format!("{name}.overlay.png")));
}

#[test]
fn a_test_set_of_one_class_says_why_metrics_are_missing() {
    let place = Workplace::new();
    category(&place.path("part"));
    fs::rename(place.path("part/test/good"), place.path("part/test/fine")).unwrap();
    let (data, model, out) = (place.text("part"), place.text("m.patchcore"), place.text("out"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    let reason = [
        "no good photos in the test set: each of the 6 counts as defective (fine, spot)",
        "test/fine counts as a kind of defect",
    ];
    // Three photos have no mask, too.
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-intervals"]).ends(3, &reason);
    patchcore(["calibrate", "--model", &model, "--f1-max", "--data", &data]).fails(&[reason[0]]);
    fs::remove_dir_all(place.path("part/test/fine")).unwrap();
    let run = patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-intervals"]).done();
    assert_eq!(run.stderr.matches("no good photos in the test set").count(), 1, "{}", run.stderr);
    let report = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(report.contains("no good image was scored: image metrics are not defined."));
    patchcore(["evaluate", "--model", &model, "--data", &place.text("part/train/good"), "-o", &out])
        .fails(&["no test images", "test/<kind>/"]);
    patchcore(["fit", "--data", &place.text("part/ground_truth"), "-o", &model]).fails(&[
        "no images",
        "train/good",
        "spot",
    ]);
}

#[test]
fn every_command_that_reads_a_folder_says_what_it_leaves_out() {
    let place = Workplace::new();
    let photos = place.path("photos");
    good_folder(&photos, 4);
    for name in ["a.jfif", "b.HEIC", "c.heic", "d.gif", "sub/0.png"] {
        fs::create_dir_all(photos.join(name).parent().unwrap()).unwrap();
        fs::copy(photos.join("000.png"), photos.join(name)).unwrap();
    }
    let line = "left out: 3 files (.heic, .gif), 1 folder\n";
    let said = |run: Run| {
        assert_eq!(run.stderr.matches(line).count(), 1, "{}", run.stderr);
        run
    };
    let (data, model) = (place.text("photos"), place.text("m.patchcore"));
    let fitted = said(patchcore(small_fit(&photos, &place.path("m.patchcore"))).done());
    assert!(fitted.stdout.contains("5 photos"), "{}", fitted.stdout);
    assert_eq!(
        said(patchcore(["score", "--model", &model, "--format", "csv", &data]).done()).stdout.lines().count(),
        6
    );
    said(patchcore(["audit", "--model", &model, "--good", &data]));
    said(patchcore(["calibrate", "--model", &model, "--good", &data, "--cross-fit", "2", "--fpr", "0.9"]).done());
}

#[test]
fn validation_photos_calibrate() {
    let place = Workplace::new();
    category(&place.path("part"));
    for seed in 0..5 {
        save(&place.path(&format!("part/validation/good/{seed:03}.png")), photo(WIDTH, HEIGHT, 60 + seed, false));
    }
    let (data, model) = (place.text("part"), place.text("m.patchcore"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    let run = patchcore(["calibrate", "--model", &model, "--good", &data, "--fpr", "0.5"]).done();
    assert!(run.stdout.contains("of 5 held-out scores") && run.stderr.contains("5 validation photos of"), "{run:#?}");
}
