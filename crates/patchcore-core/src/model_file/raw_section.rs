//! A section of a model file before it is understood.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::tensor::{Tensor, Tensors};
use crate::error::{ModelFileError, malformed};

/// A section as the file holds it: JSON in the header, and tensors `section.NAME.TENSOR`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Section {
    pub json: Value,
    pub tensors: Tensors,
}

impl Section {
    pub fn of(value: &impl Serialize) -> Result<Self, ModelFileError> {
        Ok(Self { json: serde_json::to_value(value).map_err(malformed)?, tensors: Tensors::new() })
    }

    pub fn tensor(&self, name: &str) -> Result<&Tensor, ModelFileError> {
        self.tensors.get(name).ok_or_else(|| malformed(format!("a section without its tensor `{name}`")))
    }
}

/// Sections by name.
pub(super) type RawSections = BTreeMap<String, Section>;
