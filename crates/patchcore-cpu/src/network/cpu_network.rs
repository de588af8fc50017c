//! A plan compiled for the CPU, and its execution.

#![allow(
    clippy::indexing_slicing,
    reason = "slots and buffers are numbered by the plan, which is checked when a network is made of it"
)]

use super::CpuNetworkError;
use super::bands::Bands;
use super::dense::Dense;
use super::depthwise::Depthwise;
use super::feature_map::{FeatureMap, MapLayout, copy_out};
use super::grey_stem::{GREY_PLANES, fold_weights};
use super::map::Map;
use super::max_pool::max_pool;
use super::step::{Geometry, Operands};
use super::tensors::conv_tensors;
use super::widen::widen;
use super::winograd::Winograd;
use super::workspace::{Arena, Workspace};
use crate::Instructions;
use crate::caches::second_level_bytes;
use crate::simd::{AlignedBuffer, LANES, Level};
use crate::team::{Leader, Shared, Team};
use patchcore_config::backbone::plan::{ConvStep, MapShape, Plan, Slot, Step};
use patchcore_config::backbone::{ActivationRanges, ChannelRanges};
use patchcore_config::{BackboneWeights, Normalization};

/// A network with its weights packed for this processor. Immutable, so threads may share it.
pub struct CpuNetwork {
    level: Level,
    /// Bytes of a thread's second-level cache: the kernels cut their work by it.
    pub(super) second_level: usize,
    plan: Plan,
    /// The kernel that carries out each step of the plan.
    operations: Vec<Operation>,
    /// Channels of the image.
    channels: usize,
    /// The image is stored one plane a channel.
    planar: bool,
    /// The first convolution for grey images, see [`super::grey_stem`].
    grey_stem: Option<Dense>,
    /// Buffer of every slot; slots that are never alive together share one.
    buffer_of: Vec<usize>,
    buffers: usize,
}

enum Operation {
    Dense(Dense),
    Winograd(Winograd),
    Depthwise(Depthwise),
    MaxPool,
}

impl CpuNetwork {
    /// Packs the weights of `plan` for this processor's vectors, up to `instructions`.
    ///
    /// # Errors
    /// [`CpuNetworkError`]: a tensor is missing or has another size, the plan contradicts itself, or it has a step without a
    /// kernel here (strides above 2, groups that are neither 1 nor depthwise).
    pub fn new(instructions: Instructions, plan: &Plan, weights: &BackboneWeights) -> Result<Self, CpuNetworkError> {
        Self::with_level(Level::at_most(instructions), plan, weights)
    }

