//! The operations that a plan is made of. What each reads, writes, gives and costs is said here and nowhere else; an engine
//! adds how it is carried out.

use super::map_shape::MapShape;
use super::window::{Padding, Window};

/// Index of an intermediate feature map; slot 0 is the input image `[n, 3, h, w]`.
pub type Slot = usize;

/// What follows the bias and the residual sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

/// `to = activation(conv(from) + bias + add)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvStep {
    /// Weights are `<name>.weight` `[out_channels, in_channels / groups, kernel, kernel]` and `<name>.bias`
    /// `[out_channels]`.
    pub name: String,
    /// Slot read.
    pub from: Slot,
    /// Slot written.
    pub to: Slot,
    /// Channels of `from`.
    pub in_channels: usize,
    /// Channels of `to`.
    pub out_channels: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Stride on both axes.
    pub stride: usize,
    /// Zero padding.
    pub padding: Padding,
    /// 1, or `in_channels` for a depthwise convolution.
    pub groups: usize,
    /// Residual slot added before the activation; same shape as `to`.
    pub add: Option<Slot>,
    /// Activation.
    pub activation: Activation,
}

impl ConvStep {
    /// `<name>.weight`.
    pub fn weight_name(&self) -> String {
        format!("{}.weight", self.name)
    }

    /// `<name>.bias`, which has `out_channels` values.
    pub fn bias_name(&self) -> String {
        format!("{}.bias", self.name)
    }

    /// `[out_channels, in_channels / groups, kernel, kernel]`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.out_channels, self.in_channels / self.groups, self.kernel, self.kernel]
    }

    /// Number of weights, without the biases.
    pub fn weight_len(&self) -> usize {
        self.weight_shape().into_iter().product()
    }
}

/// One step of a [`Plan`](super::Plan).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A convolution with everything fused into it.
    Conv(ConvStep),
    /// Max-pool 3x3, stride 2, padding 1 (padding never wins).
    MaxPool {
        /// Slot read.
        from: Slot,
        /// Slot written.
        to: Slot,
    },
}

impl Step {
    /// Its name in messages.
    pub fn name(&self) -> &str {
        match self {
            Step::Conv(conv) => &conv.name,
            Step::MaxPool { .. } => "max-pool",
        }
    }

    /// The convolution, if it is one.
    pub fn conv(&self) -> Option<&ConvStep> {
        match self {
            Step::Conv(conv) => Some(conv),
            Step::MaxPool { .. } => None,
        }
    }

    /// Slot that its window slides over.
    pub fn from(&self) -> Slot {
        match self {
            Step::Conv(conv) => conv.from,
            Step::MaxPool { from, .. } => *from,
        }
    }

    /// Slot written.
    pub fn to(&self) -> Slot {
        match self {
            Step::Conv(conv) => conv.to,
            Step::MaxPool { to, .. } => *to,
        }
    }

    /// Slot that is added, of the output's shape.
    pub fn add(&self) -> Option<Slot> {
        self.conv().and_then(|conv| conv.add)
    }

    /// Every slot that it reads.
    pub fn reads(&self) -> impl Iterator<Item = Slot> {
        std::iter::once(self.from()).chain(self.add())
    }

    /// Its window.
    pub fn window(&self) -> Window {
        match self {
            Step::Conv(conv) => Window { kernel: conv.kernel, stride: conv.stride, padding: conv.padding },
            Step::MaxPool { .. } => Window { kernel: 3, stride: 2, padding: Padding::Symmetric(1) },
        }
    }

    /// The map that it writes for an input map.
    pub fn output(&self, input: MapShape) -> MapShape {
        self.window().output(self.conv().map_or(input.channels, |conv| conv.out_channels), input)
    }

    /// Values of its tensors.
    pub fn parameters(&self) -> u64 {
        self.conv().map_or(0, |conv| (conv.weight_len() + conv.out_channels) as u64)
    }

    /// Multiplications with an addition that the map which it writes takes; comparisons do not count.
    pub fn multiply_adds(&self, output: MapShape) -> u64 {
        self.conv().map_or(0, |conv| conv.weight_len() as u64 * output.area())
    }
}
