//! From sums to the map and the tap: what follows every convolution, fused into its last write.

use super::definition::{LARGEST, Numbers, Scale};
use super::one_value::dequantised;
use super::storage::{Element, FloatsOf, Storage};
use crate::simd::{AlignedBuffer, LANES, Lanes};

/// The numbers of sixteen output channels.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
pub(super) struct Constants {
    /// What a sum starts with, in the storage's own 32 bits.
    pub(super) start: [i32; LANES],
    pub(super) factor: [f32; LANES],
    pub(super) offset: [f32; LANES],
    pub(super) residual: [f32; LANES],
    pub(super) least: [f32; LANES],
    pub(super) largest: [f32; LANES],
    /// From steps to the values of a tap.
    pub(super) tap_factor: [f32; LANES],
    pub(super) tap_offset: [f32; LANES],
    /// Whether the activations of the whole layer leave all of 0 to 255: not 0 if so.
    pub(super) whole: i32,
}

impl Constants {
    /// The numbers of a convolution, sixteen channels at a time; `output` is how its map is written. Lanes beyond the last channel
    /// come out as 0.
    pub(super) fn of(numbers: &Numbers, output: &Scale) -> AlignedBuffer<Self> {
        let channels = numbers.start.len();
        let mut all = AlignedBuffer::<Self>::zeroed(channels.div_ceil(LANES));
        for (block, constants) in all.iter_mut().enumerate() {
            let first = block * LANES;
            let of = |values: &[f32], to: &mut [f32; LANES]| {
                to.iter_mut().zip(values.iter().skip(first)).for_each(|(to, value)| *to = *value);
            };
            constants.start.iter_mut().zip(numbers.start.iter().skip(first)).for_each(|(to, value)| *to = *value);
            of(&numbers.factor, &mut constants.factor);
            of(&numbers.offset, &mut constants.offset);
            of(&numbers.residual, &mut constants.residual);
            of(&numbers.least, &mut constants.least);
            of(&numbers.largest, &mut constants.largest);
            let taps = constants.tap_factor.iter_mut().zip(&mut constants.tap_offset);
            for ((factor, offset), channel) in taps.zip(first..channels) {
                (*factor, *offset) = dequantised(output, channel);
            }
        }
        let whole = numbers.least.iter().all(|least| *least == 0.0)
            && numbers.largest.iter().all(|largest| *largest == LARGEST as f32);
        all.iter_mut().for_each(|constants| constants.whole = i32::from(whole));
        all
    }
}

/// Where sixteen channels of one pixel go.
#[derive(Clone, Copy)]
pub(super) struct Ends<E> {
    /// Residual, or null.
    pub(super) residual: *const E,
    /// The map, or null where nobody reads it.
    pub(super) output: *mut E,
    /// Values of the tap, or null.
    pub(super) tap: *mut f32,
    /// Channels of the tap from here on: no more than these are written.
    pub(super) tap_channels: usize,
    /// Lower bound of the activation.
    pub(super) floor: f32,
    /// Upper bound of the activation.
    pub(super) ceiling: f32,
}

/// A map alone; where elements saturate, of a layer whose activations leave all of 0 to 255.
pub(super) const PLAIN: u8 = 0;
/// The same with a residual.
pub(super) const RESIDUAL: u8 = 1;
/// Whatever the pointers say.
pub(super) const ANY: u8 = 2;

/// Constants in registers.
pub(super) struct Loaded<S: Storage> {
    factor: FloatsOf<S>,
    offset: FloatsOf<S>,
    residual: FloatsOf<S>,
    least: FloatsOf<S>,
    largest: FloatsOf<S>,
    constants: *const Constants,
}

impl<S: Storage> Loaded<S> {
    /// # Safety
    /// `constants` must be valid, and the instruction set enabled.
    #[inline(always)]
    pub(super) unsafe fn new(constants: *const Constants) -> Self {
        // SAFETY: the caller's contract.
        unsafe {
            let load = |from: *const [f32; LANES]| S::Floats::load(from.cast());
            Self {
                factor: load(&raw const (*constants).factor),
                offset: load(&raw const (*constants).offset),
                residual: load(&raw const (*constants).residual),
                least: load(&raw const (*constants).least),
                largest: load(&raw const (*constants).largest),
                constants,
            }
        }
    }

