//! A network of the application's own: fitted, cross-fitted, saved and loaded, and no other one taken for it.

use std::sync::Arc;

use patchcore::error::{BackboneError, ConfigError, ModelFileError};
use patchcore::{
    Backbone, CalibrateOptions, Error, FitOptions, Level, LevelMap, LoadOptions, Mode, Model, Save, Settings,
};

use crate::part;

/// Means of blocks of 8 x 8 and 16 x 16 pixels.
#[derive(Debug)]
struct Means {
    name: &'static str,
    sha256: String,
    levels: Vec<Level>,
}

impl Means {
    fn new(name: &'static str, digit: &str) -> Arc<Self> {
        let level = |(name, stride): (&str, usize)| Level { name: name.to_owned(), channels: 3, stride };
        Arc::new(Self { name, sha256: digit.repeat(64), levels: [("fine", 8), ("coarse", 16)].map(level).to_vec() })
    }
}

impl Backbone for Means {
    fn name(&self) -> &str {
        self.name
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn normalization(&self) -> patchcore::config::Normalization {
        patchcore::config::Normalization { mean: [0.5; 3], std: [1.0; 3] }
    }

    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
        let map = |Level { channels, stride, .. }: &Level| {
            let (rows, columns) = (height.div_ceil(*stride), width.div_ceil(*stride));
            let mut values = vec![0.0; channels * rows * columns];
            for (at, value) in planes.iter().enumerate() {
                let (channel, y, x) = (at / (height * width), at / width % height, at % width);
                values[(channel * rows + y / stride) * columns + x / stride] += value / (stride * stride) as f32;
            }
            LevelMap { channels: *channels, height: rows, width: columns, values }
        };
        Ok(self.levels.iter().map(map).collect())
    }
}

fn settings() -> Settings {
    let ratio = Some(0.5);
    Settings { backbone: "means".to_owned(), mode: Mode::Paper, coreset_sampling_ratio: ratio, ..Settings::default() }
}

fn fitted() -> Model {
    let options = FitOptions::default().network(Means::new("means", "1"));
    Model::fit_with(&settings(), part::good(4), options).unwrap().model
}

#[test]
fn it_is_fitted_cross_fitted_and_loaded() {
    let model = fitted();
    let member = &model.config().members[0];
    assert_eq!((member.layers.join(" "), member.normalization.mean), ("fine coarse".to_owned(), [0.5; 3]));
    let bad = model.score(&part::photo(9, true)).unwrap();
    let bytes = model.to_bytes(Save::WithoutWeights).unwrap();
    let options = || LoadOptions::default().network(Means::new("means", "1"));
    assert_eq!(Model::from_bytes(&bytes, &options()).unwrap().score(&part::photo(9, true)).unwrap(), bad);
    // Every fold is fitted with the network, too.
    let report = model.calibrate(part::good(4), CalibrateOptions::default().cross_fit(2)).unwrap();
    assert_eq!(report.scores.len(), 4);
}

#[test]
fn another_one_is_refused() {
    let bytes = fitted().to_bytes(Save::WithoutWeights).unwrap();
    let refused = |options: LoadOptions| match Model::from_bytes(&bytes, &options).unwrap_err() {
        Error::ModelFile { source, .. } => source,
        other => panic!("{other}"),
    };
    let none = refused(LoadOptions::default());
    assert!(matches!(&none, ModelFileError::NetworkNeeded { name, given, .. } if name == "means" && given.is_empty()));
    let other_name = refused(LoadOptions::default().network(Means::new("others", "1")));
    assert!(matches!(other_name, ModelFileError::NetworkNeeded { .. }), "{other_name}");
    let other_digest = refused(LoadOptions::default().network(Means::new("means", "2")));
    assert!(matches!(other_digest, ModelFileError::OtherWeights { .. }), "{other_digest}");
    assert!(fitted().to_bytes(Save::WithWeights).unwrap_err().to_string().contains("means"));
}

#[test]
fn settings_name_every_network_that_is_given() {
    let fit = |backbone: &str, given: Option<Arc<Means>>| {
        let options = given.into_iter().fold(FitOptions::default(), |options, network| options.network(network));
        let settings = Settings { backbone: backbone.to_owned(), ..settings() };
        Model::fit_with(&settings, part::good(1), options).unwrap_err()
    };
    assert!(matches!(fit("means", None), Error::Config(ConfigError::UnknownBackbone { .. })));
    let unknown = fit("meens", Some(Means::new("means", "1"))).to_string();
    assert!(unknown.contains("`meens`") && unknown.contains("means, "), "{unknown}");
    let unused = fit("efficientnet_lite0", Some(Means::new("means", "1"))).to_string();
    assert!(unused.contains("efficientnet_lite0 where the network means is given"), "{unused}");
    // A name of the catalogue is the catalogue's.
    let taken = fit("resnet18", Some(Means::new("resnet18", "1"))).to_string();
    assert!(taken.contains("a name that the catalogue does not have"), "{taken}");
}
