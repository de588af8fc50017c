//! The arrays of a fixture, and weights files of the repository.

use std::path::Path;

use half::f16;
use patchcore_config::{BackboneWeights, NamedTensor};
use safetensors::{Dtype, SafeTensors};

/// The bytes of a safetensors file.
pub struct Arrays(Vec<u8>);

impl Arrays {
    /// A file of `tests/fixtures`.
    pub fn fixture(name: &str) -> Self {
        Self::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name))
    }

    fn open(path: &Path) -> Self {
        Self(std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// Shape and values, f16 widened to f32.
    pub fn tensor(&self, name: &str) -> NamedTensor {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let view = file.tensor(name).unwrap();
        let data = match view.dtype() {
            Dtype::F32 => view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Dtype::F16 => view.data().as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
            other => panic!("{name} is {other:?}"),
        };
        NamedTensor { shape: view.shape().to_vec(), data }
    }

    pub fn indices(&self, name: &str) -> Vec<usize> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let view = file.tensor(name).unwrap();
        view.data().as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as usize).collect()
    }
}

/// The weights that ship with the repository.
pub fn efficientnet_lite0() -> BackboneWeights {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/efficientnet_lite0.safetensors");
    let arrays = Arrays::open(&assets);
    let names: Vec<String> =
        SafeTensors::deserialize(&arrays.0).unwrap().names().into_iter().map(String::from).collect();
    BackboneWeights { tensors: names.into_iter().map(|name| (name.clone(), arrays.tensor(&name))).collect() }
}
