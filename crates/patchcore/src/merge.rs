//! Several models as one: of shards of a data set, of lines, of shifts.

use std::collections::HashMap;
use std::ops::ControlFlow;

use patchcore_config::BankSize;
use patchcore_config::backbone::ActivationRanges;
use patchcore_core::PatchCore;
use patchcore_core::coverage::Coverage;
use patchcore_core::model_file::{ChangeKind, Sections, Thumbnail, TrainingPhoto};

use crate::changed_model::ModelChange;
use crate::config_difference::{Difference, first_difference};
use crate::error::Error;
use crate::extend_options::one_size;
use crate::inputs_seen::add_inputs;
use crate::into_photo::Digest;
use crate::model::Model;
use crate::progress::{Progress, Stage, Teller};
use crate::span::enter;
use crate::threshold_fate::ThresholdFate;

/// Options of [`Model::merge`]. Start from [`MergeOptions::default`].
#[derive(Debug, Default)]
pub struct MergeOptions<'a> {
    progress: Teller<'a>,
    date: Option<String>,
    bank_rows: Option<usize>,
    ratio: Option<f64>,
}

impl<'a> MergeOptions<'a> {
    /// Told before the banks are joined, and while they are reduced; [`ControlFlow::Break`] ends it with [`Error::Cancelled`].
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Teller::new(progress);
        self
    }

    /// When it is done, for the model's history, as the caller writes dates. Default: not said.
    #[must_use]
    pub fn date(mut self, date: impl Into<String>) -> Self {
        self.date = Some(date.into());
        self
    }

    /// Rows that each bank is reduced to. Default: all rows of all models.
    #[must_use]
    pub fn bank_rows(mut self, rows: usize) -> Self {
        self.bank_rows = Some(rows);
        self
    }

    /// Share of the patches of all models that each bank is reduced to, in `(0, 1]`. Default: all rows of all models.
    #[must_use]
    pub fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = Some(ratio);
        self
    }
}

/// What a merge did.
#[derive(Debug)]
#[non_exhaustive]
pub struct MergeReport {
    /// The merged model.
    pub model: Model,
    /// Its photos.
    pub photos: usize,
    /// Photos that several models have, or one has twice, by their pixels: each is listed once.
    pub copies: usize,
    /// Rows of each member's bank in all models together.
    pub rows_before: Vec<usize>,
    /// Rows of each member's bank of the merged model.
    pub rows: Vec<usize>,
    /// The coverage of each member's bank; empty where a model does not know its own.
    pub coverage_after: Vec<Coverage>,
    /// What became of the thresholds: the first model's that has some are stale.
    pub thresholds: ThresholdFate,
}

