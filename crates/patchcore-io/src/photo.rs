//! A decoded photo in memory, whatever it came from: the start of the flow.

#![allow(clippy::indexing_slicing, reason = "rows are cut from buffers whose lengths are checked")]

use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(feature = "image")]
use image::{DynamicImage, RgbImage};
use patchcore_config::Size;

use crate::{ImageError, PixelBuffer, PixelFormat, SharedBytes};

/// The samples of a photo, interleaved, row by row.
#[derive(Clone, PartialEq)]
pub(crate) enum Samples {
    /// Shared: photos of a caller's pixels do not copy them, nor do clones of any photo.
    Eight(SharedBytes),
    Sixteen(Vec<u16>),
    /// As the file has them: what is white is not known before a full scale is.
    Float(Vec<f32>),
}

impl From<Vec<u8>> for Samples {
    fn from(samples: Vec<u8>) -> Self {
        Self::Eight(samples.into())
    }
}

/// A decoded photo: grey or RGB, 8 or 16 bits or a float a sample, upright (EXIF orientation applied), without alpha.
///
/// Alpha is dropped as PIL's `convert("RGB")` drops it, not blended over a background: transparent pixels have the colours that
/// lie under them, and [`Photo::has_transparency`] tells that there are any. Floats (TIFF) keep their values: a network takes them as
/// 16 bits, 0 as black and 1, or the full scale, as white, and refuses others ([`ImageError::FloatRange`]).
#[derive(Clone, PartialEq)]
pub struct Photo {
    name: String,
    width: u32,
    height: u32,
    channels: usize,
    samples: Samples,
    /// The 16-bit or float sample that is white, where somebody has said it.
    full_scale: Option<u16>,
    /// The file that it was read from.
    path: Option<PathBuf>,
    /// The alpha of each pixel, with as many bits as the samples; `None` where all of them are opaque.
    alpha: Option<Samples>,
    /// Compressed in a way that changes its values: zeros and whites are then only nearly so.
    lossy: bool,
}

#[cfg(feature = "image")]
impl From<DynamicImage> for Photo {
    fn from(image: DynamicImage) -> Self {
        Photo::from_dynamic(image)
    }
}

impl Photo {
    /// Takes an image that the application decoded itself. 8-bit grey and RGB are taken without a copy.
    #[cfg(feature = "image")]
    #[must_use]
    pub fn from_dynamic(image: DynamicImage) -> Photo {
        let (width, height) = (image.width(), image.height());
        let alpha = match &image {
            DynamicImage::ImageLumaA8(grey) => alpha_of::<2, _>(grey.as_raw(), u8::MAX).map(Samples::from),
            DynamicImage::ImageRgba8(rgb) => alpha_of::<4, _>(rgb.as_raw(), u8::MAX).map(Samples::from),
            DynamicImage::ImageLumaA16(grey) => alpha_of::<2, _>(grey.as_raw(), u16::MAX).map(Samples::Sixteen),
            DynamicImage::ImageRgba16(rgb) => alpha_of::<4, _>(rgb.as_raw(), u16::MAX).map(Samples::Sixteen),
            float if float.has_alpha() => alpha_of::<4, _>(float.to_rgba16().as_raw(), u16::MAX).map(Samples::Sixteen),
            _ => None,
        };
        let (channels, samples) = match image {
            DynamicImage::ImageLuma8(grey) => (1, Samples::from(grey.into_raw())),
            DynamicImage::ImageRgb8(rgb) => (3, Samples::from(rgb.into_raw())),
            DynamicImage::ImageLumaA8(grey) => (1, Samples::from(without_alpha::<2, _>(grey.as_raw()))),
            DynamicImage::ImageRgba8(rgb) => (3, Samples::from(without_alpha::<4, _>(rgb.as_raw()))),
            DynamicImage::ImageLuma16(grey) => (1, Samples::Sixteen(grey.into_raw())),
            DynamicImage::ImageRgb16(rgb) => (3, Samples::Sixteen(rgb.into_raw())),
            DynamicImage::ImageLumaA16(grey) => (1, Samples::Sixteen(without_alpha::<2, _>(grey.as_raw()))),
            DynamicImage::ImageRgba16(rgb) => (3, Samples::Sixteen(without_alpha::<4, _>(rgb.as_raw()))),
            DynamicImage::ImageRgb32F(rgb) => (3, Samples::Float(rgb.into_raw())),
            float => (3, Samples::Float(float.into_rgb32f().into_raw())),
        };
        Photo { alpha, ..Photo::of_samples(width, height, channels, samples) }
    }

