//! What became of a model's thresholds when its banks changed: a promise that a change has broken is not kept on.

use std::fmt;
use std::sync::Arc;

use patchcore_core::model_file::{ChangeKind, Sections, StaleThresholds};
use patchcore_metrics::threshold::Thresholds;

use crate::model::Model;

/// What became of a model's thresholds when its banks changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThresholdFate {
    /// There were none.
    None,
    /// They hold as they did: no score can have risen.
    Kept,
    /// What they promise was about another bank: [`Model::stale_thresholds`] has them, and no score is judged by them
    /// ([`Model::with_stale_thresholds_allowed`] does so after all). A calibration makes new ones.
    Stale,
}

impl fmt::Display for ThresholdFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "the model has no thresholds",
            Self::Kept => "the thresholds stay: no score can rise by this change, so no more good parts are called anomalous",
            Self::Stale => {
                "the thresholds are stale: they were made for another memory bank, and promise nothing of this one; calibrate again"
            }
        })
    }
}

impl Model {
    /// The thresholds whose promise a change of the memory banks has broken; `None` where there are none, and after a calibration.
    /// [`Model::thresholds`] is empty meanwhile, so that no verdict is made of them.
    pub fn stale_thresholds(&self) -> Option<&StaleThresholds> {
        self.sections.stale_thresholds.as_ref()
    }

    /// The same model, which judges by its stale thresholds after all; of a model without any the same model. They stay stale: a file of it
    /// is what it would have been without.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::Model;
    ///
    /// let model = Model::load("merged.patchcore")?;
    /// if let Some(stale) = model.stale_thresholds() {
    ///     eprintln!("thresholds of before the {}: {:?}", stale.since.name(), stale.thresholds.image);
    /// }
    /// let model = model.with_stale_thresholds_allowed();
    /// # drop(model);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_stale_thresholds_allowed(mut self) -> Self {
        if let Some(stale) = self.stale_thresholds() {
            self.thresholds = stale.thresholds;
        }
        self
    }

    /// Whether the thresholds in force are stale ones, allowed after all, or there are none.
    pub(crate) fn has_own_thresholds(&self) -> bool {
        self.sections.stale_thresholds.is_none() && self.thresholds != Thresholds::default()
    }

    /// The same model with thresholds in force, and none that are stale.
    pub(crate) fn judging_by(mut self, thresholds: Thresholds) -> Self {
        if self.sections.stale_thresholds.is_some() {
            Arc::make_mut(&mut self.sections).stale_thresholds = None;
        }
        self.thresholds = thresholds;
        self
    }
}

/// What becomes of a model's thresholds by a change: those that stay in force; the stale ones are noted in the sections of the new model.
/// `breaks`: whether the change breaks their promise.
pub(crate) fn thresholds_after(
    old: &Model,
    kind: ChangeKind,
    breaks: bool,
    sections: &mut Sections,
) -> (Thresholds, ThresholdFate) {
    sections.stale_thresholds = old.stale_thresholds().copied();
    let none = Thresholds::default();
    if sections.stale_thresholds.is_some() {
        return (none, ThresholdFate::Stale);
    }
    match (old.thresholds == none, breaks) {
        (true, _) => (none, ThresholdFate::None),
        (false, false) => (old.thresholds, ThresholdFate::Kept),
        (false, true) => {
            sections.stale_thresholds = Some(StaleThresholds { thresholds: old.thresholds, since: kind });
            (none, ThresholdFate::Stale)
        }
    }
}
