//! Which convolution of a graph is which convolution of the plan.
//!
//! Three sources, the first that recognises the network wins: the initializers' names (`layer1.0.conv1.weight`; kept
//! when nothing was folded, and by the newer exporter always), the nodes' names (`/layer1/layer1.0/conv1/Conv`; the
//! older exporter renames folded weights to `onnx::Conv_193` but names nodes after modules), and the graph's shape.

use std::collections::BTreeMap;

use patchcore_config::BackboneWeights;
use patchcore_config::backbone::NetworkEntry;
use patchcore_config::backbone::plan::Step;

use super::super::assemble::assemble;
use super::super::error::WeightsError;
use super::super::found::{Found, Prologue};
use super::super::state_dict::{batch_norm, find_in_state_dict};
use super::super::tensor_view::{Payload, TensorView};
use super::super::trunk::Trunk;
use super::graph::Graph;
use super::model::{Node, OnnxModel};
use super::parse::read_onnx;
use super::walk::walk;

/// The folded tensors of `network` from the bytes of an ONNX file.
///
/// # Errors
///
/// As [`read_onnx`], any of the tensor variants of [`WeightsError`], and [`WeightsError::Unrecognised`].
pub fn import_onnx(network: &NetworkEntry, file: &str, bytes: &[u8]) -> Result<BackboneWeights, WeightsError> {
    let trunk = Trunk::new(network);
    if !network.family.is_exported() {
        return Err(trunk.unrecognised(file, "this backbone is read from safetensors only".into()));
    }
    let model = read_onnx(file, bytes)?;
    assemble(&trunk, file, &find_in_graph(&trunk, file, &model)?)
}

/// The parts of the network by the plan's names.
fn find_in_graph<'a>(trunk: &Trunk, file: &str, model: &OnnxModel<'a>) -> Result<Found<'a>, WeightsError> {
    let graph = Graph::new(model);
    let nodes: Vec<&Node<'a>> = model.nodes.iter().filter(|node| node.op_type == "Conv").collect();
    if nodes.is_empty() {
        let tensors: BTreeMap<String, TensorView<'a>> =
            model.initializers.iter().map(|tensor| (tensor.name.to_string(), tensor.clone())).collect();
        let found = find_in_state_dict(trunk, &tensors);
        return if found.convolutions.is_empty() {
            Err(trunk.unrecognised(file, "there is no convolution with known names in it".into()))
        } else {
            Ok(found)
        };
    }
    let by_weight = |node: &Node<'a>| node.input(1).map(|name| graph.origin(name).to_owned());
    let by_node = |node: &Node<'a>| module_path(node.name).map(|path| format!("{path}.weight"));
    let named = named_by(trunk, &nodes, by_weight).or_else(|| named_by(trunk, &nodes, by_node));
    let named = match named {
        Some(named) => named,
        None => walk(trunk, file, &graph)?,
    };
    let known = trunk.spelling(model.initializers.iter().map(|tensor| tensor.name.as_ref()));
    let mut found = Found { prologues: prologues(trunk, file, &graph, &named)?, ..Found::default() };
    for (name, node) in named {
        if trunk.plan.convolutions().any(|conv| conv.from == 0 && conv.name == name)
            && !node.input(0).is_some_and(|value| graph.is_fed(graph.origin(value)))
        {
            let detail = format!("something is computed before {name}: export the network without its preprocessing");
            return Err(trunk.unrecognised(file, detail));
        }
        let mut convolution = graph.convolution(node).ok_or_else(|| {
            trunk.unrecognised(file, format!("the weight, bias or normalisation of {name} is computed in the graph"))
        })?;
        let unbiased = match &convolution.bias {
            None => true,
            Some(bias) => matches!(bias.payload, Payload::Splat(0.0)),
        };
        if convolution.norm.is_none() && unbiased {
            // The normalisation is there under its name but not as one BatchNormalization node.
            convolution.norm = known.as_ref().and_then(|(spelling, head)| {
                let get = |name: &str| graph.initializer(&format!("{head}{name}")).cloned();
                batch_norm(spelling.norm_behind(&name)?, spelling.epsilon, get)
            });
            if convolution.norm.is_none() {
                convolution.bias = None;
            }
        } else if let Some(op) = graph.stranger_behind(node) {
            return Err(trunk.unrecognised(file, format!("{name} is followed by {op}")));
        }
        found.convolutions.insert(name, convolution);
    }
    Ok(found)
}

