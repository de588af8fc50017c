//! The CPU by this project's own kernels: an adapter of `patchcore-cpu`.

use std::fmt;
use std::sync::Arc;

use patchcore_config::{Grid, Normalization};
use patchcore_cpu::ScratchPool;
use patchcore_cpu::embedding::{CpuEmbedding, EmbeddingScratch};
use patchcore_cpu::map::{Banded, grow_map};
use patchcore_cpu::network::grey_stem::push_grey_planes;
use patchcore_cpu::network::reduced::{ReducedNetwork, ReducedWorkspace};
use patchcore_cpu::network::{CpuNetwork, CpuNetworkError, FeatureMap, MapLayout, Workspace};
use patchcore_cpu::search::{CpuBank, Workspace as SearchWorkspace};

use super::interface::{Embedded, EmbeddingSpec, Engine, Features, Grower, Index, MapSpec};
use super::own_backbone::{OwnBackbone, levels_of};
use crate::backbone::{Backbone, Reduction};
use crate::coreset::{RandomProjection, SelectionStopped};
use crate::device::{ComputeDevice, Instructions};
use crate::error::{DeviceError, EngineError};
use crate::image_input::ImageInput;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::Neighbor;
use crate::scoring::axis_matrices;

/// What an error of the device says was being done.
const OPERATION: &str = "feature extraction";

/// The CPU's own kernels, with the vector instructions that the device may use.
#[derive(Debug, Clone)]
pub struct Cpu {
    device: ComputeDevice,
    instructions: Instructions,
}

impl Cpu {
    /// The engine of a device; [`super::engine_of`] chooses.
    pub(super) fn new(device: ComputeDevice, instructions: Instructions) -> Self {
        Self { device, instructions }
    }
}

impl Engine for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn features(
        &self,
        backbone: &Arc<dyn Backbone>,
        normalization: &Normalization,
        embeddings: &[EmbeddingSpec],
    ) -> Result<Arc<dyn Features>, EngineError> {
        let embeddings = embeddings.iter().map(|spec| {
            let levels = levels_of(backbone.as_ref(), spec)?;
            let (channels, strides): (Vec<usize>, Vec<usize>) =
                levels.iter().map(|level| (level.channels, level.stride)).unzip();
            let embedding = CpuEmbedding::new(spec.rule, spec.patch_size, &channels).on_grid_of(spec.grid, &strides);
            Ok((spec.levels.clone(), embedding))
        });
        let embeddings = embeddings.collect::<Result<Vec<_>, EngineError>>()?;
        let not_made = |error| match error {
            CpuNetworkError::Unsupported { step } => {
                EngineError::Lacks { engine: self.name(), operation: format!("the convolution `{step}`") }
            }
            other => self.device.failed(OPERATION, other).into(),
        };
        let (normalization, device) = (*normalization, self.device.clone());
        let network: Box<dyn Network> = match (backbone.plan(), backbone.reduction()) {
            (Some((plan, weights)), None) => {
                let network = CpuNetwork::for_photos(self.instructions, plan, weights, &normalization);
                Box::new(Planned { network: network.map_err(not_made)?, normalization, device })
            }
            (Some((plan, weights)), Some(reduction)) => {
                let network = match reduction {
                    Reduction::Bf16 => ReducedNetwork::bf16(self.instructions, plan, weights),
                    Reduction::Int8 { ranges } => ReducedNetwork::int8(self.instructions, plan, weights, ranges),
                };
                Box::new(Reduced { network: network.map_err(not_made)?, normalization, device })
            }
            (None, _) => Box::new(OwnBackbone::new(Arc::clone(backbone), normalization)),
        };
        Ok(Arc::new(CpuFeatures { network, embeddings, workspaces: ScratchPool::default() }))
    }

    fn index(&self, bank: &MemoryBank) -> Result<Arc<dyn Index>, DeviceError> {
        let search = CpuBank::new(bank.rows(), bank.dim(), self.instructions);
        Ok(Arc::new(CpuIndex { bank: bank.clone(), search, scratch: ScratchPool::default() }))
    }

    fn grower(&self, map: MapSpec) -> Result<Arc<dyn Grower>, DeviceError> {
        let [vertical, horizontal] = axis_matrices(&map);
        Ok(Arc::new(CpuGrower { grid: map.grid, vertical, horizontal }))
    }

    fn project(&self, projection: &RandomProjection, rows: &[f32]) -> Result<Vec<f32>, DeviceError> {
        Ok(patchcore_cpu::coreset::project(rows, projection.matrix(), projection.dim(), projection.projected_dim()))
    }

    fn select(
        &self,
        features: &[f32],
        dim: usize,
        initial: &[f32],
        count: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<usize>, SelectionStopped> {
        let picks = patchcore_cpu::coreset::greedy_k_center(features, dim, initial, count, self.instructions, progress);
        let picks = picks.ok_or(SelectionStopped::Cancelled)?;
        Ok(picks.into_iter().map(|row| row as usize).collect())
    }

    /// One: the kernels take one photo at a time, with all threads.
    fn preferred_batch(&self, _: u64, _: u64) -> usize {
        1
    }
}

