//! The last step of every import: named convolutions against the network's plan, then decoding and folding.

use std::collections::BTreeMap;

use patchcore_config::backbone::plan::{ConvStep, Padding, Step};
use patchcore_config::{BackboneWeights, NamedTensor};

use super::error::WeightsError;
use super::fold::{ConvAttributes, Convolution};
use super::tensor_view::{Payload, TensorView};
use super::trunk::{Trunk, same_shape};

/// Checks named convolutions against the plan of `trunk` and gives the folded tensors.
///
/// `found` maps the plan's names (`layer1.0.conv1`) to convolutions. A level behind the default ones (`layer4`) may be absent
/// as a whole; if any of it is there, all of it must be. Cost: the size of the weights, in time and in memory.
///
/// # Errors
///
/// Any of the tensor variants of [`WeightsError`]; what is wrong with the architecture is reported before what is
/// wrong with single values.
pub fn assemble(
    trunk: &Trunk,
    file: &str,
    found: &BTreeMap<String, Convolution<'_>>,
) -> Result<BackboneWeights, WeightsError> {
    let context = Context { trunk, file, found };
    for conv in trunk.needed() {
        context.present(conv)?;
    }
    if let Some(name) = found.keys().find(|name| !trunk.plan.convolutions().any(|conv| conv.name == **name)) {
        return Err(WeightsError::UnexpectedTensor {
            file: file.into(),
            tensor: format!("{name}.weight"),
            backbone: trunk.name.into(),
            hint: context.hint().into(),
        });
    }
    let mut weights = BackboneWeights::default();
    let is_there = |steps: &&[Step]| steps.iter().filter_map(Step::conv).any(|conv| found.contains_key(&conv.name));
    for conv in trunk.parts().take_while(is_there).flatten().filter_map(Step::conv) {
        let (weight, bias) = context.folded(conv, context.present(conv)?)?;
        weights.tensors.insert(conv.weight_name(), weight);
        weights.tensors.insert(conv.bias_name(), bias);
    }
    Ok(weights)
}

/// What every check needs for its message.
struct Context<'a> {
    trunk: &'a Trunk,
    file: &'a str,
    found: &'a BTreeMap<String, Convolution<'a>>,
}

impl<'a> Context<'a> {
    fn present(&self, conv: &ConvStep) -> Result<&'a Convolution<'a>, WeightsError> {
        let (weight, shape) = (conv.weight_name(), conv.weight_shape());
        let convolution = self.found.get(&conv.name).ok_or_else(|| self.missing(weight.clone(), shape.to_vec()))?;
        self.shape(&weight, &convolution.weight, &shape)?;
        if let Some(attributes) = &convolution.attributes {
            self.attributes(conv, attributes)?;
        }
        Ok(convolution)
    }

    fn folded(&self, conv: &ConvStep, from: &Convolution<'_>) -> Result<(NamedTensor, NamedTensor), WeightsError> {
        if let Some(bias) = &from.bias {
            self.shape(&conv.bias_name(), bias, &[conv.out_channels])?;
        } else if from.norm.is_none() {
            return Err(self.missing(conv.bias_name(), vec![conv.out_channels]));
        }
        from.fold(self.file, &conv.name, &conv.weight_shape())
    }

    fn shape(&self, name: &str, view: &TensorView<'_>, expected: &[usize]) -> Result<(), WeightsError> {
        if matches!(view.payload, Payload::Splat(_)) || same_shape(&view.dims, expected) {
            return Ok(());
        }
        Err(WeightsError::Shape {
            file: self.file.into(),
            tensor: name.into(),
            backbone: self.trunk.name.into(),
            expected: expected.into(),
            found: view.dims.as_slice().into(),
            hint: self.hint().into(),
        })
    }

    fn attributes(&self, conv: &ConvStep, found: &ConvAttributes) -> Result<(), WeightsError> {
        let pads = match conv.padding {
            Padding::Symmetric(pad) => vec![pad as i64; 4],
            // It depends on the input's size: no list of numbers says it.
            Padding::Same => Vec::new(),
        };
        let checks = [
            ("strides", vec![conv.stride as i64; 2], found.strides.clone()),
            ("pads", pads, found.pads.clone()),
            ("dilations", vec![1; 2], found.dilations.clone()),
            ("group", vec![conv.groups as i64], vec![found.group]),
        ];
        for (attribute, expected, found) in checks {
            if expected != found {
                return Err(WeightsError::Layer {
                    file: self.file.into(),
                    layer: conv.name.clone(),
                    backbone: self.trunk.name.into(),
                    attribute,
                    expected: expected.into(),
                    found: found.into(),
                });
            }
        }
        Ok(())
    }

    fn missing(&self, tensor: String, expected: Vec<usize>) -> WeightsError {
        WeightsError::TensorMissing {
            file: self.file.into(),
            tensor,
            backbone: self.trunk.name.into(),
            expected: expected.into(),
            hint: self.hint().into(),
        }
    }

    fn hint(&self) -> String {
        match Trunk::guess(self.found) {
            Some(name) => format!("; the file looks like {name}"),
            None => String::new(),
        }
    }
}
