//! Writes a plan step by step: what the families of networks are written with.

use super::step::{Activation, ConvStep, Slot, Step};
use super::window::Padding;
use super::{Plan, Tap};

/// Geometry of one convolution, before it has a place in the plan.
#[derive(Debug, Clone, Copy)]
pub struct Conv {
    /// Channels in and out.
    pub channels: (usize, usize),
    /// Side of the square kernel.
    pub kernel: usize,
    /// Stride on both axes.
    pub stride: usize,
    /// Zero padding.
    pub padding: Padding,
    /// 1, the channels in for a depthwise convolution, or another divisor of both channels.
    pub groups: usize,
    /// Whether its input is first `max(scale * x + shift, 0)`.
    pub prologue: bool,
}

/// A plan that is being written.
#[derive(Debug)]
pub struct PlanWriter<'a> {
    plan: Plan,
    wanted: &'a [&'a str],
}

impl<'a> PlanWriter<'a> {
    /// An empty plan that is to tap the `wanted` levels.
    pub fn new(wanted: &'a [&'a str]) -> Self {
        Self { plan: Plan { steps: Vec::new(), taps: Vec::new(), slots: 1 }, wanted }
    }

    /// Adds a convolution and gives the slot that it writes.
    pub fn conv(&mut self, name: String, from: Slot, conv: Conv, add: Option<Slot>, activation: Activation) -> Slot {
        let to = self.slot();
        self.plan.steps.push(Step::Conv(ConvStep {
            name,
            from,
            to,
            in_channels: conv.channels.0,
            out_channels: conv.channels.1,
            kernel: conv.kernel,
            stride: conv.stride,
            padding: conv.padding,
            groups: conv.groups,
            prologue: conv.prologue,
            add,
            activation,
        }));
        to
    }

    /// Adds a max-pool and gives the slot that it writes.
    pub fn max_pool(&mut self, from: Slot) -> Slot {
        let to = self.slot();
        self.plan.steps.push(Step::MaxPool { from, to });
        to
    }

    /// Adds a concatenation of two maps with so many channels and gives the slot that it writes.
    pub fn concat(&mut self, (from, first): (Slot, usize), (with, behind): (Slot, usize)) -> Slot {
        let to = self.slot();
        self.plan.steps.push(Step::Concat { from, with, to, channels: (first, behind) });
        to
    }

    /// Adds an average pool with a prologue of so many channels and gives the slot that it writes.
    pub fn average_pool(&mut self, name: String, from: Slot, channels: usize) -> Slot {
        let to = self.slot();
        self.plan.steps.push(Step::AveragePool { name, from, to, channels });
        to
    }

    /// Taps the level if it is wanted; true when all wanted levels have been written.
    pub fn tap(&mut self, level: &str, slot: Slot, channels: usize, stride: usize) -> bool {
        if self.wanted.contains(&level) {
            self.plan.taps.push(Tap { layer: level.to_owned(), slot, channels, stride });
        }
        self.plan.taps.len() == self.wanted.len()
    }

    /// What has been written.
    pub fn finish(self) -> Plan {
        self.plan
    }

    fn slot(&mut self) -> Slot {
        self.plan.slots += 1;
        self.plan.slots - 1
    }
}
