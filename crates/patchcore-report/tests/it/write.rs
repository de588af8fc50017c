//! Pictures on disk.

use image::{Rgb, RgbImage};
use patchcore_report::{ReportError, write_png};

#[test]
fn a_written_picture_reads_back_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.png");
    let picture = RgbImage::from_pixel(3, 2, Rgb([1, 2, 3]));
    std::fs::write(&path, "old").unwrap();
    write_png(&path, &picture).unwrap();
    assert_eq!(image::open(&path).unwrap().to_rgb8(), picture);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn failures_name_the_file_and_keep_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let picture = RgbImage::new(2, 2);
    let missing = folder.path().join("absent/map.png");
    let error = write_png(&missing, &picture).unwrap_err();
    assert!(matches!(error, ReportError::Write { .. }));
    assert!(error.to_string().contains("map.png"));

    let occupied = folder.path().join("occupied.png");
    std::fs::create_dir_all(occupied.join("inside")).unwrap();
    assert!(matches!(write_png(&occupied, &picture), Err(ReportError::Write { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no part file stays");

    let path = folder.path().join("empty.png");
    assert!(matches!(write_png(&path, &RgbImage::new(0, 0)), Err(ReportError::Encode { .. })));
    assert!(matches!(write_png("/", &picture), Err(ReportError::Write { .. })));
}
