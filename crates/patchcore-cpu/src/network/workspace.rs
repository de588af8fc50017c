//! Memory that an executor reuses from image to image.

#![allow(clippy::indexing_slicing, reason = "one arena a worker, and a first one")]

use patchcore_config::backbone::plan::MapShape;

use super::map::Map;
use super::tile::Run;
use crate::simd::AlignedBuffer;
use crate::team::{Leader, Shared, Team};

/// Intermediate results of a [`super::CpuNetwork`]; grows on first use of an image size and then stays.
///
/// One workspace serves one call at a time; it may be shared between networks and image sizes. It holds one set of
/// feature maps per thread.
#[derive(Default)]
pub struct Workspace {
    pub(super) memory: Memory<f32>,
}

impl Workspace {
    /// An empty workspace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.memory.bytes()
    }
}

/// What a workspace holds, for maps of such elements.
#[derive(Default)]
pub(super) struct Memory<E> {
    /// Shape of every slot.
    pub(super) shapes: Vec<MapShape>,
    /// Layout of every slot.
    pub(super) maps: Vec<Map>,
    /// Elements that each buffer of an arena has to hold for one image.
    pub(super) sizes: Vec<usize>,
    /// Where the values of each tap go.
    pub(super) targets: Vec<Shared<f32>>,
    /// One for each worker that takes images of its own.
    pub(super) arenas: Vec<Arena<E>>,
}

/// Memory in which one group of images goes through the network.
#[derive(Default)]
pub(super) struct Arena<E> {
    /// Memory of the slots; see [`super::slots`].
    pub(super) buffers: Vec<AlignedBuffer<E>>,
    /// Transformed windows and sums.
    pub(super) scratch: AlignedBuffer<E>,
    /// Runs of the step at work.
    pub(super) runs: Vec<Run>,
    /// The same of a step on a matrix unit, in bytes.
    pub(super) steps: Vec<usize>,
}

/// Some images of a batch, side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// Number of the first in the batch.
    pub(super) first: usize,
    /// How many.
    pub(super) images: usize,
}

impl<E> Memory<E> {
    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let elements =
            |arena: &Arena<E>| arena.buffers.iter().map(AlignedBuffer::len).sum::<usize>() + arena.scratch.len();
        self.arenas.iter().map(elements).sum::<usize>() * size_of::<E>()
    }
}

impl<E: Copy + Default + Send> Memory<E> {
    /// Makes the first arena ready for `images` images, and lends it with the maps.
    pub(super) fn first_arena(&mut self, images: usize) -> (&[Map], &mut Arena<E>) {
        self.arenas.resize_with(self.arenas.len().max(1), Arena::default);
        self.arenas[0].reserve(&self.sizes, images);
        (&self.maps, &mut self.arenas[0])
    }

    /// Calls `run` with groups that together are the images of the batch, each with an arena that has room for it and that nobody else
    /// uses meanwhile.
    ///
    /// As many images as possible go one to a worker, which needs no waiting for each other; the rest share all workers. One image at
    /// a time: its maps stay in the cache, which is worth more than sharing weights.
    pub(super) fn spread(
        &mut self,
        workers: usize,
        n: usize,
        run: impl Fn(&mut Leader<'_>, Group, &[Map], &[Shared<f32>], &mut Arena<E>) + Sync,
    ) {
        if n == 0 {
            return;
        }
        let (alone, rest) = if workers == 1 { (n, 0) } else { (n - n % workers, n % workers) };
        let Self { maps, sizes, targets, arenas, .. } = self;
        arenas.resize_with(arenas.len().max(workers.min(n)), Arena::default);
        for (index, arena) in arenas.iter_mut().enumerate() {
            // The rest share the first; before that it too has an image of its own.
            arena.reserve(sizes, if index == 0 { rest.max(1) } else { 1 });
        }
        let pool = Shared::new(arenas.as_mut_ptr());
        let (maps, targets): (&[Map], &[Shared<f32>]) = (maps, targets);
        Team::gather(workers, |leader| {
            leader.fan_out(alone, &|worker, first| {
                // SAFETY: each worker has a number of its own, below the number of arenas.
                let arena = unsafe { &mut *pool.pointer().add(worker) };
                Team::alone(|leader| run(leader, Group { first, images: 1 }, maps, targets, arena));
            });
            if rest > 0 {
                // SAFETY: nobody else uses the arenas now.
                let arena = unsafe { &mut *pool.pointer() };
                run(leader, Group { first: alone, images: rest }, maps, targets, arena);
            }
        });
    }
}

impl<E: Copy + Default> Arena<E> {
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
