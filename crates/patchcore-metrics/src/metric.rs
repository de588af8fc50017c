//! The table of metrics: what each is called, in which unit it is read, which way is better, and where its value is.
//!
//! Everything that lists metrics goes over [`METRICS`]: the keys of [`Results`](super::Results), the intervals of a
//! bootstrap, the tables of the program and of its reports. A new metric is a field where it is computed
//! ([`ImageMetrics`] or [`PixelMetrics`]), a field of `Replicate` where it is resampled (`bootstrap/`), and a row here.

use super::bootstrap::Replicate;
use super::{ImageMetrics, PixelMetrics};

/// Every metric, in the order of every table: those of whole images, then where the defects are, with the AUPRO up to 0.05 first.
pub const METRICS: [Metric; 12] = [
    Metric::IMAGE_AUROC,
    Metric::IMAGE_AP,
    Metric::IMAGE_F1_MAX,
    Metric::IMAGE_F1,
    Metric::AUPRO_05,
    Metric::AUPRO_30,
    Metric::AUPIMO,
    Metric::REGION_RECALL,
    Metric::REGIONS_FOUND,
    Metric::PIXEL_AUROC,
    Metric::PIXEL_AP,
    Metric::PIXEL_F1_MAX,
];

/// One metric: a row of [`METRICS`]. Two are equal when their keys are.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name in metrics.json; an interval of it has the same name with `_ci` behind it.
    pub key: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// Heading of its column in the narrow table of a terminal; `None` where it has no column there.
    pub column: Option<&'static str>,
    /// In which unit people read it.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// Where its value is.
    pub source: MetricSource,
    /// Its value in one resample, where it has one.
    pub(super) replicate: fn(&Replicate) -> Option<f64>,
}

/// What a metric judges, and how its value is read there.
#[derive(Debug, Clone, Copy)]
pub enum MetricSource {
    /// Scores of whole images.
    Images(fn(&ImageMetrics) -> Option<f64>),
    /// Scores of pixels.
    Pixels(fn(&PixelMetrics) -> Option<f64>),
}

/// In which unit a metric is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// A share in [0, 1], read in percent.
    Percent,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The higher the better.
    Higher,
    /// The lower the better.
    Lower,
}

impl Metric {
    /// [`ImageMetrics::auroc`].
    pub const IMAGE_AUROC: Self = Self {
        key: "image_auroc",
        label: "image AUROC",
        column: Some("im.AUROC"),
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Images(|metrics| Some(metrics.auroc)),
        replicate: |replicate| Some(replicate.auroc),
    };
    /// [`ImageMetrics::ap`].
    pub const IMAGE_AP: Self = Self {
        key: "image_ap",
        label: "image AP",
        column: Some("im.AP"),
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Images(|metrics| Some(metrics.ap)),
        replicate: |replicate| Some(replicate.ap),
    };
    /// [`ImageMetrics::f1_max`].
    pub const IMAGE_F1_MAX: Self = Self {
        key: "image_f1_max",
        label: "image F1-max",
        column: None,
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Images(|metrics| Some(metrics.f1_max.f1)),
        replicate: |replicate| Some(replicate.f1_max),
    };
    /// [`PixelMetrics::auroc`].
    pub const PIXEL_AUROC: Self = Self {
        key: "pixel_auroc",
        label: "pixel AUROC",
        column: Some("px.AUROC"),
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Pixels(|metrics| Some(metrics.auroc)),
        replicate: |replicate| Some(replicate.auroc),
    };
    /// [`PixelMetrics::ap`].
    pub const PIXEL_AP: Self = Self {
        key: "pixel_ap",
        label: "pixel AP",
        column: Some("px.AP"),
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Pixels(|metrics| Some(metrics.ap)),
        replicate: |replicate| Some(replicate.ap),
    };
    /// [`PixelMetrics::f1_max`].
    pub const PIXEL_F1_MAX: Self = Self {
        key: "pixel_f1_max",
        label: "pixel F1-max",
        column: None,
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Pixels(|metrics| Some(metrics.f1_max.f1)),
        replicate: |replicate| Some(replicate.f1_max),
    };
    /// [`PixelMetrics::aupro_30`].
    pub const AUPRO_30: Self = Self {
        key: "aupro_0.3",
        label: "AUPRO 0.3",
        column: Some("AUPRO.3"),
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Pixels(|metrics| Some(metrics.aupro_30)),
        replicate: |replicate| Some(replicate.aupro_30),
    };
    /// [`PixelMetrics::aupro_05`].
    pub const AUPRO_05: Self = Self {
        key: "aupro_0.05",
        label: "AUPRO 0.05",
        column: Some("AUPRO.05"),
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Pixels(|metrics| Some(metrics.aupro_05)),
        replicate: |replicate| Some(replicate.aupro_05),
    };
    /// [`ImageMetrics::f1`].
    pub const IMAGE_F1: Self = Self {
        key: "image_f1",
        label: "image F1",
        column: None,
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Images(|metrics| metrics.f1),
        replicate: |replicate| replicate.f1,
    };
    /// The mean of [`PixelMetrics::aupimo`].
    pub const AUPIMO: Self = Self {
        key: "aupimo",
        label: "AUPIMO",
        column: Some("AUPIMO"),
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Pixels(|metrics| Some(metrics.aupimo.as_ref().ok()?.mean)),
        replicate: |replicate| replicate.aupimo,
    };
    /// [`RegionRecall::overlap`](super::RegionRecall::overlap).
    pub const REGION_RECALL: Self = Self {
        key: "region_recall",
        label: "region recall",
        column: None,
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Pixels(|metrics| Some(metrics.region_recall?.overlap)),
        replicate: |replicate| replicate.region_recall,
    };
    /// [`RegionRecall::found`](super::RegionRecall::found).
    pub const REGIONS_FOUND: Self = Self {
        key: "regions_found",
        label: "regions found",
        column: None,
        unit: Unit::Percent,
        better: Better::Higher,
        source: MetricSource::Pixels(|metrics| Some(metrics.region_recall?.found)),
        replicate: |replicate| replicate.regions_found,
    };

