//! Where the inputs of the measurements lie in the work folder; `peers/side.py` knows the same names.

use std::path::{Path, PathBuf};

/// The work folder.
#[derive(Debug, Clone)]
pub struct Work(PathBuf);

impl Work {
    /// The work folder at a path.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// One normalised image, `[3, 224 * 224]`.
    pub fn input(&self) -> PathBuf {
        self.0.join("input.npy")
    }

    /// The ONNX file of a backbone.
    pub fn onnx(&self, backbone: &str) -> PathBuf {
        self.0.join(format!("{backbone}.onnx"))
    }

    /// Bank rows in the order in which the greedy selection picked them: a smaller bank is their beginning.
    pub fn bank(&self, data: &str, dim: usize) -> PathBuf {
        self.0.join(format!("{data}_{dim}_bank.npy"))
    }

    /// Patches of test photographs, 784 each, good and defective ones in turn.
    pub fn queries(&self, data: &str, dim: usize) -> PathBuf {
        self.0.join(format!("{data}_{dim}_queries.npy"))
    }

    /// So many projected patches, `[rows, 128]`.
    pub fn projected(&self, rows: usize) -> PathBuf {
        self.0.join(format!("projected_{rows}.npy"))
    }

    /// Folder of the 100 training photographs of 900x900.
    pub fn train_photos(&self) -> PathBuf {
        self.0.join("bottle100")
    }

    /// Folder of the photographs to score.
    pub fn score_photos(&self) -> PathBuf {
        self.0.join("bottle_score")
    }

    /// The model fitted on the training photographs.
    pub fn model(&self, mode: &str) -> PathBuf {
        self.0.join(format!("bottle_{mode}.patchcore"))
    }

    /// The bank of that model, for the peer.
    pub fn model_bank(&self, mode: &str) -> PathBuf {
        self.0.join(format!("bottle_{mode}_bank.npy"))
    }
}
