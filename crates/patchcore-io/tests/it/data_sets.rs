//! Data sets as their makers ship them, and as users lay them out: which files are photos, labels and masks; long because each
//! layout has a tree of its own.

use std::fs;
use std::path::Path;

use patchcore_io::{DataSet, DatasetError, Layout, Remark, TestImage};
use tempfile::TempDir;

use crate::folders::{folder, names};

/// A row of the test set: the photo, its kind, whether it is defective, its masks or what is wrong with them.
fn row(root: &Path, image: &TestImage) -> (String, String, bool, Vec<String>) {
    let masks = match &image.mask_fault {
        None => names(root, &image.masks),
        Some(fault) => vec![fault.to_string()],
    };
    (image.relative.clone(), image.kind.clone(), image.is_anomalous, masks)
}

/// Each test photo as `photo kind masks`, good ones with `+`.
fn rows(set: &DataSet, root: &Path) -> Vec<String> {
    let line = |(photo, kind, is_anomalous, masks): (String, String, bool, Vec<String>)| {
        format!("{photo} {}{kind} {}", if is_anomalous { "-" } else { "+" }, masks.join(" ")).trim_end().to_owned()
    };
    set.test.iter().map(|image| line(row(root, image))).collect()
}

fn remarks(set: &DataSet) -> Vec<String> {
    set.remarks.iter().map(ToString::to_string).collect()
}

fn open(dir: &TempDir) -> DataSet {
    DataSet::open(dir.path()).unwrap()
}

/// Saves a grey PNG or BMP of one value with one pixel of another.
#[cfg(all(feature = "png", feature = "bmp"))]
fn picture(root: &Path, file: &str, value: u8, one: u8) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut picture = image::GrayImage::from_pixel(8, 6, image::Luma([value]));
    picture.put_pixel(3, 2, image::Luma([one]));
    picture.save(path).unwrap();
}

#[test]
fn mvtec_ad_2_has_a_public_test_set_with_its_masks() {
    let dir = folder(&[
        "train/good/000_regular.png",
        "validation/good/001_regular.png",
        "test_public/good/000_regular.png",
        "test_public/good/000_overexposed.png",
        "test_public/bad/000_regular.png",
        "test_public/bad/001_shift_1.png",
        "test_public/ground_truth/bad/000_regular_mask.png",
        "test_public/ground_truth/bad/001_shift_1_mask.png",
        "test_private/000_regular.png",
        "test_private/001_regular.png",
        "test_private_mixed/000_mixed.png",
    ]);
    let set = open(&dir);
    assert_eq!(set.layout, Layout::MvtecAd2);
    assert_eq!(names(dir.path(), &set.train), ["train/good/000_regular.png"]);
    assert_eq!(names(dir.path(), &set.validation), ["validation/good/001_regular.png"]);
    let expected = [
        "test_public/bad/000_regular.png -bad test_public/ground_truth/bad/000_regular_mask.png",
        "test_public/bad/001_shift_1.png -bad test_public/ground_truth/bad/001_shift_1_mask.png",
        "test_public/good/000_overexposed.png +good",
        "test_public/good/000_regular.png +good",
    ];
    assert_eq!(rows(&set, dir.path()), expected);
    assert_eq!(
        remarks(&set),
        ["test_private is not read: 2 photos without labels", "test_private_mixed is not read: 1 photo without labels"]
    );
    assert!(set.left_out.is_empty() && set.orphan_masks.is_empty());
}

