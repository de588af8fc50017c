//! A node's attribute, read when it is asked for.

use super::super::tensor_view::TensorView;
use super::tensor::{Budget, parse_tensor};
use super::wire::{Message, Value, WireError};

/// A named attribute of a [`super::Node`].
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'a> {
    /// Name, for example `strides`.
    pub name: &'a str,
    pub(super) message: Message<'a>,
}

/// Longest list of integers that is read: four times what any convolution has.
const MAX_INTS: usize = 64;

impl<'a> Attribute<'a> {
    /// The value of a float attribute.
    pub fn float(&self) -> Option<f32> {
        self.fields().find_map(|field| match field {
            (2, Value::Fixed32(bits)) => Some(f32::from_bits(bits)),
            _ => None,
        })
    }

    /// The value of an integer attribute.
    pub fn int(&self) -> Option<i64> {
        self.fields().find_map(|field| match field {
            (3, Value::Varint(bits)) => Some(bits as i64),
            _ => None,
        })
    }

    /// The value of a string attribute.
    pub fn text(&self) -> Option<&'a str> {
        self.fields().find_map(|field| match field {
            (4, Value::Bytes(message)) => message.text().ok(),
            _ => None,
        })
    }

    /// The value of an attribute that is a list of integers; `None` when it is damaged or longer than 64.
    pub fn ints(&self) -> Option<Vec<i64>> {
        let mut values = Vec::new();
        for field in self.fields() {
            match field {
                (8, Value::Varint(bits)) => values.push(bits as i64),
                (8, Value::Bytes(mut packed)) => {
                    while !packed.bytes.is_empty() && values.len() <= MAX_INTS {
                        values.push(packed.varint().ok()? as i64);
                    }
                }
                _ => {}
            }
            if values.len() > MAX_INTS {
                return None;
            }
        }
        Some(values)
    }

    /// The value of a tensor attribute.
    pub(super) fn tensor(&self) -> Option<TensorView<'a>> {
        self.fields().find_map(|field| match field {
            (5, Value::Bytes(message)) => parse_tensor(message, &mut Budget::default()).ok(),
            _ => None,
        })
    }

    fn fields(&self) -> impl Iterator<Item = (u64, Value<'a>)> {
        let mut message = self.message;
        std::iter::from_fn(move || message.next_field().ok().flatten())
    }

    /// Reads the name; the rest is read when asked for.
    pub(super) fn parse(message: Message<'a>) -> Result<Self, WireError> {
        let mut name = "";
        let mut rest = message;
        while let Some((number, value)) = rest.next_field()? {
            if let (1, Value::Bytes(text)) = (number, value) {
                name = text.text()?;
            }
        }
        Ok(Self { name, message })
    }
}
