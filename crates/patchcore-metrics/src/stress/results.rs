//! stress.json: what a model does under changed conditions, as a file that other programs, and later versions of this one, read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::outcome::StressOutcome;
use super::sentence;
use super::series::StressSeries;
use crate::threshold::Threshold;
use crate::{EvaluatedModel, ResultsError, RunNote, versioned};

/// The results of a stress test. Keys are added without a new version, and a reader leaves out those that it does not know; a key whose
/// meaning changes makes a new version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StressResults {
    /// Version of the layout: [`StressResults::VERSION`] in what is written.
    pub version: u32,
    /// What the counts say, in one sentence ([`StressResults::in_words`]).
    pub sentence: String,
    /// Good photos that were scored at all levels.
    pub n_normal: usize,
    /// Defective photos that were scored at all levels.
    pub n_anomalous: usize,
    /// Good photos that these were chosen from, evenly.
    pub of_normal: usize,
    /// Defective photos that these were chosen from, evenly.
    pub of_anomalous: usize,
    /// Chosen photos that could not be scored at some level; they are in no count.
    pub n_failed: usize,
    /// The threshold that false alarms and misses are counted at; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
    /// The photos as they are.
    pub unchanged: StressOutcome,
    /// The kinds of change, each with its levels.
    pub kinds: Vec<StressSeries>,
    /// What was tested, and with what.
    pub model: EvaluatedModel,
    /// Wall time per stage; empty in older files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seconds: BTreeMap<String, f64>,
    /// How it was run; `None` where it was no run of the program, and in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunNote>,
}

impl StressResults {
    /// Version of the layout above.
    pub const VERSION: u32 = 1;

    /// Reads the bytes of a stress.json.
    ///
    /// # Errors
    /// [`ResultsError::NewerVersion`] and [`ResultsError::Malformed`].
    pub fn from_json(json: &[u8]) -> Result<Self, ResultsError> {
        versioned::from_json(json, Self::VERSION)
    }

    /// The text of a stress.json.
    ///
    /// # Errors
    /// [`ResultsError::Malformed`] as far as the types go; these values have a JSON.
    pub fn to_json(&self) -> Result<String, ResultsError> {
        versioned::to_json(self)
    }

    /// What the counts say, in one sentence: how far each change is held, at which level errors first rise, and over how many photos. A
    /// change is held up to a level where every level up to there is ([`StressFinding::Holds`](super::StressFinding::Holds)); a rise is named where it
    /// is beyond chance ([`StressFinding::Rises`](super::StressFinding::Rises)); what the counts cannot carry is not said.
    pub fn in_words(&self) -> String {
        sentence::of(&self.unchanged, &self.kinds, (self.n_normal, self.n_anomalous))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StressLevel;

    fn results() -> StressResults {
        let outcome = StressOutcome { image_auroc: Some(0.5), median_ratio: Some(1.25), ..StressOutcome::default() };
        let (label, words) = ("x0.5".to_owned(), "50 % less light".to_owned());
        StressResults {
            version: StressResults::VERSION,
            sentence: "No".to_owned(),
            n_normal: 20,
            n_anomalous: 1,
            of_normal: 30,
            of_anomalous: 2,
            n_failed: 1,
            threshold: Some(Threshold::manual(2.5)),
            unchanged: StressOutcome::default(),
            kinds: vec![StressSeries {
                kind: "light".to_owned(),
                about: "light".to_owned(),
                unchanged: 1.0,
                levels: vec![StressLevel { level: 0.5, label, words, outcome }],
            }],
            model: EvaluatedModel {
                mode: "paper".to_owned(),
                backbone: "resnet18".to_owned(),
                weights_sha256: "0d1c".to_owned(),
                bank_rows: 12,
                seed: 0,
                device: "cpu".to_owned(),
                precision: "f32".to_owned(),
                version: "0.1.0".to_owned(),
                ..EvaluatedModel::default()
            },
            seconds: BTreeMap::new(),
            run: None,
        }
    }

    #[test]
    fn what_is_written_comes_back_and_the_undefined_is_absent() {
        let json = results().to_json().unwrap();
        assert!(json.starts_with("{\n  \"version\": 1,\n  \"sentence\": \"No\"") && !json.contains("null"), "{json}");
        assert!(json.contains("\"level\": 0.5,") && json.contains("\"median_ratio\": 1.25"), "{json}");
        assert_eq!(StressResults::from_json(json.as_bytes()).unwrap(), results());
    }

    #[test]
    fn a_newer_version_is_refused_and_an_unknown_key_is_not() {
        let newer = StressResults::from_json(b"{\"version\": 2}").unwrap_err();
        assert!(matches!(newer, ResultsError::NewerVersion { found: 2, supported: 1 }));
        let more = results().to_json().unwrap().replacen('{', "{\"hue\": 1,", 1);
        assert_eq!(StressResults::from_json(more.as_bytes()).unwrap(), results());
        assert!(matches!(StressResults::from_json(b"{\"version\": 1}"), Err(ResultsError::Malformed(_))));
    }
}
