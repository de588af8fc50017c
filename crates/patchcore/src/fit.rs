//! Fits: photos of good parts in, a model out.

use std::collections::BTreeMap;
use std::sync::Arc;

use patchcore_config::{Checked, NetworkWeights};
use patchcore_core::error::FitError;
use patchcore_core::model_file::{Sections, StoredPath};
use patchcore_core::suggestions::Suggestion;
use patchcore_core::{ComputeDevice, Fitter};
use patchcore_io::Limits;
use patchcore_metrics::threshold::Thresholds;

use crate::error::Error;
use crate::first_pass::{FirstPass, Surveyed};
use crate::fit_in_progress::FitInProgress;
use crate::fit_options::FitOptions;
use crate::into_photo::{IntoPhoto, Known};
use crate::model::Model;
use crate::own_networks::OwnNetworks;
use crate::prepared::{NamedSource, known_length, numbered, prepared};
use crate::progress::{Stage, Teller};
use crate::remarks::{Remark, Remarks};
use crate::settings::Settings;
use crate::span::enter;
use crate::threads::Threads;

/// What a fit did.
#[derive(Debug)]
#[non_exhaustive]
pub struct FitReport {
    /// The fitted model.
    pub model: Model,
    /// Photos that could not be used: their names, with the reason.
    pub rejected: Vec<(String, Error)>,
    /// What is odd about photos that are in the fit.
    pub remarks: Remarks,
    /// Settings that the photos speak for, with the number that does.
    pub suggestions: Vec<Suggestion>,
}

impl Model {
    /// Fits on photos of good parts: photos in memory, paths, pixel buffers, prepared inputs, or results of them. Each must be
    /// usable; [`Model::fit_with`] leaves out what is not.
    ///
    /// # Errors
    /// [`Error`], for the first photo or setting at fault.
    pub fn fit<S>(settings: &Settings, photos: S) -> Result<Self, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        Ok(Self::fit_reporting(settings, photos, FitOptions::default(), WhatFails::EndsTheFit)?.model)
    }

    /// Fits on the photos that can be used, and reports the others.
    ///
    /// Files are decoded ahead on another thread, in order, while the network computes; no more than 64 MiB of prepared photos
    /// wait, and the one being made. The source is pulled ahead too, on the calling thread.
    ///
    /// A network of int8 needs the ranges of its maps before the first photo: at most 64 of them, spread evenly over the source, are looked
    /// at first; others take the places of those that cannot be used. Photos that are files are read again then. Photos that come from
    /// memory come once: all are held where the source says exactly how many it has, else the first 64, and no more than 256 MiB take.
    /// What comes after those is not looked at, and the report says so ([`Remark::NotInRanges`]).
    ///
    /// # Errors
    /// [`Error::NoUsablePhoto`], [`Error::Cancelled`] when the progress callback breaks, and whatever is not a single photo's fault.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use std::ops::ControlFlow;
    ///
    /// use patchcore::{FitOptions, Model, Save, Settings, good_images};
    ///
    /// let progress = |progress: patchcore::Progress| {
    ///     println!("{} {} of {}", progress.stage.name(), progress.done, progress.total);
    ///     ControlFlow::Continue(())
    /// };
    /// let files = good_images("part".as_ref())?;
    /// let report = Model::fit_with(&Settings::default(), files, FitOptions::default().progress(progress))?;
    /// for (photo, error) in &report.rejected {
    ///     println!("left out: {photo}: {error}");
    /// }
    /// report.model.save("part.patchcore", Save::WithWeights)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn fit_with<S>(settings: &Settings, photos: S, options: FitOptions<'_>) -> Result<FitReport, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        Self::fit_reporting(settings, photos, options, WhatFails::IsReported)
    }

    fn fit_reporting<S>(
        settings: &Settings,
        photos: S,
        options: FitOptions<'_>,
        what_fails: WhatFails,
    ) -> Result<FitReport, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        let FitOptions { limits, mut progress, threads, total, own, patches } = options;
        let (config, device) = (settings.config_of(&own)?, settings.compute_device()?);
        let photos = photos.into_iter();
        let total = total.unwrap_or_else(|| known_length(&photos));
        let parts = FitParts {
            photos: numbered(photos),
            limits,
            known: Known::Identity,
            config,
            weights: Arc::new(settings.weights_beside(&own)?),
            own,
            weights_files: settings.weights_files()?,
            device: &device,
            threads: Threads::new(threads)?,
            total,
            patches,
            what_fails,
        };
        parts.fit(&mut progress)
    }
}

