//! A model that learns from further photos of good parts, in seconds and without the photos of its fit.

use std::collections::HashSet;

use patchcore_config::{BankSize, ImageScoreRule};
use patchcore_core::coverage::Coverage;
use patchcore_core::error::FitError;
use patchcore_core::model_file::{ChangeKind, InputsSeen, Sections, TrainingPhoto};
use patchcore_core::{PatchCollector, PatchCore};
use patchcore_io::{Limits, NetworkInput};

use crate::changed_model::ModelChange;
use crate::error::Error;
use crate::extend_options::ExtendOptions;
use crate::fit_in_progress::{core_input, training_photo};
use crate::inputs_seen::add_inputs;
use crate::into_photo::{Digest, IntoPhoto, Known, digest_of};
use crate::known_photos::KnownPhotos;
use crate::model::Model;
use crate::prepared::{known_length, prepared};
use crate::progress::{Stage, Teller};
use crate::remarks::{Remark, Remarks};
use crate::span::enter;
use crate::threads::Threads;
use crate::threshold_fate::ThresholdFate;

/// What a caller cancels here.
const EXTENSION: &str = "extension";

/// What an extension did.
#[derive(Debug)]
#[non_exhaustive]
pub struct ExtendReport {
    /// The extended model.
    pub model: Model,
    /// Photos that were added.
    pub added: usize,
    /// Photos that the model has already, by their pixels: they change nothing.
    pub already: Vec<String>,
    /// Photos that could not be used: their names, with the reason.
    pub rejected: Vec<(String, Error)>,
    /// What is odd about photos that were added.
    pub remarks: Remarks,
    /// Rows that each member's bank has gained.
    pub rows_added: Vec<usize>,
    /// The coverage of each member's bank before; empty where it is not known.
    pub coverage_before: Vec<Coverage>,
    /// And after.
    pub coverage_after: Vec<Coverage>,
    /// What became of the thresholds.
    pub thresholds: ThresholdFate,
}

