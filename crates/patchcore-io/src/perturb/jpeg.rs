//! A photo written as JPEG and read again.

use crate::photo::Samples;
use crate::{ImageError, Photo};

/// The samples after JPEG of this quality.
#[cfg(feature = "jpeg")]
pub(super) fn round_trip(photo: &Photo, quality: u8, white: Option<u16>) -> Result<Samples, ImageError> {
    use image::ExtendedColorType;
    use image::codecs::jpeg::JpegEncoder;

    use crate::Limits;
    use crate::photo::{to_eight_bits, to_sixteen_bits};

    let name = || photo.name().to_owned();
    let (width, height, most) = (photo.width(), photo.height(), u32::from(u16::MAX));
    if width > most || height > most {
        return Err(ImageError::TooLarge { name: name(), width, height, max_width: most, max_height: most });
    }
    let (sixteen, float) = (white.unwrap_or(u16::MAX), white.map_or(1.0, f32::from));
    let eight = match photo.samples() {
        Samples::Eight(samples) => samples.to_vec(),
        Samples::Sixteen(samples) => samples.iter().map(|sample| to_eight_bits(*sample, sixteen)).collect(),
        Samples::Float(samples) => {
            samples.iter().map(|sample| to_eight_bits(to_sixteen_bits(*sample, float), u16::MAX)).collect()
        }
    };
    let color = if photo.channels() == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut bytes = Vec::new();
    let damaged = |reason: String| ImageError::Damaged { name: name(), format: "JPEG", reason };
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(&eight, width, height, color)
        .map_err(|error| damaged(error.to_string()))?;
    let limits = Limits { max_width: most, max_height: most, max_alloc_bytes: u64::MAX };
    let decoded = Photo::decode(photo.name(), &bytes, &limits)?;
    let Samples::Eight(made) = decoded.samples() else { unreachable!("JPEG has 8 bits") };
    assert_eq!(made.len(), eight.len(), "a JPEG has the channels that were written");
    let share = |sample: &u8| f32::from(*sample) / 255.0;
    Ok(match photo.samples() {
        Samples::Eight(_) => Samples::Eight(made.clone()),
        Samples::Sixteen(_) => {
            Samples::Sixteen(made.iter().map(|sample| (share(sample) * f32::from(sixteen)).round() as u16).collect())
        }
        Samples::Float(_) => Samples::Float(made.iter().map(|sample| share(sample) * float).collect()),
    })
}

#[cfg(not(feature = "jpeg"))]
pub(super) fn round_trip(photo: &Photo, _: u8, _: Option<u16>) -> Result<Samples, ImageError> {
    Err(ImageError::FormatNotCompiledIn { name: photo.name().to_owned(), format: "JPEG", feature: "jpeg" })
}
