//! A plan compiled for the CPU, and its execution.

#![allow(
    clippy::indexing_slicing,
    reason = "slots and buffers are numbered by the plan, which is checked when a network is made of it"
)]

use super::CpuNetworkError;
use super::average_pool::average_pool;
use super::bands::Bands;
use super::concat::concat;
use super::dense::Dense;
use super::depthwise::Depthwise;
use super::feature_map::{FeatureMap, MapLayout, copy_out};
use super::grey_stem::{GREY_PLANES, fold_weights};
use super::grouped::Grouped;
use super::map::Map;
use super::max_pool::max_pool;
use super::prologue::Prologue;
use super::slots::Slots;
use super::step::{Geometry, Operands};
use super::tensors::conv_tensors;
use super::widen::widen;
use super::winograd::{GroupedWinograd, Winograd};
use super::workspace::{Arena, Group, Memory, Workspace};
use crate::Instructions;
use crate::caches::second_level_bytes;
use crate::simd::{AlignedBuffer, Level};
use crate::team::{Leader, Shared, Team};
use patchcore_config::backbone::plan::{ConvStep, Plan, Slot, Step};
use patchcore_config::backbone::{ActivationRanges, ChannelRanges};
use patchcore_config::{BackboneWeights, Normalization};

/// A network with its weights packed for this processor. Immutable, so threads may share it.
pub struct CpuNetwork {
    level: Level,
    /// Bytes of a thread's second-level cache: the kernels cut their work by it.
    pub(super) second_level: usize,
    slots: Slots,
    /// The kernel that carries out each step of the plan.
    operations: Vec<Operation>,
    /// The first convolution for grey images, see [`super::grey_stem`].
    grey_stem: Option<Dense>,
}

enum Operation {
    Dense(Dense),
    Winograd(Winograd),
    Depthwise(Depthwise),
    Grouped(Grouped),
    GroupedWinograd(GroupedWinograd),
    MaxPool,
    AveragePool(Prologue),
    /// A concatenation by copies.
    Concat,
    /// A concatenation whose maps already lie where they belong.
    Joined,
}

impl CpuNetwork {
    /// Packs the weights of `plan` for this processor's vectors, up to `instructions`.
    ///
    /// # Errors
    /// [`CpuNetworkError`]: a tensor is missing or has another size, the plan contradicts itself, or it has a step without a
    /// kernel here (strides above 2).
    pub fn new(instructions: Instructions, plan: &Plan, weights: &BackboneWeights) -> Result<Self, CpuNetworkError> {
        Self::with_level(Level::at_most(instructions), plan, weights)
    }