    /// Steps of the output, before they are held between its bounds.
    ///
    /// # Safety
    /// As [`Loaded::finish`].
    #[inline(always)]
    pub(super) unsafe fn steps<const KIND: u8>(&self, sums: S::Sums, ends: &Ends<S::Element>) -> FloatsOf<S> {
        // SAFETY: the caller's contract.
        unsafe {
            let steps = S::Floats::add(S::Floats::mul(S::floats(sums), self.factor), self.offset);
            if KIND == RESIDUAL || (KIND == ANY && !ends.residual.is_null()) {
                S::Floats::add(steps, S::Floats::mul(S::load(ends.residual), self.residual))
            } else {
                steps
            }
        }
    }

    /// Writes what becomes of sixteen sums, of which `KIND` says what there is to write.
    ///
    /// # Safety
    /// The pointers of `ends` must be valid for sixteen elements, or as many channels, and the instruction set enabled; `ends` are of
    /// the kind.
    #[inline(always)]
    pub(super) unsafe fn finish<const KIND: u8>(&self, sums: S::Sums, ends: &Ends<S::Element>) {
        // SAFETY: the caller's contract.
        unsafe {
            let steps = self.steps::<KIND>(sums, ends);
            if KIND != ANY && S::Element::SATURATES {
                S::store_held(ends.output, steps);
            } else if KIND != ANY || !ends.output.is_null() {
                // In this order what is no number becomes the largest.
                let held = S::Floats::at_least(S::Floats::at_most(steps, self.largest), self.least);
                S::store(ends.output, held);
            }
            if KIND == ANY && !ends.tap.is_null() {
                self.tap(steps, ends);
            }
        }
    }

    /// # Safety
    /// As [`Loaded::finish`].
    #[inline(always)]
    unsafe fn tap(&self, steps: FloatsOf<S>, ends: &Ends<S::Element>) {
        // SAFETY: the caller's contract.
        unsafe {
            let constants = self.constants;
            let factor = S::Floats::load((&raw const (*constants).tap_factor).cast());
            let offset = S::Floats::load((&raw const (*constants).tap_offset).cast());
            let value = S::Floats::add(S::Floats::mul(steps, factor), offset);
            let (floor, ceiling) = (S::Floats::splat(ends.floor), S::Floats::splat(ends.ceiling));
            let value = S::Floats::at_most(ceiling, S::Floats::at_least(floor, value));
            if ends.tap_channels >= LANES {
                S::Floats::store(ends.tap, value);
            } else {
                let mut lanes = [0.0; LANES];
                S::Floats::store(lanes.as_mut_ptr(), value);
                ends.tap.copy_from_nonoverlapping(lanes.as_ptr(), ends.tap_channels);
            }
        }
    }
}

impl<E: Element> Ends<E> {
    /// [`PLAIN`], [`RESIDUAL`] or [`ANY`].
    ///
    /// # Safety
    /// `constants` must be valid.
    #[inline(always)]
    pub(super) unsafe fn kind(&self, constants: *const Constants) -> u8 {
        // SAFETY: the caller's contract.
        let is_whole = !E::SATURATES || unsafe { (*constants).whole } != 0;
        match (self.output.is_null() || !self.tap.is_null() || !is_whole, self.residual.is_null()) {
            (true, _) => ANY,
            (false, true) => PLAIN,
            (false, false) => RESIDUAL,
        }
    }

    /// The same for another pixel and block: elements to add to the residual and the output, values to the tap, channels that are left.
    /// Of [`ANY`] kind null stays null; what the other kinds do not use may be anything.
    #[inline(always)]
    pub(super) fn moved<const KIND: u8>(
        &self,
        residual: usize,
        output: usize,
        tap: usize,
        tap_channels: usize,
    ) -> Self {
        let stays = |is_null: bool, by: usize| if KIND == ANY && is_null { 0 } else { by };
        let residual = self.residual.wrapping_add(stays(self.residual.is_null(), residual));
        let output = self.output.wrapping_add(stays(self.output.is_null(), output));
        let tap = self.tap.wrapping_add(stays(self.tap.is_null(), tap));
        Self { residual, output, tap, tap_channels, ..*self }
    }
}
