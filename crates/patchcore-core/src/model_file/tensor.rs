//! A tensor of a model file.

use std::collections::BTreeMap;

use safetensors::tensor::Dtype;

use crate::error::{ModelFileError, malformed};

/// Tensors by name.
pub(super) type Tensors = BTreeMap<String, Tensor>;

/// A tensor as the file holds it: little-endian values, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Tensor {
    /// Bytes in one row.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { dtype: Dtype::U8, shape: vec![bytes.len()], bytes }
    }

    /// f32 values.
    pub fn of_f32(shape: Vec<usize>, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, shape, bytes }
    }

    /// u32 values.
    pub fn of_u32(shape: Vec<usize>, values: impl Iterator<Item = u32>) -> Self {
        Self { dtype: Dtype::U32, shape, bytes: values.flat_map(u32::to_le_bytes).collect() }
    }

    /// u64 values in one row.
    pub fn of_u64(values: &[u64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dtype: Dtype::U64, shape: vec![values.len()], bytes }
    }

    /// Its f32 values.
    pub fn f32_values(&self, name: &str) -> Result<Vec<f32>, ModelFileError> {
        self.expect(name, Dtype::F32)?;
        let (values, _) = self.bytes.as_chunks::<4>();
        Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// Its u32 values.
    pub fn u32_values(&self, name: &str) -> Result<Vec<u32>, ModelFileError> {
        self.expect(name, Dtype::U32)?;
        let (values, _) = self.bytes.as_chunks::<4>();
        Ok(values.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    /// Its u64 values.
    pub fn u64_values(&self, name: &str) -> Result<Vec<u64>, ModelFileError> {
        self.expect(name, Dtype::U64)?;
        let (values, _) = self.bytes.as_chunks::<8>();
        Ok(values.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    }

    /// Its bytes.
    pub fn u8_values(&self, name: &str) -> Result<&[u8], ModelFileError> {
        self.expect(name, Dtype::U8)?;
        Ok(&self.bytes)
    }

    fn expect(&self, name: &str, dtype: Dtype) -> Result<(), ModelFileError> {
        if self.dtype == dtype {
            return Ok(());
        }
        Err(malformed(format!("tensor `{name}` has dtype {:?}, expected {dtype:?}", self.dtype)))
    }
}
