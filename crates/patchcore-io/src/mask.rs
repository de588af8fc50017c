//! Ground truth: which pixels of the network's input are defective.

#![allow(clippy::indexing_slicing, reason = "a mask has the size of its image, which is checked")]

use patchcore_config::{Resampling, Size};

use crate::{Geometry, Photo, network_input};

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
    /// The mask of a good photo: nothing is defective.
    #[must_use]
    pub fn empty(input: Size) -> Mask {
        let (width, height) = (input.width as usize, input.height as usize);
        Mask { width, height, data: vec![false; width * height] }
    }

    pub(crate) fn of_strength(size: Size, strength: &[u8]) -> Mask {
        let data = strength.iter().map(|strength| *strength >= 128).collect();
        Mask { width: size.width as usize, height: size.height as usize, data }
    }

    /// The number of defective pixels.
    #[must_use]
    pub fn defective_pixels(&self) -> usize {
        self.data.iter().filter(|&&defective| defective).count()
    }
}

/// A mask's strength, resized and cropped, then cut at one half.
pub(crate) fn resize_mask(strength: &[u8], geometry: &Geometry, resampling: Resampling) -> Mask {
    if resampling == Resampling::Float {
        return nearest(strength, geometry);
    }
    let grey = Photo::from_grey(geometry.original, strength.to_vec());
    let plane = network_input::planes::<1>(&grey, geometry, resampling, None);
    Mask {
        width: geometry.input.width as usize,
        height: geometry.input.height as usize,
        data: plane.into_iter().map(|value| value >= 0.5).collect(),
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
