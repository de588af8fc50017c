//! A photo's pixels as the method takes them.

use std::ops::RangeInclusive;

use patchcore_config::{INPUT_SIDES, Normalization};

use crate::error::InputError;

/// The pixels of one photo as the network wants them, before normalisation.
#[derive(Debug, Clone, Copy)]
pub struct ImageInput<'a> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue planes `[3, height, width]`, or one grey plane `[height, width]` that stands for three equal
    /// ones; values in `[0, 1]`.
    pub pixels: &'a [f32],
}

impl ImageInput<'_> {
    /// Whether there is one plane.
    pub fn is_grey(&self) -> bool {
        self.width.checked_mul(self.height) == Some(self.pixels.len())
    }

    /// The pixels that count, where they are not all; a wrong number of them is kept, to be refused.
    pub(crate) fn part<'a>(&self, inside: Option<&'a [bool]>) -> Option<&'a [bool]> {
        inside.filter(|pixels| pixels.contains(&false) || Some(pixels.len()) != self.width.checked_mul(self.height))
    }

    /// Appends the three normalised planes, of a grey photo three times the one.
    pub(crate) fn push_normalized(&self, normalization: &Normalization, planes: &mut Vec<f32>) {
        (0..if self.is_grey() { 3 } else { 1 }).for_each(|_| planes.extend_from_slice(self.pixels));
        normalization.apply(planes);
    }

    /// Checks size and length: everything but the values. `sides`: what may be
    /// ([`PatchCoreConfig::input_sides`](patchcore_config::PatchCoreConfig::input_sides)).
    ///
    /// # Errors
    /// [`InputError::WrongSize`] and [`InputError::WrongLength`].
    pub(crate) fn check_shape(&self, sides: &RangeInclusive<usize>) -> Result<(), InputError> {
        let (width, height) = (self.width, self.height);
        if !sides.contains(&width) || !sides.contains(&height) {
            let (smallest, largest) = (*sides.start(), *sides.end());
            return Err(InputError::WrongSize { width, height, smallest, largest });
        }
        let expected = 3 * width * height;
        if self.pixels.len() != expected && !self.is_grey() {
            return Err(InputError::WrongLength { found: self.pixels.len(), expected, height, width });
        }
        Ok(())
    }

    /// Checks length, size and finiteness of what a network sees at once.
    ///
    /// # Errors
    /// [`InputError`].
    pub fn check(&self) -> Result<(), InputError> {
        self.check_within(&INPUT_SIDES)
    }

    /// [`ImageInput::check`] with other bounds of the sides.
    ///
    /// # Errors
    /// [`InputError`].
    pub(crate) fn check_within(&self, sides: &RangeInclusive<usize>) -> Result<(), InputError> {
        self.check_shape(sides)?;
        match self.pixels.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(InputError::NotFinite { index }),
            None => Ok(()),
        }
    }
}
