//! What masks mean: one rule for all of a folder, whatever numbers, palettes or channels their makers took; and why a defect may
//! be nowhere to be seen.

use std::io::Cursor;
use std::path::PathBuf;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, LumaA, RgbImage, Rgba, RgbaImage};
use patchcore_config::{Crop, Resampling, Resize, View};
use patchcore_io::{
    Geometry, HiddenDefect, ImageError, Limits, Mask, MaskRule, MaskSurvey, Photo, TruthMask, prepare_mask,
    region_of_masks,
};
use proptest::prelude::*;

use crate::samples::{size, view};

const WIDTH: u32 = 24;
const HEIGHT: u32 = 16;

/// A disc, and a bar below it.
fn is_defective(x: u32, y: u32) -> bool {
    x.abs_diff(9).pow(2) + y.abs_diff(6).pow(2) <= 16 || (y == 13 && (4..20).contains(&x))
}

fn truth() -> Vec<bool> {
    (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| is_defective(x, y))).collect()
}

/// A mask whose defect has these samples.
fn grey(defect: impl Fn(u32, u32) -> u8) -> Photo {
    let of = |x, y| Luma([if is_defective(x, y) { defect(x, y) } else { 0 }]);
    DynamicImage::from(GrayImage::from_fn(WIDTH, HEIGHT, of)).into()
}

fn rgba(pixel: impl Fn(bool) -> [u8; 4]) -> Photo {
    DynamicImage::from(RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| Rgba(pixel(is_defective(x, y))))).into()
}

fn sixteen(defect: u16) -> Photo {
    let of = |x, y| Luma([if is_defective(x, y) { defect } else { 0 }]);
    DynamicImage::from(ImageBuffer::<Luma<u16>, _>::from_fn(WIDTH, HEIGHT, of)).into()
}

fn jpeg(mask: &GrayImage, quality: u8) -> Photo {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(mask).unwrap();
    Photo::decode("mask.jpg", &bytes, &Limits::default()).unwrap()
}

fn white() -> GrayImage {
    GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([if is_defective(x, y) { 255 } else { 0 }]))
}

/// What is defective in each mask of a folder.
fn defective(masks: &[Photo]) -> Vec<Vec<bool>> {
    let survey = MaskSurvey::of(masks);
    let of =
        |mask: &Photo| TruthMask::new(std::slice::from_ref(mask), mask.size(), &survey).unwrap().on_photo(None).0.data;
    masks.iter().map(of).collect()
}

