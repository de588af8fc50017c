//! An application's own network, on the host of whatever engine: its maps are checked before they are used.

use std::sync::Arc;

use patchcore_config::Normalization;

use super::interface::EmbeddingSpec;
use crate::backbone::{Backbone, Level, LevelMap};
use crate::error::{BackboneError, EngineError};
use crate::image_input::ImageInput;

/// A network that computes for itself, and the normalisation before it.
#[derive(Debug)]
pub(super) struct OwnBackbone {
    backbone: Arc<dyn Backbone>,
    normalization: Normalization,
}

impl OwnBackbone {
    pub(super) fn new(backbone: Arc<dyn Backbone>, normalization: Normalization) -> Self {
        Self { backbone, normalization }
    }

    /// Input pixels per cell of a level that the network has; 1 of any other.
    pub(super) fn stride(&self, level: usize) -> usize {
        self.backbone.levels().get(level).map_or(1, |level| level.stride)
    }

    /// The maps of all levels for one photo. `planes` is a buffer that is used again.
    ///
    /// # Errors
    /// Those of the network, and [`BackboneError::WrongMap`] for maps that are not those of its levels.
    pub(super) fn maps(&self, image: ImageInput<'_>, planes: &mut Vec<f32>) -> Result<Vec<LevelMap>, EngineError> {
        planes.clear();
        image.push_normalized(&self.normalization, planes);
        let maps = self.backbone.forward(planes, image.height, image.width)?;
        check_maps(self.backbone.as_ref(), &maps, image.height, image.width)?;
        Ok(maps)
    }
}

/// The maps of a network for an input of such a size must be those of its levels.
fn check_maps(backbone: &dyn Backbone, maps: &[LevelMap], height: usize, width: usize) -> Result<(), BackboneError> {
    let wrong = |level: String, expected: Vec<usize>, found: Vec<usize>| BackboneError::WrongMap {
        backbone: backbone.name().into(),
        level: level.into(),
        expected,
        found,
    };
    let levels = backbone.levels();
    if maps.len() != levels.len() {
        return Err(wrong("all levels".to_owned(), vec![levels.len()], vec![maps.len()]));
    }
    for (level, map) in levels.iter().zip(maps) {
        let expected = vec![level.channels, height.div_ceil(level.stride), width.div_ceil(level.stride)];
        let found = vec![map.channels, map.height, map.width];
        if expected != found {
            return Err(wrong(level.name.clone(), expected, found));
        }
        if map.values.len() != expected.iter().product::<usize>() {
            return Err(wrong(level.name.clone(), expected, vec![map.values.len()]));
        }
    }
    Ok(())
}

/// The levels that an embedding is made of.
///
/// # Errors
/// [`BackboneError::NoLevel`] for an index that the network does not have.
pub(super) fn levels_of<'a>(backbone: &'a dyn Backbone, spec: &EmbeddingSpec) -> Result<Vec<&'a Level>, EngineError> {
    let levels = backbone.levels();
    let level = |index: &usize| {
        let missing = || BackboneError::NoLevel {
            backbone: backbone.name().to_owned(),
            level: format!("number {index}"),
            levels: levels.iter().map(|level| level.name.as_str()).collect::<Vec<_>>().join(", "),
        };
        levels.get(*index).ok_or_else(missing)
    };
    Ok(spec.levels.iter().map(level).collect::<Result<_, _>>()?)
}
