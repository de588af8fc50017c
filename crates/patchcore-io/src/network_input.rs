//! A photo resized and cropped to what the network takes, before normalisation.

use patchcore_core::preprocess::{Resampling, View};

use crate::photo::{Samples, to_eight_bits};
use crate::resample::resize;
use crate::{Geometry, ImageError, Photo};

/// The network's input, not yet normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkInput {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[3, height, width]`, red, green and blue planes in `[0, 1]`; grey photos have three equal planes; padding is 0.
    pub data: Vec<f32>,
    /// Where it lies in the photo.
    pub geometry: Geometry,
}

impl NetworkInput {
    /// What the network sees, as an 8-bit picture.
    #[must_use]
    pub fn to_rgb8(&self) -> image::RgbImage {
        let plane = self.width * self.height;
        let at = |channel: usize, pixel: usize| self.data.get(channel * plane + pixel).copied().unwrap_or(0.0);
        let byte = |value: f32| (value * 255.0).round().clamp(0.0, 255.0) as u8;
        image::RgbImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            let pixel = y as usize * self.width + x as usize;
            image::Rgb([0, 1, 2].map(|channel| byte(at(channel, pixel))))
        })
    }
}

/// Resizes and crops a photo as `view` asks. Single-threaded: run photos in parallel instead.
///
/// With [`Resampling::Pil8Bit`] a 16-bit photo is rounded to 8 bits first; [`Resampling::Float`] keeps its precision.
///
/// # Errors
/// As [`Geometry::new`].
///
/// # Examples
/// ```
/// use patchcore_core::preprocess::{Resampling, Resize, Size, View};
/// use patchcore_io::{Photo, PixelBuffer, PixelFormat, prepare};
///
/// let frame = vec![128; 640 * 480];
/// let buffer = PixelBuffer { data: &frame, width: 640, height: 480, stride: 640, format: PixelFormat::Gray8 };
/// let photo = Photo::from_buffer(&buffer)?;
/// let view = View {
///     resize: Resize::ShortSide(256),
///     resampling: Resampling::Pil8Bit,
///     crop: Some(Size { width: 224, height: 224 }),
/// };
/// let input = prepare(&photo, &view)?;
/// assert_eq!(input.data.len(), 3 * 224 * 224);
/// # Ok::<(), patchcore_io::ImageError>(())
/// ```
pub fn prepare(photo: &Photo, view: &View) -> Result<NetworkInput, ImageError> {
    let geometry = Geometry::new(photo.name(), photo.size(), view)?;
    let data = if photo.channels() == 1 {
        let plane = planes::<1>(photo, &geometry, view.resampling);
        plane.repeat(3)
    } else {
        planes::<3>(photo, &geometry, view.resampling)
    };
    Ok(NetworkInput { width: geometry.input.width as usize, height: geometry.input.height as usize, data, geometry })
}

/// The `C` planes of a photo of `C` channels at the input's size, in `[0, 1]`.
pub(crate) fn planes<const C: usize>(photo: &Photo, geometry: &Geometry, resampling: Resampling) -> Vec<f32> {
    let from = (geometry.original.width as usize, geometry.original.height as usize);
    let to = (geometry.resized.width as usize, geometry.resized.height as usize);
    let window = geometry.window();
    let length = from.0 * C;
    match resampling {
        Resampling::Pil8Bit => {
            let pixels = resize::<C, u8>(from, to, window, |row, out| match photo.samples() {
                Samples::Eight(samples) => fill(out, samples, row * length, |sample| sample),
                Samples::Sixteen(samples) => fill(out, samples, row * length, to_eight_bits),
            });
            place::<C, u8>(&pixels, geometry, |sample| f32::from(sample) / 255.0)
        }
        Resampling::Float => {
            let pixels = resize::<C, f32>(from, to, window, |row, out| match photo.samples() {
                Samples::Eight(samples) => fill(out, samples, row * length, |sample| f32::from(sample) / 255.0),
                Samples::Sixteen(samples) => fill(out, samples, row * length, |sample| f32::from(sample) / 65_535.0),
            });
            place::<C, f32>(&pixels, geometry, |sample| sample)
        }
    }
}

fn fill<T: Copy, S>(out: &mut [S], samples: &[T], start: usize, convert: impl Fn(T) -> S) {
    for (out, &sample) in out.iter_mut().zip(samples.get(start..).unwrap_or_default()) {
        *out = convert(sample);
    }
}

/// From interleaved pixels of the window to planes of the input, zeros around them.
fn place<const C: usize, S: Copy>(pixels: &[S], geometry: &Geometry, convert: impl Fn(S) -> f32) -> Vec<f32> {
    let (width, height) = (geometry.input.width as usize, geometry.input.height as usize);
    let (left, top) = geometry.padding();
    let columns = geometry.window().width;
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
