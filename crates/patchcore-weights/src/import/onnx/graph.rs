//! An index over a model's nodes: who makes a value, who reads it, which values are constant.

use std::collections::{HashMap, HashSet};

use super::super::fold::{BatchNorm, ConvAttributes, Convolution};
use super::super::spelling::DEFAULT_EPSILON;
use super::super::tensor_view::{Payload, TensorView};
use super::attribute::Attribute;
use super::model::{Node, OnnxModel};

/// Longest chain of `Identity` and the like that is followed; a cycle ends here.
const MAX_CHAIN: usize = 32;

/// Operators that pass their input on.
const PASSING: [&str; 4] = ["Identity", "Cast", "CastLike", "Dropout"];

/// The nodes of a model by the values they read and write.
pub(super) struct Graph<'a, 'm> {
    pub model: &'m OnnxModel<'a>,
    producers: HashMap<&'a str, &'m Node<'a>>,
    consumers: HashMap<&'a str, Vec<&'m Node<'a>>>,
    initializers: HashMap<&'a str, &'m TensorView<'a>>,
    inputs: HashSet<&'a str>,
}

impl<'a, 'm> Graph<'a, 'm> {
    pub fn new(model: &'m OnnxModel<'a>) -> Self {
        let mut producers = HashMap::new();
        let mut consumers: HashMap<&str, Vec<&Node<'_>>> = HashMap::new();
        for node in &model.nodes {
            for output in &node.outputs {
                producers.entry(*output).or_insert(node);
            }
            for input in node.inputs.iter().filter(|name| !name.is_empty()) {
                consumers.entry(*input).or_default().push(node);
            }
        }
        let named = model.initializers.iter().filter_map(|tensor| match tensor.name {
            std::borrow::Cow::Borrowed(name) => Some((name, tensor)),
            std::borrow::Cow::Owned(_) => None,
        });
        let inputs = model.inputs.iter().copied().collect();
        Self { model, producers, consumers, initializers: named.collect(), inputs }
    }

    /// The initializer of exactly that name.
    pub fn initializer(&self, name: &str) -> Option<&'m TensorView<'a>> {
        self.initializers.get(name).copied()
    }

    /// The nodes that read `value`, seen through operators that pass it on; at most `MAX_CHAIN` of those.
    pub fn readers(&self, value: &str) -> Vec<&'m Node<'a>> {
        let mut found = Vec::new();
        let mut open: Vec<&str> = vec![value];
        for _ in 0..MAX_CHAIN {
            let Some(value) = open.pop() else { break };
            for node in self.consumers.get(value).into_iter().flatten() {
                match node.output() {
                    Some(output) if PASSING.contains(&node.op_type) && node.input(0) == Some(value) => {
                        open.push(output)
                    }
                    _ => found.push(*node),
                }
            }
        }
        found
    }

