//! Photos that leave a model.

use std::collections::BTreeSet;

use crate::coverage::{Coverage, rounded_up, upper};
use crate::error::FitError;
use crate::fitted_on::FittedOn;
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::patchcore::PatchCore;

impl PatchCore {
    /// The model without these training photos, by their numbers ([`PatchOrigin::image`]): without their rows. The photos that stay are
    /// numbered anew, in their order. No patch that a removed row stood for lies further from the bank than the old radius and the largest
    /// distance of a removed row to its nearest one that stays: the new radius, a bound. Of the patches that are counted the removed
    /// photos' share is taken off.
    ///
    /// # Errors
    /// [`FitError::NoSuchPhoto`], [`FitError::NoImages`] where none is left, [`FitError::NoRowsLeft`], [`FitError::TooFewRows`] where the
    /// score needs more neighbours than rows are left, [`FitError::NoOrigins`] and [`FitError::Device`].
    pub fn without_photos(&self, images: &[u32]) -> Result<PatchCore, FitError> {
        let removed: BTreeSet<u32> = images.iter().copied().collect();
        let FittedOn { images: photos, patches, good_scores } = self.fitted_on();
        if let Some(image) = removed.iter().find(|image| **image as usize >= photos) {
            return Err(FitError::NoSuchPhoto { image: *image, photos });
        }
        let left = photos - removed.len();
        if left == 0 {
            return Err(FitError::NoImages);
        }
        let share = |patches: u64| (u128::from(patches) * left as u128 / photos as u128) as u64;
        let (mut members, mut coverage) = (Vec::new(), Vec::new());
        for (number, member) in self.members().iter().enumerate() {
            let Parted { stays, gone } = parted(member.bank(), &removed)?;
            let rows = stays.len();
            if rows < self.config().bank_rows_needed() {
                return Err(FitError::TooFewRows { num_neighbors: self.config().num_neighbors, rows });
            }
            let member = member.of_some(stays, self.extractor().engine())?;
            if let Some(Coverage { radius, patches, .. }) = self.coverage().get(number) {
                let nearest = member.index().nearest_of_rows(&gone)?;
                let moved = nearest.iter().map(|found| upper(found.squared_distance)).fold(0.0, f32::max);
                let radius = rounded_up(f64::from(*radius) + f64::from(moved));
                coverage.push(Coverage::bound(radius, share(*patches)));
            }
            members.push(member);
        }
        let fitted_on = FittedOn { images: left, patches: share(patches as u64) as usize, good_scores };
        let model = PatchCore::of_members(self.extractor().clone(), members.into(), fitted_on);
        model.after_change(self.good_quantiles().cloned(), coverage)
    }
}

/// A bank in two.
struct Parted {
    /// The rows of the photos that stay, which are numbered anew.
    stays: MemoryBank,
    /// The others, `[n, dim]`.
    gone: Vec<f32>,
}

fn parted(bank: &MemoryBank, removed: &BTreeSet<u32>) -> Result<Parted, FitError> {
    let of_bank = bank.origins().ok_or(FitError::NoOrigins)?;
    let (mut rows, mut origins, mut gone): (Vec<f32>, Vec<PatchOrigin>, Vec<f32>) = Default::default();
    for (row, origin) in bank.rows().chunks_exact(bank.dim()).zip(of_bank) {
        if removed.contains(&origin.image) {
            gone.extend_from_slice(row);
        } else {
            rows.extend_from_slice(row);
            let image = origin.image - removed.range(..origin.image).count() as u32;
            origins.push(PatchOrigin { image, ..*origin });
        }
    }
    if origins.is_empty() {
        return Err(FitError::NoRowsLeft);
    }
    Ok(Parted { stays: MemoryBank::new(bank.dim(), rows, origins)?.with_dtype(bank.dtype())?, gone })
}
