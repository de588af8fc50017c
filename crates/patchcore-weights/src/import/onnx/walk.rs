//! Recognises a ResNet's layers by the shape of the graph alone.
//!
//! From the input: convolution, relu, max-pool; then per block the convolutions that read the block's input - the one
//! whose result is activated begins the main path, the one whose result goes straight into the sum is the shortcut.
//! The main path ends at the same sum. Cost: linear in the number of nodes.

use std::collections::BTreeMap;

use super::super::architecture::{Architecture, Block};
use super::super::error::WeightsError;
use super::graph::Graph;
use super::model::Node;

/// The trunk's convolutions by torchvision's name; `layer4` only if the graph has it.
pub(super) fn walk<'a, 'm>(
    architecture: &Architecture,
    file: &str,
    graph: &Graph<'a, 'm>,
) -> Result<BTreeMap<String, &'m Node<'a>>, WeightsError> {
    let lost = |detail: String| unrecognised(architecture, file, detail);
    let fed = |node: &&Node<'a>| node.input(0).is_some_and(|value| graph.is_fed(graph.origin(value)));
    let stems: Vec<_> = graph.model.nodes.iter().filter(|node| node.op_type == "Conv").filter(fed).collect();
    let [stem] = stems.as_slice() else {
        return Err(lost(format!("{} convolutions read the input, expected one", stems.len())));
    };
    let mut named = BTreeMap::from([("conv1".to_owned(), *stem)]);
    let mut value = step(graph, behind(graph, stem), "Relu")
        .and_then(|value| step(graph, value, "MaxPool"))
        .ok_or_else(|| lost("the first convolution is not followed by Relu and MaxPool".into()))?;
    for (stage, &blocks) in (1..=4_usize).zip(&architecture.blocks) {
        for block in 0..blocks {
            let place = format!("layer{stage}.{block}");
            let begins = |op: &'static str| {
                let convolutions = graph.readers(value).into_iter().filter(|node| node.op_type == "Conv");
                convolutions.filter(|node| reads(graph, behind(graph, node), op)).collect::<Vec<_>>()
            };
            let (main, shortcut) = (begins("Relu"), begins("Add"));
            if stage == 4 && block == 0 && main.is_empty() && shortcut.is_empty() {
                return Ok(named);
            }
            let (&[mut conv], &[] | &[_]) = (main.as_slice(), shortcut.as_slice()) else {
                return Err(lost(format!("{place} is not a residual block")));
            };
            if let [downsample] = shortcut.as_slice() {
                named.insert(format!("{place}.downsample.0"), *downsample);
            }
            named.insert(format!("{place}.conv1"), conv);
            let rest: &[&str] = match architecture.block {
                Block::Basic => &["conv2"],
                Block::Bottleneck => &["conv2", "conv3"],
            };
            for leaf in rest {
                let activated = step(graph, behind(graph, conv), "Relu");
                let next = activated.and_then(|value| reader(graph, value, "Conv"));
                conv = next.ok_or_else(|| lost(format!("{place}.{leaf} is not where it should be")))?;
                named.insert(format!("{place}.{leaf}"), conv);
            }
            value = step(graph, behind(graph, conv), "Add")
                .and_then(|value| step(graph, value, "Relu"))
                .ok_or_else(|| lost(format!("{place} does not end in Add and Relu")))?;
        }
    }
    Ok(named)
}

/// The value behind a convolution and its BatchNorm.
fn behind<'a>(graph: &Graph<'a, '_>, conv: &Node<'a>) -> &'a str {
    let value = conv.output().unwrap_or_default();
    graph.norm_behind(value).and_then(Node::output).unwrap_or(value)
}

/// Whether a node of that operator reads `value`.
fn reads(graph: &Graph<'_, '_>, value: &str, op: &str) -> bool {
    reader(graph, value, op).is_some()
}

/// The only node of that operator that reads `value`.
fn reader<'a, 'm>(graph: &Graph<'a, 'm>, value: &str, op: &str) -> Option<&'m Node<'a>> {
    let mut readers = graph.readers(value).into_iter().filter(|node| node.op_type == op);
    let first = readers.next()?;
    readers.next().is_none().then_some(first)
}

/// The output of that node.
fn step<'a>(graph: &Graph<'a, '_>, value: &str, op: &str) -> Option<&'a str> {
    reader(graph, value, op).and_then(Node::output)
}

/// That the file holds no such network.
pub(super) fn unrecognised(architecture: &Architecture, file: &str, detail: String) -> WeightsError {
    WeightsError::Unrecognised { file: file.into(), backbone: architecture.name.into(), detail }
}