    /// The metric with this key.
    pub fn of_key(key: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.key == key)
    }

    /// The value, of whichever metrics it is read from; `None` without those, and where it is not defined.
    pub fn value(&self, image: Option<&ImageMetrics>, pixel: Option<&PixelMetrics>) -> Option<f64> {
        match self.source {
            MetricSource::Images(value) => image.and_then(value),
            MetricSource::Pixels(value) => pixel.and_then(value),
        }
    }

    /// Whether a difference of this sign is an improvement.
    pub fn improves(&self, difference: f64) -> bool {
        match self.better {
            Better::Higher => difference > 0.0,
            Better::Lower => difference < 0.0,
        }
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Metric {}

impl Unit {
    /// What a value is multiplied by to be read in this unit.
    pub fn scale(self) -> f64 {
        match self {
            Self::Percent => 100.0,
        }
    }

    /// What stands behind a value.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Percent => "%",
        }
    }

    /// What stands behind a difference of two values.
    pub fn of_differences(self) -> &'static str {
        match self {
            Self::Percent => "points",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Aupimo, F1Max, RegionRecall};

    #[test]
    fn each_row_reads_what_it_is_called_after() {
        let f1_max = |f1| F1Max { f1, threshold: 7.0, precision: 8.0, recall: 9.0 };
        let image =
            ImageMetrics { auroc: 0.1, ap: 0.2, f1_max: f1_max(0.3), f1: Some(0.35), n_normal: 1, n_anomalous: 1 };
        let pixel = PixelMetrics {
            auroc: 0.4,
            ap: 0.5,
            f1_max: f1_max(0.6),
            aupro_30: 0.7,
            aupro_05: 0.8,
            aupimo: Ok(Aupimo { images: vec![None, Some(0.9)], mean: 0.9 }),
            region_recall: Some(RegionRecall { overlap: 0.95, found: 0.97, n_regions: 1 }),
            n_normal: 1,
            n_anomalous: 1,
            n_regions: 1,
        };
        let replicate = Replicate {
            auroc: 1.0,
            ap: 2.0,
            f1_max: 3.0,
            aupro_30: 4.0,
            aupro_05: 5.0,
            aupimo: Some(6.0),
            f1: Some(7.0),
            region_recall: Some(8.0),
            regions_found: None,
        };
        let read = METRICS.map(|metric| (metric.key, metric.value(Some(&image), Some(&pixel)).unwrap()));
        let expected = [
            ("image_auroc", 0.1),
            ("image_ap", 0.2),
            ("image_f1_max", 0.3),
            ("image_f1", 0.35),
            ("aupro_0.05", 0.8),
            ("aupro_0.3", 0.7),
            ("aupimo", 0.9),
            ("region_recall", 0.95),
            ("regions_found", 0.97),
            ("pixel_auroc", 0.4),
            ("pixel_ap", 0.5),
            ("pixel_f1_max", 0.6),
        ];
        assert_eq!(read, expected);
        let replicates = METRICS.map(|metric| (metric.replicate)(&replicate).unwrap_or_default());
        assert_eq!(replicates, [1.0, 2.0, 3.0, 7.0, 5.0, 4.0, 6.0, 8.0, 0.0, 1.0, 2.0, 3.0]);
        let undefined = PixelMetrics { aupimo: Err(crate::MetricError::Empty), region_recall: None, ..pixel };
        assert_eq!(Metric::AUPIMO.value(None, Some(&undefined)), None);
        assert_eq!(Metric::REGION_RECALL.value(None, Some(&undefined)), None);
        assert!(METRICS.iter().all(|metric| Metric::of_key(metric.key) == Some(metric)));
        assert_eq!(Metric::of_key("image AUROC"), None);
        assert!(Metric::IMAGE_AUROC.improves(0.1) && !Metric::IMAGE_AUROC.improves(-0.1));
        let lower = Metric { better: Better::Lower, ..Metric::IMAGE_AUROC };
        assert!(lower.improves(-0.1) && !lower.improves(0.1) && !lower.improves(0.0));
        assert_eq!(Metric::AUPRO_30.value(Some(&image), None), None);
    }
}