/// A PNG of palette colours, as labelling tools write them; `alpha` of the colours, if they have some.
fn palette_png(palette: &[[u8; 3]], alpha: &[u8], index: impl Fn(u32, u32) -> u8) -> Vec<u8> {
    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let body = [name, data].concat();
        let crc = !body.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 })
        });
        [&(data.len() as u32).to_be_bytes()[..], &body, &crc.to_be_bytes()].concat()
    }
    let row = |y| std::iter::once(0).chain((0..WIDTH).map(move |x| (x, y)).map(|(x, y)| index(x, y)));
    let raw: Vec<u8> = (0..HEIGHT).flat_map(|y| row(y).collect::<Vec<u8>>()).collect();
    let (a, b) = raw.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (a + b) % 65521)
    });
    let length = raw.len() as u16;
    let stored =
        [&[0x78, 1, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &raw, &((b << 16) | a).to_be_bytes()];
    let header = [&WIDTH.to_be_bytes()[..], &HEIGHT.to_be_bytes(), &[8, 3, 0, 0, 0]].concat();
    let transparency = if alpha.is_empty() { Vec::new() } else { chunk(b"tRNS", alpha) };
    let chunks = [
        chunk(b"IHDR", &header),
        chunk(b"PLTE", palette.as_flattened()),
        transparency,
        chunk(b"IDAT", &stored.concat()),
        chunk(b"IEND", &[]),
    ];
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

#[test]
fn whatever_is_not_black_is_defective_in_masks_of_few_values() {
    let of_palette = |colour: [u8; 3]| {
        let bytes = palette_png(&[[0; 3], colour], &[], |x, y| u8::from(is_defective(x, y)));
        Photo::decode("palette.png", &bytes, &Limits::default()).unwrap()
    };
    let coloured = |colour: [u8; 3]| -> Photo {
        let pixel = |x, y| image::Rgb(if is_defective(x, y) { colour } else { [0; 3] });
        DynamicImage::from(RgbImage::from_fn(WIDTH, HEIGHT, pixel)).into()
    };
    let masks = [1, 3, 60, 100, 127, 128, 236, 254, 255].map(|value| grey(|_, _| value));
    let deep = [1, 3, 255, 1000, 32_767, u16::MAX].map(sixteen);
    let colours = [[64, 0, 0], [0, 0, 1], [0, 128, 0], [255, 0, 0]];
    // 255 on the left and 60 on the right; the numbers of several kinds; one value for each kind, counting down.
    let several = [
        grey(|x, _| if x < 9 { 255 } else { 60 }),
        grey(|x, _| 1 + (x / 8) as u8),
        grey(|x, _| 255 - (x / 2) as u8),
        grey(|x, y| if y == 13 { 1 } else { 200 + (x % 3) as u8 }),
    ];
    let all = masks.into_iter().chain(deep).chain(colours.map(coloured)).chain(colours.map(of_palette)).chain(several);
    for mask in all {
        let name = format!("{mask:?} {:?}", MaskSurvey::of([&mask]).remark());
        assert_eq!(defective(std::slice::from_ref(&mask)), [truth()], "{name}");
        // And in whatever folder of such masks it lies.
        assert_eq!(defective(&[grey(|_, _| 255), mask, grey(|_, _| 2)])[1], truth(), "{name}");
    }
}

/// Half of the masks of a folder hold 1, half 2; the palette of a labelling tool with a class for each photo.
#[test]
fn the_rule_is_one_for_the_folder() {
    let folder: Vec<Photo> = (0..6).map(|number| grey(|_, _| 1 + number % 2)).collect();
    let survey = MaskSurvey::of(&folder);
    assert_eq!((survey.rule(), survey.masks()), (MaskRule::NotBlack, 6));
    assert!(defective(&folder).iter().all(|found| *found == truth()));
    assert_eq!(survey.remark().unwrap(), "6 masks hold the values 1, 2: everything that is not black counts");
    // Black and white, or 0 and 1, need no word.
    for plain in [[255, 255], [1, 1]] {
        assert_eq!(MaskSurvey::of(&plain.map(|value| grey(|_, _| value))).remark(), None);
    }
    assert_eq!(MaskSurvey::of([&sixteen(u16::MAX)]).remark(), None);
    assert_eq!(MaskSurvey::default().rule(), MaskRule::NotBlack);
    let many = MaskSurvey::of([&grey(|x, _| 10 + (x / 2) as u8)]).remark().unwrap();
    assert_eq!(many, "1 mask holds the values 12, 13, 14, 15, 16, 17, ..: everything that is not black counts");
}

/// A class weighs as much as white where the mask becomes smaller: it is decided first.
#[test]
fn numbers_are_decided_before_the_resize() {
    for resampling in [Resampling::Pil8Bit, Resampling::Native, Resampling::Float] {
        let view = view(Resize::Exact(size(7, 5)), resampling);
        let resized = |mask: &Photo| prepare_mask(mask, size(WIDTH, HEIGHT), &view).unwrap();
        let expected = resized(&grey(|_, _| 255));
        assert!(expected.defective_pixels() > 0 && expected.defective_pixels() < 35);
        for mask in
            [grey(|_, _| 3), grey(|x, _| 1 + (x % 5) as u8), sixteen(255), grey(|x, _| if x < 9 { 255 } else { 60 })]
        {
            assert_eq!(resized(&mask), expected);
        }
    }
}

#[test]
fn a_mask_may_be_drawn_in_alpha() {
    let drawn = |opaque: [u8; 3], hidden: [u8; 3]| {
        rgba(|is_defective| {
            let ([r, g, b], alpha) = if is_defective { (opaque, 255) } else { (hidden, 0) };
            [r, g, b, alpha]
        })
    };
    // On white, in red, in black, over whatever colour lies under the transparent pixels.
    for (opaque, hidden) in
        [([255; 3], [255; 3]), ([255, 0, 0], [255; 3]), ([0; 3], [255; 3]), ([0; 3], [0; 3]), ([9, 200, 0], [1, 2, 3])]
    {
        let mask = drawn(opaque, hidden);
        assert_eq!(defective(std::slice::from_ref(&mask)), [truth()], "{opaque:?} {hidden:?}");
        let remark = MaskSurvey::of([&mask]).remark().unwrap();
        assert!(remark.contains("1 mask (photo in memory) is drawn in alpha"), "{remark}");
    }
    let grey: Photo = DynamicImage::from(ImageBuffer::<LumaA<u8>, _>::from_fn(WIDTH, HEIGHT, |x, y| {
        LumaA([255, if is_defective(x, y) { 40 } else { 0 }])
    }))
    .into();
    assert_eq!(defective(&[grey]), [truth()]);
    let of_palette = palette_png(&[[255; 3], [255; 3]], &[0, 255], |x, y| u8::from(is_defective(x, y)));
    assert_eq!(defective(&[Photo::decode("p.png", &of_palette, &Limits::default()).unwrap()]), [truth()]);
    // Two colours of different brightness are two classes, drawn on nothing; a defect may be cut out of its photo.
    let two = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| match (is_defective(x, y), y == 13) {
        (false, _) => Rgba([255, 255, 255, 0]),
        (true, true) => Rgba([0, 0, 90, 255]),
        (true, false) => Rgba([200, 0, 0, 255]),
    });
    let cut_out = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
        Rgba([(40 + 7 * x + y) as u8, 30, 20, if is_defective(x, y) { 255 } else { 0 }])
    });
    for mask in [two, cut_out] {
        assert_eq!(defective(&[DynamicImage::from(mask).into()]), [truth()]);
    }
}