#[test]
fn mvtec_loco_has_a_folder_of_masks_for_each_photo() {
    let dir = folder(&[
        "train/good/000.png",
        "validation/good/000.png",
        "test/good/000.png",
        "test/logical_anomalies/000.png",
        "test/structural_anomalies/000.png",
        "test/structural_anomalies/001.png",
        "ground_truth/logical_anomalies/000/000.png",
        "ground_truth/structural_anomalies/000/000.png",
        "ground_truth/structural_anomalies/000/001.png",
        "ground_truth/structural_anomalies/000/002.png",
        "ground_truth/structural_anomalies/007/000.png",
        "defects_config.json",
    ]);
    fs::create_dir(dir.path().join("ground_truth/structural_anomalies/001")).unwrap();
    let set = open(&dir);
    assert_eq!((set.layout, set.train.len(), set.validation.len()), (Layout::MvtecLoco, 1, 1));
    let own = "ground_truth/structural_anomalies/000";
    let expected = [
        "test/good/000.png +good".to_owned(),
        "test/logical_anomalies/000.png -logical_anomalies ground_truth/logical_anomalies/000/000.png".to_owned(),
        format!("test/structural_anomalies/000.png -structural_anomalies {own}/000.png {own}/001.png {own}/002.png"),
        "test/structural_anomalies/001.png -structural_anomalies no mask for test/structural_anomalies/001.png: expected \
         ground_truth/structural_anomalies/001/000.png; add it, or the image counts for the image metrics only"
            .to_owned(),
    ];
    assert_eq!(rows(&set, dir.path()), expected);
    assert_eq!(names(dir.path(), &set.orphan_masks), ["ground_truth/structural_anomalies/007/000.png"]);
    assert!(set.left_out.is_empty(), "{}", set.left_out);
}

#[test]
fn mvtec_3d_has_photos_in_rgb_and_masks_in_gt() {
    let dir = folder(&[
        "calibration/camera_parameters.json",
        "train/good/rgb/000.png",
        "train/good/xyz/000.tiff",
        "validation/good/rgb/000.png",
        "validation/good/xyz/000.tiff",
        "test/good/rgb/000.png",
        "test/good/xyz/000.tiff",
        "test/good/gt/000.png",
        "test/crack/rgb/000.png",
        "test/crack/rgb/001.png",
        "test/crack/xyz/000.tiff",
        "test/crack/gt/000.png",
    ]);
    let set = open(&dir);
    assert_eq!(set.layout, Layout::Mvtec3d);
    assert_eq!(names(dir.path(), &set.train), ["train/good/rgb/000.png"]);
    assert_eq!(names(dir.path(), &set.validation), ["validation/good/rgb/000.png"]);
    let expected = [
        "test/crack/rgb/000.png -crack test/crack/gt/000.png",
        "test/crack/rgb/001.png -crack no mask for test/crack/rgb/001.png: expected test/crack/gt/001.png; add it, or the image \
         counts for the image metrics only",
        "test/good/rgb/000.png +good",
    ];
    assert_eq!(rows(&set, dir.path()), expected);
    assert_eq!((set.masks_of_good, set.orphan_masks.len()), (1, 0));
    assert_eq!(names(dir.path(), &set.left_out.folders), ["calibration"]);
}

#[test]
fn btad_calls_good_ok_and_masks_as_photos() {
    let dir = folder(&[
        "train/ok/0000.bmp",
        "test/ok/0000.bmp",
        "test/ko/0001.bmp",
        "test/ko/0002.bmp",
        "ground_truth/ko/0001.png",
        "ground_truth/ko/0002.bmp",
    ]);
    let set = open(&dir);
    assert_eq!((set.layout, set.train.len()), (Layout::Btad, 1));
    let expected = [
        "test/ko/0001.bmp -ko ground_truth/ko/0001.png",
        "test/ko/0002.bmp -ko ground_truth/ko/0002.bmp",
        "test/ok/0000.bmp +good",
    ];
    assert_eq!(rows(&set, dir.path()), expected);
    assert_eq!(remarks(&set), ["train/ok is read as good", "test/ok is read as good"]);
}

