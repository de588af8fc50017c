//! The real ResNet-18 of the shared folder: the same file through both importers.

#[cfg(not(has_real_trunk))]
#[test]
fn the_real_trunk_is_the_same() {
    println!("skipped: no ../shared when this test was built");
}

#[cfg(has_real_trunk)]
#[test]
fn the_real_trunk_is_the_same() {
    use patchcore_config::Architecture;
    use patchcore_crosscheck::resnet18::Model;
    use patchcore_testing::resnet18;
    use patchcore_weights::load_weights;

    use crate::layers::{assert_same_layers, batch, device};

    let Some(path) = resnet18() else { return };
    let plan = Architecture::RESNET18.plan(&["layer1", "layer2", "layer3"].map(str::to_owned)).unwrap();
    let weights = load_weights(&path, "resnet18").unwrap();
    let model = Model::from_embedded(&device());
    for size in [[1, 224, 224], [2, 97, 130]] {
        let batch = batch(size);
        let (layer1, layer2, layer3) = model.forward(batch.clone());
        assert_same_layers(&plan, &weights, &batch, vec![layer1, layer2, layer3]);
    }
}
