//! A model's own network on its device: every distinct layer at the size and batch that will be used, and the whole of it.
//!
//! Kernels are chosen by shape, and have been wrong for some shapes only (`known_faults.rs`); the shapes that matter are those of the
//! model. Each layer is a plan of its own, compared with plain loops in f64; the whole network with the CPU's own kernels.

use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::{MapShape, Plan};
use patchcore_cpu::network::{CpuNetwork, FeatureMap, MapLayout, Workspace};

use super::check::Check;
use super::layer::{Forward, Layer};
use super::on_device::forward_on;
use super::reference::{deviation, values};
use super::test_case::sums_in;
use crate::device::{Instructions, Precision};
use crate::error::DeviceError;
use crate::given_weights::GivenWeights;
use crate::patchcore::PatchCore;

/// Compares every distinct layer of a model's networks, and each network as a whole, on the model's device with known values: for
/// images of `(height, width)`, `batch` at once. `weights` are those of the model's networks. `step` is called before each with its name.
/// [`verdict`](super::verdict) refuses the device by the worst of them.
///
/// Of a network that another engine computes ([`Fallback`](crate::engine::Fallback)) nothing is asked.
///
/// # Errors
/// [`DeviceError::Execution`] where a layer fails.
pub fn of_model(
    model: &PatchCore,
    weights: GivenWeights<'_>,
    (height, width): (usize, usize),
    batch: usize,
    step: &mut dyn FnMut(&str),
) -> Result<Vec<Check>, DeviceError> {
    let device = model.device();
    let mut checks = Vec::new();
    for (name, plan) in model.extractor().plans() {
        // A model has weights for every network of the catalogue; nothing else has a plan that a device runs as one.
        let Some(weights) = weights.of(name) else { continue };
        let image = MapShape { channels: plan.image_channels(), height, width };
        let network = Network { name, plan, weights, image, batch, precision: device.precision() };
        network.check(&*forward_on(device), &mut checks, step)?;
    }
    Ok(checks)
}

/// A network as a device is to compute it.
struct Network<'a> {
    name: &'a str,
    plan: &'a Plan,
    weights: &'a BackboneWeights,
    image: MapShape,
    batch: usize,
    precision: Precision,
}

impl Network<'_> {
    fn check(
        &self,
        forward: &Forward<'_>,
        checks: &mut Vec<Check>,
        step: &mut dyn FnMut(&str),
    ) -> Result<(), DeviceError> {
        let mut check = |operation: String, tolerance, run: &dyn Fn() -> Result<f64, DeviceError>| {
            step(&operation);
            checks.push(Check { operation, found: run()?, tolerance });
            Ok::<_, DeviceError>(())
        };
        for (name, layer) in self.layers() {
            let operation = format!("layer {name} of {} ({layer})", self.name);
            check(operation, sums_in(self.precision), &|| layer.deviation(forward))?;
        }
        let MapShape { height, width, .. } = self.image;
        let operation = format!("the network {} (photos of {width} x {height}, {} at once)", self.name, self.batch);
        check(operation, whole_in(self.precision), &|| self.whole(forward))
    }

    /// The layers, each shape once, by the name of the first that has it.
    fn layers(&self) -> Vec<(String, Layer)> {
        let mut layers: Vec<(String, Layer)> = Vec::new();
        // A plan that does not fit the image computes nothing, which the whole network says.
        let _ = self.plan.visit(self.image, &mut Vec::new(), |visited| {
            let layer = Layer::of_step(visited.step, visited.input, self.batch);
            if !layers.iter().any(|(_, other)| *other == layer) {
                layers.push((visited.step.name().to_owned(), layer));
            }
        });
        layers
    }

    /// How far the levels are off from those of the CPU's kernels, of the first and the last image: the worst, as a share of the level's
    /// largest value.
    fn whole(&self, forward: &Forward<'_>) -> Result<f64, DeviceError> {
        let MapShape { channels, height, width } = self.image;
        let values_of_image = channels * height * width;
        let images = values(self.batch * values_of_image, 40);
        let found = forward(self.plan, self.weights, images.clone(), [self.batch, channels, height, width])?;
        let mut worst = if found.len() == self.plan.taps.len() { 0.0 } else { f64::INFINITY };
        for image in [0, self.batch.saturating_sub(1)] {
            let pixels = images.get(image * values_of_image..(image + 1) * values_of_image).unwrap_or_default();
            for (map, expected) in found.iter().zip(self.on_cpu(pixels)) {
                // Images have levels of one size: as many pieces as images.
                let length = map.len() / self.batch.max(1);
                let map = map.get(image * length..(image + 1) * length).unwrap_or_default();
                let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
                // Not `max`: what is no number must not vanish in it.
                let off = deviation(map, &expected);
                worst = if off <= worst { worst } else { off };
            }
        }
        Ok(worst)
    }

    /// The levels of one image by the CPU's own kernels, by plain loops where those lack a step.
    fn on_cpu(&self, pixels: &[f32]) -> Vec<Vec<f32>> {
        let MapShape { channels, height, width } = self.image;
        let mut maps: Vec<FeatureMap> = Vec::new();
        let network = CpuNetwork::new(Instructions::native(), self.plan, self.weights);
        let computed = network.and_then(|network| {
            network.forward(pixels, 1, height, width, MapLayout::ChannelsFirst, &mut Workspace::default(), &mut maps)
        });
        match computed {
            Ok(()) => maps.into_iter().map(|map| map.data).collect(),
            Err(_) => {
                let image = patchcore_cpu::network::oracle::Planes { channels, height, width, data: pixels.to_vec() };
                let maps = patchcore_cpu::network::oracle::forward(self.plan, self.weights, image);
                maps.into_iter().map(|map| map.data).collect()
            }
        }
    }
}

