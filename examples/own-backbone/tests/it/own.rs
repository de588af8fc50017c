//! The example's network through the whole of PatchCore: fitted, saved, loaded, and no other one taken for it.

use std::sync::Arc;

use own_backbone::OwnBackbone;
use patchcore::error::{BackboneError, ModelFileError};
use patchcore::{
    Backbone, Error, FitOptions, Level, LevelMap, LoadOptions, Model, Photo, PixelBuffer, PixelFormat, Save, Settings,
};

/// A textured plate of 64 x 48, with or without a bright spot.
pub fn photo(seed: usize, defect: bool) -> Photo {
    let value = |at: usize| {
        let (x, y) = (at % 64, at / 64);
        let spot = defect && (20..27).contains(&x) && (30..37).contains(&y);
        if spot { 250 } else { (90 + 30 * ((x / 6 + seed) % 2) + (x * 31 + y * 17 + seed * 79) % 13) as u8 }
    };
    let data: Vec<u8> = (0..64 * 48).map(value).collect();
    let buffer = PixelBuffer { data: &data, width: 64, height: 48, stride: 64, format: PixelFormat::Gray8 };
    Photo::from_buffer(&buffer).unwrap()
}

pub fn settings() -> Settings {
    let backbone = OwnBackbone::NAME.to_owned();
    Settings { backbone, coreset_sampling_ratio: Some(0.2), resize: Some(patchcore::Resize::Keep), ..Settings::default() }
}

fn fitted(network: Arc<dyn Backbone>) -> Model {
    let good: Vec<Photo> = (0..4).map(|seed| photo(seed, false)).collect();
    Model::fit_with(&settings(), good, FitOptions::default().network(network)).unwrap().model
}

/// The example's network, said to be another one.
#[derive(Debug)]
struct Other {
    network: OwnBackbone,
    name: &'static str,
    sha256: String,
    levels: Vec<Level>,
}

impl Other {
    fn new(change: impl FnOnce(&mut Self)) -> Arc<Self> {
        let network = OwnBackbone::new();
        let (sha256, levels) = (network.sha256().to_owned(), network.levels().to_vec());
        let mut other = Self { network, name: OwnBackbone::NAME, sha256, levels };
        change(&mut other);
        Arc::new(other)
    }
}

impl Backbone for Other {
    fn name(&self) -> &str {
        self.name
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
        self.network.forward(planes, height, width)
    }
}

/// What `fixtures/generate.py` prints: means and spreads of the levels, by PyTorch.
#[test]
fn the_generated_code_computes_what_pytorch_computes() {
    let (height, width) = (40, 56);
    let value = |at: usize| {
        let (channel, row, column) = (at / (height * width), at / width % height, at % width);
        (0.3 * row as f32 + 0.2 * column as f32 * (channel + 1) as f32).sin()
    };
    let planes: Vec<f32> = (0..3 * height * width).map(value).collect();
    let maps = OwnBackbone::new().forward(&planes, height, width).unwrap();
    let expected = [(8, 10, 14, 0.221384, 0.577357), (16, 5, 7, 0.261947, 0.736551), (16, 3, 4, 0.084481, 0.328988)];
    assert_eq!(maps.len(), expected.len());
    for (map, (channels, rows, columns, mean, spread)) in maps.iter().zip(expected) {
        assert_eq!((map.channels, map.height, map.width), (channels, rows, columns));
        let count = map.values.len() as f64;
        assert_eq!(map.values.len(), channels * rows * columns);
        let found = map.values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        let squares = map.values.iter().map(|value| (f64::from(*value) - found).powi(2)).sum::<f64>() / count;
        assert!((found - mean).abs() < 5e-6, "{found} of {mean}");
        assert!((squares.sqrt() - spread).abs() < 5e-6, "{} of {spread}", squares.sqrt());
    }
}

