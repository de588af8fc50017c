//! A photo's pixels as the method takes them.

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

    /// Appends the three normalised planes, of a grey photo three times the one.
    pub(crate) fn push_normalized(&self, normalization: &Normalization, planes: &mut Vec<f32>) {
        (0..if self.is_grey() { 3 } else { 1 }).for_each(|_| planes.extend_from_slice(self.pixels));
        normalization.apply(planes);
    }

    /// Checks size and length: everything but the values.
    ///
    /// # Errors
    /// [`InputError::WrongSize`] and [`InputError::WrongLength`].
    pub(crate) fn check_shape(&self) -> Result<(), InputError> {
        let (width, height) = (self.width, self.height);
        if !INPUT_SIDES.contains(&width) || !INPUT_SIDES.contains(&height) {
            let (smallest, largest) = (*INPUT_SIDES.start(), *INPUT_SIDES.end());
            return Err(InputError::WrongSize { width, height, smallest, largest });
        }
        let expected = 3 * width * height;
        if self.pixels.len() != expected && !self.is_grey() {
            return Err(InputError::WrongLength { found: self.pixels.len(), expected, height, width });
        }
        Ok(())
    }

    /// Checks length, size and finiteness.
    ///
    /// # Errors
    /// [`InputError`].
    pub fn check(&self) -> Result<(), InputError> {
        self.check_shape()?;
        match self.pixels.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(InputError::NotFinite { index }),
            None => Ok(()),
        }
    }
}
