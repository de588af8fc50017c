//! A photo that is already in memory: a camera's frame, an OpenCV matrix, a numpy array.

use crate::PixelFormat;

/// Borrowed pixels, row by row from the top. Checked by [`Photo::from_buffer`](crate::Photo::from_buffer).
#[derive(Debug, Clone, Copy)]
pub struct PixelBuffer<'a> {
    /// The bytes; after the last row's last pixel nothing more is needed.
    pub data: &'a [u8],
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row's start to the next, at least `width * format.bytes_per_pixel()`.
    pub stride: usize,
    /// The layout of one pixel.
    pub format: PixelFormat,
}
