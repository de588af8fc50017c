//! Ground truth: which pixels of the network's input are defective.

use std::path::Path;

use patchcore_core::preprocess::{Size, View};

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

    /// The number of defective pixels.
    #[must_use]
    pub fn defective_pixels(&self) -> usize {
        self.data.iter().filter(|&&defective| defective).count()
    }
}

/// Resizes and crops a mask exactly as its image, then calls defective what is at least 0.5. Padding is good.
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
    let grey = match mask.samples() {
        Samples::Eight(samples) => brightest(samples, mask.channels(), u8::MAX),
        Samples::Sixteen(samples) => brightest(samples, mask.channels(), u16::MAX),
    };
    let grey = Photo::from_dynamic(image::GrayImage::from_raw(width, height, grey).unwrap_or_default().into());
    let plane = network_input::planes::<1>(&grey, &geometry, view.resampling);
    Ok(Mask {
        width: geometry.input.width as usize,
        height: geometry.input.height as usize,
        data: plane.into_iter().map(|value| value >= 0.5).collect(),
    })
}

/// The brightest channel of every pixel as 8 bits; 0/1 masks stretched.
fn brightest<T: Copy + Ord + Into<u32> + Default>(samples: &[T], channels: usize, white: T) -> Vec<u8> {
    let top: u32 = samples.iter().copied().max().unwrap_or_default().into();
    let white: u32 = if top <= 1 { 1 } else { white.into() };
    let pixels = samples.chunks(channels.max(1));
    let value = |pixel: &[T]| -> u32 { pixel.iter().copied().max().unwrap_or_default().into() };
    pixels.map(|pixel| ((value(pixel) * 255 + white / 2) / white) as u8).collect()
}
