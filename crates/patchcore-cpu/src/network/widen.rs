//! The least and the largest value that a map has in each channel.

use super::map::Map;
use crate::simd::LANES;
use crate::team::{Leader, Shared};

/// Widens `low` and `high` so that they hold every value of one image of a map.
///
/// # Safety
/// `from` must hold an image in the layout of `map`.
///
/// # Panics
/// Where the ranges are not one a channel.
pub(super) unsafe fn widen(map: &Map, from: *const f32, leader: &mut Leader<'_>, low: &mut [f32], high: &mut [f32]) {
    assert_eq!((low.len(), high.len()), (map.channels, map.channels), "a range a channel");
    let (source, low, high) =
        (Shared::new(from.cast_mut()), Shared::new(low.as_mut_ptr()), Shared::new(high.as_mut_ptr()));
    leader.fan_out(map.blocks(), &|_, block| {
        let (mut least, mut largest) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        for y in 0..map.height {
            // SAFETY: a row of the block's plane; channels beyond the last are held too.
            let row = unsafe {
                let row = source.pointer().add(block * map.plane() + map.origin() + y * map.row());
                std::slice::from_raw_parts(row, map.width * map.pixel)
            };
            for pixel in row.chunks_exact(map.pixel) {
                for ((value, least), largest) in pixel.iter().zip(&mut least).zip(&mut largest) {
                    *least = least.min(*value);
                    *largest = largest.max(*value);
                }
            }
        }
        let first = block * map.pixel;
        let channels = map.pixel.min(map.channels - first);
        for (lane, (least, largest)) in least.into_iter().zip(largest).take(channels).enumerate() {
            // SAFETY: below the number of channels; each task has those of its block.
            unsafe {
                let (low, high) = (low.pointer().add(first + lane), high.pointer().add(first + lane));
                *low = least.min(*low);
                *high = largest.max(*high);
            }
        }
    });
}
