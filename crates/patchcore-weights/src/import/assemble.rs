//! The last step of every import: named convolutions against the architecture, then decoding and folding.

use std::collections::BTreeMap;

use super::architecture::{Architecture, ConvSpec, same_shape};
use super::error::WeightsError;
use super::fold::{ConvAttributes, Convolution, FoldedTensor, FoldedTensors};
use super::tensor_view::TensorView;

/// Checks named convolutions against `architecture` and gives the folded tensors.
///
/// `found` maps torchvision's names (`layer1.0.conv1`) to convolutions. `layer4` may be absent as a whole; if any of
/// it is there, all of it must be. Cost: the size of the weights, in time and in memory.
///
/// # Errors
///
/// Any of the tensor variants of [`WeightsError`]; what is wrong with the architecture is reported before what is
/// wrong with single values.
pub fn assemble(
    architecture: &Architecture,
    file: &str,
    found: &BTreeMap<String, Convolution<'_>>,
) -> Result<FoldedTensors, WeightsError> {
    let specs = architecture.convolutions();
    let context = Context { architecture, file, found };
    for spec in specs.iter().filter(|spec| spec.stage < 4) {
        context.present(spec)?;
    }
    if let Some(name) = found.keys().find(|name| !specs.iter().any(|spec| spec.name == **name)) {
        return Err(WeightsError::UnexpectedTensor {
            file: file.into(),
            tensor: format!("{name}.weight"),
            backbone: architecture.name.into(),
            hint: context.hint().into(),
        });
    }
    let last = if found.keys().any(|name| name.starts_with("layer4.")) { 4 } else { 3 };
    let mut tensors = FoldedTensors::new();
    for spec in specs.iter().filter(|spec| spec.stage <= last) {
        let convolution = context.present(spec)?;
        let (weight, bias) = context.folded(spec, convolution)?;
        tensors.insert(format!("{}.weight", spec.name), weight);
        tensors.insert(format!("{}.bias", spec.name), bias);
    }
    Ok(tensors)
}

/// What every check needs for its message.
struct Context<'a> {
    architecture: &'a Architecture,
    file: &'a str,
    found: &'a BTreeMap<String, Convolution<'a>>,
}

impl<'a> Context<'a> {
    fn present(&self, spec: &ConvSpec) -> Result<&'a Convolution<'a>, WeightsError> {
        let weight = format!("{}.weight", spec.name);
        let convolution =
            self.found.get(&spec.name).ok_or_else(|| self.missing(weight.clone(), spec.shape.to_vec()))?;
        self.shape(&weight, &convolution.weight, &spec.shape)?;
        if let Some(attributes) = &convolution.attributes {
            self.attributes(spec, attributes)?;
        }
        Ok(convolution)
    }

    fn folded(&self, spec: &ConvSpec, from: &Convolution<'_>) -> Result<(FoldedTensor, FoldedTensor), WeightsError> {
        let [channels, ..] = spec.shape;
        if let Some(bias) = &from.bias {
            self.shape(&format!("{}.bias", spec.name), bias, &[channels])?;
        } else if from.norm.is_none() {
            return Err(self.missing(format!("{}.bias", spec.name), vec![channels]));
        }
        from.fold(self.file, &spec.name, &spec.shape)
    }

    fn shape(&self, name: &str, view: &TensorView<'_>, expected: &[usize]) -> Result<(), WeightsError> {
        if matches!(view.payload, super::tensor_view::Payload::Splat(_)) || same_shape(&view.dims, expected) {
            return Ok(());
        }
        Err(WeightsError::Shape {
            file: self.file.into(),
            tensor: name.into(),
            backbone: self.architecture.name.into(),
            expected: expected.into(),
            found: view.dims.as_slice().into(),
            hint: self.hint().into(),
        })
    }

    fn attributes(&self, spec: &ConvSpec, found: &ConvAttributes) -> Result<(), WeightsError> {
        let (stride, padding) = (spec.stride as i64, spec.padding() as i64);
        let checks = [
            ("strides", vec![stride; 2], found.strides.clone()),
            ("pads", vec![padding; 4], found.pads.clone()),
            ("dilations", vec![1; 2], found.dilations.clone()),
            ("group", vec![1], vec![found.group]),
        ];
        for (attribute, expected, found) in checks {
            if expected != found {
                return Err(WeightsError::Layer {
                    file: self.file.into(),
                    layer: spec.name.clone(),
                    backbone: self.architecture.name.into(),
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
            backbone: self.architecture.name.into(),
            expected: expected.into(),
            hint: self.hint().into(),
        }
    }

    fn hint(&self) -> String {
        let found: Vec<_> =
            self.found.iter().map(|(name, conv)| (name.as_str(), conv.weight.dims.as_slice())).collect();
        match Architecture::guess(&found) {
            Some(name) => format!("; the file looks like {name}"),
            None => String::new(),
        }
    }
}
