//! A step's prologue: what it reads is first `max(scale * x + shift, 0)`, channel by channel.

use super::CpuNetworkError;
use super::tensors::tensor;
use crate::simd::{AlignedBuffer, LANES, Lanes, dispatch};
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::Step;

/// Scale and shift of every channel, in whole blocks; what is missing in the last one is 0, and stays so.
pub(super) struct Prologue {
    pub(super) scale: AlignedBuffer<f32>,
    pub(super) shift: AlignedBuffer<f32>,
}

impl Prologue {
    /// The prologue of a step; `None` for one without.
    ///
    /// # Errors
    /// [`CpuNetworkError::Tensor`].
    pub(super) fn of(step: &Step, weights: &BackboneWeights) -> Result<Option<Self>, CpuNetworkError> {
        let Some(channels) = step.prologue() else { return Ok(None) };
        let blocks = |name: String| -> Result<AlignedBuffer<f32>, CpuNetworkError> {
            let mut whole = AlignedBuffer::zeroed(channels.next_multiple_of(LANES));
            whole.iter_mut().zip(tensor(weights, name, channels)?).for_each(|(to, from)| *to = *from);
            Ok(whole)
        };
        Ok(Some(Self { scale: blocks(step.scale_name())?, shift: blocks(step.shift_name())? }))
    }
}

/// Contiguous pixels of every block of a map.
#[derive(Clone, Copy)]
pub(super) struct Scaled {
    /// The first pixel of the first block.
    pub(super) from: *const f32,
    /// Floats between blocks.
    pub(super) plane: usize,
    pub(super) to: *mut f32,
    /// Floats between blocks of what is written.
    pub(super) to_plane: usize,
    pub(super) pixels: usize,
    pub(super) blocks: usize,
    pub(super) scale: *const f32,
    pub(super) shift: *const f32,
}

dispatch! {
    /// Writes what a prologue makes of some pixels.
    pub(super) fn scale_pixels(job: &Scaled) => scale_pixels_kernel
}

#[inline(always)]
unsafe fn scale_pixels_kernel<L: Lanes>(job: &Scaled) {
    // SAFETY: the caller vouches for so many pixels of so many blocks.
    unsafe {
        let zero = L::splat(0.0);
        for block in 0..job.blocks {
            let (scale, shift) = (L::load(job.scale.add(block * LANES)), L::load(job.shift.add(block * LANES)));
            let (from, to) = (job.from.add(block * job.plane), job.to.add(block * job.to_plane));
            for pixel in 0..job.pixels {
                let value = L::mul_add(L::load(from.add(pixel * LANES)), scale, shift);
                L::store(to.add(pixel * LANES), L::at_least(zero, value));
            }
        }
    }
}
