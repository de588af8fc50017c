//! Fits and scores over files: decoding runs ahead on another thread, results come in order.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

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
        prepared(files, &settings.config()?, limits, |inputs| Self::fit_inputs(settings, inputs, files.len(), progress))
    }

    /// Scores photo files in order; `consume` gets each file's score or error.
    pub fn score_files(
        &self,
        files: &[PathBuf],
        limits: &Limits,
        mut consume: impl FnMut(&Path, Result<(NetworkInput, Score), Error>) -> ControlFlow<()>,
    ) {
        let config = self.core().config();
        let mut waiting: Vec<(PathBuf, NetworkInput)> = Vec::new();
        let last = files.len().saturating_sub(1);
        let mut seen = 0;
        prefetch(
            files,
            DECODERS,
            |path| load_within(path, config, limits),
            |path, input| {
                let is_last = seen == last;
                seen += 1;
                let failed = match input {
                    Ok(input) => {
                        waiting.push((path.clone(), input));
                        None
                    }
                    Err(error) => Some(error),
                };
                let full = |(_, input): &(PathBuf, NetworkInput)| self.core().batch_size(input.height, input.width);
                if is_last || failed.is_some() || waiting.first().is_some_and(|first| waiting.len() >= full(first)) {
                    self.score_waiting(&mut waiting, &mut consume)?;
                }
                match failed {
                    Some(error) => consume(path, Err(error)),
                    None => ControlFlow::Continue(()),
                }
            },
        );
    }

    /// Scores what has been decoded, together; where that fails, one by one, so that each photo has its own error.
    fn score_waiting(
        &self,
        waiting: &mut Vec<(PathBuf, NetworkInput)>,
        consume: &mut impl FnMut(&Path, Result<(NetworkInput, Score), Error>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (paths, inputs): (Vec<PathBuf>, Vec<NetworkInput>) = waiting.drain(..).unzip();
        let together = if inputs.len() > 1 { self.score_inputs(&inputs).ok() } else { None };
        let mut together = together.into_iter().flatten();
        for (path, input) in paths.into_iter().zip(inputs) {
            let score = together.next().map_or_else(|| self.score_input(&input), Ok);
            consume(&path, score.map(|score| (input, score)))?;
        }
        ControlFlow::Continue(())
    }
}

/// Gives `consume` the files' inputs in order, decoded ahead on other threads.
///
/// The consumer pulls, the prefetcher pushes: a channel without room of its own joins them, so that no more than the
/// prefetcher's own few results wait.
pub(crate) fn prepared<R>(
    files: &[PathBuf],
    config: &PatchCoreConfig,
    limits: &Limits,
    consume: impl FnOnce(Receiver<(String, Result<NetworkInput, Error>)>) -> R,
) -> R {
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
        consume(receiver)
    })
}
