//! What was done to a model's banks: the audit trail of its file.

use patchcore_core::model_file::{Change, ChangeKind, ChangedPhoto, TrainingPhoto};

use crate::into_photo::Digest;
use crate::model::Model;

impl Model {
    /// What was done to the memory banks, oldest first; empty for a model that is as its fit left it.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::Model;
    ///
    /// for change in Model::load("part.patchcore")?.history() {
    ///     let date = change.date.as_deref().unwrap_or("at some time");
    ///     println!("{date}: {}, {} photos added, {} removed", change.kind.name(), change.added.len(), change.removed.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn history(&self) -> &[Change] {
        &self.sections.history
    }

    /// The history of a model that is about to be changed: with its fit as the first entry.
    pub(crate) fn history_so_far(&self) -> Vec<Change> {
        if !self.history().is_empty() {
            return self.history().to_vec();
        }
        vec![Change {
            kind: ChangeKind::Fit,
            date: self.provenance().and_then(|provenance| provenance.date.clone()),
            written_by: self.written_by.to_string(),
            photos: self.fitted_on().images,
            added: Vec::new(),
            removed: Vec::new(),
            rows: self.rows_of_banks(),
        }]
    }

    /// An entry of what has just become of a model.
    pub(crate) fn change(&self, kind: ChangeKind, date: Option<String>) -> Change {
        Change {
            kind,
            date,
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
            photos: self.fitted_on().images,
            added: Vec::new(),
            removed: Vec::new(),
            rows: self.rows_of_banks(),
        }
    }

    /// Rows of each member's bank.
    pub(crate) fn rows_of_banks(&self) -> Vec<usize> {
        self.banks().into_iter().map(|bank| bank.len()).collect()
    }
}

/// Photos as the history names them.
pub(crate) fn changed<'a>(photos: impl IntoIterator<Item = &'a TrainingPhoto>) -> Vec<ChangedPhoto> {
    let named =
        |photo: &TrainingPhoto| ChangedPhoto { name: photo.name.clone(), sha256: photo.sha256.as_ref().map(hex) };
    photos.into_iter().map(named).collect()
}

/// A digest as 64 hex digits.
pub(crate) fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
