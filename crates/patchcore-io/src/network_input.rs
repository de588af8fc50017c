//! A photo resized and cropped to what the network takes, before normalisation.

#![allow(clippy::indexing_slicing, reason = "a photo has the samples of its size, and planes those of the input's")]

use std::borrow::Cow;

use patchcore_config::{Pad, Region, Resampling, View};

use crate::photo::{Samples, to_eight_bits, to_sixteen_bits};
use crate::resample::resize;
use crate::{Geometry, ImageError, Photo, PhotoIdentity, PhotoKind};

/// The network's input, not yet normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkInput {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[3, height, width]`, red, green and blue planes in `[0, 1]`, or `[height, width]` of a grey photo, which the
    /// network takes for three equal planes; a crop larger than the photo pads with 0, [`Pad::ToMultiple`] reflects the
    /// photo.
    pub data: Vec<f32>,
    /// Where it lies in the photo.
    pub geometry: Geometry,
    /// Which pixels count, `[height, width]` row by row: those inside the region of interest, without padding to the
    /// stride. `None`: all of them.
    pub inside: Option<Vec<bool>>,
    /// What kind of photo it was made of.
    pub kind: PhotoKind,
    /// The photo that it was made of, where somebody wants to know it again ([`NetworkInput::with_identity`]): fits do.
    pub photo: Option<Box<PhotoIdentity>>,
}

impl NetworkInput {
    /// The same input, which remembers what `photo` it was made of: a model that is fitted on it then knows the photo by its digest.
    #[must_use]
    pub fn with_identity(mut self, photo: &Photo) -> NetworkInput {
        self.photo = Some(Box::new(photo.identity()));
        self
    }

    /// Red, green and blue planes `[3, height, width]`, also of a grey photo.
    #[must_use]
    pub fn rgb_planes(&self) -> Cow<'_, [f32]> {
        match self.data.len() == self.width * self.height {
            true => self.data.repeat(3).into(),
            false => self.data.as_slice().into(),
        }
    }

    /// What the network sees, as an 8-bit picture.
    ///
    /// # Panics
    /// Where `data` holds neither one nor three planes of `height` rows and `width` columns; those of [`prepare`] do.
    #[cfg(feature = "image")]
    #[must_use]
    pub fn to_rgb8(&self) -> image::RgbImage {
        let (plane, planes) = (self.width * self.height, self.rgb_planes());
        assert_eq!(planes.len(), 3 * plane, "the input of {} x {} is not one plane or three", self.width, self.height);
        let at = |channel: usize, pixel: usize| planes[channel * plane + pixel];
        let byte = |value: f32| (value * 255.0).round().clamp(0.0, 255.0) as u8;
        image::RgbImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            let pixel = y as usize * self.width + x as usize;
            image::Rgb([0, 1, 2].map(|channel| byte(at(channel, pixel))))
        })
    }
}

/// Resizes and crops a photo as `view` asks. Single-threaded: run photos in parallel instead.
///
/// With [`Resampling::Pil8Bit`] a 16-bit photo is rounded to 8 bits first; [`Resampling::Native`] and
/// [`Resampling::Float`] keep its precision. Floats are taken as 16 bits.
///
/// # Errors
/// As [`Geometry::new`]; [`ImageError::FloatRange`] for floats outside of 0 and 1 without a full scale, [`ImageError::NotFinite`].
///
/// # Examples
/// ```
/// use patchcore_config::{Crop, Resampling, Resize, Size, View};
/// use patchcore_io::{Photo, PixelBuffer, PixelFormat, prepare};
///
/// let frame = vec![128; 640 * 480];
/// let buffer = PixelBuffer { data: &frame, width: 640, height: 480, stride: 640, format: PixelFormat::Gray8 };
/// let photo = Photo::from_buffer(&buffer)?;
/// let resized = View::resized(Resize::Short(256), Resampling::Pil8Bit);
/// let view = View { crop: Crop::Center(Size { width: 224, height: 224 }), ..resized };
/// let input = prepare(&photo, &view)?;
/// assert_eq!(input.data.len(), 224 * 224);
/// # Ok::<(), patchcore_io::ImageError>(())
/// ```
pub fn prepare(photo: &Photo, view: &View) -> Result<NetworkInput, ImageError> {
    prepare_within(photo, view, None, None)
}

