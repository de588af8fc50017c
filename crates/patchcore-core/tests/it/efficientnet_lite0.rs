//! EfficientNet-Lite0 with its real weights against the same network written out in torch.

use patchcore_config::Architecture;

use crate::arrays::{Arrays, efficientnet_lite0};
use crate::implementations::{assert_close, run};

/// Relative to the layer's largest value. Measured: 1.0e-6 (f32 sums in another order).
const TOLERANCE: f32 = 1e-5;

#[test]
fn both_implementations_agree_with_torch_on_even_and_odd_sizes() {
    let weights = efficientnet_lite0();
    let golden = Arrays::fixture("efficientnet_lite0.safetensors");
    // TensorFlow's "same" padding is asymmetric on stride 2, and differently so on odd sides.
    for size in ["even", "odd"] {
        let image = golden.tensor(&format!("{size}.input"));
        for (implementation, maps) in run(Architecture::EFFICIENTNET_LITE0, &weights, &image) {
            assert_eq!(maps.len(), 2);
            for (map, layer) in maps.iter().zip(["block4", "block7"]) {
                let wanted = golden.tensor(&format!("{size}.{layer}"));
                let what = format!("{implementation}, {size}, {layer}");
                assert_eq!(map.shape, wanted.shape, "{what}");
                assert_close(&what, &map.data, &wanted.data, TOLERANCE);
            }
        }
    }
}
