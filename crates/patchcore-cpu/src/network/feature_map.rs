//! What the executor returns: a tapped layer of a batch.

use super::bands::Bands;
use super::map::Map;
use crate::simd::LANES;
use crate::team::{Leader, Shared};

/// Order of the axes of a [`FeatureMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MapLayout {
    /// `[n, channels, height, width]`, as Burn's tensors have it.
    #[default]
    ChannelsFirst,
    /// `[n, height, width, channels]`: the features of a position are contiguous. Cheaper to write.
    ChannelsLast,
}

/// The output of one tapped layer for all images of a batch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeatureMap {
    /// Values, row-major, axes in the order of `layout`.
    pub data: Vec<f32>,
    /// Grid rows.
    pub height: usize,
    /// Grid columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Order of the axes.
    pub layout: MapLayout,
}

impl FeatureMap {
    /// Takes the shape of `images` images of a map; memory is kept.
    pub(super) fn shape(&mut self, map: &Map, images: usize, layout: MapLayout) {
        (self.height, self.width, self.channels, self.layout) = (map.height, map.width, map.channels, layout);
        self.data.resize(images * map.height * map.width * map.channels, 0.0);
    }
}

/// Copies `images` images of a slot into row-major memory.
///
/// # Safety
/// `from` must hold the images in the layout of `map`, `to` must have room for them.
pub(super) unsafe fn copy_out(
    map: &Map,
    from: *const f32,
    images: usize,
    leader: &mut Leader<'_>,
    layout: MapLayout,
    to: *mut f32,
) {
    let (channels, area) = (map.channels, map.height * map.width);
    let (out, source) = (Shared::new(to), Shared::new(from.cast_mut()));
    // Whole pixels are written one after the other; channels in planes of their own go plane by plane.
    let planes = match layout {
        MapLayout::ChannelsLast => 1,
        MapLayout::ChannelsFirst => map.blocks(),
    };
    let bands = Bands::new(planes, map.height, leader.workers());
    leader.fan_out(bands.tasks(images), &|_, task| {
        let (image, block, band) = bands.task(task);
        // SAFETY: each task reads rows of the map and writes their pixels, all channels of them or those of its block.
        unsafe {
            let (from, to) = (source.pointer().add(image * map.image()), out.pointer().add(image * channels * area));
            for y in band {
                let row = from.add(map.origin() + y * map.row());
                let position = y * map.width;
                match layout {
                    MapLayout::ChannelsLast => {
                        for x in 0..map.width {
                            let (from, to) = (row.add(x * map.pixel), to.add((position + x) * channels));
                            copy_pixel(map, from, to);
                        }
                    }
                    MapLayout::ChannelsFirst => {
                        let first = block * map.pixel;
                        for lane in 0..map.pixel.min(channels - first) {
                            let line = to.add((first + lane) * area + position);
                            for x in 0..map.width {
                                *line.add(x) = *row.add(block * map.plane() + x * map.pixel + lane);
                            }
                        }
                    }
                }
            }
        }
    });
}

/// Copies the channels of one pixel, which lie a plane apart, to where they follow each other.
///
/// # Safety
/// `from` must be a pixel of the first block of `map`, `to` must have room for its channels.
#[inline]
unsafe fn copy_pixel(map: &Map, from: *const f32, to: *mut f32) {
    let whole = if map.pixel == LANES { map.channels / LANES } else { 0 };
    // SAFETY: whole blocks, then the channels of the last one; each lies inside its plane, `to` has room for all.
    unsafe {
        for block in 0..whole {
            // A constant length: one vector instead of a call.
            to.add(block * LANES).copy_from_nonoverlapping(from.add(block * map.plane()), LANES);
        }
        for block in whole..map.blocks() {
            let first = block * map.pixel;
            to.add(first).copy_from_nonoverlapping(from.add(block * map.plane()), map.pixel.min(map.channels - first));
        }
    }
}
