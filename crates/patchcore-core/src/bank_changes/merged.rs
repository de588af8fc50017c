//! Models that become one.

use std::collections::HashSet;

use patchcore_config::{BankDtype, BankSize, Size};
use patchcore_cpu::search::squared_distance;

use crate::bank_builder::{Selection, rows_of};
use crate::coverage::{Coverage, each_nearest, rounded_up, upper};
use crate::error::FitError;
use crate::extractor::scale_rows;
use crate::fitted_on::FittedOn;
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::patchcore::PatchCore;

impl PatchCore {
    /// One model of several, on the device of the first: their rows together, of equal ones the first. `photos` gives each model's photos
    /// their numbers in the new one, which go from 0 without a gap; a photo of several models has one.
    ///
    /// Networks, configuration and members' weights are the first model's, but for the sizes of inputs, which are those of all. Where
    /// levels are scaled, rows are rescaled to the first model's factors, and radii by the largest ratio of any level. The radius is the
    /// largest of all models, a bound. With `size` a share of the patches or a number of rows, the rows are reduced to as many, greedily,
    /// and the largest distance to them is added; a coverage keeps them all. `progress` gets the picks of a reduction so far and about how
    /// many there will be, and returns false to stop.
    ///
    /// # Errors
    /// [`FitError::NotOneModel`] for models that differ in networks, members or the format of their banks, and for photo numbers that are
    /// not one for each photo; [`FitError::NoImages`] without models, [`FitError::NoOrigins`], [`FitError::EmptyCoreset`],
    /// [`FitError::TooFewRows`], [`FitError::Config`], [`FitError::Device`] and [`FitError::Cancelled`].
    pub fn merged(
        models: &[PatchCore],
        photos: &[Vec<u32>],
        size: Option<BankSize>,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<PatchCore, FitError> {
        let first = models.first().ok_or(FitError::NoImages)?;
        check_alike(first, models, photos)?;
        let sizes = models.iter().flat_map(|model| model.config().view.sizes.sizes_of_the_fit());
        let config = first.config().clone().after_the_fit(sizes.collect::<Vec<Size>>())?;
        let extractor = first.extractor().clone().with_config(config.clone());
        let new_photos = NewPhotos::of(photos);
        let (mut banks, mut coverage) = (Vec::new(), Vec::new());
        for number in 0..first.members().len() {
            let Some(of_first) = first.members().get(number) else { continue };
            let mut union = Union { dim: of_first.bank().dim(), ..Union::default() };
            // Of all models, or of none.
            let (mut radius, mut patches) = (Some(0.0f32), Some(0));
            for (at, (model, photos)) in models.iter().zip(photos).enumerate() {
                let ratios = ratios(model, first, number);
                let Some(member) = model.members().get(number) else { continue };
                union.add(member.bank(), photos, &ratios)?;
                let stretched = ratios.iter().copied().reduce(f32::max).unwrap_or(1.0);
                let own = model.coverage().get(number);
                let further = |own: &Coverage| rounded_up(f64::from(own.radius) * f64::from(stretched));
                radius = radius.zip(own).map(|(radius, own)| radius.max(further(own)));
                patches = patches.zip(own).map(|(patches, own)| patches + new_photos.share(at, own.patches));
            }
            let Union { dim, rows, origins, is_rescaled, .. } = union;
            let exact = (is_rescaled && config.bank_dtype != BankDtype::F32).then(|| rows.clone());
            let mut bank = MemoryBank::new(dim, rows, origins)?.with_dtype(config.bank_dtype)?;
            // Rescaled rows are rounded once more.
            let rounded = exact.map_or(0.0, |exact| largest_distance(&exact, bank.rows(), dim));
            radius = radius.map(|radius| rounded_up(f64::from(radius) + rounded));
            // Where the coverage does not say it: those of all members, shared evenly.
            let even = |(at, model): (usize, &PatchCore)| {
                new_photos.share(at, (model.fitted_on().patches / first.members().len()) as u64)
            };
            let of_all = patches.unwrap_or_else(|| models.iter().enumerate().map(even).sum());
            if let Some(rows) = size.and_then(|size| rows_of(size, of_all)) {
                if let (Some(BankSize::Ratio(ratio)), 0) = (size, rows) {
                    let smallest = 1.0 / of_all as f64;
                    return Err(FitError::EmptyCoreset { ratio, patches: of_all as usize, smallest });
                }
                // As if the banks of all members had as many rows as this one.
                let mut told = |picked: usize| progress(number * rows + picked, first.members().len() * rows);
                let (reduced, moved) = first.reduced(number, &bank, rows, &mut told)?;
                radius = radius.map(|radius| rounded_up(f64::from(radius) + f64::from(moved)));
                bank = reduced;
            }
            if bank.len() < config.bank_rows_needed() {
                return Err(FitError::TooFewRows { num_neighbors: config.num_neighbors, rows: bank.len() });
            }
            coverage.extend(radius.zip(patches).map(|(radius, patches)| Coverage::bound(radius, patches)));
            banks.push(bank);
        }
        if coverage.len() < banks.len() {
            coverage.clear();
        }
        let larger = |most, model| if images_of(model) > images_of(most) { model } else { most };
        let most = models.iter().fold(first, larger);
        let patches =
            models.iter().enumerate().map(|(at, model)| new_photos.share(at, model.fitted_on().patches as u64));
        let good_scores = most.fitted_on().good_scores;
        let fitted_on = FittedOn { images: new_photos.count, patches: patches.sum::<u64>() as usize, good_scores };
        let model = PatchCore::new(extractor, banks, fitted_on)?;
        model.after_change(most.good_quantiles().cloned(), coverage)
    }

    /// A member's bank reduced to so many rows, greedily, and the largest distance of a row to its nearest one that stays.
    fn reduced(
        &self,
        number: usize,
        bank: &MemoryBank,
        rows: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<(MemoryBank, f32), FitError> {
        let (config, engine) = (self.config(), self.extractor().engine());
        let Some(rules) = config.members.get(number) else { return Ok((bank.clone(), 0.0)) };
        let (projection, start, seed) = (rules.projection, rules.start, config.seed);
        let selection = Selection { engine, dim: bank.dim(), projection, start, seed };
        let picks = selection.whole(bank.rows(), rows, progress)?;
        let of_bank = bank.origins().ok_or(FitError::NoOrigins)?;
        let picked = picks.iter().flat_map(|pick| bank.row(*pick)).copied().collect();
        let origins = picks.iter().filter_map(|pick| of_bank.get(*pick).copied()).collect();
        let reduced = MemoryBank::new(bank.dim(), picked, origins)?.with_dtype(bank.dtype())?;
        let (index, mut moved) = (engine.index(&reduced)?, 0.0f32);
        each_nearest(index.as_ref(), bank.rows(), bank.dim(), |_, found| {
            moved = moved.max(upper(found.squared_distance));
        })?;
        Ok((reduced, moved))
    }
}

fn images_of(model: &PatchCore) -> usize {
    model.fitted_on().images
}

/// The photos of all models, each counted where it is listed first.
struct NewPhotos {
    count: usize,
    /// Of each model: those that no model before it has, and all.
    of_models: Vec<(usize, usize)>,
}

impl NewPhotos {
    fn of(photos: &[Vec<u32>]) -> Self {
        let mut listed = HashSet::new();
        let mut of_model =
            |photos: &Vec<u32>| (photos.iter().filter(|photo| listed.insert(**photo)).count(), photos.len());
        let of_models = photos.iter().map(&mut of_model).collect();
        Self { count: listed.len(), of_models }
    }

    /// Of a model's patches those of the photos that no model before it has.
    fn share(&self, model: usize, patches: u64) -> u64 {
        let (new, all) = self.of_models.get(model).copied().unwrap_or((1, 1));
        (u128::from(patches) * new as u128 / all.max(1) as u128) as u64
    }
}

/// What each value of a model's rows is multiplied by to be scaled as the first model's; empty where nothing changes.
fn ratios(model: &PatchCore, first: &PatchCore, member: usize) -> Vec<f32> {
    let scales = |model: &PatchCore| Some(model.extractor().members().get(member)?.scales()?.to_vec());
    match (scales(model), scales(first)) {
        (Some(own), Some(first)) if own != first => own.iter().zip(&first).map(|(own, first)| first / own).collect(),
        _ => Vec::new(),
    }
}

/// The largest distance between a row of one list and the same row of another.
fn largest_distance(rows: &[f32], others: &[f32], dim: usize) -> f64 {
    let pairs = rows.chunks_exact(dim).zip(others.chunks_exact(dim));
    pairs.map(|(row, other)| squared_distance(row, other)).fold(0.0, f64::max).sqrt()
}

/// Rows `[n, dim]` of several banks, with their origins.
#[derive(Default)]
struct Union {
    dim: usize,
    rows: Vec<f32>,
    origins: Vec<PatchOrigin>,
    /// The bits of rows that are here.
    seen: HashSet<Vec<u32>>,
    /// Whether some of them are not as their model has them.
    is_rescaled: bool,
}

impl Union {
    /// Adds a bank's rows, but those that are here already, bit for bit.
    fn add(&mut self, bank: &MemoryBank, photos: &[u32], ratios: &[f32]) -> Result<(), FitError> {
        let origins = bank.origins().ok_or(FitError::NoOrigins)?;
        let mut rescaled = bank.rows().to_vec();
        if !ratios.is_empty() {
            scale_rows(&mut rescaled, ratios);
            self.is_rescaled = true;
        }
        for (row, origin) in rescaled.chunks_exact(self.dim).zip(origins) {
            if self.seen.insert(row.iter().map(|value| value.to_bits()).collect()) {
                let image = photos.get(origin.image as usize).copied().unwrap_or(origin.image);
                self.rows.extend_from_slice(row);
                self.origins.push(PatchOrigin { image, ..*origin });
            }
        }
        Ok(())
    }
}

/// Refuses models whose rows cannot stand in one bank.
fn check_alike(first: &PatchCore, models: &[PatchCore], photos: &[Vec<u32>]) -> Result<(), FitError> {
    let differ = |what: &'static str, found: String, expected: String| {
        Err(FitError::NotOneModel { what, found: found.into(), expected: expected.into() })
    };
    if photos.len() != models.len() {
        return differ("the number of lists of photos", photos.len().to_string(), models.len().to_string());
    }
    let dims = |model: &PatchCore| {
        let dims: Vec<usize> = model.extractor().members().iter().map(|shape| shape.dim).collect();
        format!("{dims:?}")
    };
    let format = |model: &PatchCore| model.config().bank_dtype.name().to_owned();
    for (model, photos) in models.iter().zip(photos) {
        if dims(model) != dims(first) {
            return differ("values per row of each member", dims(model), dims(first));
        }
        if model.weights_sha256() != first.weights_sha256() {
            return differ("the digest of its networks", model.weights_sha256(), first.weights_sha256());
        }
        if model.extractor().ranges() != first.extractor().ranges() {
            return differ("the ranges of its int8 networks", "others".to_owned(), "those of the first".to_owned());
        }
        if format(model) != format(first) {
            return differ("the format of its banks", format(model), format(first));
        }
        if photos.len() != images_of(model) {
            return differ("the number of its photos", photos.len().to_string(), images_of(model).to_string());
        }
    }
    // Without a gap.
    let (count, last) = (NewPhotos::of(photos).count, photos.iter().flatten().max().copied());
    match last.map(|last| last as usize + 1) {
        Some(numbers) if numbers != count => {
            differ("the largest number of a photo", numbers.to_string(), count.to_string())
        }
        _ => Ok(()),
    }
}