/// Fault 8, and names that come close.
#[test]
fn good_folders_of_other_names_are_good() {
    for name in ["Good", "GOOD", "OK", "ok", "normal", "Normal", "good ", "Ok "] {
        let (train, good) = (format!("train/{name}/0.png"), format!("test/{name}/1.png"));
        let dir = folder(&[&train, &good, "test/scratch/2.png"]);
        let set = open(&dir);
        assert_eq!(names(dir.path(), &set.train), [train.as_str()], "{name}");
        let labels: Vec<_> = set.test.iter().map(|image| (image.kind.as_str(), image.is_anomalous)).collect();
        assert!(labels.contains(&("good", false)) && labels.contains(&("scratch", true)), "{name}: {labels:?}");
        assert_eq!(
            remarks(&set),
            [format!("train/{name} is read as good"), format!("test/{name} is read as good")],
            "{name}"
        );
        assert_eq!(set.one_class(), None);
    }
    let dir = folder(&["test/good/0.png", "test/OK/0.png", "test/NG/0.png", "test/defect_free/0.png"]);
    let set = open(&dir);
    let labels: Vec<_> = set.test.iter().map(|image| (image.relative.as_str(), image.is_anomalous)).collect();
    let expected = [
        ("test/NG/0.png", true),
        ("test/OK/0.png", false),
        ("test/defect_free/0.png", true),
        ("test/good/0.png", false),
    ];
    assert_eq!(labels, expected);
    let doubtful = "test/defect_free counts as a kind of defect: photos of good parts are called good, ok or normal";
    assert_eq!(remarks(&set), ["test/OK is read as good", doubtful]);
    assert!(set.remarks.iter().all(Remark::is_about_test));
}

#[test]
fn a_training_folder_without_good_ones_is_told() {
    let dir = folder(&["train/0.png", "train/1.png", "test/good/0.png"]);
    assert_eq!(open(&dir).train.len(), 2);
    assert_eq!(remarks(&open(&dir)), ["train has no folder good: its own 2 photos are taken as good"]);

    let dir = folder(&["Train/Good/0.png", "Test/good/0.png", "Test/bad/0.png", "Ground_Truth/bad/0_mask.png"]);
    let set = open(&dir);
    assert_eq!(
        (set.train.len(), rows(&set, dir.path())[0].as_str()),
        (1, "Test/bad/0.png -bad Ground_Truth/bad/0_mask.png")
    );

    let dir = folder(&["train/defect-free/0.png", "train/bad/0.png", "test/good/0.png"]);
    let set = open(&dir);
    let doubtful = "train/defect-free is not fitted on: photos of good parts are called good, ok or normal";
    assert_eq!((remarks(&set), set.left_out.to_string()), (vec![doubtful.to_owned()], "2 folders".to_owned()));
    let error = set.training().unwrap_err();
    assert!(matches!(error, DatasetError::NoTraining { .. }) && error.to_string().contains("train/good"), "{error}");

    let dir = folder(&["train/defect-free/0.png"]);
    let error = DataSet::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("train/good") && error.contains(doubtful), "{error}");
}

#[test]
fn a_test_set_of_one_class_says_why_metrics_are_missing() {
    let reason = |files: &[&str]| open(&folder(files)).one_class().unwrap();
    let none = reason(&["test/crack/0.png", "test/dent/0.png", "test/dent/1.png"]);
    assert!(
        none.starts_with("no good photos in the test set: each of the 3 counts as defective (crack, dent)"),
        "{none}"
    );
    let dir = folder(&["test/crack/0.png"]);
    fs::create_dir(dir.path().join("test/good")).unwrap();
    assert!(open(&dir).one_class().unwrap().starts_with("no good photos"));
    assert_eq!(names(dir.path(), &open(&dir).left_out.folders), ["test/good"]);
    assert_eq!(reason(&["test/good/0.png", "test/ok/0.png"]), "no defective photos in the test set: all 2 are good");
}

