//! One photo of any form that Python has: a path, the bytes of a file, a numpy array, a picture of PIL.

use std::path::PathBuf;

use image::{DynamicImage, ImageBuffer};
use numpy::{PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use patchcore::error::ImageError;
use patchcore::{Error, NamedPhoto, Photo, PhotoSource, SharedBytes, path_text};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString, PyTuple};

use crate::array::{as_array, contiguous, described, kind_of};
use crate::shared_array::shared_bytes;

/// Whether the pixels of an array may be read where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// Nothing writes into the array before its photo is done with.
    Shared,
    /// The array may be used again for the next photo, as generators do with a frame.
    Copied,
}

/// What is a photo, for errors.
const A_PHOTO: &str = "a path, the bytes of an image file, a numpy array [h, w] or [h, w, c], or a picture of PIL";
const AN_ARRAY: &str = "[h, w] (grey) or [h, w, c] with 1, 3 (RGB) or 4 (RGBA) channels";
const CHANNELS_LAST: &str =
    "[h, w] (grey) or [h, w, c] with 1, 3 (RGB) or 4 (RGBA) channels: move the channels last, numpy.moveaxis(a, 0, -1)";
const A_TYPE: &str =
    "uint8, uint16, or floats from 0 (black) to 1 (white): convert it, for example with a.astype(numpy.uint8)";

/// The photo that an object is; errors call it so, where it has no name of its own. A tuple `(name, photo)` is a photo with a name.
///
/// Photos that cannot be used are such sources, not exceptions: their turn comes. What is no photo at all is a `TypeError`.
pub fn photo(item: &Bound<'_, PyAny>, called: &str, pixels: Pixels) -> PyResult<NamedPhoto> {
    if let Ok(pair) = item.cast::<PyTuple>() {
        let named = (pair.len() == 2).then(|| pair.get_item(0)?.extract::<String>()).transpose().ok().flatten();
        if let Some(name) = named {
            let photo = source(&pair.get_item(1)?, &name, pixels)?;
            return Ok(NamedPhoto { name: Some(name), source: photo });
        }
    }
    let source = source(item, called, pixels)?;
    let name = match &source {
        Ok(PhotoSource::Path(path)) => Some(path_text(path)),
        _ => None,
    };
    Ok(NamedPhoto { name, source })
}

/// Whether a file counts as a photo by its name, as in a folder; it is not opened.
#[pyfunction]
pub fn is_photo_name(path: PathBuf) -> bool {
    patchcore::is_photo_name(&path)
}

/// Whether an object is a path.
pub fn is_path(item: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(item.is_instance_of::<PyString>() || item.hasattr("__fspath__")?)
}

/// Where the pixels are of an object.
fn source(item: &Bound<'_, PyAny>, name: &str, pixels: Pixels) -> PyResult<Result<PhotoSource, Error>> {
    let encoded = |bytes: PyBackedBytes| {
        Ok(PhotoSource::Encoded { name: name.to_owned(), bytes: SharedBytes::from_owner(bytes) })
    };
    if let Ok(array) = item.cast::<PyUntypedArray>() {
        return of_array(array, name, pixels);
    }
    if is_path(item)? {
        return Ok(Ok(PhotoSource::Path(item.extract::<PathBuf>()?)));
    }
    if item.is_instance_of::<PyBytes>() || item.is_instance_of::<PyByteArray>() {
        return Ok(encoded(item.extract()?));
    }
    if item.is_instance_of::<PyMemoryView>() {
        let bytes = item.call_method0("tobytes")?;
        return Ok(encoded(bytes.extract()?));
    }
    if item.hasattr("__array_interface__")? || item.hasattr("__array__")? {
        // The array is made here and nobody else has it, or it is somebody's own.
        return match upright_picture(item)? {
            Some(picture) => of_array(&as_array(&picture)?, name, Pixels::Shared),
            None => of_array(&as_array(item)?, name, pixels),
        };
    }
    let found = item.get_type().name()?;
    Err(PyTypeError::new_err(format!("{name} is of type {found}, expected {A_PHOTO}")))
}