#[test]
fn alpha_that_says_nothing_leaves_the_colours() {
    for alpha in [255, 128, 0] {
        let mask = rgba(|is_defective| if is_defective { [255, 255, 255, alpha] } else { [0, 0, 0, alpha] });
        assert_eq!(defective(&[mask]), [truth()], "{alpha}");
    }
    // Wholly transparent, whatever the colour: nothing is drawn.
    assert_eq!(defective(&[rgba(|_| [255, 255, 255, 0])]), [vec![false; truth().len()]]);
    // Masks that are cut out as their photos are: the black one is no drawing where its neighbours show what black means.
    let cut_out = |defect: u8| {
        let pixel = |x, y| match (is_defective(x, y), x < 22) {
            (true, _) => Rgba([defect, defect, defect, 255]),
            (false, visible) => Rgba([0, 0, 0, if visible { 255 } else { 0 }]),
        };
        Photo::from(DynamicImage::from(RgbaImage::from_fn(WIDTH, HEIGHT, pixel)))
    };
    let found = defective(&[cut_out(255), cut_out(0)]);
    assert_eq!(found, [truth(), vec![false; truth().len()]]);
}

/// JPEG at every quality, and what is left of it in a PNG: the edges move by less than a pixel or so, and nothing is lost.
#[test]
fn grey_scale_masks_are_cut_at_one_half() {
    let mask = GrayImage::from_fn(96, 64, |x, y| Luma([if is_defective(x / 4, y / 4) { 255 } else { 0 }]));
    let expected = Mask::of_photo(&Photo::from(DynamicImage::from(mask.clone()))).data;
    for quality in [40, 75, 90, 95, 100] {
        let compressed = jpeg(&mask, quality);
        let mut png = Cursor::new(Vec::new());
        DynamicImage::from(compressed.to_rgb8()).into_luma8().write_to(&mut png, ImageFormat::Png).unwrap();
        let again = Photo::decode("again.png", png.get_ref(), &Limits::default()).unwrap();
        for photo in [compressed, again] {
            let survey = MaskSurvey::of([&photo]);
            assert_eq!(survey.rule(), MaskRule::AtLeastHalf, "{quality}");
            let remark = survey.remark().unwrap();
            assert!(remark.starts_with("1 mask is grey-scale (") && remark.ends_with("brightest counts"), "{remark}");
            let found = &defective(&[photo])[0];
            let differ = found.iter().zip(&expected).filter(|(found, expected)| found != expected).count();
            assert!(differ <= 6, "quality {quality}: {differ} pixels");
        }
    }
    // A ramp: at least half of the brightest, in 8 and 16 bits.
    let ramp = |top: u32| GrayImage::from_fn(256, 1, |x, _| Luma([(x * top / 255) as u8]));
    for top in [255, 200, 90] {
        let found = &defective(&[DynamicImage::from(ramp(top)).into()])[0];
        let expected: Vec<bool> = (0..256).map(|x| 2 * (x * top / 255) >= top).collect();
        assert_eq!(*found, expected, "{top}");
    }
}

