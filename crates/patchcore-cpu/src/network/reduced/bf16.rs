//! A network whose maps and weights are `bf16`: two bytes a number, sums in `f32`.
//!
//! Every map and every weight is the `bf16` next to it (halves to even); the sum of a convolution begins with its bias and is an `f32`,
//! which the residual is added to and the activation holds between its bounds. A tap is that `f32`, a map what it is rounded to. In a map
//! a value that is no number becomes the largest that the activation leaves.
//!
//! Sets add up in different orders and with different roundings in between, so results agree within a tolerance, not to the bit.

use std::marker::PhantomData;

use super::super::CpuNetworkError;
use super::super::step::Geometry;
use super::super::tensors::conv_tensors;
use super::executor::{Executor, Layer, SlotFormat};
use super::finish::Constants;
use super::kernel_set::{self, KernelSet};
use super::load::Entry;
use super::matrix_unit::MatrixUnit;
use super::storage::{Element, Storage};
use crate::simd::{AlignedBuffer, HalfLanes, LANES, Lanes, Level, from_half, to_half};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx512, Avx512Bf16, ShortLanes};
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::Plan;

/// A `bf16`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Half(u16);

impl Element for Half {
    type Weight = Half;
    const GROUP: usize = 2;
    const SATURATES: bool = false;

    #[inline(always)]
    fn from_float(value: f32) -> Self {
        Self(to_half(value))
    }

    #[inline(always)]
    fn to_float(self) -> f32 {
        from_half(self.0)
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // Without its sign the rest of a `bf16` is larger for larger numbers.
        let order = |half: Self| {
            let bits = half.0.cast_signed();
            bits ^ (bits >> 15 & i16::MAX)
        };
        if order(self) < order(other) { other } else { self }
    }
}

/// Products of pairs that are made `f32` first.
#[derive(Clone, Copy)]
pub(super) struct Halves<L>(PhantomData<L>);

// SAFETY (of every function below): the trait's contract; a `Half` is an `u16`.
impl<L: HalfLanes> Storage for Halves<L> {
    type Element = Half;
    type Floats = L;
    type Sums = L::Floats;
    type Groups = [L::Floats; 2];

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> Self::Sums {
        // SAFETY: see above.
        unsafe { L::load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_sums(to: *mut i32, sums: Self::Sums) {
        // SAFETY: see above.
        unsafe { L::store(to.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::load_half_pairs(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::splat_half_pair(from.cast()) }
    }

    #[inline(always)]
    unsafe fn neighbours(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { [L::load_halves(from.cast()), L::load_halves(from.add(LANES).cast())] }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Sums, values: Self::Groups, weights: Self::Groups) -> Self::Sums {
        let ([value, other_value], [weight, other_weight]) = (values, weights);
        // SAFETY: see above.
        unsafe { L::mul_add(other_value, other_weight, L::mul_add(value, weight, sums)) }
    }

    #[inline(always)]
    unsafe fn floats(sums: Self::Sums) -> L::Floats {
        sums
    }

    #[inline(always)]
    unsafe fn load(from: *const Half) -> L::Floats {
        // SAFETY: see above.
        unsafe { L::load_halves(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut Half, value: L::Floats) {
        // SAFETY: see above.
        unsafe { L::store_halves(to.cast(), value) }
    }
}

/// Products of pairs by AVX-512 BF16.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct HalvesAtOnce;

// SAFETY (of every function below): the trait's contract; a `Half` is an `u16`.
#[cfg(target_arch = "x86_64")]
impl Storage for HalvesAtOnce {
    type Element = Half;
    type Floats = Avx512<true>;
    type Sums = <Avx512<true> as Lanes>::Floats;
    type Groups = <Avx512<true> as crate::simd::ExactLanes>::Pairs;

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> Self::Sums {
        // SAFETY: see above.
        unsafe { Self::Floats::load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_sums(to: *mut i32, sums: Self::Sums) {
        // SAFETY: see above.
        unsafe { Self::Floats::store(to.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { <Self::Floats as crate::simd::ExactLanes>::load_pairs(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { <Self::Floats as crate::simd::ExactLanes>::splat_pair(from.cast()) }
    }

    #[inline(always)]
    unsafe fn neighbours(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { Self::Floats::transpose_pairs(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Sums, values: Self::Groups, weights: Self::Groups) -> Self::Sums {
        // SAFETY: see above.
        unsafe { Avx512Bf16::add_half_products(sums, values, weights) }
    }

    #[inline(always)]
    unsafe fn floats(sums: Self::Sums) -> Self::Sums {
        sums
    }

    #[inline(always)]
    unsafe fn load(from: *const Half) -> Self::Sums {
        // SAFETY: see above.
        unsafe { Self::Floats::load_halves(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut Half, value: Self::Sums) {
        // SAFETY: see above.
        unsafe { Self::Floats::store_halves(to.cast(), value) }
    }
}

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
    let (least, largest) = (f32::NEG_INFINITY, f32::INFINITY);
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
        constants.least.iter_mut().zip(bias).for_each(|(to, _)| *to = floor);
        constants.largest.iter_mut().zip(bias).for_each(|(to, _)| *to = ceiling);
    }
    all
}

/// The kernels of a level.
fn kernels(level: Level) -> &'static KernelSet<Half> {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni(_) | Level::Amx(_) if Avx512Bf16::detect().is_some() => &kernel_set::AVX512_BF16,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(_) | Level::Avx512Vnni(_) | Level::Amx(_) => &kernel_set::AVX512_HALVES,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(_) | Level::AvxVnni(_) => &kernel_set::AVX2_HALVES,
        #[cfg(target_arch = "aarch64")]
        Level::Neon(_) | Level::NeonDot(_) => &kernel_set::NEON_HALVES,
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Level::Simd128 => &kernel_set::SIMD128_HALVES,
        Level::Portable => &kernel_set::PLAIN_HALVES,
    }
}
