//! Settings that somebody has published as a whole.

use patchcore_config::{ConfigError, Crop, Mode, Resize, Size};

use crate::network_settings::NetworkSettings;
use crate::settings::Settings;

/// Published settings of several networks.
///
/// ```
/// use patchcore::{PRESETS, Preset};
///
/// let preset = Preset::from_name("authors-ensemble").unwrap();
/// let config = preset.settings().config()?;
/// assert_eq!((config.members.len(), config.coreset_sampling_ratio), (3, 0.01));
/// assert_eq!(PRESETS.map(Preset::name), ["authors-ensemble", "authors-ensemble-segmentation"]);
/// # Ok::<(), patchcore::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// The ensemble that the authors of PatchCore publish 99.6 % image AUROC on MVTec AD with: WideResNet-101, ResNeXt-101 and DenseNet-201,
    /// photos of 320 x 320 (short side 366, cropped), 1 % of the patches, pooled to 1024 and then 384 values.
    ///
    /// Their code joins the members by the smallest and largest score of the *test* set. Here good photos alone decide
    /// ([`Weighting::GoodPatches`](patchcore_config::Weighting::GoodPatches)).
    AuthorsEnsemble,
    /// The same for finding where: patches of 5 x 5 cells, and the mean distance to the 5 nearest rows, as the authors' script asks for.
    /// Their program loses that number on its way to the model and takes 1, which `num_neighbors: Some(1)` gives.
    AuthorsEnsembleSegmentation,
}

/// Every preset, in the order in which lists show them.
pub const PRESETS: [Preset; 2] = [Preset::AuthorsEnsemble, Preset::AuthorsEnsembleSegmentation];

impl Preset {
    /// The name used in settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthorsEnsemble => "authors-ensemble",
            Self::AuthorsEnsembleSegmentation => "authors-ensemble-segmentation",
        }
    }

    /// The preset of that name.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`].
    pub fn from_name(name: &str) -> Result<Self, ConfigError> {
        let known = PRESETS.into_iter().find(|preset| preset.name() == name);
        known.ok_or_else(|| ConfigError::OutOfRange {
            parameter: "preset",
            found: name.to_owned(),
            expected: "authors-ensemble or authors-ensemble-segmentation",
        })
    }

    /// What it sets; the rest is as in [`Settings::default`]. Source: `sample_training.sh` of amazon-science/patchcore-inspection.
    pub fn settings(self) -> Settings {
        let segmentation = self == Self::AuthorsEnsembleSegmentation;
        let [first, further @ ..] = ["wide_resnet101_2", "resnext101_32x8d", "densenet201"];
        let defaults = Settings::default();
        Settings {
            mode: Mode::Authors,
            backbone: first.to_owned(),
            further_networks: further.map(NetworkSettings::new).to_vec(),
            resize: Some(Resize::Short(366)),
            crop: Some(Crop::Center(Size { width: 320, height: 320 })),
            coreset_sampling_ratio: Some(0.01),
            pretrain_embed_dimension: Some(1024),
            target_embed_dimension: Some(384),
            patch_size: if segmentation { 5 } else { defaults.patch_size },
            num_neighbors: segmentation.then_some(5),
            ..defaults
        }
    }
}
