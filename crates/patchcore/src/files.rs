//! Fits and scores over files: decoding runs ahead on another thread, results come in order.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use patchcore_core::PatchCoreConfig;
use patchcore_core::preprocess::View;
use patchcore_io::{Limits, NetworkInput, Photo, prepare, prepare_within};

use crate::error::Error;
use crate::model::{FitReport, Model, Score};
use crate::prefetch::prefetch;
use crate::progress::ProgressFn;
use crate::settings::Settings;

/// Threads that decode; the network and the search have the others.
const DECODERS: usize = 1;

/// Decodes and prepares one file.
///
/// # Errors
/// [`Error::Image`].
pub fn load_input(path: &Path, view: &View, limits: &Limits) -> Result<NetworkInput, Error> {
    Ok(prepare(&Photo::open(path, limits)?, view)?)
}

/// [`load_input`] with the region of interest of a model.
pub(crate) fn load_within(path: &Path, config: &PatchCoreConfig, limits: &Limits) -> Result<NetworkInput, Error> {
    Ok(prepare_within(&Photo::open(path, limits)?, &config.view, config.region.as_ref())?)
}

impl Model {
    /// Fits on photo files; one that cannot be used is reported and left out.
    ///
    /// # Errors
    /// As [`Model::fit_reporting`].
    pub fn fit_files(
        settings: &Settings,
        files: &[PathBuf],
        limits: &Limits,
        progress: &mut ProgressFn<'_>,
    ) -> Result<FitReport, Error> {
        let config = &settings.config()?;
        // The fitter pulls, the prefetcher pushes: a channel without room of its own joins them, so that no more
        // than the prefetcher's own few results wait.
        std::thread::scope(|scope| {
            let (sender, receiver) = std::sync::mpsc::sync_channel(0);
            scope.spawn(move || {
                prefetch(
                    files,
                    DECODERS,
                    |path| load_within(path, config, limits),
                    |path, input| match sender.send((path.display().to_string(), input)) {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(_) => ControlFlow::Break(()),
                    },
                );
            });
            Self::fit_inputs(settings, receiver, files.len(), progress)
        })
    }

    /// Scores photo files in order; `consume` gets each file's score or error.
    pub fn score_files(
        &self,
        files: &[PathBuf],
        limits: &Limits,
        mut consume: impl FnMut(&Path, Result<(NetworkInput, Score), Error>) -> ControlFlow<()>,
    ) {
        let config = self.core().config();
        prefetch(
            files,
            DECODERS,
            |path| load_within(path, config, limits),
            |path, input| consume(path, input.and_then(|input| self.score_input(&input).map(|score| (input, score)))),
        );
    }
}
