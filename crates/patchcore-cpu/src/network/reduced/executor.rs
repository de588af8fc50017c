//! The execution of a plan on maps of small elements; whatever the storage.

#![allow(
    clippy::indexing_slicing,
    reason = "slots and steps are numbered by the plan, which is checked when a network is made of it"
)]

use super::super::CpuNetworkError;
use super::super::feature_map::{FeatureMap, MapLayout};
use super::super::map::Map;
use super::super::slots::Slots;
use super::super::step::{Geometry, Operands};
use super::super::workspace::{Arena, Group, Memory};
use super::dense::Dense;
use super::depthwise::Depthwise;
use super::depthwise_rows::slack;
use super::finish::Constants;
use super::kernel_set::KernelSet;
use super::load::load_images;
use super::load_line::Entry;
use super::matrix_unit::MatrixUnit;
use super::max_pool::max_pool;
use super::storage::Element;
use super::taps::Taps;
#[cfg(target_arch = "x86_64")]
use super::tiles::TileDense;
use super::winograd::Winograd;
use crate::caches::second_level_bytes;
use crate::simd::{AlignedBuffer, LANES};
use crate::team::{Leader, Shared};
use patchcore_config::backbone::plan::{Plan, Slot, Step};

/// A convolution in the elements of a storage.
pub(super) struct Layer<E: Element> {
    /// `[out, in / groups, kernel, kernel]`
    pub(super) weights: Vec<E::Weight>,
    /// One a block of sixteen output channels.
    pub(super) constants: AlignedBuffer<Constants>,
}

/// How a map is written.
pub(super) struct SlotFormat<E> {
    /// What lies beyond the edge, one a channel.
    pub(super) padding: Vec<E>,
    /// Factor and offset that make elements values, one a channel.
    pub(super) values: Vec<(f32, f32)>,
}

/// A plan compiled for one storage.
pub(super) struct Executor<E: Element> {
    slots: Slots,
    kernels: &'static KernelSet<E>,
    /// Bytes of a thread's second-level cache: the kernels cut their work by it.
    pub(super) second_level: usize,
    /// The kernel that carries out each step of the plan.
    operations: Vec<Operation<E>>,
    /// How the image is written, one a channel.
    entries: Vec<Entry<E>>,
    formats: Vec<SlotFormat<E>>,
    /// Whether a step reads the slot.
    is_read: Vec<bool>,
}

enum Operation<E: Element> {
    Dense(Dense<E>),
    #[cfg(target_arch = "x86_64")]
    Tiles(TileDense<E>),
    Winograd(Winograd<E>),
    Depthwise(Depthwise<E>),
    MaxPool,
}

