//! Fitting: embeddings of good photos in, one by one; a [`PatchCore`] out.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::backbone::Backbone;
use crate::copies::{PhotoCopy, copies_of};
use crate::coreset::{RandomProjection, SelectionStopped, initial_distances};
use crate::device::ComputeDevice;
use crate::error::{FitError, ScoreError};
use crate::extractor::{Extractor, MemberShape, scale_rows};
use crate::finish::{Cells, distance};
use crate::good_quantiles::FittedPhoto;
use crate::image_input::ImageInput;
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::nearest_neighbor::squared_distance;
use crate::patchcore::{FittedOn, GoodScores, PatchCore};
use crate::photo_parts::{PartBuffers, PhotoParts};
use crate::suggestions::{Angles, LOOKED_AT, LOOKS, Suggestion, in_circle, is_turned, of_light};
use patchcore_config::{BackboneWeights, Checked, Grid, MemberConfig, PatchCoreConfig, Size, Tiling, Weighting};
use patchcore_cpu::network::CpuNetwork;

/// Rows projected at once.
const PROJECTION_CHUNK: usize = 16_384;
/// Bytes of a batch's pixels and rows.
const BATCH_BYTES: usize = 32 << 20;
/// Rows that are scaled or summed at once.
const SCALE_CHUNK: usize = 4096;
/// Training patches that tell how far good is from good.
const GOOD_SAMPLE: usize = 256;

/// A fit in progress: holds the embeddings of all images so far.
#[derive(Debug)]
pub struct Fitter {
    extractor: Extractor,
    /// One for each member.
    members: Vec<Patches>,
    /// One for each photo.
    photos: Vec<FittedPhoto>,
    /// Mean brightness of each photo.
    brightness: Vec<f32>,
    /// Rows of the first member of copies that are looked at and not fitted, in the order of [`LOOKS`].
    looks: [Vec<f32>; LOOKS.len()],
    buffers: PartBuffers,
}

/// What one member's network made of all photos so far.
#[derive(Debug)]
struct Patches {
    dim: usize,
    /// `[patches, dim]`.
    rows: Vec<f32>,
    /// Where each row comes from. Those of a photo's copies follow its own, with its number and the place in the photo that they show.
    origins: Vec<PatchOrigin>,
    /// For each photo the end of its own rows, without its copies'.
    own: Vec<usize>,
}

impl Patches {
    /// Adds rows of the `image`-th photo; `place`: which cell of the photo a cell shows.
    fn add(&mut self, image: usize, grid: Grid, rows: &[f32], cells: Cells<'_>, place: impl Fn(usize) -> usize) {
        self.rows.extend_from_slice(rows);
        let origin = |cell: usize| PatchOrigin {
            image: image as u32,
            row: (cell / grid.columns) as u16,
            column: (cell % grid.columns) as u16,
        };
        match cells {
            Cells::All => self.origins.extend((0..grid.cells()).map(place).map(origin)),
            Cells::These(cells) => self.origins.extend(cells.iter().copied().map(place).map(origin)),
        }
        assert_eq!(self.rows.len(), self.origins.len() * self.dim, "one row per patch");
    }

    /// Keeps the first patches alone.
    fn truncate(&mut self, patches: usize) {
        self.origins.truncate(patches);
        self.rows.truncate(patches * self.dim);
        self.own.retain(|end| *end <= patches);
    }

    /// The rows of one photo, without its copies', and where they come from.
    #[allow(
        clippy::indexing_slicing,
        reason = "both ends are places in the list of origins, which has one entry per row"
    )]
    fn of_image(&self, image: usize) -> (&[f32], &[PatchOrigin]) {
        // Photos were added one after the other.
        let from = self.origins.partition_point(|origin| (origin.image as usize) < image);
        let to = self.own[image];
        (&self.rows[from * self.dim..to * self.dim], &self.origins[from..to])
    }

    #[allow(clippy::indexing_slicing, reason = "callers name patches that are there")]
    fn row(&self, patch: usize) -> &[f32] {
        &self.rows[patch * self.dim..(patch + 1) * self.dim]
    }
}

