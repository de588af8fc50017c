//! The picture that people look at: the photo, coloured only where the score is high.

use image::{Rgb, RgbImage};

use crate::outline::{Line, Side, draw_outline};
use crate::resample::{check_len, check_map, resample};
use crate::{ColorScale, ReportError};

/// Line at the threshold.
pub(crate) const CONTOUR: [u8; 3] = [255, 255, 255];
/// Line around the true defect: far from every colour of the scale, for colour-blind readers too.
pub(crate) const TRUTH: [u8; 3] = [0, 220, 255];

/// Blends the heat map over the photo and draws the outlines.
///
/// The share of the heat colour grows with the score, from nothing at `scale.low`, so normal regions keep looking like the
/// photo, to a visible one at `scale.threshold`, around what lies above which a solid white line is drawn. The map (row-major,
/// `map_width * map_height`) is stretched bilinearly to the photo; it must show the same field of view. `truth` (row-major, the
/// photo's size) draws a dashed cyan line just outside the true defect. Lines get wider with the photo.
///
/// # Errors
/// [`ReportError`] when a size does not fit, the photo or map has no pixels, a score is not finite, or the scale has no
/// extent.
pub fn overlay(
    photo: &RgbImage,
    map: &[f32],
    map_width: u32,
    map_height: u32,
    scale: &ColorScale,
    truth: Option<&[bool]>,
) -> Result<RgbImage, ReportError> {
    let (width, height) = photo.dimensions();
    scale.check()?;
    check_map(map, map_width, map_height)?;
    if width == 0 || height == 0 {
        return Err(ReportError::NoPixels { what: "photo", width, height });
    }
    if let Some(truth) = truth {
        check_len("true mask", truth.len(), width, height)?;
    }

    let scores = resample(map, (map_width, map_height), (width, height));
    let mut picture = photo.clone();
    for (pixel, &score) in picture.pixels_mut().zip(&scores) {
        let fraction = scale.fraction(score);
        *pixel = blend(*pixel, ColorScale::color(fraction), ColorScale::share(fraction));
    }
    if let Some(truth) = truth {
        draw_outline(&mut picture, truth, truth_line(width, height));
    }
    let above: Vec<bool> = scores.iter().map(|&score| score > scale.threshold).collect();
    let line = Line { color: CONTOUR, side: Side::Inner, width: line_width(width, height), dashed: false };
    draw_outline(&mut picture, &above, line);
    Ok(picture)
}

/// The outline of the true defect.
pub(crate) fn truth_line(width: u32, height: u32) -> Line {
    Line { color: TRUTH, side: Side::Outer, width: line_width(width, height), dashed: true }
}

/// `share` of `color` over a pixel.
pub(crate) fn blend(under: Rgb<u8>, color: [u8; 3], share: f32) -> Rgb<u8> {
    let mut mixed = under;
    for (channel, over) in mixed.0.iter_mut().zip(color) {
        *channel = (f32::from(*channel) * (1.0 - share) + f32::from(over) * share).round() as u8;
    }
    mixed
}

/// One pixel for each 400 of the short side.
fn line_width(width: u32, height: u32) -> u32 {
    width.min(height).div_ceil(400).max(1)
}
