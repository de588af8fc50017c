//! Photos of one size on a device: one upload, everything on the device, one read-back.
//!
//! The photos' rows, their nearest bank rows, the neighbours of equation 7 and the maps are computed without the host looking at
//! anything in between; a single transaction brings them back. What a score is made of them stands in `finish.rs`.

use std::any::Any;

use burn::tensor::{DataError, Int, Tensor, TensorData, Transaction};
use patchcore_config::{Distance, Grid};

use super::features::TensorFeatures;
use super::grower::TensorGrower;
use super::index::TensorIndex;
use crate::device::{ComputeDevice, guarded};
use crate::engine::interface::{WholeModel, WholePhoto};
use crate::error::EngineError;
use crate::image_input::ImageInput;
use crate::nearest_neighbor::{DeviceBank, Neighbor};

/// What an error of the device says was being done.
const OPERATION: &str = "scoring";
/// Above so many neighbours equation 7 is left to the host: each one is a pass over the bank.
pub(crate) const MOST_NEIGHBORS: usize = 64;

/// Whole photos by parts that this engine has made; `None` for those of another engine.
pub(super) fn whole_photos(
    device: &ComputeDevice,
    model: WholeModel<'_>,
    images: &[ImageInput<'_>],
) -> Result<Option<Vec<WholePhoto>>, EngineError> {
    let features = (model.features as &dyn Any).downcast_ref::<TensorFeatures>();
    let index = (model.index as &dyn Any).downcast_ref::<TensorIndex>();
    let grower = (model.grower as &dyn Any).downcast_ref::<TensorGrower>();
    let (Some(features), Some(index), Some(grower)) = (features, index, grower) else { return Ok(None) };
    if images.is_empty() || model.neighborhood > MOST_NEIGHBORS {
        return Ok(None);
    }
    guarded(device, OPERATION, || {
        let embedded = features.rows(images)?.into_iter().next();
        let (queries, grid) = embedded.ok_or_else(|| device.failed(OPERATION, "no embedding"))?;
        let bank = index.on_device();
        let computed = OnDevice::compute(bank, grower, queries, images.len(), grid, model.distance, model.neighborhood);
        let read = computed.read().map_err(|error| device.failed(OPERATION, error))?;
        Ok(Some((0..images.len()).map(|image| read.photo(image, images.len(), grid)).collect()))
    })
}

/// What is computed for a batch, on the device.
pub(crate) struct OnDevice {
    /// Nearest bank rows `[n x cells]`.
    pub(crate) rows: Tensor<1, Int>,
    /// Their squared distances `[n x cells]`.
    pub(crate) squared: Tensor<1>,
    /// Patch scores `[n, cells]`, in the unit of the distance.
    pub(crate) patch_scores: Tensor<2>,
    /// `[n, height, width]`.
    pub(crate) maps: Tensor<3>,
    /// Squared distances of the worst patch to the neighbourhood of its nearest row `[n, k]` (eq. 7).
    pub(crate) neighborhood: Option<Tensor<2>>,
}

impl OnDevice {
    /// Everything that a score is made of. `queries`: `[images x cells, dim]`.
    pub(crate) fn compute(
        bank: &DeviceBank,
        grower: &TensorGrower,
        queries: Tensor<2>,
        images: usize,
        grid: Grid,
        distance: Distance,
        neighbors: usize,
    ) -> Self {
        let cells = grid.cells();
        let (rows, squared) = bank.nearest_on_device(queries.clone());
        let by_image = squared.clone().reshape([images, cells]);
        let patch_scores = in_unit(distance, by_image.clone());
        let maps = grower.grow_on_device(patch_scores.clone().reshape([images, grid.rows, grid.columns]));
        let neighborhood = (neighbors > 0).then(|| {
            let worst: Tensor<1, Int> = by_image.argmax(1).reshape([images]);
            let starts = Tensor::<1, Int>::arange(0..images as i64, &queries.device()) * cells as i32;
            let worst = worst + starts;
            let nearest = rows.clone().select(0, worst.clone());
            bank.to_neighborhood(queries.select(0, worst), nearest, neighbors)
        });
        Self { rows, squared, patch_scores, maps, neighborhood }
    }

    /// One transaction for everything.
    fn read(self) -> Result<ReadBack, String> {
        let mut transaction = Transaction::default().register(self.rows).register(self.squared).register(self.maps);
        let has_neighborhood = self.neighborhood.is_some();
        if let Some(neighborhood) = self.neighborhood {
            transaction = transaction.register(neighborhood);
        }
        let mut data = transaction.try_execute().map_err(|error| error.to_string())?.into_iter();
        let mut next = || data.next().ok_or_else(|| "an answer is missing".to_owned());
        let values = |data: TensorData| data.convert::<f32>().try_into_vec::<f32>();
        let failed = |error: DataError| error.to_string();
        let rows = next()?.convert::<i32>().try_into_vec::<i32>().map_err(failed)?;
        let squared = values(next()?).map_err(failed)?;
        let maps = values(next()?).map_err(failed)?;
        let neighborhood = if has_neighborhood { values(next()?).map_err(failed)? } else { Vec::new() };
        Ok(ReadBack { rows, squared, maps, neighborhood })
    }
}

/// Squared distances in a unit.
pub(crate) fn in_unit<const D: usize>(distance: Distance, squared: Tensor<D>) -> Tensor<D> {
    match distance {
        Distance::L2 => squared.sqrt(),
        Distance::SquaredL2 => squared,
    }
}

/// What a transaction brought back, images one after the other.
struct ReadBack {
    rows: Vec<i32>,
    squared: Vec<f32>,
    maps: Vec<f32>,
    neighborhood: Vec<f32>,
}

impl ReadBack {
    fn photo(&self, image: usize, images: usize, grid: Grid) -> WholePhoto {
        let nearest = part(&self.rows, image, images).iter().zip(part(&self.squared, image, images));
        let neighbor = |(row, squared): (&i32, &f32)| Neighbor { row: *row as u32, squared_distance: *squared };
        WholePhoto {
            grid,
            nearest: nearest.map(neighbor).collect(),
            map: part(&self.maps, image, images).to_vec(),
            to_neighborhood: part(&self.neighborhood, image, images).to_vec(),
        }
    }
}

/// The share of one image in values of which every image has as many.
#[allow(clippy::indexing_slicing, reason = "the image is one of the images")]
fn part<T>(values: &[T], image: usize, images: usize) -> &[T] {
    let length = values.len() / images;
    &values[image * length..(image + 1) * length]
}
