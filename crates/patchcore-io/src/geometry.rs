//! Where the network's input lies in the original photo: torchvision's resize and centre-crop rules, and back.

use patchcore_config::{Crop, Pad, Resize, Size, View};

use crate::ImageError;
use crate::resample::Window;

/// The largest side of a resized photo or an input.
const MAX_SIDE: u32 = 65_535;
/// The most pixels of a resized photo or an input: 8192 x 8192.
const MAX_PIXELS: u64 = 1 << 26;
/// The same where a photo keeps its size, which its file has shown to be real: 16384 x 16384, for tiles.
const MAX_KEPT_PIXELS: u64 = 1 << 28;

/// How much larger than the photo a resize may make it, on each axis. Beyond it nearly all that the network sees is made up between the
/// photo's pixels, and a score says nothing of a part: a thumbnail, a broken file, a camera that sends one row.
const MOST_ENLARGED: u32 = 8;

/// How an original photo, its resized version and the network's input lie over each other.
///
/// Coordinates are those of pixel centres: the top left pixel's centre is `(0, 0)`, its outer corner `(-0.5, -0.5)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// The photo, upright.
    pub original: Size,
    /// After the resize, before the crop.
    pub resized: Size,
    /// The resized column that is the input's column 0; negative when the input is padded on the left.
    pub crop_left: i64,
    /// The resized row that is the input's row 0; negative when the input is padded at the top.
    pub crop_top: i64,
    /// The network's input.
    pub input: Size,
}

impl Geometry {
    /// Works out the sizes for a photo of size `original`; `name` is only used in errors.
    ///
    /// # Errors
    /// [`ImageError::NoPixels`], [`ImageError::InvalidView`], or [`ImageError::PreparedTooLarge`] when a side would
    /// exceed 65535 or the area 2^26 pixels (an extreme aspect ratio under `Resize::Short`), 2^28 without a resize.
    pub fn new(name: &str, original: Size, view: &View) -> Result<Geometry, ImageError> {
        let Size { width, height } = original;
        if width == 0 || height == 0 {
            return Err(ImageError::NoPixels { name: name.to_owned(), width, height });
        }
        let max_pixels = if view.resize == Resize::Keep { MAX_KEPT_PIXELS } else { MAX_PIXELS };
        let checked = |(width, height): (u64, u64)| -> Result<Size, ImageError> {
            let side = |side: u64| u32::try_from(side).ok().filter(|&side| side <= MAX_SIDE);
            match (side(width), side(height)) {
                (Some(w), Some(h)) if u64::from(w) * u64::from(h) <= max_pixels => Ok(Size { width: w, height: h }),
                _ => Err(ImageError::PreparedTooLarge {
                    name: name.to_owned(),
                    original_width: original.width,
                    original_height: original.height,
                    width,
                    height,
                    max_side: MAX_SIDE,
                    max_pixels,
                }),
            }
        };
        let invalid = |parameter, found: String| Err(ImageError::InvalidView { parameter, found });
        let (w, h) = (u64::from(width), u64::from(height));
        let resized = match view.resize {
            Resize::Keep => (w, h),
            Resize::Short(0) => return invalid("resize", "a short side of 0".to_owned()),
            Resize::Short(n) => {
                let n = u64::from(n);
                if w <= h { (n, n * h / w) } else { (n * w / h, n) }
            }
            Resize::Exact(size) if size.width == 0 || size.height == 0 => {
                return invalid("resize", format!("{}x{}", size.width, size.height));
            }
            Resize::Exact(size) => (u64::from(size.width), u64::from(size.height)),
        };
        let resized = checked(resized)?;
        let resized = match view.follows_the_photo() {
            true => view.sizes.of(resized),
            false => resized,
        };
        let resized = checked((u64::from(resized.width), u64::from(resized.height)))?;
        let input = match view.crop {
            Crop::Keep => resized,
            Crop::Center(size) if size.width == 0 || size.height == 0 => {
                return invalid("crop", format!("{}x{}", size.width, size.height));
            }
            Crop::Center(size) => checked((u64::from(size.width), u64::from(size.height)))?,
        };
        if view.pad == Pad::ToMultiple(0) {
            return invalid("pad", "a multiple of 0".to_owned());
        }
        let padded = |side: u32| u64::from(view.pad.padded(side));
        let input = checked((padded(input.width), padded(input.height)))?;
        Ok(Geometry {
            original,
            resized,
            crop_left: offset(resized.width, input.width),
            crop_top: offset(resized.height, input.height),
            input,
        })
    }

