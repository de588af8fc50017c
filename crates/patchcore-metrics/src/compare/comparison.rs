//! A comparison of two models as a file that other programs, and later versions of this one, read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::finding::ComparisonFinding;
use super::judged::{ComparedPhoto, Judged};
use super::operating_point::OperatingPoint;
use super::paired_count::PairedCount;
use super::sentence;
use crate::{EvaluatedModel, Interval, Metric, MetricError, ResultsError, RunNote, auroc, versioned};

/// Something of the first model and of the second, as far as each has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OfBoth<T> {
    /// Of the first.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub first: Option<T>,
    /// Of the second.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub second: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

/// A metric of both, and the second's minus the first's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricDifference {
    /// The values, in the metric's own unit: shares in [0, 1].
    #[serde(flatten)]
    pub value: OfBoth<f64>,
    /// Second minus first, where both are defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    /// 95 % interval of the difference, where one was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

impl MetricDifference {
    /// A metric of the first and of the second, with the interval of second minus first.
    pub fn new(first: Option<f64>, second: Option<f64>, interval: Option<Interval>) -> Self {
        let difference = first.zip(second).map(|(first, second)| second - first);
        Self { value: OfBoth { first, second }, difference, interval }
    }

    /// Whether the second is better; `None` where the interval does not say so, because 0 is in it.
    pub fn is_better(&self, metric: &Metric) -> Option<bool> {
        let interval = self.interval.filter(|interval| !interval.contains(0.0))?;
        Some(metric.improves(interval.low))
    }
}

/// One kind of defect, with all good photos beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindDifference {
    /// Defective photos of this kind that both have scored.
    pub n_anomalous: usize,
    /// How many of them each finds at the thresholds of the comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<PairedCount>,
    /// Image AUROC against all good photos.
    pub image_auroc: OfBoth<f64>,
}

/// A setting in which the models differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingDifference {
    /// Its name.
    pub name: String,
    /// What each has; `None` where its rules have no such setting.
    #[serde(flatten)]
    pub value: OfBoth<String>,
}

/// A photo that only one of both calls defective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedPhoto {
    /// Its path in the test set.
    pub path: String,
    /// The kind of defect, or `good`.
    pub kind: String,
    /// Whether it is defective.
    pub is_anomalous: bool,
    /// Score of the first.
    pub first: f32,
    /// Score of the second.
    pub second: f32,
    /// Whether the second is right.
    pub second_is_right: bool,
    /// How far the scores lie from their thresholds, each as a share of its threshold, together.
    pub change: f64,
}

/// Two models on the same photos. Keys are added without a new version, and a reader leaves out those that it does not know; a key whose
/// meaning changes makes a new version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of the layout: [`Comparison::VERSION`] in what is written.
    pub version: u32,
    /// Which is better, by how much, and whether the photos suffice to say so.
    pub sentence: String,
    /// The same for programs.
    pub finding: ComparisonFinding,
    /// Names of both, such as their folders.
    pub names: [String; 2],
    /// Photos that both have scored.
    pub n_images: usize,
    /// The thresholds of the comparison; `None` where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_point: Option<OperatingPoint>,
    /// Good photos called defective there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_alarms: Option<PairedCount>,
    /// Defective photos called defective there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<PairedCount>,
    /// By the metric's key in metrics.json.
    pub metrics: BTreeMap<String, MetricDifference>,
    /// By kind of defect.
    pub kinds: BTreeMap<String, KindDifference>,
    /// Settings that differ.
    pub settings: Vec<SettingDifference>,
    /// Settings that are known of both and equal.
    pub n_equal_settings: usize,
    /// Wall time of a photo, decoding included, in milliseconds.
    pub ms_per_photo: OfBoth<f64>,
    /// Photos that only one of both calls defective, the largest change first.
    pub changed: Vec<ChangedPhoto>,
    /// What was compared, and with what it was evaluated.
    pub models: [EvaluatedModel; 2],
    /// How each was run, where its evaluation says so.
    #[serde(default)]
    pub runs: OfBoth<RunNote>,
    /// Wall time per stage of each evaluation.
    #[serde(default)]
    pub seconds: OfBoth<BTreeMap<String, f64>>,
}

impl Comparison {
    /// Version of the layout above.
    pub const VERSION: u32 = 1;

