//! The six operations of PatchCore that cost time, as one trait.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use patchcore_config::{Border, Distance, EmbeddingRule, Grid, Normalization, PatchCoreConfig, Smoothing, Upsampling};

use super::batch_limit::ReducedBatch;
use crate::backbone::Backbone;
use crate::coreset::{RandomProjection, SelectionStopped};
use crate::error::{DeviceError, EngineError};
use crate::image_input::ImageInput;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::Neighbor;

/// What computes the steps of PatchCore on one device.
///
/// Every engine gives what [`Oracle`](super::Oracle) gives, up to the rounding of its number format.
pub trait Engine: Debug + Send + Sync {
    /// The engine's name, for people.
    fn name(&self) -> &'static str;

    /// Puts a network on the device, with the embeddings that are made of its levels: the network runs once for all of them.
    ///
    /// # Errors
    /// [`EngineError::Lacks`] for a network that this engine cannot run; [`EngineError::Backbone`] and [`EngineError::Device`].
    fn features(
        &self,
        backbone: &Arc<dyn Backbone>,
        normalization: &Normalization,
        embeddings: &[EmbeddingSpec],
    ) -> Result<Arc<dyn Features>, EngineError>;

    /// Puts a bank on the device, ready for queries.
    ///
    /// # Errors
    /// [`DeviceError`] where the device cannot take it.
    fn index(&self, bank: &MemoryBank) -> Result<Arc<dyn Index>, DeviceError>;

    /// Prepares the growth of maps of one size.
    ///
    /// # Errors
    /// [`DeviceError`].
    fn grower(&self, map: MapSpec) -> Result<Arc<dyn Grower>, DeviceError>;

    /// Projects row-major rows `[n, dim]` to `[n, projected_dim]` (paper section 3.2: the projection only chooses).
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    fn project(&self, projection: &RandomProjection, rows: &[f32]) -> Result<Vec<f32>, DeviceError>;

    /// Picks `count` rows of row-major `features` `[n, dim]`, each the one farthest from those before it (paper algorithm 1).
    ///
    /// `initial` holds a squared start distance per row; the first pick is its largest value, equal ones go to the lowest index, and
    /// no row is picked twice. `progress` is told the picks so far and returns false to stop. Callers have checked that `features`
    /// holds as many rows as `initial` has values.
    ///
    /// # Errors
    /// [`SelectionStopped`].
    fn select(
        &self,
        features: &[f32],
        dim: usize,
        initial: &[f32],
        count: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<usize>, SelectionStopped>;

    /// How many photos to compute at once where one takes `bytes_per_image` beside `reserved` bytes; at least 1.
    fn preferred_batch(&self, bytes_per_image: u64, reserved: u64) -> usize;

    /// Takes fewer photos at once from now on, after a batch of `failed` photos did not fit into the device's memory; false where that
    /// cannot be, and the error stands.
    fn halve_batch(&self, _failed: usize, _because: &DeviceError) -> bool {
        false
    }

    /// What has become of the batch by [`Engine::halve_batch`]; `None` where everything fitted.
    fn reduced_batch(&self) -> Option<ReducedBatch> {
        None
    }

    /// Whether [`Engine::whole_photos`] does anything.
    fn takes_whole_photos(&self) -> bool {
        false
    }

    /// Network, search and map of whole photos of one size without the host in between; `None` where the engine does the steps one
    /// by one instead.
    ///
    /// # Errors
    /// [`EngineError`].
    fn whole_photos(
        &self,
        _model: WholeModel<'_>,
        _images: &[ImageInput<'_>],
    ) -> Result<Option<Vec<WholePhoto>>, EngineError> {
        Ok(None)
    }
}

/// What is made of a network's levels: the patch embedding of one member.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingSpec {
    /// Indices of the levels into [`Backbone::levels`], the finest one first.
    pub levels: Vec<usize>,
    /// Which of `levels` has the grid that the rows lie on. Cells of finer levels are averaged onto it, deeper ones mixed bilinearly.
    pub grid: usize,
    /// How a neighbourhood becomes a row.
    pub rule: EmbeddingRule,
    /// Side of the neighbourhood, in cells of each level; odd.
    pub patch_size: usize,
}

/// A network on a device, with its embeddings.
pub trait Features: Any + Debug + Send + Sync {
    /// Embeds photos of one size, which the caller has checked: for every photo, in their order, and for every embedding hands its
    /// rows on. The rows live in a buffer that is used again.
    ///
    /// # Errors
    /// [`EngineError`]; what was handed on before is then of no use.
    fn embed(&self, images: &[ImageInput<'_>], use_rows: &mut dyn FnMut(Embedded<'_>)) -> Result<(), EngineError>;
}

/// Rows of one photo and one embedding.
#[derive(Debug, Clone, Copy)]
pub struct Embedded<'a> {
    /// Which of the photos.
    pub image: usize,
    /// Which of the embeddings.
    pub embedding: usize,
    /// Row-major `[grid cells, dim]`, grid row by row.
    pub rows: &'a [f32],
    /// The patch grid.
    pub grid: Grid,
}

