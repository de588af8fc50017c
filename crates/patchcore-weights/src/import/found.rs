//! What has been found in a file, by the plan's names: not decoded, not folded.

use std::collections::BTreeMap;

use patchcore_config::NamedTensor;

use super::error::WeightsError;
use super::fold::{BatchNorm, Convolution, check_finite};
use super::tensor_view::TensorView;

/// The parts of a network that a file holds.
#[derive(Debug, Clone, Default)]
pub struct Found<'a> {
    /// Convolutions, by their step.
    pub convolutions: BTreeMap<String, Convolution<'a>>,
    /// Prologues, by their step.
    pub prologues: BTreeMap<String, Prologue<'a>>,
}

/// A scale and a shift for every channel of a step's input.
#[derive(Debug, Clone)]
pub enum Prologue<'a> {
    /// As the network was trained.
    Norm(BatchNorm<'a>),
    /// As this project stores them.
    Folded {
        /// `[channels]`.
        scale: TensorView<'a>,
        /// `[channels]`.
        shift: TensorView<'a>,
    },
}

impl<'a> Prologue<'a> {
    /// Its tensors with the last part of each name.
    pub fn tensors(&self) -> Vec<&TensorView<'a>> {
        match self {
            Self::Norm(norm) => vec![&norm.weight, &norm.bias, &norm.mean, &norm.variance],
            Self::Folded { scale, shift } => vec![scale, shift],
        }
    }

    /// Scale and shift, decoded and checked to be finite. `step` only serves in messages.
    ///
    /// # Errors
    ///
    /// As [`TensorView::decode`].
    pub fn decode(&self, file: &str, step: &str, channels: usize) -> Result<(NamedTensor, NamedTensor), WeightsError> {
        let (scale, shift) = match self {
            Self::Norm(norm) => norm.scale_and_shift(file, channels)?,
            Self::Folded { scale, shift } => (scale.decode(file, channels)?, shift.decode(file, channels)?),
        };
        check_finite(file, step, [("scale", &scale), ("shift", &shift)])?;
        let tensor = |data| NamedTensor { shape: vec![channels], data };
        Ok((tensor(scale), tensor(shift)))
    }
}
