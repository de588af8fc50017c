//! An engine for tests: the oracle with an error in one operation, which the suite must find.

use std::sync::Arc;

use patchcore_config::Normalization;

use super::interface::{Embedded, EmbeddingSpec, Engine, Features, Grower, Index, MapSpec};
use super::oracle::Oracle;
use crate::backbone::Backbone;
use crate::coreset::{RandomProjection, SelectionStopped};
use crate::error::{DeviceError, EngineError};
use crate::image_input::ImageInput;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::Neighbor;

/// The oracle with an error in one operation.
#[derive(Debug)]
pub(super) struct Faulty(pub(super) &'static str);

#[derive(Debug)]
struct FaultyPart<T: ?Sized>(&'static str, Arc<T>);

impl Engine for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn features(
        &self,
        backbone: &Arc<dyn Backbone>,
        normalization: &Normalization,
        embeddings: &[EmbeddingSpec],
    ) -> Result<Arc<dyn Features>, EngineError> {
        Ok(Arc::new(FaultyPart(self.0, Oracle.features(backbone, normalization, embeddings)?)))
    }

    fn index(&self, bank: &MemoryBank) -> Result<Arc<dyn Index>, DeviceError> {
        Ok(Arc::new(FaultyPart(self.0, Oracle.index(bank)?)))
    }

    fn grower(&self, map: MapSpec) -> Result<Arc<dyn Grower>, DeviceError> {
        Ok(Arc::new(FaultyPart(self.0, Oracle.grower(map)?)))
    }

    fn project(&self, projection: &RandomProjection, rows: &[f32]) -> Result<Vec<f32>, DeviceError> {
        let mut projected = Oracle.project(projection, rows)?;
        if self.0 == "project" {
            projected[3] += 1e-3;
        }
        Ok(projected)
    }

    fn select(
        &self,
        features: &[f32],
        dim: usize,
        initial: &[f32],
        count: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<usize>, SelectionStopped> {
        let mut picks = Oracle.select(features, dim, initial, count, progress)?;
        if self.0 == "select" && picks.len() > 2 {
            picks.swap(1, 2);
        }
        Ok(picks)
    }

    fn preferred_batch(&self, _: u64, _: u64) -> usize {
        1
    }
}

impl Features for FaultyPart<dyn Features> {
    fn embed(&self, images: &[ImageInput<'_>], use_rows: &mut dyn FnMut(Embedded<'_>)) -> Result<(), EngineError> {
        self.1.embed(images, &mut |embedded| {
            let mut rows = embedded.rows.to_vec();
            if self.0 == "features" && embedded.embedding == 2 {
                rows[0] *= 1.01;
                rows[0] += 0.01;
            }
            use_rows(Embedded { rows: &rows, ..embedded });
        })
    }
}

impl Index for FaultyPart<dyn Index> {
    fn nearest(&self, queries: &[f32], neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        self.1.nearest(queries, neighbors)?;
        if self.0 == "nearest" {
            neighbors[0].squared_distance *= 1.0001;
        }
        Ok(())
    }

    fn k_nearest(&self, query: &[f32], k: usize, neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        self.1.k_nearest(query, k, neighbors)?;
        if self.0 == "k nearest" {
            neighbors.reverse();
        }
        Ok(())
    }
}

impl Grower for FaultyPart<dyn Grower> {
    fn grow(&self, patch_scores: &[f32], map: &mut Vec<f32>) -> Result<(), DeviceError> {
        self.1.grow(patch_scores, map)?;
        if self.0 == "grow" {
            map[0] *= 1.001;
        }
        Ok(())
    }
}