/// The normalisations in front of the convolutions that were found. The plan halves a map before the convolution behind it; a graph
/// does so afterwards, which is the same.
fn prologues<'a>(
    trunk: &Trunk,
    file: &str,
    graph: &Graph<'a, '_>,
    named: &BTreeMap<String, &Node<'a>>,
) -> Result<BTreeMap<String, Prologue<'a>>, WeightsError> {
    let mut found = BTreeMap::new();
    for step in trunk.plan.steps.iter().filter(|step| step.prologue().is_some()) {
        let is_pool = matches!(step, Step::AveragePool { .. });
        let reader = match is_pool {
            true => trunk.plan.convolutions().find(|conv| conv.from == step.to()).map(|conv| conv.name.as_str()),
            false => Some(step.name()),
        };
        // What is absent is named with its shape when the network is put together.
        let Some(node) = reader.and_then(|name| named.get(name)) else { continue };
        if is_pool && !graph.is_halved(node) {
            let detail = format!("no average pool of 2x2 pixels follows {}", reader.unwrap_or_default());
            return Err(trunk.unrecognised(file, detail));
        }
        found.extend(graph.norm_in_front(node).map(|norm| (step.name().to_owned(), Prologue::Norm(norm))));
    }
    Ok(found)
}

/// The trunk's nodes by the plan's name, when `name_of` gives such names without a clash.
fn named_by<'a, 'm>(
    trunk: &Trunk,
    nodes: &[&'m Node<'a>],
    name_of: impl Fn(&Node<'a>) -> Option<String>,
) -> Option<BTreeMap<String, &'m Node<'a>>> {
    let names: Vec<Option<String>> = nodes.iter().map(|node| name_of(node)).collect();
    let (spelling, head) = trunk.spelling(names.iter().flatten().map(String::as_str))?;
    let mut named = BTreeMap::new();
    for (node, name) in nodes.iter().zip(&names) {
        let Some(conv) = name.as_deref().and_then(|name| name.strip_prefix(head.as_str())) else { continue };
        let Some(step) = conv.strip_suffix(".weight").and_then(|conv| spelling.plan_name(conv)) else { continue };
        if named.insert(step.to_owned(), *node).is_some() {
            return None;
        }
    }
    Some(named)
}

/// `/layer2/layer2.0/downsample/downsample.0/Conv` to `layer2.0.downsample.0`.
fn module_path(node: &str) -> Option<String> {
    let (scopes, _operator) = node.strip_prefix('/')?.rsplit_once('/')?;
    let mut path: Vec<&str> = Vec::new();
    for scope in scopes.split('/') {
        // A member of a container repeats the container's name: `layer2`, then `layer2.0`.
        if let Some(last) = path.last()
            && scope.strip_prefix(last).is_some_and(|rest| rest.starts_with('.'))
        {
            path.pop();
        }
        path.push(scope);
    }
    Some(path.join("."))
}

#[cfg(test)]
mod tests {
    use super::module_path;

    #[test]
    fn module_paths_come_out_of_node_names() {
        assert_eq!(module_path("/conv1/Conv").as_deref(), Some("conv1"));
        assert_eq!(module_path("/layer1/layer1.0/conv1/Conv").as_deref(), Some("layer1.0.conv1"));
        let downsample = "/net/layer2/layer2.0/downsample/downsample.0/Conv_1";
        assert_eq!(module_path(downsample).as_deref(), Some("net.layer2.0.downsample.0"));
        assert_eq!(module_path("node_Conv_187"), None);
        assert_eq!(module_path(""), None);
    }
}
