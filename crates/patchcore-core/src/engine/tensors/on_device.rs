//! What a score is made of, of a batch of photos: computed on the device, read back in one transaction.

use burn::tensor::{Int, Tensor, TensorData, Transaction};
use patchcore_config::{Distance, Grid};

use super::grower::TensorGrower;
use crate::engine::interface::WholePhoto;
use crate::error::DeviceError;
use crate::nearest_neighbor::{DeviceBank, MOST_RANKS, NearestOnDevice, Neighbor, NeighborhoodOnDevice, neighbors};

/// Above so many neighbours equation 7 is left to the host.
pub(crate) const MOST_NEIGHBORS: usize = MOST_RANKS;

/// What is computed for a batch, on the device.
#[derive(Debug, Clone)]
pub(crate) struct OnDevice {
    /// Nearest bank rows `[n x cells]`, as far as f32 can tell.
    pub(crate) nearest: NearestOnDevice,
    /// Patch scores `[n, cells]`, in the unit of the distance.
    pub(crate) patch_scores: Tensor<2>,
    /// `[n, height, width]`.
    pub(crate) maps: Tensor<3>,
    /// The neighbourhood of the worst patch's nearest row (eq. 7).
    pub(crate) neighborhood: Option<NeighborhoodOnDevice>,
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
        let nearest = bank.nearest_on_device(queries.clone());
        let by_image = nearest.squared.clone().reshape([images, cells]);
        let patch_scores = in_unit(distance, by_image.clone());
        let maps = grower.grow_on_device(patch_scores.clone().reshape([images, grid.rows, grid.columns]));
        let neighborhood = (neighbors > 0).then(|| {
            let mut worst: Tensor<1, Int> = by_image.argmax(1).reshape([images]);
            // One photo needs no starts, which are written by the host: a captured graph holds launches alone.
            if images > 1 {
                let starts = Tensor::<1, Int>::arange(0..images as i64, &queries.device()) * cells as i32;
                worst = worst + starts;
            }
            let around = nearest.rows.clone().select(0, worst.clone());
            bank.to_neighborhood(queries.select(0, worst), around, neighbors)
        });
        Self { nearest, patch_scores, maps, neighborhood }
    }

    /// One transaction for everything.
    pub(super) fn read(self) -> Result<ReadBack, String> {
        let NearestOnDevice { rows, squared, others } = self.nearest;
        let mut transaction = Transaction::default().register(rows).register(squared).register(self.maps);
        let (looked, has_neighborhood) = (others.is_some(), self.neighborhood.is_some());
        if let Some(others) = others {
            transaction = transaction.register(others);
        }
        if let Some(NeighborhoodOnDevice { rows, squared }) = self.neighborhood {
            transaction = transaction.register(rows).register(squared);
        }
        let mut data = transaction.try_execute().map_err(|error| error.to_string())?.into_iter();
        let mut next = || data.next().ok_or_else(|| "an answer is missing".to_owned());
        let values = |data: TensorData| data.convert::<f32>().try_into_vec::<f32>().map_err(|error| error.to_string());
        let rows = |data: TensorData| data.convert::<i32>().try_into_vec::<i32>().map_err(|error| error.to_string());
        let nearest = neighbors(&rows(next()?)?, &values(next()?)?);
        let maps = values(next()?)?;
        let others = if looked { rows(next()?)? } else { Vec::new() };
        let neighborhood = if has_neighborhood { (rows(next()?)?, values(next()?)?) } else { (Vec::new(), Vec::new()) };
        Ok(ReadBack { by_f32: nearest.clone(), nearest, others, maps, neighborhood })
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
pub(super) struct ReadBack {
    pub(super) nearest: Vec<Neighbor>,
    /// The same before the host decided: what the device's own choice of the worst was made of.
    by_f32: Vec<Neighbor>,
    pub(super) others: Vec<i32>,
    maps: Vec<f32>,
    neighborhood: (Vec<i32>, Vec<f32>),
}

impl ReadBack {
    pub(super) fn photo(
        &self,
        image: usize,
        images: usize,
        grid: Grid,
        bank: &DeviceBank,
        queries: &Tensor<2>,
        neighbors: usize,
    ) -> Result<WholePhoto, DeviceError> {
        let nearest = part(&self.nearest, image, images).to_vec();
        let around = (part(&self.neighborhood.0, image, images), part(&self.neighborhood.1, image, images));
        let by_f32 = part(&self.by_f32, image, images);
        let worst = worst_of(&nearest);
        let to_neighborhood = match nearest.get(worst) {
            Some(neighbor) if neighbors > 0 => {
                let same =
                    worst_of(by_f32) == worst && by_f32.get(worst).is_some_and(|found| found.row == neighbor.row);
                let around = if same { around } else { (&[][..], &[][..]) };
                let read = || bank.rows_of(queries, &[image * grid.cells() + worst]);
                bank.neighborhood(neighbor.row, around, neighbors, read)?
            }
            _ => Vec::new(),
        };
        Ok(WholePhoto { grid, nearest, map: part(&self.maps, image, images).to_vec(), to_neighborhood })
    }
}

/// The farthest cell, the first of equal ones: as `argmax` has it, and the scores of the host.
fn worst_of(nearest: &[Neighbor]) -> usize {
    let ahead = |best: usize, cell: usize| {
        let distance = |cell: usize| nearest.get(cell).map(|neighbor| neighbor.squared_distance);
        if distance(cell) > distance(best) { cell } else { best }
    };
    (0..nearest.len()).fold(0, ahead)
}

/// The share of one image in values of which every image has as many.
#[allow(clippy::indexing_slicing, reason = "the image is one of the images")]
fn part<T>(values: &[T], image: usize, images: usize) -> &[T] {
    let length = values.len() / images;
    &values[image * length..(image + 1) * length]
}
