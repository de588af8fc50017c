//! docs/reference/formats.md says what becomes of files of every kind. Its tables are what this program makes of files that are made here:
//! `cargo xtask formats` writes them anew.

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageBuffer, ImageEncoder, ImageFormat, Luma, Rgb, RgbImage};
use patchcore_config::{Resampling, Resize};
use patchcore_io::{Limits, Photo, prepare};

use crate::samples::{encode, picture, view};
use crate::tiffs;

/// A file by what it holds.
type Made = (String, Vec<u8>);

#[test]
fn the_tables_of_formats_say_what_becomes_of_files() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/formats.md");
    let page = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let mut written = page.clone();
    for (name, files) in
        [("png", png()), ("jpeg", jpeg()), ("tiff", tiff()), ("bmp", bmp()), ("webp", webp()), ("others", others())]
    {
        let mut table = String::from("| file | becomes |\n|---|---|\n");
        for (what, bytes) in files {
            writeln!(table, "| {what} | {} |", outcome(&bytes)).unwrap();
        }
        let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let (before, rest) = written.split_once(&start).unwrap_or_else(|| panic!("no {start}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
        written = format!("{before}{start}{table}{end}{after}");
    }
    if std::env::var_os("PATCHCORE_WRITE_FORMATS").is_some() {
        std::fs::write(&path, written).unwrap();
    } else {
        assert!(
            page == written,
            "docs/reference/formats.md says something else: `cargo xtask formats` writes\n{written}"
        );
    }
}

/// What a file becomes: kind and values of the first pixels, or the error's words.
fn outcome(bytes: &[u8]) -> String {
    let photo = match Photo::decode("FILE", bytes, &Limits::default()) {
        Ok(photo) => photo,
        Err(error) => return refused(&error),
    };
    let input = match prepare(&photo, &view(Resize::Keep, Resampling::Native)) {
        Ok(input) => input,
        Err(error) => return refused(&error),
    };
    let plane = input.width * input.height;
    let channels = photo.channels().min(input.data.len() / plane);
    let (white, kind) = match photo.bits_per_sample() {
        8 => (255.0, "8 bits"),
        16 => (65_535.0, "16 bits"),
        _ => (1.0, "floats"),
    };
    let pixel = |at: usize| {
        let samples = (0..channels).map(|channel| input.data[channel * plane + at] * white);
        let samples = samples.map(|value| if white > 1.0 { format!("{value:.0}") } else { format!("{value:.2}") });
        samples.collect::<Vec<String>>().join(" ")
    };
    let shown: Vec<String> = (0..plane.min(4)).map(pixel).collect();
    let colour = if photo.channels() == 1 { "grey" } else { "RGB" };
    let alpha = if photo.has_transparency() { ", with a warning of transparent pixels" } else { "" };
    format!("{}x{} {colour}, {kind}: {}{alpha}", photo.width(), photo.height(), shown.join(", "))
}

fn refused(error: &patchcore_io::ImageError) -> String {
    format!("refused: \u{201c}{error}\u{201d}")
}

fn made(what: &str, bytes: Vec<u8>) -> Made {
    (what.to_owned(), bytes)
}

fn fixture(place: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), place].iter().collect();
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The orientation that turns a picture right by a quarter, as EXIF has it.
const TURNED: &[u8] = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

fn grey(values: &[u8]) -> DynamicImage {
    ImageBuffer::<Luma<u8>, _>::from_raw(values.len() as u32, 1, values.to_vec()).unwrap().into()
}

fn rgb(values: &[[u8; 3]]) -> RgbImage {
    RgbImage::from_raw(values.len() as u32, 1, values.concat()).unwrap()
}

fn deep_grey() -> DynamicImage {
    ImageBuffer::<Luma<u16>, _>::from_raw(3, 1, vec![0, 4660, 65_535]).unwrap().into()
}

/// A PNG chunk with its checksum.
fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [name, data].concat();
    let crc = named.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    });
    [&(data.len() as u32).to_be_bytes(), named.as_slice(), &(!crc).to_be_bytes()].concat()
}

