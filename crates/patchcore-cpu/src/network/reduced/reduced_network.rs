//! A plan compiled for small elements, and its execution.

#![allow(clippy::indexing_slicing, reason = "a definition has a scale for every slot of the plan that it was made of")]

use super::super::workspace::Memory;
use super::super::{CpuNetworkError, FeatureMap};
use super::bf16;
use super::definition::{Definition, LARGEST};
use super::executor::{Executor, Layer, SlotFormat};
use super::finish::Constants;
use super::halves::Half;
use super::kernel_set::KernelSet;
use super::kernel_sets;
use super::load_line::Entry;
use super::matrix_unit::MatrixUnit;
use super::one_value::{dequantised, from_image};
#[cfg(target_arch = "aarch64")]
use super::shifted_bytes::Shifted;
use super::storage::Element;
use crate::Instructions;
use crate::simd::Level;
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::ActivationRanges;
use patchcore_config::backbone::plan::Plan;

/// A network of 8 bits, or of `bf16`, with its weights packed for this processor. Immutable, so threads may share it.
pub struct ReducedNetwork {
    executor: ByStorage,
}

/// What the instruction set multiplies.
enum ByStorage {
    #[cfg_attr(
        not(target_arch = "x86_64"),
        allow(dead_code, reason = "no set of another architecture multiplies them")
    )]
    Bytes(Executor<u8>),
    #[cfg(target_arch = "aarch64")]
    Shifted(Executor<Shifted>),
    Shorts(Executor<i16>),
    Halves(Executor<Half>),
}

/// Intermediate results of a [`ReducedNetwork`]; grows on first use of an image size and then stays.
///
/// One workspace serves one call at a time; it may be shared between networks and image sizes.
#[derive(Default)]
pub struct ReducedWorkspace {
    bytes: Memory<u8>,
    #[cfg(target_arch = "aarch64")]
    shifted: Memory<Shifted>,
    shorts: Memory<i16>,
    halves: Memory<Half>,
}

impl ReducedWorkspace {
    /// An empty workspace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        #[cfg(target_arch = "aarch64")]
        let shifted = self.shifted.bytes();
        #[cfg(not(target_arch = "aarch64"))]
        let shifted = 0;
        self.bytes.bytes() + shifted + self.shorts.bytes() + self.halves.bytes()
    }
}

impl ReducedNetwork {
    /// Quantises and packs the weights of `plan`; `ranges` are those of [`super::ranges_of`].
    ///
    /// # Errors
    /// [`CpuNetworkError`]: a tensor is missing or has another size, the ranges are not those of the plan, the plan contradicts itself,
    /// or it has a step without a kernel here.
    pub fn int8(
        instructions: Instructions,
        plan: &Plan,
        weights: &BackboneWeights,
        ranges: &ActivationRanges,
    ) -> Result<Self, CpuNetworkError> {
        let level = Level::with_unit_at_most(instructions);
        Self::int8_with_level(level, MatrixUnit::of(level), plan, weights, ranges)
    }

    /// Packs the weights of `plan` as `bf16`: maps are `bf16` too, sums `f32`.
    ///
    /// # Errors
    /// [`CpuNetworkError`]: a tensor is missing or has another size, the plan contradicts itself, or it has a step without a kernel here.
    pub fn bf16(instructions: Instructions, plan: &Plan, weights: &BackboneWeights) -> Result<Self, CpuNetworkError> {
        let level = Level::with_unit_at_most(instructions);
        Self::bf16_with_level(level, MatrixUnit::of(level), plan, weights)
    }

    pub(super) fn bf16_with_level(
        level: Level,
        unit: MatrixUnit,
        plan: &Plan,
        weights: &BackboneWeights,
    ) -> Result<Self, CpuNetworkError> {
        plan.check()?;
        bf16::network(level, unit, plan, weights).map(|executor| Self { executor: ByStorage::Halves(executor) })
    }