/// Buffers of a photo, kept for the next one.
#[derive(Default)]
pub(super) struct Photo {
    workspace: Workspace,
    reduced: ReducedWorkspace,
    planes: Vec<f32>,
    /// Channels-last maps of all levels.
    pub(super) maps: Vec<FeatureMap>,
}

/// A photo to channels-last maps of all levels.
pub(super) trait Network: fmt::Debug + Send + Sync {
    fn forward(&self, image: ImageInput<'_>, photo: &mut Photo) -> Result<(), EngineError>;
}

/// A plan by the CPU's kernels.
struct Planned {
    network: CpuNetwork,
    normalization: Normalization,
    device: ComputeDevice,
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planned").finish_non_exhaustive()
    }
}

impl Network for Planned {
    fn forward(&self, image: ImageInput<'_>, photo: &mut Photo) -> Result<(), EngineError> {
        let Photo { workspace, planes, maps, .. } = photo;
        planes.clear();
        if image.is_grey() && self.network.reads_grey() {
            push_grey_planes(&self.normalization, image.pixels, planes);
        } else {
            image.push_normalized(&self.normalization, planes);
        }
        let forward =
            self.network.forward(planes, 1, image.height, image.width, MapLayout::ChannelsLast, workspace, maps);
        forward.map_err(|error| self.device.failed(OPERATION, error).into())
    }
}

/// A plan in fewer bits by the CPU's kernels.
struct Reduced {
    network: ReducedNetwork,
    normalization: Normalization,
    device: ComputeDevice,
}

impl fmt::Debug for Reduced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reduced").finish_non_exhaustive()
    }
}

impl Network for Reduced {
    fn forward(&self, image: ImageInput<'_>, photo: &mut Photo) -> Result<(), EngineError> {
        let Photo { reduced, planes, maps, .. } = photo;
        planes.clear();
        image.push_normalized(&self.normalization, planes);
        let forward = self.network.forward(planes, 1, image.height, image.width, reduced, maps);
        forward.map_err(|error| self.device.failed(OPERATION, error).into())
    }
}

impl Network for OwnBackbone {
    fn forward(&self, image: ImageInput<'_>, photo: &mut Photo) -> Result<(), EngineError> {
        let levels = self.maps(image, &mut photo.planes)?;
        photo.maps.resize_with(levels.len(), FeatureMap::default);
        for (map, level) in photo.maps.iter_mut().zip(levels) {
            let cells = level.height * level.width;
            map.data.clear();
            map.data.resize(level.values.len(), 0.0);
            for (channel, plane) in level.values.chunks_exact(cells).enumerate() {
                for (place, value) in map.data.iter_mut().skip(channel).step_by(level.channels).zip(plane) {
                    *place = *value;
                }
            }
            (map.channels, map.height, map.width) = (level.channels, level.height, level.width);
            map.layout = MapLayout::ChannelsLast;
        }
        Ok(())
    }
}

