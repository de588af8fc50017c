//! A setting that cannot be carried out: which, what was found, what is expected.

use thiserror::Error;

/// A configuration that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No network of that name.
    #[error("unknown backbone `{name}`: expected one of {known}")]
    UnknownBackbone {
        /// The name given.
        name: String,
        /// Known names, comma separated.
        known: String,
    },
    /// No layer of that name, the same layer twice, or layers against the network's order.
    #[error(
        "unknown, repeated or misplaced layer `{layer}` for backbone {backbone}: choose among {known}, in this order"
    )]
    UnknownLayer {
        /// The layer given.
        layer: String,
        /// The backbone's name.
        backbone: String,
        /// The backbone's layers, comma separated.
        known: String,
    },
    /// The list of layers is empty.
    #[error("no layers given: the paper uses the second and third stage, for example `layer2,layer3`")]
    NoLayers,
    /// A model without members.
    #[error("the configuration has no members: a model needs at least one network")]
    NoMembers,
    /// No mode of that name.
    #[error("unknown mode `{name}`: expected one of paper, authors, anomalib, line")]
    UnknownMode {
        /// The name given.
        name: String,
    },
    /// No rule of that name.
    #[error("there is no rule `{key}`: expected one of {known}")]
    UnknownRule {
        /// The name given.
        key: String,
        /// The rules of the configuration, comma separated.
        known: String,
    },
    /// An application's own network is no plan of convolutions.
    #[error("the network {name} is an application's own: it has no plan of convolutions")]
    NoPlan {
        /// The network's name.
        name: String,
    },
    /// A number format that the network has no kernels for.
    #[error(
        "the network {backbone} computes in f32 alone: {precision} has no `{step}`; choose f32, or a ResNet for {precision}"
    )]
    NotReducible {
        /// The network's name.
        backbone: String,
        /// The number format asked for.
        precision: &'static str,
        /// The first step that it lacks.
        step: String,
    },
    /// A size of the network's input at which its maps leave out the last row or column.
    #[error(
        "the network {backbone} takes no input of {width} x {height} pixels: expected sides that are multiples of {multiple}"
    )]
    OddGrid {
        /// The network's name.
        backbone: String,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The deepest level's stride.
        multiple: u32,
    },
    /// A parameter is outside its range.
    #[error("{parameter} is {found}: expected {expected}")]
    OutOfRange {
        /// The parameter, spelt as in the settings.
        parameter: &'static str,
        /// What was given.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
}
