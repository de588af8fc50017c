//! The ground truth of one photo, from as many mask files as there are of it, and why none of it may be seen.

use std::path::PathBuf;

use patchcore_config::{Resampling, Size};

use crate::mask::resize_mask;
use crate::{Geometry, HiddenDefect, ImageError, Limits, Mask, MaskSurvey, Photo};

/// The ground truth of one photo in the photo's own geometry.
#[derive(Debug, Clone)]
pub struct TruthMask {
    size: Size,
    /// One for each pixel: 255 for what is certainly defective, from 128 on it is.
    strength: Vec<u8>,
}

impl TruthMask {
    /// Reads the mask files of one photo of size `original` (upright) and joins them: defective is what any of them calls so.
    /// `survey` has looked at all masks of the test set.
    ///
    /// # Errors
    /// As [`Photo::open`], and [`ImageError::MaskSize`].
    pub fn open(
        paths: &[PathBuf],
        original: Size,
        survey: &MaskSurvey,
        limits: &Limits,
    ) -> Result<TruthMask, ImageError> {
        let mut truth = TruthMask::new(&[], original, survey)?;
        for path in paths {
            truth = truth.joined(&Photo::open(path, limits)?, survey)?;
        }
        Ok(truth)
    }

    /// The same of masks in memory.
    ///
    /// # Errors
    /// [`ImageError::MaskSize`].
    pub fn new(masks: &[Photo], original: Size, survey: &MaskSurvey) -> Result<TruthMask, ImageError> {
        let nothing = vec![0; original.width as usize * original.height as usize];
        let truth = TruthMask { size: original, strength: nothing };
        masks.iter().try_fold(truth, |truth, mask| truth.joined(mask, survey))
    }

    fn joined(mut self, mask: &Photo, survey: &MaskSurvey) -> Result<TruthMask, ImageError> {
        let original = self.size;
        if mask.size() != original {
            return Err(ImageError::MaskSize {
                name: mask.name().to_owned(),
                width: mask.width(),
                height: mask.height(),
                expected_width: original.width,
                expected_height: original.height,
            });
        }
        for (strength, other) in self.strength.iter_mut().zip(survey.strength(mask)) {
            *strength = (*strength).max(other);
        }
        Ok(self)
    }

    /// The mask in the geometry of the photo, neither resized nor cropped, and why none of it counts, if none does. `inside`: which
    /// pixels of the photo count, row by row.
    #[must_use]
    pub fn on_photo(&self, inside: Option<&[bool]>) -> (Mask, Option<HiddenDefect>) {
        let mask = Mask::of_strength(self.size, &self.strength);
        let hidden = match mask.defective_pixels() {
            0 => Some(HiddenDefect::NoDefectivePixel),
            pixels => is_outside(&mask, inside).then_some(HiddenDefect::Region { pixels }),
        };
        (mask, hidden)
    }

    /// The mask resized and cropped as its photo was, see [`prepare_mask`](crate::prepare_mask), and why none of it counts, if none
    /// does. `inside`: which pixels of the input count.
    #[must_use]
    pub fn in_view(
        &self,
        geometry: &Geometry,
        resampling: Resampling,
        inside: Option<&[bool]>,
    ) -> (Mask, Option<HiddenDefect>) {
        let mask = self.resized(geometry, resampling);
        if !is_outside(&mask, inside) {
            return (mask, None);
        }
        let resized = geometry.resized;
        let hidden = match (self.on_photo(None).0.defective_pixels(), mask.defective_pixels()) {
            (0, _) => HiddenDefect::NoDefectivePixel,
            (pixels, 0) => {
                let uncropped = Geometry { crop_left: 0, crop_top: 0, input: resized, ..*geometry };
                match self.resized(&uncropped, resampling).defective_pixels() {
                    0 => HiddenDefect::Resize { pixels, resized },
                    _ => HiddenDefect::Crop { pixels },
                }
            }
            (pixels, _) => HiddenDefect::Region { pixels },
        };
        (mask, Some(hidden))
    }

    pub(crate) fn resized(&self, geometry: &Geometry, resampling: Resampling) -> Mask {
        resize_mask(&self.strength, geometry, resampling)
    }
}

/// Whether no defective pixel counts.
fn is_outside(mask: &Mask, inside: Option<&[bool]>) -> bool {
    match inside {
        None => mask.defective_pixels() == 0,
        Some(inside) => !mask.data.iter().zip(inside).any(|(defective, inside)| *defective && *inside),
    }
}