/// What becomes of photos that cannot be used.
pub(crate) enum WhatFails {
    EndsTheFit,
    IsReported,
}

/// What a fit is made from, looked up.
pub(crate) struct FitParts<'a, I> {
    pub(crate) config: Checked,
    pub(crate) weights: Arc<NetworkWeights>,
    /// The networks that are no catalogue's.
    pub(crate) own: OwnNetworks,
    /// Where the weights lay of those networks whose were given as a file.
    pub(crate) weights_files: BTreeMap<String, StoredPath>,
    pub(crate) device: &'a ComputeDevice,
    pub(crate) threads: Threads,
    pub(crate) photos: I,
    pub(crate) limits: Limits,
    pub(crate) known: Known,
    /// Number of photos, 0 if it is not known.
    pub(crate) total: usize,
    /// Patches of all photos on the finest grid, where they are known.
    pub(crate) patches: Option<u64>,
    pub(crate) what_fails: WhatFails,
}

impl<I: Iterator<Item = NamedSource>> FitParts<'_, I> {
    pub(crate) fn fit(self, progress: &mut Teller<'_>) -> Result<FitReport, Error> {
        enter!("fit");
        let Self { config, weights, own, mut weights_files, device, threads, photos, .. } = self;
        let (limits, known, total, patches, what_fails) =
            (self.limits, self.known, self.total, self.patches, self.what_fails);
        let ends = matches!(what_fails, WhatFails::EndsTheFit);
        let backbones = own.backbones(&config, &weights).map_err(FitError::from)?;
        let first = FirstPass { config: &config, backbones: &backbones, device, threads: &threads, limits, ends };
        let Surveyed { ranges, photos, held } = first.ranges(photos, progress)?;
        let inputs = prepared(&config, limits, known, photos);
        let mut fitter = threads.run(|| Fitter::with_backbones_and_ranges(config, &backbones, &ranges, device))?;
        if let Some(patches) = patches {
            fitter.announce(patches);
        }
        // The engine has weights of its own by now.
        drop(backbones);
        let mut fit = FitInProgress::new(fitter);
        let mut tell = |fit: &mut FitInProgress| {
            if ends && !fit.rejected.is_empty() {
                return Err(fit.rejected.swap_remove(0).1);
            }
            let done = fit.photos.len() + fit.rejected.len();
            let stop = progress.tell(Stage::Features, done, total).is_break();
            if stop { Err(Error::Cancelled { what: "fit" }) } else { Ok(()) }
        };
        let mut late = Remarks::default();
        for (number, (name, input)) in inputs.enumerate() {
            if held.is_some_and(|held| number >= held) && input.is_ok() {
                late.note(&name, &[Remark::NotInRanges]);
            }
            threads.run(|| fit.add(name, input))?;
            tell(&mut fit)?;
        }
        if !fit.waiting.is_empty() {
            threads.run(|| fit.flush())?;
            tell(&mut fit)?;
        }
        let FitInProgress { mut fitter, photos, inputs, mut remarks, mut rejected, .. } = fit;
        remarks.join(late);
        if photos.is_empty() && !rejected.is_empty() {
            let count = rejected.len();
            let (name, first) = rejected.swap_remove(0);
            return Err(Error::NoUsablePhoto { count, name, first: Box::new(first) });
        }
        let suggestions = threads.run(|| fitter.suggestions())?;
        let core = threads.run_telling(Stage::Coreset, progress, |tell| {
            enter!("coreset");
            fitter.finish(tell)
        })?;
        let thresholds = Thresholds::default();
        let mut sections = Sections::default();
        sections.inputs = (!inputs.sizes.is_empty()).then_some(inputs);
        sections.photos = photos;
        match weights.len() {
            1 => sections.weights_file = weights_files.pop_first().map(|(_, path)| path),
            _ => sections.weights_files = weights_files,
        }
        let (core, sections) = (Arc::new(core), Arc::new(sections));
        let (digests, written_by) = (Arc::default(), Arc::from(env!("CARGO_PKG_VERSION")));
        let model = Model { core, weights, own, sections, digests, thresholds, written_by, threads, folder: None };
        model.tell_fallbacks();
        Ok(FitReport { model, rejected, remarks, suggestions })
    }
}
