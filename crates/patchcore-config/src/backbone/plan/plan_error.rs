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
    /// Maps that are to be joined and differ in rows, columns or the channels expected.
    #[error("{place} joins slot {slot} of shape {found} to another map: expected the shape {expected}")]
    Joined {
        /// The step.
        place: String,
        /// Slot of the channels behind.
        slot: usize,
        /// Shape that they must have.
        expected: MapShape,
        /// Shape that they have.
        found: MapShape,
    },
    /// A prologue before a convolution that sees more than one pixel, or in groups.
    #[error(
        "{place} has a prologue and kernel {kernel}, stride {stride}, {groups} groups: expected 1 each and no padding; \
         fold the scale and shift into the convolution before, or into a 1x1 convolution of its own"
    )]
    Prologue {
        /// The step.
        place: String,
        /// Side of its kernel.
        kernel: usize,
        /// Its stride.
        stride: usize,
        /// Groups.
        groups: usize,
    },
    /// An average pool of a map with an odd side, whose last row or column it would leave out.
    #[error(
        "{place} halves a map of shape {found}, of which it would leave out the last row or column: \
         expected photos with sides that are multiples of {multiple} pixels"
    )]
    OddSides {
        /// The step.
        place: String,
        /// Shape of the map.
        found: MapShape,
        /// A side of the image that fits is a multiple of this: the deepest level's stride.
        multiple: usize,
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
