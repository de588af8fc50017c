//! The networks: which there are, what steps each consists of, and the tensors that it reads.
//!
//! [`CATALOGUE`] is the one list of them; an [`Architecture`] is a name that is in it. Each writes a [`plan::Plan`] (convolutions
//! with everything fused into them, in execution order, up to the deepest layer asked for). Who executes it is no concern of
//! this crate.

mod activation_ranges;
mod architecture;
mod catalogue;
mod densenet;
mod efficientnet_lite;
mod family;
mod network;
mod network_entry;
mod network_weights;
pub mod plan;
mod resnet;
mod weights;

pub use activation_ranges::{ActivationRanges, ChannelRanges, RangesError};
pub use architecture::Architecture;
pub use catalogue::CATALOGUE;
pub use densenet::DenseNet;
pub use efficientnet_lite::EfficientNetLite;
pub use family::Family;
pub use network::{Network, OwnLevel, OwnNetwork};
pub use network_entry::{Level, NetworkEntry, WeightsSource};
pub use network_weights::{NetworkWeights, networks_sha256};
pub use resnet::ResNet;
pub use weights::{BackboneWeights, NamedTensor};