impl Model {
    /// Models as one that knows the good parts of all of them: the union of their banks' rows, or a reduction of it. They must compute the
    /// same: one configuration, but for what a fit measures (sizes of inputs, factors of levels, weights of members) and its budget of
    /// memory, and the same networks. Measured things are the first model's; rows of other factors are scaled to its own.
    ///
    /// Photos that several models have are listed once. The coverage radius is the largest of the models', and where the banks are reduced
    /// the largest way of a row to its nearest one that stays is added. Thresholds are stale, the history is that of all models.
    ///
    /// Networks of int8 have ranges that each fit measures by its own photos: models of different ranges see other features, and are
    /// refused.
    ///
    /// # Errors
    /// [`Error::TooFewModels`]; [`Error::ModelsDiffer`], with the first difference; [`Error::Config`] for options that are not possible;
    /// [`Error::Fit`], also for a model over a bank from elsewhere; [`Error::Cancelled`].
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{MergeOptions, Model, Save};
    ///
    /// let shards = (1..=4).map(|shard| Model::load(format!("shard-{shard}.patchcore")));
    /// let shards = shards.collect::<Result<Vec<Model>, _>>()?;
    /// let report = Model::merge(&shards, MergeOptions::default().bank_rows(4096).date("2026-11-30"))?;
    /// println!("{} photos, {:?} of {:?} rows", report.photos, report.rows, report.rows_before);
    /// report.model.save("part.patchcore", Save::WithWeights)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn merge(models: &[Model], options: MergeOptions<'_>) -> Result<MergeReport, Error> {
        enter!("merge");
        let MergeOptions { mut progress, date, bank_rows, ratio } = options;
        let size = one_size([ratio.map(BankSize::Ratio), bank_rows.map(BankSize::Rows)])?;
        let (first, others) = match models {
            [first, others @ ..] if !others.is_empty() => (first, others),
            _ => return Err(Error::TooFewModels { found: models.len() }),
        };
        for (number, other) in (2..).zip(others) {
            if let Some(Difference { name, a, b }) = first.difference(other) {
                return Err(Error::ModelsDiffer { name: name.into(), a: a.into(), b: b.into(), number });
            }
        }
        let mut photos = JointPhotos::default();
        let places: Vec<Vec<u32>> = models.iter().map(|model| photos.add(model)).collect();
        let images = photos.photos.len();
        let cores: Vec<PatchCore> = models.iter().map(|model| PatchCore::clone(&model.core)).collect();
        if progress.tell(Stage::Coreset, 0, 0).is_break() {
            return Err(Error::Cancelled { what: "merge" });
        }
        let merged = first
            .threads
            .run_telling(Stage::Coreset, &mut progress, |tell| PatchCore::merged(&cores, &places, size, tell));
        let merged = merged.map_err(|error| Error::from(error).of_whole("merge"))?;
        let rows_of =
            |member: usize| models.iter().filter_map(|model| model.rows_of_banks().get(member).copied()).sum();
        let rows_before = (0..first.banks().len()).map(rows_of).collect();
        let mut sections = Sections::clone(&first.sections);
        sections.history = models.iter().flat_map(Model::history_so_far).collect();
        for other in others {
            if let Some(inputs) = other.inputs_seen() {
                add_inputs(sections.inputs.get_or_insert_default(), inputs);
            }
        }
        (sections.photos, sections.thumbnails) = (photos.photos, photos.thumbnails);
        // The thresholds that may have been judged by last.
        let judged = models.iter().find(|model| model.has_own_thresholds() || model.stale_thresholds().is_some());
        let (kind, threads) = (ChangeKind::Merge, first.threads.clone());
        let change = ModelChange { kind, date, added: &[], removed: &[], breaks_thresholds: true, threads };
        let (model, thresholds) = judged.unwrap_or(first).becoming(merged, sections, change);
        let model = Self { folder: first.folder.clone(), ..model };
        Ok(MergeReport {
            photos: images,
            copies: photos.copies,
            rows_before,
            rows: model.rows_of_banks(),
            coverage_after: model.coverage().to_vec(),
            thresholds,
            model,
        })
    }

    /// The first thing in which another model computes something else.
    fn difference(&self, other: &Self) -> Option<Difference> {
        let networks = |model: &Self| -> Vec<(String, String)> {
            let owned = |(name, sha256): (&str, &str)| (name.to_owned(), sha256.to_owned());
            model.core.extractor().networks().map(owned).collect()
        };
        let of_networks = || {
            let differs = networks(self).into_iter().zip(networks(other)).find(|(one, other)| one != other);
            let ((name, a), (_, b)) = differs?;
            Some(Difference { name: format!("the digest of the weights of {name}"), a, b })
        };
        let of_ranges = || {
            let pairs = self.core.extractor().ranges().iter().zip(other.core.extractor().ranges());
            pairs.into_iter().find_map(|(one, other)| differing_range(one, other))
        };
        first_difference(self.config(), other.config()).or_else(of_networks).or_else(of_ranges)
    }
}

/// The first channel of a network of int8 that two models clip at different values.
fn differing_range(one: &ActivationRanges, other: &ActivationRanges) -> Option<Difference> {
    for (map, (a, b)) in one.slots.iter().zip(&other.slots).enumerate() {
        let channels = a.low.iter().zip(&a.high).zip(b.low.iter().zip(&b.high)).enumerate();
        for (channel, (a, b)) in channels {
            if a != b {
                let shown = |(low, high): (&f32, &f32)| format!("{low} to {high}");
                let name = format!("the range of int8 of map {map}, channel {channel}");
                return Some(Difference { name, a: shown(a), b: shown(b) });
            }
        }
    }
    None
}

/// The photos of several models, each that is known by its pixels once.
#[derive(Default)]
struct JointPhotos {
    photos: Vec<TrainingPhoto>,
    thumbnails: Vec<Thumbnail>,
    copies: usize,
    by_digest: HashMap<Digest, u32>,
}

impl JointPhotos {
    /// Adds a model's photos, and says where each of them stands.
    fn add(&mut self, model: &Model) -> Vec<u32> {
        let mut places = Vec::new();
        let mut is_new = Vec::new();
        for photo in model.numbered_photos() {
            let known = photo.sha256.and_then(|digest| self.by_digest.get(&digest).copied());
            let place = known.unwrap_or(self.photos.len() as u32);
            self.copies += usize::from(known.is_some());
            places.push(place);
            is_new.push(known.is_none());
            if known.is_none() {
                self.by_digest.extend(photo.sha256.map(|digest| (digest, place)));
                self.photos.push(photo);
            }
        }
        for kept in &model.sections.thumbnails {
            let at = kept.image as usize;
            if let Some(image) = places.get(at).copied()
                && (is_new.get(at) == Some(&true) || !self.thumbnails.iter().any(|kept| kept.image == image))
            {
                self.thumbnails.push(Thumbnail { image, ..kept.clone() });
            }
        }
        places
    }
}
