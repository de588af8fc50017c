//! Fits and scores over files: decoding runs ahead on another thread, results come in order.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use patchcore_config::PatchCoreConfig;
use patchcore_io::{Limits, NetworkInput, path_text};

use crate::error::Error;
use crate::input::load_input;
use crate::model::{FitReport, Model};
use crate::prefetch::prefetch;
use crate::progress::ProgressFn;
use crate::score::Score;
use crate::settings::Settings;

/// Threads that decode; the network and the search have the others.
const DECODERS: usize = 1;

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
        let config = settings.config()?;
        prepared(files, &config, limits, |inputs| Self::fit_inputs(settings, inputs, files.len(), progress))
    }

    /// Scores photo files in order; `consume` gets each file's score or error.
    pub fn score_files(
        &self,
        files: &[PathBuf],
        limits: &Limits,
        mut consume: impl FnMut(&Path, Result<(NetworkInput, Score), Error>) -> ControlFlow<()>,
    ) {
        let config = self.core().config();
        let load = |path: &PathBuf| Ok((load_input(path, config, limits)?, ()));
        self.score_loaded(files, load, |path, scored| {
            consume(path, scored.map(|Scored { input, score, .. }| (input, score)))
        });
    }

    /// Loads items ahead on another thread and scores them in order, on a GPU as many together as its memory holds.
    pub(crate) fn score_loaded<T: Sync, P: Send>(
        &self,
        items: &[T],
        load: impl Fn(&T) -> Result<(NetworkInput, P), Error> + Sync,
        mut consume: impl FnMut(&T, Result<Scored<P>, Error>) -> ControlFlow<()>,
    ) {
        let mut waiting: Vec<(&T, NetworkInput, P)> = Vec::new();
        let mut seen = 0;
        prefetch(items, DECODERS, load, |item, loaded| {
            seen += 1;
            let failed = match loaded {
                Ok((input, more)) => {
                    waiting.push((item, input, more));
                    None
                }
                Err(error) => Some(error),
            };
            let full = |input: &NetworkInput| self.core().batch_size(input.height, input.width);
            let is_full = waiting.first().is_some_and(|(_, input, _)| waiting.len() >= full(input));
            if seen == items.len() || failed.is_some() || is_full {
                self.score_waiting(&mut waiting, &mut consume)?;
            }
            match failed {
                Some(error) => consume(item, Err(error)),
                None => ControlFlow::Continue(()),
            }
        });
    }

    /// Scores what has been loaded, together; where that fails, one by one, so that each photo has its own error.
    fn score_waiting<T, P>(
        &self,
        waiting: &mut Vec<(&T, NetworkInput, P)>,
        consume: &mut impl FnMut(&T, Result<Scored<P>, Error>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let inputs: Vec<&NetworkInput> = waiting.iter().map(|(_, input, _)| input).collect();
        let together = if inputs.len() > 1 { self.score_inputs(inputs).ok() } else { None };
        let mut together = together.into_iter().flatten();
        for (item, input, more) in waiting.drain(..) {
            let score = together.next().map_or_else(|| self.score_input(&input), Ok);
            consume(item, score.map(|score| Scored { input, more, score }))?;
        }
        ControlFlow::Continue(())
    }
}

/// A photo that has been scored, with whatever was loaded with it.
pub(crate) struct Scored<P> {
    pub input: NetworkInput,
    pub more: P,
    pub score: Score,
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
                |path| load_input(path, config, limits),
                |path, input| match sender.send((path_text(path), input)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                },
            );
        });
        consume(receiver)
    })
}
