//! The definitions taken literally: slow, obvious, in f64. What every other engine is held equal to.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

use std::sync::Arc;

use patchcore_config::{EmbeddingRule, Normalization};

use super::interface::{Embedded, EmbeddingSpec, Engine, Features, Grower, Index, MapSpec};
use super::own_backbone::{OwnBackbone, levels_of};
use crate::backbone::{Backbone, LevelMap};
use crate::coreset::oracle::plain_greedy;
use crate::coreset::{RandomProjection, SelectionStopped};
use crate::error::{DeviceError, EngineError};
use crate::image_input::ImageInput;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::Neighbor;
use crate::nearest_neighbor::oracle::all_by_distance;
use crate::patch_embedding::oracle::{Map, adaptive_pool_embedding, averaged, concatenated_embedding};
use crate::scoring::oracle::literal_map;

/// Every operation as its definition reads, for tests and for what no other engine can run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Oracle;

impl Engine for Oracle {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn features(
        &self,
        backbone: &Arc<dyn Backbone>,
        normalization: &Normalization,
        embeddings: &[EmbeddingSpec],
    ) -> Result<Arc<dyn Features>, EngineError> {
        for spec in embeddings {
            levels_of(backbone.as_ref(), spec)?;
        }
        let network = OwnBackbone::new(Arc::clone(backbone), *normalization);
        Ok(Arc::new(OracleFeatures { network, embeddings: embeddings.to_vec() }))
    }

    fn index(&self, bank: &MemoryBank) -> Result<Arc<dyn Index>, DeviceError> {
        Ok(Arc::new(OracleIndex(bank.clone())))
    }

    fn grower(&self, map: MapSpec) -> Result<Arc<dyn Grower>, DeviceError> {
        Ok(Arc::new(OracleGrower(map)))
    }

    fn project(&self, projection: &RandomProjection, rows: &[f32]) -> Result<Vec<f32>, DeviceError> {
        let (matrix, width) = (projection.matrix(), projection.projected_dim());
        let project = |row: &[f32], column: usize| {
            let terms = row
                .iter()
                .enumerate()
                .map(|(axis, value)| f64::from(*value) * f64::from(matrix[axis * width + column]));
            terms.sum::<f64>() as f32
        };
        let rows = rows.chunks_exact(projection.dim());
        Ok(rows.flat_map(|row| (0..width).map(move |column| project(row, column))).collect())
    }

    fn select(
        &self,
        features: &[f32],
        dim: usize,
        initial: &[f32],
        count: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<usize>, SelectionStopped> {
        if !progress(0) {
            return Err(SelectionStopped::Cancelled);
        }
        let picks = plain_greedy(features, dim, initial, count);
        progress(picks.len());
        Ok(picks)
    }

    fn preferred_batch(&self, _: u64, _: u64) -> usize {
        1
    }
}

#[derive(Debug)]
struct OracleFeatures {
    network: OwnBackbone,
    embeddings: Vec<EmbeddingSpec>,
}

impl Features for OracleFeatures {
    fn embed(&self, images: &[ImageInput<'_>], use_rows: &mut dyn FnMut(Embedded<'_>)) -> Result<(), EngineError> {
        for (index, image) in images.iter().enumerate() {
            let maps = self.network.maps(*image, &mut Vec::new())?;
            for (number, spec) in self.embeddings.iter().enumerate() {
                let strides: Vec<usize> = spec.levels.iter().map(|level| self.network.stride(*level)).collect();
                let on_grid = widened(&maps[spec.levels[spec.grid]]);
                let level = |(level, stride): (&usize, &usize)| match strides[spec.grid] / stride {
                    0 | 1 => widened(&maps[*level]),
                    ratio => averaged(&widened(&maps[*level]), &on_grid, ratio),
                };
                let levels: Vec<Map> = spec.levels.iter().zip(&strides).map(level).collect();
                let grid = (on_grid.height, on_grid.width);
                let rows = match spec.rule {
                    EmbeddingRule::AdaptivePool { pretrain_embed_dimension, target_embed_dimension } => {
                        adaptive_pool_embedding(
                            &levels,
                            grid,
                            spec.patch_size,
                            pretrain_embed_dimension,
                            target_embed_dimension,
                        )
                    }
                    EmbeddingRule::Concatenate => concatenated_embedding(&levels, grid, spec.patch_size),
                };
                let rows: Vec<f32> = rows.concat().into_iter().map(|value| value as f32).collect();
                let grid = patchcore_config::Grid { rows: grid.0, columns: grid.1 };
                use_rows(Embedded { image: index, embedding: number, rows: &rows, grid });
            }
        }
        Ok(())
    }
}

fn widened(map: &LevelMap) -> Map {
    let data = map.values.iter().map(|value| f64::from(*value)).collect();
    Map { channels: map.channels, height: map.height, width: map.width, data }
}

#[derive(Debug)]
struct OracleIndex(MemoryBank);

impl Index for OracleIndex {
    fn nearest(&self, queries: &[f32], neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        neighbors.clear();
        for query in queries.chunks_exact(self.0.dim()) {
            let (row, squared) = all_by_distance(query, self.0.rows())[0];
            neighbors.push(Neighbor { row, squared_distance: squared as f32 });
        }
        Ok(())
    }

    fn k_nearest(&self, query: &[f32], k: usize, neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        neighbors.clear();
        let nearest = all_by_distance(query, self.0.rows()).into_iter().take(k);
        neighbors.extend(nearest.map(|(row, squared)| Neighbor { row, squared_distance: squared as f32 }));
        Ok(())
    }
}

#[derive(Debug)]
struct OracleGrower(MapSpec);

impl Grower for OracleGrower {
    fn grow(&self, patch_scores: &[f32], map: &mut Vec<f32>) -> Result<(), DeviceError> {
        *map = literal_map(patch_scores, &self.0).into_iter().map(|value| value as f32).collect();
        Ok(())
    }
}
