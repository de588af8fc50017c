//! The ResNets of torchvision: He et al. 2016, the wide ones of Zagoruyko & Komodakis 2016, and the ResNeXts of Xie et al. 2017.

use super::plan::{Activation, Conv, Padding, PlanWriter};

/// What tells one ResNet from another. Its levels are `layer1` to `layer4`, at strides 4 to 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResNet {
    /// Blocks of each stage.
    pub blocks: [usize; 4],
    /// Channels out of a block over its planes: 1 is the BasicBlock of two 3x3 convolutions, anything else the Bottleneck of
    /// 1x1, 3x3 (with the stride) and 1x1.
    pub expansion: usize,
    /// Channels after the stem, and planes of the first stage; 64 in every published ResNet.
    pub stem: usize,
    /// Inner channels of a bottleneck in the first stage: `stem`, or twice as many in the wide ResNets. Of a ResNeXt-50 32x4d it is
    /// 32 groups of 4, in torchvision's words `int(64 * base_width / 64) * groups`.
    pub width: usize,
    /// Groups of a bottleneck's 3x3 convolution: 1, or 32 in a ResNeXt.
    pub groups: usize,
}

impl ResNet {
    /// Writes the steps under torchvision's names.
    pub(super) fn write(&self, writer: &mut PlanWriter<'_>) {
        let stem = centred((3, self.stem), 7, 2);
        let mut at = writer.conv("conv1".into(), 0, stem, None, Activation::Relu);
        at = writer.max_pool(at);
        let mut channels = self.stem;
        for (stage, blocks) in self.blocks.into_iter().enumerate() {
            let out = (self.stem << stage) * self.expansion;
            for block in 0..blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let prefix = format!("layer{}.{block}", stage + 1);
                // The shortcut comes first: the last convolution adds it in its epilogue.
                let shortcut = if stride != 1 || channels != out {
                    let conv = centred((channels, out), 1, stride);
                    writer.conv(format!("{prefix}.downsample.0"), at, conv, None, Activation::Identity)
                } else {
                    at
                };
                let name = |index: usize| format!("{prefix}.conv{index}");
                at = if self.expansion == 1 {
                    let inner = writer.conv(name(1), at, centred((channels, out), 3, stride), None, Activation::Relu);
                    writer.conv(name(2), inner, centred((out, out), 3, 1), Some(shortcut), Activation::Relu)
                } else {
                    let inner = self.width << stage;
                    let a = writer.conv(name(1), at, centred((channels, inner), 1, 1), None, Activation::Relu);
                    let grouped = Conv { groups: self.groups, ..centred((inner, inner), 3, stride) };
                    let b = writer.conv(name(2), a, grouped, None, Activation::Relu);
                    writer.conv(name(3), b, centred((inner, out), 1, 1), Some(shortcut), Activation::Relu)
                };
                channels = out;
            }
            if writer.tap(&format!("layer{}", stage + 1), at, channels, 4 << stage) {
                return;
            }
        }
    }
}

/// A convolution with padding `kernel / 2`, no groups.
fn centred(channels: (usize, usize), kernel: usize, stride: usize) -> Conv {
    Conv { channels, kernel, stride, padding: Padding::Symmetric(kernel / 2), groups: 1, prologue: false }
}