impl Fitter {
    /// Checks the weights, for members that all name one network of the catalogue.
    ///
    /// # Errors
    /// [`FitError::Backbone`] and [`FitError::Device`].
    pub fn new(config: Checked, weights: &BackboneWeights, device: &ComputeDevice) -> Result<Self, FitError> {
        Ok(Self::with_extractor(Extractor::new(config, weights, device)?))
    }

    /// A fit with networks of the caller's, one for each member: see [`Extractor::with_backbones`].
    ///
    /// # Errors
    /// As [`Fitter::new`].
    pub fn with_backbones(
        config: Checked,
        backbones: &[Arc<dyn Backbone>],
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        Ok(Self::with_extractor(Extractor::with_backbones(config, backbones, device)?))
    }

    fn with_extractor(extractor: Extractor) -> Self {
        let member =
            |shape: &MemberShape| Patches { dim: shape.dim, rows: Vec::new(), origins: Vec::new(), own: Vec::new() };
        let members = extractor.members().iter().map(member).collect();
        Self {
            extractor,
            members,
            photos: Vec::new(),
            brightness: Vec::new(),
            looks: Default::default(),
            buffers: PartBuffers::default(),
        }
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
        let before: Vec<usize> = self.members.iter().map(|member| member.origins.len()).collect();
        let added = self.embed_photo(image, inside).and_then(|()| self.check_finite(&before, 1));
        match added {
            Ok(()) => {
                if inside.is_none() {
                    self.look_at(image)?;
                }
                self.brightness.push(mean_brightness(image.pixels));
                let inside = inside.map(|inside| self.shared_inside(inside));
                self.photos.push(FittedPhoto { size: (image.height, image.width), inside });
            }
            Err(_) => self.truncate(&before),
        }
        added
    }

