//! Settings and weights that cannot work: a typed error that names the parameter, never a panic.

use patchcore::config::ConfigError;
use patchcore::config::Mode;
use patchcore::config::{Architecture, BackboneWeights};
use patchcore::{Error, Model, Settings};
use patchcore_core::error::{BackboneError, DeviceError, FitError, InputError, ScoreError};
use patchcore_core::{ComputeDevice, Fitter, ImageInput};
use patchcore_testing::resnet18;

use crate::part;

fn fit(settings: Settings) -> Error {
    Model::fit(&settings, part::good(2)).map(|model| model.core().bank().len()).unwrap_err()
}

fn small() -> Settings {
    Settings { resize: Some(patchcore::Resize::Keep), ..Settings::default() }
}

#[test]
fn settings_out_of_range_are_named() {
    let config = |error: Error| match error {
        Error::Config(error) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        config(fit(Settings { backbone: "vgg16".into(), ..small() })),
        ConfigError::UnknownBackbone { .. }
    ));
    assert!(matches!(
        config(fit(Settings { layers: Some(vec!["layer2".into()]), ..small() })),
        ConfigError::UnknownLayer { .. }
    ));
    assert!(matches!(
        config(fit(Settings { coreset_sampling_ratio: Some(1.5), ..small() })),
        ConfigError::OutOfRange { parameter: "coreset_sampling_ratio", .. }
    ));
    assert!(matches!(
        config(fit(Settings { num_neighbors: Some(0), ..small() })),
        ConfigError::OutOfRange { parameter: "num_neighbors", .. }
    ));
}

#[test]
fn a_coreset_without_rows_or_with_too_few_says_which_ratio_would_do() {
    let error = fit(Settings { coreset_sampling_ratio: Some(1e-6), ..small() });
    match error {
        Error::Fit(FitError::EmptyCoreset { patches: 288, smallest, .. }) => {
            assert!((smallest - 1.0 / 288.0).abs() < 1e-9)
        }
        other => panic!("{other:?}"),
    }
    let mode = patchcore::Mode::Paper;
    let error = fit(Settings { mode, coreset_sampling_ratio: Some(0.01), num_neighbors: Some(9), ..small() });
    assert!(matches!(error, Error::Fit(FitError::TooFewRows { num_neighbors: 9, rows: 2 })), "{error:?}");
}

#[test]
fn devices_that_are_not_there_are_errors() {
    let error = fit(Settings { device: "tpu".into(), ..small() });
    assert!(matches!(error, Error::Device(DeviceError::Unknown { .. })), "{error:?}");
    #[cfg(not(feature = "cuda"))]
    {
        let error = fit(Settings { device: "cuda:0".into(), ..small() });
        assert!(matches!(error, Error::Device(DeviceError::NotCompiledIn { feature: "cuda", .. })), "{error:?}");
    }
}

#[test]
fn no_photo_is_an_error() {
    let error = Model::fit(&small(), Vec::<patchcore::Photo>::new()).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Fit(FitError::NoImages)), "{error:?}");
}

#[test]
fn damaged_weights_name_the_tensor() {
    let weights = patchcore::resolve_weights("efficientnet_lite0", None).unwrap();
    let config = Mode::Paper.config(Architecture::EFFICIENTNET_LITE0).check().unwrap();
    let refused = |spoil: &dyn Fn(&mut BackboneWeights)| {
        let mut weights = weights.clone();
        spoil(&mut weights);
        match Fitter::new(config.clone(), &weights, &ComputeDevice::flex()).map(|_| ()).unwrap_err() {
            FitError::Backbone(error) => error,
            other => panic!("{other:?}"),
        }
    };
    let error = refused(&|weights| weights.tensors.get_mut("stem.weight").unwrap().data[7] = f32::NAN);
    assert_eq!(error, BackboneError::NotFinite { tensor: "stem.weight".into(), index: 7 });
    let error = refused(&|weights| drop(weights.tensors.remove("blocks.3.project.bias")));
    assert!(matches!(error, BackboneError::MissingTensor { .. }), "{error}");
    let error = refused(&|weights| weights.tensors.get_mut("stem.weight").unwrap().shape = vec![32, 3, 9]);
    assert!(matches!(error, BackboneError::WrongShape { .. }), "{error}");
}

#[test]
fn an_onnx_file_of_another_network_is_refused() {
    let Some(weights) = resnet18() else { return };
    for backbone in ["resnet34", "resnet50", "efficientnet_lite0"] {
        let settings = Settings { backbone: backbone.into(), weights: Some(weights.clone()), ..small() };
        assert!(matches!(fit(settings), Error::Weights(_)), "{backbone}");
    }
    let settings = Settings { weights: Some("no/such/file.onnx".into()), backbone: "resnet18".into(), ..small() };
    assert!(matches!(fit(settings), Error::Weights(_)));
}

#[test]
fn inputs_of_wrong_length_size_or_value_are_errors() {
    let model = Model::fit(&small(), part::good(3)).unwrap();
    let pixels = vec![0.5; 3 * 64 * 64];
    let score = |width, height, pixels: &[f32]| model.core().score(ImageInput { width, height, pixels }).map(|_| ());
    assert_eq!(score(64, 64, &pixels), Ok(()));
    let input = |result: Result<(), ScoreError>| match result {
        Err(ScoreError::Input(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(input(score(64, 65, &pixels)), InputError::WrongLength { .. }));
    assert!(matches!(input(score(1, 1, &[0.0; 3])), InputError::WrongSize { .. }));
    assert!(matches!(input(score(20_000, 64, &pixels)), InputError::WrongSize { .. }));
    assert!(matches!(input(score(usize::MAX, usize::MAX, &pixels)), InputError::WrongSize { .. }));
    let mut spoilt = pixels.clone();
    spoilt[5] = f32::INFINITY;
    assert_eq!(input(score(64, 64, &spoilt)), InputError::NotFinite { index: 5 });
    // Finite values of which the network makes none: at one place, and everywhere.
    spoilt[5] = 3e38;
    assert_eq!(score(64, 64, &spoilt), Err(ScoreError::NotFinite));
    assert_eq!(score(64, 64, &[3e38; 3 * 64 * 64]), Err(ScoreError::NotFinite));
}