impl<E: Element> Executor<E> {
    /// Packs the layers, one a convolution of the plan, which has been checked. Dense convolutions run on `unit`, but for the first where
    /// the image is stored one plane a channel.
    ///
    /// # Errors
    /// [`CpuNetworkError::Unsupported`]: strides above 2, and steps that are [not reducible](Plan::not_reducible).
    pub(super) fn new(
        kernels: &'static KernelSet<E>,
        unit: MatrixUnit,
        plan: &Plan,
        layers: Vec<Layer<E>>,
        entries: Vec<Entry<E>>,
        formats: Vec<SlotFormat<E>>,
    ) -> Result<Self, CpuNetworkError> {
        if let Some(step) = plan.not_reducible() {
            return Err(CpuNetworkError::Unsupported { step: step.name().to_owned() });
        }
        let slots = Slots::new(plan);
        let mut layers = layers.into_iter();
        let mut operations = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            let Step::Conv(conv) = step else {
                operations.push(Operation::MaxPool);
                continue;
            };
            let depthwise = conv.groups > 1;
            let is_known = (1..=2).contains(&conv.stride) && conv.kernel > 0;
            let (true, Some(Layer { weights, constants })) = (is_known, layers.next()) else {
                return Err(CpuNetworkError::Unsupported { step: conv.name.clone() });
            };
            let geometry = Geometry::new(conv);
            let planar = slots.planar && conv.from == 0;
            operations.push(match unit {
                _ if depthwise => Operation::Depthwise(Depthwise::new(kernels, geometry, &weights, constants)),
                #[cfg(target_arch = "x86_64")]
                unit if unit != MatrixUnit::None && !planar => {
                    Operation::Tiles(TileDense::new(unit, kernels, geometry, &weights, constants))
                }
                _ => match Winograd::new(kernels, geometry, &weights, &constants) {
                    Some(winograd) if !planar => Operation::Winograd(winograd),
                    _ => Operation::Dense(Dense::new(kernels, geometry, planar, &weights, constants)),
                },
            });
        }
        let is_read = (0..plan.slots).map(|slot| plan.steps.iter().any(|step| step.reads().any(|read| read == slot)));
        let (is_read, second_level) = (is_read.collect(), second_level_bytes());
        Ok(Self { slots, kernels, second_level, operations, entries, formats, is_read })
    }

    /// See [`super::ReducedNetwork::forward`].
    #[allow(clippy::too_many_arguments, reason = "the axes of the input are three of them")]
    pub(super) fn forward(
        &self,
        workers: usize,
        input: &[f32],
        n: usize,
        height: usize,
        width: usize,
        memory: &mut Memory<E>,
        outputs: &mut Vec<FeatureMap>,
    ) -> Result<(), CpuNetworkError> {
        let channels = self.slots.channels;
        let image = channels * height * width;
        if input.len() != n * image || image == 0 {
            return Err(CpuNetworkError::InputSize { found: input.len(), n, channels, height, width });
        }
        let reads_border = |step: usize| !matches!(self.operations[step], Operation::MaxPool);
        self.slots.lay_out(channels, height, width, reads_border, memory)?;
        // Kernels read a little beyond a map; those of dense convolutions less than depthwise ones.
        memory.sizes.iter_mut().for_each(|size| *size += slack::<E>());
        outputs.resize_with(self.slots.plan.taps.len(), FeatureMap::default);
        memory.targets.clear();
        for (output, tap) in outputs.iter_mut().zip(&self.slots.plan.taps) {
            output.shape(&memory.maps[tap.slot], n, MapLayout::ChannelsLast);
            memory.targets.push(Shared::new(output.data.as_mut_ptr()));
        }
        memory.spread(workers, n, |leader, group, maps, targets, arena| {
            let pixels = &input[group.first * image..(group.first + group.images) * image];
            // SAFETY: the arena has room for the group, the targets for the batch; no other group has these images.
            unsafe { self.run_group(leader, pixels, group, maps, targets, arena) };
        });
        Ok(())
    }

    /// Takes the images of one group through all steps.
    ///
    /// # Safety
    /// `arena` must have room for the group, `targets` for the batch, and no other call may write these images.
    unsafe fn run_group(
        &self,
        leader: &mut Leader<'_>,
        input: &[f32],
        group: Group,
        maps: &[Map],
        targets: &[Shared<f32>],
        arena: &mut Arena<E>,
    ) {
        let Arena { buffers, runs, scratch, steps } = arena;
        // Where there is no matrix unit.
        _ = &steps;
        let images = group.images;
        self.slots.check_room(maps, buffers, images, slack::<E>());
        let place = |slot: Slot, buffers: &mut [AlignedBuffer<E>]| -> (*mut E, Map) {
            (self.slots.memory(slot, &maps[slot], buffers), maps[slot])
        };
        // The images of the group in the first tap of a slot.
        let taps_of = |slot: Slot| {
            let map = &maps[slot];
            let mut of_slot = targets.iter().zip(&self.slots.plan.taps).filter(|(_, tap)| tap.slot == slot);
            of_slot.next().map_or(Taps::NONE, |(target, _)| {
                // SAFETY: the target has room for the batch.
                Taps::new(unsafe { target.pointer().add(group.first * map.height * map.width * map.channels) })
            })
        };
        let (image_memory, image_map) = place(0, buffers);
        // SAFETY: the arena has room for the group in the buffer of slot 0, the targets for what is tapped.
        unsafe {
            load_images(self.kernels, &image_map, &self.entries, input, images, leader, image_memory);
            self.emit(0, image_memory, &image_map, taps_of(0), images, leader);
        }
        for (step, operation) in self.slots.plan.steps.iter().zip(&self.operations) {
            let slot = step.to();
            let (from, to) = (place(step.from(), buffers), place(slot, buffers));
            let add = step.add().map(|slot| place(slot, buffers));
            let is_kept = self.is_read[slot] || matches!(operation, Operation::MaxPool);
            let operands = Operands {
                input: from.0,
                input_map: from.1,
                add: add.map_or(std::ptr::null(), |(memory, _)| memory),
                add_map: add.map(|(_, map)| map),
                output: if is_kept { to.0 } else { std::ptr::null_mut() },
                output_map: to.1,
            };
            if is_kept && !to.1.is_dense() {
                self.fill_borders(slot, &to.1, to.0, images, leader);
            }
            let taps = taps_of(slot);
            // SAFETY: the arena has room for the group in every buffer; slots that are alive together have different ones; the
            // maps were laid out for these steps, with the borders that they read.
            unsafe {
                match operation {
                    Operation::Dense(dense) => {
                        dense.execute(&operands, taps, images, leader, runs, self.second_level);
                    }
                    #[cfg(target_arch = "x86_64")]
                    Operation::Tiles(dense) => {
                        dense.execute(&operands, taps, images, leader, (scratch, steps), self.second_level);
                    }
                    Operation::Winograd(winograd) => {
                        winograd.execute(&operands, taps, images, leader, (runs, scratch), self.second_level);
                    }
                    Operation::Depthwise(depthwise) => depthwise.execute(&operands, taps, images, leader),
                    Operation::MaxPool => {
                        max_pool(self.kernels, &operands, images, leader);
                        self.emit(slot, to.0, &to.1, taps, images, leader);
                    }
                }
            }
        }
        // A slot that is tapped twice.
        for (at, tap) in self.slots.plan.taps.iter().enumerate() {
            let first = self.slots.plan.taps.iter().position(|other| other.slot == tap.slot);
            if let Some(first) = first.filter(|first| *first < at) {
                let map = &maps[tap.slot];
                let values = map.height * map.width * map.channels;
                // SAFETY: both have room for the batch, and no other group has these images.
                unsafe {
                    let (from, to) = (targets[first].pointer(), targets[at].pointer());
                    to.add(group.first * values)
                        .copy_from_nonoverlapping(from.add(group.first * values), images * values);
                }
            }
        }
    }

    /// Writes what lies beyond the edges of a slot.
    fn fill_borders(&self, slot: Slot, map: &Map, memory: *mut E, images: usize, leader: &mut Leader<'_>) {
        let out = Shared::new(memory);
        let padding = &self.formats[slot].padding;
        let blocks = map.blocks();
        leader.fan_out(images * blocks, &|_, plane| {
            let mut pixel = [E::default(); LANES];
            pixel.iter_mut().zip(&padding[plane % blocks * LANES..]).for_each(|(to, value)| *to = *value);
            // SAFETY: planes are disjoint and inside the buffer.
            unsafe { map.fill_border(out.pointer().add(plane * map.plane()), &pixel) };
        });
    }

    /// Writes the tap of a map that no convolution has made.
    ///
    /// # Safety
    /// `memory` must hold the images, the taps have room for them.
    unsafe fn emit(&self, slot: Slot, memory: *const E, map: &Map, taps: Taps, images: usize, leader: &mut Leader<'_>) {
        if taps.at(map, 0, 0, 0, 0).is_null() {
            return;
        }
        let source = Shared::new(memory.cast_mut());
        let values = &self.formats[slot].values;
        leader.fan_out(images * map.height, &|_, row| {
            let (image, y) = (row / map.height, row % map.height);
            for x in 0..map.width {
                let to = taps.at(map, image, y, x, 0);
                for (channel, (factor, offset)) in values.iter().enumerate() {
                    let (block, lane) = (channel / map.pixel, channel % map.pixel);
                    let place = image * map.image() + map.origin() + y * map.row() + block * map.plane();
                    // SAFETY: a pixel of the map, and its place in the tap, which no other task has.
                    unsafe {
                        let element = *source.pointer().add(place + x * map.pixel + lane);
                        *to.add(channel) = element.to_float() * factor + offset;
                    }
                }
            }
        });
    }
}
