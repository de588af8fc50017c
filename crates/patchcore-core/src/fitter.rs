//! Fitting: embeddings of good photos in, one by one; a [`PatchCore`] out.

use rayon::prelude::*;

use crate::cells_within::CellsWithin;
use crate::coreset::{RandomProjection, SelectionStopped, coreset_size, greedy_k_center, initial_distances};
use crate::device::ComputeDevice;
use crate::error::{FitError, ScoreError};
use crate::extractor::{Extractor, ImageInput};
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::nearest_neighbor::squared_distance;
use crate::patchcore::{FittedOn, GoodScores, PatchCore};
use patchcore_config::{BackboneWeights, Grid, PatchCoreConfig};

/// Rows projected at once.
const PROJECTION_CHUNK: usize = 16_384;
/// Bytes of a batch's pixels and rows.
const BATCH_BYTES: usize = 32 << 20;
/// Training patches that tell how far good is from good.
const GOOD_SAMPLE: usize = 256;

/// A fit in progress: holds the embeddings of all images so far.
#[derive(Debug, Clone)]
pub struct Fitter {
    extractor: Extractor,
    rows: Vec<f32>,
    /// Where each row comes from.
    origins: Vec<PatchOrigin>,
    images: usize,
}

/// Where a cell of the `image`-th photo comes from.
fn origin(image: usize, grid: Grid, cell: usize) -> PatchOrigin {
    let columns = grid.columns.max(1);
    PatchOrigin { image: image as u32, row: (cell / columns) as u16, column: (cell % columns) as u16 }
}

impl Fitter {
    /// Checks the settings and the weights.
    ///
    /// # Errors
    /// [`FitError::Config`] and [`FitError::Backbone`].
    pub fn new(config: PatchCoreConfig, weights: &BackboneWeights, device: &ComputeDevice) -> Result<Self, FitError> {
        Ok(Self {
            extractor: Extractor::new(config, weights, device)?,
            rows: Vec::new(),
            origins: Vec::new(),
            images: 0,
        })
    }

    /// The frozen part.
    pub fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// Adds one photo of a good part.
    ///
    /// # Errors
    /// [`FitError::Input`], [`FitError::Device`] and [`FitError::NotFinite`]; the fitter is as it was before.
    pub fn add(&mut self, image: ImageInput<'_>) -> Result<(), FitError> {
        self.add_within(image, None)
    }

