//! metrics.json: the results of an evaluation as a file that other programs, and later versions of this one, read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::authors_normalization::AuthorsNormalization;
use super::results_error::ResultsError;
use super::run_note::RunNote;
use super::threshold::{Threshold, Thresholds};
use super::{SetResults, headline, versioned};

/// The results of an evaluation. Keys are added without a new version, and a reader leaves out those that it does not
/// know; a key whose meaning changes makes a new version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Version of the layout: [`Results::VERSION`] in what is written. A file that names none has version 1.
    #[serde(default = "first_version")]
    pub version: u32,
    /// What it comes to in counts ([`Results::in_words`]); `None` in files that are older than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    /// At which threshold `found` and `false_alarms` are counted: that of the model, else one of this very test set
    /// ([`Threshold::of_test_set`]). `None` where there is neither, and in files that are older than the counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdicts_at: Option<Threshold>,
    /// Over all images.
    #[serde(flatten)]
    pub overall: SetResults,
    /// Test images that could not be scored.
    pub n_failed: usize,
    /// Defective images whose mask is missing or unusable, or black everywhere; they are not in the pixel metrics.
    pub n_without_mask: usize,
    /// Defective images of whose defective pixels none counts: the resize, the crop or the region of interest hides them all.
    pub n_defect_out_of_view: usize,
    /// Why no defective pixel of a defective image counts, and of how many: `resize`, `crop` and `region`, which add up to
    /// `n_defect_out_of_view`, and `no_defective_pixel`, which is part of `n_without_mask`. Causes without an image are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hidden_defects: BTreeMap<String, usize>,
    /// By which rule the samples of the masks became defective or good, in words; `None` without masks, and in files that are older
    /// than the choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask_rule: Option<String>,
    /// Per kind of defect, each together with all good images.
    pub kinds: BTreeMap<String, SetResults>,
    /// What the model's members reach when they are joined by the test set itself; `None` unless that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authors_normalization: Option<AuthorsNormalization>,
    /// The model's thresholds and how they came about; `None` for a model without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// Wall time per stage.
    pub seconds: BTreeMap<String, f64>,
    /// What was evaluated, and with what.
    pub model: EvaluatedModel,
    /// How it was run; `None` where it was no run of the program, and in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunNote>,
}

/// What identifies the model of an evaluation, and where it ran.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EvaluatedModel {
    /// The mode's name, or that of a mix: "anomalib with distance squared_l2".
    pub mode: String,
    /// The backbone's name.
    pub backbone: String,
    /// Digest of its weights.
    pub weights_sha256: String,
    /// Rows of the memory bank.
    pub bank_rows: usize,
    /// Seed of the fit.
    pub seed: u64,
    /// Where it was evaluated.
    pub device: String,
    /// In what the device computes a network of f32. A file that names none is older than the choice.
    #[serde(default = "f32_precision")]
    pub precision: String,
    /// Number format of the model's network, whatever the device: `int8`, or of several members that differ each one's, `f32 + int8`.
    /// `None`: f32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_precision: Option<String>,
    /// Version of the program.
    pub version: String,
    /// Digest of the model's file, thresholds included; `None` for a model that was not read from a file, and in older files, as
    /// everything below is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_sha256: Option<String>,
    /// Photos of the fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photos: Option<usize>,
    /// Patches of the fit, of which the memory bank has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patches: Option<usize>,
    /// The settings of the fit, by name, in words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

impl EvaluatedModel {
    /// What a fit is made of, name by name, in words: two models without a difference here score alike, but for their photos. Where it
    /// was evaluated comes last.
    pub fn facts(&self) -> Vec<(String, String)> {
        let count = |name: &str, count: Option<usize>| Some((name.to_owned(), count?.to_string()));
        let own = [
            ("mode", self.mode.clone()),
            ("backbone", self.backbone.clone()),
            ("weights", self.weights_sha256.clone()),
            ("bank rows", self.bank_rows.to_string()),
            ("seed", self.seed.to_string()),
        ];
        let mut facts: Vec<(String, String)> = own.map(|(name, value)| (name.to_owned(), value)).into();
        facts.extend(count("photos of the fit", self.photos));
        facts.extend(count("patches of the fit", self.patches));
        for (name, value) in &self.settings {
            if facts.iter().all(|(own, _)| own != name) {
                facts.push((name.clone(), value.clone()));
            }
        }
        facts.extend(self.network_precision.clone().map(|format| ("network precision".to_owned(), format)));
        let ran = [("device", &self.device), ("precision", &self.precision), ("version", &self.version)];
        facts.extend(ran.map(|(name, value)| (name.to_owned(), value.clone())));
        facts
    }
}

