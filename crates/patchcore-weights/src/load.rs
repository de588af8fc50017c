//! A weights file on disk to the tensors that backbones take.

use std::fs;
use std::io::Read;
use std::path::Path;

use patchcore_config::BackboneWeights;

use crate::embedded::{embedded_weights, was_absent};
use crate::import::{
    WeightsError, WeightsFormat, find_weights, import_known_safetensors, known_network, verify_manifest,
};

/// Largest weights file that is read, in bytes: wide_resnet101_2 has 508 MB in f32.
const MAX_BYTES: u64 = 1 << 30;

/// Reads the weights of `backbone` (`resnet18`, `efficientnet_lite0`, ...) from an ONNX or a safetensors file.
///
/// The tensors have torchvision's names (`conv1.weight`, `conv1.bias`, `layer1.0.conv1.weight`, ...,
/// `layer2.0.downsample.0.bias`), BatchNorm is folded into them, shapes and finiteness are checked. `layer4` is there
/// when the file has it; the classifier never is. A file with a manifest of `patchcore weights fetch` beside it must have the
/// manifest's digest. Memory: the file plus its tensors in `f32`.
///
/// # Errors
///
/// Every variant of [`WeightsError`] that concerns a file.
pub fn load_weights(path: &Path, backbone: &str) -> Result<BackboneWeights, WeightsError> {
    known_network(backbone)?;
    let format = WeightsFormat::of(path, backbone)?;
    let bytes = read(path, backbone)?;
    verify_manifest(path, backbone, &bytes)?;
    format.import(backbone, &path.display().to_string(), &bytes)
}

/// The weights of `backbone` wherever they are: embedded in the binary, else installed ([`find_weights`]).
///
/// # Errors
///
/// [`WeightsError::NotInstalled`] with the command that installs them, and as [`load_weights`].
pub fn pretrained(backbone: &str) -> Result<BackboneWeights, WeightsError> {
    match embedded_weights(backbone) {
        Some(bytes) => load_safetensors(backbone, "the embedded weights", bytes),
        None => match find_weights(backbone) {
            Ok(path) => load_weights(&path, backbone),
            Err(WeightsError::NotInstalled { backbone, looked }) if was_absent(&backbone) => {
                let looked = format!("{looked} (there was no file to embed when this program was built)");
                Err(WeightsError::NotInstalled { backbone, looked })
            }
            Err(error) => Err(error),
        },
    }
}

/// Reads the weights of `backbone` from the bytes of a safetensors file, f16 widened to f32.
///
/// `file` only serves in messages. This is how embedded weights come in.
///
/// # Errors
///
/// As [`load_weights`], without those of the file system.
pub fn load_safetensors(backbone: &str, file: &str, bytes: &[u8]) -> Result<BackboneWeights, WeightsError> {
    import_known_safetensors(backbone, file, bytes)
}

/// The file's bytes, bounded even when it grows while it is read.
fn read(path: &Path, backbone: &str) -> Result<Vec<u8>, WeightsError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => WeightsError::FileMissing { path: path.into(), backbone: backbone.into() },
        _ => WeightsError::Read { path: path.into(), source },
    };
    let file = fs::File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    if size <= MAX_BYTES {
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    let size = size.max(bytes.len() as u64);
    if size > MAX_BYTES {
        return Err(WeightsError::TooLarge { file: path.display().to_string(), bytes: size, limit: MAX_BYTES });
    }
    Ok(bytes)
}
