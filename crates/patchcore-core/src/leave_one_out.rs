//! A fitted model without one of its training photos: what the others alone say about it.

use crate::error::FitError;
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::patchcore::PatchCore;

impl PatchCore {
    /// This model with the bank rows of one training photo removed (its index as in
    /// [`PatchOrigin::image`]). The rows that stay keep their order and origins; nothing is picked anew, so a place
    /// that only the removed photo covered stays uncovered. Cost: the index of the search, built again.
    ///
    /// # Errors
    /// [`FitError::TooFewRows`] when fewer rows stay than the score needs neighbours, [`FitError::NoOrigins`] for a model over a
    /// bank from elsewhere.
    pub fn without_image(&self, image: u32) -> Result<PatchCore, FitError> {
        let (num_neighbors, needed) = (self.config().num_neighbors, self.config().bank_rows_needed());
        let without = |bank: &MemoryBank| {
            let origins = bank.origins().ok_or(FitError::NoOrigins)?;
            let kept = origins.iter().enumerate().filter(|(_, origin)| origin.image != image);
            let (mut rows, mut origins): (Vec<f32>, Vec<PatchOrigin>) = (Vec::new(), Vec::new());
            for (index, origin) in kept {
                rows.extend_from_slice(bank.row(index));
                origins.push(*origin);
            }
            match origins.len() {
                rows if rows < needed => Err(FitError::TooFewRows { num_neighbors, rows }),
                _ => Ok(MemoryBank::new(bank.dim(), rows, origins)?.with_dtype(bank.dtype())?),
            }
        };
        let banks = self.members().iter().map(|member| without(member.bank())).collect::<Result<_, _>>()?;
        Ok(PatchCore::new(self.extractor().clone(), banks, self.fitted_on())?)
    }
}
