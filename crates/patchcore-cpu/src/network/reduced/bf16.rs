//! A network whose maps and weights are `bf16`: two bytes a number, sums in `f32`.
//!
//! Every map and every weight is the `bf16` next to it (halves to even); the sum of a convolution begins with its bias and is an `f32`,
//! which the residual is added to and the activation holds between its bounds. A tap is that `f32`, a map what it is rounded to.
//!
//! Image and maps hold numbers only: what is larger is the largest `bf16`, and so is what is no number, or the activation's upper bound.
//! Kernels may then multiply what lies beyond a window by zero: of infinity that were no number.
//!
//! Sets add up in different orders and with different roundings in between, so results agree within a tolerance, not to the bit.

use super::super::CpuNetworkError;
use super::super::step::Geometry;
use super::super::tensors::conv_tensors;
use super::executor::{Executor, Layer, SlotFormat};
use super::finish::Constants;
use super::halves::Half;
use super::kernel_set::KernelSet;
use super::kernel_sets;
use super::load_line::Entry;
use super::matrix_unit::MatrixUnit;
use super::storage::Element;
#[cfg(target_arch = "x86_64")]
use crate::simd::Avx512Bf16;
use crate::simd::{AlignedBuffer, LANES, LARGEST_HALF, Level};
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::Plan;

/// The network of a plan that was checked.
///
/// # Errors
/// [`CpuNetworkError`]: a tensor is missing or has another size, or a step has no kernel here.
pub(super) fn network(
    level: Level,
    unit: MatrixUnit,
    plan: &Plan,
    weights: &BackboneWeights,
) -> Result<Executor<Half>, CpuNetworkError> {
    let layer = |conv| {
        let (weight, bias) = conv_tensors(conv, weights)?;
        let Geometry { floor, ceiling, .. } = Geometry::new(conv);
        let weights = weight.iter().map(|value| Half::from_float(*value)).collect();
        Ok(Layer { weights, constants: constants(bias, floor, ceiling) })
    };
    let layers = plan.convolutions().map(layer).collect::<Result<_, CpuNetworkError>>()?;
    let mut channels = vec![plan.image_channels(); plan.slots];
    for step in &plan.steps {
        let of_input = channels.get(step.from()).copied().unwrap_or_default();
        if let Some(channels) = channels.get_mut(step.to()) {
            *channels = step.conv().map_or(of_input, |conv| conv.out_channels);
        }
    }
    let format = |channels| SlotFormat { padding: vec![Half::default(); channels], values: vec![(1.0, 0.0); channels] };
    let formats = channels.into_iter().map(format).collect();
    let (least, largest) = (-LARGEST_HALF, LARGEST_HALF);
    let entry = Entry { factor: 1.0, offset: 0.0, least, largest, padding: Half::default() };
    Executor::new(kernels(level), unit, plan, layers, vec![entry; plan.image_channels()], formats)
}

/// The numbers of a convolution for sums that are values already. Lanes beyond the last channel come out as 0.
fn constants(bias: &[f32], floor: f32, ceiling: f32) -> AlignedBuffer<Constants> {
    let mut all = AlignedBuffer::<Constants>::zeroed(bias.len().div_ceil(LANES));
    for (constants, bias) in all.iter_mut().zip(bias.chunks(LANES)) {
        let ones = || bias.iter().map(|_| 1.0);
        constants.start.iter_mut().zip(bias).for_each(|(to, bias)| *to = bias.to_bits().cast_signed());
        constants.factor.iter_mut().zip(ones()).for_each(|(to, one)| *to = one);
        constants.residual.iter_mut().zip(ones()).for_each(|(to, one)| *to = one);
        constants.tap_factor.iter_mut().zip(ones()).for_each(|(to, one)| *to = one);
        constants.least.iter_mut().zip(bias).for_each(|(to, _)| *to = floor.max(-LARGEST_HALF));
        constants.largest.iter_mut().zip(bias).for_each(|(to, _)| *to = ceiling.min(LARGEST_HALF));
    }
    all
}

/// The kernels of a level.
fn kernels(level: Level) -> &'static KernelSet<Half> {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni(_) | Level::Amx(_) if Avx512Bf16::detect().is_some() => &kernel_sets::AVX512_BF16,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(_) | Level::Avx512Vnni(_) | Level::Amx(_) => &kernel_sets::AVX512_HALVES,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(_) | Level::AvxVnni(_) => &kernel_sets::AVX2_HALVES,
        #[cfg(target_arch = "aarch64")]
        Level::Neon(_) | Level::NeonDot(_) => &kernel_sets::NEON_HALVES,
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Level::Simd128 => &kernel_sets::SIMD128_HALVES,
        Level::Portable => &kernel_sets::PLAIN_HALVES,
    }
}
