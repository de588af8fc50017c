//! Recognises a network's convolutions by the shape of the graph alone.
//!
//! The steps of the plan are followed from the graph's input: each convolution is the one that reads the value of its slot and
//! is followed by what its step fuses, the sum and the activation. So of two that read a block's input the one whose result is
//! activated begins the main path, and the other is the shortcut. Cost: linear in the number of nodes.

use std::collections::BTreeMap;

use patchcore_config::backbone::plan::{Activation, ConvStep, Step};

use super::super::error::WeightsError;
use super::super::trunk::Trunk;
use super::graph::Graph;
use super::model::Node;

/// The most convolutions that read one value; a block of a ResNet has two. It bounds what a hostile graph costs.
const MOST_BRANCHES: usize = 16;

/// The trunk's convolutions by the plan's name; those of a level behind the default ones only if the graph has it.
pub(super) fn walk<'a, 'm>(
    trunk: &Trunk,
    file: &str,
    graph: &Graph<'a, 'm>,
) -> Result<BTreeMap<String, &'m Node<'a>>, WeightsError> {
    let lost = |detail: String| trunk.unrecognised(file, detail);
    let mut named = BTreeMap::new();
    // The value of each slot that has been found; the image's has no name yet.
    let mut values: BTreeMap<usize, &'a str> = BTreeMap::new();
    for (part, steps) in trunk.parts().enumerate() {
        for (index, step) in steps.iter().enumerate() {
            let from = values.get(&step.from()).copied();
            let value = match step {
                // Their networks are read under names alone.
                Step::Concat { .. } | Step::AveragePool { .. } => None,
                Step::MaxPool { .. } => from.and_then(|value| follow(graph, value, "MaxPool")),
                Step::Conv(conv) => {
                    let readers = convolutions(graph, from);
                    if part > 0 && index == 0 && readers.is_empty() {
                        return Ok(named);
                    }
                    if readers.len() > MOST_BRANCHES {
                        return Err(lost(format!("{} convolutions read the input of {}", readers.len(), conv.name)));
                    }
                    let fitting: Vec<_> = readers.into_iter().filter(|node| continues(graph, node, conv)).collect();
                    let &[node] = fitting.as_slice() else {
                        return Err(lost(format!("{} convolutions could be {}", fitting.len(), conv.name)));
                    };
                    named.insert(conv.name.clone(), node);
                    end(graph, node, conv, conv.add.and_then(|slot| values.get(&slot).copied()))
                }
            };
            let value = value.ok_or_else(|| lost(format!("{} is not followed by what belongs there", step.name())))?;
            values.insert(step.to(), value);
        }
    }
    Ok(named)
}

/// The convolutions that read `value`, or what the user feeds.
fn convolutions<'a, 'm>(graph: &Graph<'a, 'm>, value: Option<&'a str>) -> Vec<&'m Node<'a>> {
    let is_conv = |node: &&Node<'a>| node.op_type == "Conv";
    match value {
        Some(value) => graph.readers(value).into_iter().filter(is_conv).collect(),
        None => {
            let is_fed = |node: &&Node<'a>| node.input(0).is_some_and(|value| graph.is_fed(graph.origin(value)));
            graph.model.nodes.iter().filter(is_conv).filter(is_fed).collect()
        }
    }
}

/// The operator of an activation.
fn operator(activation: Activation) -> Option<&'static str> {
    match activation {
        Activation::Identity => None,
        Activation::Relu => Some("Relu"),
        Activation::Relu6 => Some("Clip"),
    }
}

/// Whether what comes first behind `node` is what `conv` fuses first.
fn continues<'a>(graph: &Graph<'a, '_>, node: &Node<'a>, conv: &ConvStep) -> bool {
    let follows = |op: &str| follow(graph, behind(graph, node), op).is_some();
    match (conv.add, operator(conv.activation)) {
        (Some(_), _) => follows("Add"),
        (None, Some(activation)) => follows(activation),
        (None, None) => !follows("Relu") && !follows("Clip"),
    }
}

/// The value that the step of `conv` ends in; `add` is that of its residual.
fn end<'a>(graph: &Graph<'a, '_>, node: &Node<'a>, conv: &ConvStep, add: Option<&'a str>) -> Option<&'a str> {
    let mut value = behind(graph, node);
    if conv.add.is_some() {
        let (sum, residual) = (reader(graph, value, "Add")?, graph.origin(add?));
        sum.inputs.iter().find(|input| graph.origin(input) == residual)?;
        value = sum.output()?;
    }
    match operator(conv.activation) {
        Some(activation) => follow(graph, value, activation),
        None => Some(value),
    }
}

/// The value behind a convolution and its BatchNorm.
fn behind<'a>(graph: &Graph<'a, '_>, conv: &Node<'a>) -> &'a str {
    let value = conv.output().unwrap_or_default();
    graph.norm_behind(value).and_then(Node::output).unwrap_or(value)
}

/// The only node of that operator that reads `value`.
fn reader<'a, 'm>(graph: &Graph<'a, 'm>, value: &str, op: &str) -> Option<&'m Node<'a>> {
    let mut readers = graph.readers(value).into_iter().filter(|node| node.op_type == op);
    let first = readers.next()?;
    readers.next().is_none().then_some(first)
}

/// The output of that node.
fn follow<'a>(graph: &Graph<'a, '_>, value: &str, op: &str) -> Option<&'a str> {
    reader(graph, value, op).and_then(Node::output)
}
