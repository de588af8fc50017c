//! ImageNet normalisation: `(x - mean) / std` per channel.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation per RGB channel, in units of full scale (pixels in `[0, 1]`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// Subtracted from each channel.
    pub mean: [f32; 3],
    /// Divides each channel afterwards.
    pub std: [f32; 3],
}

impl Normalization {
    /// The statistics of ImageNet's training set, which every torchvision weight expects.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

    /// `(x - 127) / 128` on 8-bit pixels: what EfficientNet-Lite was trained with. Measured on real photographs it
    /// beats ImageNet's statistics (image AUROC on Magnetic Tile 0.80 against 0.72, without a crop 0.88 against 0.81).
    pub const EFFICIENTNET_LITE: Self = Self { mean: [127.0 / 255.0; 3], std: [128.0 / 255.0; 3] };

    /// Normalises `[3, height, width]` planes in place, in torch's order of operations.
    pub fn apply(&self, planes: &mut [f32]) {
        let plane = planes.len() / 3;
        if plane == 0 {
            return;
        }
        for ((values, mean), std) in planes.chunks_exact_mut(plane).zip(self.mean).zip(self.std) {
            for value in values {
                *value = (*value - mean) / std;
            }
        }
    }
}
