//! What the executor returns: a tapped layer of a batch.

use super::map::Map;
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
    let blocks = map.blocks();
    leader.fan_out(images * blocks, &|_, task| {
        let (image, block) = (task / blocks, task % blocks);
        let first = block * map.pixel;
        let lanes = map.pixel.min(channels - first);
        // SAFETY: each task reads its plane and writes the channels of its block.
        unsafe {
            let plane = source.pointer().add(image * map.image() + block * map.plane() + map.origin());
            let to = out.pointer().add(image * channels * area);
            for y in 0..map.height {
                let row = plane.add(y * map.row());
                let position = y * map.width;
                match layout {
                    MapLayout::ChannelsLast => {
                        for x in 0..map.width {
                            let pixel = to.add((position + x) * channels + first);
                            pixel.copy_from_nonoverlapping(row.add(x * map.pixel), lanes);
                        }
                    }
                    MapLayout::ChannelsFirst => {
                        for lane in 0..lanes {
                            let line = to.add((first + lane) * area + position);
                            for x in 0..map.width {
                                *line.add(x) = *row.add(x * map.pixel + lane);
                            }
                        }
                    }
                }
            }
        }
    });
}