/// How far a level of a whole network may be off, as a share of its largest value.
///
/// f32: another order of summation in some dozens of layers (measured: 1e-5 at most), and the CPU's own Winograd transforms. Below:
/// five times what scores may drift, as for the features of a passport, which are single values, too.
fn whole_in(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-4,
        Precision::Tf32 | Precision::F16 | Precision::Bf16 => 5.0 * precision.drift_tolerance(),
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use patchcore_config::Architecture;

    use super::*;
    use crate::backbone::test_networks::lite0_weights;
    use crate::device::ComputeDevice;
    use crate::error::DeviceError;
    use crate::self_check::verdict;

    fn plan() -> Plan {
        let architecture = Architecture::EFFICIENTNET_LITE0;
        architecture.plan(&architecture.default_layers().map(str::to_owned)).unwrap()
    }

    fn checks_of(batch: usize, forward: &Forward<'_>) -> Vec<Check> {
        let (plan, weights) = (plan(), lite0_weights());
        let image = MapShape { channels: 3, height: 48, width: 64 };
        let (name, precision) = ("lite0", Precision::F32);
        let network = Network { name, plan: &plan, weights: &weights, image, batch, precision };
        let mut checks = Vec::new();
        let mut told = Vec::new();
        network.check(forward, &mut checks, &mut |name| told.push(name.to_owned())).unwrap();
        assert_eq!(told, checks.iter().map(|check| check.operation.clone()).collect::<Vec<_>>());
        checks
    }

    /// Each distinct shape once, and the whole; right on a device that computes right.
    #[test]
    fn tensors_compute_every_layer_of_a_network() {
        let device = ComputeDevice::from_name("flex:tensors").unwrap();
        let checks = checks_of(2, &*forward_on(&device));
        for check in &checks {
            assert!(check.found <= check.tolerance / 5.0, "{check:?}");
        }
        let mut names: Vec<&str> = checks.iter().map(|check| check.operation.split('(').next_back().unwrap()).collect();
        assert!(checks.len() > 15 && checks.len() <= plan().steps.len() + 1, "{}", checks.len());
        assert_eq!(names.pop(), Some("photos of 64 x 48, 2 at once)"));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "no shape twice");
        verdict(&device, &checks).unwrap();
    }

    /// A device that is wrong for one shape, as some have been: 1x1 convolutions of 96 channels. It is refused by that layer.
    #[test]
    fn a_device_that_is_wrong_for_one_shape_is_refused_by_the_layer() {
        let device = ComputeDevice::from_name("flex:tensors").unwrap();
        let right = forward_on(&device);
        let wrong = |plan: &Plan, weights: &BackboneWeights, images: Vec<f32>, shape: [usize; 4]| {
            let mut maps = right(plan, weights, images, shape)?;
            let last = plan.convolutions().last();
            if last.is_some_and(|conv| (conv.in_channels, conv.kernel) == (96, 1)) && plan.steps.len() <= 2 {
                maps.iter_mut().for_each(|map| map.iter_mut().for_each(|value| *value *= 1.001));
            }
            Ok(maps)
        };
        let error = verdict(&device, &checks_of(1, &wrong)).unwrap_err();
        assert!(matches!(error, DeviceError::WrongAnswer { .. }), "{error}");
        let message = error.to_string();
        for words in ["of lite0 (1x1 convolution, 96 to 24 channels of 16 x 12)", "is off by", "is allowed", "`cpu`"] {
            assert!(message.contains(words), "{message}");
        }
    }

    /// What is wrong in the whole alone, as with kernels that are fused, is found too.
    #[test]
    fn a_device_that_is_wrong_for_the_whole_alone_is_refused_by_the_whole() {
        let device = ComputeDevice::from_name("flex:tensors").unwrap();
        let right = forward_on(&device);
        let wrong = |plan: &Plan, weights: &BackboneWeights, images: Vec<f32>, shape: [usize; 4]| {
            let mut maps = right(plan, weights, images, shape)?;
            if plan.steps.len() > 2 {
                maps.iter_mut().filter_map(|map| map.last_mut()).for_each(|value| *value = f32::NAN);
            }
            Ok(maps)
        };
        let error = verdict(&device, &checks_of(2, &wrong)).unwrap_err().to_string();
        assert!(error.contains("the network lite0 (photos of 64 x 48, 2 at once) is off by inf"), "{error}");
    }
}
