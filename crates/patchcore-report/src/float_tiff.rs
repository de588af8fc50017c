//! Anomaly maps as TIFF files of one float32 channel, uncompressed, which image tools open as they open photos.

use std::io::Cursor;

use tiff::encoder::TiffEncoder;
use tiff::encoder::colortype::Gray32Float;
use tiff::tags::Tag;

use crate::ReportError;
use crate::own::SOFTWARE;
use crate::resample::check_size;

/// The bytes of a file with `[height * width]` values, row-major, bit for bit.
///
/// # Errors
/// [`ReportError::NoPixels`] and [`ReportError::SizeMismatch`]; [`ReportError::EncodeMap`] for a map of 4 GiB or more.
pub fn to_float_tiff(map: &[f32], width: u32, height: u32) -> Result<Vec<u8>, ReportError> {
    check_size("map", map.len(), width, height)?;
    let mut bytes = Cursor::new(Vec::new());
    TiffEncoder::new(&mut bytes)
        .and_then(|mut encoder| {
            let mut image = encoder.new_image::<Gray32Float>(width, height)?;
            image.encoder().write_tag(Tag::Software, SOFTWARE)?;
            image.write_data(map)
        })
        .map_err(|source| ReportError::EncodeMap { width, height, source })?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use tiff::decoder::{Decoder, DecodingResult};

    use super::*;

    #[test]
    fn the_values_read_back_bit_for_bit() {
        // The last one is more than one strip of the encoder's.
        for (width, height) in [(1, 1), (7, 5), (320, 2), (1000, 700)] {
            let mut map: Vec<f32> = (0..width * height).map(|i| i as f32 * 0.37 - 1.0).collect();
            map[0] = f32::from_bits(1);
            let mut read = Decoder::new(Cursor::new(to_float_tiff(&map, width, height).unwrap())).unwrap();
            assert_eq!(read.dimensions().unwrap(), (width, height));
            assert_eq!(read.colortype().unwrap(), tiff::ColorType::Gray(32));
            let DecodingResult::F32(read) = read.read_image().unwrap() else { panic!("not f32") };
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&read), bits(&map));
        }
    }

    #[test]
    fn wrong_sizes_are_errors() {
        assert!(matches!(to_float_tiff(&[], 0, 2), Err(ReportError::NoPixels { what: "map", .. })));
        assert!(matches!(to_float_tiff(&[1.0; 3], 2, 2), Err(ReportError::SizeMismatch { found: 3, .. })));
    }
}
