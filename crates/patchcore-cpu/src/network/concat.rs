//! The channels of two maps behind each other, where they could not be written there at once (see [`super::slots`]).

use super::bands::Bands;
use super::map::Map;
use crate::simd::LANES;
use crate::team::{Leader, Shared};

/// Writes the channels of `first`, then those of `behind`, of `images` images.
///
/// # Safety
/// Each pointer is valid for as many images of its map, the last one for writes; it overlaps neither of the others.
pub(super) unsafe fn concat(
    (first, first_map): (*const f32, &Map),
    (behind, behind_map): (*const f32, &Map),
    (to, map): (*mut f32, &Map),
    images: usize,
    leader: &mut Leader<'_>,
) {
    let sides = |map: &Map| (map.height, map.width);
    assert_eq!((sides(first_map), sides(behind_map)), (sides(map), sides(map)), "joined maps have the same sides");
    assert_eq!(first_map.channels + behind_map.channels, map.channels, "channels of both maps");
    let (first, behind) = (Shared::new(first.cast_mut()), Shared::new(behind.cast_mut()));
    let out = Shared::new(to);
    let bands = Bands::new(map.blocks(), map.height, leader.workers());
    leader.fan_out(bands.tasks(images), &|_, task| {
        let (image, block, band) = bands.task(task);
        for lane in 0..LANES {
            let channel = block * LANES + lane;
            let source = match channel.checked_sub(first_map.channels) {
                None => Some((first.pointer(), first_map, channel)),
                Some(channel) => (channel < behind_map.channels).then(|| (behind.pointer(), behind_map, channel)),
            };
            for y in band.clone() {
                // SAFETY: each task writes rows of one block; what is read lies inside the maps.
                unsafe {
                    let place = image * map.image() + block * map.plane() + map.origin() + y * map.row() + lane;
                    let to = out.pointer().add(place);
                    let Some((from, from_map, channel)) = source else {
                        (0..map.width).for_each(|x| *to.add(x * LANES) = 0.0);
                        continue;
                    };
                    let (plane, lane) = (channel / from_map.pixel, channel % from_map.pixel);
                    let row = from_map.origin() + y * from_map.row() + lane;
                    let from = from.add(image * from_map.image() + plane * from_map.plane() + row);
                    (0..map.width).for_each(|x| *to.add(x * LANES) = *from.add(x * from_map.pixel));
                }
            }
        }
    });
}
