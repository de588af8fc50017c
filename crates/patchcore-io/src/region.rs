//! The region of interest from the masks that a user draws.

use patchcore_config::Region;

use crate::mask::brightest_of;
use crate::{ImageError, Photo};

/// The region that is white (at least half) in `roi` and not white in `ignore`; without `roi`, everything that is not
/// ignored. A mask of the values 0 and 1 counts as 0 and 255; `None` without any mask.
///
/// # Errors
/// [`ImageError::MaskSize`] when the two have different sizes; [`ImageError::Region`] when nothing is left to look at.
pub fn region_of_masks(roi: Option<&Photo>, ignore: Option<&Photo>) -> Result<Option<Region>, ImageError> {
    let Some(first) = roi.or(ignore) else { return Ok(None) };
    let size = first.size();
    if let Some(other) = ignore.filter(|mask| mask.size() != size) {
        return Err(ImageError::MaskSize {
            name: other.name().to_owned(),
            width: other.width(),
            height: other.height(),
            expected_width: size.width,
            expected_height: size.height,
        });
    }
    let white = |mask: &Photo| brightest_of(mask).into_iter().map(|value| value >= 128);
    let mut inside: Vec<bool> = match roi {
        Some(roi) => white(roi).collect(),
        None => vec![true; size.width as usize * size.height as usize],
    };
    if let Some(ignore) = ignore {
        for (inside, ignored) in inside.iter_mut().zip(white(ignore)) {
            *inside &= !ignored;
        }
    }
    Ok(Some(Region::from_pixels(size, &inside)?))
}