    /// Compares what both models have scored. `metrics` are those of both evaluations; kinds, changed photos, finding and sentence
    /// follow from the scores.
    ///
    /// # Errors
    /// [`MetricError::NonFiniteScore`].
    pub fn new(
        names: [String; 2],
        photos: &[ComparedPhoto],
        judged: &Judged,
        metrics: BTreeMap<String, MetricDifference>,
        models: [EvaluatedModel; 2],
    ) -> Result<Self, MetricError> {
        let Judged { operating_point, false_alarms, found } = *judged;
        let auroc = metrics.get(Metric::IMAGE_AUROC.key);
        let finding = match operating_point {
            Some(point) => {
                ComparisonFinding::new(point.basis, false_alarms, found, auroc.and_then(|auroc| auroc.interval))
            }
            None => ComparisonFinding::Undefined,
        };
        let auroc = auroc.and_then(|auroc| Some((auroc.difference?, auroc.interval)));
        let (settings, n_equal_settings) = settings(&models);
        Ok(Self {
            version: Self::VERSION,
            sentence: sentence::of(finding, judged, photos.len(), auroc),
            finding,
            names,
            n_images: photos.len(),
            operating_point,
            false_alarms,
            found,
            kinds: kinds(photos, operating_point)?,
            changed: operating_point.map(|point| changed(photos, point)).unwrap_or_default(),
            metrics,
            settings,
            n_equal_settings,
            ms_per_photo: OfBoth { first: None, second: None },
            models,
            runs: OfBoth { first: None, second: None },
            seconds: OfBoth { first: None, second: None },
        })
    }

    /// The difference of a metric.
    pub fn metric(&self, metric: &Metric) -> Option<&MetricDifference> {
        self.metrics.get(metric.key)
    }

    /// Reads what [`Comparison::to_json`] has written.
    ///
    /// # Errors
    /// [`ResultsError::NewerVersion`] and [`ResultsError::Malformed`].
    pub fn from_json(json: &[u8]) -> Result<Self, ResultsError> {
        versioned::from_json(json, Self::VERSION)
    }

    /// The text of the file.
    ///
    /// # Errors
    /// [`ResultsError::Malformed`] as far as the types go; these values have a JSON.
    pub fn to_json(&self) -> Result<String, ResultsError> {
        versioned::to_json(self)
    }
}

fn kinds(
    photos: &[ComparedPhoto],
    point: Option<OperatingPoint>,
) -> Result<BTreeMap<String, KindDifference>, MetricError> {
    let names: BTreeSet<&str> =
        photos.iter().filter(|photo| photo.is_anomalous).map(|photo| photo.kind.as_str()).collect();
    let kind = |name: &str| {
        let own: Vec<&ComparedPhoto> =
            photos.iter().filter(|photo| !photo.is_anomalous || photo.kind == name).collect();
        let defective: Vec<&&ComparedPhoto> = own.iter().filter(|photo| photo.is_anomalous).collect();
        let found = match point {
            Some(point) => {
                let first: Vec<bool> = defective.iter().map(|photo| photo.first > point.first).collect();
                let second: Vec<bool> = defective.iter().map(|photo| photo.second > point.second).collect();
                PairedCount::new(&first, &second)?
            }
            None => None,
        };
        let labels: Vec<bool> = own.iter().map(|photo| photo.is_anomalous).collect();
        let area = |score: fn(&ComparedPhoto) -> f32| {
            let scores: Vec<f32> = own.iter().map(|photo| score(photo)).collect();
            auroc(&scores, &labels).ok()
        };
        let image_auroc = OfBoth { first: area(|photo| photo.first), second: area(|photo| photo.second) };
        Ok((name.to_owned(), KindDifference { n_anomalous: defective.len(), found, image_auroc }))
    };
    names.into_iter().map(kind).collect()
}

fn changed(photos: &[ComparedPhoto], point: OperatingPoint) -> Vec<ChangedPhoto> {
    let far = |score: f32, threshold: f32| {
        f64::from(score - threshold).abs() / f64::from(threshold).abs().max(f64::from(f32::MIN_POSITIVE))
    };
    let one = |photo: &ComparedPhoto| {
        let (of_first, of_second) = (photo.first > point.first, photo.second > point.second);
        (of_first != of_second).then(|| ChangedPhoto {
            path: photo.path.clone(),
            kind: photo.kind.clone(),
            is_anomalous: photo.is_anomalous,
            first: photo.first,
            second: photo.second,
            second_is_right: of_second == photo.is_anomalous,
            change: far(photo.first, point.first) + far(photo.second, point.second),
        })
    };
    let mut changed: Vec<ChangedPhoto> = photos.iter().filter_map(one).collect();
    changed.sort_by(|a, b| b.change.total_cmp(&a.change).then(a.path.cmp(&b.path)));
    changed
}

