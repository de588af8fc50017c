//! Why a network cannot be packed or run on the CPU.

use patchcore_config::backbone::RangesError;
use patchcore_config::backbone::plan::PlanError;
use thiserror::Error;

/// Error of [`super::CpuNetwork`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CpuNetworkError {
    /// A step that no kernel here carries out.
    #[error(
        "the step `{step}` has no CPU kernel: expected convolutions of stride 1 or 2, and in 8 and 16 bits neither groups (but \
         depthwise), prologues, concatenations nor average pools; run the network with tensor operations, or in f32"
    )]
    Unsupported {
        /// Name of the step.
        step: String,
    },
    /// A tensor is missing or has another number of values.
    #[error(
        "tensor `{name}` of the weights: expected {size} values, found {found:?}; check that they belong to this network"
    )]
    Tensor {
        /// Name of the tensor.
        name: String,
        /// Values that the plan needs.
        size: usize,
        /// Values that are there; `None` without such a tensor.
        found: Option<usize>,
    },
    /// The ranges of the maps are not those of the network.
    #[error("the ranges of the network's maps: {0}; fit the model again")]
    Ranges(#[from] RangesError),
    /// The plan contradicts itself, or adds maps that at this size of the photo differ in theirs.
    #[error("the plan of the network: {0}")]
    Plan(#[from] PlanError),
    /// The input slice does not match the given shape, or the shape is empty.
    #[error("input has {found} values: expected a non-empty [{n}, {channels}, {height}, {width}]")]
    InputSize {
        /// Values given.
        found: usize,
        /// Images.
        n: usize,
        /// Channels of the network's input.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}
