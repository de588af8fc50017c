//! A model's own network on a device: checked at the first load, and remembered.
//!
//! [`self_check::of_model`] compares every distinct layer of the network, and the whole of it, with known values, at the size that the
//! model's network usually sees and the batch that will be used. That costs as much as some hundred photos, once: the verdict is
//! kept as that of the device is, under the network's digest, the size and the batch as well. A CPU that poses as a GPU is checked
//! with one photo at once, whatever the batch: it takes seconds for a network. The CPU itself needs no check.

use patchcore_config::NetworkWeights;
use patchcore_core::error::DeviceError;
use patchcore_core::model_file::InputsSeen;
use patchcore_core::self_check::Check;
use patchcore_core::{PatchCore, self_check};

use super::is_own_cpu;
use super::record::Record;
use super::remembered::{Unfinished, remembered};
use crate::error::Error;
use crate::usual_input::usual_input;

/// What of a model is checked on its device.
struct Question<'a> {
    core: &'a PatchCore,
    weights: &'a NetworkWeights,
    /// Rows and columns of the network's input.
    size: (usize, usize),
    /// Photos at once.
    batch: usize,
}

impl<'a> Question<'a> {
    fn new(core: &'a PatchCore, weights: &'a NetworkWeights, seen: Option<&InputsSeen>) -> Self {
        let (height, width) = usual_input(core.config(), seen);
        // Tiles go through the network one by one, and so do the photos of a model with several members.
        let config = core.config();
        let alone = core.device().properties().is_software || !config.tiling.is_whole() || config.members.len() > 1;
        let batch = if alone { 1 } else { core.batch_size(height, width) };
        Self { core, weights, size: (height, width), batch }
    }

    /// Everything that decides which kernels run, beside what a record has of the device.
    fn name(&self) -> String {
        let networks = self.core.extractor().networks().map(|(name, sha256)| format!("{name} {sha256}"));
        let layers = self.core.config().members.iter().flat_map(|member| member.layers.iter().cloned());
        let (networks, layers) = (networks.collect::<Vec<_>>().join(" "), layers.collect::<Vec<_>>().join(" "));
        // What the CPU computes for the device was not asked of the device.
        let reduced = self.core.config().members.iter().map(|member| member.network_precision);
        let reduced: String = reduced.filter(|format| !format.is_f32()).map(|format| format!(" {format}")).collect();
        let ((height, width), batch) = (self.size, self.batch);
        format!("{networks} {layers}{reduced} {width}x{height} batch {batch}")
    }

    /// Asks, with half the batch where the device has no memory for it, as scoring would go on.
    fn ask(&self, step: &mut dyn FnMut(&str)) -> Result<Vec<Check>, Error> {
        let mut batch = self.batch;
        loop {
            match self_check::of_model(self.core, self.weights.into(), self.size, batch, step) {
                Err(DeviceError::OutOfMemory { .. }) if batch > 1 => batch /= 2,
                asked => return Ok(asked?),
            }
        }
    }
}

/// Refuses a device that computes a layer of this model's network wrong. Costs nothing where it has been found right before.
///
/// # Errors
/// [`Error::Device`].
pub(crate) fn check_model(core: &PatchCore, weights: &NetworkWeights, seen: Option<&InputsSeen>) -> Result<(), Error> {
    let device = core.device();
    if is_own_cpu(&device.name()) {
        return Ok(());
    }
    let question = Question::new(core, weights, seen);
    let record = Record::of_network(device, &question.name());
    let checks = remembered(device, record.as_ref(), Unfinished::AskAgain, &mut |step| question.ask(step))?;
    Ok(self_check::verdict(device, &checks)?)
}

/// The checks of [`check_model`] themselves, asked again.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn model_checks(
    core: &PatchCore,
    weights: &NetworkWeights,
    seen: Option<&InputsSeen>,
    step: &mut dyn FnMut(&str),
) -> Result<Vec<Check>, Error> {
    Question::new(core, weights, seen).ask(step)
}

