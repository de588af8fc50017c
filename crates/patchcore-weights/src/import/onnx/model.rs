//! An ONNX model as far as weights are concerned: borrowed names, nodes and undecoded tensors.

use super::super::tensor_view::TensorView;
use super::attribute::Attribute;

/// A parsed ONNX file; everything borrows from its bytes.
#[derive(Debug, Clone, Default)]
pub struct OnnxModel<'a> {
    /// Version of the file format.
    pub ir_version: i64,
    /// The program that wrote the file.
    pub producer_name: &'a str,
    /// Its version.
    pub producer_version: &'a str,
    /// Operator sets by domain; the default domain is the empty string.
    pub opsets: Vec<(&'a str, i64)>,
    /// Operations in the order of the file.
    pub nodes: Vec<Node<'a>>,
    /// Constant tensors in the order of the file.
    pub initializers: Vec<TensorView<'a>>,
    /// Names of the graph's inputs; old files list initializers here too.
    pub inputs: Vec<&'a str>,
    /// Names of the graph's outputs.
    pub outputs: Vec<&'a str>,
}

impl OnnxModel<'_> {
    /// Version of the default operator set, when the file names one.
    pub fn opset(&self) -> Option<i64> {
        self.opsets.iter().find(|(domain, _)| domain.is_empty()).map(|(_, version)| *version)
    }
}

/// One operation of the graph.
#[derive(Debug, Clone, Default)]
pub struct Node<'a> {
    /// Operator, for example `Conv`.
    pub op_type: &'a str,
    /// Name of the node; exporters put the module's path here.
    pub name: &'a str,
    /// Names of the values it reads; empty for an input that is left out.
    pub inputs: Vec<&'a str>,
    /// Names of the values it writes.
    pub outputs: Vec<&'a str>,
    /// Its attributes, read when asked for.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> Node<'a> {
    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The name of an input, `None` when it is left out.
    pub fn input(&self, index: usize) -> Option<&'a str> {
        self.inputs.get(index).copied().filter(|name| !name.is_empty())
    }

    /// The name of the first output.
    pub fn output(&self) -> Option<&'a str> {
        self.outputs.first().copied().filter(|name| !name.is_empty())
    }
}
