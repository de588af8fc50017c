//! A tensor's message, and the bound on how many entries all messages of a file may have.

use std::borrow::Cow;

use super::super::dtype::Dtype;
use super::super::tensor_view::{Payload, TensorView};
use super::typed_fields::TypedFields;
use super::wire::{Message, Value, WireError};

/// Bound on nodes, tensors, names, attributes and axes together. ResNet-101 exported unfolded has about 10,000; an
/// empty message takes two bytes in a file and a hundred in memory, so an unbounded list would multiply a hostile
/// file by fifty.
const MAX_ENTRIES: usize = 200_000;

/// Most axes of a tensor.
const MAX_AXES: usize = 16;

/// What is left of [`MAX_ENTRIES`].
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_ENTRIES)
    }
}

impl Budget {
    pub fn spend(&mut self, at: &Message<'_>) -> Result<(), WireError> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| at.error(false, "more entries than any supported model has"))?;
        Ok(())
    }
}

/// Reads a tensor's name, shape and type, and finds its values without decoding them.
pub(super) fn parse_tensor<'a>(message: Message<'a>, budget: &mut Budget) -> Result<TensorView<'a>, WireError> {
    let (mut name, mut dims, mut dtype) = ("", Vec::new(), Dtype::Other(0));
    let (mut raw, mut external) = (None, false);
    let mut rest = message;
    while let Some(field) = rest.next_field()? {
        match field {
            (1, Value::Varint(extent)) => {
                budget.spend(&rest)?;
                dims.push(extent);
            }
            (1, Value::Bytes(mut packed)) => {
                while !packed.bytes.is_empty() && dims.len() <= MAX_AXES {
                    budget.spend(&packed)?;
                    dims.push(packed.varint()?);
                }
            }
            (2, Value::Varint(code)) => dtype = Dtype::from_onnx(code as i64),
            (8, Value::Bytes(text)) => name = text.text()?,
            (9, Value::Bytes(bytes)) => raw = Some(bytes.bytes),
            (13, Value::Bytes(_)) => external = true,
            (14, Value::Varint(location)) => external |= location == 1,
            _ => {}
        }
        if dims.len() > MAX_AXES {
            return Err(rest.error(false, "tensor of more than 16 axes"));
        }
    }
    let payload = match raw {
        _ if external => Payload::External,
        Some(bytes) => Payload::Raw(Cow::Borrowed(bytes)),
        None => Payload::Fields(TypedFields(message)),
    };
    Ok(TensorView { name: Cow::Borrowed(name), dims, dtype, payload })
}