impl Model {
    /// The model with the patches of further photos of good parts: the false alarms of a week, another lot, another light. Every row of the
    /// banks stays, and those new patches are added that are farthest from them. So no patch's distance to the bank rises, and no score,
    /// but by equation 7 ([`ImageScoreRule::Reweighted`]).
    ///
    /// Photos that the model has already are known by their pixels, left out and reported; so is a second copy among the new ones.
    /// Thresholds stay, for no more good parts are called anomalous than before; they are stale with equation 7, and where a photo brings an
    /// input of another size. The coverage of the new patches is measured. Factors of levels and weights of members stay those of the fit.
    ///
    /// Cost: the network once for every new photo, and a selection among their patches, which are held meanwhile.
    ///
    /// # Errors
    /// [`Error::NoUsablePhoto`]; [`Error::Fit`] without any photo, and for a model over a bank from elsewhere; [`Error::Config`] for options
    /// that are not possible; [`Error::Cancelled`], and whatever is not a single photo's fault.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{ExtendOptions, Model, Save, good_images};
    ///
    /// let model = Model::load("part.patchcore")?;
    /// let false_alarms = good_images("this_week/good_after_all".as_ref())?;
    /// let report = model.extend(false_alarms, ExtendOptions::default().date("2026-11-27"))?;
    /// println!("{} photos, {:?} rows; {}", report.added, report.rows_added, report.thresholds);
    /// report.model.save("part.patchcore", Save::WithWeights)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn extend<S>(&self, photos: S, options: ExtendOptions<'_>) -> Result<ExtendReport, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        enter!("extend");
        let size = match options.size()? {
            Some(size) => size,
            None => self.usual_extension(),
        };
        let ExtendOptions { limits, mut progress, threads, date, .. } = options;
        let threads = Threads::told(threads.is_none().then(|| self.threads.clone()), threads)?;
        let mut collector = PatchCollector::new(&self.core);
        let new = self.new_photos(photos, limits, &mut progress, &threads, &mut collector)?;
        let NewPhotos { photos, inputs, already, mut rejected, remarks, .. } = new;
        if photos.is_empty() && already.is_empty() && !rejected.is_empty() {
            let count = rejected.len();
            let (name, first) = rejected.swap_remove(0);
            return Err(Error::NoUsablePhoto { count, name, first: Box::new(first) });
        }
        let coverage_before = self.coverage().to_vec();
        if photos.is_empty() && !already.is_empty() {
            let thresholds = match (self.stale_thresholds(), self.has_own_thresholds()) {
                (Some(_), _) => ThresholdFate::Stale,
                (None, true) => ThresholdFate::Kept,
                (None, false) => ThresholdFate::None,
            };
            let (rows_added, coverage_after) = (vec![0; self.banks().len()], coverage_before.clone());
            let model = Self { threads, ..self.clone() };
            let report = ExtendReport {
                model,
                added: 0,
                already,
                rejected,
                remarks,
                rows_added,
                coverage_before,
                coverage_after,
                thresholds,
            };
            return Ok(report);
        }
        let extended =
            threads.run_telling(Stage::Coreset, &mut progress, |tell| self.core.extended(&collector, size, tell));
        let extended = extended.map_err(|error| Error::from(error).of_whole(EXTENSION))?;
        let sizes = |core: &PatchCore| core.config().view.sizes.sizes_of_the_fit().count();
        let has_new_size = sizes(&extended) > sizes(&self.core);
        let before = self.rows_of_banks();
        let mut sections = Sections::clone(&self.sections);
        sections.photos = self.numbered_photos();
        sections.photos.extend_from_slice(&photos);
        if !inputs.sizes.is_empty() {
            add_inputs(sections.inputs.get_or_insert_default(), &inputs);
        }
        let breaks_thresholds = has_new_size || self.config().image_score == ImageScoreRule::Reweighted;
        let (kind, removed) = (ChangeKind::Extend, &[][..]);
        let change = ModelChange { kind, date, added: &photos, removed, breaks_thresholds, threads };
        let (model, thresholds) = self.becoming(extended, sections, change);
        let rows_added = model.rows_of_banks().into_iter().zip(before).map(|(after, before)| after - before).collect();
        let (added, coverage_after) = (photos.len(), model.coverage().to_vec());
        Ok(ExtendReport {
            model,
            added,
            already,
            rejected,
            remarks,
            rows_added,
            coverage_before,
            coverage_after,
            thresholds,
        })
    }

    /// The photos that are new to the model, and their patches.
    fn new_photos<S>(
        &self,
        photos: S,
        limits: Limits,
        progress: &mut Teller<'_>,
        threads: &Threads,
        collector: &mut PatchCollector,
    ) -> Result<NewPhotos, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        let (known, photos) = (KnownPhotos::new(self), photos.into_iter());
        let total = known_length(&photos);
        let mut new = NewPhotos::default();
        for (done, (name, input)) in prepared(self.config(), limits, Known::Identity, photos).enumerate() {
            match input {
                Err(error) => new.rejected.push((name, error)),
                Ok(input) if known.index_of(&name, &input).is_some() || new.has(&input) => new.already.push(name),
                Ok(input) => match threads.run(|| collector.add(core_input(&input), input.inside.as_deref())) {
                    Ok(()) => {
                        new.seen.extend(digest_of(&input));
                        new.remarks.note(&name, &self.remarks_on_new(&input));
                        new.photos.push(training_photo(name, &input, &mut new.inputs));
                    }
                    Err(error @ (FitError::Device(_) | FitError::NotFinite { .. })) => return Err(error.into()),
                    Err(error) => new.rejected.push((name, error.into())),
                },
            }
            if progress.tell(Stage::Features, done + 1, total).is_break() {
                return Err(Error::Cancelled { what: EXTENSION });
            }
        }
        Ok(new)
    }

    /// How many rows new photos bring where nobody says it.
    fn usual_extension(&self) -> BankSize {
        let config = self.config();
        match config.bank_size() {
            BankSize::Rows(_) => {
                let share = self.core.bank_rows() as f64 / self.fitted_on().patches.max(1) as f64;
                BankSize::Ratio(share.min(1.0))
            }
            size => size,
        }
    }

    /// What is odd about a photo that is added: compared with those that the model has seen.
    fn remarks_on_new(&self, input: &NetworkInput) -> Vec<Remark> {
        let in_a_fit = |remark: Remark| match remark {
            Remark::OtherShape => Remark::ManyShapes,
            Remark::OtherKind => Remark::ManyKinds,
            remark => remark,
        };
        Remark::of_scored(input, self.config(), self.inputs_seen()).into_iter().map(in_a_fit).collect()
    }
}

/// The photos of an extension.
#[derive(Default)]
struct NewPhotos {
    photos: Vec<TrainingPhoto>,
    inputs: InputsSeen,
    already: Vec<String>,
    rejected: Vec<(String, Error)>,
    remarks: Remarks,
    /// What they show.
    seen: HashSet<Digest>,
}

impl NewPhotos {
    /// Whether one of them shows the same.
    fn has(&self, input: &NetworkInput) -> bool {
        digest_of(input).is_some_and(|digest| self.seen.contains(&digest))
    }
}
