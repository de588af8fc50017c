//! `patchcore inspect-data`: what is said of a data set before anything is fitted on it.

use std::fs;

use image::{DynamicImage, GrayImage};
use serde_json::{Value, json};

use crate::photos::{HEIGHT, WIDTH, category, good_folder, mask, photo, save, truncate};
use crate::program::{Workplace, patchcore};

#[test]
fn a_sound_category_is_counted() {
    let place = Workplace::new();
    category(&place.path("part"));
    let run = patchcore(["inspect-data", &place.text("part")]).done();
    let expected = format!(
        "data          {}
layout        MVTec AD
train         4 good
validation    0 good
test          3 good, 3 defective
              3 spot
sizes         112 x 80: 10 photos
colours       grey, 8 bits: 10 photos
masks         3 photos with a mask (3 files), 0 without, 0 ambiguous, 0 of another size; 0 of no photo, 0 of good photos
doubles       none
left out      nothing
",
        place.text("part")
    );
    let next = format!("next: patchcore fit --data {} -o part.patchcore\n", place.text("part"));
    assert_eq!((run.stdout, run.stderr), (expected, next));
}

#[test]
fn what_is_wrong_with_a_data_set_is_said() {
    let place = Workplace::new();
    let part = place.path("part");
    category(&part);
    // A training photo that is also a test photo, as another file (BMP has no grey); a colour photo of another size; a damaged one.
    let double = image::open(part.join("train/good/001.png")).unwrap();
    save(&part.join("test/good/copy.bmp"), double);
    save(&part.join("train/good/rgb.png"), DynamicImage::from(photo(96, 64, 9, false)).to_rgb8());
    truncate(&part.join("train/good/003.png"));
    // Masks: of another size, missing, two for one photo, of no photo.
    save(&part.join("ground_truth/spot/000_mask.png"), GrayImage::new(50, 40));
    fs::remove_file(part.join("ground_truth/spot/001_mask.png")).unwrap();
    save(&part.join("ground_truth/spot/002_GT.bmp"), mask());
    save(&part.join("ground_truth/spot/099_mask.png"), mask());
    for name in ["train/good/a.heic", "train/good/b.HEIC", "test/spot/c.gif", "test/spot/sub/0.png"] {
        fs::create_dir_all(part.join(name).parent().unwrap()).unwrap();
        fs::write(part.join(name), "").unwrap();
    }
    fs::rename(part.join("test/good"), part.join("test/OK")).unwrap();

    let data = place.text("part");
    let run = patchcore(["inspect-data", &data, "--format", "json"]).ends(3, &[]);
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["test"], json!({ "good": 4, "defective": 3, "kinds": { "spot": 3 } }));
    assert_eq!((&found["train"], &found["layout"]), (&json!(5), &json!("MVTec AD")));
    let sizes = json!([
        { "width": 96, "height": 64, "photos": 1 },
        { "width": WIDTH, "height": HEIGHT, "photos": 10 },
    ]);
    assert_eq!(found["sizes"], sizes);
    let colours = json!([{ "channels": 1, "bits": 8, "photos": 9 }, { "channels": 3, "bits": 8, "photos": 2 }]);
    assert_eq!(found["colours"], colours);
    assert_eq!(found["doubles"], json!([["train/good/001.png", "test/OK/copy.bmp"]]));
    assert_eq!(found["unreadable"][0]["image_path"], "train/good/003.png");
    assert_eq!(found["unreadable"].as_array().unwrap().len(), 1);
    let masks = &found["masks"];
    assert_eq!((&masks["photos"], &masks["files"], &masks["of_good_photos"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(masks["missing"], json!(["test/spot/001.png"]));
    assert_eq!(masks["orphan"], json!(["ground_truth/spot/099_mask.png"]));
    assert_eq!(masks["other_size"], json!(["ground_truth/spot/000_mask.png is 50 x 40, its photo 112 x 80"]));
    let ambiguous = masks["ambiguous"][0].as_str().unwrap();
    assert!(ambiguous.contains("2 masks for test/spot/002.png") && ambiguous.contains("002_GT.bmp and"), "{ambiguous}");
    let left = json!({ "files": 3, "extensions": { "gif": 1, "heic": 2 }, "folders": ["test/spot/sub"] });
    assert_eq!((&found["left_out"], &found["remarks"]), (&left, &json!(["test/OK is read as good"])));

    let table = patchcore(["inspect-data", &data]).ends(3, &[]).stdout;
    for line in [
        "train         5 good",
        "test          4 good, 3 defective",
        "sizes         96 x 64: 1 photo\n              112 x 80: 10 photos",
        "colours       grey, 8 bits: 9 photos\n              RGB, 8 bits: 2 photos",
        "1 photo with a mask (1 file), 1 without, 1 ambiguous, 1 of another size; 1 of no photo, 0 of good photos",
        "without mask  test/spot/001.png",
        "orphans       1 mask belongs to no photo: ground_truth/spot/099_mask.png",
        "doubles       train/good/001.png = test/OK/copy.bmp",
        "left out      3 files (.heic, .gif), 1 folder\n              test/spot/sub",
        "remarks       test/OK is read as good",
    ] {
        assert!(table.contains(line), "{line}: {table}");
    }
}

#[test]
fn folders_and_manifests_are_inspected_and_what_is_none_is_refused() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 3);
    let table = patchcore(["inspect-data", &place.text("photos")]).done().stdout;
    assert!(table.contains("folder of photos") && table.contains("train         3 good"), "{table}");
    let manifest = "image_path,label,split\nphotos/000.png,good,train\nphotos/001.png,hole,test\n";
    fs::write(place.path("photos.csv"), manifest).unwrap();
    let table = patchcore(["inspect-data", &place.text("photos.csv")]).done().stdout;
    assert!(
        table.contains("layout        manifest") && table.contains("0 good, 1 defective\n              1 hole"),
        "{table}"
    );
    assert!(table.contains("remarks       no good photos in the test set"), "{table}");

    category(&place.path("sets/a"));
    category(&place.path("sets/b"));
    patchcore(["inspect-data", &place.text("sets")]).fails(&["holds 2 data sets: a, b"]);
    patchcore(["inspect-data", &place.text("gone")]).fails(&["does not exist"]);
}
