//! TIFF files: floats, pages, and what is refused by its name.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use patchcore_config::{Resampling, Resize};
use patchcore_io::{Exposure, ImageError, Limits, Photo, PhotoHeader, prepare, prepare_within};
use tiff::encoder::TiffEncoder;
use tiff::encoder::colortype::{ColorType, Gray8, Gray32Float, Gray64Float, RGB8, RGB32Float};
use tiff::tags::Tag;

use crate::samples::{encode, picture, view};

/// Decodes a file; of what is decoded the header says the same.
fn decode(bytes: &[u8]) -> Result<Photo, ImageError> {
    let photo = Photo::decode("part.tif", bytes, &Limits::default())?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.tif");
    std::fs::write(&path, bytes).unwrap();
    let header = PhotoHeader::open(&path, &Limits::default()).unwrap();
    let found = (header.size, header.channels, header.bits);
    assert_eq!(found, (photo.size(), photo.channels(), photo.bits_per_sample()));
    let bytes =
        u64::from(photo.width()) * u64::from(photo.height()) * photo.channels() as u64 * u64::from(header.bits / 8);
    assert!(header.photo_bytes >= bytes && header.decoding_bytes > bytes, "{header:?}");
    Ok(photo)
}

/// A file of one page of 4 x 2 pixels.
fn one_page<C: ColorType>(values: &[C::Inner]) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut bytes = Cursor::new(Vec::new());
    TiffEncoder::new(&mut bytes).unwrap().write_image::<C>(4, 2, values).unwrap();
    bytes.into_inner()
}

/// A file of grey pages of 8 x 2 pixels: the value of all pixels, and the flags of the page.
pub fn pages(pages: &[(u8, u32)]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    for (value, flags) in pages {
        let mut page = encoder.new_image::<Gray8>(8, 2).unwrap();
        page.encoder().write_tag(Tag::NewSubfileType, *flags).unwrap();
        page.write_data(&[*value; 16]).unwrap();
    }
    bytes.into_inner()
}

