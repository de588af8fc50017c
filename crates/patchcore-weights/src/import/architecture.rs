//! The ResNets that PatchCore uses: which convolutions they have, by torchvision's names, with their shapes.

use super::default_backbone::EFFICIENTNET_LITE0;
use super::error::WeightsError;

/// The residual block of a ResNet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Two 3x3 convolutions (ResNet-18 and 34).
    Basic,
    /// 1x1, 3x3 (with the stride), 1x1 with four times the channels.
    Bottleneck,
}

/// A ResNet by its numbers; the six of torchvision are [`Architecture::known`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    /// torchvision's name.
    pub name: &'static str,
    /// The residual block.
    pub block: Block,
    /// Number of blocks of `layer1` to `layer4`.
    pub blocks: [usize; 4],
    /// Channels after the stem; 64 in every published ResNet.
    pub stem_width: usize,
    /// Factor on the inner width of a bottleneck; 2 for the wide ResNets.
    pub width_factor: usize,
}

/// One convolution of an [`Architecture`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvSpec {
    /// torchvision's name without `.weight`, for example `layer2.0.downsample.0`.
    pub name: String,
    /// torchvision's name of the BatchNorm behind it.
    pub norm: String,
    /// 0 for the stem, else the number of the layer.
    pub stage: usize,
    /// `[channels_out, channels_in, kernel, kernel]`.
    pub shape: [usize; 4],
    /// Step of both axes, in pixels of the input.
    pub stride: usize,
}

impl ConvSpec {
    /// Zero padding on each side.
    pub fn padding(&self) -> usize {
        let [_, _, kernel, _] = self.shape;
        kernel / 2
    }
}

const fn basic(name: &'static str, blocks: [usize; 4]) -> Architecture {
    Architecture { name, block: Block::Basic, blocks, stem_width: 64, width_factor: 1 }
}

const fn bottleneck(name: &'static str, blocks: [usize; 4], width_factor: usize) -> Architecture {
    Architecture { name, block: Block::Bottleneck, blocks, stem_width: 64, width_factor }
}

static KNOWN: [Architecture; 6] = [
    basic("resnet18", [2, 2, 2, 2]),
    basic("resnet34", [3, 4, 6, 3]),
    bottleneck("resnet50", [3, 4, 6, 3], 1),
    bottleneck("resnet101", [3, 4, 23, 3], 1),
    bottleneck("wide_resnet50_2", [3, 4, 6, 3], 2),
    bottleneck("wide_resnet101_2", [3, 4, 23, 3], 2),
];

impl Architecture {
    /// The ResNets with published weights.
    pub fn known() -> &'static [Architecture] {
        &KNOWN
    }

    /// The known ResNet of that name.
    ///
    /// # Errors
    ///
    /// [`WeightsError::UnknownBackbone`] with the names there are.
    pub fn by_name(name: &str) -> Result<&'static Architecture, WeightsError> {
        KNOWN
            .iter()
            .find(|known| known.name == name)
            .ok_or_else(|| WeightsError::UnknownBackbone { name: name.into(), known: known_backbones().join(", ") })
    }

    /// Every convolution, stem to `layer4`, in the order of the forward pass (the shortcut after the main path).
    pub fn convolutions(&self) -> Vec<ConvSpec> {
        let expansion = match self.block {
            Block::Basic => 1,
            Block::Bottleneck => 4,
        };
        let mut specs = vec![ConvSpec {
            name: "conv1".into(),
            norm: "bn1".into(),
            stage: 0,
            shape: [self.stem_width, 3, 7, 7],
            stride: 2,
        }];
        let mut channels = self.stem_width;
        for ((stage, &count), doubling) in (1..).zip(&self.blocks).zip([1, 2, 4, 8]) {
            let planes = self.stem_width * doubling;
            let inner = planes * self.width_factor;
            let out = planes * expansion;
            for block in 0..count {
                let stride = if stage > 1 && block == 0 { 2 } else { 1 };
                let mut push = |leaf: &str, norm: &str, shape, stride| {
                    let name = format!("layer{stage}.{block}.{leaf}");
                    let norm = format!("layer{stage}.{block}.{norm}");
                    specs.push(ConvSpec { name, norm, stage, shape, stride });
                };
                match self.block {
                    Block::Basic => {
                        push("conv1", "bn1", [inner, channels, 3, 3], stride);
                        push("conv2", "bn2", [out, inner, 3, 3], 1);
                    }
                    Block::Bottleneck => {
                        push("conv1", "bn1", [inner, channels, 1, 1], 1);
                        push("conv2", "bn2", [inner, inner, 3, 3], stride);
                        push("conv3", "bn3", [out, inner, 1, 1], 1);
                    }
                }
                if stride != 1 || channels != out {
                    push("downsample.0", "downsample.1", [out, channels, 1, 1], stride);
                }
                channels = out;
            }
        }
        specs
    }

    /// The known ResNet whose convolutions up to `layer3` have exactly these names and shapes.
    pub fn guess(found: &[(&str, &[u64])]) -> Option<&'static str> {
        let trunk = found.iter().filter(|(name, _)| !name.starts_with("layer4")).count();
        let fits = |known: &&Architecture| {
            let specs = known.convolutions();
            let needed: Vec<_> = specs.iter().filter(|spec| spec.stage < 4).collect();
            needed.len() == trunk
                && needed
                    .iter()
                    .all(|spec| found.iter().any(|(name, dims)| *name == spec.name && same_shape(dims, &spec.shape)))
        };
        KNOWN.iter().find(fits).map(|known| known.name)
    }
}

/// Names of every backbone that has weights, the embedded default first.
pub fn known_backbones() -> Vec<&'static str> {
    let resnets = Architecture::known().iter().map(|known| known.name);
    std::iter::once(EFFICIENTNET_LITE0).chain(resnets).collect()
}

/// Whether declared extents equal expected ones.
pub(super) fn same_shape(dims: &[u64], shape: &[usize]) -> bool {
    dims.len() == shape.len() && dims.iter().zip(shape).all(|(&have, &want)| have == want as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolution_counts_and_shapes_are_torchvisions() {
        let counts: Vec<_> = KNOWN.iter().map(|known| known.convolutions().len()).collect();
        assert_eq!(counts, [20, 36, 53, 104, 53, 104]);
        let wide = KNOWN[4].convolutions();
        let shape = |name: &str| wide.iter().find(|spec| spec.name == name).map(|spec| spec.shape);
        assert_eq!(shape("layer1.0.downsample.0"), Some([256, 64, 1, 1]));
        assert_eq!(shape("layer2.0.conv2"), Some([256, 256, 3, 3]));
        assert_eq!(shape("layer3.5.conv3"), Some([1024, 512, 1, 1]));
        assert_eq!(shape("layer4.0.downsample.0"), Some([2048, 1024, 1, 1]));
        assert_eq!(shape("layer4.1.downsample.0"), None);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = Architecture::by_name("resnet19").unwrap_err().to_string();
        assert!(message.contains("resnet19") && message.contains("wide_resnet101_2"), "{message}");
    }
}