    pub(super) fn with_level(level: Level, plan: &Plan, weights: &BackboneWeights) -> Result<Self, CpuNetworkError> {
        plan.check()?;
        let planar = has_planar_image(plan);
        let compile = |step: &Step| match step {
            Step::Conv(conv) => Self::compile(level, conv, planar && conv.from == 0, weights),
            Step::MaxPool { .. } => Ok(Operation::MaxPool),
        };
        let operations = plan.steps.iter().map(compile).collect::<Result<_, _>>()?;
        let (buffer_of, buffers) = assign_buffers(plan);
        let (plan, channels) = (plan.clone(), plan.image_channels());
        let second_level = second_level_bytes();
        Ok(Self { level, second_level, plan, operations, channels, planar, grey_stem: None, buffer_of, buffers })
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
        if let (true, 3, Some(conv), None) = (self.planar, self.channels, readers.next(), readers.next()) {
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
        let mut shapes = Vec::new();
        let image = MapShape { channels: plan.image_channels(), height, width };
        plan.visit(image, &mut shapes, |_| ())?;
        let mut borders = vec![0; shapes.len()];
        for step in &plan.steps {
            if let Some(border) = borders.get_mut(step.from()) {
                *border = step.window().kernel.max(*border);
            }
        }
        let (buffer_of, buffers) = assign_buffers(plan);
        let mut sizes = vec![0_usize; buffers];
        for (slot, ((shape, border), buffer)) in shapes.iter().zip(&borders).zip(&buffer_of).enumerate() {
            let kind = if slot == 0 && has_planar_image(plan) { Map::planar } else { Map::blocked };
            let map = kind(shape.channels, shape.height, shape.width, (*border, 0));
            if let Some(size) = sizes.get_mut(*buffer) {
                *size = map.image().max(*size);
            }
        }
        let values = |shape: &MapShape| shape.values() as usize;
        let outputs = plan.taps.iter().filter_map(|tap| shapes.get(tap.slot)).map(values);
        let floats = values(&image) + sizes.iter().sum::<usize>() + outputs.sum::<usize>();
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
        weights: &BackboneWeights,
    ) -> Result<Operation, CpuNetworkError> {
        let depthwise = conv.groups > 1;
        if !(1..=2).contains(&conv.stride)
            || conv.kernel == 0
            || (depthwise && (conv.groups != conv.in_channels || conv.out_channels != conv.in_channels))
        {
            return Err(CpuNetworkError::Unsupported { step: conv.name.clone() });
        }
        let (weight, bias) = conv_tensors(conv, weights)?;
        let geometry = Geometry::new(conv);
        Ok(if depthwise {
            Operation::Depthwise(Depthwise::new(level, geometry, weight, bias))
        } else if !planar && Winograd::fits(&geometry) {
            Operation::Winograd(Winograd::new(level, geometry, weight, bias))
        } else {
            Operation::Dense(Dense::new(level, geometry, planar, weight, bias))
        })
    }

    /// Runs the network on the threads of the current rayon pool.
    ///
    /// `input` is the normalised image batch `[n, channels, height, width]`, row-major (3 channels in all plans of
    /// this project), or of [grey planes](super::grey_stem) `[n, 2, height, width]`. `outputs` becomes one [`FeatureMap`] per tap, in the plan's order; its memory and that of
    /// `workspace` are reused, so a call with the sizes of the call before does not allocate. An image's features
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
        let channels = if is_grey { GREY_PLANES } else { self.channels };
        let image = channels * height * width;
        if input.len() != n * image || image == 0 {
            return Err(CpuNetworkError::InputSize { found: input.len(), n, channels: self.channels, height, width });
        }
        self.lay_out(channels, height, width, workspace)?;
        outputs.resize_with(self.plan.taps.len(), FeatureMap::default);
        workspace.targets.clear();
        for (output, tap) in outputs.iter_mut().zip(&self.plan.taps) {
            output.shape(&workspace.maps[tap.slot], n, layout);
            workspace.targets.push(Shared::new(output.data.as_mut_ptr()));
        }
        if n == 0 {
            return Ok(());
        }
        // As many images as possible go one to a worker, which needs no waiting for each other; the rest share all
        // workers. One image at a time: its maps stay in the cache, which is worth more than sharing weights.
        let (alone, rest) = if workers == 1 { (n, 0) } else { (n - n % workers, n % workers) };
        let Workspace { maps, sizes, targets, arenas, .. } = workspace;
        arenas.resize_with(arenas.len().max(workers.min(n)), Arena::default);
        for (index, arena) in arenas.iter_mut().enumerate() {
            // The rest share the first; before that it too has an image of its own.
            arena.reserve(sizes, if index == 0 { rest.max(1) } else { 1 });
        }
        let pool = Shared::new(arenas.as_mut_ptr());
        let (maps, targets): (&[Map], &[Shared<f32>]) = (maps, targets);
        Team::gather(workers, |leader| {
            leader.fan_out(alone, &|worker, index| {
                let pixels = &input[index * image..(index + 1) * image];
                // SAFETY: each worker has a number of its own, below the number of arenas.
                let arena = unsafe { &mut *pool.pointer().add(worker) };
                let emit = |leader: &mut Leader<'_>, slot: Slot, memory: *const f32, map: &Map| {
                    // SAFETY: the slot holds this image, whose place in the targets no other task has.
                    unsafe { self.emit(leader, slot, memory, map, (index, 1), layout, targets) };
                };
                // SAFETY: the arena has room for one image; no other task has this image.
                Team::alone(|leader| unsafe { self.run_group(leader, pixels, maps, arena, emit) });
            });
            if rest > 0 {
                let pixels = &input[alone * image..];
                let emit = |leader: &mut Leader<'_>, slot: Slot, memory: *const f32, map: &Map| {
                    // SAFETY: the slot holds the rest of the images, whose places nobody else has.
                    unsafe { self.emit(leader, slot, memory, map, (alone, rest), layout, targets) };
                };
                // SAFETY: nobody else uses the arenas now, and the first has room for the rest.
                unsafe { self.run_group(leader, pixels, maps, &mut *pool.pointer(), emit) };
            }
        });
        Ok(())
    }

    /// Widens `ranges` so that they hold the values that the maps of the network have for these images. `input` is a batch of colour images as [`CpuNetwork::forward`] takes it.
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
        let image = self.channels * height * width;
        if input.len() != n * image || image == 0 {
            return Err(CpuNetworkError::InputSize { found: input.len(), n, channels: self.channels, height, width });
        }
        self.lay_out(self.channels, height, width, workspace)?;
        let Workspace { maps, sizes, arenas, .. } = workspace;
        ranges.check_channels(&self.plan)?;
        arenas.resize_with(arenas.len().max(1), Arena::default);
        let (maps, arena): (&[Map], _) = (maps, &mut arenas[0]);
        arena.reserve(sizes, 1);
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

    /// Finds the layout of every slot for this image size.
    fn lay_out(
        &self,
        channels: usize,
        height: usize,
        width: usize,
        workspace: &mut Workspace,
    ) -> Result<(), CpuNetworkError> {
        let Workspace { shapes, maps, sizes, .. } = workspace;
        self.plan.visit(MapShape { channels: self.channels, height, width }, shapes, |_| ())?;
        maps.clear();
        maps.extend(shapes.iter().map(|shape| Map::blocked(shape.channels, shape.height, shape.width, (0, 0))));
        let kind = if self.planar { Map::planar } else { Map::blocked };
        maps[0] = kind(channels, height, width, (0, 0));
        for (step, operation) in self.plan.steps.iter().zip(&self.operations) {
            // The other kernels look at the edges themselves.
            if matches!(operation, Operation::Dense(_) | Operation::Depthwise(_)) {
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
        sizes.clear();
        sizes.resize(self.buffers, 0);
        for (map, buffer) in maps.iter().zip(&self.buffer_of) {
            let size = &mut sizes[*buffer];
            *size = (*size).max(map.image());
        }
        Ok(())
    }

    /// Copies a slot of `images` images, of which the first has the number `first` in the batch, to where it is tapped.
    ///
    /// # Safety
    /// `memory` must hold the images in the layout of `map`, `targets` have room for the batch; no other call may write these images.
    #[allow(clippy::too_many_arguments, reason = "the state of one call, shared by its tasks")]
    unsafe fn emit(
        &self,
        leader: &mut Leader<'_>,
        slot: Slot,
        memory: *const f32,
        map: &Map,
        (first, images): (usize, usize),
        layout: MapLayout,
        targets: &[Shared<f32>],
    ) {
        for (target, tap) in targets.iter().zip(&self.plan.taps) {
            if tap.slot == slot {
                let offset = first * map.channels * map.height * map.width;
                // SAFETY: the slot holds `images` images; the target has room for the batch.
                unsafe { copy_out(map, memory, images, leader, layout, target.pointer().add(offset)) };
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
        arena: &mut Arena,
        mut emit: impl FnMut(&mut Leader<'_>, Slot, *const f32, &Map),
    ) {
        let Arena { buffers, scratch, runs } = arena;
        let place = |slot: Slot, buffers: &mut [AlignedBuffer<f32>]| -> (*mut f32, Map) {
            (buffers[self.buffer_of[slot]].as_mut_ptr(), maps[slot])
        };
        let (image_memory, image_map) = place(0, buffers);
        let is_grey = image_map.channels != self.channels;
        let images = input.len() / (image_map.channels * image_map.height * image_map.width);
        assert!(
            maps.iter().zip(&self.buffer_of).all(|(map, buffer)| buffers[*buffer].len() >= images * map.image()),
            "the arena has room for the {images} images of the group"
        );
        // SAFETY: the arena has room for the group in the buffer of slot 0.
        unsafe { load_images(&image_map, input, images, leader, image_memory) };
        emit(leader, 0, image_memory, &image_map);
        for (step, operation) in self.plan.steps.iter().zip(&self.operations) {
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
            if !to.1.is_dense() {
                let out = Shared::new(to.0);
                leader.fan_out(images * to.1.blocks(), &|_, plane| {
                    // SAFETY: planes are disjoint and inside the buffer.
                    unsafe { to.1.clear_border(out.pointer().add(plane * to.1.plane())) };
                });
            }
            // SAFETY: the arena has room for the group in every buffer; slots that are alive together have different ones; the
            // maps were laid out for these steps, with the borders that they read.
            unsafe {
                match operation {
                    Operation::Dense(dense) => {
                        let grey = self.grey_stem.as_ref().filter(|_| is_grey && step.from() == 0);
                        grey.unwrap_or(dense).execute(&operands, images, leader, runs, self.second_level);
                    }
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

/// Gives every slot a buffer such that slots alive at the same time have different ones.
fn assign_buffers(plan: &Plan) -> (Vec<usize>, usize) {
    let last_use = |slot: Slot| {
        let uses = |step: &Step| step.to() == slot || step.reads().any(|read| read == slot);
        // A slot that no step uses is the image of a plan that only returns it: it has a buffer to itself.
        plan.steps.iter().rposition(uses).unwrap_or(0)
    };
    let mut buffer_of = vec![0; plan.slots];
    // The image takes buffer 0; `free_after[b]` is the last step that reads what buffer `b` holds.
    let mut free_after = vec![last_use(0)];
    for (index, step) in plan.steps.iter().enumerate() {
        // A step's own inputs are alive while it runs: strictly before.
        let free = free_after.iter().position(|last| *last < index);
        let buffer = free.unwrap_or(free_after.len());
        match free_after.get_mut(buffer) {
            Some(last) => *last = last_use(step.to()),
            None => free_after.push(last_use(step.to())),
        }
        buffer_of[step.to()] = buffer;
    }
    (buffer_of, free_after.len())
}
