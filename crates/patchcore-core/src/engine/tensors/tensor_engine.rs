//! The engine of every device of Burn's.

use std::sync::Arc;

use patchcore_config::Normalization;

#[cfg(feature = "cube")]
use super::captured::Graphs;
use super::features::TensorFeatures;
use super::grower::TensorGrower;
use super::index::TensorIndex;
use super::whole_photos::whole_photos;
use crate::backbone::Backbone;
use crate::coreset::{RandomProjection, SelectionStopped, greedy_k_center_tensors};
use crate::device::{ComputeDevice, guarded};
use crate::engine::batch_limit::{BatchLimit, ReducedBatch};
use crate::engine::interface::{EmbeddingSpec, Engine, Features, Grower, Index, MapSpec, WholeModel, WholePhoto};
use crate::error::{DeviceError, EngineError};
use crate::image_input::ImageInput;
use crate::memory_bank::MemoryBank;

/// The most photos that go through the network at once.
const LARGEST_BATCH: u64 = 32;

/// Bytes of a batch, so that kernels reach every value of its maps by 32 bits, also where a value has two bytes.
const ADDRESSABLE: u64 = 1 << 33;

/// Burn's tensor operations on one device.
#[derive(Debug)]
pub struct Tensors {
    device: ComputeDevice,
    limit: Arc<BatchLimit>,
    #[cfg(feature = "cube")]
    graphs: Graphs,
}

impl Tensors {
    /// The engine of a device; [`engine_of`](crate::engine::engine_of) chooses.
    pub(in crate::engine) fn new(device: ComputeDevice) -> Self {
        Self {
            device,
            limit: Arc::default(),
            #[cfg(feature = "cube")]
            graphs: Graphs::default(),
        }
    }

    #[cfg(test)]
    #[cfg(feature = "cube")]
    pub(super) fn graphs(&self) -> &Graphs {
        &self.graphs
    }
}

impl Engine for Tensors {
    fn name(&self) -> &'static str {
        "tensors"
    }

    fn features(
        &self,
        backbone: &Arc<dyn Backbone>,
        normalization: &Normalization,
        embeddings: &[EmbeddingSpec],
    ) -> Result<Arc<dyn Features>, EngineError> {
        if let Some(reduction) = backbone.reduction() {
            let operation = format!("a network in {}", reduction.precision());
            return Err(EngineError::Lacks { engine: self.name(), operation });
        }
        guarded(&self.device, "upload of the network", || {
            Ok(Arc::new(TensorFeatures::new(backbone, normalization, embeddings, &self.device)?) as Arc<dyn Features>)
        })
    }

    fn index(&self, bank: &MemoryBank) -> Result<Arc<dyn Index>, DeviceError> {
        guarded(&self.device, "upload of the memory bank", || {
            Ok(Arc::new(TensorIndex::new(bank, &self.device)?) as Arc<dyn Index>)
        })
    }

    fn grower(&self, map: MapSpec) -> Result<Arc<dyn Grower>, DeviceError> {
        guarded(&self.device, "upload of the map's matrices", || {
            Ok(Arc::new(TensorGrower::new(&map, &self.device)?) as Arc<dyn Grower>)
        })
    }

    fn project(&self, projection: &RandomProjection, rows: &[f32]) -> Result<Vec<f32>, DeviceError> {
        let operation = "random projection";
        guarded(&self.device, operation, || {
            let dim = projection.dim();
            let tensor = self.device.tensor(rows.to_vec(), [rows.len() / dim, dim])?;
            let projected = projection.apply_on(tensor, &self.device).try_into_vec_as::<f32>();
            projected.map_err(|error| self.device.failed(operation, error))
        })
    }

    fn select(
        &self,
        features: &[f32],
        dim: usize,
        initial: &[f32],
        count: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<usize>, SelectionStopped> {
        let upload = || self.device.tensor(features.to_vec(), [initial.len(), dim]);
        let tensor = guarded(&self.device, "coreset selection", upload).map_err(SelectionStopped::Device)?;
        greedy_k_center_tensors(tensor, initial, count, &self.device, progress)
    }

    /// As many as fit in the device's budget
    /// ([`DeviceProperties::batch_budget`](crate::device::DeviceProperties::batch_budget)), at most 32; fewer once they did not.
    fn preferred_batch(&self, bytes_per_image: u64, reserved: u64) -> usize {
        let free = self.device.properties().batch_budget().saturating_sub(reserved).min(ADDRESSABLE);
        // A photo has at least one pixel.
        self.limit.at_most((free / bytes_per_image.max(1)).clamp(1, LARGEST_BATCH) as usize)
    }

    fn halve_batch(&self, failed: usize, because: &DeviceError) -> bool {
        #[cfg(feature = "cube")]
        self.graphs.end();
        // What is not in use any more is given back before the next try.
        if let Ok(device) = self.device.burn() {
            let _ = guarded(&self.device, "release of memory", || {
                device.memory_cleanup();
                Ok::<_, DeviceError>(())
            });
        }
        self.limit.halve(failed, because)
    }

    fn reduced_batch(&self) -> Option<ReducedBatch> {
        self.limit.reduced()
    }

    fn takes_whole_photos(&self) -> bool {
        true
    }

    fn whole_photos(
        &self,
        model: WholeModel<'_>,
        images: &[ImageInput<'_>],
    ) -> Result<Option<Vec<WholePhoto>>, EngineError> {
        whole_photos(
            &self.device,
            #[cfg(feature = "cube")]
            &self.graphs,
            model,
            images,
        )
    }
}
