//! Bytes to [`OnnxModel`]: the messages of `onnx.proto` that matter, by field number.

use super::super::error::WeightsError;
use super::attribute::Attribute;
use super::model::{Node, OnnxModel};
use super::tensor::{Budget, parse_tensor};
use super::wire::{Message, Value, WireError};

/// Reads an ONNX file from its bytes, without copying them and without decoding a tensor.
///
/// `file` only serves in messages.
///
/// # Errors
///
/// [`WeightsError::NotOnnx`], [`WeightsError::Truncated`], [`WeightsError::Malformed`].
pub fn read_onnx<'a>(file: &str, bytes: &'a [u8]) -> Result<OnnxModel<'a>, WeightsError> {
    let not_onnx = |detail: String| WeightsError::NotOnnx { file: file.into(), detail };
    match bytes {
        [] => return Err(not_onnx("the file is empty".into())),
        // ir_version and producer_name, one of which every writer puts first; any other field may follow.
        [0x08 | 0x12 | 0x1a | 0x22 | 0x3a | 0x42, ..] => {}
        _ => return Err(not_onnx(describe(bytes))),
    }
    match parse_model(Message { bytes, offset: 0 }) {
        Ok(Some(model)) => Ok(model),
        Ok(None) => Err(not_onnx("there is no graph in it".into())),
        Err(WireError { offset, truncated: true, detail }) => {
            Err(WeightsError::Truncated { file: file.into(), offset, detail: detail.into() })
        }
        Err(WireError { offset, truncated: false, detail }) => {
            Err(WeightsError::Malformed { file: file.into(), offset, detail: detail.into() })
        }
    }
}

/// What a file that is no ONNX may be.
fn describe(bytes: &[u8]) -> String {
    let kinds: [(&[u8], &str); 6] = [
        (b"version https://git-lfs", "it is a Git LFS pointer, fetch the file itself"),
        (b"<", "it is an HTML page"),
        (b"PK\x03\x04", "it is a zip archive, perhaps a .pth: convert it with `patchcore weights import NAME FILE`"),
        (b"\x80\x02", "it is a pickle, perhaps a .pth: convert it with `patchcore weights import NAME FILE`"),
        (b"\x89PNG", "it is a PNG image"),
        (b"\x1f\x8b", "it is gzip-compressed"),
    ];
    match kinds.iter().find(|(start, _)| bytes.starts_with(start)) {
        Some((_, kind)) => (*kind).into(),
        None => "it does not begin like one".into(),
    }
}

fn parse_model(mut message: Message<'_>) -> Result<Option<OnnxModel<'_>>, WireError> {
    let mut model = OnnxModel::default();
    let mut budget = Budget::default();
    let mut has_graph = false;
    while let Some(field) = message.next_field()? {
        match field {
            (1, Value::Varint(version)) => model.ir_version = version as i64,
            (2, Value::Bytes(text)) => model.producer_name = text.text()?,
            (3, Value::Bytes(text)) => model.producer_version = text.text()?,
            (7, Value::Bytes(graph)) => {
                has_graph = true;
                parse_graph(graph, &mut model, &mut budget)?;
            }
            (8, Value::Bytes(opset)) => {
                budget.spend(&opset)?;
                model.opsets.push(parse_opset(opset)?);
            }
            _ => {}
        }
    }
    Ok(has_graph.then_some(model))
}

fn parse_opset(mut message: Message<'_>) -> Result<(&str, i64), WireError> {
    let mut opset = ("", 0);
    while let Some(field) = message.next_field()? {
        match field {
            (1, Value::Bytes(text)) => opset.0 = text.text()?,
            (2, Value::Varint(version)) => opset.1 = version as i64,
            _ => {}
        }
    }
    Ok(opset)
}

fn parse_graph<'a>(mut message: Message<'a>, model: &mut OnnxModel<'a>, budget: &mut Budget) -> Result<(), WireError> {
    while let Some(field) = message.next_field()? {
        match field {
            (1, Value::Bytes(node)) => {
                budget.spend(&node)?;
                model.nodes.push(parse_node(node, budget)?);
            }
            (5, Value::Bytes(tensor)) => {
                budget.spend(&tensor)?;
                model.initializers.push(parse_tensor(tensor, budget)?);
            }
            (11, Value::Bytes(value)) => {
                budget.spend(&value)?;
                model.inputs.push(parse_value_name(value)?);
            }
            (12, Value::Bytes(value)) => {
                budget.spend(&value)?;
                model.outputs.push(parse_value_name(value)?);
            }
            _ => {}
        }
    }
    Ok(())
}

fn parse_value_name(mut message: Message<'_>) -> Result<&str, WireError> {
    let mut name = "";
    while let Some(field) = message.next_field()? {
        if let (1, Value::Bytes(text)) = field {
            name = text.text()?;
        }
    }
    Ok(name)
}

fn parse_node<'a>(mut message: Message<'a>, budget: &mut Budget) -> Result<Node<'a>, WireError> {
    let mut node = Node::default();
    while let Some(field) = message.next_field()? {
        match field {
            (1, Value::Bytes(text)) => {
                budget.spend(&text)?;
                node.inputs.push(text.text()?);
            }
            (2, Value::Bytes(text)) => {
                budget.spend(&text)?;
                node.outputs.push(text.text()?);
            }
            (3, Value::Bytes(text)) => node.name = text.text()?,
            (4, Value::Bytes(text)) => node.op_type = text.text()?,
            (5, Value::Bytes(attribute)) => {
                budget.spend(&attribute)?;
                node.attributes.push(Attribute::parse(attribute)?);
            }
            _ => {}
        }
    }
    Ok(node)
}
