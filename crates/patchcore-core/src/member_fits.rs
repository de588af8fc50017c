//! What a fit holds of each member: its growing bank, and beside a budget of memory what good photos are measured by in the end.

use crate::bank_builder::{BankBuilder, BankRules};
use crate::error::FitError;
use crate::extractor::{Extractor, scale_rows};
use crate::fit_budget::{budget_plan, patches_of};
use crate::fit_samples::{EvenSample, WholePhotos};
use crate::fitted_patches::SomeRows;
use crate::memory_bank::{MemoryBank, PatchOrigin};
use patchcore_config::{LevelScaling, PatchCoreConfig};

/// One member's patches.
#[derive(Debug)]
pub(crate) struct MemberFit {
    pub builder: BankBuilder,
    /// For each photo the end of its own rows, without its copies'; as long as all are held.
    pub own: Vec<usize>,
}

/// What a fit with a budget keeps of photos.
#[derive(Debug)]
pub(crate) struct Samples {
    /// The rows of the photo, or of the batch, that is not in the banks yet: one for each member.
    pub waiting: Vec<SomeRows>,
    /// Patches to measure good scores by: one for each member.
    pub even: Vec<EvenSample>,
    pub whole: WholePhotos,
    /// The first member's rows of the first photos, for suggestions.
    pub first: Vec<Vec<f32>>,
}

/// Bytes of whole photos that are kept beside a budget.
pub(crate) fn most_sample_bytes(budget: u64) -> u64 {
    budget / 8
}

/// The banks of a fit that has no photo yet. `announced`: patches on the finest grid that will come.
///
/// # Errors
/// [`FitError::BudgetTooSmall`].
pub(crate) fn member_fits(extractor: &Extractor, announced: Option<u64>) -> Result<Vec<MemberFit>, FitError> {
    let config = extractor.config();
    let plan = budget_plan(config, announced)?;
    let (finest, _) = config.strides();
    let members = config.members.iter().zip(extractor.members()).enumerate().map(|(number, (rules, shape))| {
        let levels = match rules.level_scaling {
            LevelScaling::None => Vec::new(),
            LevelScaling::EqualVariance { .. } => rules.embedding.values_of_levels(&rules.channels_of_layers()),
        };
        let rules = BankRules {
            dim: shape.dim,
            projection: rules.projection,
            start: rules.start,
            seed: config.seed,
            size: config.bank_size(),
            dtype: config.bank_dtype,
            levels,
            announced: announced.map(|patches| patches_of(rules, finest, patches)),
            capacity: plan.as_ref().and_then(|plan| plan.capacities.get(number)).copied(),
        };
        let builder = BankBuilder::on_engine(rules, extractor.device(), extractor.shared_engine());
        MemberFit { builder, own: Vec::new() }
    });
    Ok(members.collect())
}

impl Samples {
    /// Of a fit that has no photo yet; `None` where all patches are held.
    pub fn of(extractor: &Extractor) -> Option<Self> {
        let shapes = extractor.members();
        extractor.config().memory.map(|budget| Self {
            waiting: vec![SomeRows::default(); shapes.len()],
            even: shapes.iter().map(|shape| EvenSample::new(shape.dim)).collect(),
            whole: WholePhotos::new(most_sample_bytes(budget)),
            first: Vec::new(),
        })
    }

    /// The same with levels scaled as an extractor's are.
    pub fn scaled(mut self, extractor: &Extractor) -> Self {
        for (number, shape) in extractor.members().iter().enumerate() {
            let Some(scales) = shape.scales() else { continue };
            if let Some(even) = self.even.get_mut(number) {
                scale_rows(&mut even.some.rows, scales);
            }
            for photo in &mut self.whole.photos {
                if let Some(some) = photo.members.get_mut(number) {
                    scale_rows(&mut some.rows, scales);
                }
            }
        }
        self
    }
}

/// One member's bank, with all patches where none has been dropped.
pub(crate) struct BuiltMember {
    pub bank: MemoryBank,
    pub own: Vec<usize>,
    pub all: Option<(Vec<f32>, Vec<PatchOrigin>)>,
}

impl BuiltMember {
    pub fn of_image(&self, image: usize) -> (&[f32], &[PatchOrigin]) {
        match &self.all {
            Some((rows, origins)) => of_image(self.bank.dim(), rows, origins, &self.own, image),
            None => (&[], &[]),
        }
    }
}

impl MemberFit {
    /// The rows of one photo, without its copies', where all are held.
    pub fn of_image(&self, dim: usize, image: usize) -> (&[f32], &[PatchOrigin]) {
        match self.builder.all() {
            Some((rows, origins)) => of_image(dim, rows, origins, &self.own, image),
            None => (&[], &[]),
        }
    }
}

/// Of all rows `[n, dim]` those of one photo, without its copies', and where they come from. `own`: the end of each photo's own.
fn of_image<'a>(
    dim: usize,
    rows: &'a [f32],
    origins: &'a [PatchOrigin],
    own: &[usize],
    image: usize,
) -> (&'a [f32], &'a [PatchOrigin]) {
    // Photos were added one after the other.
    let from = origins.partition_point(|origin| (origin.image as usize) < image);
    let to = own.get(image).copied().unwrap_or(from);
    (rows.get(from * dim..to * dim).unwrap_or_default(), origins.get(from..to).unwrap_or_default())
}

/// Adds rows to what waits, or where nothing is ever dropped to the member's bank.
pub(crate) fn add_rows(
    members: &mut [MemberFit],
    samples: Option<&mut Samples>,
    member: usize,
    rows: &[f32],
    origins: &[PatchOrigin],
    added: &mut Result<(), FitError>,
) {
    if let Some(samples) = samples {
        if let Some(waiting) = samples.waiting.get_mut(member) {
            waiting.add(rows, origins);
        }
    } else if let (Ok(()), Some(member)) = (&added, members.get_mut(member)) {
        *added = member.builder.add(rows, origins);
    }
}

/// Refuses a bank that would have too few rows.
pub(crate) fn check_bank_rows(config: &PatchCoreConfig, patches: u64) -> Result<(), FitError> {
    let patches = usize::try_from(patches).unwrap_or(usize::MAX);
    let count = config.coreset_size(patches);
    if count == 0 {
        let ratio = config.coreset_sampling_ratio;
        return Err(FitError::EmptyCoreset { ratio, patches, smallest: 1.0 / patches as f64 });
    }
    if config.bank_rows_needed() > count {
        return Err(FitError::TooFewRows { num_neighbors: config.num_neighbors, rows: count });
    }
    Ok(())
}