/// [`prepare`], and which pixels of the input lie inside a region of interest: each takes the value of the photo's pixel
/// under its centre. `full_scale`: the 16-bit or float sample that is white, instead of the photo's own
/// ([`Photo::with_full_scale`]).
///
/// # Errors
/// As [`prepare`], and [`ImageError::RegionSize`] for a photo of another size than the region.
pub fn prepare_within(
    photo: &Photo,
    view: &View,
    region: Option<&Region>,
    full_scale: Option<u16>,
) -> Result<NetworkInput, ImageError> {
    let geometry = Geometry::new(photo.name(), photo.size(), view)?;
    let region = region.map(|region| region_in_view(photo, region, &geometry)).transpose()?;
    let white = full_scale.or(photo.full_scale());
    let exposure = photo.exposure(white)?;
    let mut data = if photo.channels() == 1 {
        planes::<1>(photo, &geometry, view.resampling, white)
    } else {
        planes::<3>(photo, &geometry, view.resampling, white)
    };
    if view.pad != Pad::None {
        reflect_into_padding(&mut data, &geometry);
    }
    // Zeros around a small photo are part of torchvision's crop and have always been scored.
    let inside = region.or_else(|| if view.pad == Pad::None { None } else { geometry.photo_pixels() });
    let (width, height) = (geometry.input.width as usize, geometry.input.height as usize);
    let mut kind = PhotoKind { exposure, ..photo.kind() };
    if are_equal(&data, width * height) {
        kind.channels = 1;
    }
    Ok(NetworkInput { width, height, data, geometry, inside, kind, photo: None })
}

/// Whether all planes are the same: those of a photo without colours.
fn are_equal(planes: &[f32], pixels: usize) -> bool {
    let mut planes = planes.chunks_exact(pixels);
    let first = planes.next();
    planes.all(|plane| Some(plane) == first)
}

/// The region as the input sees it; padding is outside.
fn region_in_view(photo: &Photo, region: &Region, geometry: &Geometry) -> Result<Vec<bool>, ImageError> {
    let original = geometry.original;
    if region.size != original {
        return Err(ImageError::RegionSize {
            name: photo.name().to_owned(),
            width: original.width,
            height: original.height,
            expected_width: region.size.width,
            expected_height: region.size.height,
        });
    }
    let pixels = region.to_pixels();
    let at = |position: f64, side: u32| {
        let pixel = position.round();
        (pixel >= 0.0 && pixel < f64::from(side)).then_some(pixel as usize)
    };
    let inside = |x: u32, y: u32| {
        let (x, y) = geometry.to_original(f64::from(x), f64::from(y));
        let pixel = at(y, original.height)? * original.width as usize + at(x, original.width)?;
        Some(pixels[pixel])
    };
    let rows = (0..geometry.input.height).flat_map(|y| (0..geometry.input.width).map(move |x| (x, y)));
    // What lies outside the photo is padding, which the region does not hold.
    Ok(rows.map(|(x, y)| inside(x, y).unwrap_or(false)).collect())
}

/// Fills the padding of each plane with the photo's mirror image, its edge not repeated.
fn reflect_into_padding(planes: &mut [f32], geometry: &Geometry) {
    let (width, height) = (geometry.input.width as usize, geometry.input.height as usize);
    let (left, top) = geometry.padding();
    let window = geometry.window();
    let source = |at: usize, start: usize, length: usize| {
        let last = length as isize - 1;
        // A window of one pixel mirrors it everywhere.
        let folded = (at as isize - start as isize).rem_euclid((2 * last).max(1));
        start + folded.min(2 * last - folded).max(0) as usize
    };
    let (rows, columns) = (top..top + window.height, left..left + window.width);
    for plane in planes.chunks_exact_mut(width * height) {
        // The photo's own lines first, then lines that are copies of them.
        for line in plane.chunks_exact_mut(width).take(rows.end).skip(rows.start) {
            for x in (0..columns.start).chain(columns.end..width) {
                line[x] = line[source(x, left, window.width)];
            }
        }
        for y in (0..rows.start).chain(rows.end..height) {
            let from = source(y, top, window.height) * width;
            plane.copy_within(from..from + width, y * width);
        }
    }
}