/// The settings that differ, and the number of those that are equal.
fn settings([first, second]: &[EvaluatedModel; 2]) -> (Vec<SettingDifference>, usize) {
    let (of_first, of_second) = (first.facts(), second.facts());
    let names = of_first.iter().chain(&of_second).map(|(name, _)| name.as_str());
    let (mut seen, mut differ, mut equal) = (BTreeSet::new(), Vec::new(), 0);
    // What one of two files of before says nothing of is no difference.
    let are_recorded = !first.settings.is_empty() && !second.settings.is_empty();
    let value = |facts: &[(String, String)], name: &str| {
        facts.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    };
    for name in names.filter(|name| seen.insert(*name)) {
        let both = OfBoth { first: value(&of_first, name), second: value(&of_second, name) };
        if both.first == both.second {
            equal += 1;
        } else if are_recorded || (both.first.is_some() && both.second.is_some()) {
            differ.push(SettingDifference { name: name.to_owned(), value: both });
        }
    }
    (differ, equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bootstrap, METRICS};

    fn model(backbone: &str, settings: &[(&str, &str)]) -> EvaluatedModel {
        EvaluatedModel {
            mode: "paper".to_owned(),
            backbone: backbone.to_owned(),
            weights_sha256: "0d1c".to_owned(),
            bank_rows: 12,
            seed: 0,
            device: "cpu".to_owned(),
            precision: "f32".to_owned(),
            version: "0.1.0".to_owned(),
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..EvaluatedModel::default()
        }
    }

    fn photos() -> Vec<ComparedPhoto> {
        let photo = |path: &str, kind: &str, first, second| ComparedPhoto {
            path: path.to_owned(),
            kind: kind.to_owned(),
            is_anomalous: kind != "good",
            first,
            second,
        };
        vec![
            photo("g1", "good", 2.0, 10.0),
            photo("g2", "good", 1.0, 20.0),
            photo("c1", "crack", 1.5, 40.0),
            photo("c2", "crack", 4.0, 60.0),
            photo("h1", "hole", 6.0, 15.0),
        ]
    }

    fn comparison() -> Comparison {
        let judged = Judged::new(&photos(), [None, None], &Bootstrap::default()).unwrap();
        let interval = Some(Interval { low: -0.5, high: 0.5 });
        let metrics = [
            (Metric::IMAGE_AUROC.key.to_owned(), MetricDifference::new(Some(0.75), Some(0.875), interval)),
            (Metric::AUPRO_30.key.to_owned(), MetricDifference::new(Some(0.5), None, None)),
        ];
        let models = [model("resnet18", &[("resize", "256"), ("crop", "none")]), model("lite0", &[("resize", "512")])];
        Comparison::new(["a".to_owned(), "b".to_owned()], &photos(), &judged, metrics.into(), models).unwrap()
    }

    #[test]
    fn kinds_changes_and_settings_follow_from_scores_and_models() {
        let comparison = comparison();
        let crack = &comparison.kinds["crack"];
        let found = crack.found.unwrap();
        assert_eq!((crack.n_anomalous, found.first, found.second), (2, 1, 2));
        assert_eq!(crack.image_auroc, OfBoth { first: Some(0.75), second: Some(1.0) });
        assert_eq!(comparison.kinds["hole"].image_auroc.second, Some(0.5));
        // At 2 and 20: h1 is lost by 2 + 0.25 of the thresholds, c1 gained by 0.25 + 1.
        let changed: Vec<_> =
            comparison.changed.iter().map(|p| (p.path.as_str(), p.second_is_right, p.change)).collect();
        assert_eq!(changed, [("h1", false, 2.25), ("c1", true, 1.25)]);
        let named: Vec<_> = comparison.settings.iter().map(|setting| setting.name.as_str()).collect();
        assert_eq!(named, ["backbone", "crop", "resize"]);
        assert_eq!(comparison.settings[1].value, OfBoth { first: Some("none".to_owned()), second: None });
        // A file of before does not say its settings.
        let old = [model("resnet18", &[]), model("resnet18", &[("resize", "512")])];
        assert_eq!(settings(&old).0, []);
        assert!(comparison.n_equal_settings >= 5, "{}", comparison.n_equal_settings);
        assert_eq!(comparison.finding, ComparisonFinding::Unclear);
        assert!(comparison.sentence.contains("both find 2 of 3 defective parts"), "{}", comparison.sentence);
    }

    #[test]
    fn what_is_written_comes_back_and_the_undefined_is_absent() {
        let json = comparison().to_json().unwrap();
        assert!(
            json.starts_with("{\n  \"version\": 1,\n  \"sentence\": \"The photos") && !json.contains("null"),
            "{json}"
        );
        let back = Comparison::from_json(json.as_bytes()).unwrap();
        assert_eq!(back, comparison());
        assert_eq!(back.metric(&Metric::IMAGE_AUROC).unwrap().difference, Some(0.125));
        assert!(METRICS.iter().filter_map(|metric| back.metric(metric)).count() == 2);
        let newer = Comparison::from_json(b"{\"version\": 2}").unwrap_err();
        assert!(matches!(newer, ResultsError::NewerVersion { found: 2, supported: 1 }));
        assert!(matches!(Comparison::from_json(b"{\"version\": 1}"), Err(ResultsError::Malformed(_))));
    }

    #[test]
    fn a_difference_beyond_its_interval_is_better_or_worse() {
        let is_better = |low, high| {
            let interval = Some(Interval { low, high });
            MetricDifference::new(Some(0.5), Some(0.6), interval).is_better(&Metric::IMAGE_AUROC)
        };
        assert_eq!((is_better(0.1, 0.2), is_better(-0.2, -0.1), is_better(-0.1, 0.2)), (Some(true), Some(false), None));
    }
}
