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