/// One row of a PNG of samples of few bits, which `image` does not write: `kind` 0 is grey, 3 a palette. Not compressed.
fn png_row(width: u32, bits: u8, kind: u8, row: &[u8], before_the_picture: &[Vec<u8>]) -> Vec<u8> {
    let header = [&width.to_be_bytes(), &1_u32.to_be_bytes(), [bits, kind, 0, 0, 0].as_slice()].concat();
    let line = [&[0], row].concat();
    let (a, b) = line.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    let length = line.len() as u16;
    let zlib = [
        [0x78, 1, 1].as_slice(),
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
        &line,
        &((b << 16) | a).to_be_bytes(),
    ];
    let parts = [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), before_the_picture.concat()];
    [parts.concat(), chunk(b"IDAT", &zlib.concat()), chunk(b"IEND", &[])].concat()
}

/// A PNG with a chunk behind its header.
fn with_chunk(png: &[u8], name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let (header, rest) = png.split_at(33);
    [header, &chunk(name, data), rest].concat()
}

fn png() -> Vec<Made> {
    let eight = encode(&grey(&[0, 100, 128, 255]), ImageFormat::Png);
    let mut turned = Vec::new();
    let mut encoder = PngEncoder::new(&mut turned);
    encoder.set_exif_metadata(TURNED.to_vec()).unwrap();
    encoder.write_image(&[10, 20, 30, 40, 50, 60], 3, 2, ExtendedColorType::L8).unwrap();
    let colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9];
    let frames = |number: u32| with_chunk(&eight, b"acTL", &[number.to_be_bytes(), [0; 4]].concat());
    let (half, clear) = ([10, 20, 30, 128], [40, 50, 60, 0]);
    let rgba = image::RgbaImage::from_raw(2, 1, [half, clear].concat()).unwrap();
    let alpha = image::GrayAlphaImage::from_raw(2, 1, vec![10, 255, 20, 0]).unwrap();
    let sixteen: ImageBuffer<Rgb<u16>, _> = ImageBuffer::from_raw(2, 1, vec![0, 4660, 65_535, 1, 2, 3]).unwrap();
    let palette = [chunk(b"PLTE", &colours)];
    let clear_palette = [chunk(b"PLTE", &colours), chunk(b"tRNS", &[255, 0])];
    let cut = |bytes: &[u8]| bytes[..bytes.len() - 30].to_vec();
    let mut wrong = eight.clone();
    let data = wrong.windows(4).position(|name| name == b"IDAT").unwrap();
    wrong[data + 8] ^= 4;
    vec![
        made("grey, 1 bit: 0, 1", png_row(2, 1, 0, &[0b0100_0000], &[])),
        made("grey, 2 bits: 0, 1, 2, 3", png_row(4, 2, 0, &[0b0001_1011], &[])),
        made("grey, 4 bits: 0, 1, 8, 15", png_row(4, 4, 0, &[0x01, 0x8f], &[])),
        made("grey, 8 bits: 0, 100, 128, 255", eight.clone()),
        made("grey, 16 bits: 0, 4660, 65535", encode(&deep_grey(), ImageFormat::Png)),
        made("RGB, 8 bits", encode(&rgb(&[[1, 2, 3], [255, 128, 0]]).into(), ImageFormat::Png)),
        made("RGB, 16 bits", encode(&sixteen.into(), ImageFormat::Png)),
        made("a palette of red, green, blue, dark grey", png_row(4, 2, 3, &[0b0001_1011], &palette)),
        made("a palette, one colour of which is transparent", png_row(4, 2, 3, &[0b0001_1011], &clear_palette)),
        made("grey and alpha: an opaque pixel, a transparent one", encode(&alpha.into(), ImageFormat::Png)),
        made("RGB and alpha: half transparent, wholly transparent", encode(&rgba.into(), ImageFormat::Png)),
        made("gamma 1.0 (`gAMA`): 0, 100, 128, 255", with_chunk(&eight, b"gAMA", &100_000_u32.to_be_bytes())),
        made("`sRGB`: 0, 100, 128, 255", with_chunk(&eight, b"sRGB", &[0])),
        made(
            "a colour profile (`iCCP`): 0, 100, 128, 255",
            with_chunk(&eight, b"iCCP", b"x\0\0\x78\x9c\x03\0\0\0\0\x01"),
        ),
        made("EXIF orientation 6 (`eXIf`), stored 3x2: 10 20 30 / 40 50 60", turned),
        made("an animation of one frame", frames(1)),
        made("an animation of three frames", frames(3)),
        made("cut off", cut(&eight)),
        made("a wrong checksum", wrong),
    ]
}

