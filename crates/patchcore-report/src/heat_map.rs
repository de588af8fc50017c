//! The anomaly map alone, as colours.

use image::RgbImage;

use crate::resample::check_map;
use crate::{ColorScale, ReportError};

/// Draws a row-major map of `width * height` scores, one pixel per score, in the scale's colours.
///
/// # Errors
/// [`ReportError`] when the map does not have that size, is empty or holds a non-finite score, or the scale has no extent.
pub fn heat_map(map: &[f32], width: u32, height: u32, scale: &ColorScale) -> Result<RgbImage, ReportError> {
    scale.check()?;
    check_map(map, width, height)?;
    let mut picture = RgbImage::new(width, height);
    for (pixel, &score) in picture.pixels_mut().zip(map) {
        pixel.0 = ColorScale::color(scale.fraction(score));
    }
    Ok(picture)
}
