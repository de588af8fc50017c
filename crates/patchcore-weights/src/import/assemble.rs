//! The last step of every import: what was found under the plan's names against the plan, then decoding and folding.

use patchcore_config::backbone::plan::{ConvStep, Padding, Step};
use patchcore_config::{BackboneWeights, NamedTensor};

use super::error::WeightsError;
use super::fold::{ConvAttributes, Convolution};
use super::found::{Found, Prologue};
use super::tensor_view::{Payload, TensorView};
use super::trunk::{Trunk, same_shape};

/// Checks what was found against the plan of `trunk` and gives the folded tensors.
///
/// A level behind the default ones (`layer4`) may be absent as a whole; if any convolution of it is there, all of it must be. Cost: the
/// size of the weights, in time and in memory.
///
/// # Errors
///
/// Any of the tensor variants of [`WeightsError`]; what is wrong with the architecture is reported before what is
/// wrong with single values.
pub fn assemble(trunk: &Trunk, file: &str, found: &Found<'_>) -> Result<BackboneWeights, WeightsError> {
    let context = Context { trunk, file, found };
    for step in trunk.needed() {
        context.check(step)?;
    }
    let is_known = |name: &String| trunk.plan.convolutions().any(|conv| conv.name == *name);
    if let Some(name) = found.convolutions.keys().find(|name| !is_known(name)) {
        return Err(WeightsError::UnexpectedTensor {
            file: file.into(),
            tensor: format!("{name}.weight"),
            backbone: trunk.name.into(),
            hint: context.hint().into(),
        });
    }
    let mut weights = BackboneWeights::default();
    let mut add = |name: String, tensor: NamedTensor| weights.tensors.insert(name, tensor);
    let is_there =
        |steps: &&[Step]| steps.iter().filter_map(Step::conv).any(|conv| found.convolutions.contains_key(&conv.name));
    for step in trunk.parts().take_while(is_there).flatten() {
        context.check(step)?;
        if let Some(conv) = step.conv() {
            let (weight, bias) = context.folded(conv, context.convolution(conv)?)?;
            add(conv.weight_name(), weight);
            add(conv.bias_name(), bias);
        }
        if let Some(channels) = step.prologue() {
            let (scale, shift) = context.prologue(step, channels)?.decode(file, step.name(), channels)?;
            add(step.scale_name(), scale);
            add(step.shift_name(), shift);
        }
    }
    Ok(weights)
}

/// What every check needs for its message.
struct Context<'a> {
    trunk: &'a Trunk,
    file: &'a str,
    found: &'a Found<'a>,
}

impl<'a> Context<'a> {
    /// That the tensors of a step are there, and look as it needs them.
    fn check(&self, step: &Step) -> Result<(), WeightsError> {
        if let Some(conv) = step.conv() {
            self.convolution(conv)?;
        }
        match step.prologue() {
            Some(channels) => self.prologue(step, channels).map(|_| ()),
            None => Ok(()),
        }
    }

    fn convolution(&self, conv: &ConvStep) -> Result<&'a Convolution<'a>, WeightsError> {
        let (weight, shape) = (conv.weight_name(), conv.weight_shape());
        let found = self.found.convolutions.get(&conv.name);
        let convolution = found.ok_or_else(|| self.missing(weight.clone(), shape.to_vec()))?;
        self.shape(&weight, &convolution.weight, &shape)?;
        if let Some(attributes) = &convolution.attributes {
            self.attributes(conv, attributes)?;
        }
        Ok(convolution)
    }

    fn prologue(&self, step: &Step, channels: usize) -> Result<&'a Prologue<'a>, WeightsError> {
        let absent = || {
            // As the publisher calls it, for few files have our names.
            let norms = self.trunk.spellings.iter().flat_map(|spelling| spelling.norms_in_front());
            let norm = norms.into_iter().find(|(name, _)| *name == step.name());
            let name = norm.map_or_else(|| step.scale_name(), |(_, norm)| format!("{norm}.weight"));
            self.missing(name, vec![channels])
        };
        let prologue = self.found.prologues.get(step.name()).ok_or_else(absent)?;
        for view in prologue.tensors() {
            self.shape(&view.name, view, &[channels])?;
        }
        Ok(prologue)
    }

    fn folded(&self, conv: &ConvStep, from: &Convolution<'_>) -> Result<(NamedTensor, NamedTensor), WeightsError> {
        if let Some(bias) = &from.bias {
            self.shape(&conv.bias_name(), bias, &[conv.out_channels])?;
        } else if from.norm.is_none() && !self.trunk.has_no_bias(conv) {
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
