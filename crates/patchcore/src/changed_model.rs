//! What every change of a model does beside its banks: history, thresholds, and the list of photos.

use std::sync::Arc;

use patchcore_core::PatchCore;
use patchcore_core::model_file::{ChangeKind, Sections, TrainingPhoto};

use crate::history::changed;
use crate::model::Model;
use crate::threads::Threads;
use crate::threshold_fate::{ThresholdFate, thresholds_after};

/// A change of a model.
pub(crate) struct ModelChange<'a> {
    pub(crate) kind: ChangeKind,
    pub(crate) date: Option<String>,
    /// Photos that came.
    pub(crate) added: &'a [TrainingPhoto],
    /// Photos that went.
    pub(crate) removed: &'a [TrainingPhoto],
    /// Whether scores may have risen, so that no threshold keeps its promise.
    pub(crate) breaks_thresholds: bool,
    /// The threads of the new model.
    pub(crate) threads: Threads,
}

impl Model {
    /// The model that a change has made of this one: `core` with `sections`, whose history and thresholds follow from the change.
    pub(crate) fn becoming(
        &self,
        core: PatchCore,
        mut sections: Sections,
        change: ModelChange<'_>,
    ) -> (Self, ThresholdFate) {
        let ModelChange { kind, date, added, removed, breaks_thresholds, threads } = change;
        let (thresholds, fate) = thresholds_after(self, kind, breaks_thresholds, &mut sections);
        if sections.history.is_empty() {
            sections.history = self.history_so_far();
        }
        let mut model = Self {
            core: Arc::new(core),
            weights: Arc::clone(&self.weights),
            own: self.own.clone(),
            sections: Arc::default(),
            digests: Arc::default(),
            thresholds,
            written_by: Arc::from(env!("CARGO_PKG_VERSION")),
            threads,
            folder: self.folder.clone(),
        };
        let mut entry = model.change(kind, date);
        (entry.added, entry.removed) = (changed(added), changed(removed));
        sections.history.push(entry);
        model.sections = Arc::new(sections);
        model.tell_fallbacks();
        (model, fate)
    }

    /// The list of photos, one for each that the bank's rows may name: those whose names are not known by their numbers.
    pub(crate) fn numbered_photos(&self) -> Vec<TrainingPhoto> {
        let mut photos = self.training_photos().to_vec();
        for number in photos.len()..self.fitted_on().images {
            photos.push(TrainingPhoto { name: format!("photo {number}"), ..TrainingPhoto::default() });
        }
        photos
    }
}