/// A defect is lost to no other mask of its folder.
#[test]
fn numbers_beside_grey_scale_masks_keep_their_defects() {
    let compressed = || jpeg(&white(), 75);
    for labels in
        [grey(|_, _| 1), grey(|x, _| 1 + (x % 3) as u8), sixteen(3), grey(|x, _| if x < 9 { 255 } else { 60 })]
    {
        let folder = [compressed(), labels, compressed()];
        let survey = MaskSurvey::of(&folder);
        assert_eq!(survey.rule(), MaskRule::EachByItsKind);
        assert_eq!(defective(&folder)[1], truth());
        let remark = survey.remark().unwrap();
        assert!(
            remark.contains("1 mask holds the value") && remark.contains("2 masks are grey-scale (mask.jpg"),
            "{remark}"
        );
    }
    // Black and white ones mean the same either way, and one of a small defect with few greys goes with the others.
    assert_eq!(MaskSurvey::of([&compressed(), &grey(|_, _| 255)]).rule(), MaskRule::AtLeastHalf);
    let seamed = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| {
        Luma([match x.abs_diff(9).max(y.abs_diff(6)) {
            0 | 1 => 255,
            2 => 70,
            _ => 0,
        }])
    });
    let seamed = Photo::from(DynamicImage::from(seamed));
    assert_eq!(defective(&[compressed(), seamed.clone()])[1].iter().filter(|found| **found).count(), 9);
    assert_eq!(defective(&[seamed])[0].iter().filter(|found| **found).count(), 25);
    // And a dark one by its own brightest: a JPEG of the number 3 beside others of 255.
    let dark = GrayImage::from_fn(64, 64, |x, _| Luma([if x < 32 { 0 } else { 3 }]));
    let found = &defective(&[compressed(), jpeg(&dark, 95)])[1];
    assert!((1900..=2200).contains(&found.iter().filter(|found| **found).count()));
}

#[test]
fn several_files_of_one_photo_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, value: u8, part: fn(u32) -> bool| -> PathBuf {
        let path = folder.path().join(name);
        let of = |x, y| Luma([if is_defective(x, y) && part(x) { value } else { 0 }]);
        GrayImage::from_fn(WIDTH, HEIGHT, of).save(&path).unwrap();
        path
    };
    let paths = [save("000.png", 255, |x| x < 8), save("001.png", 236, |x| x >= 8)];
    let limits = Limits::default();
    let mut survey = MaskSurvey::default();
    paths.iter().for_each(|path| survey.add(&Photo::open(path, &limits).unwrap()));
    let original = size(WIDTH, HEIGHT);
    let joined = TruthMask::open(&paths, original, &survey, &limits).unwrap();
    assert_eq!(joined.on_photo(None), (Mask { width: 24, height: 16, data: truth() }, None));
    // Joined before the resize: pieces that are small by themselves are seen together.
    let geometry = Geometry::new("photo", original, &view(Resize::Exact(size(9, 6)), Resampling::Pil8Bit)).unwrap();
    let whole = TruthMask::new(&[grey(|_, _| 255)], original, &MaskSurvey::default()).unwrap();
    let in_view = |truth: &TruthMask| truth.in_view(&geometry, Resampling::Pil8Bit, None).0;
    assert_eq!(in_view(&joined), in_view(&whole));
    let error = TruthMask::open(&paths, size(24, 17), &survey, &limits).unwrap_err();
    assert!(
        matches!(&error, ImageError::MaskSize { name, expected_height: 17, .. } if name.contains("000.png")),
        "{error}"
    );
}

