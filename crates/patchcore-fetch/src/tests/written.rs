//! The same tensors in the containers that others write: an ONNX file and a checkpoint of PyTorch.

use std::io::{Cursor, Write};

use patchcore_config::BackboneWeights;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An ONNX file of named initializers and no graph, which the importer takes by their names.
pub fn onnx(weights: &BackboneWeights) -> Vec<u8> {
    let mut graph = Vec::new();
    for (name, tensor) in &weights.tensors {
        let mut message = Vec::new();
        for extent in &tensor.shape {
            // dims
            message.push(1 << 3);
            varint(&mut message, *extent);
        }
        // data_type: FLOAT
        message.extend([2 << 3, 1]);
        bytes(&mut message, 8, name.as_bytes());
        bytes(&mut message, 9, &little_endian(&tensor.data));
        bytes(&mut graph, 5, &message);
    }
    // ir_version: 8
    let mut model = vec![1 << 3, 8];
    bytes(&mut model, 7, &graph);
    model
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A length-delimited protobuf field.
fn bytes(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, content.len());
    out.extend_from_slice(content);
}

/// What `torch.save(state_dict)` writes: a pickle that refers to one storage per tensor, in a zip archive.
pub fn pth(weights: &BackboneWeights) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut pickle = b"\x80\x02}(".to_vec();
    for (key, (name, tensor)) in weights.tensors.iter().enumerate() {
        text(&mut pickle, name);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend(b"ctorch\nFloatStorage\n");
        text(&mut pickle, &key.to_string());
        text(&mut pickle, "cpu");
        int(&mut pickle, tensor.data.len());
        // The persistent id, the offset, then shape and strides.
        pickle.extend(b"tQ");
        int(&mut pickle, 0);
        pickle.push(b'(');
        for extent in &tensor.shape {
            int(&mut pickle, *extent);
        }
        pickle.extend(b"t(");
        for axis in 0..tensor.shape.len() {
            int(&mut pickle, tensor.shape[axis + 1..].iter().product());
        }
        // requires_grad and the backward hooks.
        pickle.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
        archive.start_file(format!("archive/data/{key}"), stored).unwrap();
        archive.write_all(&little_endian(&tensor.data)).unwrap();
    }
    pickle.extend(b"u.");
    archive.start_file("archive/data.pkl", stored).unwrap();
    archive.write_all(&pickle).unwrap();
    archive.finish().unwrap().into_inner()
}

fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.as_bytes());
}

fn int(pickle: &mut Vec<u8>, value: usize) {
    pickle.push(b'J');
    pickle.extend((value as i32).to_le_bytes());
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
