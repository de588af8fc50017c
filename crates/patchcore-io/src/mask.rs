//! Ground truth: which pixels of the network's input are defective.

#![allow(clippy::indexing_slicing, reason = "a mask has the size of its image, which is checked")]

use std::path::Path;

use patchcore_config::{Resampling, Size, View};

use crate::photo::Samples;
use crate::{Geometry, ImageError, Limits, Photo, network_input};

/// A ground-truth mask at the network's input size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[height, width]`, row by row: true where defective.
    pub data: Vec<bool>,
}

impl Mask {
    /// Reads a mask file and prepares it, see [`prepare_mask`].
    ///
    /// # Errors
    /// As [`Photo::open`] and [`prepare_mask`].
    pub fn open(path: &Path, original: Size, view: &View, limits: &Limits) -> Result<Mask, ImageError> {
        prepare_mask(&Photo::open(path, limits)?, original, view)
    }

    /// The mask of a good photo: nothing is defective.
    #[must_use]
    pub fn empty(input: Size) -> Mask {
        let (width, height) = (input.width as usize, input.height as usize);
        Mask { width, height, data: vec![false; width * height] }
    }

    /// A mask in the geometry of its photo, neither resized nor cropped.
    #[must_use]
    pub fn of_photo(mask: &Photo) -> Mask {
        let data = brightest_of(mask).into_iter().map(|value| value >= 128).collect();
        Mask { width: mask.width() as usize, height: mask.height() as usize, data }
    }

    /// The number of defective pixels.
    #[must_use]
    pub fn defective_pixels(&self) -> usize {
        self.data.iter().filter(|&&defective| defective).count()
    }
}

/// Resizes and crops a mask exactly as its image, then calls defective what is at least 0.5. Padding is good.
///
/// With [`Resampling::Float`] (anomalib) the mask takes the nearest pixel instead of a mean, as torchvision's transforms
/// do with masks: thin defects fall into more, smaller regions, and AUPRO is up to five points lower.
///
/// A mask of the values 0 and 1 counts as 0 and 255; a coloured mask as its brightest channel. `original` is the size
/// of the mask's image, upright.
///
/// # Errors
/// [`ImageError::MaskSize`] when the mask has another size than its image; else as [`Geometry::new`].
pub fn prepare_mask(mask: &Photo, original: Size, view: &View) -> Result<Mask, ImageError> {
    let Size { width, height } = mask.size();
    if mask.size() != original {
        return Err(ImageError::MaskSize {
            name: mask.name().to_owned(),
            width,
            height,
            expected_width: original.width,
            expected_height: original.height,
        });
    }
    let geometry = Geometry::new(mask.name(), original, view)?;
    let grey = brightest_of(mask);
    if view.resampling == Resampling::Float {
        return Ok(nearest(&grey, &geometry));
    }
    let grey = Photo::from_grey(original, grey);
    let plane = network_input::planes::<1>(&grey, &geometry, view.resampling, None);
    Ok(Mask {
        width: geometry.input.width as usize,
        height: geometry.input.height as usize,
        data: plane.into_iter().map(|value| value >= 0.5).collect(),
    })
}

/// The brightest channel of every pixel of a mask, as 8 bits; 0/1 masks stretched.
pub(crate) fn brightest_of(mask: &Photo) -> Vec<u8> {
    match mask.samples() {
        Samples::Eight(samples) => brightest(samples, mask.channels(), u8::MAX),
        Samples::Sixteen(samples) => brightest(samples, mask.channels(), u16::MAX),
    }
}

/// torch's nearest interpolation, `floor(i * from / to)`, of the 8-bit mask, cropped.
fn nearest(grey: &[u8], geometry: &Geometry) -> Mask {
    let source = |at: u32, offset: i64, original: u32, resized: u32| {
        let at = u64::try_from(i64::from(at) + offset).ok().filter(|at| *at < u64::from(resized))?;
        Some((at * u64::from(original) / u64::from(resized)) as usize)
    };
    let Geometry { original, resized, crop_left, crop_top, input } = *geometry;
    let defective = |x: u32, y: u32| {
        let column = source(x, crop_left, original.width, resized.width)?;
        let row = source(y, crop_top, original.height, resized.height)?;
        Some(grey[row * original.width as usize + column] >= 128)
    };
    let rows = (0..input.height).flat_map(|y| (0..input.width).map(move |x| (x, y)));
    // What lies outside the photo is padding, which is good.
    let data = rows.map(|(x, y)| defective(x, y).unwrap_or(false)).collect();
    Mask { width: input.width as usize, height: input.height as usize, data }
}

/// The brightest channel of every pixel as 8 bits; 0/1 masks stretched.
fn brightest<T: Copy + Ord + Into<u32> + Default>(samples: &[T], channels: usize, white: T) -> Vec<u8> {
    let brightest = |samples: &[T]| -> u32 { samples.iter().copied().fold(T::default(), T::max).into() };
    let top = brightest(samples);
    let white: u32 = if top <= 1 { 1 } else { white.into() };
    let pixels = samples.chunks_exact(channels);
    pixels.map(|pixel| ((brightest(pixel) * 255 + white / 2) / white) as u8).collect()
}

#[cfg(test)]
mod tests {
    use patchcore_config::{Crop, Resize};

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
