//! run.json: how results came about, beside tables that have no place for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::run_note::RunNote;
use super::threshold::Thresholds;
use super::{EvaluatedModel, ResultsError, versioned};

/// run.json. Keys are added without a new version, and a reader leaves out those that it does not know; a key whose meaning changes
/// makes a new version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// Version of the layout: [`RunFile::VERSION`] in what is written.
    pub version: u32,
    /// What ran.
    pub run: RunNote,
    /// With which model, and where.
    pub model: EvaluatedModel,
    /// The model's thresholds; `None` for a model without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// Wall time per stage.
    pub seconds: BTreeMap<String, f64>,
}

impl RunFile {
    /// Version of the layout above.
    pub const VERSION: u32 = 1;

    /// Reads the bytes of a run.json.
    ///
    /// # Errors
    /// [`ResultsError::NewerVersion`] and [`ResultsError::Malformed`].
    pub fn from_json(json: &[u8]) -> Result<Self, ResultsError> {
        versioned::from_json(json, Self::VERSION)
    }

    /// The text of a run.json.
    ///
    /// # Errors
    /// [`ResultsError::Malformed`] as far as the types go; these values have a JSON.
    pub fn to_json(&self) -> Result<String, ResultsError> {
        versioned::to_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back_and_a_newer_version_is_refused() {
        let run = RunNote { command_line: vec!["patchcore".to_owned(), "evaluate".to_owned()], ..RunNote::default() };
        let (version, seconds) = (RunFile::VERSION, [("scoring".to_owned(), 0.5)].into());
        let file = RunFile { version, run, model: EvaluatedModel::default(), thresholds: None, seconds };
        let json = file.to_json().unwrap();
        assert!(json.starts_with("{\n  \"version\": 1,") && !json.contains("null"), "{json}");
        assert_eq!(RunFile::from_json(json.as_bytes()).unwrap(), file);
        let newer = RunFile::from_json(b"{\"version\": 2}").unwrap_err();
        assert!(matches!(newer, ResultsError::NewerVersion { found: 2, supported: 1 }));
        assert!(matches!(RunFile::from_json(b"{\"version\": 1}"), Err(ResultsError::Malformed(_))));
    }
}
