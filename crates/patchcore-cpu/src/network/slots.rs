//! Where the maps of a plan lie: the layout of every slot at a size of the image, and the buffer that it has.

#![allow(
    clippy::indexing_slicing,
    reason = "slots and buffers are numbered by the plan, which is checked when a network is made of it"
)]

use super::CpuNetworkError;
use super::map::Map;
use super::workspace::Memory;
use crate::simd::{AlignedBuffer, LANES};
use patchcore_config::backbone::plan::{MapShape, Plan, Slot, Step};

/// The slots of a plan.
pub(super) struct Slots {
    /// The plan.
    pub(super) plan: Plan,
    /// Channels of the image.
    pub(super) channels: usize,
    /// The image is stored one plane a channel.
    pub(super) planar: bool,
    /// Buffer of every slot; slots that are never alive together share one, and so do the parts of a map.
    buffer_of: Vec<usize>,
    buffers: usize,
    /// What map every slot is a part of.
    parts: Vec<Part>,
}

/// The map that a slot is a part of: its own, or one that grows by [`Step::Concat`].
///
/// A map that grows has room for all its channels from the start, and what is joined to it is written where it will lie. That takes
/// whole blocks of channels; where they are not whole, the joined map is a copy.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The slot that the map began with.
    root: Slot,
    /// Blocks of channels in front of the slot's.
    first: usize,
    /// Blocks of the whole map.
    whole: usize,
}

impl Slots {
    /// The slots of a plan that has been checked.
    pub(super) fn new(plan: &Plan) -> Self {
        let parts = find_parts(plan);
        let (buffer_of, buffers) = assign_buffers(plan, &parts);
        let (channels, planar) = (plan.image_channels(), has_planar_image(plan));
        Self { plan: plan.clone(), channels, planar, buffer_of, buffers, parts }
    }

    /// Finds the layout of every slot for images of this size, stored with `channels` channels; `reads_border` says whether a step, by its
    /// place in the plan, reads a border instead of looking at the edges itself.
    pub(super) fn lay_out<E>(
        &self,
        channels: usize,
        height: usize,
        width: usize,
        reads_border: impl Fn(usize) -> bool,
        memory: &mut Memory<E>,
    ) -> Result<(), CpuNetworkError> {
        let Memory { shapes, maps, sizes, .. } = memory;
        self.plan.visit(MapShape { channels: self.channels, height, width }, shapes, |_| ())?;
        maps.clear();
        maps.extend(shapes.iter().map(|shape| Map::blocked(shape.channels, shape.height, shape.width, (0, 0))));
        let kind = if self.planar { Map::planar } else { Map::blocked };
        maps[0] = kind(channels, height, width, (0, 0));
        for (index, step) in self.plan.steps.iter().enumerate() {
            if reads_border(index) {
                let (window, from, to) = (step.window(), shapes[step.from()], shapes[step.to()]);
                let border = |side: usize, out: usize| {
                    let (before, _) = window.before_after(side);
                    // No zeros after an edge that the last window does not reach.
                    (before, ((out - 1) * window.stride + window.kernel).saturating_sub(side + before))
                };
                let (top, bottom) = border(from.height, to.height);
                let (left, right) = border(from.width, to.width);
                let map = &mut maps[step.from()];
                map.before = map.before.max(top).max(left);
                map.after = map.after.max(bottom).max(right);
            }
        }
        // The parts of a map lie in one memory, with one border.
        for (slot, part) in self.parts.iter().enumerate() {
            let Map { before, after, .. } = maps[slot];
            let whole = &mut maps[part.root];
            (whole.before, whole.after) = (whole.before.max(before), whole.after.max(after));
        }
        for (slot, part) in self.parts.iter().enumerate().skip(1) {
            let Map { before, after, .. } = maps[part.root];
            maps[slot] = Map { before, after, planes: part.whole, ..maps[slot] };
        }
        sizes.clear();
        sizes.resize(self.buffers, 0);
        for (map, buffer) in maps.iter().zip(&self.buffer_of) {
            let size = &mut sizes[*buffer];
            *size = (*size).max(map.image());
        }
        Ok(())
    }

    /// The memory of a slot with that map.
    pub(super) fn memory<E>(&self, slot: Slot, map: &Map, buffers: &mut [AlignedBuffer<E>]) -> *mut E {
        buffers[self.buffer_of[slot]].as_mut_ptr().wrapping_add(self.parts[slot].first * map.plane())
    }

    /// Whether the channels that a concatenation joins lie where they belong before it.
    pub(super) fn is_joined(&self, step: &Step) -> bool {
        step.with().is_some() && self.parts[step.from()].root == self.parts[step.to()].root
    }

    /// Looks whether the buffers have room for so many images of all maps, and behind the last one for `slack` elements.
    ///
    /// # Panics
    /// Where they have not.
    pub(super) fn check_room<E>(&self, maps: &[Map], buffers: &[AlignedBuffer<E>], images: usize, slack: usize) {
        let mut needed = maps.iter().zip(&self.buffer_of).map(|(map, buffer)| (images * map.image() + slack, *buffer));
        assert!(
            needed.all(|(elements, buffer)| buffers[buffer].len() >= elements),
            "the arena has room for the {images} images of the group"
        );
    }

