//! What tells one photo from another: the digest of its pixels, whatever file they came in.

use std::path::PathBuf;

use patchcore_config::Size;
use sha2::{Digest, Sha256};

use crate::Photo;
use crate::photo::Samples;

/// What a photo is, before any resize.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhotoIdentity {
    /// The file that it was read from; `None` for one from memory.
    pub path: Option<PathBuf>,
    /// Columns and rows, upright.
    pub size: Size,
    /// [`Photo::sha256`].
    pub sha256: [u8; 32],
}

impl Photo {
    /// SHA-256 of the photo as it was taken: width, height, channels and bits per sample as little-endian u64, then the samples,
    /// interleaved, row by row, those of 16 bits and floats little-endian; decoded and upright, before any resize.
    ///
    /// One photo has one digest as PNG, BMP and TIFF. Some formats have no grey: a photo of three equal channels counts as one
    /// channel. [`Photo::with_full_scale`] changes nothing.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        match self.samples() {
            Samples::Eight(samples) => digest(self, samples, |samples, bytes| bytes.extend_from_slice(samples)),
            Samples::Sixteen(samples) => digest(self, samples, |samples, bytes| {
                bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
            }),
            Samples::Float(samples) => digest(self, samples, |samples, bytes| {
                bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
            }),
        }
    }

    /// What the photo is: its file, its size and its digest. Reads all pixels.
    #[must_use]
    pub fn identity(&self) -> PhotoIdentity {
        PhotoIdentity { path: self.path().map(ToOwned::to_owned), size: self.size(), sha256: self.sha256() }
    }
}

/// Samples that are hashed at once.
const CHUNK: usize = 3 << 14;

fn digest<T: Copy + PartialEq>(photo: &Photo, samples: &[T], write: impl Fn(&[T], &mut Vec<u8>)) -> [u8; 32] {
    let is_grey = photo.channels() == 3 && samples.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b);
    let channels = if is_grey { 1 } else { photo.channels() };
    let mut hasher = Sha256::new();
    for number in [u64::from(photo.width()), u64::from(photo.height()), channels as u64, photo.bits_per_sample().into()]
    {
        hasher.update(number.to_le_bytes());
    }
    let mut bytes = Vec::new();
    for chunk in samples.chunks(CHUNK) {
        bytes.clear();
        if is_grey {
            let grey: Vec<T> = chunk.as_chunks::<3>().0.iter().map(|[grey, ..]| *grey).collect();
            write(&grey, &mut bytes);
        } else {
            write(chunk, &mut bytes);
        }
        hasher.update(&bytes);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PixelBuffer, PixelFormat};

    fn photo(data: &[u8], format: PixelFormat, width: u32, height: u32) -> Photo {
        let stride = width as usize * format.bytes_per_pixel();
        Photo::from_buffer(&PixelBuffer { data, width, height, stride, format }).unwrap()
    }

    /// Put together by hand, byte by byte.
    #[test]
    fn the_digest_is_over_sizes_and_samples() {
        let numbers = |numbers: [u64; 4]| numbers.map(u64::to_le_bytes).concat();
        let data = [1, 2, 3, 4, 5, 6];
        let expected: [u8; 32] = Sha256::digest([numbers([2, 1, 3, 8]), data.to_vec()].concat()).into();
        assert_eq!(photo(&data, PixelFormat::Rgb8, 2, 1).sha256(), expected);
        assert_eq!(photo(&[3, 2, 1, 6, 5, 4], PixelFormat::Bgr8, 2, 1).sha256(), expected);
        let tall: [u8; 32] = Sha256::digest([numbers([1, 2, 3, 8]), data.to_vec()].concat()).into();
        assert_eq!(photo(&data, PixelFormat::Rgb8, 1, 2).sha256(), tall);
        let sixteen: [u8; 32] = Sha256::digest([numbers([1, 1, 1, 16]), vec![0x34, 0x12]].concat()).into();
        let sample = 0x1234u16.to_ne_bytes();
        assert_eq!(photo(&sample, PixelFormat::Gray16, 1, 1).sha256(), sixteen);
        assert_eq!(photo(&sample, PixelFormat::Gray16, 1, 1).with_full_scale(4095).sha256(), sixteen);
    }

    /// More samples than are hashed at once, and three equal channels.
    #[test]
    fn grey_in_three_channels_is_the_grey_photo() {
        let (width, height) = (301, 211);
        let grey: Vec<u8> = (0..width * height).map(|at| (at * 31 % 251) as u8).collect();
        let three: Vec<u8> = grey.iter().flat_map(|value| [*value; 3]).collect();
        let expected = photo(&grey, PixelFormat::Gray8, width, height).sha256();
        assert_eq!(photo(&three, PixelFormat::Rgb8, width, height).sha256(), expected);
        let mut coloured = three;
        *coloured.last_mut().unwrap() ^= 1;
        assert_ne!(photo(&coloured, PixelFormat::Rgb8, width, height).sha256(), expected);
    }
}
