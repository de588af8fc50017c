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
    /// Groups of channels that see each other alone: 1 for all channels, `in_channels` for a depthwise convolution, or another
    /// divisor of both channels.
    pub groups: usize,
    /// Its input is first `max(scale * x + shift, 0)`, with a scale and a shift for every channel in `<name>.scale` and
    /// `<name>.shift` `[in_channels]`: a normalisation and a ReLU that no convolution before it could take in. Only where the kernel
    /// is 1, the stride 1 and there are no groups and no padding.
    pub prologue: bool,
    /// Residual slot added before the activation; same shape as `to`.
    pub add: Option<Slot>,
    /// Activation.
    pub activation: Activation,
}

/// `<name>.scale` of a step with a prologue.
fn scale_name(name: &str) -> String {
    format!("{name}.scale")
}

/// `<name>.shift` of a step with a prologue.
fn shift_name(name: &str) -> String {
    format!("{name}.shift")
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
    /// The channels of `from`, then those of `with`, of the same rows and columns.
    ///
    /// DenseNet's growing map is a chain of these. An engine may let `to` lie in the memory of `from`.
    Concat {
        /// Slot of the first channels.
        from: Slot,
        /// Slot of the channels behind them.
        with: Slot,
        /// Slot written.
        to: Slot,
        /// Channels of `from` and of `with`.
        channels: (usize, usize),
    },
    /// The mean of 2x2 pixels, stride 2, no padding (an odd last row or column is left out), of `max(scale * x + shift, 0)`, with a
    /// scale and a shift for every channel in `<name>.scale` and `<name>.shift` `[channels]`.
    AveragePool {
        /// Its name.
        name: String,
        /// Slot read.
        from: Slot,
        /// Slot written.
        to: Slot,
        /// Channels of both.
        channels: usize,
    },
}

impl Step {
    /// Its name in messages.
    pub fn name(&self) -> &str {
        match self {
            Step::Conv(ConvStep { name, .. }) | Step::AveragePool { name, .. } => name,
            Step::MaxPool { .. } => "max-pool",
            Step::Concat { .. } => "concatenation",
        }
    }

    /// The convolution, if it is one.
    pub fn conv(&self) -> Option<&ConvStep> {
        match self {
            Step::Conv(conv) => Some(conv),
            Step::MaxPool { .. } | Step::Concat { .. } | Step::AveragePool { .. } => None,
        }
    }

    /// Slot that its window slides over.
    pub fn from(&self) -> Slot {
        match self {
            Step::Conv(conv) => conv.from,
            Step::MaxPool { from, .. } | Step::Concat { from, .. } | Step::AveragePool { from, .. } => *from,
        }
    }

    /// Slot written.
    pub fn to(&self) -> Slot {
        match self {
            Step::Conv(conv) => conv.to,
            Step::MaxPool { to, .. } | Step::Concat { to, .. } | Step::AveragePool { to, .. } => *to,
        }
    }

    /// Slot that is added, of the output's shape.
    pub fn add(&self) -> Option<Slot> {
        self.conv().and_then(|conv| conv.add)
    }

    /// Slot whose channels follow those of [`Step::from`].
    pub fn with(&self) -> Option<Slot> {
        match self {
            Step::Concat { with, .. } => Some(*with),
            Step::Conv(_) | Step::MaxPool { .. } | Step::AveragePool { .. } => None,
        }
    }

    /// Every slot that it reads.
    pub fn reads(&self) -> impl Iterator<Item = Slot> {
        std::iter::once(self.from()).chain(self.add()).chain(self.with())
    }

    /// Its window.
    pub fn window(&self) -> Window {
        match self {
            Step::Conv(conv) => Window { kernel: conv.kernel, stride: conv.stride, padding: conv.padding },
            Step::MaxPool { .. } => Window { kernel: 3, stride: 2, padding: Padding::Symmetric(1) },
            Step::Concat { .. } => Window { kernel: 1, stride: 1, padding: Padding::Symmetric(0) },
            Step::AveragePool { .. } => Window { kernel: 2, stride: 2, padding: Padding::Symmetric(0) },
        }
    }

    /// The map that it writes for an input map.
    pub fn output(&self, input: MapShape) -> MapShape {
        let channels = match self {
            Step::Conv(conv) => conv.out_channels,
            Step::Concat { channels: (first, behind), .. } => first + behind,
            Step::MaxPool { .. } | Step::AveragePool { .. } => input.channels,
        };
        self.window().output(channels, input)
    }

    /// Channels of what goes through its prologue, `max(scale * x + shift, 0)`; `None` for a step without one.
    pub fn prologue(&self) -> Option<usize> {
        match self {
            Step::Conv(conv) => conv.prologue.then_some(conv.in_channels),
            Step::AveragePool { channels, .. } => Some(*channels),
            Step::MaxPool { .. } | Step::Concat { .. } => None,
        }
    }

    /// Whether networks of 8 and 16 bits have a definition of it.
    pub(super) fn is_reducible(&self) -> bool {
        match self {
            Step::Conv(conv) => {
                let depthwise = conv.groups == conv.in_channels && conv.groups == conv.out_channels;
                !conv.prologue && (conv.groups == 1 || depthwise)
            }
            Step::MaxPool { .. } => true,
            Step::Concat { .. } | Step::AveragePool { .. } => false,
        }
    }

    /// `<name>.scale`, of a step with a [prologue](Step::prologue).
    pub fn scale_name(&self) -> String {
        scale_name(self.name())
    }

    /// `<name>.shift`, of a step with a [prologue](Step::prologue).
    pub fn shift_name(&self) -> String {
        shift_name(self.name())
    }

    /// Names and shapes of its tensors: weight and bias of a convolution, then scale and shift of a prologue.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        if let Step::Conv(conv) = self {
            tensors.push((conv.weight_name(), conv.weight_shape().to_vec()));
            tensors.push((conv.bias_name(), vec![conv.out_channels]));
        }
        if let Some(channels) = self.prologue() {
            tensors.push((self.scale_name(), vec![channels]));
            tensors.push((self.shift_name(), vec![channels]));
        }
        tensors
    }

    /// Values of its tensors.
    pub fn parameters(&self) -> u64 {
        let values = |(_, shape): (String, Vec<usize>)| shape.iter().product::<usize>() as u64;
        self.tensors().into_iter().map(values).sum()
    }

    /// Multiplications with an addition that the map which it writes takes, those of a prologue included; comparisons, and sums alone,
    /// do not count.
    pub fn multiply_adds(&self, output: MapShape) -> u64 {
        let of_prologue = self.prologue().unwrap_or(0) as u64 * (self.window().stride.pow(2) as u64);
        let of_convolution = self.conv().map_or(0, |conv| conv.weight_len() as u64);
        (of_prologue + of_convolution) * output.area()
    }
}