#[cfg(test)]
#[cfg(feature = "embed-efficientnet-lite0")]
mod tests {
    use patchcore_core::model_file::{DriftPolicy, SizeSeen};
    use patchcore_io::{PixelBuffer, PixelFormat};

    use super::*;
    use crate::devices::open_device;
    use crate::devices::verdict::Verdict;
    use crate::{Model, ModelFile, NetworkPrecision, Precision, Resize, Save, Settings};

    /// A model of the CPU for photos of 48 x 40.
    fn model() -> Model {
        model_in(NetworkPrecision::F32)
    }

    fn model_in(network_precision: NetworkPrecision) -> Model {
        let data: Vec<u8> = (0..48 * 40).map(|at| (at * 37 % 101) as u8).collect();
        let photo = PixelBuffer { data: &data, width: 48, height: 40, stride: 48, format: PixelFormat::Gray8 };
        let (coreset_sampling_ratio, resize) = (Some(0.1), Some(Resize::Keep));
        let settings = Settings { coreset_sampling_ratio, resize, network_precision, ..Settings::default() };
        Model::fit(&settings, [photo]).unwrap()
    }

    #[test]
    fn the_question_names_network_size_and_batch() {
        let model = model();
        let mut seen = InputsSeen::default();
        let question = |seen: &InputsSeen| Question::new(&model.core, &model.weights, Some(seen)).name();
        seen.sizes.push(SizeSeen { width: 64, height: 48, photos: 1 });
        let name = question(&seen);
        assert!(name.starts_with("efficientnet_lite0 ") && name.ends_with(" 64x48 batch 1"), "{name}");
        seen.sizes.push(SizeSeen { width: 96, height: 48, photos: 2 });
        assert!(question(&seen).ends_with(" 96x48 batch 1"));
        // That an f32 network is computed right is not known from a model whose network the CPU computed.
        let int8 = model_in(NetworkPrecision::Int8);
        let name = Question::new(&int8.core, &int8.weights, Some(&seen)).name();
        assert!(name.ends_with(" int8 int8 96x48 batch 1") && name != question(&seen), "{name}");
        // The CPU is what others are compared with: nothing is asked of it.
        check_model(&model.core, &model.weights, Some(&seen)).unwrap();
    }

    /// The device is asked once; what it said then refuses it by the layer's name.
    #[test]
    fn a_verdict_on_a_layer_is_kept() {
        let model = model();
        let file = || ModelFile::from_bytes(&model.to_bytes(Save::WithoutWeights).unwrap()).unwrap();
        let names = patchcore_testing::test_devices().unwrap_or_default();
        for name in names.iter().filter(|name| !is_own_cpu(name)) {
            let device = open_device(name, Precision::F32, None).unwrap();
            let core = file().into_model(Some((&*model.weights).into()), &device, DriftPolicy::Refuse).unwrap();
            let question = Question::new(&core, &model.weights, model.inputs_seen());
            let record = Record::of_network(&device, &question.name()).unwrap();
            record.remove();
            let check = || check_model(&core, &model.weights, model.inputs_seen());
            check().unwrap();
            let Some(Verdict::Checked { mut checks }) = record.read() else { panic!("{name}: nothing is kept") };
            assert!(checks.len() > 15, "{checks:?}");
            // A user who ended the process while it asked is asked for nothing: the device is asked again.
            record.write(&Verdict::Checking { process: u32::MAX - 1 });
            check().unwrap();
            checks[3].found = 0.5;
            let layer = checks[3].operation.clone();
            record.write(&Verdict::Checked { checks });
            let error = check().unwrap_err();
            assert!(matches!(error, Error::Device(DeviceError::WrongAnswer { .. })), "{error}");
            assert!(layer.starts_with("layer ") && error.to_string().contains(&layer), "{error}");
            record.remove();
        }
    }
}