    /// Where `value` comes from, seen through operators that pass it on.
    pub fn origin(&self, value: &'a str) -> &'a str {
        let mut value = value;
        for _ in 0..MAX_CHAIN {
            match self.producers.get(value) {
                Some(node) if PASSING.contains(&node.op_type) => match node.input(0) {
                    Some(input) => value = input,
                    None => break,
                },
                _ => break,
            }
        }
        value
    }

    /// Whether `value` is an input of the graph that the user feeds.
    pub fn is_fed(&self, value: &str) -> bool {
        self.inputs.contains(value) && self.initializer(value).is_none()
    }

    /// The constant behind `value`: an initializer, a `Constant` node, or one number expanded.
    ///
    /// PyTorch's exporters write `Identity` for tensors that are equal, and without optimisation they write a
    /// convolution's absent bias as `Expand(0)`.
    pub fn constant(&self, value: &'a str) -> Option<TensorView<'a>> {
        let mut value = value;
        let mut expanded = false;
        let mut found = None;
        for _ in 0..MAX_CHAIN {
            if let Some(tensor) = self.initializer(value) {
                found = Some(tensor.clone());
                break;
            }
            let node = self.producers.get(value)?;
            match node.op_type {
                "Constant" => {
                    found = node.attribute("value").and_then(|attribute| attribute.tensor());
                    break;
                }
                "Expand" => expanded = true,
                op if PASSING.contains(&op) => {}
                _ => return None,
            }
            value = node.input(0)?;
        }
        let tensor = found?;
        if expanded {
            let number = tensor.scalar()?;
            return Some(TensorView { payload: Payload::Splat(number), ..tensor });
        }
        Some(tensor)
    }

    /// The convolution of a `Conv` node with the BatchNorm behind it; `None` when its weight is computed.
    pub fn convolution(&self, node: &Node<'a>) -> Option<Convolution<'a>> {
        let weight = self.constant(node.input(1)?)?;
        let bias = match node.input(2) {
            Some(name) => Some(self.constant(name)?),
            None => None,
        };
        let norm = match node.output().and_then(|output| self.norm_behind(output)) {
            Some(norm) => Some(self.batch_norm(norm)?),
            None => None,
        };
        let ints = |name: &str, default: &[i64]| match node.attribute(name) {
            // No list of numbers: no convolution of a known network has none, so it is refused.
            Some(attribute) => attribute.ints().unwrap_or_default(),
            None => default.to_vec(),
        };
        let attributes = ConvAttributes {
            strides: ints("strides", &[1, 1]),
            pads: match node.attribute("auto_pad").map(|attribute| attribute.text()) {
                None | Some(Some("NOTSET" | "")) => ints("pads", &[0; 4]),
                Some(Some("VALID")) => vec![0; 4],
                // The padding then depends on the input's size, or on what is not known here: no list of numbers says it.
                Some(_) => Vec::new(),
            },
            dilations: ints("dilations", &[1, 1]),
            group: match node.attribute("group") {
                Some(attribute) => attribute.int()?,
                None => 1,
            },
        };
        Some(Convolution { weight, bias, norm, attributes: Some(attributes) })
    }

    /// The BatchNorm that is alone in reading `value`.
    pub fn norm_behind(&self, value: &str) -> Option<&'m Node<'a>> {
        match self.readers(value).as_slice() {
            [node] if node.op_type == "BatchNormalization" => Some(node),
            _ => None,
        }
    }

    /// The BatchNorm whose activated output `node` reads.
    pub fn norm_in_front(&self, node: &Node<'a>) -> Option<BatchNorm<'a>> {
        let made_by = |value: &'a str, op: &str| {
            self.producers.get(self.origin(value)).copied().filter(|node| node.op_type == op)
        };
        let relu = made_by(node.input(0)?, "Relu")?;
        self.batch_norm(made_by(relu.input(0)?, "BatchNormalization")?)
    }

    /// Whether an average pool of 2x2, stride 2, without padding, is alone in reading what `conv` gives.
    pub fn is_halved(&self, conv: &Node<'a>) -> bool {
        let [pool] = self.readers(conv.output().unwrap_or_default())[..] else { return false };
        let ints = |name: &str| pool.attribute(name).and_then(Attribute::ints);
        let is_zero = |name: &str| pool.attribute(name).is_none_or(|attribute| attribute.int() == Some(0));
        let is_unpadded =
            pool.attribute("auto_pad").is_none_or(|attribute| matches!(attribute.text(), Some("NOTSET" | "VALID")));
        pool.op_type == "AveragePool"
            && ints("kernel_shape") == Some(vec![2, 2])
            && ints("strides") == Some(vec![2, 2])
            && ints("pads").is_none_or(|pads| pads == [0; 4])
            && is_unpadded
            && is_zero("ceil_mode")
    }

    /// The first operator behind a convolution and its BatchNorm that no ResNet has there.
    pub fn stranger_behind(&self, conv: &Node<'a>) -> Option<&'a str> {
        let value = conv.output()?;
        let value = self.norm_behind(value).and_then(Node::output).unwrap_or(value);
        let strange = |node: &&Node<'a>| !matches!(node.op_type, "Relu" | "Add");
        self.readers(value).into_iter().find(strange).map(|node| node.op_type)
    }

    fn batch_norm(&self, node: &Node<'a>) -> Option<BatchNorm<'a>> {
        let constant = |index| node.input(index).and_then(|name| self.constant(name));
        Some(BatchNorm {
            weight: constant(1)?,
            bias: constant(2)?,
            mean: constant(3)?,
            variance: constant(4)?,
            epsilon: match node.attribute("epsilon") {
                Some(attribute) => widen(attribute.float()?),
                None => DEFAULT_EPSILON,
            },
        })
    }
}

/// An epsilon stored as `f32` is meant as the short decimal it was written from: 1e-5 rather than 9.99999974e-6.
fn widen(epsilon: f32) -> f64 {
    epsilon.to_string().parse().unwrap_or(f64::from(epsilon))
}
