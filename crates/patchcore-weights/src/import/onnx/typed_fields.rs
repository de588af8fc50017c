//! Tensor values that a writer put into typed protobuf fields instead of `raw_data`.

use super::super::dtype::Dtype;
use super::wire::{Message, Value};

/// The tensor's message; its value fields are read when the tensor is decoded.
#[derive(Debug, Clone, Copy)]
pub struct TypedFields<'a>(pub(super) Message<'a>);

const FLOAT_DATA: u64 = 4;
const INT32_DATA: u64 = 5;
const DOUBLE_DATA: u64 = 10;

impl TypedFields<'_> {
    /// The values, at most one more than `count`; `None` for a type that is no float.
    pub fn decode(&self, dtype: Dtype, count: usize) -> Option<Vec<f32>> {
        let mut values = Vec::new();
        let mut message = self.0;
        // A damaged field cannot come here: the parser walked every one of them.
        while let Ok(Some((number, value))) = message.next_field() {
            if values.len() > count {
                break;
            }
            match (dtype, number, value) {
                (Dtype::F32, FLOAT_DATA, Value::Fixed32(bits)) => values.push(f32::from_bits(bits)),
                (Dtype::F32, FLOAT_DATA, Value::Bytes(packed)) => {
                    let left = (count + 1).saturating_sub(values.len());
                    let chunks = packed.bytes.as_chunks::<4>().0.iter().take(left);
                    values.extend(chunks.map(|chunk| f32::from_le_bytes(*chunk)));
                }
                (Dtype::F64, DOUBLE_DATA, Value::Fixed64(bits)) => values.push(f64::from_bits(bits) as f32),
                (Dtype::F64, DOUBLE_DATA, Value::Bytes(packed)) => {
                    let left = (count + 1).saturating_sub(values.len());
                    let chunks = packed.bytes.as_chunks::<8>().0.iter().take(left);
                    values.extend(chunks.map(|chunk| f64::from_le_bytes(*chunk) as f32));
                }
                (Dtype::F16 | Dtype::Bf16, INT32_DATA, Value::Varint(bits)) => values.push(half(dtype, bits)),
                (Dtype::F16 | Dtype::Bf16, INT32_DATA, Value::Bytes(mut packed)) => {
                    while values.len() <= count
                        && let Ok(bits) = packed.varint()
                    {
                        values.push(half(dtype, bits));
                    }
                }
                (Dtype::I64 | Dtype::Other(_), ..) => return None,
                _ => {}
            }
        }
        Some(values)
    }
}

/// Sixteen bits stored in a wider integer.
fn half(dtype: Dtype, bits: u64) -> f32 {
    let bits = (bits & 0xffff) as u16;
    match dtype {
        Dtype::Bf16 => half::bf16::from_bits(bits).to_f32(),
        _ => half::f16::from_bits(bits).to_f32(),
    }
}
