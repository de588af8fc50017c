//! Where a loaded model computes, and with what.

use std::sync::Arc;

use patchcore_core::backbone::Backbone;
use patchcore_core::model_file::DriftPolicy;
use patchcore_core::{Instructions, Precision};

use crate::devices::DEFAULT_DEVICE;
use crate::own_networks::OwnNetworks;
use crate::threads::Threads;
#[cfg(not(target_family = "wasm"))]
use crate::weights_file::WeightsFile;

/// How to load a model. Start from [`LoadOptions::default`].
///
/// ```
/// use patchcore::{LoadOptions, Precision};
///
/// let options = LoadOptions::default().device("cpu").threads(2);
/// assert_eq!((options.device.as_str(), options.precision), ("cpu", Precision::F32));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// ONNX or safetensors files with the networks' weights, for a model that does not carry them. Default: embedded, else
    /// the weights directory.
    #[cfg(not(target_family = "wasm"))]
    pub weights: Vec<WeightsFile>,
    /// As in [`Settings::device`](crate::Settings::device). Default [`DEFAULT_DEVICE`].
    pub device: String,
    /// Number format in which the device computes an f32 network. Default f32; a model whose network is bf16 or int8 takes nothing else.
    pub precision: Precision,
    /// As in [`Settings::instructions`](crate::Settings::instructions).
    pub instructions: Option<Instructions>,
    /// Threads of the model's own, which its clones share. Default: those of the rayon pool that calls, else of rayon's global
    /// one.
    pub threads: Option<usize>,
    /// Load also where the device's results differ from the model's passport by more than its precision explains.
    /// [`Model::drift`](crate::Model::drift) then says by how much. Default: no.
    pub allow_drift: bool,
    pub(crate) shared: Option<Threads>,
    pub(crate) own: OwnNetworks,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            #[cfg(not(target_family = "wasm"))]
            weights: Vec::new(),
            device: DEFAULT_DEVICE.to_owned(),
            precision: Precision::F32,
            instructions: None,
            threads: None,
            allow_drift: false,
            shared: None,
            own: OwnNetworks::default(),
        }
    }
}

impl LoadOptions {
    /// Adds to [`LoadOptions::weights`]: a path alone for a model with one network, or for the one network that has no weights
    /// elsewhere; else a [`WeightsFile::of`] a network.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn weights(mut self, file: impl Into<WeightsFile>) -> Self {
        self.weights.push(file.into());
        self
    }

    /// Sets [`LoadOptions::device`].
    #[must_use]
    pub fn device(mut self, device: impl Into<String>) -> Self {
        self.device = device.into();
        self
    }

    /// Sets [`LoadOptions::precision`].
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Sets [`LoadOptions::instructions`].
    #[must_use]
    pub fn instructions(mut self, instructions: Instructions) -> Self {
        self.instructions = Some(instructions);
        self
    }

    /// Sets [`LoadOptions::threads`].
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Threads that the model shares with others. They go before [`LoadOptions::threads`].
    #[must_use]
    pub fn on(mut self, threads: Threads) -> Self {
        self.shared = Some(threads);
        self
    }

    /// Sets [`LoadOptions::allow_drift`].
    #[must_use]
    pub fn allow_drift(mut self) -> Self {
        self.allow_drift = true;
        self
    }

    /// A network of the application's own, for a model that was fitted with it
    /// ([`FitOptions::network`](crate::FitOptions::network)). One of another digest is refused.
    #[must_use]
    pub fn network(mut self, network: Arc<dyn Backbone>) -> Self {
        self.own.add(network);
        self
    }

    pub(crate) fn drift_policy(&self) -> DriftPolicy {
        if self.allow_drift { DriftPolicy::Allow } else { DriftPolicy::Refuse }
    }
}
