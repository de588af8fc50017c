//! How far training photos lie from a model's banks: known since the fit, or measured again.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use patchcore_core::coverage::{Coverage, CoverageMeter};
use patchcore_core::error::FitError;
use patchcore_core::{PatchCollector, PatchCore};
use patchcore_io::Limits;

use crate::error::Error;
use crate::fit_in_progress::core_input;
use crate::into_photo::{IntoPhoto, Known, digest_of};
use crate::known_photos::KnownPhotos;
use crate::model::Model;
use crate::prepared::{known_length, prepared};
use crate::progress::{Progress, Stage, Teller};

/// Options of [`Model::measure_coverage`]. Start from [`CoverageOptions::default`].
#[derive(Debug, Default)]
pub struct CoverageOptions<'a> {
    limits: Limits,
    progress: Teller<'a>,
}

impl<'a> CoverageOptions<'a> {
    /// What a file may hold, at most. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Told after every photo; [`ControlFlow::Break`] ends the measurement with [`Error::Cancelled`].
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Teller::new(progress);
        self
    }
}

/// What was measured.
#[derive(Debug)]
#[non_exhaustive]
pub struct CoverageReport {
    /// How far the patches of these photos lie from each member's bank.
    pub coverage: Vec<Coverage>,
    /// Photos that were measured.
    pub photos: usize,
    /// Photos of the model that were not among them. Only without any it is the coverage of the model ([`Model::with_coverage`]).
    pub missing: usize,
    /// Photos that are none of the model's: they were measured, too.
    pub unknown: Vec<String>,
    /// Photos that could not be used: their names, with the reason.
    pub rejected: Vec<(String, Error)>,
}

impl Model {
    /// How far the patches of the training photos lie from each member's bank, in the space of the scores: L2, whatever the unit of the
    /// model's scores. Empty where nobody has measured it, as in files of earlier versions. It bounds how much a score against the bank
    /// may exceed the one against all patches: [`Model::score_interval`].
    pub fn coverage(&self) -> &[Coverage] {
        self.core.coverage()
    }

    /// Measures how far the patches of photos lie from each member's bank, exactly: of the training photos it is the model's coverage, of
    /// others it says what the banks do not cover. Copies that the fit made of its photos are measured with them. Memory does not grow with
    /// the photos, but for 4 bytes a patch.
    ///
    /// # Errors
    /// [`Error::NoUsablePhoto`]; [`Error::Fit`] without any photo; [`Error::Cancelled`], and whatever is not a single photo's fault.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{CoverageOptions, Model, Save, good_images};
    ///
    /// let model = Model::load("merged.patchcore")?;
    /// let report = model.measure_coverage(good_images("part".as_ref())?, CoverageOptions::default())?;
    /// for (member, coverage) in report.coverage.iter().enumerate() {
    ///     println!("bank {member}: radius {}", coverage.radius);
    /// }
    /// if report.missing == 0 && report.unknown.is_empty() {
    ///     model.with_coverage(report.coverage)?.save("merged.patchcore", Save::WithWeights)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn measure_coverage<S>(&self, photos: S, options: CoverageOptions<'_>) -> Result<CoverageReport, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        let CoverageOptions { limits, mut progress } = options;
        let (known, photos) = (KnownPhotos::new(self), photos.into_iter());
        let total = known_length(&photos);
        let mut collector = PatchCollector::new(&self.core);
        let mut meters = vec![CoverageMeter::default(); self.banks().len()];
        let (mut found, mut unknown, mut rejected, mut measured) = (BTreeSet::new(), Vec::new(), Vec::new(), 0);
        for (done, (name, input)) in prepared(self.config(), limits, Known::Identity, photos).enumerate() {
            match input {
                Err(error) => rejected.push((name, error)),
                Ok(input) => {
                    let (image, inside) = (core_input(&input), input.inside.as_deref());
                    let looked_up = self.threads.run(|| {
                        collector.clear();
                        collector.add(image, inside)?;
                        for (number, (member, meter)) in self.core.members().iter().zip(&mut meters).enumerate() {
                            meter.add(member.index(), collector.rows(number).0)?;
                        }
                        Ok(())
                    });
                    match looked_up {
                        Ok(()) => {
                            measured += 1;
                            match known.index_of_own(&name, &input) {
                                Some(index) => {
                                    found.insert(index);
                                    found.extend(known.copies_of(index, digest_of(&input)));
                                }
                                None => unknown.push(name),
                            }
                        }
                        Err(error @ (FitError::Device(_) | FitError::NotFinite { .. })) => return Err(error.into()),
                        Err(error) => rejected.push((name, error.into())),
                    }
                }
            }
            if progress.tell(Stage::Features, done + 1, total).is_break() {
                return Err(Error::Cancelled { what: "measurement" });
            }
        }
        let coverage: Option<Vec<Coverage>> = meters.into_iter().map(CoverageMeter::coverage).collect();
        let Some(coverage) = coverage else {
            if rejected.is_empty() {
                return Err(FitError::NoImages.into());
            }
            let count = rejected.len();
            let (name, first) = rejected.swap_remove(0);
            return Err(Error::NoUsablePhoto { count, name, first: Box::new(first) });
        };
        let missing = self.fitted_on().images.saturating_sub(found.len());
        Ok(CoverageReport { coverage, photos: measured, missing, unknown, rejected })
    }

    /// The model with such a coverage, one for each member, as [`Model::measure_coverage`] gives it. It changes no score.
    ///
    /// # Errors
    /// [`Error::WrongCoverage`] for another number of them, and a radius that is no distance.
    pub fn with_coverage(mut self, coverage: Vec<Coverage>) -> Result<Self, Error> {
        let (found, members) = (coverage.len(), self.banks().len());
        let refused = |reason| Err(Error::WrongCoverage { found, members, reason });
        if found != members {
            return refused("another number than the model has members");
        }
        let is_distance = |value: &f32| value.is_finite() && *value >= 0.0;
        if !coverage.iter().all(|of| is_distance(&of.radius) && of.quantiles.iter().all(is_distance)) {
            return refused("of which one holds what is no distance");
        }
        self.core = Arc::new(PatchCore::clone(&self.core).with_measured_coverage(coverage));
        Ok(self)
    }
}