#[test]
fn a_hidden_defect_has_a_cause() {
    let original = size(90, 60);
    let of = |pixels: fn(u32, u32) -> bool| {
        let mask = GrayImage::from_fn(90, 60, |x, y| Luma([if pixels(x, y) { 255 } else { 0 }]));
        TruthMask::new(&[DynamicImage::from(mask).into()], original, &MaskSurvey::default()).unwrap()
    };
    let whole = View::resized(Resize::Short(20), Resampling::Pil8Bit);
    let cropped = View { crop: Crop::Center(size(16, 16)), ..whole.clone() };
    let hidden = |truth: &TruthMask, view: &View, inside: Option<&[bool]>| {
        truth.in_view(&Geometry::new("photo", original, view).unwrap(), Resampling::Pil8Bit, inside).1
    };
    let (nothing, pixel, corner, middle) = (
        of(|_, _| false),
        of(|x, y| (x, y) == (45, 30)),
        of(|x, y| x < 12 && y < 12),
        of(|x, y| (40..50).contains(&x) && (25..35).contains(&y)),
    );
    let resized = size(30, 20);
    for view in [&whole, &cropped] {
        assert_eq!(hidden(&nothing, view, None), Some(HiddenDefect::NoDefectivePixel));
        assert_eq!(hidden(&pixel, view, None), Some(HiddenDefect::Resize { pixels: 1, resized }));
        assert_eq!(hidden(&middle, view, None), None);
    }
    assert_eq!(hidden(&corner, &whole, None), None);
    assert_eq!(hidden(&corner, &cropped, None), Some(HiddenDefect::Crop { pixels: 144 }));
    let left: Vec<bool> = (0..30 * 20).map(|at| at % 30 < 10).collect();
    assert_eq!(hidden(&middle, &whole, Some(&left)), Some(HiddenDefect::Region { pixels: 100 }));
    assert_eq!(hidden(&corner, &whole, Some(&left)), None);
    assert_eq!(hidden(&pixel, &whole, Some(&left)), Some(HiddenDefect::Resize { pixels: 1, resized }));
    // On the photo nothing is resized or cropped.
    assert_eq!((pixel.on_photo(None).1, corner.on_photo(None).1), (None, None));
    let outside = vec![false; 90 * 60];
    assert_eq!(pixel.on_photo(Some(&outside)).1, Some(HiddenDefect::Region { pixels: 1 }));
    assert_eq!(nothing.on_photo(None).1, Some(HiddenDefect::NoDefectivePixel));

    let text = |hidden: HiddenDefect| hidden.to_string();
    assert_eq!(text(HiddenDefect::Resize { pixels: 1, resized }), "its 1 defective pixel vanishes at 30x20");
    assert_eq!(text(HiddenDefect::Crop { pixels: 144 }), "its 144 defective pixels lie in what the crop cuts off");
    assert_eq!(text(HiddenDefect::Region { pixels: 1 }), "its 1 defective pixel lies outside the region of interest");
    assert_eq!(text(HiddenDefect::NoDefectivePixel), "its mask has no defective pixel");
}

#[test]
fn regions_follow_the_same_rule() {
    let expected = truth().iter().filter(|inside| **inside).count() as u64;
    let alpha = rgba(|inside| [255, 255, 255, if inside { 255 } else { 0 }]);
    for mask in [grey(|_, _| 255), grey(|_, _| 1), grey(|x, _| 3 + (x % 2) as u8), sixteen(255), alpha] {
        assert_eq!(region_of_masks(Some(&mask), None).unwrap().unwrap().inside_pixels(), expected, "{mask:?}");
        let rest = region_of_masks(None, Some(&mask)).unwrap().unwrap();
        assert_eq!(rest.inside_pixels(), u64::from(WIDTH * HEIGHT) - expected, "{mask:?}");
    }
    let same = |value| Photo::from(DynamicImage::from(GrayImage::from_pixel(4, 3, Luma([value])))).with_name("roi.png");
    let transparent = rgba(|_| [255, 255, 255, 0]).with_name("roi.png");
    for (mask, expected) in [
        (same(255), "mask roi.png counts all of its pixels: each pixel is 255 of 255"),
        (same(0), "mask roi.png counts none of its pixels: each pixel is 0 of 255"),
        (transparent, "mask roi.png counts none of its pixels: its alpha is 0 of 255"),
    ] {
        for error in [region_of_masks(Some(&mask), None), region_of_masks(None, Some(&mask))] {
            let error = error.unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("white on black"), "{error}");
        }
    }
}

