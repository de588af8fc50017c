//! A tensor as it lies in the file, and its decoding to `f32`.

use std::borrow::Cow;

use super::dtype::Dtype;
use super::error::WeightsError;
use super::onnx::TypedFields;

/// Where the values of a [`TensorView`] are.
#[derive(Debug, Clone)]
pub enum Payload<'a> {
    /// Little-endian elements, row-major.
    Raw(Cow<'a, [u8]>),
    /// Typed fields of an ONNX tensor message.
    Fields(TypedFields<'a>),
    /// One value for every element.
    Splat(f32),
    /// In another file.
    External,
}

/// A named tensor that has not been decoded.
#[derive(Debug, Clone)]
pub struct TensorView<'a> {
    /// Name in the file.
    pub name: Cow<'a, str>,
    /// Extent of each axis as the file declares it: not to be trusted before it was compared.
    pub dims: Vec<u64>,
    /// Element type.
    pub dtype: Dtype,
    /// The values.
    pub payload: Payload<'a>,
}

impl TensorView<'_> {
    /// The values as `f32` in row-major order.
    ///
    /// `count` is the number of values the caller needs; it bounds the memory that is taken.
    ///
    /// # Errors
    ///
    /// [`WeightsError::ExternalData`], [`WeightsError::Dtype`] for a type that is no float,
    /// [`WeightsError::ValueCount`] when the values are not `count`, [`WeightsError::NotFinite`].
    pub fn decode(&self, file: &str, count: usize) -> Result<Vec<f32>, WeightsError> {
        let miscounted = |found| WeightsError::ValueCount {
            file: file.into(),
            tensor: self.name.to_string(),
            shape: self.dims.clone(),
            expected: count,
            found,
        };
        let values = match &self.payload {
            Payload::External => {
                return Err(WeightsError::ExternalData { file: file.into(), tensor: self.name.to_string() });
            }
            Payload::Splat(value) => vec![*value; count],
            Payload::Raw(bytes) => {
                let size = self.dtype.size().ok_or_else(|| self.wrong_dtype(file))?;
                if bytes.len() % size != 0 || bytes.len() / size != count {
                    return Err(miscounted(bytes.len() / size));
                }
                decode_raw(self.dtype, bytes)
            }
            Payload::Fields(fields) => {
                let values = fields.decode(self.dtype, count).ok_or_else(|| self.wrong_dtype(file))?;
                if values.len() != count {
                    return Err(miscounted(values.len()));
                }
                values
            }
        };
        if let Some((index, value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            let tensor = self.name.to_string();
            return Err(WeightsError::NotFinite { file: file.into(), tensor, index, value: *value });
        }
        Ok(values)
    }

    /// The only value of a one-element tensor.
    pub(super) fn scalar(&self) -> Option<f32> {
        if self.dims.iter().any(|&extent| extent != 1) {
            return None;
        }
        self.decode("", 1).ok().and_then(|values| values.first().copied())
    }

    fn wrong_dtype(&self, file: &str) -> WeightsError {
        WeightsError::Dtype { file: file.into(), tensor: self.name.to_string(), found: self.dtype.label() }
    }
}

/// Little-endian elements of a float type to `f32`; a trailing partial element is left out.
fn decode_raw(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    let halves = |convert: fn(u16) -> f32| -> Vec<f32> {
        bytes.as_chunks::<2>().0.iter().map(|chunk| convert(u16::from_le_bytes(*chunk))).collect()
    };
    match dtype {
        Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect(),
        Dtype::F64 => bytes.as_chunks::<8>().0.iter().map(|chunk| f64::from_le_bytes(*chunk) as f32).collect(),
        Dtype::F16 => halves(|bits| half::f16::from_bits(bits).to_f32()),
        Dtype::Bf16 => halves(|bits| half::bf16::from_bits(bits).to_f32()),
        Dtype::I64 | Dtype::Other(_) => Vec::new(),
    }
}