fn jpeg() -> Vec<Made> {
    let named = |name: &str| fixture(&format!("tests/fixtures/jpeg/{name}.jpg"));
    let grey = named("grey_2x2");
    let exif = [b"Exif\0\0", TURNED].concat();
    let turned = [&grey[..2], &[0xff, 0xe1, 0, exif.len() as u8 + 2], &exif, &grey[2..]].concat();
    let profile = [&grey[..2], &[0xff, 0xe2, 0, 18], b"ICC_PROFILE\0\x01\x01xx", &grey[2..]].concat();
    let frame = |marker: u8, precision: u8| {
        let mut bytes = named("baseline_422");
        let at = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        (bytes[at + 1], bytes[at + 4]) = (marker, precision);
        bytes
    };
    let whole = named("baseline_422");
    vec![
        made("baseline, chroma halved in both directions, restart markers", named("baseline_420_restart")),
        made("baseline, chroma halved in width", whole.clone()),
        made("baseline, chroma halved in height", named("baseline_440")),
        made("baseline, a quarter of the chroma", named("baseline_411")),
        made("baseline, full chroma", named("baseline_444_restart")),
        made("progressive", named("progressive_420")),
        made("grey", grey.clone()),
        made("RGB without YCbCr", named("rgb")),
        made("CMYK", fixture("../../fuzz/corpus/photo/seed_cmyk.jpg")),
        made("EXIF orientation 6, stored 40x28", turned),
        made("a colour profile", profile),
        made("several scans that are not progressive", named("several_scans_420")),
        made("luma coarser than chroma", named("coarse_luma")),
        made("a sampling factor of 3", named("factor_3")),
        made("arithmetic coding", named("arithmetic")),
        made("lossless", frame(0xc3, 8)),
        made("JPEG-LS", frame(0xf7, 8)),
        made("hierarchical", frame(0xc5, 8)),
        made("12 bits", frame(0xc1, 12)),
        made("cut off", whole[..whole.len() / 2].to_vec()),
    ]
}

