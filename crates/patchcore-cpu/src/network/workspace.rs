//! Memory that an executor reuses from image to image.

use patchcore_config::backbone::plan::MapShape;

use super::map::Map;
use super::tile::Run;
use crate::simd::AlignedBuffer;
use crate::team::Shared;

/// Intermediate results of a [`super::CpuNetwork`]; grows on first use of an image size and then stays.
///
/// One workspace serves one call at a time; it may be shared between networks and image sizes. It holds one set of
/// feature maps per thread.
#[derive(Default)]
pub struct Workspace {
    /// Shape of every slot.
    pub(super) shapes: Vec<MapShape>,
    /// Layout of every slot.
    pub(super) maps: Vec<Map>,
    /// Floats that each buffer of an arena has to hold for one image.
    pub(super) sizes: Vec<usize>,
    /// Where the values of each tap go.
    pub(super) targets: Vec<Shared<f32>>,
    /// One for each worker that takes images of its own.
    pub(super) arenas: Vec<Arena>,
}

/// Memory in which one group of images goes through the network.
#[derive(Default)]
pub(super) struct Arena {
    /// Memory of the slots; see `CpuNetwork::buffer_of`.
    pub(super) buffers: Vec<AlignedBuffer<f32>>,
    /// Transformed windows and sums.
    pub(super) scratch: AlignedBuffer<f32>,
    /// Runs of the step at work.
    pub(super) runs: Vec<Run>,
}

impl Workspace {
    /// An empty workspace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let floats = |arena: &Arena| arena.buffers.iter().map(AlignedBuffer::len).sum::<usize>() + arena.scratch.len();
        self.arenas.iter().map(floats).sum::<usize>() * size_of::<f32>()
    }
}

impl Arena {
    /// Makes room for `images` images.
    pub(super) fn reserve(&mut self, sizes: &[usize], images: usize) {
        if self.buffers.len() < sizes.len() {
            self.buffers.resize_with(sizes.len(), AlignedBuffer::default);
        }
        for (buffer, size) in self.buffers.iter_mut().zip(sizes) {
            buffer.reserve(size * images);
        }
    }
}
