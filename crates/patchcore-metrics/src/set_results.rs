//! The metrics of one set of images, as they stand in metrics.json.

use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Confusion, ImageMetrics, Interval, LookAgain, METRICS, Metric, PerMetric, PixelMetrics, Share};

/// The metrics of all images, or of one kind of defect together with all good images.
///
/// In JSON one flat object: `image_auroc`, its interval `image_auroc_ci`, and so on over [`METRICS`]. What is not defined
/// on the set (one class only, no mask) is absent; a key that this version does not know is left out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SetResults {
    /// Good images scored.
    pub n_normal: usize,
    /// Defective images scored.
    pub n_anomalous: usize,
    /// The values of the metrics.
    pub values: PerMetric<f64>,
    /// Bootstrap intervals over images, at 95 %.
    pub intervals: PerMetric<Interval>,
    /// Where a metric is the best over all thresholds (F1-max): the one where it is, in the unit of the scores. Entries
    /// with `score >= threshold` are called anomalous.
    pub thresholds: PerMetric<f32>,
    /// Verdicts at the model's image threshold against the truth.
    pub confusion: Option<Confusion>,
    /// Defective photos called anomalous at [`Results::verdicts_at`](super::Results::verdicts_at); `None` without either.
    pub found: Option<Share>,
    /// Good photos called anomalous there; `None` without either.
    pub false_alarms: Option<Share>,
    /// Photos between the model's two thresholds, for a model with two. `found` and `false_alarms` are above both.
    pub look_again: Option<LookAgain>,
    /// Defective photos with a usable mask whose map is highest on a defective pixel; `None` without such photos. A model that finds
    /// photos and is highest elsewhere is right for a wrong reason.
    pub worst_on_defect: Option<Share>,
}

impl SetResults {
    /// The values of whatever is defined, without intervals and verdicts.
    pub fn new(
        n_normal: usize,
        n_anomalous: usize,
        image: Option<&ImageMetrics>,
        pixel: Option<&PixelMetrics>,
    ) -> Self {
        let value = |metric: &'static Metric| Some((metric, metric.value(image, pixel)?));
        let image_threshold = image.map(|image| (&Metric::IMAGE_F1_MAX, image.f1_max.threshold));
        let pixel_threshold = pixel.map(|pixel| (&Metric::PIXEL_F1_MAX, pixel.f1_max.threshold));
        Self {
            n_normal,
            n_anomalous,
            values: METRICS.iter().filter_map(value).collect(),
            intervals: PerMetric::default(),
            thresholds: image_threshold.into_iter().chain(pixel_threshold).collect(),
            confusion: None,
            found: None,
            false_alarms: None,
            look_again: None,
            worst_on_defect: None,
        }
    }
}

const N_NORMAL: &str = "n_normal";
const N_ANOMALOUS: &str = "n_anomalous";
const CONFUSION: &str = "confusion";
const FOUND: &str = "found";
const FALSE_ALARMS: &str = "false_alarms";
const LOOK_AGAIN: &str = "look_again";
const WORST_ON_DEFECT: &str = "worst_on_defect";
/// Behind the key of a metric.
const INTERVAL: &str = "_ci";
const THRESHOLD: &str = "_threshold";

impl Serialize for SetResults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(N_NORMAL, &self.n_normal)?;
        map.serialize_entry(N_ANOMALOUS, &self.n_anomalous)?;
        for (metric, value) in self.values.iter() {
            map.serialize_entry(metric.key, &value)?;
            if let Some(threshold) = self.thresholds.get(metric) {
                map.serialize_entry(&format!("{}{THRESHOLD}", metric.key), &threshold)?;
            }
        }
        for (metric, interval) in self.intervals.iter() {
            map.serialize_entry(&format!("{}{INTERVAL}", metric.key), &interval)?;
        }
        if let Some(confusion) = &self.confusion {
            map.serialize_entry(CONFUSION, confusion)?;
        }
        for (key, share) in
            [(FOUND, self.found), (FALSE_ALARMS, self.false_alarms), (WORST_ON_DEFECT, self.worst_on_defect)]
        {
            if let Some(share) = share {
                map.serialize_entry(key, &share)?;
            }
        }
        if let Some(counts) = &self.look_again {
            map.serialize_entry(LOOK_AGAIN, counts)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for SetResults {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = SetResults;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the metrics of a test set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SetResults, A::Error> {
        let mut results = SetResults::default();
        let (mut n_normal, mut n_anomalous) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let of = |suffix: &str| key.strip_suffix(suffix).and_then(Metric::of_key);
            if let Some(metric) = Metric::of_key(&key) {
                results.values.extend(map.next_value::<Option<f64>>()?.map(|value| (metric, value)));
            } else if let Some(metric) = of(INTERVAL) {
                results.intervals.extend(map.next_value::<Option<Interval>>()?.map(|value| (metric, value)));
            } else if let Some(metric) = of(THRESHOLD) {
                results.thresholds.extend(map.next_value::<Option<f32>>()?.map(|value| (metric, value)));
            } else {
                match key.as_str() {
                    N_NORMAL => n_normal = Some(map.next_value()?),
                    N_ANOMALOUS => n_anomalous = Some(map.next_value()?),
                    CONFUSION => results.confusion = map.next_value()?,
                    FOUND => results.found = map.next_value()?,
                    FALSE_ALARMS => results.false_alarms = map.next_value()?,
                    LOOK_AGAIN => results.look_again = map.next_value()?,
                    WORST_ON_DEFECT => results.worst_on_defect = map.next_value()?,
                    _ => drop(map.next_value::<IgnoredAny>()?),
                }
            }
        }
        results.n_normal = n_normal.ok_or_else(|| de::Error::missing_field(N_NORMAL))?;
        results.n_anomalous = n_anomalous.ok_or_else(|| de::Error::missing_field(N_ANOMALOUS))?;
        Ok(results)
    }
}
