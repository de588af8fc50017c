//! Fitting: embeddings of good photos in, one by one; a [`PatchCore`] out.

use std::sync::Arc;

use rayon::prelude::*;

use crate::backbone::Backbone;
use crate::copies::{PhotoCopy, each_copy};
use crate::coreset::{RandomProjection, SelectionStopped, initial_distances};
use crate::device::ComputeDevice;
use crate::error::{FitError, ScoreError};
use crate::extractor::{Extractor, scale_rows};
use crate::finish::Cells;
use crate::fit_measures::{SCALE_CHUNK, good_scores_of, joint_good_scores, total_variances, with_measured_weights};
use crate::fitted_patches::Patches;
use crate::given_weights::GivenWeights;
use crate::good_quantiles::FittedPhoto;
use crate::image_input::ImageInput;
use crate::memory_bank::MemoryBank;
use crate::network_group::MemberShape;
use crate::patchcore::{FittedOn, PatchCore};
use crate::photo_parts::{PartBuffers, PhotoParts};
use crate::suggestions::{Angles, LOOKED_AT, LOOKS, Suggestion, is_turned, of_light};
use patchcore_config::backbone::ActivationRanges;
use patchcore_config::{Checked, MemberConfig, PatchCoreConfig, Size};

/// Rows projected at once.
const PROJECTION_CHUNK: usize = 16_384;
/// Bytes of a batch's pixels and rows.
const BATCH_BYTES: usize = 32 << 20;

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

impl Fitter {
    /// Checks the weights, for members that all name networks of the catalogue: see [`Extractor::new`].
    ///
    /// # Errors
    /// [`FitError::Backbone`] and [`FitError::Device`].
    pub fn new<'a>(
        config: Checked,
        weights: impl Into<GivenWeights<'a>>,
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        Ok(Self::with_extractor(Extractor::new(config, weights, device)?))
    }

    /// [`Fitter::new`] for a configuration with networks of int8, whose activation ranges a [`RangeSurvey`](crate::RangeSurvey) of the
    /// same photos has measured. A configuration without such a network has none: an empty slice.
    ///
    /// # Errors
    /// As [`Fitter::new`]; [`BackboneError::NotOneRangesEach`](crate::error::BackboneError::NotOneRangesEach) for a survey of another
    /// configuration.
    pub fn with_ranges<'a>(
        config: Checked,
        weights: impl Into<GivenWeights<'a>>,
        ranges: &[ActivationRanges],
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        Ok(Self::with_extractor(Extractor::with_ranges(config, weights, ranges, device)?))
    }

    /// [`Fitter::with_backbones`] with activation ranges: see [`Fitter::with_ranges`].
    ///
    /// # Errors
    /// As both.
    pub fn with_backbones_and_ranges(
        config: Checked,
        backbones: &[Arc<dyn Backbone>],
        ranges: &[ActivationRanges],
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        Ok(Self::with_extractor(Extractor::with_backbones_and_ranges(config, backbones, ranges, device)?))
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
        let embedded = self.embed_photo(image, inside).and_then(|()| self.check_finite(&before, 1));
        // What fails here leaves the fitter as it was, too.
        let added = embedded.and_then(|()| if inside.is_none() { self.look_at(image) } else { Ok(()) });
        match added {
            Ok(()) => {
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
        let (_, deepest) = config.strides();
        each_copy(&config.copies, image, inside, deepest, |copy, copied, inside| {
            self.embed_as(copied, inside, Some(copy))
        })
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
            // All of it, with the repeated edge in its corners: the photos that are compared have borders too.
            copy.make(image, None, deepest as usize, &mut pixels, &mut counts);
            let copied = ImageInput { pixels: &pixels, ..image };
            let parts = PhotoParts::new(&self.extractor, copied, None);
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

    /// Options that the photos so far speak for, from the brightness of all and the angle of the first few; the latter can be said once.
    ///
    /// # Errors
    /// [`FitError::Device`].
    pub fn suggestions(&mut self) -> Result<Vec<Suggestion>, FitError> {
        let looks = std::mem::take(&mut self.looks);
        let config = self.extractor.config();
        let light = of_light(&self.brightness).filter(|_| config.copies.light.is_empty());
        let Some(member) = self.members.first() else { return Ok(light.into_iter().collect()) };
        let (mut plain, mut unseen) = (Vec::new(), Vec::new());
        for number in 0..self.photos.len().min(LOOKED_AT) {
            let (rows, _) = member.of_image(number);
            match number.is_multiple_of(2) {
                true => plain.extend_from_slice(rows),
                false => unseen.push(rows.to_vec()),
            }
        }
        let angles = Angles { dim: member.dim, plain, copied: &looks, unseen, photos: self.photos.len() };
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
