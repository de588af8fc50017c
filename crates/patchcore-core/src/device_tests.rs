//! Models on the devices that `PATCHCORE_TEST_DEVICE` names: several threads on one, and one that is lost.

use std::sync::Arc;

use patchcore_config::{ImageScoreRule, Mode};

use crate::backbone::Backbone;
use crate::backbone::test_networks::Grouped;
use crate::device::{Backend, ComputeDevice};
use crate::error::{DeviceError, ScoreError};
use crate::model_file::{DriftPolicy, ModelFile};
use crate::model_tests::{config, fit, input, network_of, photo};
use crate::{ImageScore, PatchCore};

fn devices() -> Vec<ComputeDevice> {
    let names = patchcore_testing::test_devices().unwrap_or_else(|| vec!["flex:tensors".to_owned()]);
    names.iter().map(|name| ComputeDevice::from_name(name).unwrap()).collect()
}

fn network() -> Arc<dyn Backbone> {
    Arc::new(Grouped::new())
}

/// A model of the CPU.
fn model() -> ModelFile {
    let backbone = network();
    let network = network_of(backbone.as_ref());
    let layers = network.default_layers();
    let config = config(vec![Mode::Paper.member(network, layers)], ImageScoreRule::Reweighted);
    ModelFile::new(&fit(config, std::slice::from_ref(&backbone)))
}

fn on(file: &ModelFile, device: &ComputeDevice) -> PatchCore {
    file.clone().into_model_with(&[network()], device, DriftPolicy::Refuse).unwrap()
}

/// Four threads score the same photos with one model, in batches and alone: each gets what one thread gets.
#[test]
fn several_threads_score_on_one_device() {
    let file = model();
    let photos: Vec<Vec<f32>> = (0..3).map(photo).collect();
    for device in devices() {
        let model = on(&file, &device);
        let score = || -> Vec<ImageScore> {
            let images: Vec<_> = photos.iter().map(|pixels| input(pixels)).collect();
            let mut scores = model.score_batch(&images).unwrap();
            scores.extend(images.iter().map(|image| model.score(*image).unwrap()));
            scores
        };
        let expected = score();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| (0..2).map(|_| score()).collect::<Vec<_>>())).collect();
            for thread in threads {
                for scores in thread.join().unwrap() {
                    assert_eq!(scores, expected, "{}", device.name());
                }
            }
        });
    }
}

/// A device that its driver takes away is a typed error, and the model opens on it again. The device by its index is one of its own:
/// the other tests keep theirs.
#[test]
fn a_lost_device_is_said_and_opens_again() {
    let file = model();
    let pixels = photo(7);
    for device in devices().into_iter().filter(|device| device.backend() == Backend::Wgpu) {
        let name = format!("{}:0", device.backend().name());
        let device = ComputeDevice::from_name(&name).unwrap();
        let model = on(&file, &device);
        let expected = model.score(input(&pixels)).unwrap();
        assert!(device.lose());
        for _ in 0..2 {
            let error = model.score(input(&pixels)).unwrap_err();
            assert!(matches!(error, ScoreError::Device(DeviceError::Lost { .. })), "{error}");
            assert!(error.to_string().contains(&format!("device `{name}` was lost during scoring")), "{error}");
        }
        let again = ComputeDevice::from_name(&name);
        if cfg!(any(feature = "vulkan", feature = "metal")) {
            assert!(again.unwrap_err().to_string().contains("start the program again"));
            continue;
        }
        let again = again.unwrap();
        assert_eq!((again.name(), again.properties()), (name, device.properties()));
        assert_eq!(on(&file, &again).score(input(&pixels)).unwrap(), expected);
    }
}

/// An index beyond the devices that are there is refused with their number.
#[test]
fn an_index_that_is_not_there_is_refused_with_the_number_of_devices() {
    for device in devices().into_iter().filter(|device| device.backend().is_gpu()) {
        let name = format!("{}:7", device.backend().name());
        let error = ComputeDevice::from_name(&name).unwrap_err();
        assert!(matches!(error, DeviceError::NotPresent { .. }), "{error}");
        let count = crate::device::count_devices(device.backend());
        assert!(
            count > 0 && error.to_string().contains(&format!("{count} {} device", device.backend().name())),
            "{error}"
        );
    }
}