    /// An opaque photo in memory.
    pub(crate) fn of_samples(width: u32, height: u32, channels: usize, samples: Samples) -> Photo {
        let (name, full_scale) = ("photo in memory".to_owned(), None);
        Photo { name, width, height, channels, samples, full_scale, path: None, alpha: None, lossy: false }
    }

    /// An opaque photo of other samples, as many and of the same kind, under the same name.
    pub(crate) fn with_samples(&self, samples: Samples) -> Photo {
        let (name, path, full_scale) = (self.name.clone(), self.path.clone(), self.full_scale);
        Photo { name, path, full_scale, ..Photo::of_samples(self.width, self.height, self.channels, samples) }
    }

    /// An 8-bit grey photo of the right number of samples.
    pub(crate) fn from_grey(size: Size, samples: Vec<u8>) -> Photo {
        let Size { width, height } = size;
        assert_eq!(samples.len(), width as usize * height as usize, "one value for each pixel");
        Photo::of_samples(width, height, 1, Samples::from(samples))
    }

    /// Copies a borrowed buffer. The fourth byte of [`PixelFormat::Rgba8`] and [`PixelFormat::Bgra8`] is not looked at: cameras
    /// fill it as they like.
    ///
    /// # Errors
    /// [`ImageError::NoPixels`], [`ImageError::StrideTooSmall`] or [`ImageError::BufferTooShort`].
    pub fn from_buffer(buffer: &PixelBuffer<'_>) -> Result<Photo, ImageError> {
        let PixelBuffer { data, width, height, stride, format } = *buffer;
        if width == 0 || height == 0 {
            return Err(ImageError::NoPixels { name: "pixel buffer".to_owned(), width, height });
        }
        let bytes_per_pixel = format.bytes_per_pixel();
        let row = u64::from(width) * bytes_per_pixel as u64;
        if (stride as u64) < row {
            return Err(ImageError::StrideTooSmall { stride, needed: row, width, bytes_per_pixel });
        }
        let needed = (stride as u64).saturating_mul(u64::from(height) - 1).saturating_add(row);
        if (data.len() as u64) < needed {
            return Err(ImageError::BufferTooShort { found: data.len(), needed, height, stride });
        }
        // Both fit: they are at most the length of a slice.
        let row = row as usize;
        let rows = || data.chunks(stride).take(height as usize).map(|line| &line[..row]);
        let pixels = || rows().flat_map(|line| line.chunks_exact(bytes_per_pixel));
        let sixteen = || -> Vec<u16> {
            rows().flat_map(|line| line.as_chunks::<2>().0).map(|&sample| u16::from_ne_bytes(sample)).collect()
        };
        let (channels, samples) = match format {
            PixelFormat::Gray8 => (1, Samples::Eight(rows().flatten().copied().collect())),
            PixelFormat::Rgb8 => (3, Samples::Eight(rows().flatten().copied().collect())),
            PixelFormat::Rgba8 => (3, Samples::Eight(pixels().flat_map(|p| p.iter().take(3)).copied().collect())),
            PixelFormat::Bgr8 | PixelFormat::Bgra8 => {
                (3, Samples::Eight(pixels().flat_map(|p| p.iter().take(3).rev()).copied().collect()))
            }
            PixelFormat::Gray16 => (1, Samples::Sixteen(sixteen())),
            PixelFormat::Rgb16 => (3, Samples::Sixteen(sixteen())),
        };
        Ok(Photo::of_samples(width, height, channels, samples).with_name("pixel buffer"))
    }

