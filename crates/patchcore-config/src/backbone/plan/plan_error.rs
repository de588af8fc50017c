//! What can be wrong with a plan.

use thiserror::Error;

use super::map_shape::MapShape;

/// A plan that no engine can execute, with the first step or tap at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A slot beyond the plan's number of slots.
    #[error("{place} names slot {slot}, and the plan has {slots}: count the image and every step's output")]
    UnknownSlot {
        /// The step or the tap.
        place: String,
        /// The slot named.
        slot: usize,
        /// Slots that there are.
        slots: usize,
    },
    /// A slot is read before any step has written it.
    #[error("{place} reads slot {slot}, which no step before it writes: put the steps into execution order")]
    NotWritten {
        /// The step or the tap.
        place: String,
        /// The slot read.
        slot: usize,
    },
    /// Two steps write one slot, or a step writes the image's.
    #[error("{place} writes slot {slot}, which already holds a map: give every step a slot of its own")]
    WrittenTwice {
        /// The step.
        place: String,
        /// The slot written.
        slot: usize,
    },
    /// A kernel or stride of 0, no channels, or groups that do not divide the channels.
    #[error(
        "{place} has kernel {kernel}, stride {stride}, channels {in_channels} to {out_channels} in {groups} groups: \
         expected each at least 1 and both channels multiples of the groups"
    )]
    Window {
        /// The step.
        place: String,
        /// Side of its kernel.
        kernel: usize,
        /// Its stride.
        stride: usize,
        /// Channels read.
        in_channels: usize,
        /// Channels written.
        out_channels: usize,
        /// Groups.
        groups: usize,
    },
    /// A slot with another number of channels than its reader expects.
    #[error("{place} expects {expected} channels in slot {slot}, found {found}")]
    Channels {
        /// The step or the tap.
        place: String,
        /// The slot read.
        slot: usize,
        /// Channels that the reader expects.
        expected: usize,
        /// Channels that the slot has.
        found: usize,
    },
    /// A residual of another shape than the map that it is added to.
    #[error("{place} adds slot {slot} of shape {found} to a map of shape {expected}: expected the same shape")]
    Residual {
        /// The step.
        place: String,
        /// The residual's slot.
        slot: usize,
        /// Shape of the map that the step writes.
        expected: MapShape,
        /// Shape of the residual.
        found: MapShape,
    },
    /// A tap with another stride than the steps up to it make.
    #[error("{place} has stride {found}, and the steps up to it make {expected}")]
    TapStride {
        /// The tap.
        place: String,
        /// Product of the strides on the way.
        expected: usize,
        /// The tap's stride.
        found: usize,
    },
}