/// A little-endian file of one directory, whose tags hold one number each, or several shorts behind it; the data starts at byte 8.
fn made_of(data: &[u8], tags: &[(u16, u16, &[u32])]) -> Vec<u8> {
    let directory = 8 + data.len().next_multiple_of(2);
    let mut bytes = [b"II*\0".as_slice(), &(directory as u32).to_le_bytes(), data].concat();
    bytes.resize(directory, 0);
    bytes.extend((tags.len() as u16).to_le_bytes());
    let mut behind = Vec::new();
    let start = directory + 2 + 12 * tags.len() + 4;
    for (tag, kind, values) in tags {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend((values.len() as u32).to_le_bytes());
        let written: Vec<u8> = match kind {
            3 => values.iter().flat_map(|value| (*value as u16).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        };
        if written.len() > 4 {
            bytes.extend(((start + behind.len()) as u32).to_le_bytes());
            behind.extend(written);
        } else {
            bytes.extend(written.iter().copied().chain([0; 4]).take(4));
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(behind);
    bytes
}

/// 2 x 2 pixels in one strip, of `bits` a sample, with the tags' values of `changed` in place of the usual ones.
pub fn small(bits: u32, data: &[u8], changed: &[(u16, u16, &[u32])]) -> Vec<u8> {
    let (depth, length) = ([bits], [data.len() as u32]);
    let usual: [(u16, u16, &[u32]); 9] = [
        (256, 3, &[2]),
        (257, 3, &[2]),
        (258, 3, &depth),
        (259, 3, &[1]),
        (262, 3, &[1]),
        (273, 4, &[8]),
        (277, 3, &[1]),
        (278, 3, &[2]),
        (279, 4, &length),
    ];
    let mut tags: Vec<_> = usual.into_iter().filter(|usual| changed.iter().all(|tag| tag.0 != usual.0)).collect();
    tags.extend(changed);
    tags.sort_unstable_by_key(|tag| tag.0);
    made_of(data, &tags)
}

/// Tiles of 16 x 16 pixels, a plane for each channel.
pub fn tiles_of_planes() -> Vec<u8> {
    made_of(
        &[9; 768],
        &[
            (256, 3, &[16]),
            (257, 3, &[16]),
            (258, 3, &[8; 3]),
            (259, 3, &[1]),
            (262, 3, &[2]),
            (277, 3, &[3]),
            (284, 3, &[2]),
            (322, 3, &[16]),
            (323, 3, &[16]),
            (324, 4, &[8, 264, 520]),
            (325, 4, &[256; 3]),
        ],
    )
}

fn refused(bytes: &[u8], words: &str) {
    let error = decode(bytes).unwrap_err();
    assert!(matches!(error, ImageError::UnsupportedFeature { format: "TIFF", .. }), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn floats_between_black_and_white_score_as_they_did_with_sixteen_bits() {
    let values: Vec<f32> = (0..24).map(|at| at as f32 / 23.0).collect();
    let photo = decode(&one_page::<RGB32Float>(&values)).unwrap();
    assert_eq!((photo.channels(), photo.bits_per_sample(), photo.brightest_sample()), (3, 32, u16::MAX));
    let deep = image::ImageBuffer::<image::Rgb<f32>, _>::from_raw(4, 2, values).unwrap();
    let deep = Photo::from_dynamic(DynamicImage::from(DynamicImage::from(deep).into_rgb16()));
    for resampling in [Resampling::Native, Resampling::Pil8Bit, Resampling::Float] {
        let view = view(Resize::Short(3), resampling);
        assert_eq!(prepare(&photo, &view).unwrap().data, prepare(&deep, &view).unwrap().data);
    }
    assert_eq!(photo.to_rgb8(), deep.to_rgb8());
    let grey = decode(&one_page::<Gray32Float>(&[0.0, 0.25, 0.5, 1.0, 0.0, 0.25, 0.5, 1.0])).unwrap();
    assert_eq!(grey.channels(), 1);
    let view = view(Resize::Keep, Resampling::Native);
    let input = prepare(&grey, &view).unwrap();
    assert_eq!(input.data[..4], [0.0, 16384.0 / 65535.0, 32768.0 / 65535.0, 1.0]);
    assert_eq!(input.kind.exposure, Exposure::Usual);
    let double = decode(&one_page::<Gray64Float>(&[0.0, 0.25, 0.5, 1.0, 0.0, 0.25, 0.5, 1.0])).unwrap();
    assert_eq!(prepare(&double, &view).unwrap().data, input.data);
    // 0, 1/4, 1/2 and 1 of 16 bits.
    let half = small(16, &[0, 0, 0, 0x34, 0, 0x38, 0, 0x3c], &[(339, 3, &[3])]);
    assert_eq!(prepare(&decode(&half).unwrap(), &view).unwrap().data, input.data[..4]);
}

#[test]
fn floats_outside_are_refused_with_their_range_until_somebody_says_what_is_white() {
    let view = view(Resize::Keep, Resampling::Native);
    let photo = decode(&one_page::<Gray32Float>(&[0.0, 51.0, 102.0, 255.0, 0.0, 51.0, 102.0, 300.0])).unwrap();
    let error = prepare(&photo, &view).unwrap_err();
    assert!(matches!(error, ImageError::FloatRange { lowest: 0.0, highest: 300.0, .. }), "{error}");
    assert!(error.to_string().contains("from 0 to 300") && error.to_string().contains("full_scale"), "{error}");
    let input = prepare_within(&photo, &view, None, Some(255)).unwrap();
    assert_eq!(input.data, [0.0, 0.2, 0.4, 1.0, 0.0, 0.2, 0.4, 1.0]);
    assert_eq!(input.kind.exposure, Exposure::Clipped);
    assert_eq!(prepare(&photo.clone().with_full_scale(255), &view).unwrap().data, input.data);
    assert_eq!(photo.with_full_scale(255).to_rgb8().into_raw()[3..6], [51; 3]);
    let dark = decode(&one_page::<Gray32Float>(&[-0.5, 0.5, 0.5, 1.0, 0.0, 0.5, 0.5, 1.0])).unwrap();
    assert!(prepare(&dark, &view).unwrap_err().to_string().contains("from -0.5 to 1"));
    for odd in [f32::NAN, f32::INFINITY] {
        let photo = decode(&one_page::<Gray32Float>(&[odd, 0.5, 0.5, 1.0, 0.0, 0.5, 0.5, 1.0])).unwrap();
        for white in [None, Some(255)] {
            let error = prepare_within(&photo, &view, None, white).unwrap_err();
            assert!(matches!(error, ImageError::NotFinite { not_finite: 1, .. }), "{error}");
        }
    }
}

#[test]
fn what_is_cut_off_at_white_is_noticed_from_one_sample_in_a_hundred() {
    let view = view(Resize::Keep, Resampling::Native);
    let exposure = |bright: usize, white| {
        let mut samples = vec![4000_u16; 1000];
        samples[..bright].fill(5000);
        let grey = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(100, 10, samples).unwrap();
        let photo = Photo::from_dynamic(DynamicImage::from(grey));
        prepare_within(&photo, &view, None, white).unwrap().kind.exposure
    };
    assert_eq!(exposure(10, Some(4095)), Exposure::Usual);
    assert_eq!(exposure(11, Some(4095)), Exposure::Clipped);
    assert_eq!(exposure(1000, Some(5000)), Exposure::Usual);
    assert_eq!(exposure(0, None), Exposure::NearlyBlack);
}

#[test]
fn the_one_page_that_is_a_photo_is_read_wherever_it_stands() {
    let shown = |bytes: &[u8]| decode(bytes).unwrap().brightest_sample();
    assert_eq!(shown(&pages(&[(10, 0)])), 10);
    assert_eq!(shown(&pages(&[(10, 1), (20, 0)])), 20);
    assert_eq!(shown(&pages(&[(10, 0), (20, 1), (30, 4)])), 10);
    assert_eq!(shown(&pages(&[(10, 1), (20, 1), (30, 2)])), 30);
    // One page has to be the photo, whatever its flags say.
    assert_eq!(shown(&pages(&[(10, 1)])), 10);
    refused(&pages(&[(10, 1), (20, 1)]), "marked as smaller copies or masks");
    for flags in [0, 2] {
        let error = decode(&pages(&[(10, flags), (20, 1), (30, flags)])).unwrap_err();
        assert!(matches!(error, ImageError::ManyPages { pages: 2, .. }), "{error}");
        assert!(error.to_string().contains("2 pages") && error.to_string().contains("file of its own"), "{error}");
    }
}

/// A BigTIFF of two pages of which the first, 7 everywhere, is marked as a smaller copy; the second is 9.
pub fn big_tiff() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new_big(&mut bytes).unwrap();
    for (value, flags) in [(7, 1_u32), (9, 0)] {
        let mut page = encoder.new_image::<RGB8>(2, 2).unwrap();
        page.encoder().write_tag(Tag::NewSubfileType, flags).unwrap();
        page.write_data(&[value; 12]).unwrap();
    }
    bytes.into_inner()
}

#[test]
fn big_tiff_is_read_like_tiff() {
    assert_eq!(decode(&big_tiff()).unwrap().brightest_sample(), 9);
}

#[test]
fn what_is_not_read_is_named() {
    refused(&small(8, &[1; 4], &[(262, 3, &[3]), (320, 3, &[0; 768])]), "a palette of colours");
    refused(&small(32, &[1; 16], &[]), "32-bit samples");
    refused(&small(8, &[1; 4], &[(339, 3, &[2])]), "signed 8-bit samples");
    refused(&small(16, &[1; 8], &[(339, 3, &[2])]), "signed 16-bit samples");
    refused(&small(32, &[1; 16], &[(262, 3, &[0]), (339, 3, &[3])]), "0 is white");
    let three: [(u16, u16, &[u32]); 3] = [(258, 3, &[8; 3]), (277, 3, &[3]), (262, 3, &[6])];
    refused(&small(8, &[1; 12], &three), "colours as YCbCr");
    let lab: [(u16, u16, &[u32]); 3] = [(258, 3, &[8; 3]), (277, 3, &[3]), (262, 3, &[8])];
    refused(&small(8, &[1; 12], &lab), "colours as L*a*b*");
    let jpeg: [(u16, u16, &[u32]); 4] = [(258, 3, &[8; 3]), (277, 3, &[3]), (262, 3, &[6]), (259, 3, &[7])];
    refused(&small(8, &[1; 12], &jpeg), "JPEG compression of colours as YCbCr");
    refused(&small(8, &[1; 4], &[(259, 3, &[50_000])]), "Zstandard compression");
    refused(&small(8, &[1; 4], &[(259, 3, &[6])]), "old JPEG compression");
    let lzw = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/photo/seed_lzw_tiles.tif");
    let lzw = std::fs::read(lzw).unwrap();
    refused(&lzw, "compressed by LZW in a way that its decoder does not follow");
    assert!(matches!(decode(&lzw[..lzw.len() - 200]), Err(ImageError::Truncated { .. })));
    refused(&tiles_of_planes(), "tiles that hold one channel each");
}

#[test]
fn a_float_file_that_ends_early_is_truncated_and_one_turned_is_turned_back() {
    let whole = one_page::<Gray32Float>(&[0.5; 8]);
    assert!(decode(&whole).is_ok());
    let data = small(32, &[0; 16], &[(339, 3, &[3]), (279, 4, &[4000]), (278, 3, &[400]), (257, 3, &[400])]);
    assert!(
        matches!(decode(&data), Err(ImageError::Truncated { .. } | ImageError::Damaged { .. })),
        "{:?}",
        decode(&data)
    );
    let values: Vec<f32> = (0..6).map(|value| value as f32 / 8.0).collect();
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let (orientations, deep) = (1..=8_u32, image::ImageBuffer::<image::Luma<u8>, _>::from_raw(3, 2, (0..6).collect()));
    for orientation in orientations {
        let file = small(32, &data, &[(256, 3, &[3]), (339, 3, &[3]), (274, 3, &[orientation])]);
        let photo = decode(&file).unwrap();
        let mut expected = DynamicImage::from(deep.clone().unwrap());
        expected.apply_orientation(image::metadata::Orientation::from_exif(orientation as u8).unwrap());
        assert_eq!((photo.width(), photo.height()), (expected.width(), expected.height()), "{orientation}");
        let found = prepare(&photo, &view(Resize::Keep, Resampling::Native)).unwrap().data;
        let found: Vec<u8> = found.iter().map(|value| (value * 8.0).round() as u8).collect();
        assert_eq!(found, expected.into_bytes(), "{orientation}");
    }
}

#[test]
fn whole_numbers_decode_as_they_did() {
    for image in [picture(20, 10), picture(20, 10).to_rgb16().into(), picture(20, 10).to_luma8().into()] {
        let photo = decode(&encode(&image, ImageFormat::Tiff)).unwrap();
        assert_eq!(photo.sha256(), Photo::from_dynamic(image).sha256());
    }
}
