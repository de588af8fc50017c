//! What kind of photo a network's input was made of, as far as it costs nothing to know.

use crate::Photo;

/// The kind of a photo, before any resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PhotoKind {
    /// 1 (grey) or 3 (RGB). Of a network's input 1, too, where all three planes are equal: some formats have no grey.
    pub channels: usize,
    /// Bits per sample: 8 or 16.
    pub bits: u32,
    /// [`Photo::has_transparency`].
    pub has_transparency: bool,
}

impl Photo {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> PhotoKind {
        let (channels, bits) = (self.channels(), self.bits_per_sample());
        PhotoKind { channels, bits, has_transparency: self.has_transparency() }
    }
}
