//! What a long computation tells its caller.

use std::fmt;
use std::ops::ControlFlow;

/// A stage of a fit or an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// What the maps of a network of int8 hold, on some of the photos, before the first is fitted.
    Ranges,
    /// Photos to embeddings.
    Features,
    /// Picking the rows of the memory bank.
    Coreset,
    /// Scoring photos.
    Scoring,
    /// Metrics of an evaluation, over all images and per kind of defect.
    Metrics,
    /// Bootstrap intervals of the metrics.
    Intervals,
    /// Scoring photos under changed conditions.
    Stress,
    /// Decoding photos to look at them alone; the library does none of it, as of the next two.
    Reading,
    /// Drawing heat maps over photos; the library does none of it, and names it for the progress of an application that does.
    Overlays,
    /// Drawing a report's pictures, as [`Stage::Overlays`].
    Report,
}

impl Stage {
    /// A word for a progress bar.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ranges => "ranges",
            Stage::Features => "features",
            Stage::Coreset => "coreset",
            Stage::Scoring => "scoring",
            Stage::Metrics => "metrics",
            Stage::Intervals => "intervals",
            Stage::Stress => "stress",
            Stage::Reading => "reading",
            Stage::Overlays => "overlays",
            Stage::Report => "report",
        }
    }
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Units done.
    pub done: usize,
    /// Units in all; 0 when unknown.
    pub total: usize,
}

impl Progress {
    /// So far, of a stage of one's own loop.
    pub fn new(stage: Stage, done: usize, total: usize) -> Self {
        Self { stage, done, total }
    }
}

/// Called now and then, on the thread that asked for the computation; [`ControlFlow::Break`] cancels it.
pub type ProgressFn<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// The caller's function, if it gave one.
#[derive(Default)]
pub(crate) struct Teller<'a>(Option<Box<ProgressFn<'a>>>);

impl<'a> Teller<'a> {
    pub(crate) fn new(progress: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        Self(Some(Box::new(progress)))
    }

    /// Says how far a stage is; breaks where the caller wants no more of it.
    pub(crate) fn tell(&mut self, stage: Stage, done: usize, total: usize) -> ControlFlow<()> {
        match &mut self.0 {
            Some(progress) => progress(Progress { stage, done, total }),
            None => ControlFlow::Continue(()),
        }
    }
}

impl fmt::Debug for Teller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a function" } else { "nobody" })
    }
}