    /// Takes 8-bit samples that somebody else owns, without a copy: grey (1 channel) or RGB (3), interleaved, row by row from the top.
    /// [`SharedBytes::from_owner`] makes them of whatever holds pixels: a camera's frame, an array of another language. They must not
    /// change while the photo lives.
    ///
    /// # Errors
    /// [`ImageError::NoPixels`], and [`ImageError::WrongSamples`] for other channels, or not one sample for each.
    ///
    /// # Examples
    /// ```
    /// use patchcore_io::{Photo, SharedBytes};
    ///
    /// # fn main() -> Result<(), patchcore_io::ImageError> {
    /// let frame = SharedBytes::from_owner(vec![90_u8; 64 * 48 * 3]);
    /// let photo = Photo::from_shared(frame, 64, 48, 3)?;
    /// assert_eq!((photo.width(), photo.height(), photo.channels()), (64, 48, 3));
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_shared(samples: SharedBytes, width: u32, height: u32, channels: usize) -> Result<Photo, ImageError> {
        Photo::of_checked(width, height, channels, samples.len(), Samples::Eight(samples))
    }

    /// Takes float samples, 0 as black and 1, or the full scale, as white: grey (1 channel) or RGB (3), interleaved, row by row from the
    /// top.
    ///
    /// # Errors
    /// As [`Photo::from_shared`].
    pub fn from_floats(samples: Vec<f32>, width: u32, height: u32, channels: usize) -> Result<Photo, ImageError> {
        Photo::of_checked(width, height, channels, samples.len(), Samples::Float(samples))
    }

    /// An opaque photo, if it has a sample for each channel of each pixel.
    fn of_checked(
        width: u32,
        height: u32,
        channels: usize,
        found: usize,
        samples: Samples,
    ) -> Result<Photo, ImageError> {
        let name = || "photo in memory".to_owned();
        if width == 0 || height == 0 {
            return Err(ImageError::NoPixels { name: name(), width, height });
        }
        let needed = u64::from(width) * u64::from(height) * channels as u64;
        if !matches!(channels, 1 | 3) || found as u64 != needed {
            return Err(ImageError::WrongSamples { name: name(), found, width, height, channels });
        }
        Ok(Photo::of_samples(width, height, channels, samples))
    }