    /// Adds the rows of a photo and of its copies.
    fn embed_photo(&mut self, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<(), FitError> {
        self.embed_as(image, inside, None)?;
        self.members.iter_mut().for_each(|member| member.own.push(member.origins.len()));
        let config = self.extractor.config().clone();
        if config.copies.is_none() {
            return Ok(());
        }
        let (_, deepest) = config.strides();
        let (mut pixels, mut counts) = (Vec::new(), Vec::new());
        for copy in copies_of(&config.copies) {
            let partly = copy.make(image, inside, deepest as usize, &mut pixels, &mut counts);
            // A turned copy of a narrow region may show nothing of it.
            if partly && !counts.contains(&true) {
                continue;
            }
            let copied = ImageInput { pixels: &pixels, ..image };
            self.embed_as(copied, partly.then_some(counts.as_slice()), Some(copy))?;
        }
        Ok(())
    }

    /// Looks at what turned and mirrored copies of the next photo would give: for [`Fitter::suggestions`].
    fn look_at(&mut self, image: ImageInput<'_>) -> Result<(), FitError> {
        let (number, config) = (self.photos.len(), self.extractor.config());
        if !is_turned(number, (image.height, image.width)) || !config.tiling.is_whole() {
            return Ok(());
        }
        let (_, deepest) = config.strides();
        let (mut pixels, mut counts) = (Vec::new(), Vec::new());
        for (copy, looks) in LOOKS.into_iter().zip(&mut self.looks) {
            let partly = copy.make(image, None, deepest as usize, &mut pixels, &mut counts);
            if partly && !counts.contains(&true) {
                continue;
            }
            let copied = ImageInput { pixels: &pixels, ..image };
            let parts = PhotoParts::new(&self.extractor, copied, partly.then_some(counts.as_slice()));
            let embedded = parts.map_err(ScoreError::Input).and_then(|parts| {
                parts.embed(&self.extractor, copied, &mut self.buffers, |member, rows, _| {
                    if member == 0 {
                        looks.extend_from_slice(rows);
                    }
                    Ok(())
                })
            });
            embedded.map_err(|error| FitError::of_photo(error, number))?;
        }
        Ok(())
    }

    /// Options that the photos so far speak for, from the brightness of all and the angle of the first few.
    ///
    /// # Errors
    /// [`FitError::Device`].
    pub fn suggestions(&self) -> Result<Vec<Suggestion>, FitError> {
        let config = self.extractor.config();
        let light = of_light(&self.brightness).filter(|_| config.copies.light.is_empty());
        let (Some(member), Some(shape)) = (self.members.first(), self.extractor.members().first()) else {
            return Ok(light.into_iter().collect());
        };
        let (mut plain, mut unseen) = (Vec::new(), Vec::new());
        for (number, photo) in self.photos.iter().enumerate().take(LOOKED_AT) {
            let (rows, origins) = member.of_image(number);
            let grid = shape.grid(photo.size.0, photo.size.1);
            let centred =
                |at: &PatchOrigin| in_circle(usize::from(at.row) * grid.columns + usize::from(at.column), grid);
            let rows = rows.chunks_exact(member.dim).zip(origins).filter(|(_, origin)| centred(origin));
            let rows = rows.flat_map(|(row, _)| row).copied();
            match number.is_multiple_of(2) {
                true => plain.extend(rows),
                false => unseen.push(rows.collect()),
            }
        }
        let angles = Angles { dim: member.dim, plain, copied: &self.looks, unseen, photos: self.photos.len() };
        let angle = angles.suggestion(config.copies.turned, self.extractor.engine())?;
        Ok(light.into_iter().chain(angle).collect())
    }

    /// Adds the rows of the next photo, or of a copy of it.
    fn embed_as(
        &mut self,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
        copy: Option<PhotoCopy>,
    ) -> Result<(), FitError> {
        let Self { extractor, members, photos, buffers, .. } = self;
        let number = photos.len();
        let parts = PhotoParts::new(extractor, image, inside).map_err(ScoreError::Input);
        let embedded = parts.and_then(|parts| {
            parts.embed(extractor, image, buffers, |member, rows, cells| {
                if let (Some(patches), Some(of_photo), Some(shape)) =
                    (members.get_mut(member), parts.members().get(member), extractor.members().get(member))
                {
                    let (grid, size) = (of_photo.grid, (image.width, image.height));
                    let place = |cell| copy.map_or(cell, |copy| copy.cell_of(cell, grid, shape.stride, size));
                    patches.add(number, grid, rows, cells, place);
                }
                Ok(())
            })
        });
        embedded.map_err(|error| FitError::of_photo(error, number))
    }

    /// How many photos of such a size to give [`Fitter::add_batch`] at once: see [`Extractor::batch_size`], and at most 32
    /// MiB of pixels and rows on the host.
    pub fn batch_size(&self, height: usize, width: usize) -> usize {
        let rows = self.extractor.members().iter().map(|member| member.grid(height, width).cells() * member.dim);
        let values = 3 * height * width + rows.sum::<usize>();
        // A photo has pixels; one goes at once whatever it takes.
        self.extractor.batch_size(height, width, 0).min((BATCH_BYTES / (4 * values)).max(1))
    }

    /// Adds whole photos of one size: up to a GPU's rounding the same as [`Fitter::add`] one after the other, with one
    /// upload and one read-back.
    ///
    /// # Errors
    /// As [`Fitter::add`], and [`FitError::Input`] for photos of several sizes; then none of them is added.
    pub fn add_batch(&mut self, images: &[ImageInput<'_>]) -> Result<(), FitError> {
        let before: Vec<usize> = self.members.iter().map(|member| member.origins.len()).collect();
        let first = self.photos.len();
        let config = self.extractor.config();
        let added = if config.tiling.is_whole() && config.copies.is_none() {
            let Self { extractor, members, .. } = self;
            let embedded = extractor.embed(images, &mut |embedded| {
                if let Some(patches) = members.get_mut(embedded.embedding) {
                    patches.add(first + embedded.image, embedded.grid, embedded.rows, Cells::All, |cell| cell);
                    patches.own.push(patches.origins.len());
                }
            });
            let added = embedded.map_err(|error| FitError::of_photo(error, first));
            added.and_then(|()| self.check_finite(&before, images.len())).and_then(|()| {
                for image in images {
                    self.look_at(*image)?;
                    self.brightness.push(mean_brightness(image.pixels));
                    self.photos.push(FittedPhoto { size: (image.height, image.width), inside: None });
                }
                Ok(())
            })
        } else {
            images.iter().try_for_each(|image| self.add(*image))
        };
        added.inspect_err(|_| {
            self.photos.truncate(first);
            self.brightness.truncate(first);
            self.truncate(&before);
        })
    }

    /// Refuses features that are not finite among the patches since `before`.
    fn check_finite(&self, before: &[usize], images: usize) -> Result<(), FitError> {
        for (member, before) in self.members.iter().zip(before) {
            let new = member.rows.iter().skip(before * member.dim);
            if let Some(at) = new.clone().position(|value| !value.is_finite()) {
                // Photos of one size have as many patches each.
                let image = self.photos.len() + at * images / new.len();
                return Err(FitError::NotFinite { image });
            }
        }
        Ok(())
    }

    /// Keeps the first patches of every member alone.
    fn truncate(&mut self, patches: &[usize]) {
        for (member, patches) in self.members.iter_mut().zip(patches) {
            member.truncate(*patches);
        }
    }

    /// The pixels that count, kept once where photo after photo has the same.
    fn shared_inside(&self, inside: &[bool]) -> Arc<[bool]> {
        let last = self.photos.last().and_then(|photo| photo.inside.as_ref());
        last.filter(|last| ***last == *inside).map_or_else(|| Arc::from(inside), Arc::clone)
    }

    /// Number of photos added.
    pub fn images(&self) -> usize {
        self.photos.len()
    }

    /// Number of patches of all photos, of all members.
    pub fn patches(&self) -> usize {
        self.members.iter().map(|member| member.origins.len()).sum()
    }

    /// Peak bytes of a fit of so many patches, of photos whose largest input is `largest`, while `ahead` bytes are taken by photos on
    /// their way to it.
    ///
    /// - `patches x (dim x 4 + 16)` of every member: the embeddings and bookkeeping;
    /// - the network: every weight twice, those of 3x3 convolutions five times (Winograd's form), and the maps of the largest input, or of a
    ///   tile, with its embeddings (on a GPU its own memory has them);
    /// - the larger of `ahead`, which is over when the coreset begins, and of what comes then:
    ///   - `bank x (dim x 8 + 800)`: the bank, once in the file's bytes, and the index of the search;
    ///   - the larger of `patches x projected x 8`, while the coreset is selected, and, while a model without one photo scores it
    ///     ([`GoodQuantiles`](crate::good_quantiles::GoodQuantiles)), of that model's bank and index, `cells x (dim x 4 + 256)` of the
    ///     search, and the largest input's map, twice;
    /// - 80 MiB: the program, with a GPU's backend if it has one (of a GPU's batch at most 32 MiB).
    pub fn memory_bytes(patches: usize, largest: Size, ahead: u64, config: &PatchCoreConfig) -> u64 {
        let sides = |size: Size| (size.height as usize, size.width as usize);
        let tile = match config.tiling {
            Tiling::Whole => largest,
            Tiling::Tiles { size, .. } => Size { width: largest.width.min(size), height: largest.height.min(size) },
        };
        let cells =
            |size: Size, stride: u32| size.height.div_ceil(stride) as usize * size.width.div_ceil(stride) as usize;
        let (mut always, mut then) = (80 << 20, 0);
        for member in &config.members {
            let (dim, (stride, _)) = (member.embedding_dim(), member.strides());
            let projected = RandomProjection::dim_for(member.projection, dim, patches).unwrap_or(dim);
            let bank = config.coreset_size(patches);
            // An application's own network says nothing of its weights and maps.
            let network = member.backbone.plan(&member.layers).map_or(0, |plan| {
                let copies = |kernel: usize| if kernel == 3 { 5 } else { 2 };
                let of_conv =
                    plan.convolutions().map(|conv| copies(conv.kernel) * conv.weight_len() + 2 * conv.out_channels);
                let (height, width) = sides(tile);
                let maps = CpuNetwork::forward_bytes(&plan, height, width).unwrap_or(0);
                4 * of_conv.sum::<usize>() + maps as usize
            });
            // Rows as they are embedded and as a tile's are kept, and the deeper levels on their own grids; a tile's pixels.
            let embedding = 4 * (cells(tile, stride) * 3 * dim + 3 * tile.width as usize * tile.height as usize);
            always += patches * (dim * 4 + 16) + network + embedding;
            let index = bank * (dim * 8 + 800);
            let (height, width) = sides(largest);
            let map = (4 * 2 + 1) * height * width;
            let scoring = cells(largest, stride) * (dim * 4 + 256) + map;
            then += index + (patches * projected * 8).max(index + scoring);
        }
        always as u64 + ahead.max(then as u64)
    }

    /// Selects the coreset of every member and gives the fitted model. `progress` gets picks so far and their total, and returns
    /// false to stop.
    ///
    /// # Errors
    /// [`FitError::Config`], [`FitError::NoImages`], [`FitError::EmptyCoreset`], [`FitError::TooFewRows`], [`FitError::Device`] and
    /// [`FitError::Cancelled`].
    pub fn finish(self, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<PatchCore, FitError> {
        let Self { extractor, mut members, photos, .. } = self;
        let images = photos.len();
        let size = |photo: &FittedPhoto| Size { width: photo.size.1 as u32, height: photo.size.0 as u32 };
        let mut config = extractor.config().clone().after_the_fit(photos.iter().map(size))?.into_config();
        for (member, patches) in config.members.iter_mut().zip(&members) {
            let levels = member.embedding.values_of_levels(&member.channels_of_layers());
            if !member.level_scaling.is_none() {
                let variances = total_variances(&patches.rows, patches.dim, &levels);
                member.level_scaling = member.level_scaling.after_the_fit(&variances);
            }
        }
        let mut config = config.check()?;
        let extractor = extractor.with_config(config.clone());
        for (patches, shape) in members.iter_mut().zip(extractor.members()) {
            if let Some(scales) = shape.scales() {
                patches.rows.par_chunks_mut(SCALE_CHUNK * patches.dim).for_each(|rows| scale_rows(rows, scales));
            }
        }
        let patches: usize = members.iter().map(|member| member.origins.len()).sum();
        if patches == 0 {
            return Err(FitError::NoImages);
        }
        let counts = members.iter().map(|member| bank_rows(&config, member.origins.len()));
        let counts = counts.collect::<Result<Vec<_>, _>>()?;
        let total: usize = counts.iter().sum();
        let mut done = 0;
        let (mut banks, mut good_scores) = (Vec::new(), Vec::new());
        for ((member, rules), count) in members.iter().zip(&config.members).zip(counts) {
            let mut tell = |picked: usize| progress(done + picked, total);
            let picks = select(&extractor, rules, member, count, &mut tell)?;
            done += count;
            let mut rows = Vec::with_capacity(count * member.dim);
            let mut origins = Vec::with_capacity(count);
            for pick in picks {
                rows.extend_from_slice(member.row(pick));
                origins.extend(member.origins.get(pick));
            }
            let bank = MemoryBank::new(member.dim, rows, origins)?.with_dtype(config.bank_dtype)?;
            good_scores.push(good_scores_of(&config, member, images, &bank));
            banks.push(bank);
        }
        if config.members.iter().any(|member| !member.weighting.is_as_given()) {
            config = with_measured_weights(config, &good_scores)?;
        }
        let extractor = extractor.with_config(config.clone());
        let fitted_on = FittedOn { images, patches, good_scores: joint_good_scores(&config, &good_scores) };
        let model = PatchCore::new(extractor, banks, fitted_on)?.with_own_passport();
        let model = model.map_err(|error| FitError::of_photo(error, 0))?;
        let quantiles = model.measure_good(&photos, |member, image| match members.get(member) {
            Some(patches) => patches.of_image(image),
            None => (&[], &[]),
        });
        Ok(model.with_good_quantiles(quantiles?))
    }
}

fn mean_brightness(pixels: &[f32]) -> f32 {
    (pixels.iter().map(|value| f64::from(*value)).sum::<f64>() / pixels.len().max(1) as f64) as f32
}

/// Rows that a member's bank is to have.
fn bank_rows(config: &PatchCoreConfig, patches: usize) -> Result<usize, FitError> {
    let count = config.coreset_size(patches);
    if count == 0 {
        let ratio = config.coreset_sampling_ratio;
        return Err(FitError::EmptyCoreset { ratio, patches, smallest: 1.0 / patches as f64 });
    }
    if config.bank_rows_needed() > count {
        return Err(FitError::TooFewRows { num_neighbors: config.num_neighbors, rows: count });
    }
    Ok(count)
}

/// Distances of an even sample of training patches to the bank rows of other photos (of the same photo, where
/// there is only one).
fn good_scores_of(config: &PatchCoreConfig, member: &Patches, images: usize, bank: &MemoryBank) -> GoodScores {
    let alone = images == 1;
    let Some(of_bank) = bank.origins() else { unreachable!("a fit knows where its rows come from") };
    let step = member.origins.len().div_ceil(GOOD_SAMPLE);
    let sample: Vec<(&[f32], &PatchOrigin)> =
        member.rows.chunks_exact(member.dim).zip(&member.origins).step_by(step).collect();
    let nearest_other = |(row, origin): &(&[f32], &PatchOrigin)| {
        let is_other = |other: &PatchOrigin| if alone { other != *origin } else { other.image != origin.image };
        let others = of_bank.iter().enumerate().filter(|(_, other)| is_other(other));
        others.map(|(index, _)| squared_distance(row, bank.row(index))).reduce(f32::min)
    };
    let mut distances: Vec<f32> = sample.par_iter().filter_map(nearest_other).collect();
    distances.sort_unstable_by(f32::total_cmp);
    let quantile = |share: f64| {
        let squared = distances.get(((distances.len() as f64 * share) as usize).min(distances.len().saturating_sub(1)));
        // No other patch: one photo with one row. Then there is no scale, and 0 says so.
        distance(config, squared.copied().unwrap_or(0.0)) as f32
    };
    GoodScores { median: quantile(0.5), percentile_99: quantile(0.99) }
}

/// The variance of every value over all rows, summed over the values of each level. Sums run over chunks of a fixed length, so that the
/// result does not depend on the number of threads.
fn total_variances(rows: &[f32], dim: usize, levels: &[Range<usize>]) -> Vec<f64> {
    let count = (rows.len() / dim).max(1) as f64;
    let mean: Vec<f64> = sums(rows, &vec![0.0; dim], |value| value).into_iter().map(|sum| sum / count).collect();
    let squares = sums(rows, &mean, |value| value * value);
    let of_level = |values: &Range<usize>| squares.get(values.clone()).unwrap_or_default().iter().sum::<f64>() / count;
    levels.iter().map(of_level).collect()
}

/// For each value of a row the sum of `of` over all rows, of its difference from the `origin`'s.
fn sums(rows: &[f32], origin: &[f64], of: impl Fn(f64) -> f64 + Sync) -> Vec<f64> {
    let of_chunk = |chunk: &[f32]| {
        let mut sums = vec![0.0; origin.len()];
        for row in chunk.chunks_exact(origin.len()) {
            for ((sum, value), origin) in sums.iter_mut().zip(row).zip(origin) {
                *sum += of(f64::from(*value) - origin);
            }
        }
        sums
    };
    let chunks: Vec<Vec<f64>> = rows.par_chunks(SCALE_CHUNK * origin.len()).map(of_chunk).collect();
    let mut total = vec![0.0; origin.len()];
    for chunk in chunks {
        total.iter_mut().zip(chunk).for_each(|(total, sum)| *total += sum);
    }
    total
}

/// The weights of [`Weighting::GoodPatches`], their mean 1. Where a member has no such scale (equal photos, whose distances are 0) all
/// count alike.
fn with_measured_weights(config: Checked, good_scores: &[GoodScores]) -> Result<Checked, FitError> {
    let mut config = config.into_config();
    let inverse = |scores: &GoodScores| 1.0 / f64::from(scores.median);
    let inverses: Vec<f64> = good_scores.iter().map(inverse).collect();
    let mean = inverses.iter().sum::<f64>() / inverses.len().max(1) as f64;
    let weights: Vec<f32> = inverses.iter().map(|inverse| (inverse / mean) as f32).collect();
    let usable = weights.iter().all(|weight| weight.is_normal() && *weight > 0.0);
    for (member, weight) in config.members.iter_mut().zip(weights) {
        if member.weighting == Weighting::GoodPatches {
            member.weight = if usable { weight } else { 1.0 };
        }
    }
    Ok(config.check()?)
}

/// The scale of the joint map: the members' scales, weighted as their maps are.
fn joint_good_scores(config: &PatchCoreConfig, members: &[GoodScores]) -> GoodScores {
    if let [only] = members {
        return *only;
    }
    let total: f32 = config.members.iter().map(|member| member.weight).sum();
    let mean = |of: fn(&GoodScores) -> f32| {
        config.members.iter().zip(members).map(|(member, scores)| member.weight / total * of(scores)).sum()
    };
    GoodScores { median: mean(|scores| scores.median), percentile_99: mean(|scores| scores.percentile_99) }
}

/// The indices of a member's coreset.
fn select(
    extractor: &Extractor,
    rules: &MemberConfig,
    member: &Patches,
    count: usize,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<usize>, FitError> {
    let (patches, seed) = (member.origins.len(), extractor.config().seed);
    if count == patches {
        progress(count);
        return Ok((0..count).collect());
    }
    let projected = project(extractor, rules, member, seed)?;
    let (features, width) = match &projected {
        Some((values, width)) => (values.as_slice(), *width),
        None => (member.rows.as_slice(), member.dim),
    };
    let initial = initial_distances(rules.start, features, width, seed);
    let picks = extractor.engine().select(features, width, &initial, count, progress);
    picks.map_err(|stopped| match stopped {
        SelectionStopped::Cancelled => FitError::Cancelled,
        SelectionStopped::Device(error) => FitError::Device(error),
    })
}

/// All embeddings projected, and their dimension; `None` where the rule does not shrink them.
fn project(
    extractor: &Extractor,
    rules: &MemberConfig,
    member: &Patches,
    seed: u64,
) -> Result<Option<(Vec<f32>, usize)>, FitError> {
    let patches = member.origins.len();
    let Some(projection) = RandomProjection::new(rules.projection, member.dim, patches, seed) else { return Ok(None) };
    let width = projection.projected_dim();
    let mut values = Vec::with_capacity(patches * width);
    for rows in member.rows.chunks(PROJECTION_CHUNK * member.dim) {
        values.extend(extractor.engine().project(&projection, rows)?);
    }
    Ok(Some((values, width)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_of_a_level_is_the_sum_of_its_values() {
        // Two levels: one value, and two. More rows than a chunk has.
        let rows: Vec<f32> =
            (0..2 * SCALE_CHUNK + 2).flat_map(|row| [(row % 2) as f32, 5.0, 3.0 * (row % 2) as f32]).collect();
        let found = total_variances(&rows, 3, &[0..1, 1..3]);
        assert_eq!(found, [0.25, 9.0 / 4.0]);
        assert_eq!(total_variances(&[7.0, 7.0, 7.0], 3, &[0..1, 1..3]), [0.0, 0.0]);
    }
}
