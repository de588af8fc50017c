//! What was published of PatchCore on the two benchmarks: the figures that `reproduce` puts beside its own, each with its source.
//!
//! A source stands here only with what it says itself. It measures one definition of PatchCore with one network and one share of the
//! training patches; a comparison of anything else is none.

use patchcore::Mode;

use super::benchmark::{Benchmark, MVTEC_AD};

/// Percent, as published; `None` for what a source does not say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Area under the ROC curve of the images.
    pub image_auroc: Option<f64>,
    /// Area under the ROC curve of the pixels.
    pub pixel_auroc: Option<f64>,
    /// Per-region overlap up to a false-positive rate of 0.3 (the paper's PRO).
    pub aupro_30: Option<f64>,
}

impl Figures {
    const fn of_images(image_auroc: f64) -> Self {
        Self { image_auroc: Some(image_auroc), pixel_auroc: None, aupro_30: None }
    }

    const fn without_pro(image_auroc: f64, pixel_auroc: f64) -> Self {
        Self { image_auroc: Some(image_auroc), pixel_auroc: Some(pixel_auroc), aupro_30: None }
    }

    const fn all(image_auroc: f64, pixel_auroc: f64, aupro_30: f64) -> Self {
        Self { image_auroc: Some(image_auroc), pixel_auroc: Some(pixel_auroc), aupro_30: Some(aupro_30) }
    }

    /// In the order of the page's columns.
    pub fn values(self) -> [Option<f64>; 3] {
        [self.image_auroc, self.pixel_auroc, self.aupro_30]
    }
}

/// Where figures are published.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Short, for a sentence.
    pub name: &'static str,
    /// Where to read them.
    pub url: &'static str,
}

const PAPER: Source = Source { name: "Roth et al. 2022", url: "https://arxiv.org/abs/2106.08265" };
const AUTHORS: Source = Source {
    name: "the authors' repository, results.csv of IM224_WR50_L2-3_P01_D1024-1024_PS-3_AN-1",
    url: "https://github.com/amazon-science/patchcore-inspection",
};
const ANOMALIB: Source =
    Source { name: "anomalib, README of Patchcore", url: "https://github.com/open-edge-platform/anomalib" };

/// The figures of one source for one definition, network and share of the patches.
#[derive(Debug)]
pub struct Published {
    /// What was measured.
    pub benchmark: &'static Benchmark,
    /// The mode that computes this definition.
    pub mode: Mode,
    /// The network, by its name in the catalogue.
    pub backbone: &'static str,
    /// Share of the training patches that the memory bank keeps.
    pub coreset_sampling_ratio: f64,
    /// Over all classes.
    pub mean: Figures,
    /// Of each class, where the source says them.
    pub classes: &'static [(&'static str, Figures)],
    /// Who says so.
    pub source: Source,
}

impl Published {
    /// Whether a bank of this share of the patches is what the source measured.
    pub fn is_of_ratio(&self, ratio: f64) -> bool {
        (self.coreset_sampling_ratio - ratio).abs() < 1e-9
    }

    /// Of one class.
    pub fn class(&self, class: &str) -> Option<Figures> {
        self.classes.iter().find(|(name, _)| *name == class).map(|(_, figures)| *figures)
    }

