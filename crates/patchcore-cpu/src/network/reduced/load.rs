//! The image, from `f32` to elements.

#![allow(clippy::indexing_slicing, reason = "channels and rows of an image whose size was checked")]

use super::super::bands::Bands;
use super::super::map::Map;
use super::kernel_set::KernelSet;
use super::load_line::{Entry, Line};
use super::storage::Element;
use crate::team::{Leader, Shared};

/// Writes `[images, channels, height, width]` into the executor's layout.
///
/// # Safety
/// `to` must have room for `images` images of `map`.
pub(super) unsafe fn load_images<E: Element>(
    kernels: &KernelSet<E>,
    map: &Map,
    entries: &[Entry<E>],
    input: &[f32],
    images: usize,
    leader: &mut Leader<'_>,
    to: *mut E,
) {
    let out = Shared::new(to);
    let (blocks, area) = (map.blocks(), map.height * map.width);
    leader.fan_out(images * blocks, &|_, plane| {
        let first = plane % blocks * map.pixel;
        let mut padding = [E::default(); crate::simd::LANES];
        padding.iter_mut().zip(&entries[first..]).take(map.pixel).for_each(|(to, entry)| *to = entry.padding);
        // SAFETY: each task writes a plane of its own, which lies inside the buffer.
        unsafe {
            let memory = out.pointer().add(plane * map.plane());
            if first + map.pixel > map.channels {
                memory.write_bytes(0, map.plane());
            }
            map.fill_border(memory, &padding[..map.pixel]);
        }
    });
    let bands = Bands::new(blocks, map.height, leader.workers());
    leader.fan_out(bands.tasks(images), &|_, task| {
        let (image, block, band) = bands.task(task);
        for lane in 0..map.pixel.min(map.channels - block * map.pixel) {
            let channel = block * map.pixel + lane;
            for y in band.clone() {
                let start = (image * map.channels + channel) * area + y * map.width;
                // SAFETY: row `y` of the plane, which lies inside the buffer; each task writes rows of its own.
                unsafe {
                    let plane = out.pointer().add(image * map.image() + block * map.plane());
                    let line = Line {
                        from: input[start..start + map.width].as_ptr(),
                        to: plane.add(map.origin() + y * map.row() + lane),
                        step: map.pixel,
                        width: map.width,
                        entry: entries[channel],
                    };
                    (kernels.load)(&line);
                }
            }
        }
    });
}