/// Fault 9.
#[test]
fn what_is_left_out_is_counted() {
    let dir = folder(&[
        "a.jfif",
        "b.JPE",
        "c.TIF",
        "d.jfif",
        "1.heic",
        "2.HEIC",
        "3.avif",
        "4.gif",
        "5.pgm",
        "6.dng",
        "README",
        "sub/0.png",
        ".hidden.gif",
        "Thumbs.db",
        "desktop.ini",
    ]);
    let set = open(&dir);
    assert_eq!(names(dir.path(), &set.train), ["a.jfif", "b.JPE", "c.TIF", "d.jfif"]);
    assert_eq!(set.left_out.to_string(), "7 files (.heic, no extension, .avif, .dng, .gif, .pgm), 1 folder");
    // In a data set: loose photos, folders in folders, other files; not readme and licence beside its folders.
    let dir = folder(&[
        "license.txt",
        "loose.heic",
        "loose.png",
        "extra/0.png",
        "train/good/0.png",
        "train/good/0.gif",
        "train/loose.png",
        "train/good/sub/0.png",
        "test/good/0.png",
        "test/loose.png",
        "test/nested/sub/0.png",
        "test/broken/0.png",
        "test/broken/notes.txt",
        "ground_truth/broken/0_mask.png",
        "ground_truth/broken/0.json",
    ]);
    let set = open(&dir);
    assert_eq!((set.train.len(), set.test.len()), (1, 2));
    let mut files = names(dir.path(), &set.left_out.files);
    files.sort();
    let expected = [
        "ground_truth/broken/0.json",
        "loose.heic",
        "loose.png",
        "test/broken/notes.txt",
        "test/loose.png",
        "train/good/0.gif",
        "train/loose.png",
    ];
    assert_eq!(files, expected);
    let mut folders = names(dir.path(), &set.left_out.folders);
    folders.sort();
    assert_eq!(folders, ["extra", "test/nested", "train/good/sub"]);
}

/// Faults 9 and 17.
#[test]
fn masks_go_by_the_photos_names_and_none_goes_twice() {
    let dir = folder(&[
        "test/good/0.png",
        "test/broken/0.png",
        "test/broken/1.png",
        "test/broken/2.png",
        "test/broken/3.jpg",
        "test/broken/3.png",
        "test/broken/4.png",
        "ground_truth/broken/0_MASK.PNG",
        "ground_truth/broken/1_GT.bmp",
        "ground_truth/broken/2_mask.bmp",
        "ground_truth/broken/2_mask.png",
        "ground_truth/broken/3_mask.png",
        "ground_truth/broken/4.tif",
        "ground_truth/broken/99_mask.png",
        "ground_truth/othr/0_mask.png",
        "ground_truth/0_mask.png",
        "ground_truth/good/0_mask.png",
    ]);
    let set = open(&dir);
    let rows = rows(&set, dir.path());
    assert_eq!(rows[0], "test/broken/0.png -broken ground_truth/broken/0_MASK.PNG");
    assert_eq!(rows[1], "test/broken/1.png -broken ground_truth/broken/1_GT.bmp");
    assert!(rows[2].contains("2 masks for test/broken/2.png") && rows[2].contains("2_mask.bmp and "), "{}", rows[2]);
    assert!(rows[2].contains("2_mask.png"), "{}", rows[2]);
    for (row, own, other) in [(3, "3.jpg", "3.png"), (4, "3.png", "3.jpg")] {
        let text = format!("3_mask.png may be of test/broken/{own} or of test/broken/{other}");
        assert!(rows[row].contains(&text) && rows[row].contains(&format!("({own}_mask.png)")), "{}", rows[row]);
        assert!(set.test[row].masks.is_empty());
    }
    assert_eq!(rows[5], "test/broken/4.png -broken ground_truth/broken/4.tif");
    assert_eq!(rows[6], "test/good/0.png +good");
    let orphans = ["ground_truth/0_mask.png", "ground_truth/broken/99_mask.png", "ground_truth/othr/0_mask.png"];
    assert_eq!((names(dir.path(), &set.orphan_masks), set.masks_of_good), (orphans.map(str::to_owned).to_vec(), 1));
    // Other names of the folder, and masks in the folder of their photos.
    let dir = folder(&["test/broken/0.png", "test/broken/1.png", "test/broken/1_mask.png", "gt/broken/0.png"]);
    let set = open(&dir);
    let expected = ["test/broken/0.png -broken gt/broken/0.png", "test/broken/1.png -broken test/broken/1_mask.png"];
    assert_eq!(
        (self::rows(&set, dir.path()), remarks(&set)),
        (expected.map(str::to_owned).to_vec(), vec!["gt is read as ground_truth".to_owned()])
    );
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_told_apart() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let dir = folder(&["test/good/0.png"]);
    let path = |folder: &str, name: &[u8]| dir.path().join(folder).join(OsStr::from_bytes(name));
    for (folder, name) in [
        ("test/k", &b"\xfe.png"[..]),
        ("test/k", b"\xff.png"),
        ("ground_truth/k", b"\xfe_mask.png"),
        ("ground_truth/k", b"\xff_mask.png"),
    ] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
        fs::write(path(folder, name), "").unwrap();
    }
    let set = open(&dir);
    let masks: Vec<_> = set.test.iter().filter(|image| image.is_anomalous).map(|image| image.masks.clone()).collect();
    assert_eq!(masks, [[path("ground_truth/k", b"\xfe_mask.png")], [path("ground_truth/k", b"\xff_mask.png")]]);
}

