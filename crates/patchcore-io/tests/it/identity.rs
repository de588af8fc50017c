//! One photo has one digest, whatever file it came in.

use std::path::Path;

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb, RgbImage};
use patchcore_io::{Limits, Photo};

fn sha256(path: &Path) -> [u8; 32] {
    let photo = Photo::open(path, &Limits::default()).unwrap();
    let identity = photo.identity();
    assert_eq!((identity.path.as_deref(), identity.sha256), (Some(path), photo.sha256()));
    identity.sha256
}

#[test]
fn a_photo_as_png_bmp_and_tiff_is_one_photo() {
    let folder = tempfile::tempdir().unwrap();
    let mix = |x: u32, y: u32, c: u32| (x * 7 + y * 13 + c * 101) as u8;
    let sixteen = |x: u32, y: u32| Luma([(x * 1031 + y * 257) as u16]);
    let photos = [
        ("rgb", &["png", "bmp", "tiff"][..], {
            DynamicImage::ImageRgb8(RgbImage::from_fn(33, 21, |x, y| Rgb([0, 1, 2].map(|c| mix(x, y, c)))))
        }),
        (
            "grey",
            &["png", "bmp", "tiff"],
            DynamicImage::ImageLuma8(GrayImage::from_fn(33, 21, |x, y| Luma([mix(x, y, 0)]))),
        ),
        ("sixteen", &["png", "tiff"], DynamicImage::ImageLuma16(ImageBuffer::from_fn(33, 21, sixteen))),
    ];
    let mut all = Vec::new();
    for (name, formats, photo) in photos {
        let files: Vec<_> = formats.iter().map(|format| folder.path().join(format!("{name}.{format}"))).collect();
        files.iter().for_each(|file| photo.save(file).unwrap());
        let digests: Vec<_> = files.iter().map(|file| sha256(file)).collect();
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{name}");
        assert_eq!(Photo::from_dynamic(photo).identity().path, None);
        all.push(digests[0]);
    }
    all.dedup();
    assert_eq!(all.len(), 3, "three photos, three digests");
}
