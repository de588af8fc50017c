//! The extension module `patchcore._patchcore` of the Python package `patchcore`: photos and numpy arrays in, scores and numpy arrays out.
//!
//! It is thin: what is computed is computed by the crate `patchcore`, built without Burn; with the feature `wgpu`, for the package
//! `patchcore-wgpu`, with it. Here stands what Python needs: photos of every form (`photo.rs`, `photos.rs`), settings by name (`settings.rs`), the interpreter let go during work and heard of signals
//! (`watch.rs`), exceptions and warnings of its own (`errors.rs`, `warn.rs`), and threads that a forked process makes anew (`threads.rs`).
//! `python/patchcore` is the package that users see.
//!
//! Without the feature `extension-module` this crate is empty, so that the workspace builds and its tests link where there is no Python.
//! maturin asks for it.

#[cfg(feature = "extension-module")]
mod array;
#[cfg(feature = "extension-module")]
mod changes;
#[cfg(feature = "extension-module")]
mod errors;
#[cfg(feature = "extension-module")]
mod fit;
#[cfg(feature = "extension-module")]
mod foreign_bank;
#[cfg(feature = "extension-module")]
mod metrics;
#[cfg(feature = "extension-module")]
mod model;
#[cfg(feature = "extension-module")]
mod nearest;
#[cfg(feature = "extension-module")]
mod photo;
#[cfg(feature = "extension-module")]
mod photos;
#[cfg(feature = "extension-module")]
mod score;
#[cfg(feature = "extension-module")]
mod scores;
#[cfg(feature = "extension-module")]
mod settings;
#[cfg(feature = "extension-module")]
mod shared_array;
#[cfg(feature = "extension-module")]
mod stop;
#[cfg(feature = "extension-module")]
mod threads;
#[cfg(feature = "extension-module")]
mod warn;
#[cfg(feature = "extension-module")]
mod watch;

/// PatchCore's engine. Use the package `patchcore`, of which this is a part.
#[cfg(feature = "extension-module")]
#[pyo3::pymodule]
mod _patchcore {
    #[pymodule_export]
    use super::changes::ChangeReport;
    #[pymodule_export]
    use super::errors::{Cancelled, ModelFileError, PatchCoreError, PatchCoreWarning, PhotoError};
    #[pymodule_export]
    use super::fit::FitReport;
    #[pymodule_export]
    use super::metrics::{aupimo, aupro, auroc, average_precision, f1_max, f1_max_threshold};
    #[pymodule_export]
    use super::model::{Model, model_from_bytes};
    #[pymodule_export]
    use super::nearest::Nearest;
    #[pymodule_export]
    use super::photo::is_photo_name;
    #[pymodule_export]
    use super::score::{Score, score_from_state};
    #[pymodule_export]
    use super::scores::Scores;
    #[pymodule_export]
    use super::settings::setting_names;

    /// Version of the engine.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