/// A picture of PIL in a mode whose array is a photo; `None` of what is no such picture. PIL itself is not imported.
fn upright_picture<'py>(item: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Ok(mode) = item.getattr("mode").and_then(|mode| mode.extract::<String>()) else { return Ok(None) };
    if !item.hasattr("convert")? || !item.hasattr("getbands")? {
        return Ok(None);
    }
    let to = match mode.as_str() {
        // The array of a palette has the palette's numbers, and these are not in RGB.
        "P" | "PA" if item.getattr("info")?.contains("transparency")? || mode == "PA" => "RGBA",
        "P" | "CMYK" | "YCbCr" | "LAB" | "HSV" => "RGB",
        "1" => "L",
        "LA" | "La" | "RGBa" => "RGBA",
        _ => return Ok(Some(item.clone())),
    };
    Ok(Some(item.call_method1("convert", (to,))?))
}

/// The photo in an array.
fn of_array(array: &Bound<'_, PyUntypedArray>, name: &str, pixels: Pixels) -> PyResult<Result<PhotoSource, Error>> {
    let refused = |found: String, expected| {
        Ok(Err(Error::Image(ImageError::NotAPhoto { name: name.to_owned(), found, expected })))
    };
    let (height, width, channels) = match *array.shape() {
        [height, width] => (height, width, 1),
        [height, width, channels @ (1 | 3 | 4)] => (height, width, channels),
        [1 | 3 | 4, _, _] => return refused(described(array), CHANNELS_LAST),
        _ => return refused(described(array), AN_ARRAY),
    };
    let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else {
        return refused(described(array), AN_ARRAY);
    };
    if width == 0 || height == 0 {
        return Ok(Err(Error::Image(ImageError::NoPixels { name: name.to_owned(), width, height })));
    }
    let photo = match (kind_of(array), channels) {
        ((b'u', 1), 1 | 3) => {
            let whole = contiguous::<u8>(array)?;
            // A copy is nobody else's.
            let own = !whole.is(array);
            let bytes = if own || pixels == Pixels::Shared { shared_bytes(&whole) } else { None };
            let bytes = match bytes {
                Some(bytes) => bytes,
                None => SharedBytes::from(whole.to_vec()?),
            };
            Photo::from_shared(bytes, width, height, channels)
        }
        ((b'u', 1), _) => of_image(DynamicImage::ImageRgba8, ImageBuffer::from_raw(width, height, values(array)?)),
        ((b'u', 2), 1) => of_image(DynamicImage::ImageLuma16, ImageBuffer::from_raw(width, height, values(array)?)),
        ((b'u', 2), 3) => of_image(DynamicImage::ImageRgb16, ImageBuffer::from_raw(width, height, values(array)?)),
        ((b'u', 2), _) => of_image(DynamicImage::ImageRgba16, ImageBuffer::from_raw(width, height, values(array)?)),
        ((b'f', _), 1 | 3) => Photo::from_floats(values(array)?, width, height, channels),
        ((b'f', _), _) => of_image(DynamicImage::ImageRgba32F, ImageBuffer::from_raw(width, height, values(array)?)),
        _ => return refused(described(array), A_TYPE),
    };
    Ok(photo.map(|photo| PhotoSource::Photo(photo.with_name(name))).map_err(Error::from))
}

/// The values of an array as one type, in C order.
fn values<T: numpy::Element + Copy>(array: &Bound<'_, PyUntypedArray>) -> PyResult<Vec<T>> {
    Ok(contiguous::<T>(array)?.to_vec()?)
}

/// A photo of the crate `image`, whose alpha is known and left out.
fn of_image<P: image::Pixel>(
    image: fn(ImageBuffer<P, Vec<P::Subpixel>>) -> DynamicImage,
    buffer: Option<ImageBuffer<P, Vec<P::Subpixel>>>,
) -> Result<Photo, ImageError> {
    match buffer {
        Some(buffer) => Ok(Photo::from_dynamic(image(buffer))),
        None => unreachable!("an array has a value for each channel of each pixel"),
    }
}