    /// The same photo under the name that its errors should carry.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Photo {
        self.name = name.into();
        self
    }

    /// The same photo with another white: the 16-bit sample that counts as 1, for example 4095 for a camera's 12 bits in
    /// 16, or the float that does, for example 255. Brighter samples are cut off. 8-bit photos are not affected; 0 counts as 1.
    #[must_use]
    pub fn with_full_scale(mut self, white: u16) -> Photo {
        self.full_scale = Some(white.max(1));
        self
    }

    pub(crate) fn full_scale(&self) -> Option<u16> {
        self.full_scale
    }

    /// The same photo with the alpha of each pixel.
    #[cfg(feature = "tiff")]
    pub(crate) fn with_alpha(mut self, alpha: Option<Samples>) -> Photo {
        self.alpha = alpha;
        self
    }

    /// The file it came from, or what stands for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that it was read from by [`Photo::open`]; `None` for one from memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(crate) fn with_path(mut self, path: &Path) -> Photo {
        self.path = Some(path.to_owned());
        self
    }

    /// The same photo, whose values a lossy compression has changed.
    #[cfg(any(feature = "jpeg", feature = "webp"))]
    pub(crate) fn with_loss(mut self) -> Photo {
        self.lossy = true;
        self
    }

    pub(crate) fn is_lossy(&self) -> bool {
        self.lossy
    }

    /// Whether a pixel is not opaque. Transparent pixels are taken with the colours that lie under them, which nobody sees and
    /// which hang on the program that wrote the file.
    #[must_use]
    pub fn has_transparency(&self) -> bool {
        self.alpha.is_some()
    }

    /// The alpha of each pixel, unless all are opaque.
    pub(crate) fn alpha(&self) -> Option<&Samples> {
        self.alpha.as_ref()
    }

    /// Columns, upright.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, upright.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Columns and rows, upright.
    #[must_use]
    pub fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// 1 (grey) or 3 (RGB).
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// 8, 16, or 32 where the samples are floats.
    #[must_use]
    pub fn bits_per_sample(&self) -> u32 {
        match self.samples {
            Samples::Eight(_) => 8,
            Samples::Sixteen(_) => 16,
            Samples::Float(_) => 32,
        }
    }

    /// The largest sample: in a 16-bit photo of a camera of 12 bits at most 4095. Of floats, 1 is 65535. 0 without a pixel.
    #[must_use]
    pub fn brightest_sample(&self) -> u16 {
        match &self.samples {
            Samples::Eight(samples) => samples.iter().copied().max().unwrap_or(0).into(),
            Samples::Sixteen(samples) => samples.iter().copied().max().unwrap_or(0),
            Samples::Float(samples) => samples.iter().map(|sample| to_sixteen_bits(*sample, 1.0)).max().unwrap_or(0),
        }
    }

    /// The photo as 8-bit RGB, for overlays: grey in three equal channels, 16 bits rounded to 8.
    #[cfg(feature = "image")]
    #[must_use]
    pub fn to_rgb8(&self) -> RgbImage {
        let (white, float_white) = (self.full_scale.unwrap_or(u16::MAX), self.full_scale.map_or(1.0, f32::from));
        let of_float = |sample: f32| to_eight_bits(to_sixteen_bits(sample, float_white), u16::MAX);
        let eight: Vec<u8> = match &self.samples {
            Samples::Eight(samples) => samples.to_vec(),
            Samples::Sixteen(samples) => samples.iter().map(|&sample| to_eight_bits(sample, white)).collect(),
            Samples::Float(samples) => samples.iter().map(|&sample| of_float(sample)).collect(),
        };
        let rgb = if self.channels == 1 { eight.into_iter().flat_map(|grey| [grey; 3]).collect() } else { eight };
        match RgbImage::from_raw(self.width, self.height, rgb) {
            Some(picture) => picture,
            None => unreachable!("a photo has the samples of its width, height and channels"),
        }
    }

    pub(crate) fn samples(&self) -> &Samples {
        &self.samples
    }
}

impl fmt::Debug for Photo {
    /// Name and shape, not millions of samples.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Photo")
            .field("name", &self.name)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("channels", &self.channels)
            .field("bits_per_sample", &self.bits_per_sample())
            .finish_non_exhaustive()
    }
}

/// A 16-bit sample as 8 bits, rounded to nearest; `white` (at least 1) and what is above it become 255.
pub(crate) fn to_eight_bits(sample: u16, white: u16) -> u8 {
    let white = u32::from(white);
    ((u32::from(sample) * 255 + white / 2) / white).min(255) as u8
}

/// A float as 16 bits, rounded to nearest; `white` and what is above it become 65535, negative ones and no numbers 0.
pub(crate) fn to_sixteen_bits(sample: f32, white: f32) -> u16 {
    ((sample / white).clamp(0.0, 1.0) * f32::from(u16::MAX)).round() as u16
}

/// Every pixel of `N` samples without its last.
#[cfg(feature = "image")]
pub(crate) fn without_alpha<const N: usize, T: Copy>(samples: &[T]) -> Vec<T> {
    samples.as_chunks::<N>().0.iter().flat_map(|pixel| pixel.iter().take(N - 1)).copied().collect()
}

