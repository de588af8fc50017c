//! What this crate has made, known by its bytes: each kind of file carries a mark, so that a program can tell its own files from a
//! user's before it replaces one.

/// A kind of file that this crate gives the bytes of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnFile {
    /// [`to_png`](crate::to_png).
    Png,
    /// [`to_npy`](crate::to_npy).
    Npy,
    /// [`to_float_tiff`](crate::to_float_tiff).
    Tiff,
    /// [`EvaluationPage`](crate::EvaluationPage).
    Evaluation,
    /// [`ComparisonPage`](crate::ComparisonPage).
    Comparison,
    /// [`CertificatePage`](crate::CertificatePage).
    Certificate,
}

/// The name in the marks.
pub(crate) const SOFTWARE: &str = "patchcore";

/// A chunk of PNG: its length, its type, "Software", the name, and the checksum of type and content.
pub(crate) const PNG_CHUNK: &[u8] = b"\x00\x00\x00\x12tEXtSoftware\x00patchcore\xbe\x0b\x1f\xe5";

/// Bytes of an NPY file before its values; `NumPy` itself pads to 64 or 128.
pub(crate) const NPY_START: usize = 256;

/// How far a mark lies from the start of a file, at most.
const START: usize = 1024;

impl OwnFile {
    /// Whether `bytes`, those of a whole file, were made here.
    #[must_use]
    pub fn made(self, bytes: &[u8]) -> bool {
        let start = bytes.get(..START).unwrap_or(bytes);
        match self {
            OwnFile::Png => bytes.starts_with(b"\x89PNG") && holds(start, PNG_CHUNK),
            OwnFile::Npy => {
                let length = (NPY_START as u16 - 10).to_le_bytes();
                bytes.starts_with(b"\x93NUMPY\x01\x00") && bytes.get(8..10) == Some(&length[..])
            }
            // Its texts stand where the encoder likes.
            OwnFile::Tiff => {
                let is_tiff = bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*");
                is_tiff && holds(bytes, format!("{SOFTWARE}\0").as_bytes())
            }
            OwnFile::Evaluation => holds(start, b"content=\"patchcore evaluation\""),
            OwnFile::Comparison => holds(start, b"content=\"patchcore comparison\""),
            OwnFile::Certificate => holds(start, b"content=\"patchcore certificate\""),
        }
    }
}

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbImage};
    use tiff::encoder::TiffEncoder;
    use tiff::encoder::colortype::Gray8;

    use super::*;
    use crate::{to_float_tiff, to_npy, to_png};

    #[test]
    fn own_files_are_known_and_those_of_others_are_not() {
        let picture = RgbImage::from_pixel(9, 5, image::Rgb([1, 2, 3]));
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).unwrap();
        let mut tiff = std::io::Cursor::new(Vec::new());
        TiffEncoder::new(&mut tiff).unwrap().write_image::<Gray8>(9, 5, &[7; 45]).unwrap();
        let values = [0.5; 45];
        for (own, made, other) in [
            (OwnFile::Png, to_png(&picture).unwrap(), png.into_inner()),
            (OwnFile::Tiff, to_float_tiff(&values, 9, 5).unwrap(), tiff.into_inner()),
            (OwnFile::Npy, to_npy(&values, 9, 5).unwrap(), b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4'".to_vec()),
            (OwnFile::Evaluation, b"<meta content=\"patchcore evaluation\">".to_vec(), b"<html>".to_vec()),
            (OwnFile::Comparison, b"<meta content=\"patchcore comparison\">".to_vec(), Vec::new()),
            (OwnFile::Certificate, b"<meta content=\"patchcore certificate\">".to_vec(), b"<html>".to_vec()),
        ] {
            assert!(own.made(&made), "{own:?}");
            assert!(!own.made(&other), "{own:?}: of others");
            assert!(!own.made(&[]) && !own.made(&made[..8]), "{own:?}: cut short");
        }
        assert!(!OwnFile::Comparison.made(b"<meta content=\"patchcore evaluation\">"));
    }
}
