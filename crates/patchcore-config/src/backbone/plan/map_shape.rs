//! The shape of a feature map.

use std::fmt;

/// Channels, rows and columns of one image's feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapShape {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl MapShape {
    /// Pixels of one channel.
    pub fn area(self) -> u64 {
        self.height as u64 * self.width as u64
    }

    /// Values of all channels.
    pub fn values(self) -> u64 {
        self.channels as u64 * self.area()
    }
}

/// `[channels, height, width]`.
impl fmt::Display for MapShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}, {}]", self.channels, self.height, self.width)
    }
}