#[cfg(feature = "csv")]
#[test]
fn visa_is_read_where_it_lies() {
    let dir = folder(&[
        "candle/Data/Images/Normal/0000.JPG",
        "candle/Data/Images/Normal/0001.JPG",
        "candle/Data/Images/Normal/0002.JPG",
        "candle/Data/Images/Normal/0009.JPG",
        "candle/Data/Images/Anomaly/000.JPG",
        "candle/Data/Masks/Anomaly/000.png",
        "candle/Data/Masks/Anomaly/001.png",
        "candle/image_anno.csv",
        "pcb1/Data/Images/Normal/0000.JPG",
        "pcb1/Data/Images/Anomaly/000.JPG",
    ]);
    fs::create_dir(dir.path().join("split_csv")).unwrap();
    let table = "object,split,label,image,mask\n\
        candle,train,normal,candle/Data/Images/Normal/0002.JPG,\n\
        candle,train,normal,candle/Data/Images/Normal/0000.JPG,\n\
        candle,test,normal,candle/Data/Images/Normal/0001.JPG,\n\
        candle,test,anomaly,candle/Data/Images/Anomaly/000.JPG,candle/Data/Masks/Anomaly/000.png\n\
        pcb1,train,normal,pcb1/Data/Images/Normal/0000.JPG,\n\
        pcb1,test,anomaly,pcb1/Data/Images/Anomaly/000.JPG,\n";
    fs::write(dir.path().join("split_csv/1cls.csv"), table).unwrap();
    let root = dir.path().join("candle");
    let set = DataSet::open(&root).unwrap();
    assert_eq!(set.layout, Layout::Visa);
    assert_eq!(names(&root, &set.train), ["Data/Images/Normal/0000.JPG", "Data/Images/Normal/0002.JPG"]);
    let expected =
        ["Data/Images/Anomaly/000.JPG -anomaly Data/Masks/Anomaly/000.png", "Data/Images/Normal/0001.JPG +good"];
    assert_eq!(rows(&set, &root), expected);
    assert_eq!(names(&root, &set.left_out.files), ["Data/Images/Normal/0009.JPG"]);
    assert_eq!(names(&root, &set.orphan_masks), ["Data/Masks/Anomaly/001.png"]);
    assert!(DataSet::open(&dir.path().join("pcb1")).unwrap().test[0].mask_fault.is_some());

    let error = DataSet::open(dir.path()).unwrap_err();
    let DatasetError::SeveralDataSets { count: 2, names, first, .. } = &error else { panic!("{error}") };
    assert_eq!((names.as_str(), first), ("candle, pcb1", &root));
    let error = DataSet::open(&dir.path().join("split_csv/1cls.csv")).unwrap_err().to_string();
    assert!(error.contains("visa/candle"), "{error}");

    let wrong = table.replace("candle,test,normal", "candle,testing,normal");
    fs::write(dir.path().join("split_csv/1cls.csv"), wrong).unwrap();
    let error = DataSet::open(&root).unwrap_err().to_string();
    assert!(error.contains("1cls.csv, line 4, column split: `testing` is no split"), "{error}");
    fs::write(dir.path().join("split_csv/1cls.csv"), table.replace("candle,", "candles,")).unwrap();
    let error = DataSet::open(&root).unwrap_err().to_string();
    assert!(error.contains("no rows of `candle`; it has candles, pcb1"), "{error}");

    // Without the table, and of one object alone.
    fs::remove_dir_all(dir.path().join("split_csv")).unwrap();
    fs::remove_dir_all(dir.path().join("pcb1")).unwrap();
    let set = DataSet::open(dir.path()).unwrap();
    assert_eq!((set.train.len(), rows(&set, &root)), (4, vec![expected[0].to_owned()]));
    assert!(remarks(&set)[0].contains("split_csv/1cls.csv") && set.one_class().is_some());
}