impl Results {
    /// Version of the layout above. Files from before it was written say nothing and have the same layout.
    pub const VERSION: u32 = 1;

    /// Reads the bytes of a metrics.json.
    ///
    /// # Errors
    /// [`ResultsError::NewerVersion`] and [`ResultsError::Malformed`].
    pub fn from_json(json: &[u8]) -> Result<Self, ResultsError> {
        versioned::from_json(json, Self::VERSION)
    }

    /// What it comes to, for people, in counts with their exact intervals: how many defective parts were found, how many good ones
    /// rejected, and which kind is found the least. Where these photos chose the threshold themselves, it says so.
    pub fn in_words(&self) -> String {
        headline::of(&self.overall, &self.kinds, self.verdicts_at)
    }

    /// The text of a metrics.json.
    ///
    /// # Errors
    /// [`ResultsError::Malformed`] as far as the types go; these values have a JSON.
    pub fn to_json(&self) -> Result<String, ResultsError> {
        versioned::to_json(self)
    }
}

fn first_version() -> u32 {
    1
}

fn f32_precision() -> String {
    "f32".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::Threshold;
    use crate::{Confusion, Interval, LookAgain, METRICS, Metric, PixelReplicates, Share};

    /// A file as the program wrote it before files named their version, but for the white space.
    const OLD: &str = r#"{"n_normal":3,"n_anomalous":3,"image_auroc":1.0,"image_ap":0.875,"image_f1_max":0.75,
"image_f1_max_threshold":2.4423828,"pixel_auroc":0.5,"pixel_ap":0.25,"pixel_f1_max":0.125,
"pixel_f1_max_threshold":0.8105469,"aupro_0.3":0.9375,"aupro_0.05":0.625,"image_auroc_ci":[0.25,1.0],
"image_ap_ci":[0.25,1.0],"image_f1_max_ci":[0.25,1.0],"pixel_auroc_ci":[0.25,1.0],"pixel_ap_ci":[0.25,1.0],
"pixel_f1_max_ci":[0.25,1.0],"aupro_0.3_ci":[0.5,0.96875],"aupro_0.05_ci":[0.25,1.0],
"confusion":{"true_negatives":2,"false_positives":1,"false_negatives":0,"true_positives":3},"n_failed":0,
"n_without_mask":1,"n_defect_out_of_view":0,"kinds":{"spot":{"n_normal":3,"n_anomalous":3,"image_ap":0.5}},
"thresholds":{"image":{"value":2.5,"origin":"manual"}},"seconds":{"load":0.25,"metrics":0.125,"overlays":0.0,
"report":1.5,"scoring":0.5},"model":{"mode":"paper","backbone":"efficientnet_lite0","weights_sha256":"0d1c",
"bank_rows":12,"seed":0,"device":"flex","version":"0.1.0"}}"#;

    #[test]
    fn a_file_without_a_version_reads_as_it_was_written() {
        let results = Results::from_json(OLD.as_bytes()).unwrap();
        assert_eq!((results.version, results.overall.n_normal, results.overall.n_anomalous), (1, 3, 3));
        let values = METRICS.map(|metric| results.overall.values.get(&metric));
        assert_eq!(values[..6], [Some(1.0), Some(0.875), Some(0.75), None, Some(0.625), Some(0.9375)]);
        // What that version did not know is not there.
        assert_eq!(values[6..], [None, None, None, Some(0.5), Some(0.25), Some(0.125)]);
        let interval = results.overall.intervals.get(&Metric::AUPRO_30);
        assert_eq!(interval, Some(Interval { low: 0.5, high: 0.96875 }));
        assert_eq!(results.overall.thresholds.get(&Metric::IMAGE_F1_MAX), Some(2.4423828));
        assert_eq!(results.overall.confusion.unwrap().true_positives, 3);
        let spot = results.kinds["spot"];
        assert_eq!((spot.n_anomalous, spot.values.get(&Metric::IMAGE_AP), spot.confusion), (3, Some(0.5), None));
        assert_eq!(results.thresholds.unwrap().image, Some(Threshold::manual(2.5)));
        assert_eq!((results.seconds["scoring"], results.model.seed, results.model.bank_rows), (0.5, 0, 12));
        assert_eq!((results.model.precision.as_str(), results.model.network_precision.as_ref()), ("f32", None));
        // Written again it has the same keys and values, and names the version and the precision.
        let expected = OLD.replacen('{', "{\"version\":1,", 1).replace("\"flex\"", "\"flex\",\"precision\":\"f32\"");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&results.to_json().unwrap()), read(&expected));
    }

    #[test]
    fn what_is_written_comes_back_and_the_undefined_is_absent() {
        let results = Results {
            version: Results::VERSION,
            overall: SetResults {
                confusion: Some(Confusion { true_negatives: 2, ..Confusion::default() }),
                found: Share::new(1, 3).unwrap(),
                false_alarms: Share::new(0, 2).unwrap(),
                look_again: Some(LookAgain { good: 1, defective: 2 }),
                worst_on_defect: Share::new(2, 3).unwrap(),
                ..SetResults::new(2, 0, None, None)
            },
            sentence: Some("No".to_owned()),
            verdicts_at: Threshold::of_test_set(&[1.0, 2.0], &[false, true]),
            ..Results::from_json(OLD.as_bytes()).unwrap()
        };
        let json = results.to_json().unwrap();
        assert!(
            !json.contains("null") && json.starts_with("{\n  \"version\": 1,\n  \"sentence\": \"No\",\n"),
            "{json}"
        );
        assert_eq!(Results::from_json(json.as_bytes()).unwrap(), results);
    }

    #[test]
    fn the_number_format_of_the_network_is_a_fact_of_the_model_and_absent_where_it_is_f32() {
        let said = |model: &EvaluatedModel| {
            let facts = model.facts();
            facts.into_iter().find(|(name, _)| name == "network precision").map(|(_, format)| format)
        };
        let f32 = EvaluatedModel::default();
        let int8 = EvaluatedModel { network_precision: Some("int8".to_owned()), ..EvaluatedModel::default() };
        assert_eq!((said(&f32), said(&int8).as_deref()), (None, Some("int8")));
        let json = |model: &EvaluatedModel| serde_json::to_value(model).unwrap();
        assert_eq!(json(&f32).get("network_precision"), None);
        assert_eq!(json(&int8)["network_precision"], "int8");
        assert_eq!(serde_json::from_value::<EvaluatedModel>(json(&int8)).unwrap(), int8);
    }

    #[test]
    fn a_newer_version_is_refused_and_an_unknown_key_is_not() {
        let newer = Results::from_json(b"{\"version\": 2, \"metrics\": []}").unwrap_err();
        assert!(matches!(newer, ResultsError::NewerVersion { found: 2, supported: 1 }));
        assert!(newer.to_string().contains("version 2") && newer.to_string().contains("update patchcore"), "{newer}");
        let more = OLD.replacen('{', "{\"spro\":0.5,\"spro_ci\":[0.25,0.75],", 1);
        let old = Results::from_json(OLD.as_bytes()).unwrap();
        assert_eq!(Results::from_json(more.as_bytes()).unwrap(), old);
        for damaged in ["{", "[]", "{}", "{\"version\": \"new\"}", &OLD.replace("\"n_anomalous\"", "\"n\"")] {
            assert!(matches!(Results::from_json(damaged.as_bytes()), Err(ResultsError::Malformed(_))), "{damaged}");
        }
    }

    #[test]
    fn old_replicates_read() {
        let old = "{\"bootstrap\":{\"resamples\":2,\"confidence\":0.95,\"seed\":0},\"strata\":[false,true],\"values\":[\
                   {\"auroc\":0.5,\"ap\":0.5,\"f1_max\":0.5,\"aupro_30\":0.25,\"aupro_05\":0.125},null]}";
        let replicates: PixelReplicates = serde_json::from_str(old).unwrap();
        let interval = replicates.intervals().unwrap().get(&Metric::AUPRO_05);
        assert_eq!(interval, Some(Interval { low: 0.125, high: 0.125 }));
        assert_eq!(serde_json::to_string(&replicates).unwrap(), old);
        assert_eq!(replicates.intervals().unwrap().get(&Metric::AUPIMO), None);
        // A later evaluation has more: what both have is compared.
        let later = old.replace("0.125}", "0.125,\"aupimo\":0.75}");
        let later: PixelReplicates = serde_json::from_str(&later).unwrap();
        let intervals = later.difference(&replicates).unwrap();
        assert_eq!(intervals.get(&Metric::AUPRO_05), Some(Interval { low: 0.0, high: 0.0 }));
        assert_eq!(intervals.get(&Metric::AUPIMO), None);
        assert_eq!(later.difference(&later).unwrap().get(&Metric::AUPIMO), Some(Interval { low: 0.0, high: 0.0 }));
    }
}
