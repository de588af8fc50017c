//! A backbone as a list of steps: what both implementations of the network, tensor operations and CPU kernels, execute.
//!
//! The architecture functions ([`super::Architecture`]) write a plan; nothing else knows what a bottleneck is.
//! Steps are in execution order and in single-assignment form: every step writes a slot of its own, slot 0 is
//! the normalised image. BatchNorm is folded, so a network is convolutions, residual sums, activations and
//! one max-pool.

/// Index of an intermediate feature map; slot 0 is the input image `[n, 3, h, w]`.
pub type Slot = usize;

/// How a convolution pads its input with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// The same number of pixels on all four sides.
    Symmetric(usize),
    /// TensorFlow's "same": output side = ceil(side / stride); an odd pixel goes to the bottom and the right.
    Same,
}

impl Padding {
    /// Zeros before and after an axis of `side` pixels.
    pub fn before_after(self, side: usize, kernel: usize, stride: usize) -> (usize, usize) {
        match self {
            Padding::Symmetric(pad) => (pad, pad),
            Padding::Same => {
                let total = ((side.div_ceil(stride).max(1) - 1) * stride + kernel).saturating_sub(side);
                (total / 2, total - total / 2)
            }
        }
    }

    /// Output pixels of an axis of `side` input pixels.
    pub fn output_side(self, side: usize, kernel: usize, stride: usize) -> usize {
        let (before, after) = self.before_after(side, kernel, stride);
        (side + before + after).saturating_sub(kernel) / stride + 1
    }
}

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

/// One step of a [`Plan`].
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

/// A feature map that the caller asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    /// The layer's name, as the configuration spells it (`layer2`).
    pub layer: String,
    /// Slot to return.
    pub slot: Slot,
    /// Channels of the map.
    pub channels: usize,
    /// Input pixels per grid cell.
    pub stride: usize,
}

/// The steps up to the last tap, and the taps in network order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Steps in execution order; nothing after the last tap.
    pub steps: Vec<Step>,
    /// Feature maps to return.
    pub taps: Vec<Tap>,
    /// Number of slots, the image included.
    pub slots: usize,
}

impl Plan {
    /// Names and shapes of the tensors the plan reads, in execution order.
    pub fn expected_tensors(&self) -> Vec<(String, Vec<usize>)> {
        let convs = self.steps.iter().filter_map(|step| match step {
            Step::Conv(conv) => Some(conv),
            Step::MaxPool { .. } => None,
        });
        convs
            .flat_map(|conv| {
                let weight = vec![conv.out_channels, conv.in_channels / conv.groups, conv.kernel, conv.kernel];
                [(format!("{}.weight", conv.name), weight), (format!("{}.bias", conv.name), vec![conv.out_channels])]
            })
            .collect()
    }

    /// For every slot, the index of the last step that reads it; `usize::MAX` for a tap, which must live on.
    pub fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![0; self.slots];
        let mut mark = |slot: Slot, step: usize| {
            if let Some(entry) = last.get_mut(slot) {
                *entry = step;
            }
        };
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Conv(conv) => {
                    mark(conv.from, index);
                    if let Some(add) = conv.add {
                        mark(add, index);
                    }
                }
                Step::MaxPool { from, .. } => mark(*from, index),
            }
        }
        for tap in &self.taps {
            mark(tap.slot, usize::MAX);
        }
        last
    }
}