    /// The mean over some of the classes; `None` without the source's figures of each.
    pub fn mean_of(&self, classes: &[&str]) -> Option<Figures> {
        let figures: Vec<Figures> = classes.iter().map(|class| self.class(class)).collect::<Option<_>>()?;
        let mean = |value: fn(&Figures) -> Option<f64>| {
            let values: Vec<f64> = figures.iter().map(value).collect::<Option<_>>()?;
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Some(Figures {
            image_auroc: mean(|figures| figures.image_auroc),
            pixel_auroc: mean(|figures| figures.pixel_auroc),
            aupro_30: mean(|figures| figures.aupro_30),
        })
    }
}

const fn of_paper(backbone: &'static str, coreset_sampling_ratio: f64, mean: Figures) -> Published {
    let (benchmark, mode) = (&MVTEC_AD, Mode::Paper);
    Published { benchmark, mode, backbone, coreset_sampling_ratio, mean, classes: &[], source: PAPER }
}

/// The paper's network.
pub const PAPERS_BACKBONE: &str = "wide_resnet50_2";

/// All of it.
pub const PUBLISHED: &[Published] = &[
    of_paper(PAPERS_BACKBONE, 1.0, Figures::all(99.1, 98.0, 93.3)),
    of_paper(PAPERS_BACKBONE, 0.25, Figures::all(99.1, 98.1, 93.4)),
    of_paper(PAPERS_BACKBONE, 0.1, Figures::all(99.0, 98.1, 93.5)),
    of_paper(PAPERS_BACKBONE, 0.01, Figures::all(99.0, 98.0, 93.1)),
    of_paper("resnet50", 0.1, Figures::of_images(99.0)),
    of_paper("resnet50", 0.01, Figures::of_images(98.7)),
    of_paper("resnet101", 0.1, Figures::of_images(98.6)),
    of_paper("resnet101", 0.01, Figures::of_images(98.7)),
    of_paper("wide_resnet101_2", 0.1, Figures::of_images(99.1)),
    of_paper("wide_resnet101_2", 0.01, Figures::of_images(99.0)),
    Published {
        benchmark: &MVTEC_AD,
        mode: Mode::Authors,
        backbone: PAPERS_BACKBONE,
        coreset_sampling_ratio: 0.1,
        mean: Figures::all(99.16, 98.11, 94.37),
        classes: &[],
        source: AUTHORS,
    },
    Published {
        benchmark: &MVTEC_AD,
        mode: Mode::Anomalib,
        backbone: PAPERS_BACKBONE,
        coreset_sampling_ratio: 0.1,
        mean: Figures::without_pro(98.0, 98.0),
        classes: &[],
        source: ANOMALIB,
    },
    Published {
        benchmark: &MVTEC_AD,
        mode: Mode::Anomalib,
        backbone: "resnet18",
        coreset_sampling_ratio: 0.1,
        mean: Figures::without_pro(97.3, 97.6),
        classes: &[
            ("carpet", Figures::without_pro(97.0, 98.6)),
            ("grid", Figures::without_pro(94.7, 95.5)),
            ("leather", Figures::without_pro(100.0, 99.0)),
            ("tile", Figures::without_pro(99.7, 94.3)),
            ("wood", Figures::without_pro(99.7, 93.3)),
            ("bottle", Figures::without_pro(100.0, 98.1)),
            ("cable", Figures::without_pro(98.6, 98.4)),
            ("capsule", Figures::without_pro(96.5, 98.6)),
            ("hazelnut", Figures::without_pro(100.0, 98.6)),
            ("metal_nut", Figures::without_pro(99.1, 98.6)),
            ("pill", Figures::without_pro(91.6, 97.4)),
            ("screw", Figures::without_pro(94.3, 99.1)),
            ("toothbrush", Figures::without_pro(93.1, 98.8)),
            ("transistor", Figures::without_pro(99.6, 97.4)),
            ("zipper", Figures::without_pro(95.3, 98.3)),
        ],
        source: ANOMALIB,
    },
];

/// What was published of a benchmark with a network and in a mode, whatever the share of the patches.
pub fn published(benchmark: &Benchmark, backbone: &str, mode: Mode) -> impl Iterator<Item = &'static Published> {
    let name = benchmark.name;
    PUBLISHED.iter().filter(move |published| {
        published.benchmark.name == name && published.backbone == backbone && published.mode == mode
    })
}

#[cfg(test)]
mod tests {
    use patchcore::config::CATALOGUE;

    use super::*;

    #[test]
    fn a_mean_is_that_of_its_classes_to_the_last_digit_that_the_source_gives() {
        let with_classes: Vec<&Published> =
            PUBLISHED.iter().filter(|published| !published.classes.is_empty()).collect();
        assert_eq!(with_classes.len(), 1);
        for published in with_classes {
            let classes = published.benchmark.names();
            let mut named: Vec<&str> = published.classes.iter().map(|(name, _)| *name).collect();
            named.sort_unstable();
            assert_eq!(named, classes);
            let mean = published.mean_of(&classes).unwrap();
            for (of_classes, said) in mean.values().into_iter().zip(published.mean.values()) {
                assert_eq!(of_classes.is_some(), said.is_some());
                // One digit behind the point, rounded.
                let (of_classes, said) = (of_classes.unwrap_or(0.0), said.unwrap_or(0.0));
                assert!((of_classes - said).abs() <= 0.05, "{of_classes} for {said}");
            }
        }
        let two = PUBLISHED.last().unwrap().mean_of(&["bottle", "tile"]).unwrap();
        assert!((two.image_auroc.unwrap() - 99.85).abs() < 1e-9 && two.aupro_30.is_none(), "{two:?}");
        assert_eq!(PUBLISHED[0].mean_of(&["bottle"]), None);
    }

    #[test]
    fn each_is_there_once_of_a_network_of_the_catalogue() {
        for (at, one) in PUBLISHED.iter().enumerate() {
            assert!(CATALOGUE.iter().any(|network| network.name == one.backbone), "{one:?}");
            assert!(one.source.url.starts_with("https://"), "{one:?}");
            let is_same = |other: &&Published| {
                (other.benchmark.name, other.mode, other.backbone) == (one.benchmark.name, one.mode, one.backbone)
                    && other.is_of_ratio(one.coreset_sampling_ratio)
            };
            assert_eq!(PUBLISHED.iter().position(|other| is_same(&other)), Some(at), "{one:?}");
            assert!(
                one.mean.values().into_iter().flatten().all(|percent| (90.0..=100.0).contains(&percent)),
                "{one:?}"
            );
        }
        let ratios: Vec<f64> = published(&MVTEC_AD, PAPERS_BACKBONE, Mode::Paper)
            .map(|published| published.coreset_sampling_ratio)
            .collect();
        assert_eq!(ratios, [1.0, 0.25, 0.1, 0.01]);
        assert_eq!(published(&MVTEC_AD, "efficientnet_lite0", Mode::Paper).count(), 0);
        assert_eq!(published(&MVTEC_AD, PAPERS_BACKBONE, Mode::Line).count(), 0);
    }
}
