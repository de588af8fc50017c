//! What is worth saying of a photo: another shape or another kind than those of the fit. It changes no score.

use image::DynamicImage;
use patchcore::{FitOptions, LoadOptions, Model, Photo, Remark, Resize, Settings, Size};

use crate::part;
use crate::photos::settings;

/// The part, repeated to fill a photo of that size.
fn of_size(width: u32, height: u32) -> DynamicImage {
    let part = part::photo(1, false).to_rgb8();
    let (columns, rows) = part.dimensions();
    image::RgbImage::from_fn(width, height, |x, y| *part.get_pixel(x % columns, y % rows)).into()
}

fn remarks(model: &Model, photo: DynamicImage) -> Vec<Remark> {
    model.score(&Photo::from_dynamic(photo)).unwrap().remarks
}

#[test]
fn a_shape_that_the_fit_has_not_seen_is_remarked_upon() {
    let model = Model::fit(&Settings { resize: Some(Resize::Short(96)), ..settings() }, part::good(4)).unwrap();
    // 96 x 105.6: less than a cell of 16 from 96 x 96, whose size it takes. 96 x 116: a cell away.
    for (height, expected) in [(96, vec![]), (105, vec![]), (116, vec![Remark::OtherShape])] {
        let photo = of_size(96, height);
        assert_eq!(remarks(&model, photo.clone()), expected, "{height}");
        // The same shape at twice the size.
        assert_eq!(
            remarks(&model, photo.resize_exact(192, 2 * height, image::imageops::FilterType::Nearest)),
            expected
        );
    }
    // Nothing is kept of the aspect ratio, which is why it is told.
    let size = Some(Resize::Exact(Size { width: 96, height: 96 }));
    let squeezing = Model::fit(&Settings { resize: size, ..settings() }, part::good(4)).unwrap();
    assert_eq!(remarks(&squeezing, of_size(96, 105)), []);
    assert_eq!(remarks(&squeezing, of_size(96, 192)), [Remark::OtherShape]);
    // In tiles a photo keeps its size: half of it is another scale.
    let padded = Settings { resize: Some(Resize::Keep), pad_to_stride: true, ..settings() };
    let padded = Model::fit(&padded, part::good(4)).unwrap();
    assert_eq!(remarks(&padded, of_size(100, 90)), []);
    assert_eq!(remarks(&padded, of_size(192, 192)), [Remark::OtherShape]);
}

#[test]
fn a_kind_that_the_fit_has_not_seen_is_remarked_upon() {
    let grey = of_size(96, 96);
    let mut coloured = grey.to_rgb8();
    coloured.put_pixel(5, 5, image::Rgb([200, 10, 10]));
    let model = Model::fit(&settings(), part::good(4)).unwrap();
    // Grey is grey in three channels, too.
    assert_eq!(remarks(&model, grey.clone()), []);
    assert_eq!(remarks(&model, grey.to_luma8().into()), []);
    assert_eq!(remarks(&model, coloured.clone().into()), [Remark::OtherKind]);
    assert_eq!(remarks(&model, grey.to_luma16().into()), [Remark::OtherKind]);
    let mut transparent = grey.to_rgba8();
    transparent.put_pixel(0, 0, image::Rgba([9, 90, 9, 0]));
    assert_eq!(remarks(&model, transparent.into()), [Remark::Transparent, Remark::OtherKind]);
    // A file that was written before anybody knew what the fit had seen says nothing.
    let bank_alone = include_bytes!("../fixtures/version_2_paper.safetensors");
    let old = Model::from_bytes(bank_alone, &LoadOptions::default()).unwrap();
    assert_eq!(remarks(&old, coloured.into()), []);
}

#[test]
fn a_fit_names_photos_unlike_its_first() {
    let photos = [of_size(96, 96), of_size(96, 105), of_size(96, 160), of_size(96, 96).to_luma16().into()];
    let photos =
        photos.into_iter().enumerate().map(|(number, photo)| (format!("{number}.png"), Photo::from_dynamic(photo)));
    let report = Model::fit_with(&settings(), photos, FitOptions::default()).unwrap();
    let told: Vec<_> = report.remarks.iter().collect();
    assert_eq!(told, [(Remark::ManyShapes, 1, "2.png"), (Remark::ManyKinds, 1, "3.png")]);
    // What the fit has seen is nothing odd.
    let taller = remarks(&report.model, of_size(96, 160));
    assert_eq!(taller, []);
}