#[cfg(all(feature = "png", feature = "bmp"))]
#[test]
fn kolektor_sdd2_is_labelled_by_its_masks() {
    let dir = TempDir::new().unwrap();
    for (split, number, defect) in
        [("train", 10, 0), ("train", 11, 1), ("train", 12, 0), ("test", 20, 0), ("test", 21, 255)]
    {
        picture(dir.path(), &format!("{split}/{number}.png"), 90, 120);
        picture(dir.path(), &format!("{split}/{number}_GT.png"), 0, defect);
    }
    fs::write(dir.path().join("train/13.png"), "").unwrap();
    let set = open(&dir);
    assert_eq!(set.layout, Layout::KolektorSdd2);
    assert_eq!(names(dir.path(), &set.train), ["train/10.png", "train/12.png"]);
    assert_eq!(rows(&set, dir.path()), ["test/20.png +good", "test/21.png -defect test/21_GT.png"]);
    assert_eq!(
        remarks(&set),
        [
            "1 photo for training not fitted on: defective according to the masks",
            "1 photo left out, whether they are good is not known: train/13.png: it has no mask"
        ]
    );
    // Its folder of training photos alone.
    let set = DataSet::open(&dir.path().join("train")).unwrap();
    assert_eq!(
        (set.layout, names(dir.path(), &set.train)),
        (Layout::Folder, vec!["train/10.png".to_owned(), "train/12.png".to_owned()])
    );
    assert!(remarks(&set)[0].starts_with("3 files of the folder named as masks"), "{:?}", remarks(&set));
}

#[cfg(all(feature = "png", feature = "bmp"))]
#[test]
fn kolektor_sdd_is_divided_by_items() {
    let dir = TempDir::new().unwrap();
    for item in ["kos01", "kos02", "kos10"] {
        for part in 0..3 {
            picture(dir.path(), &format!("{item}/Part{part}.png"), 90, 120);
            picture(dir.path(), &format!("{item}/Part{part}_label.bmp"), 0, if part == 1 { 255 } else { 0 });
        }
    }
    let set = open(&dir);
    assert_eq!(set.layout, Layout::KolektorSdd);
    let train = ["kos01/Part0.png", "kos01/Part2.png", "kos02/Part0.png", "kos02/Part2.png"];
    assert_eq!(names(dir.path(), &set.train), train);
    let expected = ["kos10/Part0.png +good", "kos10/Part1.png -defect kos10/Part1_label.bmp", "kos10/Part2.png +good"];
    assert_eq!(rows(&set, dir.path()), expected);
    assert!(remarks(&set)[0].contains("the first 2 of 3 items"), "{:?}", remarks(&set));
    assert_eq!(set.masks_of_good, 2);
}

