//! EfficientNet-Lite: Tan & Le 2019 without squeeze-and-excite, with ReLU6 and a stem that is not scaled.

use super::plan::{Activation, Conv, Padding, PlanWriter};

/// What tells one EfficientNet-Lite from another, up to stride 16: the first four of its seven stages. Its levels are called
/// `block4`, after the block, counted from 0 over all stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EfficientNetLite {
    /// Blocks of each stage: 1, 2, 2, 3 times the depth multiplier, rounded up; the first stage stays 1.
    pub repeats: [usize; 4],
    /// Channels out of each stage: 16, 24, 40, 80 times the width multiplier, rounded to a multiple of 8.
    pub channels: [usize; 4],
}

/// Channels after the stem.
const STEM: usize = 32;

/// Expansion, kernel and stride of the first block of each stage.
const STAGES: [(usize, usize, usize); 4] = [(1, 3, 1), (6, 3, 2), (6, 5, 2), (6, 3, 2)];

impl EfficientNetLite {
    /// Writes the steps: `stem`, then `blocks.{i}.expand|depthwise|project`.
    pub(super) fn write(&self, writer: &mut PlanWriter<'_>) {
        let same = |channels, kernel, stride, groups| {
            let (padding, prologue) = (Padding::Same, false);
            Conv { channels, kernel, stride, padding, groups, prologue }
        };
        let mut at = writer.conv("stem".into(), 0, same((3, STEM), 3, 2, 1), None, Activation::Relu6);
        let (mut channels, mut total_stride, mut index) = (STEM, 2, 0);
        for ((expand, kernel, first_stride), (repeats, out)) in
            STAGES.into_iter().zip(self.repeats.into_iter().zip(self.channels))
        {
            for repeat in 0..repeats {
                let stride = if repeat == 0 { first_stride } else { 1 };
                let name = |part: &str| format!("blocks.{index}.{part}");
                let block_input = at;
                let inner = channels * expand;
                if expand != 1 {
                    let conv = same((channels, inner), 1, 1, 1);
                    at = writer.conv(name("expand"), at, conv, None, Activation::Relu6);
                }
                let conv = same((inner, inner), kernel, stride, inner);
                at = writer.conv(name("depthwise"), at, conv, None, Activation::Relu6);
                let residual = (stride == 1 && channels == out).then_some(block_input);
                at = writer.conv(name("project"), at, same((inner, out), 1, 1, 1), residual, Activation::Identity);
                channels = out;
                total_stride *= stride;
                if writer.tap(&format!("block{index}"), at, channels, total_stride) {
                    return;
                }
                index += 1;
            }
        }
    }
}
