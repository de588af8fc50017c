//! A small ONNX reader: what a weights importer needs, and nothing that computes.
//!
//! [`wire`] walks protobuf's wire format over the borrowed bytes, [`model`] gathers the graph, [`graph`] indexes it,
//! [`names`] says which convolution is which torchvision layer - by initializer name, by node name, or by walking the
//! graph ([`walk`]) when the exporter kept neither. Subgraphs and functions are skipped unread.

mod attribute;
mod graph;
mod model;
mod names;
mod parse;
mod tensor;
mod typed_fields;
mod walk;
mod wire;

pub use attribute::Attribute;
pub use model::{Node, OnnxModel};
pub use names::import_onnx;
pub use parse::read_onnx;
pub(super) use typed_fields::TypedFields;