#[test]
fn a_folder_of_data_sets_names_them() {
    let dir = folder(&["bottle/train/good/0.png", "cable/test/good/0.png", "notes.txt"]);
    let error = DataSet::open(dir.path()).unwrap_err();
    assert!(matches!(error, DatasetError::SeveralDataSets { count: 2, .. }), "{error}");
    assert!(error.to_string().contains("bottle, cable"), "{error}");
    fs::remove_dir_all(dir.path().join("cable")).unwrap();
    let error = DataSet::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("holds a data set: bottle; name one"), "{error}");
    // An object of VisA beside photos, and one without photos.
    let dir = folder(&["0.png", "candle/Data/Images/Normal/0.JPG", "empty/Data/Images/readme.txt"]);
    assert_eq!((open(&dir).layout, open(&dir).left_out.folders.len()), (Layout::Folder, 2));
    assert!(matches!(DataSet::open(&dir.path().join("empty")), Err(DatasetError::NoImages { .. })));
    let dir = folder(&["OK/0.png", "NG/0.png"]);
    let error = DataSet::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("(folders: NG, OK; good photos may be in ") && error.contains("OK)"), "{error}");
}

mod any_tree {
    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = String> {
        let known = [
            "train",
            "Train",
            "test",
            "test_public",
            "validation",
            "ground_truth",
            "gt",
            "rgb",
            "xyz",
            "good",
            "ok ",
            "Normal",
            "crack",
            "Data",
            "Images",
            "Masks",
            "Anomaly",
            "0",
            "0_mask",
            "split_csv",
            "ü\u{301}",
            "a\nb",
        ];
        let file = [
            "0.png",
            "0.jpg",
            "0_mask.png",
            "0_GT.bmp",
            "0.png.png",
            "0.heic",
            "x",
            "1cls.csv",
            "\u{1b}[31m.png",
            "0.",
            "..png",
        ];
        prop_oneof![prop::sample::select(known.to_vec()), prop::sample::select(file.to_vec())].prop_map(str::to_owned)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Of names that mean something in one layout or another: an answer or an error, every photo once, no mask twice.
        #[test]
        fn has_an_answer(files in prop::collection::btree_set(prop::collection::vec(name(), 1..5), 0..12)) {
            let dir = TempDir::new().unwrap();
            for file in files {
                let path = dir.path().join(file.join("/"));
                if fs::create_dir_all(path.parent().unwrap()).is_ok() && !path.exists() {
                    let _ = fs::write(&path, "");
                }
            }
            let Ok(set) = DataSet::open(dir.path()) else { return Ok(()) };
            let mut photos: Vec<_> = set.train.iter().chain(&set.validation).chain(set.test.iter().map(|image| &image.path)).collect();
            let mut masks: Vec<_> = set.test.iter().flat_map(|image| &image.masks).chain(&set.orphan_masks).collect();
            for paths in [&mut photos, &mut masks] {
                paths.sort();
                let count = paths.len();
                paths.dedup();
                prop_assert_eq!(count, paths.len(), "{:?}", paths);
            }
            prop_assert!(photos.iter().all(|photo| !masks.contains(photo)));
            for image in &set.test {
                prop_assert_eq!(image.is_anomalous, image.kind != "good");
                prop_assert_eq!(image.is_anomalous, !image.masks.is_empty() || image.mask_fault.is_some());
            }
            prop_assert!(set.remarks.iter().all(|remark| !remark.to_string().contains('\n')));
            prop_assert!(!set.left_out.to_string().contains('\n'));
        }
    }
}
