//! How large a photo may be before decoding is refused. Read by `decode`, checked before anything is allocated.

/// The largest photo that is decoded. A file whose header claims more is refused before memory is taken for it,
/// so that a few kilobytes on disk cannot become gigabytes in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Columns at most. Default: 32768.
    pub max_width: u32,
    /// Rows at most. Default: 32768.
    pub max_height: u32,
    /// Bytes at most, of the file and of the decoded samples each (a progressive JPEG's coefficients count too).
    /// Turning a photo by its EXIF orientation needs the decoded bytes a second time for a moment. Default: 1 GiB.
    pub max_alloc_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_width: 32_768, max_height: 32_768, max_alloc_bytes: 1 << 30 }
    }
}
