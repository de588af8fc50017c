//! Photos that come to a model.

use patchcore_config::{BankSize, Size};

use super::collector::PatchCollector;
use crate::bank_builder::{Selection, nearest_of, prefix_within, rows_of};
use crate::coverage::{Coverage, CoverageMeter, each_nearest, upper};
use crate::error::FitError;
use crate::fitted_on::FittedOn;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::NearestNeighborIndex;
use crate::patchcore::PatchCore;

impl PatchCore {
    /// The model with rows of new photos beside its own, which all stay: no patch's distance to the bank rises. The new rows are picked
    /// greedily, each the farthest from the bank and those picked before it, in the space of the selection; none at distance 0.
    ///
    /// How many: [`BankSize::Ratio`] of the new patches, or [`BankSize::Rows`] in total, or with [`BankSize::Coverage`] as many as it takes
    /// until no new patch lies further from the bank. The radius is the larger of the old one and of that measured of the new patches,
    /// exact where both are and the new one is the larger. `progress` gets the picks so far and about how many there will be at most, and
    /// returns false to stop.
    ///
    /// # Errors
    /// [`FitError::NoImages`] without new photos, [`FitError::NoOrigins`], [`FitError::Config`], [`FitError::Device`] and
    /// [`FitError::Cancelled`].
    pub fn extended(
        &self,
        new: &PatchCollector,
        size: BankSize,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<PatchCore, FitError> {
        let (banks, measured) = self.grown_banks(new, |_| Some(size), progress)?;
        let coverage = self.coverage().iter().zip(&measured).map(|(old, measured)| match measured {
            Some(measured) => old.with_more(measured),
            None => old.clone(),
        });
        let FittedOn { images, patches, good_scores } = self.fitted_on();
        let fitted_on = FittedOn { images: images + new.photos(), patches: patches + new.patches(), good_scores };
        let sizes = self.config().view.sizes.sizes_of_the_fit().chain(new.sizes().iter().copied());
        let config = self.config().clone().after_the_fit(sizes.collect::<Vec<Size>>())?;
        let model = PatchCore::new(self.extractor().clone().with_config(config), banks, fitted_on)?;
        model.after_change(self.good_quantiles().cloned(), coverage.collect())
    }

    /// The model with rows of photos that it was fitted on, as many as it takes until none of their patches lies further from its bank than
    /// the radius given for that member. `all`: every photo of the model, by its number ([`PatchCollector::add_as`]), so that the coverage
    /// is exact again.
    ///
    /// # Errors
    /// As [`PatchCore::extended`].
    pub fn covered_again(&self, all: &PatchCollector, radii: &[f32]) -> Result<PatchCore, FitError> {
        let within = |member: usize| radii.get(member).map(|radius| BankSize::Coverage(f64::from(*radius)));
        let (banks, measured) = self.grown_banks(all, within, &mut |_, _| true)?;
        let coverage = measured.into_iter().collect::<Option<Vec<Coverage>>>().unwrap_or_default();
        let model = PatchCore::new(self.extractor().clone(), banks, self.fitted_on())?;
        model.after_change(self.good_quantiles().cloned(), coverage)
    }

    /// The same with what was measured of its coverage: one for each member, over every patch of its photos.
    #[must_use]
    pub fn with_measured_coverage(self, coverage: Vec<Coverage>) -> PatchCore {
        self.with_coverage(coverage)
    }

    /// Every member's bank with some of these rows after its own, and how far they all lie from it.
    fn grown_banks(
        &self,
        new: &PatchCollector,
        size: impl Fn(usize) -> Option<BankSize>,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<(Vec<MemoryBank>, Vec<Option<Coverage>>), FitError> {
        if new.patches() == 0 {
            return Err(FitError::NoImages);
        }
        let (mut banks, mut measured) = (Vec::new(), Vec::new());
        for (number, member) in self.members().iter().enumerate() {
            let bank = match size(number) {
                Some(size) => self.grown(number, new, size, progress)?,
                None => member.bank().clone(),
            };
            let index = NearestNeighborIndex::with_engine(bank.clone(), self.extractor().engine(), self.device())?;
            let mut meter = CoverageMeter::default();
            meter.add(&index, new.rows(number).0)?;
            measured.push(meter.coverage());
            banks.push(bank);
        }
        Ok((banks, measured))
    }

    /// A member's bank with some of these rows after its own.
    fn grown(
        &self,
        number: usize,
        new: &PatchCollector,
        size: BankSize,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<MemoryBank, FitError> {
        let (config, engine) = (self.config(), self.extractor().engine());
        let (Some(rules), Some(member)) = (config.members.get(number), self.members().get(number)) else {
            return Err(FitError::NoImages);
        };
        let (bank, (rows, origins)) = (member.bank(), new.rows(number));
        let (dim, of_bank) = (bank.dim(), bank.origins().ok_or(FitError::NoOrigins)?);
        let (projection, start, seed) = (rules.projection, rules.start, config.seed);
        let selection = Selection { engine, dim, projection, start, seed };
        let within = match size {
            BankSize::Coverage(within) => Some(within as f32),
            _ => None,
        };
        // What the bank covers is not looked at: without a radius, what equals a row of it.
        let mut apart = Vec::new();
        each_nearest(member.index().on_engine(), rows, dim, |row, found| {
            if upper(found.squared_distance) > within.unwrap_or(0.0) {
                apart.push(row);
            }
        })?;
        let count = match (size, rows_of(size, origins.len() as u64)) {
            (BankSize::Rows(total), _) => total.saturating_sub(bank.len()),
            (_, Some(count)) => count,
            (_, None) => apart.len(),
        };
        if apart.is_empty() || count == 0 {
            return Ok(bank.clone());
        }
        let row = |at: usize| rows.get(at * dim..(at + 1) * dim).unwrap_or_default();
        let candidates: Vec<f32> = apart.iter().flat_map(|at| row(*at)).copied().collect();
        let patches = self.fitted_on().patches / self.members().len() + origins.len();
        let features = selection.features(&candidates, patches)?;
        let of_old = selection.features(bank.rows(), patches)?;
        let initial = nearest_of(engine, &features.values, &of_old.values, features.width)?;
        let farther = initial.iter().filter(|start| **start > 0.0).count();
        let most = count.min(farther);
        // As if the banks of all members got as many rows as this one.
        let mut told = |picked: usize| progress(number * most + picked, self.members().len() * most);
        let picks = match within {
            Some(within) => {
                prefix_within(&selection, &candidates, &features, initial, within, bank.dtype(), &mut told)?
            }
            None => selection.pick(&features, &initial, most, &mut told)?,
        };
        let (mut grown, mut from) = (bank.rows().to_vec(), of_bank.to_vec());
        for at in picks.iter().filter_map(|pick| apart.get(*pick)) {
            grown.extend_from_slice(row(*at));
            from.extend(origins.get(*at));
        }
        Ok(MemoryBank::new(dim, grown, from)?.with_dtype(bank.dtype())?)
    }
}
