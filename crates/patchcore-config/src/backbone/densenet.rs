//! The DenseNets of torchvision: Huang et al. 2017, whose layers see the maps of all layers before them in their block.
//!
//! A layer normalises what it reads, so its first normalisation and ReLU are no part of any convolution before it: they are the
//! prologue of its 1x1 convolution. A block's output, which the levels are, is the raw concatenation, as torchvision's modules
//! `features.denseblock1` to `4` return it.

use super::plan::{Activation, Conv, Padding, PlanWriter, Slot};

/// What tells one DenseNet from another. Its levels are `denseblock1` to `denseblock4`, at strides 4 to 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseNet {
    /// Layers of each block.
    pub layers: [usize; 4],
    /// Channels that a layer adds: the paper's k, 32 in DenseNet-121 and 201.
    pub growth: usize,
    /// Channels after the stem; 64 in both.
    pub stem: usize,
}

/// Channels between a layer's two convolutions, as a multiple of the growth.
const BOTTLENECK: usize = 4;

impl DenseNet {
    /// Writes the steps under torchvision's names, the maps of a transition halved before its 1x1 convolution: means and a weighted
    /// sum of channels may change places, and so the convolution has a quarter of the pixels.
    pub(super) fn write(&self, writer: &mut PlanWriter<'_>) {
        let stem = centred((3, self.stem), 7, 2);
        let at = writer.conv("features.conv0".into(), 0, stem, None, Activation::Relu);
        let mut at = writer.max_pool(at);
        let mut channels = self.stem;
        for (block, layers) in self.layers.into_iter().enumerate() {
            let number = block + 1;
            if block > 0 {
                let name = |part: &str| format!("features.transition{block}.{part}");
                let halved = writer.average_pool(name("pool"), at, channels);
                let mix = centred((channels, channels / 2), 1, 1);
                at = writer.conv(name("conv"), halved, mix, None, Activation::Identity);
                channels /= 2;
            }
            for layer in 1..=layers {
                at = self.layer(writer, &format!("features.denseblock{number}.denselayer{layer}"), at, channels);
                channels += self.growth;
            }
            if writer.tap(&format!("denseblock{number}"), at, channels, 4 << block) {
                return;
            }
        }
    }

    /// What a layer adds, behind what it reads.
    fn layer(&self, writer: &mut PlanWriter<'_>, name: &str, at: Slot, channels: usize) -> Slot {
        let inner = BOTTLENECK * self.growth;
        let narrow = Conv { prologue: true, ..centred((channels, inner), 1, 1) };
        let narrow = writer.conv(format!("{name}.conv1"), at, narrow, None, Activation::Relu);
        let wide = centred((inner, self.growth), 3, 1);
        let added = writer.conv(format!("{name}.conv2"), narrow, wide, None, Activation::Identity);
        writer.concat((at, channels), (added, self.growth))
    }
}

/// A convolution with padding `kernel / 2`, no groups, no prologue.
fn centred(channels: (usize, usize), kernel: usize, stride: usize) -> Conv {
    Conv { channels, kernel, stride, padding: Padding::Symmetric(kernel / 2), groups: 1, prologue: false }
}
