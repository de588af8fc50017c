//! The layout of a feature map inside the executor.

use crate::simd::LANES;

/// Channels in blocks of sixteen, each block a plane of pixels, a pixel sixteen contiguous elements (`NCHW16c`), with
/// a border of zeros (in 8 bits: of each channel's zero point) around every plane for the convolutions that read beyond the edge.
///
/// Why not plain NHWC: a convolution's tile of pixels then lies in one contiguous piece of memory that a kernel
/// addresses with constant displacements, whatever the number of channels; a depthwise kernel, a max-pool and a
/// Winograd transform are vertical vector code. Lanes beyond the last channel hold zeros.
///
/// The image itself may be [planar](Map::planar): a pixel is one element, a block one channel. Elements are floats here, and smaller in
/// a [reduced network](super::reduced).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Map {
    /// Channels.
    pub(crate) channels: usize,
    /// Rows without border.
    pub(crate) height: usize,
    /// Columns without border.
    pub(crate) width: usize,
    /// Border before the first row and column.
    pub(crate) before: usize,
    /// Border after the last row and column.
    pub(crate) after: usize,
    /// Elements of a pixel: 16, or 1 for a planar image.
    pub(crate) pixel: usize,
    /// Planes from one image to the next: its own, or those of the larger map that it is a part of.
    pub(crate) planes: usize,
}

impl Map {
    /// A map of blocks of sixteen channels.
    pub(crate) fn blocked(channels: usize, height: usize, width: usize, border: (usize, usize)) -> Self {
        let (before, after) = border;
        Self { channels, height, width, before, after, pixel: LANES, planes: channels.div_ceil(LANES) }
    }

    /// A map of one plane per channel.
    pub(crate) fn planar(channels: usize, height: usize, width: usize, border: (usize, usize)) -> Self {
        let (before, after) = border;
        Self { channels, height, width, before, after, pixel: 1, planes: channels }
    }

    /// Number of planes of an image.
    pub(crate) fn blocks(&self) -> usize {
        self.channels.div_ceil(self.pixel)
    }

    /// Elements from one row to the next.
    pub(crate) fn row(&self) -> usize {
        (self.width + self.before + self.after) * self.pixel
    }

    /// Elements from one block to the next.
    pub(crate) fn plane(&self) -> usize {
        (self.height + self.before + self.after) * self.row()
    }

    /// Elements from one image to the next.
    pub(crate) fn image(&self) -> usize {
        self.planes * self.plane()
    }

    /// Offset of the pixel in row 0 and column 0 inside a plane.
    pub(crate) fn origin(&self) -> usize {
        self.before * (self.row() + self.pixel)
    }

    /// True if the rows of a plane follow each other without a border.
    pub(crate) fn is_dense(&self) -> bool {
        self.before + self.after == 0
    }

    /// Writes the zeros of the border of one plane.
    ///
    /// # Safety
    /// `plane` must be valid for [`Map::plane`] elements, of which zero is all bits zero.
    pub(crate) unsafe fn clear_border<T>(&self, plane: *mut T) {
        if self.is_dense() {
            return;
        }
        let (row, rows) = (self.row(), self.height + self.before + self.after);
        // SAFETY: all ranges lie inside the plane: whole rows before and after, then the ends of the rows between.
        unsafe {
            plane.write_bytes(0, self.before * row);
            plane.add((rows - self.after) * row).write_bytes(0, self.after * row);
            for y in self.before..rows - self.after {
                let start = plane.add(y * row);
                start.write_bytes(0, self.before * self.pixel);
                start.add(row - self.after * self.pixel).write_bytes(0, self.after * self.pixel);
            }
        }
    }

    /// Writes `pixel` all over the border of one plane.
    ///
    /// # Safety
    /// `plane` must be valid for [`Map::plane`] elements.
    pub(crate) unsafe fn fill_border<T: Copy>(&self, plane: *mut T, pixel: &[T]) {
        let columns = self.width + self.before + self.after;
        let rows = self.height + self.before + self.after;
        // SAFETY: pixels of a row that lies inside the plane.
        let fill = |y: usize, columns: std::ops::Range<usize>| unsafe {
            for x in columns {
                let to = plane.add(y * self.row() + x * self.pixel);
                to.copy_from_nonoverlapping(pixel.as_ptr(), self.pixel.min(pixel.len()));
            }
        };
        for y in 0..rows {
            if y < self.before || y >= rows - self.after {
                fill(y, 0..columns);
            } else {
                fill(y, 0..self.before);
                fill(y, columns - self.after..columns);
            }
        }
    }
}
