//! The region of interest from the masks that a user draws.

use patchcore_config::Region;

use crate::{ImageError, Mask, MaskSurvey, Photo};

/// The region that counts in `roi` and does not in `ignore`; without `roi`, everything that is not ignored. What counts in a mask
/// is decided as for ground truth, from the file itself ([`MaskRule`](crate::MaskRule)): white, or whatever is not black, or what is
/// opaque; [`MaskSurvey::remark`] says it where a file is not plainly black and white. `None` without any mask.
///
/// # Errors
/// [`ImageError::MaskOfOneKind`] for a mask in which all pixels count, or none; [`ImageError::MaskSize`] when the two have different
/// sizes; [`ImageError::Region`] when nothing is left to look at.
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
    let counts = |mask: &Photo| {
        MaskSurvey::of([mask]).check_says_something(mask)?;
        Ok::<_, ImageError>(Mask::of_photo(mask).data)
    };
    let mut inside = match roi {
        Some(roi) => counts(roi)?,
        None => vec![true; size.width as usize * size.height as usize],
    };
    if let Some(ignore) = ignore {
        for (inside, ignored) in inside.iter_mut().zip(counts(ignore)?) {
            *inside &= !ignored;
        }
    }
    Ok(Some(Region::from_pixels(size, &inside)?))
}
