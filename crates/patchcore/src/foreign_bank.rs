//! Models of banks that another program has made: what an import from another PatchCore has in its hands.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use patchcore_config::{Checked, NetworkWeights};
use patchcore_core::PatchCore;
use patchcore_core::model_file::Sections;
use patchcore_metrics::threshold::Thresholds;

use crate::devices::check_model;
use crate::error::Error;
use crate::model::Model;
use crate::own_networks::OwnNetworks;
use crate::settings::Settings;
use crate::threads::Threads;

/// What another program has fitted: for each member of the settings the rows of its bank, and weights of networks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForeignBank {
    /// The rows, `[rows, embedding dim]` row-major, as a fit with the same settings would keep them.
    pub rows: Vec<f32>,
    /// The bytes of a safetensors file with the weights that the rows come from, under torchvision's or timm's names, BatchNorm folded or
    /// not. Without them the settings say where the weights are ([`Settings::weights`]).
    pub weights: Option<Vec<u8>>,
}

impl Model {
    /// A model over a bank that comes from elsewhere. The settings decide what a score is; what they say of a bank's selection is kept as a
    /// note. For settings with one member: any mode but `line`, and one network.
    ///
    /// It scores, saves and is calibrated as one of a fit. What only a fit knows it does not have: photos and their names
    /// ([`Model::fitted_on`] has none), origins of rows, coverage, scores of good photos, a passport. Until it has a threshold for pixels
    /// ([`Thresholds::pixel`]) no pixel of a map is called a defect.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Weights`], [`Error::Device`], and [`Error::Fit`] for rows that are not whole or not finite, fewer than
    /// the settings need, or settings with several members.
    pub fn of_foreign_bank(settings: &Settings, bank: ForeignBank, threads: Threads) -> Result<Self, Error> {
        let (config, device) = (settings.config()?, settings.compute_device()?);
        let (weights, files) = match bank.weights {
            Some(bytes) => (weights_in(&config, &bytes)?, BTreeMap::new()),
            None => (settings.load_weights()?, settings.weights_files()?),
        };
        let core = threads.run(|| {
            let core = PatchCore::with_bank(config, &weights, bank.rows, &device)?;
            check_model(&core, &weights, None)?;
            Ok::<_, Error>(core)
        })?;
        let mut sections = Sections::default();
        sections.weights_file = files.into_values().next();
        let model = Self {
            core: Arc::new(core),
            weights: Arc::new(weights),
            own: OwnNetworks::default(),
            sections: Arc::new(sections),
            digests: Arc::new(OnceLock::new()),
            thresholds: Thresholds::default(),
            written_by: Arc::from(env!("CARGO_PKG_VERSION")),
            threads,
            folder: None,
        };
        model.tell_fallbacks();
        Ok(model)
    }
}

/// The weights in a file's bytes, of the settings' first network: a model of several is refused later, by its members.
fn weights_in(config: &Checked, bytes: &[u8]) -> Result<NetworkWeights, Error> {
    let network = config.first().backbone.name();
    let weights = patchcore_weights::load_safetensors(network, "the weights beside the bank", bytes)?;
    Ok(NetworkWeights::new().with(network, weights))
}

#[cfg(all(test, feature = "cpu", feature = "embed-efficientnet-lite0"))]
mod tests {
    use patchcore_config::Mode;
    use patchcore_core::error::FitError;
    use patchcore_io::{PixelBuffer, PixelFormat};
    use patchcore_metrics::threshold::{Threshold, ThresholdOrigin};

    use super::*;
    use crate::{FitOptions, LoadOptions, Save};

    fn photo(data: &[u8]) -> PixelBuffer<'_> {
        PixelBuffer { data, width: 64, height: 64, stride: 64, format: PixelFormat::Gray8 }
    }

    fn pixels(factor: usize) -> Vec<u8> {
        (0..64 * 64).map(|at| (at * factor % 101) as u8).collect()
    }

    fn settings() -> Settings {
        Settings { mode: Mode::Anomalib, coreset_sampling_ratio: Some(0.2), ..Settings::default() }
    }

    #[test]
    fn the_bank_of_a_fit_gives_the_scores_of_the_fit_and_knows_no_photo() {
        let (good, other) = (pixels(37), pixels(41));
        let fitted = Model::fit_with(&settings(), [photo(&good)], FitOptions::default().threads(1)).unwrap().model;
        let bank = ForeignBank { rows: fitted.bank().rows().to_vec(), weights: None };
        let model = Model::of_foreign_bank(&settings(), bank, Threads::new(1).unwrap()).unwrap();
        let other = crate::Photo::from_buffer(&photo(&other)).unwrap();
        let (expected, found) = (fitted.score(&other).unwrap(), model.score(&other).unwrap());
        assert_eq!((found.score, &found.map), (expected.score, &expected.map));
        assert_eq!((found.nearest_good.image, found.nearest_good.origin), (None, None));
        assert_eq!((model.fitted_on().images, model.coverage().len(), model.training_photos().len()), (0, 0, 0));
        let bytes = model.to_bytes(Save::WithWeights).unwrap();
        let read = Model::from_bytes(&bytes, &LoadOptions::default()).unwrap();
        assert_eq!(read.score(&other).unwrap().score, expected.score);
    }

    #[test]
    fn without_a_threshold_no_pixel_is_a_defect_and_with_one_it_decides() {
        let good = pixels(37);
        let fitted = Model::fit_with(&settings(), [photo(&good)], FitOptions::default().threads(1)).unwrap().model;
        let bank = ForeignBank { rows: fitted.bank().rows().to_vec(), weights: None };
        let model = Model::of_foreign_bank(&settings(), bank, Threads::new(1).unwrap()).unwrap();
        assert!(model.map_scale().threshold > 1e30, "{:?}", model.map_scale());
        let manual = |value| Some(Threshold { value, origin: ThresholdOrigin::Manual });
        let model = model.with_thresholds(Thresholds { pixel: manual(3.0), ..Thresholds::default() }).unwrap();
        assert_eq!(model.map_scale().threshold, 3.0);
    }

    #[test]
    fn what_is_no_bank_of_these_settings_is_refused() {
        let refused = |settings: &Settings, rows: Vec<f32>| {
            let bank = ForeignBank { rows, weights: None };
            Model::of_foreign_bank(settings, bank, Threads::default()).unwrap_err()
        };
        let cut = refused(&settings(), vec![0.0; 121]);
        assert!(matches!(cut, Error::Fit(FitError::Bank(_))), "{cut}");
        let few = refused(&settings(), vec![0.0; 120]);
        assert!(matches!(few, Error::Fit(FitError::TooFewRows { .. })), "{few}");
        let line = refused(&Settings::default(), vec![0.0; 1200]);
        assert!(matches!(line, Error::Config(_) | Error::Fit(_)), "{line}");
        let bank = ForeignBank { rows: vec![0.0; 1200], weights: Some(b"no weights".to_vec()) };
        let strange = Model::of_foreign_bank(&settings(), bank, Threads::default()).unwrap_err();
        assert!(matches!(strange, Error::Weights(_)), "{strange}");
    }
}
