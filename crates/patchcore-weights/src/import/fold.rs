//! BatchNorm folding: the one place where a normalisation becomes part of its convolution, or a scale and a shift.
//!
//! In inference `y = gamma (conv(x) + b - mean) / sqrt(var + eps) + beta` is a convolution with weight
//! `w * s` and bias `beta + (b - mean) s`, `s = gamma / sqrt(var + eps)`. Computed in `f64`, rounded once.

use patchcore_config::NamedTensor;

use super::error::WeightsError;
use super::tensor_view::TensorView;

/// A convolution as a file holds it: not decoded, not folded.
#[derive(Debug, Clone)]
pub struct Convolution<'a> {
    /// `[channels_out, channels_in, kernel, kernel]`.
    pub weight: TensorView<'a>,
    /// `[channels_out]`.
    pub bias: Option<TensorView<'a>>,
    /// The normalisation behind it, when it is not folded.
    pub norm: Option<BatchNorm<'a>>,
    /// What the graph says about the operation; files without a graph say nothing.
    pub attributes: Option<ConvAttributes>,
}

/// The operation's numbers of a convolution in a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvAttributes {
    /// Step of each axis.
    pub strides: Vec<i64>,
    /// Zero padding: both starts, then both ends.
    pub pads: Vec<i64>,
    /// Spread of the kernel on each axis.
    pub dilations: Vec<i64>,
    /// Number of channel groups.
    pub group: i64,
}

/// A BatchNorm in inference, each tensor `[channels_out]`.
#[derive(Debug, Clone)]
pub struct BatchNorm<'a> {
    /// Scale gamma.
    pub weight: TensorView<'a>,
    /// Shift beta.
    pub bias: TensorView<'a>,
    /// Mean of the training set.
    pub mean: TensorView<'a>,
    /// Variance of the training set.
    pub variance: TensorView<'a>,
    /// Added to the variance under the root.
    pub epsilon: f64,
}

impl Convolution<'_> {
    /// Weight and bias with the normalisation folded in, decoded and checked to be finite.
    ///
    /// `shape` is the weight's, output channels first; the caller has compared it with what the file declares.
    /// `layer` only serves in messages. An absent bias is zero.
    ///
    /// # Errors
    ///
    /// As [`TensorView::decode`].
    #[expect(clippy::indexing_slicing, reason = "a shape with values has a first extent")]
    pub fn fold(&self, file: &str, layer: &str, shape: &[usize]) -> Result<(NamedTensor, NamedTensor), WeightsError> {
        assert!(shape.iter().product::<usize>() > 0, "a convolution of {shape:?} has no weights: {layer}");
        let channels = shape[0];
        let vector = |view: &TensorView<'_>| view.decode(file, channels);
        let mut weight = self.weight.decode(file, shape.iter().product())?;
        let mut bias = match &self.bias {
            Some(view) => vector(view)?,
            None => vec![0.0; channels],
        };
        if let Some(norm) = &self.norm {
            fold(&mut weight, &mut bias, &norm.decode(file, channels)?);
        }
        check_finite(file, layer, [("weight", &weight), ("bias", &bias)])?;
        let weight = NamedTensor { shape: shape.to_vec(), data: weight };
        Ok((weight, NamedTensor { shape: vec![channels], data: bias }))
    }
}

impl BatchNorm<'_> {
    fn decode(&self, file: &str, channels: usize) -> Result<NormValues, WeightsError> {
        let vector = |view: &TensorView<'_>| view.decode(file, channels);
        Ok(NormValues {
            weight: vector(&self.weight)?,
            bias: vector(&self.bias)?,
            mean: vector(&self.mean)?,
            variance: vector(&self.variance)?,
            epsilon: self.epsilon,
        })
    }

    /// `s` and `beta - mean s`, with which `y = s x + shift` where no convolution takes it in.
    pub(super) fn scale_and_shift(&self, file: &str, channels: usize) -> Result<(Vec<f32>, Vec<f32>), WeightsError> {
        let values = self.decode(file, channels)?;
        let of_channel = |(scale, (beta, mean)): (f64, (&f32, &f32))| {
            (scale as f32, (f64::from(*beta) - f64::from(*mean) * scale) as f32)
        };
        Ok(values.scales().zip(values.bias.iter().zip(&values.mean)).map(of_channel).unzip())
    }
}

/// Finite inputs can still fold to infinity: a negative variance, a scale out of range.
pub(super) fn check_finite(file: &str, layer: &str, tensors: [(&str, &Vec<f32>); 2]) -> Result<(), WeightsError> {
    for (leaf, data) in tensors {
        if let Some((index, value)) = data.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            let tensor = format!("{layer}.{leaf} with its BatchNorm folded");
            return Err(WeightsError::NotFinite { file: file.into(), tensor, index, value: *value });
        }
    }
    Ok(())
}

/// Decoded values of one BatchNorm.
struct NormValues {
    weight: Vec<f32>,
    bias: Vec<f32>,
    mean: Vec<f32>,
    variance: Vec<f32>,
    epsilon: f64,
}

impl NormValues {
    /// `s` of every channel.
    fn scales(&self) -> impl Iterator<Item = f64> {
        let scale = |(gamma, variance): (&f32, &f32)| f64::from(*gamma) / (f64::from(*variance) + self.epsilon).sqrt();
        self.weight.iter().zip(&self.variance).map(scale)
    }
}

/// Folds `norm` into `weight` (output channels outermost) and `bias`, both in place.
fn fold(weight: &mut [f32], bias: &mut [f32], norm: &NormValues) {
    let NormValues { weight: gamma, bias: beta, mean, variance, .. } = norm;
    let lengths = [gamma.len(), beta.len(), mean.len(), variance.len()];
    assert!(lengths.iter().all(|length| *length == bias.len()), "a value for each of {} channels", bias.len());
    let per_channel = weight.len() / bias.len();
    let channels = norm.scales().zip(beta).zip(mean);
    let rows = weight.chunks_exact_mut(per_channel).zip(bias);
    for ((row, bias), ((scale, &beta), &mean)) in rows.zip(channels) {
        for value in row {
            *value = (f64::from(*value) * scale) as f32;
        }
        *bias = (f64::from(beta) + (f64::from(*bias) - f64::from(mean)) * scale) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_equals_convolving_then_normalising() {
        let norm = NormValues {
            weight: vec![2.0, -1.0],
            bias: vec![0.5, 0.25],
            mean: vec![1.0, -3.0],
            variance: vec![4.0, 0.25],
            epsilon: 1e-5,
        };
        let (mut weight, mut bias) = (vec![1.0, 2.0, 3.0, 4.0], vec![0.0, 1.0]);
        fold(&mut weight, &mut bias, &norm);
        let x = [0.7_f64, -1.3];
        let plain = [x[0] + 2.0 * x[1], 3.0 * x[0] + 4.0 * x[1] + 1.0];
        for channel in 0..2 {
            let root = (f64::from(norm.variance[channel]) + 1e-5).sqrt();
            let expected = f64::from(norm.weight[channel]) * (plain[channel] - f64::from(norm.mean[channel])) / root
                + f64::from(norm.bias[channel]);
            let row = &weight[channel * 2..channel * 2 + 2];
            let got = f64::from(row[0]) * x[0] + f64::from(row[1]) * x[1] + f64::from(bias[channel]);
            assert!((got - expected).abs() < 1e-5, "{got} {expected}");
        }
    }
}