    /// Refuses a photo of which the resize makes more than eight times its columns or rows.
    ///
    /// # Errors
    /// [`ImageError::TooSmall`].
    pub fn check_enlargement(&self, name: &str) -> Result<(), ImageError> {
        let (Size { width, height }, resized) = (self.original, self.resized);
        if resized.width.div_ceil(MOST_ENLARGED) <= width && resized.height.div_ceil(MOST_ENLARGED) <= height {
            return Ok(());
        }
        let needed =
            Size { width: resized.width.div_ceil(MOST_ENLARGED), height: resized.height.div_ceil(MOST_ENLARGED) };
        Err(ImageError::TooSmall { name: name.to_owned(), width, height, resized, needed })
    }

    /// The point of the original photo under a point of the input. Outside the photo where the input is padded.
    #[must_use]
    pub fn to_original(&self, x: f64, y: f64) -> (f64, f64) {
        let map = |at: f64, offset: i64, original: u32, resized: u32| {
            (at + offset as f64 + 0.5) * f64::from(original) / f64::from(resized) - 0.5
        };
        (
            map(x, self.crop_left, self.original.width, self.resized.width),
            map(y, self.crop_top, self.original.height, self.resized.height),
        )
    }

    /// The point of the input over a point of the original photo. Outside the input where the photo is cropped.
    #[must_use]
    pub fn to_input(&self, x: f64, y: f64) -> (f64, f64) {
        let map = |at: f64, offset: i64, original: u32, resized: u32| {
            (at + 0.5) * f64::from(resized) / f64::from(original) - 0.5 - offset as f64
        };
        (
            map(x, self.crop_left, self.original.width, self.resized.width),
            map(y, self.crop_top, self.original.height, self.resized.height),
        )
    }

    /// The share of the original photo's area that the input shows, in `(0, 1]`.
    #[must_use]
    pub fn visible_share(&self) -> f64 {
        let side = |input: u32, resized: u32| f64::from(input.min(resized)) / f64::from(resized);
        side(self.input.width, self.resized.width) * side(self.input.height, self.resized.height)
    }

    /// Which pixels of the input show the photo, `[height, width]` row by row; `None` where none is padding.
    #[must_use]
    pub fn photo_pixels(&self) -> Option<Vec<bool>> {
        let (left, top) = self.padding();
        let Window { width, height, .. } = self.window();
        let (columns, rows) = (self.input.width as usize, self.input.height as usize);
        let within = |at: usize, start: usize, length: usize| (start..start + length).contains(&at);
        (columns > width || rows > height).then(|| {
            let rows = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
            rows.map(|(x, y)| within(x, left, width) && within(y, top, height)).collect()
        })
    }

    /// The part of the resized photo that the input shows.
    pub(crate) fn window(&self) -> Window {
        Window {
            left: self.crop_left.max(0) as usize,
            top: self.crop_top.max(0) as usize,
            width: self.input.width.min(self.resized.width) as usize,
            height: self.input.height.min(self.resized.height) as usize,
        }
    }

    /// The input's column and row where [`Geometry::window`] begins: 0, or the padding.
    pub(crate) fn padding(&self) -> (usize, usize) {
        ((-self.crop_left).max(0) as usize, (-self.crop_top).max(0) as usize)
    }
}

/// torchvision's `CenterCrop` along one side: `round((side - crop) / 2)` with ties to even, or minus the padding
/// `(crop - side) // 2`.
fn offset(side: u32, crop: u32) -> i64 {
    let spare = i64::from(side) - i64::from(crop);
    if spare < 0 {
        return -(-spare / 2);
    }
    let half = spare / 2;
    if spare % 2 == 1 && half % 2 == 1 { half + 1 } else { half }
}

#[cfg(test)]
mod tests {
    use patchcore_config::Resampling;

    use super::*;

    #[test]
    fn a_tie_goes_to_the_even_offset() {
        let offsets: Vec<i64> = (224..=232).map(|side| offset(side, 224)).collect();
        assert_eq!(offsets, [0, 0, 1, 2, 2, 2, 3, 4, 4]);
        assert_eq!((offset(221, 224), offset(100, 224)), (-1, -62));
    }

    #[test]
    fn more_than_eight_times_the_photo_is_refused() {
        let checked = |width, height, resize| {
            let view = View::resized(resize, Resampling::Native);
            Geometry::new("photo", Size { width, height }, &view).unwrap().check_enlargement("photo")
        };
        let short = Resize::Short(256);
        assert!(
            checked(32, 32, short).is_ok() && checked(32, 1000, short).is_ok() && checked(1, 1, Resize::Keep).is_ok()
        );
        let refused = checked(31, 62, short).unwrap_err().to_string();
        assert!(refused.contains("31x62") && refused.contains("256x512") && refused.contains("32x64"), "{refused}");
        let exact = Resize::Exact(Size { width: 48, height: 80 });
        assert!(checked(6, 10, exact).is_ok() && checked(6, 9, exact).is_err() && checked(5, 10, exact).is_err());
    }
}
