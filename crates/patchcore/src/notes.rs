//! What a model says beside what decides its scores: who made it, from what.

use std::sync::Arc;

use patchcore_config::PatchCoreConfig;
use patchcore_core::good_quantiles::GoodQuantiles;
use patchcore_core::model_file::{InputsSeen, Provenance, TrainingPhoto};
use patchcore_metrics::EvaluatedModel;

use crate::model::Model;

impl Model {
    /// The training photos, in the order of the fit. Their names are, of files, the paths that the fit was given, as
    /// [`path_text`](crate::path_text) writes them.
    pub fn training_photos(&self) -> &[TrainingPhoto] {
        &self.sections.photos
    }

    /// What sizes and kinds of photos the fit has seen; `None` where it was given prepared inputs alone, and for files of format
    /// versions 1 and 2.
    pub fn inputs_seen(&self) -> Option<&InputsSeen> {
        self.sections.inputs.as_ref()
    }

    /// How training photos score against the bank without their own rows; `None` for a fit on one photo, and for files of format versions
    /// 1 and 2.
    pub fn good_quantiles(&self) -> Option<&GoodQuantiles> {
        self.core.good_quantiles()
    }

    /// Who made the model, as far as the program that did says; the library says nothing by itself.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.sections.provenance.as_ref()
    }

    /// What identifies it in the results of an evaluation, and where it runs.
    pub(crate) fn evaluated(&self) -> EvaluatedModel {
        let core = &self.core;
        let described = core.config().described().into_iter();
        EvaluatedModel {
            mode: core.config().rules_name(),
            backbone: core.extractor().networks().map(|(name, _)| name).collect::<Vec<_>>().join(" + "),
            weights_sha256: core.weights_sha256(),
            bank_rows: core.bank_rows(),
            seed: core.config().seed,
            device: core.device().name(),
            precision: core.device().precision().name().to_owned(),
            network_precision: network_precision(core.config()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            file_sha256: None,
            photos: Some(core.fitted_on().images),
            patches: Some(core.fitted_on().patches),
            settings: described.map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }

    /// The model with such a note in its file. It changes no score.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Provenance) -> Self {
        Arc::make_mut(&mut self.sections).provenance = Some(provenance);
        self
    }

    /// The model without what hangs on where and when it was fitted: of its photos' names the file names alone, no paths, no
    /// provenance. The same photos and settings then give the same bytes, in whatever folder.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn reproducible(mut self) -> Self {
        let sections = Arc::make_mut(&mut self.sections);
        for photo in &mut sections.photos {
            (photo.name, photo.path) = (crate::places::file_name(&photo.name), None);
        }
        for change in &mut sections.history {
            change.date = None;
            for photo in change.added.iter_mut().chain(&mut change.removed) {
                photo.name = crate::places::file_name(&photo.name);
            }
        }
        (sections.provenance, sections.weights_file) = (None, None);
        sections.weights_files.clear();
        self
    }
}
/// The number format of all networks, or each member's where they differ; none for f32.
fn network_precision(config: &PatchCoreConfig) -> Option<String> {
    config.reduced_precision()?;
    let mut names: Vec<&str> = config.members.iter().map(|member| member.network_precision.name()).collect();
    if names.iter().all(|name| Some(name) == names.first()) {
        names.truncate(1);
    }
    Some(names.join(" + "))
}

#[cfg(test)]
mod tests {
    use patchcore_config::{Architecture, Mode, NetworkPrecision};

    use super::*;

    #[test]
    fn a_number_format_is_said_once_or_of_each_member() {
        let mut config = Mode::Line.config(Architecture::RESNET18);
        assert_eq!(network_precision(&config), None);
        config.members[1].network_precision = NetworkPrecision::Int8;
        assert_eq!(network_precision(&config).as_deref(), Some("f32 + int8"));
        let config = config.with_network_precision(NetworkPrecision::Int8);
        assert_eq!(network_precision(&config).as_deref(), Some("int8"));
    }
}
