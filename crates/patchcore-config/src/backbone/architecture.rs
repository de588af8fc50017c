//! The networks this project knows, by the name that torchvision (ResNet) and timm (EfficientNet-Lite0) give them.

use serde::{Deserialize, Serialize};

use super::plan::{Activation, ConvStep, Padding, Plan, Slot, Step, Tap};
use crate::ConfigError;
use crate::Normalization;

/// A backbone's architecture; weights come separately ([`crate::BackboneWeights`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Architecture {
    /// He et al. 2016, BasicBlock, stages of 2, 2, 2, 2 blocks.
    #[serde(rename = "resnet18")]
    ResNet18,
    /// BasicBlock, 3, 4, 6, 3.
    #[serde(rename = "resnet34")]
    ResNet34,
    /// Bottleneck, 3, 4, 6, 3.
    #[serde(rename = "resnet50")]
    ResNet50,
    /// Bottleneck, 3, 4, 23, 3.
    #[serde(rename = "resnet101")]
    ResNet101,
    /// Zagoruyko & Komodakis 2016: ResNet-50 with inner width doubled. The paper's backbone.
    #[serde(rename = "wide_resnet50_2")]
    WideResNet50_2,
    /// ResNet-101 with inner width doubled.
    #[serde(rename = "wide_resnet101_2")]
    WideResNet101_2,
    /// EfficientNet-Lite0 cut after block 7: the edge preset.
    #[serde(rename = "efficientnet_lite0")]
    EfficientNetLite0,
}

/// Every architecture, in the order in which lists show them.
pub const ARCHITECTURES: [Architecture; 7] = [
    Architecture::EfficientNetLite0,
    Architecture::ResNet18,
    Architecture::ResNet34,
    Architecture::ResNet50,
    Architecture::ResNet101,
    Architecture::WideResNet50_2,
    Architecture::WideResNet101_2,
];

impl Architecture {
    /// The name used in settings, files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::ResNet18 => "resnet18",
            Architecture::ResNet34 => "resnet34",
            Architecture::ResNet50 => "resnet50",
            Architecture::ResNet101 => "resnet101",
            Architecture::WideResNet50_2 => "wide_resnet50_2",
            Architecture::WideResNet101_2 => "wide_resnet101_2",
            Architecture::EfficientNetLite0 => "efficientnet_lite0",
        }
    }

    /// The architecture of that name.
    ///
    /// # Errors
    /// [`ConfigError::UnknownBackbone`], which lists the known names.
    pub fn from_name(name: &str) -> Result<Self, ConfigError> {
        ARCHITECTURES.into_iter().find(|architecture| architecture.name() == name).ok_or_else(|| {
            ConfigError::UnknownBackbone {
                name: name.to_owned(),
                known: ARCHITECTURES.map(Architecture::name).join(", "),
            }
        })
    }

    /// What the pretrained weights expect of their input.
    pub fn normalization(self) -> Normalization {
        match self {
            Architecture::EfficientNetLite0 => Normalization::EFFICIENTNET_LITE,
            _ => Normalization::IMAGENET,
        }
    }

    /// Layers that can be tapped, in network order.
    pub fn layers(self) -> &'static [&'static str] {
        match self {
            Architecture::EfficientNetLite0 => &["block4", "block7"],
            _ => &["layer1", "layer2", "layer3", "layer4"],
        }
    }

    /// The paper's choice of levels: stages 2 and 3, strides 8 and 16.
    pub fn default_layers(self) -> [&'static str; 2] {
        match self {
            Architecture::EfficientNetLite0 => ["block4", "block7"],
            _ => ["layer2", "layer3"],
        }
    }

    /// Channels and stride of a layer; `None` for a layer that does not exist.
    pub fn layer_shape(self, layer: &str) -> Option<(usize, usize)> {
        let index = self.layers().iter().position(|known| *known == layer)?;
        Some(match (self, index) {
            (Architecture::EfficientNetLite0, 0) => (40, 8),
            (Architecture::EfficientNetLite0, _) => (80, 16),
            (_, index) => ((64 * self.resnet().expansion) << index, 4 << index),
        })
    }

    /// The steps up to the deepest of `layers`, with those layers tapped.
    ///
    /// # Errors
    /// [`ConfigError::UnknownLayer`] and [`ConfigError::NoLayers`].
    pub fn plan(self, layers: &[String]) -> Result<Plan, ConfigError> {
        if layers.is_empty() {
            return Err(ConfigError::NoLayers);
        }
        // Layers come in network order: the first one's grid is the patch grid.
        let mut remaining = self.layers().iter();
        for layer in layers {
            if !remaining.any(|known| known == layer) {
                return Err(ConfigError::UnknownLayer {
                    layer: layer.clone(),
                    backbone: self.name(),
                    known: self.layers().join(", "),
                });
            }
        }
        let mut writer = Writer { steps: Vec::new(), slots: 1, taps: Vec::new(), wanted: layers };
        match self {
            Architecture::EfficientNetLite0 => writer.efficientnet_lite0(),
            _ => writer.resnet(&self.resnet()),
        }
        Ok(Plan { steps: writer.steps, taps: writer.taps, slots: writer.slots })
    }

    fn resnet(self) -> ResNet {
        let (blocks, expansion, width) = match self {
            Architecture::ResNet18 => ([2, 2, 2, 2], 1, 64),
            Architecture::ResNet34 => ([3, 4, 6, 3], 1, 64),
            Architecture::ResNet101 => ([3, 4, 23, 3], 4, 64),
            Architecture::WideResNet50_2 => ([3, 4, 6, 3], 4, 128),
            Architecture::WideResNet101_2 => ([3, 4, 23, 3], 4, 128),
            _ => ([3, 4, 6, 3], 4, 64),
        };
        ResNet { blocks, expansion, width }
    }
}

