//! The families of networks: who writes the plan of which.

use super::densenet::DenseNet;
use super::efficientnet_lite::EfficientNetLite;
use super::plan::PlanWriter;
use super::resnet::ResNet;

/// A family with the numbers of one of its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Residual networks, under torchvision's names.
    ResNet(ResNet),
    /// Densely connected networks, under torchvision's names.
    DenseNet(DenseNet),
    /// EfficientNet-Lite up to stride 16.
    EfficientNetLite(EfficientNetLite),
}

impl Family {
    /// Writes the steps up to the last level that `writer` is to tap.
    pub(super) fn write(&self, writer: &mut PlanWriter<'_>) {
        match self {
            Family::ResNet(net) => net.write(writer),
            Family::DenseNet(net) => net.write(writer),
            Family::EfficientNetLite(net) => net.write(writer),
        }
    }

    /// Whether files of this family come as PyTorch's exporters write them, as ONNX too. The others are read from safetensors
    /// alone, under the plan's own names.
    pub fn is_exported(&self) -> bool {
        matches!(self, Family::ResNet(_) | Family::DenseNet(_))
    }
}
