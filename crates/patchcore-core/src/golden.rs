//! Golden vectors of the published implementations, for tests: read where they lie, skipped where they do not.

use std::path::PathBuf;

use safetensors::SafeTensors;

/// One file of golden arrays.
pub(crate) struct GoldenFile(Vec<u8>);

/// The shared folder, or a printed "skipped".
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PATCHCORE_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")));
    let found = root.join(path);
    if !found.exists() {
        println!("skipped: no ../shared/{path}");
        return None;
    }
    Some(found)
}

/// Opens a golden file.
pub(crate) fn open(name: &str) -> Option<GoldenFile> {
    Some(GoldenFile(std::fs::read(shared(&format!("golden/{name}"))?).unwrap()))
}

impl GoldenFile {
    pub(crate) fn f32(&self, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let view = file.tensor(name).unwrap();
        assert_eq!(view.dtype(), safetensors::Dtype::F32, "{name}");
        view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }

    pub(crate) fn indices(&self, name: &str) -> Vec<usize> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let view = file.tensor(name).unwrap();
        assert_eq!(view.dtype(), safetensors::Dtype::I64, "{name}");
        view.data().chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()) as usize).collect()
    }
}
