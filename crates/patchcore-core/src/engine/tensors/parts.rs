//! The parts of a model that this engine has made, and what they compute of photos together.

#[cfg(feature = "cube")]
use std::sync::Arc;

use burn::tensor::Tensor;
use patchcore_config::{Distance, Grid};

#[cfg(feature = "cube")]
use super::features::RowTensors;
use super::features::TensorFeatures;
use super::grower::TensorGrower;
use super::on_device::OnDevice;
#[cfg(feature = "cube")]
use crate::backbone::cube::PhotoShape;
use crate::device::ComputeDevice;
#[cfg(feature = "cube")]
use crate::engine::interface::MapSpec;
use crate::engine::interface::WholePhoto;
use crate::error::{DeviceError, EngineError};
use crate::nearest_neighbor::DeviceBank;

/// What an error of the device says was being done.
pub(super) const OPERATION: &str = "scoring";

/// What is asked of a photo beside its patch scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Asked {
    /// The unit of patch scores.
    pub(super) distance: Distance,
    /// How many rows around the nearest one of the worst patch to measure (`b` of equation 7); 0 for none.
    pub(super) neighbors: usize,
}

/// The parts of a model that this engine has made.
pub(super) struct Parts<'a> {
    pub(super) features: &'a TensorFeatures,
    pub(super) bank: &'a DeviceBank,
    pub(super) grower: &'a TensorGrower,
}

impl Parts<'_> {
    /// Reads a batch back, and lets the host decide what f32 could not.
    pub(super) fn read(
        &self,
        device: &ComputeDevice,
        computed: Computed,
        images: usize,
        asked: Asked,
    ) -> Result<Vec<WholePhoto>, EngineError> {
        let Computed { on_device, queries, grid } = computed;
        let mut read = on_device.read().map_err(|error| device.failed(OPERATION, error))?;
        self.bank.decide(&mut read.nearest, &read.others, &queries, None)?;
        let photo = |image| read.photo(image, images, grid, self.bank, &queries, asked.neighbors);
        Ok((0..images).map(photo).collect::<Result<_, DeviceError>>()?)
    }
}

#[cfg(feature = "cube")]
impl Parts<'_> {
    /// What tells them from other parts, as long as they or a copy of them live.
    pub(super) fn identities(&self) -> [usize; 2] {
        let rows = Arc::as_ptr(self.features.rows_source()).cast::<()>() as usize;
        [rows, self.bank.identity()]
    }

    /// The map that is grown: growers of one map are alike.
    pub(super) fn map(&self) -> MapSpec {
        self.grower.map()
    }

    pub(super) fn owned(&self) -> OwnedParts {
        let rows = Arc::clone(self.features.rows_source());
        OwnedParts { rows, bank: self.bank.clone(), grower: self.grower.clone() }
    }

    /// One photo whose planes lie on the device.
    pub(super) fn one_photo(
        &self,
        device: &ComputeDevice,
        photos: PhotoShape,
        asked: Asked,
        pixels: Tensor<1>,
    ) -> Result<WholePhoto, EngineError> {
        let rows = self.features.rows_source().of_planes(pixels, photos).and_then(|rows| rows.into_iter().next());
        let (queries, grid) = rows.ok_or_else(|| device.failed(OPERATION, "no embedding"))?;
        self.read_one(device, Computed::new(self.bank, self.grower, queries, 1, grid, asked), asked)
    }

    /// Reads one photo back.
    pub(super) fn read_one(
        &self,
        device: &ComputeDevice,
        computed: Computed,
        asked: Asked,
    ) -> Result<WholePhoto, EngineError> {
        let photo = self.read(device, computed, 1, asked)?.pop();
        photo.ok_or_else(|| device.failed(OPERATION, "no photo").into())
    }
}

/// What is computed for a batch, and of what.
#[derive(Debug, Clone)]
pub(super) struct Computed {
    on_device: OnDevice,
    queries: Tensor<2>,
    grid: Grid,
}

impl Computed {
    /// `queries`: `[images x cells, dim]`.
    pub(super) fn new(
        bank: &DeviceBank,
        grower: &TensorGrower,
        queries: Tensor<2>,
        images: usize,
        grid: Grid,
        asked: Asked,
    ) -> Self {
        let Asked { distance, neighbors } = asked;
        let on_device = OnDevice::compute(bank, grower, queries.clone(), images, grid, distance, neighbors);
        Self { on_device, queries, grid }
    }
}

/// Parts that a graph keeps alive.
#[cfg(feature = "cube")]
pub(super) struct OwnedParts {
    rows: Arc<dyn RowTensors>,
    bank: DeviceBank,
    grower: TensorGrower,
}

#[cfg(feature = "cube")]
impl OwnedParts {
    /// The launches of photos whose planes lie on the device; `None` where no kernels of this project compute their rows.
    pub(super) fn launch(&self, pixels: Tensor<1>, photos: PhotoShape, asked: Asked) -> Option<Computed> {
        let (queries, grid) = self.rows.of_planes(pixels, photos)?.into_iter().next()?;
        Some(Computed::new(&self.bank, &self.grower, queries, photos.images, grid, asked))
    }
}