#[test]
fn a_model_with_a_network_of_ones_own_is_fitted_saved_and_loaded() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("part.patchcore");
    let network = Arc::new(OwnBackbone::new());
    let model = fitted(network.clone());
    // Mode line: two banks over one network.
    assert_eq!(model.banks().len(), 2);
    let (good, bad) = (model.score(&photo(9, false)).unwrap(), model.score(&photo(9, true)).unwrap());
    assert!(bad.score > 2.0 * good.score, "{} and {}", bad.score, good.score);
    let (x, y) = bad.worst_at;
    assert!((16.0..31.0).contains(&x) && (26.0..41.0).contains(&y), "{x} {y}");

    model.save(&file, Save::WithoutWeights).unwrap();
    let read = Model::read(&file).unwrap();
    let named: Vec<(&str, &str)> =
        read.header.networks.iter().map(|network| (network.name.as_str(), network.sha256.as_str())).collect();
    assert_eq!(named, [("own-backbone", network.sha256())]);
    let bytes = std::fs::read(&file).unwrap();
    // A program that knows nothing of such networks refuses the file by this name.
    assert!(String::from_utf8_lossy(&bytes).contains(r#"\"own_network\""#), "requires");
    let loaded = Model::load_with(&file, &LoadOptions::default().network(network)).unwrap();
    assert_eq!(loaded.score(&photo(9, true)).unwrap(), bad);
}

/// A file that was fitted with one network, offered others.
#[test]
fn another_network_is_refused() {
    let network = Arc::new(OwnBackbone::new());
    let bytes = fitted(network.clone()).to_bytes(Save::WithoutWeights).unwrap();
    let refused = |options: LoadOptions| match Model::from_bytes(&bytes, &options).unwrap_err() {
        Error::ModelFile { source, .. } => (source.to_string(), source),
        other => panic!("{other}"),
    };
    let with = |network: Arc<dyn Backbone>| refused(LoadOptions::default().network(network));

    let (said, error) = refused(LoadOptions::default());
    assert!(matches!(error, ModelFileError::NetworkNeeded { .. }), "{error:?}");
    assert!(said.contains("own-backbone") && said.contains(network.sha256()) && said.contains("none was"), "{said}");

    let (said, error) = with(Other::new(|other| other.name = "another"));
    assert!(matches!(error, ModelFileError::NetworkNeeded { .. }), "{error:?}");
    assert!(said.contains("only another was"), "{said}");

    let (said, error) = with(Other::new(|other| other.sha256 = "0".repeat(64)));
    assert!(matches!(error, ModelFileError::OtherWeights { .. }), "{error:?}");
    assert!(said.contains(network.sha256()) && said.contains(&"0".repeat(64)), "{said}");

    let (said, error) = with(Other::new(|other| other.levels[1].channels = 12));
    let source = |error: &ModelFileError| matches!(error, ModelFileError::Backbone(BackboneError::OtherLevel { .. }));
    assert!(source(&error), "{error:?}");
    assert!(said.contains("`middle`") && said.contains("12 channels"), "{said}");

    let (said, error) = with(Other::new(|other| other.levels[2].name = "last".to_owned()));
    assert!(matches!(error, ModelFileError::Backbone(BackboneError::NoLevel { .. })), "{error:?}");
    assert!(said.contains("`coarse`") && said.contains("fine, middle, last"), "{said}");

    // Levels that promise other maps than the network gives are found at the first photo.
    let lies = Other::new(|other| other.levels[2].channels = 15);
    let good: Vec<Photo> = (0..4).map(|seed| photo(seed, false)).collect();
    let error = Model::fit_with(&settings(), good, FitOptions::default().network(lies)).unwrap_err();
    assert!(error.to_string().contains("gave a map of [16, 3, 4] for coarse: expected [15, 3, 4]"), "{error}");
}

#[test]
pub fn settings_and_networks_must_name_each_other() {
    let network = || -> Arc<dyn Backbone> { Arc::new(OwnBackbone::new()) };
    let fit = |settings: &Settings, options: FitOptions<'_>| Model::fit_with(settings, [photo(0, false)], options);

    // Without the network its name says nothing; with it, it is one of the names.
    let unknown = |error: Error| {
        assert!(matches!(error, Error::Config(patchcore::error::ConfigError::UnknownBackbone { .. })), "{error:?}");
        error.to_string()
    };
    assert!(unknown(fit(&settings(), FitOptions::default()).unwrap_err()).contains("`own-backbone`"));
    let misspelt = Settings { backbone: "own_backbone".to_owned(), ..settings() };
    let said = unknown(fit(&misspelt, FitOptions::default().network(network())).unwrap_err());
    assert!(said.contains("`own_backbone`") && said.contains("own-backbone, "), "{said}");
    // A network that is given and not named would silently do nothing.
    let other = Settings { backbone: "efficientnet_lite0".to_owned(), ..settings() };
    let said = fit(&other, FitOptions::default().network(network())).unwrap_err().to_string();
    assert!(said.contains("efficientnet_lite0 where the network own-backbone is given"), "{said}");
    // Its weights are the application's: no file can hold them.
    let error = fitted(network()).to_bytes(Save::WithWeights).unwrap_err().to_string();
    assert!(error.contains("own-backbone cannot be stored in the model"), "{error}");
}