    pub(super) fn with_level(level: Level, plan: &Plan, weights: &BackboneWeights) -> Result<Self, CpuNetworkError> {
        plan.check()?;
        let slots = Slots::new(plan);
        let compile = |step: &Step| match step {
            Step::Conv(conv) => {
                let planar = slots.planar && conv.from == 0;
                Self::compile(level, conv, planar, Prologue::of(step, weights)?, weights)
            }
            Step::MaxPool { .. } => Ok(Operation::MaxPool),
            Step::Concat { .. } => Ok(if slots.is_joined(step) { Operation::Joined } else { Operation::Concat }),
            Step::AveragePool { .. } => match Prologue::of(step, weights)? {
                Some(prologue) => Ok(Operation::AveragePool(prologue)),
                None => Err(CpuNetworkError::Unsupported { step: step.name().to_owned() }),
            },
        };
        let operations = plan.steps.iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { level, second_level: second_level_bytes(), slots, operations, grey_stem: None })
    }

    /// [`CpuNetwork::new`], for images normalised with these statistics: grey ones may come as [grey
    /// planes](super::grey_stem), if one convolution alone reads the image.
    ///
    /// # Errors
    /// As [`CpuNetwork::new`].
    pub fn for_photos(
        instructions: Instructions,
        plan: &Plan,
        weights: &BackboneWeights,
        normalization: &Normalization,
    ) -> Result<Self, CpuNetworkError> {
        Self::new(instructions, plan, weights)?.with_grey_stem(plan, weights, normalization)
    }

    /// `plan` and `weights` are those that the network was made of.
    pub(super) fn with_grey_stem(
        mut self,
        plan: &Plan,
        weights: &BackboneWeights,
        normalization: &Normalization,
    ) -> Result<Self, CpuNetworkError> {
        let mut readers = plan.convolutions().filter(|conv| conv.from == 0);
        if let (true, 3, Some(conv), None) = (self.slots.planar, self.slots.channels, readers.next(), readers.next()) {
            let (weight, bias) = conv_tensors(conv, weights)?;
            let weight = fold_weights(normalization, conv, weight);
            let geometry = Geometry { in_channels: GREY_PLANES, ..Geometry::new(conv) };
            self.grey_stem = Some(Dense::with_plane_of_ones(self.level, geometry, &weight, bias));
        }
        Ok(self)
    }

    /// Bytes that [`CpuNetwork::forward`] takes for one image of a plan, at most: the image, the maps that are alive together, with their
    /// borders and whole blocks of channels, and what it returns. The kernels' own buffers, which do not grow with the image, come on
    /// top.
    ///
    /// # Errors
    /// As [`Plan::visit`].
    pub fn forward_bytes(plan: &Plan, height: usize, width: usize) -> Result<u64, CpuNetworkError> {
        let slots = Slots::new(plan);
        let floats = slots.values_in_and_out(height, width)? + slots.elements(height, width)?;
        Ok((floats * size_of::<f32>()) as u64)
    }

    /// Whether [`CpuNetwork::forward`] takes grey planes.
    pub fn reads_grey(&self) -> bool {
        self.grey_stem.is_some()
    }

    fn compile(
        level: Level,
        conv: &ConvStep,
        planar: bool,
        prologue: Option<Prologue>,
        weights: &BackboneWeights,
    ) -> Result<Operation, CpuNetworkError> {
        let groups = conv.groups;
        let depthwise = groups > 1 && groups == conv.in_channels && groups == conv.out_channels;
        if !(1..=2).contains(&conv.stride) || conv.kernel == 0 || (planar && prologue.is_some()) {
            return Err(CpuNetworkError::Unsupported { step: conv.name.clone() });
        }
        let (weight, bias) = conv_tensors(conv, weights)?;
        let geometry = Geometry::new(conv);
        Ok(if depthwise {
            Operation::Depthwise(Depthwise::new(level, geometry, weight, bias))
        } else if groups > 1 && GroupedWinograd::fits(&geometry, groups) {
            Operation::GroupedWinograd(GroupedWinograd::new(level, geometry, groups, weight, bias))
        } else if groups > 1 {
            Operation::Grouped(Grouped::new(level, geometry, groups, weight, bias))
        } else if !planar && Winograd::fits(&geometry) {
            Operation::Winograd(Winograd::new(level, geometry, weight, bias))
        } else {
            let dense = Dense::new(level, geometry, planar, weight, bias);
            Operation::Dense(match prologue {
                Some(prologue) => dense.with_prologue(prologue),
                None => dense,
            })
        })
    }

    /// Runs the network on the threads of the current rayon pool.
    ///
    /// `input` is the normalised image batch `[n, channels, height, width]`, row-major (3 channels in all plans of
    /// this project), or of [grey planes](super::grey_stem) `[n, 2, height, width]`. `outputs` becomes one [`FeatureMap`] per tap, in the
    /// plan's order; its memory and that of `workspace` are reused, so a call with the sizes of the call before does not allocate. An image's features
    /// depend neither on the number of threads nor on its neighbours in the batch, bit for bit.
    ///
    /// # Errors
    /// [`CpuNetworkError::InputSize`] if `input` does not have `n * channels * height * width` values or a side is 0;
    /// [`CpuNetworkError::Plan`] where the plan adds maps that at this size differ in theirs.
    #[allow(clippy::too_many_arguments, reason = "the axes of the input are three of them")]
    pub fn forward(
        &self,
        input: &[f32],
        n: usize,
        height: usize,
        width: usize,
        layout: MapLayout,
        workspace: &mut Workspace,
        outputs: &mut Vec<FeatureMap>,
    ) -> Result<(), CpuNetworkError> {
        self.forward_with(rayon::current_num_threads(), input, n, height, width, layout, workspace, outputs)
    }

    #[allow(clippy::too_many_arguments, reason = "`forward` with the number of threads")]
    pub(super) fn forward_with(
        &self,
        workers: usize,
        input: &[f32],
        n: usize,
        height: usize,
        width: usize,
        layout: MapLayout,
        workspace: &mut Workspace,
        outputs: &mut Vec<FeatureMap>,
    ) -> Result<(), CpuNetworkError> {
        let is_grey = self.reads_grey() && input.len() == n * GREY_PLANES * height * width;
        let channels = if is_grey { GREY_PLANES } else { self.slots.channels };
        let image = channels * height * width;
        if input.len() != n * image || image == 0 {
            return Err(CpuNetworkError::InputSize {
                found: input.len(),
                n,
                channels: self.slots.channels,
                height,
                width,
            });
        }
        let memory = &mut workspace.memory;
        self.lay_out(channels, height, width, memory)?;
        outputs.resize_with(self.slots.plan.taps.len(), FeatureMap::default);
        memory.targets.clear();
        for (output, tap) in outputs.iter_mut().zip(&self.slots.plan.taps) {
            output.shape(&memory.maps[tap.slot], n, layout);
            memory.targets.push(Shared::new(output.data.as_mut_ptr()));
        }
        memory.spread(workers, n, |leader, group, maps, targets, arena| {
            let pixels = &input[group.first * image..(group.first + group.images) * image];
            let emit = |leader: &mut Leader<'_>, slot: Slot, memory: *const f32, map: &Map| {
                // SAFETY: the slot holds the images of the group, whose places in the targets no other group has.
                unsafe { self.emit(leader, slot, memory, map, group, layout, targets) };
            };
            // SAFETY: the arena has room for the group.
            unsafe { self.run_group(leader, pixels, maps, arena, emit) };
        });
        Ok(())
    }

    /// Finds the layout of every slot for this image size.
    fn lay_out(
        &self,
        channels: usize,
        height: usize,
        width: usize,
        memory: &mut Memory<f32>,
    ) -> Result<(), CpuNetworkError> {
        // The other kernels look at the edges themselves.
        let reads_border = |step: usize| {
            matches!(self.operations[step], Operation::Dense(_) | Operation::Depthwise(_) | Operation::Grouped(_))
        };
        self.slots.lay_out(channels, height, width, reads_border, memory)
    }

    /// Widens `ranges` so that they hold the values that the maps of the network have for these images. `input` is a batch of colour
    /// images as [`CpuNetwork::forward`] takes it.
    ///
    /// # Errors
    /// As [`CpuNetwork::forward`]; [`CpuNetworkError::Ranges`] where `ranges` are those of another network.
    pub fn observe(
        &self,
        input: &[f32],
        n: usize,
        height: usize,
        width: usize,
        workspace: &mut Workspace,
        ranges: &mut ActivationRanges,
    ) -> Result<(), CpuNetworkError> {
        let channels = self.slots.channels;
        let image = channels * height * width;
        if input.len() != n * image || image == 0 {
            return Err(CpuNetworkError::InputSize { found: input.len(), n, channels, height, width });
        }
        ranges.check_channels(&self.slots.plan)?;
        let memory = &mut workspace.memory;
        self.lay_out(channels, height, width, memory)?;
        let (maps, arena) = memory.first_arena(1);
        Team::gather(rayon::current_num_threads(), |leader| {
            for pixels in input.chunks_exact(image) {
                let widen = |leader: &mut Leader<'_>, slot: Slot, memory: *const f32, map: &Map| {
                    let ChannelRanges { low, high } = &mut ranges.slots[slot];
                    // SAFETY: the slot holds one image, and the ranges are as long as it has channels.
                    unsafe { widen(map, memory, leader, low, high) };
                };
                // SAFETY: the arena has room for one image.
                unsafe { self.run_group(leader, pixels, maps, arena, widen) };
            }
        });
        Ok(())
    }

    /// Copies a slot of a group to where it is tapped.
    ///
    /// # Safety
    /// `memory` must hold the images of the group in the layout of `map`, `targets` have room for the batch; no other call may write these
    /// images.
    #[allow(clippy::too_many_arguments, reason = "the state of one call, shared by its tasks")]
    unsafe fn emit(
        &self,
        leader: &mut Leader<'_>,
        slot: Slot,
        memory: *const f32,
        map: &Map,
        group: Group,
        layout: MapLayout,
        targets: &[Shared<f32>],
    ) {
        for (target, tap) in targets.iter().zip(&self.slots.plan.taps) {
            if tap.slot == slot {
                let offset = group.first * map.channels * map.height * map.width;
                // SAFETY: the slot holds the group's images; the target has room for the batch.
                unsafe { copy_out(map, memory, group.images, leader, layout, target.pointer().add(offset)) };
            }
        }
    }

    /// Takes the images of one group through all steps. `emit` is called with every slot as soon as it is whole.
    ///
    /// # Safety
    /// `arena` must have room for the group.
    unsafe fn run_group(
        &self,
        leader: &mut Leader<'_>,
        input: &[f32],
        maps: &[Map],
        arena: &mut Arena<f32>,
        mut emit: impl FnMut(&mut Leader<'_>, Slot, *const f32, &Map),
    ) {
        let Arena { buffers, scratch, runs, .. } = arena;
        let place = |slot: Slot, buffers: &mut [AlignedBuffer<f32>]| -> (*mut f32, Map) {
            (self.slots.memory(slot, &maps[slot], buffers), maps[slot])
        };
        let (image_memory, image_map) = place(0, buffers);
        let is_grey = image_map.channels != self.slots.channels;
        let images = input.len() / (image_map.channels * image_map.height * image_map.width);
        self.slots.check_room(maps, buffers, images, 0);
        // SAFETY: the arena has room for the group in the buffer of slot 0.
        unsafe { load_images(&image_map, input, images, leader, image_memory) };
        emit(leader, 0, image_memory, &image_map);
        for (step, operation) in self.slots.plan.steps.iter().zip(&self.operations) {
            let (from, to) = (place(step.from(), buffers), place(step.to(), buffers));
            let add = step.add().map(|slot| place(slot, buffers));
            let operands = Operands {
                input: from.0,
                input_map: from.1,
                add: add.map_or(std::ptr::null(), |(memory, _)| memory),
                add_map: add.map(|(_, map)| map),
                output: to.0,
                output_map: to.1,
            };
            // What is joined has its border from the steps that wrote it.
            if !to.1.is_dense() && !matches!(operation, Operation::Joined) {
                let (out, blocks) = (Shared::new(to.0), to.1.blocks());
                leader.fan_out(images * blocks, &|_, plane| {
                    let place = plane / blocks * to.1.image() + plane % blocks * to.1.plane();
                    // SAFETY: planes are disjoint and inside the buffer.
                    unsafe { to.1.clear_border(out.pointer().add(place)) };
                });
            }
            // SAFETY: the arena has room for the group in every buffer; slots that are alive together have different ones; the
            // maps were laid out for these steps, with the borders that they read.
            unsafe {
                match operation {
                    Operation::Dense(dense) => {
                        let grey = self.grey_stem.as_ref().filter(|_| is_grey && step.from() == 0);
                        grey.unwrap_or(dense).execute(&operands, images, leader, runs, scratch, self.second_level);
                    }
                    Operation::Grouped(grouped) => grouped.execute(&operands, images, leader, runs, self.second_level),
                    Operation::GroupedWinograd(winograd) => {
                        winograd.execute(&operands, images, leader, runs, scratch, self.second_level)
                    }
                    Operation::AveragePool(prologue) => average_pool(self.level, prologue, &operands, images, leader),
                    Operation::Concat => {
                        let (behind, behind_map) = step.with().map_or(from, |slot| place(slot, buffers));
                        let (first, behind) = ((from.0.cast_const(), &from.1), (behind.cast_const(), &behind_map));
                        concat(first, behind, (to.0, &to.1), images, leader);
                    }
                    Operation::Joined => {}
                    Operation::Winograd(winograd) => {
                        winograd.execute(&operands, images, leader, runs, scratch, self.second_level)
                    }
                    Operation::Depthwise(depthwise) => depthwise.execute(&operands, images, leader),
                    Operation::MaxPool => max_pool(self.level, &operands, images, leader),
                }
            }
            emit(leader, step.to(), to.0, &to.1);
        }
    }
}