    /// Elements that one image takes at most, with borders and whole blocks of channels.
    pub(super) fn elements(&self, height: usize, width: usize) -> Result<usize, CpuNetworkError> {
        let mut shapes = Vec::new();
        self.plan.visit(MapShape { channels: self.channels, height, width }, &mut shapes, |_| ())?;
        let mut borders = vec![0; shapes.len()];
        for step in &self.plan.steps {
            let border = &mut borders[self.parts[step.from()].root];
            *border = step.window().kernel.max(*border);
        }
        let mut sizes = vec![0_usize; self.buffers];
        for (slot, ((shape, part), buffer)) in shapes.iter().zip(&self.parts).zip(&self.buffer_of).enumerate() {
            let kind = if slot == 0 && self.planar { Map::planar } else { Map::blocked };
            let mut map = kind(shape.channels, shape.height, shape.width, (borders[part.root], 0));
            map.planes = map.planes.max(part.whole);
            if let Some(size) = sizes.get_mut(*buffer) {
                *size = map.image().max(*size);
            }
        }
        Ok(sizes.iter().sum())
    }

    /// Values of one image, and of all that is returned of it.
    pub(super) fn values_in_and_out(&self, height: usize, width: usize) -> Result<usize, CpuNetworkError> {
        let mut shapes = Vec::new();
        let image = MapShape { channels: self.channels, height, width };
        self.plan.visit(image, &mut shapes, |_| ())?;
        let values = |shape: &MapShape| shape.values() as usize;
        let outputs = self.plan.taps.iter().filter_map(|tap| shapes.get(tap.slot)).map(values);
        Ok(values(&image) + outputs.sum::<usize>())
    }
}

/// Whether the image is stored one plane a channel: only convolutions that can read that read it.
fn has_planar_image(plan: &Plan) -> bool {
    let mut readers = plan.steps.iter().filter(|step| step.reads().any(|slot| slot == 0));
    plan.taps.iter().all(|tap| tap.slot != 0)
        && readers.all(|step| {
            step.conv().is_some_and(|conv| {
                conv.stride == 2 && conv.groups == 1 && conv.in_channels < LANES && conv.add != Some(0)
            })
        })
}

/// What map every slot is a part of.
fn find_parts(plan: &Plan) -> Vec<Part> {
    let blocks = plan.slot_channels().into_iter().map(|channels| channels.div_ceil(LANES));
    let mut parts: Vec<Part> = blocks.enumerate().map(|(slot, whole)| Part { root: slot, first: 0, whole }).collect();
    // Slots behind which a map has been joined, and those that are a part of another's map already.
    let (mut grown, mut taken) = (vec![false; plan.slots], vec![false; plan.slots]);
    for step in &plan.steps {
        let Step::Concat { from, with, to, channels: (first, _) } = *step else { continue };
        let is_whole = first.is_multiple_of(LANES) && from != 0 && with != 0 && from != with;
        let is_free =
            !grown[from] && parts[from].first == 0 && !grown[with] && !taken[with] && parts[with].root == with;
        if !is_whole || !is_free {
            continue;
        }
        let root = parts[from].root;
        (grown[from], taken[from], taken[with], taken[to]) = (true, true, true, true);
        parts[to] = Part { root, ..parts[to] };
        parts[with] = Part { root, first: first / LANES, ..parts[with] };
        let whole = parts[to].whole;
        parts.iter_mut().filter(|part| part.root == root).for_each(|part| part.whole = whole);
    }
    parts
}

/// Gives every slot a buffer such that slots alive at the same time have different ones, but for the parts of a map.
fn assign_buffers(plan: &Plan, parts: &[Part]) -> (Vec<usize>, usize) {
    let last_use = |slot: Slot| {
        let is_part = |other: Slot| parts[other].root == parts[slot].root;
        let uses = |step: &Step| is_part(step.to()) || step.reads().any(is_part);
        // A slot that no step uses is the image of a plan that only returns it: it has a buffer to itself.
        plan.steps.iter().rposition(uses).unwrap_or(0)
    };
    let mut buffer_of: Vec<Option<usize>> = vec![None; plan.slots];
    // The image takes buffer 0; `free_after[b]` is the last step that reads what buffer `b` holds.
    buffer_of[0] = Some(0);
    let mut free_after = vec![last_use(0)];
    for (index, step) in plan.steps.iter().enumerate() {
        let root = parts[step.to()].root;
        if buffer_of[root].is_some() {
            continue;
        }
        // A step's own inputs are alive while it runs: strictly before.
        let free = free_after.iter().position(|last| *last < index);
        let buffer = free.unwrap_or(free_after.len());
        match free_after.get_mut(buffer) {
            Some(last) => *last = last_use(root),
            None => free_after.push(last_use(root)),
        }
        buffer_of[root] = Some(buffer);
    }
    // A slot that no step writes is never read.
    (parts.iter().map(|part| buffer_of[part.root].unwrap_or(0)).collect(), free_after.len())
}
