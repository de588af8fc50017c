//! One mask alone: what it means by itself, in its photo's geometry and in the network's.

use std::path::Path;

use patchcore_config::{Size, View};

use crate::{Geometry, ImageError, Limits, Mask, MaskSurvey, Photo, TruthMask};

impl Mask {
    /// Reads a mask file and prepares it, see [`prepare_mask`].
    ///
    /// # Errors
    /// As [`Photo::open`] and [`prepare_mask`].
    pub fn open(path: &Path, original: Size, view: &View, limits: &Limits) -> Result<Mask, ImageError> {
        prepare_mask(&Photo::open(path, limits)?, original, view)
    }

    /// A mask in the geometry of its photo, neither resized nor cropped, by the rule of that mask alone.
    #[must_use]
    pub fn of_photo(mask: &Photo) -> Mask {
        Mask::of_strength(mask.size(), &MaskSurvey::of([mask]).strength(mask))
    }
}

/// Resizes and crops a mask exactly as its image, then calls defective what is at least 0.5. Padding is good.
///
/// With [`Resampling::Float`](patchcore_config::Resampling::Float) (anomalib) the mask takes the nearest pixel instead of a mean, as
/// torchvision's transforms do with masks: thin defects fall into more, smaller regions, and AUPRO is up to five points lower.
///
/// Which samples are defective is decided before the resize, by the rule of this mask alone ([`MaskRule`](crate::MaskRule)); all masks
/// of a test set under one rule are [`TruthMask`](crate::TruthMask)s. `original` is the size of the mask's image, upright.
///
/// # Errors
/// [`ImageError::MaskSize`] when the mask has another size than its image; else as [`Geometry::new`].
pub fn prepare_mask(mask: &Photo, original: Size, view: &View) -> Result<Mask, ImageError> {
    let truth = TruthMask::new(std::slice::from_ref(mask), original, &MaskSurvey::of([mask]))?;
    Ok(truth.resized(&Geometry::new(mask.name(), original, view)?, view.resampling))
}

#[cfg(test)]
mod tests {
    use patchcore_config::{Crop, Resampling, Resize};

    use super::*;

    /// torch.nn.functional.interpolate(mode="nearest") of the columns 0 1 1 0 0 0 0 0 1 1 to 4: sources 0, 2, 5, 7.
    #[test]
    fn nearest_takes_torchs_pixels_and_pads_with_good() {
        let columns = [0u8, 255, 255, 0, 0, 0, 0, 0, 255, 255];
        let size = |width, height| Size { width, height };
        let mut view = View::resized(Resize::Exact(size(4, 2)), Resampling::Float);
        let photo = Photo::from_grey(size(10, 2), columns.repeat(2));
        let mask = prepare_mask(&photo, size(10, 2), &view).unwrap();
        assert_eq!(mask.data, [false, true, false, false].repeat(2));
        view.crop = Crop::Center(size(2, 4));
        let mask = prepare_mask(&photo, size(10, 2), &view).unwrap();
        assert_eq!(mask.data, [[false; 2], [true, false], [true, false], [false; 2]].concat());
    }
}
