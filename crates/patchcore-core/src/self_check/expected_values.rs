//! The expected values of the operations on tensors, by plain loops in f64.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

/// `[n, k] x [k, m]`.
pub(super) fn product(a: &[f32], b: &[f32], [n, k, m]: [usize; 3]) -> Vec<f64> {
    let entry = |row: usize, column: usize| -> f64 {
        (0..k).map(|i| f64::from(a[row * k + i]) * f64::from(b[i * m + column])).sum()
    };
    (0..n * m).map(|at| entry(at / m, at % m)).collect()
}

/// Extents of a convolution of square images and kernels.
#[derive(Clone, Copy)]
pub(super) struct Conv {
    pub inputs: usize,
    pub outputs: usize,
    pub groups: usize,
    pub side: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Conv {
    pub(super) fn side_out(self) -> usize {
        (self.side + 2 * self.padding - self.kernel) / self.stride + 1
    }
}

/// `max(conv(image) + bias, 0)` of one image, zeros around it.
pub(super) fn conv_relu(image: &[f32], weight: &[f32], bias: &[f32], conv: Conv) -> Vec<f64> {
    let Conv { inputs, outputs, groups, side, kernel, stride, padding } = conv;
    let (per_group, out) = (inputs / groups, conv.side_out());
    let mut result = Vec::with_capacity(outputs * out * out);
    for output in 0..outputs {
        let first = output / (outputs / groups) * per_group;
        for at in 0..out * out {
            let (top, left) = (at / out * stride, at % out * stride);
            let mut sum = f64::from(bias[output]);
            for tap in 0..per_group * kernel * kernel {
                let (channel, dy, dx) = (tap / (kernel * kernel), tap / kernel % kernel, tap % kernel);
                let (y, x) = (top + dy, left + dx);
                if y >= padding && x >= padding && y - padding < side && x - padding < side {
                    let pixel = image[((first + channel) * side + y - padding) * side + x - padding];
                    sum += f64::from(pixel) * f64::from(weight[output * per_group * kernel * kernel + tap]);
                }
            }
            result.push(sum.max(0.0));
        }
    }
    result
}

/// Maximum over 3x3 windows, stride 2, padding 1, of planes `[channels, side, side]`.
pub(super) fn max_pool(planes: &[f32], side: usize) -> Vec<f64> {
    let out = side.div_ceil(2);
    let mut result = Vec::new();
    for plane in planes.chunks_exact(side * side) {
        for at in 0..out * out {
            let (y, x) = (at / out * 2, at % out * 2);
            let rows = y.saturating_sub(1)..(y + 2).min(side);
            let best = rows.flat_map(|row| plane[row * side..][x.saturating_sub(1)..(x + 2).min(side)].iter());
            result.push(best.fold(f64::NEG_INFINITY, |best, value| best.max(f64::from(*value))));
        }
    }
    result
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
