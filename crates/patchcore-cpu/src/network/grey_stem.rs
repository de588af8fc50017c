//! A network's first convolution, for a photo with one channel.
//!
//! A grey photo fed as red, green and blue has `x_c = (g - mean_c) / std_c` in its three channels. They differ from one
//! of them by a factor and a constant, `x_c = x_1 std_1 / std_c + (mean_1 - mean_c) / std_c`, so the convolution's three
//! kernels fold into one that reads `x_1`, and the constants into the bias. At the border they do not: the padding is 0
//! in every channel, and only the kernel's taps that lie on the image bring their constant. A second plane that is 1 on
//! the image and padded with 0 like the first brings exactly those; its kernel is the constants, tap by tap.

use patchcore_config::Normalization;
use patchcore_config::backbone::plan::ConvStep;

/// Planes that a grey image has for the network: the normalised grey values, and ones.
pub const GREY_PLANES: usize = 2;

/// The grey planes `[2, pixels]` of pixels in `[0, 1]`, appended to `planes`.
pub fn push_grey_planes(normalization: &Normalization, pixels: &[f32], planes: &mut Vec<f32>) {
    let (mean, std) = reference(normalization);
    planes.extend(pixels.iter().map(|value| (value - mean) / std));
    planes.resize(planes.len() + pixels.len(), 1.0);
}

/// The weights `[out, 2, kernel, kernel]` of `conv` on the grey planes; `weight` is `[out, 3, kernel, kernel]`.
///
/// # Panics
/// Where `weight` has another length, or `conv` no kernel.
pub fn fold_weights(normalization: &Normalization, conv: &ConvStep, weight: &[f32]) -> Vec<f32> {
    let (mean, std) = reference(normalization);
    let taps = conv.kernel * conv.kernel;
    let mut folded = Vec::with_capacity(conv.out_channels * GREY_PLANES * taps);
    assert!(
        taps > 0 && weight.len() == conv.out_channels * 3 * taps,
        "weights of `{}`: not [out, 3, kernel, kernel]",
        conv.name
    );
    for filter in weight.chunks_exact(3 * taps) {
        // In f64 and rounded once: the constants are differences of means.
        let sum = |tap: usize, factor: &dyn Fn(f32, f32) -> f64| {
            let channels = filter.iter().skip(tap).step_by(taps).zip(normalization.mean.iter().zip(&normalization.std));
            channels.map(|(weight, (mean, std))| f64::from(*weight) * factor(*mean, *std)).sum::<f64>() as f32
        };
        folded.extend((0..taps).map(|tap| sum(tap, &|_, own| f64::from(std) / f64::from(own))));
        folded.extend((0..taps).map(|tap| sum(tap, &|own, by| (f64::from(mean) - f64::from(own)) / f64::from(by))));
    }
    folded
}

/// Mean and deviation that the grey plane is normalised with: green's, the middle ones.
fn reference(normalization: &Normalization) -> (f32, f32) {
    let ([_, mean, _], [_, std, _]) = (normalization.mean, normalization.std);
    (mean, std)
}
