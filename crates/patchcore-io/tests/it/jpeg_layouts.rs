//! What libjpeg can write and this decoder gets wrong is refused by its name; everything else decodes to the picture it was made of.
//! `cargo xtask soak jpeg` does the same with thousands of random files.

use patchcore_io::{ImageError, Limits, Photo};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

/// A file of `tests/fixtures/jpeg`, which `make.sh` there made.
fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/jpeg");
    std::fs::read(format!("{folder}/{name}.jpg")).unwrap()
}

fn decode(bytes: &[u8]) -> Result<Photo, ImageError> {
    Photo::decode("part.jpg", bytes, &Limits::default())
}

/// The picture that the files were made of.
fn drawn(x: u32, y: u32) -> [u8; 3] {
    let wave = 100.0 * (f64::from(x + y) / 9.0).sin();
    [6 * x, 9 * y, (128 + wave as i32) as u32].map(|value| value as u8)
}

fn digits(photo: &Photo) -> String {
    photo.sha256().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The files that are decoded, and the digests of their pixels.
const ACCEPTED: [(&str, &str); 10] = [
    ("baseline_420_restart", "d3731e17cd2f813d"),
    ("baseline_422", "8f3cce2f0e207841"),
    ("baseline_440", "c65bc2bd3495ca78"),
    ("baseline_411", "d03913cdd920702e"),
    ("baseline_444_restart", "1856760606ad6215"),
    ("baseline_mixed", "8aad942d856f6d6b"),
    ("progressive_420", "d3731e17cd2f813d"),
    ("progressive_422_restart", "8f3cce2f0e207841"),
    ("rgb", "9c227a8b6f44d96e"),
    ("grey_2x2", "15941f377db5f2d4"),
];

#[test]
fn what_is_accepted_is_the_picture_that_was_drawn_and_the_same_bytes_everywhere() {
    let mut found = Vec::new();
    for (name, _) in ACCEPTED {
        let photo = decode(&fixture(name)).unwrap();
        assert_eq!((photo.width(), photo.height(), photo.channels()), (40, 28, if name == "grey_2x2" { 1 } else { 3 }));
        let pixels = photo.to_rgb8();
        let differences = pixels.enumerate_pixels().flat_map(|(x, y, pixel)| {
            let [red, green, blue] = drawn(x, y);
            let grey = (f64::from(red) * 0.299 + f64::from(green) * 0.587 + f64::from(blue) * 0.114) as u8;
            let drawn = if photo.channels() == 1 { [grey; 3] } else { [red, green, blue] };
            [0, 1, 2].map(|channel| f64::from(pixel.0[channel].abs_diff(drawn[channel])))
        });
        let mean = differences.sum::<f64>() / f64::from(3 * 40 * 28);
        assert!(mean < 6.0, "{name} differs by {mean}");
        found.push((name, digits(&photo)));
    }
    let found: Vec<_> = found.iter().map(|(name, digits)| (*name, digits.as_str())).collect();
    assert_eq!(found, ACCEPTED);
}

/// The digests above hold on every processor; this says of one that has such code that they do not come from it alone.
#[test]
fn the_decoders_code_for_this_processor_gives_the_pixels_of_its_plain_code() {
    for (name, _) in ACCEPTED {
        let bytes = fixture(name);
        let pixels = |fast| {
            let options = DecoderOptions::default().set_use_unsafe(fast);
            JpegDecoder::new_with_options(ZCursor::new(&bytes), options).decode().unwrap()
        };
        assert!(pixels(true) == pixels(false), "{name}");
    }
}

#[test]
fn what_is_decoded_wrongly_or_not_at_all_is_refused_by_its_name() {
    for (name, words) in [
        ("several_scans_420", "3 scans that are not progressive"),
        ("several_scans_444", "3 scans that are not progressive"),
        ("several_scans_chroma_first", "2 scans that are not progressive"),
        ("coarse_luma", "coarser than its colours (sampling factors 1x1, 2x1, 2x1)"),
        ("coarse_luma_progressive", "coarser than its colours (sampling factors 1x1, 2x2, 2x2)"),
        ("factor_3", "sampling factor of 3 (3x1, 1x1, 1x1)"),
        ("arithmetic", "arithmetic coding"),
        ("arithmetic_progressive", "arithmetic coding"),
    ] {
        refused_for(name, &fixture(name), words);
    }
    // What cjpeg 2.1 does not write, by the frame header alone.
    let frame = |marker: u8, precision: u8| {
        let mut bytes = fixture("baseline_422");
        let at = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        (bytes[at + 1], bytes[at + 4]) = (marker, precision);
        bytes
    };
    refused_for("lossless", &frame(0xc3, 8), "lossless coding");
    refused_for("lossless, 16 bits", &frame(0xc3, 16), "lossless coding");
    refused_for("JPEG-LS", &frame(0xf7, 8), "JPEG-LS coding");
    refused_for("hierarchical", &frame(0xc5, 8), "hierarchical coding");
    refused_for("12 bits", &frame(0xc1, 12), "12 bits a sample");
    let mut late_height = fixture("baseline_422");
    let at = late_height.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    late_height[at + 5..at + 7].fill(0);
    refused_for("DNL", &late_height, "its height behind the picture");
}

#[track_caller]
fn refused_for(name: &str, bytes: &[u8], words: &str) {
    let error = decode(bytes).unwrap_err();
    let told = error.to_string();
    assert!(matches!(error, ImageError::UnsupportedFeature { format: "JPEG", .. }), "{name}: {told}");
    assert!(
        told.contains(words) && told.contains("not supported; convert it to an 8- or 16-bit PNG"),
        "{name}: {told}"
    );
}