/// The `C` planes of a photo of `C` channels at the input's size, in `[0, 1]`.
pub(crate) fn planes<const C: usize>(
    photo: &Photo,
    geometry: &Geometry,
    resampling: Resampling,
    white: Option<u16>,
) -> Vec<f32> {
    let from = (geometry.original.width as usize, geometry.original.height as usize);
    let to = (geometry.resized.width as usize, geometry.resized.height as usize);
    let window = geometry.window();
    let length = from.0 * C;
    assert!(white != Some(0), "a white of 0: settings refuse it");
    let float_white = white.map_or(1.0, f32::from);
    let white = white.unwrap_or(u16::MAX);
    let scale = f32::from(white);
    let resampling = match (resampling, photo.samples()) {
        (Resampling::Native, Samples::Eight(_)) => Resampling::Pil8Bit,
        (Resampling::Native, Samples::Sixteen(_) | Samples::Float(_)) => Resampling::Float,
        (asked, _) => asked,
    };
    match resampling {
        Resampling::Pil8Bit => {
            let pixels = resize::<C, u8>(from, to, window, |row, out| match photo.samples() {
                Samples::Eight(samples) => fill(out, samples, row * length, |sample| sample),
                Samples::Sixteen(samples) => fill(out, samples, row * length, |sample| to_eight_bits(sample, white)),
                Samples::Float(samples) => fill(out, samples, row * length, |sample| {
                    to_eight_bits(to_sixteen_bits(sample, float_white), u16::MAX)
                }),
            });
            place::<C, u8>(&pixels, geometry, |sample| f32::from(sample) / 255.0)
        }
        Resampling::Float | Resampling::Native => {
            let pixels = resize::<C, f32>(from, to, window, |row, out| match photo.samples() {
                Samples::Eight(samples) => fill(out, samples, row * length, |sample| f32::from(sample) / 255.0),
                Samples::Sixteen(samples) => {
                    fill(out, samples, row * length, |sample| (f32::from(sample) / scale).min(1.0))
                }
                Samples::Float(samples) => fill(out, samples, row * length, |sample| {
                    f32::from(to_sixteen_bits(sample, float_white)) / f32::from(u16::MAX)
                }),
            });
            place::<C, f32>(&pixels, geometry, |sample| sample)
        }
    }
}

fn fill<T: Copy, S>(out: &mut [S], samples: &[T], start: usize, convert: impl Fn(T) -> S) {
    let length = out.len();
    for (out, &sample) in out.iter_mut().zip(&samples[start..start + length]) {
        *out = convert(sample);
    }
}

/// From interleaved pixels of the window to planes of the input, zeros around them.
fn place<const C: usize, S: Copy>(pixels: &[S], geometry: &Geometry, convert: impl Fn(S) -> f32) -> Vec<f32> {
    let (width, height) = (geometry.input.width as usize, geometry.input.height as usize);
    let (left, top) = geometry.padding();
    let columns = geometry.window().width;
    assert_eq!(pixels.len(), geometry.window().height * columns * C, "the pixels are those of the window");
    let mut data = vec![0.0; C * width * height];
    for (channel, plane) in data.chunks_exact_mut(width * height).enumerate() {
        let lines = plane.chunks_exact_mut(width).skip(top);
        for (line, row) in lines.zip(pixels.chunks_exact(columns * C)) {
            let samples = row.iter().skip(channel).step_by(C);
            for (out, &sample) in line.iter_mut().skip(left).zip(samples) {
                *out = convert(sample);
            }
        }
    }
    data
}
