//! The element types a weight may be stored in.

/// Element type of a stored tensor, with the floating-point types that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
    /// IEEE 754 binary64.
    F64,
    /// Signed 64-bit integer: a counter or a shape, never a weight.
    I64,
    /// Any other type, by its number in ONNX (0 from other formats).
    Other(i64),
}

impl Dtype {
    /// The type of ONNX' `TensorProto.data_type`.
    pub fn from_onnx(code: i64) -> Self {
        match code {
            1 => Self::F32,
            7 => Self::I64,
            10 => Self::F16,
            11 => Self::F64,
            16 => Self::Bf16,
            other => Self::Other(other),
        }
    }

    /// Bytes of one element, `None` for a type that is no weight.
    pub fn size(self) -> Option<usize> {
        match self {
            Self::F16 | Self::Bf16 => Some(2),
            Self::F32 => Some(4),
            Self::F64 => Some(8),
            Self::I64 | Self::Other(_) => None,
        }
    }

    /// The name for a message.
    pub fn label(self) -> String {
        match self {
            Self::F32 => "f32".into(),
            Self::F16 => "f16".into(),
            Self::Bf16 => "bf16".into(),
            Self::F64 => "f64".into(),
            Self::I64 => "i64".into(),
            Self::Other(code) => {
                let name = match code {
                    2 => "u8",
                    3 => "i8",
                    4 => "u16",
                    5 => "i16",
                    6 => "i32",
                    8 => "string",
                    9 => "bool",
                    12 => "u32",
                    13 => "u64",
                    17..=20 => "f8",
                    _ => return format!("number {code}"),
                };
                name.into()
            }
        }
    }
}
