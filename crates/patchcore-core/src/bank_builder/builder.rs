//! The growing bank itself.

use std::sync::Arc;

use patchcore_config::{BankSize, LevelScaling};
use rayon::prelude::*;

use super::cover::{cover_new, prefix_within};
use super::held::{Held, nearest_of};
use super::rules::{BankRules, BuiltBank};
use super::selection::Selection;
use crate::coverage::{Coverage, CoverageMeter, rounded_up};
use crate::device::ComputeDevice;
use crate::engine::{Engine, engine_of};
use crate::error::FitError;
use crate::extractor::scale_rows;
use crate::level_variances::{SCALE_CHUNK, total_variances};
use crate::memory_bank::{BankError, MemoryBank, PatchOrigin};
use crate::nearest_neighbor::NearestNeighborIndex;

/// A bank that grows: see [`crate::bank_builder`].
///
/// ```
/// use patchcore_config::{BankDtype, BankSize, ProjectionRule, StartRule};
/// use patchcore_core::bank_builder::{BankBuilder, BankRules};
/// use patchcore_core::memory_bank::PatchOrigin;
/// # #[cfg(feature = "cpu")]
/// # fn main() -> Result<(), patchcore_core::error::FitError> {
/// # let device = patchcore_core::ComputeDevice::cpu();
/// let rules = BankRules {
///     dim: 1,
///     projection: ProjectionRule::None,
///     start: StartRule::FarthestFromMean,
///     seed: 0,
///     size: BankSize::Rows(2),
///     dtype: BankDtype::F32,
///     levels: Vec::new(),
///     announced: None,
///     capacity: Some(8),
/// };
/// let mut builder = BankBuilder::new(rules, &device);
/// for photo in 0..1000 {
///     let row = if photo % 2 == 0 { 1.0 } else { 5.0 };
///     builder.add(&[row], &[PatchOrigin { image: photo, row: 0, column: 0 }])?;
/// }
/// let built = builder.finish(&mut |_, _| true)?;
/// assert_eq!((built.bank.len(), built.coverage.radius), (2, 0.0));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "cpu"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct BankBuilder {
    rules: BankRules,
    device: ComputeDevice,
    engine: Arc<dyn Engine>,
    held: Held,
    /// Rows that came.
    seen: u64,
    is_reduced: bool,
    /// What the levels are multiplied by, once it is known, and the same for each value of a row.
    factors: Vec<f32>,
    scales: Vec<f32>,
}

/// A bank, and everything that came where nothing of it was dropped.
pub(crate) struct Built {
    pub bank: BuiltBank,
    /// All rows `[n, dim]`, levels scaled, and their origins; `None` where the rows did not fit.
    pub all: Option<(Vec<f32>, Vec<PatchOrigin>)>,
}

impl BankBuilder {
    /// A bank without rows.
    pub fn new(rules: BankRules, device: &ComputeDevice) -> Self {
        Self::on_engine(rules, device, engine_of(device))
    }

    pub(crate) fn on_engine(rules: BankRules, device: &ComputeDevice, engine: Arc<dyn Engine>) -> Self {
        let held = Held { dim: rules.dim.max(1), ..Held::default() };
        let (factors, scales) = (Vec::new(), Vec::new());
        Self { rules, device: device.clone(), engine, held, seen: 0, is_reduced: false, factors, scales }
    }

    /// Rows that came.
    pub fn patches(&self) -> u64 {
        self.seen
    }

    /// Rows that are held.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether rows have been dropped, because they were more than may be held.
    pub fn is_reduced(&self) -> bool {
        self.is_reduced
    }

    /// Where nothing was dropped: all rows so far, unscaled, and their origins.
    pub(crate) fn all(&self) -> Option<(&[f32], &[PatchOrigin])> {
        (!self.is_reduced).then_some((self.held.rows.as_slice(), self.held.origins.as_slice()))
    }