/// What tells one ResNet from another: blocks per stage, channels out over planes, inner width at stage 1.
struct ResNet {
    blocks: [usize; 4],
    expansion: usize,
    width: usize,
}

/// Geometry of one convolution, before it has a place in the plan.
struct Conv {
    channels: (usize, usize),
    kernel: usize,
    stride: usize,
    padding: Padding,
    groups: usize,
}

impl Conv {
    /// A ResNet convolution: padding `kernel / 2`, no groups.
    fn centred(channels: (usize, usize), kernel: usize, stride: usize) -> Self {
        Self { channels, kernel, stride, padding: Padding::Symmetric(kernel / 2), groups: 1 }
    }
}

struct Writer<'a> {
    steps: Vec<Step>,
    slots: usize,
    taps: Vec<Tap>,
    wanted: &'a [String],
}

impl Writer<'_> {
    fn slot(&mut self) -> Slot {
        self.slots += 1;
        self.slots - 1
    }

    fn conv(&mut self, name: String, from: Slot, conv: Conv, add: Option<Slot>, activation: Activation) -> Slot {
        let to = self.slot();
        self.steps.push(Step::Conv(ConvStep {
            name,
            from,
            to,
            in_channels: conv.channels.0,
            out_channels: conv.channels.1,
            kernel: conv.kernel,
            stride: conv.stride,
            padding: conv.padding,
            groups: conv.groups,
            add,
            activation,
        }));
        to
    }

    /// Records a tap if the layer is wanted; true when all wanted layers have been written.
    fn tap(&mut self, layer: &str, slot: Slot, channels: usize, stride: usize) -> bool {
        if self.wanted.iter().any(|wanted| wanted == layer) {
            self.taps.push(Tap { layer: layer.to_owned(), slot, channels, stride });
        }
        self.taps.len() == self.wanted.len()
    }

    fn resnet(&mut self, net: &ResNet) {
        let mut at = self.conv("conv1".into(), 0, Conv::centred((3, 64), 7, 2), None, Activation::Relu);
        let pooled = self.slot();
        self.steps.push(Step::MaxPool { from: at, to: pooled });
        at = pooled;
        let mut channels = 64;
        for (stage, blocks) in net.blocks.into_iter().enumerate() {
            let planes = 64 << stage;
            let out = planes * net.expansion;
            for block in 0..blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let prefix = format!("layer{}.{block}", stage + 1);
                // The shortcut comes first: the last convolution adds it in its epilogue.
                let shortcut = if stride != 1 || channels != out {
                    let conv = Conv::centred((channels, out), 1, stride);
                    self.conv(format!("{prefix}.downsample.0"), at, conv, None, Activation::Identity)
                } else {
                    at
                };
                let name = |index: usize| format!("{prefix}.conv{index}");
                at = if net.expansion == 1 {
                    let inner =
                        self.conv(name(1), at, Conv::centred((channels, out), 3, stride), None, Activation::Relu);
                    self.conv(name(2), inner, Conv::centred((out, out), 3, 1), Some(shortcut), Activation::Relu)
                } else {
                    let inner = net.width << stage;
                    let a = self.conv(name(1), at, Conv::centred((channels, inner), 1, 1), None, Activation::Relu);
                    let b = self.conv(name(2), a, Conv::centred((inner, inner), 3, stride), None, Activation::Relu);
                    self.conv(name(3), b, Conv::centred((inner, out), 1, 1), Some(shortcut), Activation::Relu)
                };
                channels = out;
            }
            if self.tap(&format!("layer{}", stage + 1), at, channels, 4 << stage) {
                return;
            }
        }
    }

    /// Tan & Le 2019, "Lite" variant: no squeeze-and-excite, ReLU6, stem and head not scaled.
    fn efficientnet_lite0(&mut self) {
        let same = |channels, kernel, stride, groups| Conv { channels, kernel, stride, padding: Padding::Same, groups };
        let mut at = self.conv("stem".into(), 0, same((3, 32), 3, 2, 1), None, Activation::Relu6);
        let mut channels = 32;
        // (expand ratio, kernel, stride, channels out) of blocks 0..=7.
        let blocks = [
            (1, 3, 1, 16),
            (6, 3, 2, 24),
            (6, 3, 1, 24),
            (6, 5, 2, 40),
            (6, 5, 1, 40),
            (6, 3, 2, 80),
            (6, 3, 1, 80),
            (6, 3, 1, 80),
        ];
        for (index, (expand, kernel, stride, out)) in blocks.into_iter().enumerate() {
            let name = |part: &str| format!("blocks.{index}.{part}");
            let block_input = at;
            let inner = channels * expand;
            if expand != 1 {
                at = self.conv(name("expand"), at, same((channels, inner), 1, 1, 1), None, Activation::Relu6);
            }
            at = self.conv(name("depthwise"), at, same((inner, inner), kernel, stride, inner), None, Activation::Relu6);
            let residual = (stride == 1 && channels == out).then_some(block_input);
            at = self.conv(name("project"), at, same((inner, out), 1, 1, 1), residual, Activation::Identity);
            channels = out;
            let done = match index {
                4 => self.tap("block4", at, channels, 8),
                7 => self.tap("block7", at, channels, 16),
                _ => false,
            };
            if done {
                return;
            }
        }
    }
}
