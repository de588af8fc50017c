//! Weights as the matrix unit reads them.

#![allow(clippy::indexing_slicing, reason = "positions of channels and taps of weights whose length is asserted")]

use super::packed::channels_of_row;
use crate::simd::AlignedBuffer;
use crate::simd::amx::{OUTPUTS, ROW_BYTES, TILE_BYTES};

/// Filters in tiles: `[blocks of outputs][groups of channels][taps][4 bytes of channels][16 outputs]`.
pub(super) struct Filters {
    pub(super) packed: AlignedBuffer<u8>,
    /// Bytes of a block of outputs.
    pub(super) panel: usize,
}

impl Filters {
    /// Packs `weights` `[outputs, inputs, kernel, kernel]`, integers of one byte or two. Channels and outputs beyond them are zeros.
    pub(super) fn new<W: Copy>(weights: &[W], inputs: usize, kernel: usize) -> Self {
        let taps = kernel * kernel;
        let outputs = weights.len() / (inputs * taps);
        let row = channels_of_row::<W>();
        let panel = inputs.div_ceil(row) * taps * TILE_BYTES;
        let mut packed = AlignedBuffer::<u8>::zeroed(outputs.div_ceil(OUTPUTS) * panel);
        for (at, weight) in weights.iter().enumerate() {
            let (output, channel, tap) = (at / (inputs * taps), at / taps % inputs, at % taps);
            let tile = (output / OUTPUTS) * panel + (channel / row * taps + tap) * TILE_BYTES;
            let byte = channel % row * size_of::<W>();
            let place = tile + byte / 4 * ROW_BYTES + output % OUTPUTS * 4 + byte % 4;
            let to = packed[place..place + size_of::<W>()].as_mut_ptr().cast::<W>();
            // SAFETY: as many bytes as a weight has, which the unit reads as this processor writes them.
            unsafe { to.write_unaligned(*weight) };
        }
        Self { packed, panel }
    }
}