fn tiff() -> Vec<Made> {
    let whole = |image: DynamicImage| encode(&image, ImageFormat::Tiff);
    let small = |bits, data: &[u8], changed: &[(u16, u16, &[u32])]| tiffs::small(bits, data, changed);
    let floats = |values: [f32; 4]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let doubles: Vec<u8> = [0.0, 0.25, 0.5, 1.0_f64].iter().flat_map(|value| value.to_le_bytes()).collect();
    let float: [(u16, u16, &[u32]); 1] = [(339, 3, &[3])];
    let planes: [(u16, u16, &[u32]); 6] =
        [(258, 3, &[8; 3]), (262, 3, &[2]), (273, 4, &[8, 12, 16]), (277, 3, &[3]), (279, 4, &[4; 3]), (284, 3, &[2])];
    let cmyk: [(u16, u16, &[u32]); 3] = [(258, 3, &[8; 4]), (262, 3, &[5]), (277, 3, &[4])];
    let coloured = |photometric: &'static [u32], compression: &'static [u32]| {
        let tags: [(u16, u16, &[u32]); 4] =
            [(258, 3, &[8; 3]), (262, 3, photometric), (277, 3, &[3]), (259, 3, compression)];
        small(8, &[1; 12], &tags)
    };
    let sixteen: ImageBuffer<Rgb<u16>, _> = ImageBuffer::from_raw(2, 1, vec![0, 4660, 65_535, 1, 2, 3]).unwrap();
    let of_floats: ImageBuffer<Rgb<f32>, _> =
        ImageBuffer::from_raw(2, 1, vec![0.0, 0.25, 0.5, 1.0, 0.75, 0.0]).unwrap();
    let bytes = [10, 20, 30, 40];
    vec![
        made("grey, 1 bit: 0, 1 / 1, 0", small(1, &[0b0100_0000, 0b1000_0000], &[])),
        made("grey, 8 bits: 10, 20, 30, 40", small(8, &bytes, &[])),
        made("grey, 8 bits, of which 0 is white: 10, 20, 30, 40", small(8, &bytes, &[(262, 3, &[0])])),
        made("grey, 16 bits: 0, 4660, 65535", whole(deep_grey())),
        made("RGB, 8 bits", whole(rgb(&[[1, 2, 3], [255, 128, 0]]).into())),
        made("RGB, 8 bits, in three planes", small(8, &[1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24], &planes)),
        made("RGB, 16 bits", whole(sixteen.into())),
        made("CMYK, 8 bits", small(8, &[0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 255], &cmyk)),
        made("RGB, 32-bit floats", whole(of_floats.into())),
        made("grey, 16-bit floats: 0, 1/4, 1/2, 1", small(16, &[0, 0, 0, 0x34, 0, 0x38, 0, 0x3c], &float)),
        made("grey, 32-bit floats: 0, 1/4, 1/2, 1", small(32, &floats([0.0, 0.25, 0.5, 1.0]), &float)),
        made("grey, 64-bit floats: 0, 1/4, 1/2, 1", small(64, &doubles, &float)),
        made("floats up to 255", small(32, &floats([0.0, 25.5, 51.0, 255.0]), &float)),
        made("floats below 0", small(32, &floats([-0.5, 0.0, 0.5, 1.0]), &float)),
        made("a float that is no number", small(32, &floats([0.0, f32::NAN, 0.5, 1.0]), &float)),
        made("orientation 6 (tag 274), stored 10 20 / 30 40", small(8, &bytes, &[(274, 3, &[6])])),
        made("two pages, the first marked as a smaller copy: 10, 20", tiffs::pages(&[(10, 1), (20, 0)])),
        made("two pages: 10, 20", tiffs::pages(&[(10, 0), (20, 0)])),
        made("nothing but smaller copies (raw photos, DNG)", tiffs::pages(&[(10, 1), (20, 1)])),
        made("BigTIFF, RGB, 8 bits", tiffs::big_tiff()),
        made("tiles, a plane for each channel", tiffs::tiles_of_planes()),
        made("tiles of LZW, some of those that others write", fixture("../../fuzz/corpus/photo/seed_lzw_tiles.tif")),
        made("a palette", small(8, &bytes, &[(262, 3, &[3]), (320, 3, &[0; 768])])),
        made("YCbCr", coloured(&[6], &[1])),
        made("JPEG inside, YCbCr", coloured(&[6], &[7])),
        made("L\\*a\\*b\\*", coloured(&[8], &[1])),
        made("fax compression", small(1, &bytes, &[(259, 3, &[3])])),
        made("Zstandard compression", small(8, &bytes, &[(259, 3, &[50_000])])),
        made("grey, 32-bit whole numbers", small(32, &[1; 16], &[])),
        made("grey, signed 16 bits", small(16, &[1; 8], &[(339, 3, &[2])])),
    ]
}

/// A BMP of one row of padded bytes, or of two rows where `height` says so.
fn bmp_of(width: i32, height: i32, bits: u16, palette: &[[u8; 4]], rows: &[u8]) -> Vec<u8> {
    let start = 54 + 4 * palette.len() as u32;
    let mut file = b"BM".to_vec();
    file.extend([start + rows.len() as u32, 0, start, 40].iter().flat_map(|number| number.to_le_bytes()));
    file.extend([width, height].iter().flat_map(|side| side.to_le_bytes()));
    file.extend([1, bits].iter().flat_map(|number| number.to_le_bytes()));
    file.extend(
        [0, rows.len() as u32, 2835, 2835, palette.len() as u32, 0].iter().flat_map(|number| number.to_le_bytes()),
    );
    file.extend(palette.concat());
    file.extend(rows);
    file
}

