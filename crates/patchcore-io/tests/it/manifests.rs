//! Manifests: what a table of photos means, and what it is told where it means nothing.

use std::fs;
use std::path::PathBuf;

use patchcore_io::{DataSet, DatasetError, Layout};
use tempfile::TempDir;

/// A table in a folder of its own.
fn table(text: &str) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("photos.csv");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn open(text: &str) -> DataSet {
    DataSet::open(&table(text).1).unwrap()
}

fn train(set: &DataSet) -> Vec<String> {
    set.train.iter().map(|photo| photo.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The photos for the test with their kinds and masks.
fn test(set: &DataSet) -> Vec<(String, String, usize)> {
    set.test.iter().map(|image| (image.relative.clone(), image.kind.clone(), image.masks.len())).collect()
}

#[track_caller]
fn fails(text: &str, needles: &[&str]) {
    let (_dir, path) = table(text);
    let error = DataSet::open(&path).unwrap_err().to_string();
    for needle in needles {
        assert!(error.contains(needle), "{needle}: {error}");
    }
}

#[test]
fn all_columns_are_read() {
    let (dir, path) = table(
        "image_path,label,mask_path,split,product\n\
         a/0.png,good,,train,cap\n\
         a/1.png,OK,,val,cap\n\
         a/2.png,0,,test,cap\n\
         a/3.png,scratch,m/3.png,test,cap\n\
         a/4.png,dent,m/four,Test,cap\n\
         a/5.png,dent,,test,cap\n\
         a/6.png,dent,,train,cap\n\
         \"b,0.png\",normal,,train,lid\n",
    );
    fs::create_dir_all(dir.path().join("m/four")).unwrap();
    for mask in ["0.png", "1.png"] {
        fs::write(dir.path().join("m/four").join(mask), "").unwrap();
    }
    let error = DataSet::open(&path).unwrap_err();
    assert!(
        matches!(&error, DatasetError::SeveralDataSets { count: 2, names, first, .. } if names == "cap, lid" && *first == path.join("cap")),
        "{error}"
    );
    let set = DataSet::open(&path.join("cap")).unwrap();
    assert_eq!(
        (set.layout, set.train, set.validation),
        (Layout::Manifest, vec![dir.path().join("a/0.png")], vec![dir.path().join("a/1.png")])
    );
    let rows: Vec<_> =
        set.test.iter().map(|image| (image.relative.as_str(), image.kind.as_str(), image.masks.clone())).collect();
    let mask = |name: &str| dir.path().join("m").join(name);
    let expected = [
        ("a/2.png", "good", vec![]),
        ("a/3.png", "scratch", vec![mask("3.png")]),
        ("a/4.png", "dent", vec![mask("four/0.png"), mask("four/1.png")]),
        ("a/5.png", "dent", vec![]),
    ];
    assert_eq!(rows, expected);
    let fault = set.test[3].mask_fault.as_ref().unwrap().to_string();
    assert!(fault.contains("column mask_path"), "{fault}");
    assert_eq!(
        set.remarks[0].to_string(),
        "1 photo for training not fitted on: defective according to the column label"
    );
    assert_eq!(DataSet::open(&path.join("lid")).unwrap().train, [dir.path().join("b,0.png")]);
    let error = DataSet::open(&path.join("box")).unwrap_err().to_string();
    assert!(error.contains("`box`") && error.contains("cap, lid"), "{error}");
}

#[test]
fn what_a_table_does_not_say_is_taken_and_told() {
    let set = open("image_path\nb.png\na.png\n");
    assert_eq!((train(&set), set.test.len(), set.remarks.len()), (vec!["b.png".to_owned(), "a.png".to_owned()], 0, 0));
    assert!(set.labelled().unwrap_err().to_string().contains("manifest"));

    let set = open("image_path,label\na.png,good\nb.png,hole\n");
    assert_eq!(train(&set), ["a.png"]);
    assert_eq!(test(&set), [("a.png".to_owned(), "good".to_owned(), 0), ("b.png".to_owned(), "hole".to_owned(), 0)]);
    assert!(set.remarks[0].to_string().contains("the good photos are training photos and test photos"));

    let set = open("image_path,split\na.png,train\nb.png,test\n");
    assert_eq!((train(&set), set.test.len()), (vec!["a.png".to_owned()], 0));
    assert_eq!(set.remarks[0].to_string(), "the split test is not read: 1 photo without labels");

    let set = open("label,camera,image_path\ndefect_free,2,a.png\n");
    let remarks: Vec<_> = set.remarks.iter().map(ToString::to_string).collect();
    assert!(remarks[0].starts_with("defect_free counts as a kind of defect"), "{remarks:?}");
    assert_eq!(remarks[1], "columns not read: camera");
}

/// As spreadsheets write them: a mark, semicolons or tabs, CRLF, quotes, capitals, blanks, empty cells and lines at the end.
#[test]
fn tables_of_spreadsheets_are_read() {
    for text in [
        "\u{feff}Image_Path;Label;\r\n\"a 1.png\" ; good;\r\n\r\nb.png;hole;;;\r\n",
        "image_path\tLABEL\na 1.png\tOK\nb.png\thole\n",
        "image_path,label\n\"a 1.png\",\"normal \"\nb.png,hole",
    ] {
        let set = open(text);
        assert_eq!(train(&set), ["a 1.png"], "{text:?}");
        assert_eq!(set.test[1].kind, "hole", "{text:?}");
    }
}

#[test]
fn errors_name_line_and_column() {
    fails("", &["photos.csv, line 1, header: the file is empty"]);
    fails("path,label\na.png,good\n", &["line 1, header: no column `image_path`; found path, label"]);
    fails(
        "image_path,split\na.png,train\nb.png,trian\n",
        &["line 3, column split: `trian` is no split; expected train, validation or test"],
    );
    fails("image_path,label\na.png,\n", &["line 2, column label: the cell is empty"]);
    fails("image_path,label\n,good\n", &["line 2, column image_path: the cell is empty"]);
    fails("image_path,label\na.png,good\n\nb.png\n", &["line 4, row: 1 cells, expected 2 (image_path, label)"]);
    fails("image_path,label\na,b.png,good\n", &["line 2, row: 3 cells, expected 2", "double quotes"]);
    fails("image_path\na.png\nb.png\na.png\n", &["line 4, column image_path: `a.png` is in line 2 too"]);
    fails(
        "image_path,label,mask_path\na.png,x,m.png\nb.png,x,m.png\n",
        &["line 3, column mask_path", "the mask of line 2 too"],
    );
    fails("image_path,label\r\n\r\n\"a\r\nb.png\",good\r\nc.png,\r\n", &["line 5, column label: the cell is empty"]);
    let (_dir, path) = table("");
    fs::write(&path, b"image_path,label\na\xe9.png,good\n").unwrap();
    let error = DataSet::open(&path).unwrap_err().to_string();
    assert!(error.contains("line 2, column image_path: `a\u{fffd}.png` is not UTF-8"), "{error}");
    let error = DataSet::open(&path.with_file_name("gone.csv")).unwrap_err();
    assert!(matches!(error, DatasetError::Missing { .. }), "{error}");
}

mod any_table {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the bytes: an answer or an error.
        #[test]
        fn has_an_answer(bytes in prop::collection::vec(prop::sample::select(b"image_path,label\n\r\"\t;split\xef\xbb\xbf\xff0good".to_vec()), 0..80)) {
            let (_dir, path) = table("");
            fs::write(&path, [b"image_path,label\n".as_slice(), &bytes].concat()).unwrap();
            let _ = DataSet::open(&path);
            fs::write(&path, &bytes).unwrap();
            let _ = DataSet::open(&path);
        }
    }
}
