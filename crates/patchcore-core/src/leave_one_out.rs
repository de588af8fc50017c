//! A fitted model without one of its training photos: what the others alone say about it.

use patchcore_config::Grid;

use crate::error::FitError;
use crate::good_quantiles::{FittedPhoto, GoodQuantiles, PHOTOS, SHARES, add_pixels, quantile};
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::patchcore::PatchCore;

/// Some photos of all, evenly, each with its number.
pub(crate) fn even_photos(photos: &[FittedPhoto]) -> impl Iterator<Item = (usize, &FittedPhoto)> {
    photos.iter().enumerate().step_by(photos.len().div_ceil(PHOTOS).max(1))
}

impl PatchCore {
    /// This model with the bank rows of one training photo removed (its index as in
    /// [`PatchOrigin::image`]). The rows that stay keep their order and origins; nothing is picked anew, so a place
    /// that only the removed photo covered stays uncovered. Cost: on the CPU the images of the rows in the search's
    /// index, with the axes of this model's; on other devices an index.
    ///
    /// # Errors
    /// [`FitError::TooFewOthers`] when fewer rows stay than the score needs neighbours, [`FitError::NoOrigins`] for a model over a
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
                rows if rows < needed => Err(FitError::TooFewOthers { num_neighbors, rows }),
                _ => Ok(MemoryBank::new(bank.dim(), rows, origins)?.with_dtype(bank.dtype())?),
            }
        };
        let members = self.members().iter().map(|member| {
            let bank = without(member.bank())?;
            Ok::<_, FitError>(member.of_some(bank, self.extractor().engine())?)
        });
        let members = members.collect::<Result<_, _>>()?;
        Ok(PatchCore::of_members(self.extractor().clone(), members, self.fitted_on()))
    }

    /// The quantiles of a model that was just fitted, by some of its photos, of which each has a number: see [`even_photos`]. `rows`: the
    /// embeddings of a member and a photo, and where they come from. `None` where no photo can be left out, because the rest of the bank
    /// is too small, and without photos.
    ///
    /// # Errors
    /// [`FitError::Device`], and [`FitError::NotFinite`] for a photo whose distances are not finite.
    pub(crate) fn measure_good<'a>(
        &self,
        photos: impl IntoIterator<Item = (usize, &'a FittedPhoto)>,
        rows: impl Fn(usize, usize) -> (&'a [f32], &'a [PatchOrigin]),
    ) -> Result<Option<GoodQuantiles>, FitError> {
        let (mut patches, mut pixels, mut scored) = (Vec::new(), Vec::new(), 0);
        for (image, photo) in photos {
            let without = match self.without_image(image as u32) {
                Ok(without) => without,
                Err(FitError::TooFewOthers { .. }) => continue,
                Err(other) => return Err(other),
            };
            let inside = photo.inside.as_deref();
            let found = without.score_rows(photo.size, inside, |member, grid: Grid| {
                let (rows, origins) = rows(member, image);
                let cell = |at: &PatchOrigin| usize::from(at.row) * grid.columns + usize::from(at.column);
                (rows, origins.iter().map(cell).collect())
            });
            let (scores, map) = found.map_err(|error| FitError::of_photo(error, image))?;
            patches.extend(scores);
            add_pixels(&map.scores, inside, &mut pixels);
            scored += 1;
        }
        let quantiles = |mut values: Vec<f32>| {
            values.sort_unstable_by(f32::total_cmp);
            SHARES.iter().filter_map(|share| quantile(&values, *share)).collect::<Vec<f32>>()
        };
        let found = GoodQuantiles {
            photos: scored,
            shares: SHARES.to_vec(),
            patches: quantiles(patches),
            pixels: quantiles(pixels),
        };
        Ok((scored > 0).then_some(found))
    }
}