fn bmp() -> Vec<Made> {
    let palette = [[0, 0, 255, 0], [0, 255, 0, 0], [255, 0, 0, 0], [9, 9, 9, 0]];
    let rows = [30, 20, 10, 0, 3, 2, 1, 0];
    let rgba = image::RgbaImage::from_raw(2, 1, vec![10, 20, 30, 128, 40, 50, 60, 0]).unwrap();
    let compressed = |number: u8| {
        let mut bytes = bmp_of(1, 2, 24, &[], &rows);
        bytes[30] = number;
        bytes
    };
    vec![
        made("1 bit: red, green", bmp_of(2, 1, 1, &palette[..2], &[0b0100_0000, 0, 0, 0])),
        made("4 bits: a palette of red, green, blue, dark grey", bmp_of(4, 1, 4, &palette, &[0x01, 0x23, 0, 0])),
        made("8 bits: the same palette", bmp_of(4, 1, 8, &palette, &[0, 1, 2, 3])),
        made("16 bits (5 for each channel): 31, 16, 0", bmp_of(1, 1, 16, &[], &[0, 0b0111_1110, 0, 0])),
        made("24 bits, from the lowest row up: 10 20 30 below 1 2 3", bmp_of(1, 2, 24, &[], &rows)),
        made("24 bits, from the top row down: 10 20 30 above 1 2 3", bmp_of(1, -2, 24, &[], &rows)),
        made("32 bits without alpha: 10 20 30", bmp_of(1, 1, 32, &[], &[30, 20, 10, 0])),
        made("32 bits with alpha: half transparent, wholly transparent", encode(&rgba.into(), ImageFormat::Bmp)),
        made("a JPEG inside", compressed(4)),
        made("a compression that nobody writes", compressed(6)),
        made("cut off", bmp_of(4, 4, 24, &[], &rows)),
    ]
}

fn webp() -> Vec<Made> {
    let lossless = encode(&rgb(&[[1, 2, 3], [255, 128, 0]]).into(), ImageFormat::WebP);
    let rgba = image::RgbaImage::from_raw(2, 1, vec![10, 20, 30, 128, 40, 50, 60, 0]).unwrap();
    let mut turned = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut turned);
    encoder.set_exif_metadata(TURNED.to_vec()).unwrap();
    encoder
        .write_image(&[[10; 3], [20; 3], [30; 3], [40; 3], [50; 3], [60; 3]].concat(), 3, 2, ExtendedColorType::Rgb8)
        .unwrap();
    // A picture of the file above in each of two frames.
    let picture = &lossless[12..];
    let frame = [[0; 6].as_slice(), &[1, 0, 0, 0, 0, 0], &[100, 0, 0, 0], picture].concat();
    let frame = [b"ANMF".as_slice(), &(frame.len() as u32).to_le_bytes(), &frame].concat();
    let header = [b"VP8X".as_slice(), &10_u32.to_le_bytes(), &[2, 0, 0, 0, 1, 0, 0, 0, 0, 0]].concat();
    let loops = [b"ANIM".as_slice(), &6_u32.to_le_bytes(), &[0; 6]].concat();
    let chunks = [b"WEBP".as_slice(), &header, &loops, &frame, &frame].concat();
    let animated = [b"RIFF".as_slice(), &(chunks.len() as u32).to_le_bytes(), &chunks].concat();
    vec![
        made("lossless, RGB", lossless.clone()),
        made("lossless, RGB and alpha: half transparent, wholly transparent", encode(&rgba.into(), ImageFormat::WebP)),
        made("lossy", fixture("../../fuzz/corpus/photo/seed_lossy.webp")),
        made("EXIF orientation 6, stored 3x2: 10 20 30 / 40 50 60", turned),
        made("an animation of two frames", animated),
        made("cut off", lossless[..lossless.len() - 12].to_vec()),
    ]
}

fn others() -> Vec<Made> {
    let start = |bytes: &[u8]| [bytes, &[0; 32]].concat();
    vec![
        made("GIF", start(b"GIF89a")),
        made("HEIC", start(b"\0\0\0\x24ftypheic")),
        made("AVIF", start(b"\0\0\0\x20ftypavif")),
        made("JPEG XL", start(b"\xff\x0a")),
        made("JPEG 2000", start(b"\0\0\0\x0cjP  ")),
        made("PGM", start(b"P5 1 1 255 ")),
        made("OpenEXR", start(b"\x76\x2f\x31\x01")),
        made("a text", b"Dear customer,".to_vec()),
        made("nothing", Vec::new()),
    ]
}

/// That the pictures above are compared with something: a decoder that gives another picture changes the table.
#[test]
fn an_outcome_shows_kind_size_and_values() {
    let shown = outcome(&encode(&picture(2, 1), ImageFormat::Png));
    assert_eq!(shown, "2x1 RGB, 8 bits: 0 0 0, 100 0 1");
    let cut = Cursor::new(b"II*\0".to_vec()).into_inner();
    assert!(outcome(&cut).starts_with("refused: \u{201c}FILE is a "), "{}", outcome(&cut));
}
