//! The expected values of the operations on tensors, by plain loops in f64. Of large results some of the values, spread over all of
//! it: a kernel that is wrong for a shape is wrong all over.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

use patchcore_config::backbone::plan::{Activation, ConvStep, MapShape};

/// At most so many values are computed, and fewer of long sums, so that all of them have about so many terms.
const SAMPLED: usize = 8_192;
const LEAST: usize = 1_024;
const TERMS: usize = 8 << 20;

/// The places that are looked at of a result of `count` sums of so many terms. An odd step comes by every column of a matrix.
pub(super) fn sampled(count: usize, terms: usize) -> impl Iterator<Item = usize> {
    let most = (TERMS / terms.max(1)).clamp(LEAST, SAMPLED);
    (0..count).step_by(if count > most { count.div_ceil(most) | 1 } else { 1 })
}

/// `[n, k] x [k, m]`, sampled.
pub(super) fn product(a: &[f32], b: &[f32], [n, k, m]: [usize; 3]) -> Vec<f64> {
    let entry = |row: usize, column: usize| -> f64 {
        (0..k).map(|i| f64::from(a[row * k + i]) * f64::from(b[i * m + column])).sum()
    };
    sampled(n * m, k).map(|at| entry(at / m, at % m)).collect()
}

/// Images and weights of a convolution.
#[derive(Clone, Copy)]
pub(super) struct ConvInput<'a> {
    /// `[images, channels, height, width]`.
    pub images: &'a [f32],
    pub image: MapShape,
    pub weight: &'a [f32],
    pub bias: &'a [f32],
    /// Scale and shift of every channel, of a convolution with a prologue.
    pub prologue: Option<(&'a [f32], &'a [f32])>,
}

/// One value of `activation(conv(images) + bias + add)`, zeros around the images: the one at `at` of
/// `[images, channels out, height out, width out]`.
pub(super) fn convolution(conv: &ConvStep, input: ConvInput<'_>, add: f64, at: usize) -> f64 {
    let ConvInput { images, image, weight, bias, prologue } = input;
    let MapShape { channels, height, width } = image;
    let side = |side: usize| conv.padding.output_side(side, conv.kernel, conv.stride);
    let before = |side: usize| conv.padding.before_after(side, conv.kernel, conv.stride).0;
    let (rows, columns) = (side(height), side(width));
    let (per_group, taps) = (conv.in_channels / conv.groups, conv.kernel * conv.kernel);
    let (place, plane) = (at % (rows * columns), at / (rows * columns));
    let (output, number) = (plane % conv.out_channels, plane / conv.out_channels);
    let first = output / (conv.out_channels / conv.groups) * per_group;
    let (top, left) = (place / columns * conv.stride, place % columns * conv.stride);
    let (top, left) = (top as isize - before(height) as isize, left as isize - before(width) as isize);
    let mut sum = f64::from(bias[output]) + add;
    for channel in 0..per_group {
        for dy in 0..conv.kernel {
            for dx in 0..conv.kernel {
                let (y, x) = (top + dy as isize, left + dx as isize);
                if (0..height as isize).contains(&y) && (0..width as isize).contains(&x) {
                    let pixel = ((number * channels + first + channel) * height + y as usize) * width + x as usize;
                    let tap = (output * per_group + channel) * taps + dy * conv.kernel + dx;
                    let value = f64::from(images[pixel]);
                    let value = prologue.map_or(value, |(scale, shift)| {
                        let channel = first + channel;
                        (value * f64::from(scale[channel]) + f64::from(shift[channel])).max(0.0)
                    });
                    sum += value * f64::from(weight[tap]);
                }
            }
        }
    }
    match conv.activation {
        Activation::Identity => sum,
        Activation::Relu => sum.max(0.0),
        Activation::Relu6 => sum.clamp(0.0, 6.0),
    }
}

/// Bilinear, corners not aligned, from `side` to `out` pixels on both axes.
pub(super) fn bilinear(planes: &[f32], side: usize, out: usize) -> Vec<f64> {
    let source = |at: usize| {
        let place = ((at as f64 + 0.5) * side as f64 / out as f64 - 0.5).max(0.0);
        let low = (place as usize).min(side - 1);
        (low, (low + 1).min(side - 1), place - low as f64)
    };
    let mut result = Vec::new();
    for plane in planes.chunks_exact(side * side) {
        let at = |y: usize, x: usize| f64::from(plane[y * side + x]);
        for place in 0..out * out {
            let ((y0, y1, fy), (x0, x1, fx)) = (source(place / out), source(place % out));
            let top = at(y0, x0) * (1.0 - fx) + at(y0, x1) * fx;
            let bottom = at(y1, x0) * (1.0 - fx) + at(y1, x1) * fx;
            result.push(top * (1.0 - fy) + bottom * fy);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use patchcore_config::BackboneWeights;
    use patchcore_config::NamedTensor;
    use patchcore_config::backbone::plan::{Padding, Plan, Step, Tap};
    use patchcore_cpu::network::oracle::{self, Planes};

    use super::super::reference::{deviation, values};
    use super::*;

    /// The loops here say of a convolution what the literal plan says.
    #[test]
    fn a_convolution_is_that_of_the_plan() {
        for (padding, kernel, stride, groups) in
            [(Padding::Symmetric(1), 3, 1, 1), (Padding::Same, 5, 2, 6), (Padding::Symmetric(0), 1, 2, 2)]
        {
            let conv = ConvStep {
                name: "conv".to_owned(),
                from: 0,
                to: 1,
                in_channels: 6,
                out_channels: 6,
                kernel,
                stride,
                padding,
                groups,
                prologue: false,
                add: None,
                activation: Activation::Relu6,
            };
            let image = MapShape { channels: 6, height: 7, width: 10 };
            let images = values(6 * 70, 1);
            let (weight, bias) = (values(conv.weight_len(), 2), values(6, 3));
            let tensor = |shape: Vec<usize>, data: &[f32]| NamedTensor { shape, data: data.to_vec() };
            let weights = BackboneWeights {
                tensors: [
                    (conv.weight_name(), tensor(conv.weight_shape().to_vec(), &weight)),
                    (conv.bias_name(), tensor(vec![6], &bias)),
                ]
                .into(),
            };
            let tap = Tap { layer: "map".to_owned(), slot: 1, channels: 6, stride };
            let plan = Plan { steps: vec![Step::Conv(conv.clone())], taps: vec![tap], slots: 2 };
            let planes = Planes { channels: 6, height: 7, width: 10, data: images.clone() };
            let literal = oracle::forward(&plan, &weights, planes);
            let input = ConvInput { images: &images, image, weight: &weight, bias: &bias, prologue: None };
            let expected: Vec<f64> = (0..literal[0].data.len()).map(|at| convolution(&conv, input, 0.0, at)).collect();
            assert!(deviation(&literal[0].data, &expected) < 1e-6, "{conv:?}");
        }
    }

    #[test]
    fn large_results_are_sampled_at_every_column() {
        assert_eq!(sampled(100, 9).count(), 100);
        for terms in [9, 1_024, 1 << 20] {
            let columns: std::collections::BTreeSet<usize> = sampled(535 * 1024, terms).map(|at| at % 1024).collect();
            assert!(columns.len() > 900, "{terms}: {}", columns.len());
            assert!(sampled(535 * 1024, terms).count() <= SAMPLED);
        }
    }
}