/// Copies `[images, channels, height, width]` into the executor's layout.
///
/// # Safety
/// `to` must have room for `images` images of `map`.
unsafe fn load_images(map: &Map, input: &[f32], images: usize, leader: &mut Leader<'_>, to: *mut f32) {
    let out = Shared::new(to);
    let (blocks, area) = (map.blocks(), map.height * map.width);
    leader.fan_out(images * blocks, &|_, plane| {
        // SAFETY: each task writes a plane of its own, which lies inside the buffer.
        unsafe {
            let memory = out.pointer().add(plane * map.plane());
            if (plane % blocks + 1) * map.pixel > map.channels {
                memory.write_bytes(0, map.plane());
            } else {
                map.clear_border(memory);
            }
        }
    });
    let bands = Bands::new(blocks, map.height, leader.workers());
    leader.fan_out(bands.tasks(images), &|_, task| {
        let (image, block, band) = bands.task(task);
        let lanes = map.pixel.min(map.channels - block * map.pixel);
        // SAFETY: the plane lies inside the buffer; each task writes rows of its own.
        let plane = unsafe { out.pointer().add(image * map.image() + block * map.plane()) };
        for lane in 0..lanes {
            let channel = image * map.channels + block * map.pixel + lane;
            for y in band.clone() {
                let start = channel * area + y * map.width;
                let from = &input[start..start + map.width];
                // SAFETY: row `y` of the plane.
                unsafe {
                    let row = plane.add(map.origin() + y * map.row() + lane);
                    if map.pixel == 1 {
                        row.copy_from_nonoverlapping(from.as_ptr(), map.width);
                    } else {
                        from.iter().enumerate().for_each(|(x, value)| *row.add(x * map.pixel) = *value);
                    }
                }
            }
        }
    });
}