/// The rule as it is written down, pixel by pixel and mask by mask.
fn slow(folder: &[Vec<u8>], width: usize) -> Vec<Vec<bool>> {
    let values = |mask: &Vec<u8>| mask.iter().copied().collect::<std::collections::BTreeSet<u8>>();
    let top = |mask: &Vec<u8>| mask.iter().copied().max().unwrap();
    let brightest = folder.iter().map(top).max().unwrap();
    let is_half = |value: u8, of: u8| 2 * u32::from(value) >= u32::from(of);
    let edges_alone = |mask: &Vec<u8>, reach: usize| {
        let place = |at: usize| (at / width, at % width);
        (0..mask.len()).filter(|at| mask[*at] > 0 && !is_half(mask[*at], top(mask))).all(|low| {
            (0..mask.len()).filter(|at| is_half(mask[*at], top(mask))).any(|high| {
                let ((a, b), (c, d)) = (place(low), place(high));
                a.abs_diff(c) <= reach && b.abs_diff(d) <= reach
            })
        })
    };
    let is_compressed = |mask: &Vec<u8>| {
        let (top, values) = (top(mask), values(mask));
        let (high, low): (Vec<u8>, Vec<u8>) =
            values.into_iter().filter(|value| *value > 0).partition(|value| is_half(*value, top));
        let ends = low.iter().all(|value| *value <= top / 8) && high.iter().all(|value| *value >= top - top / 8);
        top == 255 && !low.is_empty() && high.len() > 1 && ends && edges_alone(mask, 7)
    };
    let is_grey = |mask: &Vec<u8>| values(mask).len() > 32 || is_compressed(mask);
    let some_grey = folder.iter().any(is_grey);
    let of = |mask: &Vec<u8>| {
        let bright = is_half(top(mask), brightest);
        let by_half = some_grey && (is_grey(mask) || (edges_alone(mask, 1) && bright));
        let white = if bright { brightest } else { top(mask) };
        mask.iter().map(|value| *value > 0 && (!by_half || is_half(*value, white))).collect()
    };
    folder.iter().map(of).collect()
}

fn any_mask() -> impl Strategy<Value = Vec<u8>> {
    let few = proptest::sample::subsequence((1..=255).collect::<Vec<u8>>(), 1..5);
    let labels = few.prop_flat_map(|values| {
        proptest::collection::vec(prop_oneof![2 => Just(0), 1 => proptest::sample::select(values)], 12 * 8)
    });
    let ends = proptest::collection::vec(prop_oneof![3 => Just(0_u8), 1 => 1..4_u8, 2 => 252..=255_u8], 12 * 8);
    let grey = proptest::collection::vec(any::<u8>(), 12 * 8);
    // Discs with a seam.
    let seamed = (1_usize..11, 1_usize..7, 1..=255_u8, 1..=255_u8).prop_map(|(x, y, inner, seam)| {
        let at = |at: usize| match (at % 12).abs_diff(x).max((at / 12).abs_diff(y)) {
            0 => inner,
            1 => seam,
            _ => 0,
        };
        (0..12 * 8).map(at).collect()
    });
    prop_oneof![4 => labels, 1 => ends, 1 => grey, 3 => seamed, 1 => Just(vec![0; 12 * 8])]
}

proptest! {
    /// Levels and alpha of one mask, by the definition.
    #[test]
    fn alpha_or_colours_are_what_was_drawn(pixels in proptest::collection::vec(
        (proptest::sample::select(vec![0_u8, 90, 255]), proptest::sample::select(vec![0_u8, 128, 255])), 1..7)
    ) {
        let raw = pixels.iter().flat_map(|(level, alpha)| [*level, *alpha]).collect();
        let picture = ImageBuffer::<LumaA<u8>, _>::from_raw(pixels.len() as u32, 1, raw).unwrap();
        let visible: Vec<u8> = pixels.iter().filter(|(_, alpha)| *alpha > 0).map(|(level, _)| *level).collect();
        let one_alpha = pixels.iter().all(|(_, alpha)| *alpha == pixels[0].1);
        let nothing = visible.is_empty() && pixels.iter().all(|(level, _)| *level == pixels[0].0);
        let colours_tell = visible.contains(&0) && visible.iter().any(|level| *level > 0);
        let expected: Vec<bool> = pixels.iter().map(|(level, alpha)| match (one_alpha, colours_tell) {
            (true, _) => *level > 0 && !nothing,
            (false, true) => *level > 0 && *alpha > 0,
            (false, false) => *alpha > 0,
        }).collect();
        prop_assert_eq!(&defective(&[DynamicImage::from(picture).into()])[0], &expected);
    }

    #[test]
    fn the_rule_is_the_one_that_is_written_down(folder in proptest::collection::vec(any_mask(), 1..5)) {
        let photo = |mask: &Vec<u8>| Photo::from(DynamicImage::from(GrayImage::from_raw(12, 8, mask.clone()).unwrap()));
        let photos: Vec<Photo> = folder.iter().map(photo).collect();
        prop_assert_eq!(defective(&photos), slow(&folder, 12));
        // No mask with a pixel that is not black is without a defect.
        for (found, mask) in defective(&photos).iter().zip(&folder) {
            prop_assert_eq!(found.contains(&true), mask.iter().any(|value| *value > 0));
        }
    }
}
