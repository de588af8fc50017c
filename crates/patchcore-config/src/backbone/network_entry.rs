//! What the catalogue says of one network.

use super::family::Family;
use super::plan::{Plan, PlanWriter};
use crate::{ConfigError, Normalization};

/// Everything that this project knows about one network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkEntry {
    /// Its name in settings, in files and on the command line: torchvision's (ResNet) or timm's (EfficientNet-Lite).
    pub name: &'static str,
    /// What it is, for people: a few words.
    pub about: &'static str,
    /// What its plan is written from.
    pub family: Family,
    /// Levels that can be tapped, in network order.
    pub levels: &'static [Level],
    /// The paper's choice of levels: strides 8 and 16.
    pub default_levels: [&'static str; 2],
    /// What the weights expect of their input.
    pub normalization: Normalization,
    /// Where the weights come from.
    pub weights: WeightsSource,
    /// SPDX identifier of the weights' licence.
    pub licence: &'static str,
}

/// A feature map that can be tapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// The layer's name, as the configuration spells it (`layer2`).
    pub name: &'static str,
    /// Channels of the map.
    pub channels: usize,
    /// Input pixels per cell of the map.
    pub stride: usize,
}

/// Where a network's weights come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightsSource {
    /// `assets/NAME.safetensors` ships with the code; a cargo feature puts it into the binary.
    Shipped {
        /// What that file was made of.
        origin: &'static str,
    },
    /// `patchcore weights fetch NAME` installs a published file; its address and digest stand in `assets/weights.toml`.
    Published {
        /// Which of torchvision's weights.
        version: &'static str,
    },
    /// A file that the user brings.
    Own,
}

impl NetworkEntry {
    /// The steps up to the deepest of `layers`, with those layers tapped.
    ///
    /// # Errors
    /// [`ConfigError::UnknownLayer`] and [`ConfigError::NoLayers`].
    pub fn plan(&self, layers: &[String]) -> Result<Plan, ConfigError> {
        if layers.is_empty() {
            return Err(ConfigError::NoLayers);
        }
        // Layers come in network order: the first one's grid is the patch grid.
        let mut remaining = self.levels.iter();
        for layer in layers {
            if !remaining.any(|known| known.name == layer) {
                let known: Vec<&str> = self.levels.iter().map(|level| level.name).collect();
                return Err(ConfigError::UnknownLayer {
                    layer: layer.clone(),
                    backbone: self.name.to_owned(),
                    known: known.join(", "),
                });
            }
        }
        Ok(self.write(&layers.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    /// The steps of the first `count` levels, all of them tapped: what a weights file must hold for them.
    pub fn plan_of_levels(&self, count: usize) -> Plan {
        self.write(&self.levels.iter().take(count).map(|level| level.name).collect::<Vec<_>>())
    }

    /// How many levels, from the first, the default ones take: what every weights file must hold.
    pub fn needed_levels(&self) -> usize {
        let is_default = |level: &Level| self.default_levels.contains(&level.name);
        self.levels.iter().rposition(is_default).map_or(self.levels.len(), |last| last + 1)
    }

    /// The level of that name.
    pub fn level(&self, name: &str) -> Option<&'static Level> {
        self.levels.iter().find(|level| level.name == name)
    }

    /// The cargo feature that puts its weights into the binary; none where the user brings them.
    pub fn embed_feature(&self) -> Option<String> {
        match self.weights {
            WeightsSource::Shipped { .. } => Some(format!("embed-{}", self.name.replace('_', "-"))),
            WeightsSource::Published { .. } => Some(format!("embed-{}", self.name)),
            WeightsSource::Own => None,
        }
    }

    fn write(&self, wanted: &[&str]) -> Plan {
        let mut writer = PlanWriter::new(wanted);
        self.family.write(&mut writer);
        writer.finish()
    }
}
