//! A model that forgets photos: a defective part among those of the fit, a photo that may not be kept.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
#[cfg(not(target_family = "wasm"))]
use std::path::PathBuf;

use patchcore_core::coverage::Coverage;
use patchcore_core::error::FitError;
use patchcore_core::model_file::{ChangeKind, Sections, Thumbnail, TrainingPhoto};
use patchcore_core::{PatchCollector, PatchCore};
use patchcore_io::Limits;

use crate::changed_model::ModelChange;
use crate::chosen_photos::chosen;
use crate::error::Error;
use crate::fit_in_progress::core_input;
use crate::into_photo::{IntoPhoto, Known, NamedPhoto, digest_of};
use crate::known_photos::KnownPhotos;
use crate::model::Model;
use crate::prepared::prepared;
use crate::progress::{Progress, Stage, Teller};
use crate::span::enter;
use crate::threshold_fate::ThresholdFate;

/// What a caller cancels here.
const FORGETTING: &str = "forgetting";

/// Options of [`Model::forget`]. Start from [`ForgetOptions::default`].
#[derive(Debug, Default)]
pub struct ForgetOptions<'a> {
    limits: Limits,
    progress: Teller<'a>,
    date: Option<String>,
    cover_with: Option<Vec<NamedPhoto>>,
}

impl<'a> ForgetOptions<'a> {
    /// What a file may hold, at most. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Told after every photo to cover from; [`ControlFlow::Break`] ends it with [`Error::Cancelled`].
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

    /// Photos of the fit, to cover again from what stays of them: where their patches are further from the banks than the radius was, rows
    /// are added until they are not. Those that the model does not know, or is to forget, are left out. Default: nothing is added.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn cover_with(self, files: Vec<PathBuf>) -> Self {
        self.cover_with_photos(files)
    }

    /// [`ForgetOptions::cover_with`] for photos in whatever form.
    #[must_use]
    pub fn cover_with_photos<S>(mut self, photos: S) -> Self
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        self.cover_with = Some(photos.into_iter().map(IntoPhoto::into_photo).collect());
        self
    }
}

/// What forgetting did.
#[derive(Debug)]
#[non_exhaustive]
pub struct ForgetReport {
    /// The model without the photos.
    pub model: Model,
    /// The names of all photos that it has forgotten: those named, and their copies.
    pub forgotten: Vec<String>,
    /// Rows that each member's bank has lost.
    pub rows_removed: Vec<usize>,
    /// Rows that each has gained from the photos to cover from.
    pub rows_added: Vec<usize>,
    /// Photos that were to cover from, and are none that stays: their names.
    pub unknown: Vec<String>,
    /// Photos to cover from that could not be used, with the reason.
    pub rejected: Vec<(String, Error)>,
    /// The coverage of each member's bank before; empty where it is not known.
    pub coverage_before: Vec<Coverage>,
    /// And after: a bound, unless all photos that stay were given to cover from.
    pub coverage_after: Vec<Coverage>,
    /// What became of the thresholds.
    pub thresholds: ThresholdFate,
}