    /// Adds rows `[n, dim]`, with an origin each; their levels are not scaled yet where that is the builder's to do.
    ///
    /// # Errors
    /// [`FitError::Bank`] for what are not whole rows with an origin each, or not finite, and the bank is as it was before.
    /// [`FitError::CapacityTooSmall`], [`FitError::CoverageOverBudget`] and [`FitError::Device`], where rows have to be dropped: then the
    /// builder is of no use any more.
    pub fn add(&mut self, rows: &[f32], origins: &[PatchOrigin]) -> Result<(), FitError> {
        let dim = self.held.dim;
        if rows.len() != origins.len() * dim {
            return Err(BankError::Origins { rows: rows.len() / dim, found: origins.len() }.into());
        }
        if let Some((at, value)) = rows.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(BankError::NotFinite { row: at / dim, value: *value }.into());
        }
        self.reserve();
        let (mut rows, mut origins) = (rows, origins);
        while !origins.is_empty() {
            let room = self.rules.capacity.map_or(origins.len(), |capacity| capacity.saturating_sub(self.held.len()));
            if room == 0 {
                self.reduce()?;
                continue;
            }
            let now = room.min(origins.len());
            let (of_now, later) = origins.split_at(now);
            let (rows_now, rows_later) = rows.split_at(now * dim);
            let first = self.held.rows.len();
            self.held.rows.extend_from_slice(rows_now);
            if let (false, Some(new)) = (self.scales.is_empty(), self.held.rows.get_mut(first..)) {
                scale_rows(new, &self.scales);
            }
            self.held.origins.extend_from_slice(of_now);
            self.seen += now as u64;
            (rows, origins) = (rows_later, later);
        }
        Ok(())
    }

    /// Takes rows back, so that so many are left, where none has been dropped.
    pub(crate) fn truncate(&mut self, patches: u64) {
        if let (false, Ok(left)) = (self.is_reduced, usize::try_from(patches)) {
            self.held.origins.truncate(left);
            self.held.rows.truncate(left.saturating_mul(self.held.dim));
            self.seen = self.held.origins.len() as u64;
        }
    }

    /// Room for what will come, once and no more: a vector that grows by itself takes up to twice as much.
    fn reserve(&mut self) {
        if let (0, Some(capacity)) = (self.seen, self.rules.capacity) {
            let announced = self.rules.announced.map_or(capacity, |announced| announced.min(capacity as u64) as usize);
            // Without that much memory it grows as far as it comes.
            if self.held.rows.try_reserve_exact(announced.saturating_mul(self.held.dim)).is_ok() {
                self.held.origins.reserve_exact(announced);
            }
        }
    }

    fn selection(&self) -> Selection<'_> {
        let BankRules { projection, start, seed, .. } = self.rules;
        Selection { engine: self.engine.as_ref(), dim: self.held.dim, projection, start, seed }
    }

    /// Measures and applies the factors of the levels, by the rows that are held, where that has not been done.
    fn scale(&mut self) {
        if self.rules.levels.is_empty() || !self.factors.is_empty() {
            return;
        }
        let dim = self.held.dim;
        let variances = total_variances(&self.held.rows, dim, &self.rules.levels);
        self.factors = LevelScaling::EQUAL_VARIANCE.after_the_fit(&variances).factors().to_vec();
        let of_level = |(values, factor): (&std::ops::Range<usize>, &f32)| std::iter::repeat_n(*factor, values.len());
        self.scales = self.rules.levels.iter().zip(&self.factors).flat_map(of_level).collect();
        let scales = &self.scales;
        self.held.rows.par_chunks_mut(SCALE_CHUNK * dim).for_each(|rows| scale_rows(rows, scales));
    }

    /// Makes room: a block is full.
    fn reduce(&mut self) -> Result<(), FitError> {
        self.scale();
        self.is_reduced = true;
        let capacity = self.rules.capacity.unwrap_or(usize::MAX);
        let patches = self.rules.announced.unwrap_or(0).max(self.seen);
        let count = usize::try_from(patches).unwrap_or(usize::MAX);
        let Some(rows) = self.rules.rows_of(patches) else { return self.cover(count) };
        let rows = rows.max(1);
        if capacity < rows.saturating_mul(4) {
            return Err(FitError::CapacityTooSmall { capacity, rows });
        }
        let (target, most) = (2 * rows, rows.saturating_mul(8).min(capacity / 2));
        if self.held.kept() + target > most && self.held.kept() > 0 {
            return self.reduce_all(target, count, &mut |_| true);
        }
        let selection = self.selection();
        let (kept, new) = self.held.split();
        let features = selection.features(new, count)?;
        let initial = match kept.is_empty() {
            true => selection.start(&features),
            false => {
                let kept = selection.features(kept, count)?;
                nearest_of(self.engine.as_ref(), &features.values, &kept.values, features.width)?
            }
        };
        // What equals a kept row adds nothing.
        let apart = if kept.is_empty() { initial.len() } else { initial.iter().filter(|start| **start > 0.0).count() };
        let before = self.held.kept();
        let picks = selection.pick(&features, &initial, target.min(apart), &mut |_| true)?;
        drop(features);
        let picks = self.held.without_copies(picks.into_iter().map(|pick| before + pick).collect(), before);
        let engine = Arc::clone(&self.engine);
        self.held.keep_of_new(&picks, engine.as_ref())
    }

    /// Reduces everything that is held to so many rows.
    fn reduce_all(
        &mut self,
        target: usize,
        patches: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<(), FitError> {
        let selection = self.selection();
        let features = selection.features(&self.held.rows, patches)?;
        let initial = selection.start(&features);
        let picks = selection.pick(&features, &initial, target.min(self.held.len()), progress)?;
        drop(features);
        let picks = self.held.without_copies(picks, 0);
        let engine = Arc::clone(&self.engine);
        self.held.keep_of_all(&picks, engine.as_ref())
    }

    /// Keeps what the coverage asks for.
    fn cover(&mut self, patches: usize) -> Result<(), FitError> {
        let BankSize::Coverage(within) = self.rules.size else { return Ok(()) };
        let BankRules { projection, start, seed, dtype, capacity, .. } = self.rules;
        let (dim, engine) = (self.held.dim, Arc::clone(&self.engine));
        let selection = Selection { engine: engine.as_ref(), dim, projection, start, seed };
        // The other half of the room is for new rows.
        let most = capacity.map_or(usize::MAX, |capacity| capacity / 2);
        if most == 0 {
            return Err(FitError::CoverageOverBudget { radius: within as f32, rows: most });
        }
        cover_new(&mut self.held, &selection, patches, within as f32, most, dtype)
    }

    /// How many rows the bank will have, or at most where its coverage decides.
    pub(crate) fn rows_to_come(&self) -> usize {
        self.rules.rows_of(self.seen).unwrap_or(usize::MAX).min(self.held.len())
    }

    /// Selects the bank's rows and measures what they cover. `progress` gets picks so far and their total, or where the coverage decides
    /// how many there are at most, and returns false to stop.
    ///
    /// # Errors
    /// [`FitError::NoImages`] without rows, [`FitError::EmptyCoreset`] where none is to be picked, [`FitError::Cancelled`],
    /// [`FitError::Device`], [`FitError::Bank`], and as [`BankBuilder::add`].
    pub fn finish(self, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<BuiltBank, FitError> {
        let total = self.rows_to_come();
        Ok(self.build(&mut |picked| progress(picked, total))?.bank)
    }

    /// [`BankBuilder::finish`], with the rows where all are held.
    pub(crate) fn build(mut self, progress: &mut dyn FnMut(usize) -> bool) -> Result<Built, FitError> {
        if self.seen == 0 {
            return Err(FitError::NoImages);
        }
        if let (BankSize::Ratio(ratio), Some(0)) = (self.rules.size, self.rules.rows_of(self.seen)) {
            let patches = usize::try_from(self.seen).unwrap_or(usize::MAX);
            return Err(FitError::EmptyCoreset { ratio, patches, smallest: 1.0 / self.seen as f64 });
        }
        self.scale();
        if self.is_reduced { self.build_reduced(progress) } else { self.build_whole(progress) }
    }

    /// All rows are here: the greedy selection over them, and every distance measured.
    fn build_whole(self, progress: &mut dyn FnMut(usize) -> bool) -> Result<Built, FitError> {
        let selection = self.selection();
        let rows = &self.held.rows;
        let picks = match (self.rules.rows_of(self.seen), self.rules.size) {
            (None, BankSize::Coverage(within)) => {
                let features = selection.features(rows, self.held.len())?;
                let initial = selection.start(&features);
                prefix_within(&selection, rows, &features, initial, within as f32, self.rules.dtype, progress)?
            }
            (count, _) => selection.whole(rows, count.unwrap_or(usize::MAX), progress)?,
        };
        let origins = picks.iter().filter_map(|pick| self.held.origins.get(*pick).copied()).collect();
        let bank = MemoryBank::new(self.held.dim, self.held.gathered(&picks), origins)?.with_dtype(self.rules.dtype)?;
        let index = NearestNeighborIndex::with_engine(bank.clone(), self.engine.as_ref(), &self.device)?;
        let mut meter = CoverageMeter::default();
        meter.add(&index, rows)?;
        let coverage = meter.coverage().ok_or(FitError::NoImages)?;
        let bank = BuiltBank { bank, coverage, level_factors: self.factors };
        Ok(Built { bank, all: Some((self.held.rows, self.held.origins)) })
    }

    /// Rows were dropped: what is held is reduced a last time, and the bounds say what is covered.
    fn build_reduced(mut self, progress: &mut dyn FnMut(usize) -> bool) -> Result<Built, FitError> {
        let count = usize::try_from(self.seen).unwrap_or(usize::MAX);
        match self.rules.rows_of(self.seen) {
            None => self.cover(count)?,
            Some(rows) => self.reduce_all(rows, count, progress)?,
        }
        let Held { dim, rows, origins, bounds } = self.held;
        let bank = MemoryBank::new(dim, rows.clone(), origins)?.with_dtype(self.rules.dtype)?;
        // What the format of the bank rounds away; a coverage has been chosen by the rounded rows.
        let is_rounded = self.rules.rows_of(self.seen).is_some();
        let mut radius = 0.0f32;
        for ((bound, row), kept) in bounds.iter().zip(rows.chunks_exact(dim)).zip(bank.rows().chunks_exact(dim)) {
            let moved = if is_rounded { patchcore_cpu::search::squared_distance(row, kept).sqrt() } else { 0.0 };
            radius = radius.max(rounded_up(f64::from(*bound) + moved));
        }
        let coverage = Coverage::bound(radius, self.seen);
        Ok(Built { bank: BuiltBank { bank, coverage, level_factors: self.factors }, all: None })
    }
}
