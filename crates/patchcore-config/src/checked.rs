//! The proof that a configuration can be carried out: what a fit and a model are made from.

use std::ops::Deref;

use serde::Serialize;

use crate::error::ConfigError;
use crate::member_config::MemberConfig;
use crate::patchcore_config::PatchCoreConfig;
use crate::view::Size;

/// A [`PatchCoreConfig`] that has been checked, once: only [`PatchCoreConfig::check`] makes one, and nothing changes it.
///
/// ```
/// use patchcore_config::{Architecture, Mode};
///
/// # fn main() -> Result<(), patchcore_config::ConfigError> {
/// let checked = Mode::Paper.config(Architecture::RESNET18).check()?;
/// assert_eq!(checked.first().embedding_dim(), 384);
/// // Another one with a change is checked again.
/// let smaller = checked.into_config().with_coreset_sampling_ratio(0.01).check()?;
/// assert_eq!(smaller.coreset_sampling_ratio, 0.01);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked(PatchCoreConfig);

impl PatchCoreConfig {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`ConfigError`], for the first parameter at fault.
    pub fn check(self) -> Result<Checked, ConfigError> {
        self.verify()?;
        Ok(Checked(self))
    }
}

impl Checked {
    /// The configuration, to change and check again.
    pub fn into_config(self) -> PatchCoreConfig {
        self.0
    }

    /// The same after a fit on inputs of these sizes: see [`InputSizes::after_the_fit`](crate::InputSizes::after_the_fit).
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for a size that no input can have.
    pub fn after_the_fit(self, sizes: impl IntoIterator<Item = Size>) -> Result<Self, ConfigError> {
        let mut config = self.0;
        config.view.sizes = config.view.sizes.after_the_fit(sizes);
        config.check()
    }

    /// Whether what a fit measures is there: what a model that scores must have.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`].
    pub fn verify_measured(&self) -> Result<(), ConfigError> {
        let lacks =
            |member: &MemberConfig| !member.level_scaling.is_none() && member.level_scaling.factors().is_empty();
        match self.0.members.iter().any(lacks) {
            false => Ok(()),
            true => Err(ConfigError::OutOfRange {
                parameter: "level_scaling",
                found: "equal_variance without factors".to_owned(),
                expected: "a factor for each layer, which a fit measures",
            }),
        }
    }

    /// The first member: there is one, or the check had failed.
    #[expect(clippy::indexing_slicing, reason = "the check refuses a configuration without members")]
    pub fn first(&self) -> &MemberConfig {
        &self.0.members[0]
    }
}

impl Deref for Checked {
    type Target = PatchCoreConfig;

    fn deref(&self) -> &PatchCoreConfig {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::Architecture;
    use crate::mode::Mode;
    use crate::network_precision::NetworkPrecision;
    use crate::view::{Crop, Pad, Resize};

    #[test]
    fn networks_that_only_f32_has_are_refused_in_other_formats() {
        let config = |name: &str| Mode::Paper.config(Architecture::from_name(name).unwrap());
        for (name, lacks) in
            [("densenet121", "features.denseblock1.denselayer1.conv1"), ("resnext50_32x4d", "layer1.0.conv2")]
        {
            assert!(config(name).check().is_ok(), "{name}");
            for precision in [NetworkPrecision::Int8, NetworkPrecision::Bf16] {
                let refused = config(name).with_network_precision(precision).check().unwrap_err();
                let expected = (name.to_owned(), precision.name(), lacks.to_owned());
                let ConfigError::NotReducible { backbone, precision, step } = refused else { panic!("{refused}") };
                assert_eq!((backbone, precision, step), expected);
            }
        }
    }

    /// A DenseNet leaves out the last row or column of an odd map. Where the photo decides, that is seen with the photo.
    #[test]
    fn sizes_at_which_a_grid_would_not_cover_the_input_are_refused() {
        let size = |width, height| Size { width, height };
        let densenet = || Mode::Paper.config(Architecture::from_name("densenet121").unwrap());
        let exact = |width, height| {
            let mut config = densenet();
            config.view.resize = Resize::Exact(size(width, height));
            config
        };
        let cropped = |width, height| {
            let mut config = densenet();
            config.view.crop = Crop::Center(size(width, height));
            config
        };
        for config in [exact(224, 240), cropped(224, 240), densenet()] {
            assert_eq!(config.check().map(|_| ()), Ok(()));
        }
        let refused =
            ConfigError::OddGrid { backbone: "densenet121".to_owned(), width: 224, height: 230, multiple: 16 };
        assert!(refused.to_string().contains("224 x 230 pixels: expected sides that are multiples of 16"), "{refused}");
        for config in [exact(224, 230), cropped(224, 230)] {
            assert_eq!(config.check().map(|_| ()), Err(refused.clone()));
        }
        let mut padded = exact(224, 230);
        padded.view.pad = Pad::ToMultiple(16);
        padded.view.crop = Crop::Keep;
        assert!(padded.check().is_ok());
        let mut resnet = exact(224, 230);
        resnet.members = Mode::Paper.config(Architecture::RESNET18).members;
        assert!(resnet.check().is_ok());
    }
}