    /// [`Fitter::add`] for the patches that touch a pixel `inside`, `[height, width]` row by row; all without it. With
    /// [`tiling`](PatchCoreConfig::tiling) the network sees one tile after the other.
    ///
    /// # Errors
    /// As [`Fitter::add`].
    pub fn add_within(&mut self, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<(), FitError> {
        let (patches, rows_before, number) = (self.patches(), self.rows.len(), self.images);
        let embedded = if inside.is_none() && self.extractor.config().tiling.is_none() {
            self.extractor.embed_to_host(image).map(|(rows, grid)| {
                self.rows.extend_from_slice(&rows);
                self.origins.extend((0..grid.cells()).map(|cell| origin(number, grid, cell)));
            })
        } else {
            CellsWithin::new(&self.extractor, image, inside).map_err(ScoreError::Input).and_then(|cells| {
                cells.embed(&self.extractor, image, |rows, indices| {
                    self.rows.extend_from_slice(rows);
                    self.origins.extend(indices.iter().map(|cell| origin(number, cells.grid, *cell)));
                    Ok(())
                })
            })
        };
        let finite = |rows: &[f32]| rows.iter().all(|value| value.is_finite());
        let added = match embedded {
            Err(error) => Err(fit_error(error, number)),
            Ok(()) if !finite(self.rows.get(rows_before..).unwrap_or(&[])) => {
                Err(FitError::NotFinite { image: number })
            }
            Ok(()) => Ok(()),
        };
        match added {
            Ok(()) => self.images += 1,
            Err(_) => self.truncate(number, patches),
        }
        added
    }

    /// How many photos of such a size to give [`Fitter::add_batch`] at once: see [`Extractor::batch_size`], and at most 32
    /// MiB of pixels and rows on the host.
    pub fn batch_size(&self, height: usize, width: usize) -> usize {
        let values = 3 * height * width + self.extractor.grid(height, width).cells() * self.extractor.dim();
        self.extractor.batch_size(height, width, 0).min((BATCH_BYTES / (4 * values).max(1)).max(1))
    }

    /// Adds whole photos of one size: up to a GPU's rounding the same as [`Fitter::add`] one after the other, with one
    /// upload and one read-back.
    ///
    /// # Errors
    /// As [`Fitter::add`], and [`FitError::Input`] for photos of several sizes; then none of them is added.
    pub fn add_batch(&mut self, images: &[ImageInput<'_>]) -> Result<(), FitError> {
        let first = self.images;
        if self.extractor.config().tiling.is_some() {
            let patches = self.patches();
            return images.iter().try_for_each(|image| self.add(*image)).inspect_err(|_| self.truncate(first, patches));
        }
        let embedded = self.extractor.embed_batch_to_host(images).map_err(|error| fit_error(error, first));
        let (rows, grid) = embedded?;
        let per_image = grid.cells() * self.extractor.dim();
        if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
            return Err(FitError::NotFinite { image: first + at / per_image.max(1) });
        }
        self.rows.extend_from_slice(&rows);
        for image in first..first + images.len() {
            self.origins.extend((0..grid.cells()).map(|cell| origin(image, grid, cell)));
        }
        self.images += images.len();
        Ok(())
    }

    /// Truncates to the first `images` photos and `patches` patches.
    fn truncate(&mut self, images: usize, patches: usize) {
        self.images = images;
        self.origins.truncate(patches);
        self.rows.truncate(patches * self.extractor.dim());
    }

    /// Number of photos added.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Number of patches of all photos.
    pub fn patches(&self) -> usize {
        self.origins.len()
    }

    /// Peak bytes of a fit of so many patches.
    ///
    /// - `patches x (dim + 2 x projected) x 4`: the embeddings, and their projection twice;
    /// - `patches x 16`: distances and bookkeeping;
    /// - `bank x (dim x 8 + 800)`: the bank, once in the file's bytes, and the index of the search;
    /// - the network: every weight twice, those of 3x3 convolutions five times (Winograd's form);
    /// - 80 MiB: the program, with a GPU's backend if it has one, and the photos in flight (of a GPU's batch at most 32 MiB).
    pub fn memory_bytes(patches: usize, config: &PatchCoreConfig) -> u64 {
        let dim = config.embedding_dim();
        let projected = RandomProjection::dim_for(config.mode.projection(), dim, patches).unwrap_or(dim);
        let bank = coreset_size(patches, config.coreset_sampling_ratio);
        let tensors = config.backbone.plan(&config.layers).map(|plan| plan.expected_tensors()).unwrap_or_default();
        let weights = tensors.iter().map(|(_, shape)| {
            let copies = if shape.ends_with(&[3, 3]) { 5 } else { 2 };
            copies * shape.iter().product::<usize>() * 4
        });
        let rows = patches * (dim + 2 * projected) * 4 + patches * 16 + bank * (dim * 8 + 800);
        (rows + weights.sum::<usize>() + (80 << 20)) as u64
    }

    /// Selects the coreset and gives the fitted model. `progress` gets picks so far and their total, and returns
    /// false to stop.
    ///
    /// # Errors
    /// [`FitError::NoImages`], [`FitError::EmptyCoreset`], [`FitError::TooFewRows`], [`FitError::Device`] and
    /// [`FitError::Cancelled`].
    pub fn finish(self, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<PatchCore, FitError> {
        let config = self.extractor.config().clone();
        let (patches, dim) = (self.patches(), self.extractor.dim());
        if patches == 0 {
            return Err(FitError::NoImages);
        }
        let ratio = config.coreset_sampling_ratio;
        let count = coreset_size(patches, ratio);
        if count == 0 {
            return Err(FitError::EmptyCoreset { ratio, patches, smallest: 1.0 / patches as f64 });
        }
        if config.num_neighbors > count {
            return Err(FitError::TooFewRows { num_neighbors: config.num_neighbors, rows: count });
        }
        let picks = self.select(count, progress)?;
        let origins = &self.origins;
        let mut bank = Vec::with_capacity(count * dim);
        let mut bank_origins = Vec::with_capacity(count);
        for pick in picks {
            bank.extend_from_slice(self.rows.get(pick * dim..(pick + 1) * dim).unwrap_or(&[]));
            bank_origins.extend(origins.get(pick));
        }
        let bank = MemoryBank::new(dim, bank, bank_origins)?.with_dtype(config.bank_dtype)?;
        let fitted_on = FittedOn { images: self.images, patches, good_scores: self.good_scores(&bank, origins) };
        drop(self.rows);
        let model = PatchCore::new(self.extractor, bank, fitted_on)?.with_own_passport();
        model.map_err(|error| fit_error(error, 0))
    }

    /// Distances of an even sample of training patches to the bank rows of other photos (of the same photo, where
    /// there is only one).
    fn good_scores(&self, bank: &MemoryBank, origins: &[PatchOrigin]) -> GoodScores {
        let dim = self.extractor.dim();
        let alone = self.images == 1;
        let Some(of_bank) = bank.origins() else { unreachable!("a fit knows where its rows come from") };
        let step = origins.len().div_ceil(GOOD_SAMPLE).max(1);
        let sample: Vec<(&[f32], &PatchOrigin)> =
            self.rows.chunks_exact(dim.max(1)).zip(origins).step_by(step).collect();
        let nearest_other = |(row, origin): &(&[f32], &PatchOrigin)| {
            let is_other = |other: &PatchOrigin| if alone { other != *origin } else { other.image != origin.image };
            let others = of_bank.iter().enumerate().filter(|(_, other)| is_other(other));
            others.map(|(index, _)| squared_distance(row, bank.row(index))).reduce(f32::min)
        };
        let mut distances: Vec<f32> = sample.par_iter().filter_map(nearest_other).collect();
        distances.sort_unstable_by(f32::total_cmp);
        let quantile = |share: f64| {
            let squared =
                distances.get(((distances.len() as f64 * share) as usize).min(distances.len().saturating_sub(1)));
            self.extractor.config().mode.distance().of_squared(squared.copied().unwrap_or(0.0)) as f32
        };
        GoodScores { median: quantile(0.5), percentile_99: quantile(0.99) }
    }

    /// The indices of the coreset.
    fn select(&self, count: usize, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Vec<usize>, FitError> {
        let (patches, dim) = (self.patches(), self.extractor.dim());
        if count == patches {
            progress(count, count);
            return Ok((0..count).collect());
        }
        let (config, device) = (self.extractor.config(), self.extractor.device());
        let projected = self.project(device)?;
        let (features, width) = match &projected {
            Some((values, width)) => (values.as_slice(), *width),
            None => (self.rows.as_slice(), dim),
        };
        let initial = initial_distances(config.mode.start(), features, width, config.seed);
        let picks = greedy_k_center(features, width, &initial, count, device, &mut |picked| progress(picked, count));
        picks.map_err(|stopped| match stopped {
            SelectionStopped::Cancelled => FitError::Cancelled,
            SelectionStopped::Device(error) => FitError::Device(error),
        })
    }

    /// All embeddings projected, and their dimension; `None` where the mode's rule does not shrink them.
    fn project(&self, device: &ComputeDevice) -> Result<Option<(Vec<f32>, usize)>, FitError> {
        let dim = self.extractor.dim();
        let config = self.extractor.config();
        let Some(projection) = RandomProjection::new(config.mode.projection(), dim, self.patches(), config.seed) else {
            return Ok(None);
        };
        let width = projection.projected_dim();
        let mut values = Vec::with_capacity(self.patches() * width);
        for rows in self.rows.chunks(PROJECTION_CHUNK * dim) {
            values.extend(projection.apply(rows, device)?);
        }
        Ok(Some((values, width)))
    }
}

/// The error of scoring or embedding a photo as one of the fit; `image` is the photo's number.
fn fit_error(error: ScoreError, image: usize) -> FitError {
    match error {
        ScoreError::Input(error) => FitError::Input(error),
        ScoreError::Device(error) => FitError::Device(error),
        ScoreError::NotFinite => FitError::NotFinite { image },
    }
}