#[derive(Default)]
struct CpuWorkspace {
    photo: Photo,
    embedding: EmbeddingScratch,
    rows: Vec<f32>,
}

struct CpuFeatures {
    network: Box<dyn Network>,
    /// The levels of each embedding, and its tables.
    embeddings: Vec<(Vec<usize>, CpuEmbedding)>,
    workspaces: ScratchPool<CpuWorkspace>,
}

impl fmt::Debug for CpuFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CpuFeatures").field("network", &self.network).finish_non_exhaustive()
    }
}

impl Features for CpuFeatures {
    fn embed(&self, images: &[ImageInput<'_>], use_rows: &mut dyn FnMut(Embedded<'_>)) -> Result<(), EngineError> {
        self.workspaces.with(|workspace| {
            let CpuWorkspace { photo, embedding: scratch, rows } = workspace;
            for (index, image) in images.iter().enumerate() {
                self.network.forward(*image, photo)?;
                for (number, (levels, embedding)) in self.embeddings.iter().enumerate() {
                    // The levels of an embedding were checked against the network's.
                    let grid = embedding.forward_into(&photo.maps, levels, scratch, rows);
                    use_rows(Embedded { image: index, embedding: number, rows, grid });
                }
            }
            Ok(())
        })
    }
}

struct CpuIndex {
    bank: MemoryBank,
    search: CpuBank,
    scratch: ScratchPool<SearchScratch>,
}

#[derive(Default)]
struct SearchScratch {
    workspace: SearchWorkspace,
    rows: Vec<u32>,
    squared: Vec<f32>,
    pairs: Vec<(u32, f32)>,
}

impl fmt::Debug for CpuIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CpuIndex").finish_non_exhaustive()
    }
}

impl Index for CpuIndex {
    fn of_some(&self, bank: &MemoryBank) -> Result<Option<Arc<dyn Index>>, DeviceError> {
        let search = self.search.of_some(bank.rows());
        Ok(Some(Arc::new(Self { bank: bank.clone(), search, scratch: ScratchPool::default() })))
    }

    fn nearest(&self, queries: &[f32], neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        let n = queries.len() / self.bank.dim();
        neighbors.clear();
        self.scratch.with(|scratch| {
            let SearchScratch { workspace, rows, squared, .. } = scratch;
            rows.resize(n, 0);
            squared.resize(n, 0.0);
            self.search.nearest(self.bank.rows(), queries, rows, squared, workspace);
            let found = rows.iter().zip(squared);
            neighbors.extend(found.map(|(row, squared)| Neighbor { row: *row, squared_distance: *squared }));
        });
        Ok(())
    }

    fn k_nearest(&self, query: &[f32], k: usize, neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        neighbors.clear();
        self.scratch.with(|scratch| {
            let SearchScratch { workspace, pairs, .. } = scratch;
            self.search.k_nearest_into(self.bank.rows(), query, k, workspace, pairs);
            neighbors.extend(pairs.iter().map(|(row, squared)| Neighbor { row: *row, squared_distance: *squared }));
        });
        Ok(())
    }
}

/// Two matrices: `map = vertical [height, grid rows] x scores x horizontal [grid columns, width]`.
#[derive(Debug)]
struct CpuGrower {
    grid: Grid,
    vertical: Banded,
    horizontal: Banded,
}

impl Grower for CpuGrower {
    fn grow(&self, patch_scores: &[f32], map: &mut Vec<f32>) -> Result<(), DeviceError> {
        grow_map(patch_scores, self.grid, &self.vertical, &self.horizontal, map);
        Ok(())
    }
}
