//! The layout of one pixel in a caller's buffer.

/// How the samples of one pixel lie in memory. Alpha is dropped, not blended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// One byte of grey.
    Gray8,
    /// Red, green, blue.
    Rgb8,
    /// Red, green, blue, alpha.
    Rgba8,
    /// Blue, green, red (OpenCV's order).
    Bgr8,
    /// Blue, green, red, alpha.
    Bgra8,
    /// One native-endian 16-bit sample of grey.
    Gray16,
    /// Red, green, blue, native-endian 16-bit samples.
    Rgb16,
}

impl PixelFormat {
    /// Bytes of one pixel.
    #[must_use]
    pub fn bytes_per_pixel(self) -> usize {
        match self {
            PixelFormat::Gray8 => 1,
            PixelFormat::Gray16 => 2,
            PixelFormat::Rgb8 | PixelFormat::Bgr8 => 3,
            PixelFormat::Rgba8 | PixelFormat::Bgra8 => 4,
            PixelFormat::Rgb16 => 6,
        }
    }
}