/// A bank on a device.
pub trait Index: Any + Debug + Send + Sync {
    /// The nearest row of every query `[n, dim]`, row-major, written over `neighbors`: equal distances by the lowest row.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    fn nearest(&self, queries: &[f32], neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError>;

    /// The `k` nearest rows of one query, written over `neighbors`: nearest first, equal distances by row.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    fn k_nearest(&self, query: &[f32], k: usize, neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError>;

    /// The index of `bank`, which has some of this one's rows, where it can be had for less than a new one.
    ///
    /// # Errors
    /// [`DeviceError`] where the device cannot take the bank.
    fn of_some(&self, _bank: &MemoryBank) -> Result<Option<Arc<dyn Index>>, DeviceError> {
        Ok(None)
    }

    /// [`Index::k_nearest`] of many queries `[n, dim]` at once, as many neighbours of each, one after the other; `None` from an engine
    /// that takes them one by one.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    fn k_nearest_of_many(&self, _queries: &[f32], _k: usize) -> Result<Option<Vec<Neighbor>>, DeviceError> {
        Ok(None)
    }
}

/// From a grid of patch scores to a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MapSpec {
    /// The grid of patch scores.
    pub grid: Grid,
    /// Rows of the map.
    pub height: usize,
    /// Columns of the map.
    pub width: usize,
    /// How the grid grows.
    pub upsampling: Upsampling,
    /// How the map is smoothed after it.
    pub smoothing: Smoothing,
    /// What smoothing sees beyond the edge.
    pub border: Border,
}

impl MapSpec {
    /// The maps of a configuration from such a grid to an input of `(height, width)`.
    pub fn new(config: &PatchCoreConfig, grid: Grid, (height, width): (usize, usize)) -> Self {
        let PatchCoreConfig { upsampling, smoothing, border, .. } = *config;
        Self { grid, height, width, upsampling, smoothing, border }
    }
}

/// The growth of maps of one size on a device.
pub trait Grower: Any + Debug + Send + Sync {
    /// Grows patch scores `[grid rows, grid columns]` to a map `[height, width]`, both row-major, written over `map`.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    fn grow(&self, patch_scores: &[f32], map: &mut Vec<f32>) -> Result<(), DeviceError>;
}

/// What [`Engine::whole_photos`] computes with: parts that the same engine has made.
#[derive(Debug, Clone, Copy)]
pub struct WholeModel<'a> {
    /// The network, with one embedding.
    pub features: &'a dyn Features,
    /// The bank.
    pub index: &'a dyn Index,
    /// The map of the photos' size.
    pub grower: &'a dyn Grower,
    /// The unit of patch scores.
    pub distance: Distance,
    /// How many rows around the nearest one of the worst patch to measure (`b` of equation 7); 0 for none.
    pub neighborhood: usize,
}

/// One photo's raw result.
#[derive(Debug, Clone, PartialEq)]
pub struct WholePhoto {
    /// The patch grid.
    pub grid: Grid,
    /// The nearest row of every cell.
    pub nearest: Vec<Neighbor>,
    /// The map `[height, width]` of the nearest rows' distances.
    pub map: Vec<f32>,
    /// Squared distances of the worst patch (the lowest of equal ones) to the rows nearest to its nearest row; empty where none were
    /// asked for.
    pub to_neighborhood: Vec<f32>,
}
