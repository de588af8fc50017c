//! The shared folder of real weights, photographs and golden vectors: used where it is, skipped where it is not.

use std::path::PathBuf;

use safetensors::SafeTensors;

/// A path in the shared folder, or a printed "skipped".
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PATCHCORE_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")));
    let found = root.join(path);
    if !found.exists() {
        println!("skipped: no ../shared/{path}");
        return None;
    }
    Some(found)
}

/// The real ResNet-18 trunk.
pub fn resnet18() -> Option<PathBuf> {
    shared("weights/resnet18-imagenet1k-v1-trunk.onnx")
}

/// Golden arrays of one file.
pub struct Golden(Vec<u8>);

impl Golden {
    pub fn open(name: &str) -> Option<Self> {
        Some(Self(std::fs::read(shared(&format!("golden/{name}.safetensors"))?).unwrap()))
    }

    pub fn f32(&self, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let data = file.tensor(name).unwrap().data().to_vec();
        data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }

    pub fn indices(&self, name: &str) -> Vec<usize> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let data = file.tensor(name).unwrap().data().to_vec();
        data.chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()) as usize).collect()
    }
}
