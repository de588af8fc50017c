//! The real ResNet-18 of the shared folder: the same file through both importers, and as a network of the application's own.

#[cfg(not(has_real_trunk))]
#[test]
fn the_real_trunk_is_the_same() {
    println!("skipped: no ../shared when this test was built");
}

#[cfg(has_real_trunk)]
#[test]
fn the_real_trunk_is_the_same() {
    use patchcore_config::Architecture;
    use own_backbone::resnet18::Model;
    use patchcore_testing::resnet18;
    use patchcore_weights::load_weights;

    use crate::layers::{assert_same_layers, batch, device};

    let Some(path) = resnet18() else { return };
    let plan = Architecture::RESNET18.plan(&["layer1", "layer2", "layer3"].map(str::to_owned)).unwrap();
    let weights = load_weights(&path, "resnet18").unwrap();
    let model = Model::from_embedded(&device());
    for size in [[1, 96, 64], [2, 47, 65]] {
        let batch = batch(size);
        let (layer1, layer2, layer3) = model.forward(batch.clone());
        assert_same_layers(&plan, &weights, &batch, vec![layer1, layer2, layer3]);
    }
}

/// The same weights twice: by the catalogue's plan, and as a network that the application brings.
#[cfg(has_real_trunk)]
#[test]
fn as_a_network_of_ones_own_it_gives_the_scores_of_the_catalogues() {
    use std::sync::Arc;

    use burn::tensor::{Device, Tensor, TensorData};
    use own_backbone::level_map;
    use own_backbone::resnet18::Model as Trunk;
    use patchcore::error::BackboneError;
    use patchcore::{Backbone, FitOptions, Level, LevelMap, Model, Settings};
    use patchcore_testing::resnet18;

    use crate::own::photo;

    #[derive(Debug)]
    struct OwnResNet {
        trunk: Trunk,
        levels: Vec<Level>,
    }

    impl Backbone for OwnResNet {
        fn name(&self) -> &str {
            "my-resnet"
        }

        fn sha256(&self) -> &str {
            "0000000000000000000000000000000000000000000000000000000000000001"
        }

        fn levels(&self) -> &[Level] {
            &self.levels
        }

        fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
            let data = TensorData::new(planes.to_vec(), [1, 3, height, width]);
            let (layer1, layer2, layer3) = self.trunk.forward(Tensor::from_data(data, &Device::flex()));
            [layer1, layer2, layer3].into_iter().map(|map| level_map("my-resnet", map)).collect()
        }
    }

    let Some(path) = resnet18() else { return };
    let level = |(name, channels, stride): (&str, _, _)| Level { name: name.to_owned(), channels, stride };
    let levels = [("layer1", 64, 4), ("layer2", 128, 8), ("layer3", 256, 16)].map(level).to_vec();
    let own = Arc::new(OwnResNet { trunk: Trunk::from_embedded(&Device::flex()), levels });
    let settings = |backbone: &str| Settings { backbone: backbone.to_owned(), ..crate::own::settings() };
    let good = || (0..2).map(|seed| photo(seed, false));
    let of_own = Model::fit_with(&settings("my-resnet"), good(), FitOptions::default().network(own)).unwrap().model;
    let of_catalogue = Model::fit(&Settings { weights: Some(path), ..settings("resnet18") }, good()).unwrap();
    for defect in [false, true] {
        let score = |model: &Model| model.score(&photo(9, defect)).unwrap().score;
        let (own, catalogue) = (score(&of_own), score(&of_catalogue));
        assert!((own - catalogue).abs() < 1e-4 * catalogue, "{own} and {catalogue}");
    }
}