/// The last of every pixel's `N` samples, unless all of them are opaque.
#[cfg(feature = "image")]
pub(crate) fn alpha_of<const N: usize, T: Copy + PartialEq>(samples: &[T], opaque: T) -> Option<Vec<T>> {
    let alpha = || samples.as_chunks::<N>().0.iter().filter_map(|pixel| pixel.last()).copied();
    alpha().any(|alpha| alpha != opaque).then(|| alpha().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "image")]
    #[test]
    fn alpha_is_remembered_where_it_is_not_opaque_and_changes_nothing_else() {
        let rgba = |alpha: u8| {
            let pixels = vec![1, 2, 3, 255, 4, 5, 6, alpha];
            Photo::from(DynamicImage::from(image::RgbaImage::from_raw(2, 1, pixels).unwrap()))
        };
        let opaque = Photo::from(DynamicImage::from(RgbImage::from_raw(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap()));
        assert_eq!(rgba(255), opaque);
        assert!(!opaque.has_transparency() && rgba(254).has_transparency() && rgba(0).has_transparency());
        assert!(rgba(0).samples() == opaque.samples() && rgba(0).sha256() == opaque.sha256());
        let grey = DynamicImage::from(image::ImageBuffer::<image::LumaA<u16>, _>::from_raw(1, 1, vec![7, 9]).unwrap());
        assert!(Photo::from(grey).has_transparency());
        let float = |alpha| image::ImageBuffer::<image::Rgba<f32>, _>::from_raw(1, 1, vec![0.5, 0.5, 0.5, alpha]);
        assert!(Photo::from(DynamicImage::from(float(0.5).unwrap())).has_transparency());
        assert!(!Photo::from(DynamicImage::from(float(1.0).unwrap())).has_transparency());
    }

    /// What `image` makes of floats within 0 and 1, so that their scores keep their bits.
    #[cfg(feature = "image")]
    #[test]
    fn floats_become_sixteen_bits_as_image_does_it() {
        let values: Vec<f32> = (0..=30_000).map(|at| at as f32 / 29_999.7).collect();
        let float = image::ImageBuffer::<image::Rgb<f32>, _>::from_raw(10_000, 1, values[..30_000].to_vec()).unwrap();
        let theirs = DynamicImage::from(float).into_rgb16().into_raw();
        assert!(values.iter().zip(theirs).all(|(value, expected)| to_sixteen_bits(*value, 1.0) == expected));
        assert_eq!([-1.0, f32::NAN, 2.0].map(|value| to_sixteen_bits(value, 1.0)), [0, 0, u16::MAX]);
    }

    #[test]
    fn shared_samples_are_taken_where_they_lie() {
        let frame: Vec<u8> = (0..6 * 4 * 3).collect();
        let shared = SharedBytes::from(frame.clone());
        let photo = Photo::from_shared(shared.clone(), 6, 4, 3).unwrap();
        let Samples::Eight(samples) = photo.samples() else { panic!("8 bits") };
        assert_eq!(samples.as_ptr(), shared.as_ptr(), "no copy");
        let Samples::Eight(of_clone) = &photo.clone().samples else { panic!("8 bits") };
        assert_eq!(of_clone.as_ptr(), shared.as_ptr(), "no copy by a clone either");
        let buffer = PixelBuffer { data: &frame, width: 6, height: 4, stride: 18, format: PixelFormat::Rgb8 };
        assert_eq!(photo.with_name("pixel buffer"), Photo::from_buffer(&buffer).unwrap());
        for (width, height, channels) in [(6, 4, 1), (6, 4, 2), (6, 4, 4), (5, 4, 3), (6, 5, 3)] {
            let error = Photo::from_shared(shared.clone(), width, height, channels).unwrap_err();
            assert!(matches!(error, ImageError::WrongSamples { found: 72, .. }), "{error}");
        }
        let error = Photo::from_floats(Vec::new(), 0, 4, 3).unwrap_err();
        assert!(matches!(error, ImageError::NoPixels { width: 0, height: 4, .. }), "{error}");
        assert_eq!(Photo::from_floats(vec![0.5; 24], 6, 4, 1).unwrap().bits_per_sample(), 32);
    }

    #[test]
    fn sixteen_bits_round_to_the_nearest_eight() {
        for sample in 0..=u16::MAX {
            let exact = (f64::from(sample) * 255.0 / 65_535.0).round() as u8;
            assert_eq!(to_eight_bits(sample, u16::MAX), exact, "{sample}");
        }
    }
}