impl Model {
    /// The model without some of its photos: their rows leave the banks, their names and small pictures the file. A photo is meant by the
    /// name that the model has of it ([`Model::training_photos`]), by the digest of its pixels (64 hex digits, or the first 8 or more of
    /// them), or by its file name where no other photo has that. Photos that show the same, pixel for pixel, are forgotten with it. The
    /// history keeps names and digests of what was forgotten.
    ///
    /// No patch of the photos that stay is further from the bank than the radius was and the way of a lost row to its nearest one that
    /// stays: the new radius, a bound. Scores may rise, so thresholds are stale then. How many photos of which size the model has seen
    /// ([`Model::inputs_seen`]) stays as it was, and so does what good photos of the fit scored.
    ///
    /// # Errors
    /// [`Error::UnknownPhoto`], [`Error::AmbiguousPhoto`], [`Error::NothingLeft`]; [`Error::Fit`] where too few rows stay;
    /// [`Error::Cancelled`].
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{ForgetOptions, Model, Save, good_images};
    ///
    /// let model = Model::load("part.patchcore")?;
    /// let options = ForgetOptions::default().cover_with(good_images("part/train".as_ref())?).date("2026-11-30");
    /// let report = model.forget(&["part/train/good/017.png".to_owned()], options)?;
    /// println!("forgotten: {:?}, {:?} rows; {}", report.forgotten, report.rows_removed, report.thresholds);
    /// report.model.save("part.patchcore", Save::WithWeights)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn forget(&self, photos: &[String], options: ForgetOptions<'_>) -> Result<ForgetReport, Error> {
        enter!("forget");
        let ForgetOptions { limits, mut progress, date, cover_with } = options;
        let of_model = self.numbered_photos();
        let gone = chosen(&of_model, photos)?;
        if gone.len() >= of_model.len() {
            return Err(Error::NothingLeft { photos: of_model.len() });
        }
        let mut cover = Covering::default();
        if let Some(photos) = cover_with {
            self.collect(photos, &gone, limits, &mut cover, &mut progress)?;
        }
        let Covering { patches, covered, unknown, rejected } = cover;
        let is_all = covered.len() + gone.len() == of_model.len();
        let (without, again) = self.threads.run(|| self.forgotten(&gone, patches.as_ref(), is_all))?;
        let lost = |before: &PatchCore, after: &PatchCore| -> Vec<usize> {
            let rows = |core: &PatchCore| core.members().iter().map(|member| member.bank().len()).collect::<Vec<_>>();
            rows(before).into_iter().zip(rows(after)).map(|(before, after)| before.abs_diff(after)).collect()
        };
        let (rows_removed, rows_added) = (lost(&self.core, &without), lost(&without, &again));
        let mut sections = Sections::clone(&self.sections);
        let in_order = || (0..).zip(&of_model);
        let those = |is_gone: bool| -> Vec<TrainingPhoto> {
            in_order().filter(|(index, _)| gone.contains(index) == is_gone).map(|(_, photo)| photo.clone()).collect()
        };
        let removed = those(true);
        sections.photos = those(false);
        sections.thumbnails.retain(|kept| !gone.contains(&kept.image));
        sections.thumbnails.iter_mut().for_each(|kept: &mut Thumbnail| kept.image = place_after(&gone, kept.image));
        let (kind, threads) = (ChangeKind::Forget, self.threads.clone());
        let change =
            ModelChange { kind, date, added: &[], removed: &removed, breaks_thresholds: !gone.is_empty(), threads };
        let (model, thresholds) = self.becoming(again, sections, change);
        Ok(ForgetReport {
            forgotten: removed.into_iter().map(|photo| photo.name).collect(),
            rows_removed,
            rows_added,
            unknown,
            rejected,
            coverage_before: self.coverage().to_vec(),
            coverage_after: model.coverage().to_vec(),
            thresholds,
            model,
        })
    }

    /// The core without photos, and that covered again from patches of photos that stay, where there are any. `is_all`: of all that do.
    fn forgotten(
        &self,
        gone: &BTreeSet<u32>,
        patches: Option<&PatchCollector>,
        is_all: bool,
    ) -> Result<(PatchCore, PatchCore), FitError> {
        let without = self.core.without_photos(&gone.iter().copied().collect::<Vec<u32>>())?;
        // Where nothing is known of what was covered, nothing says what is to be.
        let Some(patches) = patches.filter(|_| !self.coverage().is_empty()) else {
            return Ok((without.clone(), without));
        };
        let radii: Vec<f32> = self.coverage().iter().map(|coverage| coverage.radius).collect();
        let mut again = without.covered_again(patches, &radii)?;
        if !is_all {
            // Of the photos that were not given the bound holds.
            let bounds = without.coverage().iter().zip(again.coverage());
            let bounds = bounds.map(|(bound, found)| Coverage::bound(bound.radius.max(found.radius), bound.patches));
            let bounds = bounds.collect();
            again = again.with_measured_coverage(bounds);
        }
        Ok((without, again))
    }

    /// The patches of photos of the fit that stay, by their places after the others have gone.
    fn collect(
        &self,
        photos: Vec<NamedPhoto>,
        gone: &BTreeSet<u32>,
        limits: Limits,
        cover: &mut Covering,
        progress: &mut Teller<'_>,
    ) -> Result<(), Error> {
        let (known, total) = (KnownPhotos::new(self), photos.len());
        let mut patches = PatchCollector::new(&self.core);
        for (done, (name, input)) in prepared(self.config(), limits, Known::Identity, photos.into_iter()).enumerate() {
            match input.map(|input| (known.index_of_own(&name, &input), input)) {
                Err(error) => cover.rejected.push((name, error)),
                Ok((Some(index), input)) if !gone.contains(&index) => {
                    if cover.covered.insert(index) {
                        let (image, inside) = (core_input(&input), input.inside.as_deref());
                        match self.threads.run(|| patches.add_as(place_after(gone, index), image, inside)) {
                            // Whoever covers a photo covers its copies.
                            Ok(()) => cover.covered.extend(known.copies_of(index, digest_of(&input))),
                            Err(error @ (FitError::Device(_) | FitError::NotFinite { .. })) => return Err(error.into()),
                            Err(error) => {
                                cover.covered.remove(&index);
                                cover.rejected.push((name, error.into()));
                            }
                        }
                    }
                }
                Ok(_) => cover.unknown.push(name),
            }
            if progress.tell(Stage::Features, done + 1, total).is_break() {
                return Err(Error::Cancelled { what: FORGETTING });
            }
        }
        cover.patches = (patches.photos() > 0).then_some(patches);
        Ok(())
    }
}

/// Photos to cover from.
#[derive(Default)]
struct Covering {
    patches: Option<PatchCollector>,
    /// Their places in the model's list, and their copies'.
    covered: BTreeSet<u32>,
    unknown: Vec<String>,
    rejected: Vec<(String, Error)>,
}

/// The place of a photo after others have gone.
fn place_after(gone: &BTreeSet<u32>, index: u32) -> u32 {
    index - gone.range(..index).count() as u32
}
