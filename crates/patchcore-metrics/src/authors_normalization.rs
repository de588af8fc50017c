//! What several networks reach when they are joined by what the test set itself says: for comparison alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{METRICS, Metric, SetResults};

/// The metrics of a model whose members are scaled by the smallest and largest values of the test set and then averaged, as the authors of
/// PatchCore join their ensembles. Nothing on a line knows these values before the parts are there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AuthorsNormalization {
    /// Over all images.
    #[serde(flatten)]
    pub overall: SetResults,
    /// Per kind of defect, each together with all good images.
    pub kinds: BTreeMap<String, SetResults>,
}

impl AuthorsNormalization {
    /// What a reader must know of it.
    pub const NOTE: &'static str = "this combination has seen the test set: each member's scores and maps are scaled by their smallest and largest \
                            values in it, as the authors' code does; a line cannot have them";

    /// Every metric that both have, its value with the weights of the model, and its value here.
    pub fn beside(&self, honest: &SetResults) -> Vec<(&'static Metric, f64, f64)> {
        let both =
            |metric: &'static Metric| Some((metric, honest.values.get(metric)?, self.overall.values.get(metric)?));
        METRICS.iter().filter_map(both).collect()
    }
}