    pub(super) fn int8_with_level(
        level: Level,
        unit: MatrixUnit,
        plan: &Plan,
        weights: &BackboneWeights,
        ranges: &ActivationRanges,
    ) -> Result<Self, CpuNetworkError> {
        plan.check()?;
        // There is one on one architecture alone.
        _ = unit;
        let definition = Definition::new(plan, weights, ranges)?;
        #[cfg(target_arch = "x86_64")]
        let bytes = |kernels| integers(kernels, unit, plan, &definition).map(ByStorage::Bytes);
        let shorts = |kernels| integers(kernels, MatrixUnit::None, plan, &definition).map(ByStorage::Shorts);
        let executor = match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni(_) | Level::Amx(_) => bytes(&kernel_sets::AVX512_BYTES),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => shorts(&kernel_sets::AVX512_SHORTS),
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni(_) => bytes(&kernel_sets::AVX_VNNI_BYTES),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => shorts(&kernel_sets::AVX2_SHORTS),
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => shorts(&kernel_sets::NEON_SHORTS),
            #[cfg(target_arch = "aarch64")]
            Level::NeonDot(_) => {
                integers(&kernel_sets::NEON_DOT_BYTES, MatrixUnit::None, plan, &definition).map(ByStorage::Shifted)
            }
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Level::Simd128 => shorts(&kernel_sets::SIMD128_SHORTS),
            Level::Portable => shorts(&kernel_sets::PLAIN_SHORTS),
        }?;
        Ok(Self { executor })
    }

    /// Runs the network on the threads of the current rayon pool.
    ///
    /// `input` is the normalised image batch `[n, channels, height, width]`, row-major. `outputs` becomes one [`FeatureMap`] per tap, in
    /// the plan's order, channels last; its memory and that of `workspace` are reused. An image's features are the same bits with
    /// any number of threads, in any batch: of an 8-bit network on every processor, unless they are no numbers (which of those is left
    /// open); of a `bf16` network on processors that compute it with the same instructions. These depend on more than the set: where the
    /// processor has AVX-512 BF16 or a matrix unit that the set allows, products are rounded otherwise.
    ///
    /// # Errors
    /// [`CpuNetworkError::InputSize`] if `input` does not have `n * channels * height * width` values or a side is 0;
    /// [`CpuNetworkError::Plan`] where the plan adds maps that at this size differ in theirs.
    pub fn forward(
        &self,
        input: &[f32],
        n: usize,
        height: usize,
        width: usize,
        workspace: &mut ReducedWorkspace,
        outputs: &mut Vec<FeatureMap>,
    ) -> Result<(), CpuNetworkError> {
        self.forward_with(rayon::current_num_threads(), input, n, height, width, workspace, outputs)
    }

    #[allow(clippy::too_many_arguments, reason = "`forward` with the number of threads")]
    pub(super) fn forward_with(
        &self,
        workers: usize,
        input: &[f32],
        n: usize,
        height: usize,
        width: usize,
        workspace: &mut ReducedWorkspace,
        outputs: &mut Vec<FeatureMap>,
    ) -> Result<(), CpuNetworkError> {
        match &self.executor {
            ByStorage::Bytes(executor) => {
                executor.forward(workers, input, n, height, width, &mut workspace.bytes, outputs)
            }
            #[cfg(target_arch = "aarch64")]
            ByStorage::Shifted(executor) => {
                executor.forward(workers, input, n, height, width, &mut workspace.shifted, outputs)
            }
            ByStorage::Shorts(executor) => {
                executor.forward(workers, input, n, height, width, &mut workspace.shorts, outputs)
            }
            ByStorage::Halves(executor) => {
                executor.forward(workers, input, n, height, width, &mut workspace.halves, outputs)
            }
        }
    }

    /// Bytes of the second-level cache that the work is cut by.
    #[cfg(test)]
    pub(super) fn set_second_level(&mut self, bytes: usize) {
        match &mut self.executor {
            ByStorage::Bytes(executor) => executor.second_level = bytes,
            #[cfg(target_arch = "aarch64")]
            ByStorage::Shifted(executor) => executor.second_level = bytes,
            ByStorage::Shorts(executor) => executor.second_level = bytes,
            ByStorage::Halves(executor) => executor.second_level = bytes,
        }
    }
}

/// The network of a definition, in elements that hold its integers.
fn integers<E: Element>(
    kernels: &'static KernelSet<E>,
    unit: MatrixUnit,
    plan: &Plan,
    definition: &Definition,
) -> Result<Executor<E>, CpuNetworkError>
where
    E::Weight: From<i8>,
{
    let layers = plan.convolutions().zip(&definition.convolutions).map(|(conv, numbers)| {
        let weights = numbers.weights.iter().map(|weight| E::Weight::from(*weight)).collect();
        let mut constants = Constants::of(numbers, &definition.scales[conv.to]);
        // What elements have less than the numbers of the map, the sums have less too.
        let filters = numbers.weights.chunks_exact(conv.in_channels / conv.groups * conv.kernel * conv.kernel);
        let starts = constants.iter_mut().flat_map(|constants| &mut constants.start);
        for (start, filter) in starts.zip(filters) {
            *start += E::LESS * filter.iter().map(|weight| i32::from(*weight)).sum::<i32>();
        }
        Layer { weights, constants }
    });
    let formats = definition.scales.iter().map(|scale| SlotFormat {
        padding: scale.padding.iter().map(|padding| E::from_float(f32::from(*padding))).collect(),
        values: (0..scale.scale.len()).map(|channel| dequantised(scale, channel)).collect(),
    });
    let formats: Vec<SlotFormat<E>> = formats.collect();
    let image = definition.scales.first().into_iter().flat_map(|scale| {
        let entry = |(channel, padding): (usize, &u8)| {
            let (factor, offset) = from_image(scale, channel);
            let padding = E::from_float(f32::from(*padding));
            Entry { factor, offset, least: 0.0, largest: LARGEST as f32, padding }
        };
        scale.padding.iter().enumerate().map(entry)
    });
    Executor::new(kernels, unit, plan, layers.collect(), image.collect(), formats)
}
