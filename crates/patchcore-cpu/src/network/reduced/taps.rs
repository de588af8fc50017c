//! Where a step writes the values of a tap: channels last.

use super::super::map::Map;
use crate::simd::LANES;
use crate::team::Shared;

/// The memory of a tap for the images of a group, or none.
#[derive(Clone, Copy)]
pub(super) struct Taps(Option<Shared<f32>>);

impl Taps {
    /// No tap.
    pub(super) const NONE: Self = Self(None);

    /// The values of the group's first image.
    pub(super) fn new(to: *mut f32) -> Self {
        Self(Some(Shared::new(to)))
    }

    /// The first channel of a block at a pixel; null without a tap. `map` has the shape of the tap.
    pub(super) fn at(self, map: &Map, image: usize, y: usize, x: usize, block: usize) -> *mut f32 {
        let Self(Some(memory)) = self else { return std::ptr::null_mut() };
        let pixel = (image * map.height + y) * map.width + x;
        memory.pointer().wrapping_add(pixel * map.channels + block * LANES)
    }
}
