//! What a long computation tells its caller.

use std::ops::ControlFlow;

/// A stage of a fit or an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Photos to embeddings.
    Features,
    /// Picking the rows of the memory bank.
    Coreset,
    /// Scoring photos.
    Scoring,
}

impl Stage {
    /// A word for a progress bar.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Features => "features",
            Stage::Coreset => "coreset",
            Stage::Scoring => "scoring",
        }
    }
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Units done.
    pub done: usize,
    /// Units in all; 0 when unknown.
    pub total: usize,
}

/// Called now and then; [`ControlFlow::Break`] stops the computation.
pub type ProgressFn<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;
