//! The fitted model: scores a photo, says where it is unlike the good ones, and can be written to a file.

use std::sync::Arc;

use crate::coverage::Coverage;
use crate::device::ComputeDevice;
use crate::engine::{Fallback, WholeModel};
use crate::error::{DeviceError, FitError, ScoreError};
use crate::extractor::Extractor;
use crate::finish::{Cells, Finish, Patches, grow_map, join_maps};
use crate::fitted_on::{FittedOn, GoodScores};
use crate::given_weights::GivenWeights;
use crate::good_quantiles::GoodQuantiles;
use crate::image_input::ImageInput;
use crate::member::Member;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::Neighbor;
use crate::passport::{Drift, ScorePassport};
use crate::photo_parts::{PartBuffers, PhotoParts};
use crate::scoring::AnomalyMap;
use patchcore_config::backbone::networks_sha256;
use patchcore_config::{Checked, Grid, MemberConfig};
use patchcore_cpu::ScratchPool;

/// A fitted PatchCore: members over one photo, whose maps meet in the geometry of the networks' input. `Send + Sync`; scoring takes
/// `&self`. Cheap to clone.
#[derive(Clone)]
pub struct PatchCore {
    extractor: Extractor,
    members: Arc<[Member]>,
    finish: Arc<Finish>,
    fitted_on: FittedOn,
    passport: Option<ScorePassport>,
    drift: Option<Drift>,
    good_quantiles: Option<Arc<GoodQuantiles>>,
    coverage: Arc<[Coverage]>,
    fit_device: Option<Arc<str>>,
    scratch: Arc<ScratchPool<Scratch>>,
}

/// Buffers of a photo, kept for the next one.
#[derive(Default)]
pub(crate) struct Scratch {
    parts: PartBuffers,
    /// One for each member.
    pub(crate) patches: Vec<Patches>,
    map: AnomalyMap,
}

/// A part of the work on one photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScoreStep {
    /// The network, and the embedding of its features.
    Network,
    /// The nearest bank rows of the patches.
    Search,
    /// The anomaly map and the image score.
    Map,
    /// All of it, by an engine that does it in one go.
    Whole,
}

/// How anomalous one photo is, and where.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageScore {
    /// The image score, in the unit of the configuration's distance (L2, or squared L2 in mode `authors`); higher is worse.
    pub score: f32,
    /// The member whose patches are reported below: the one with the largest share in the joint map, of those that share it the one
    /// whose worst patch is the worst. 0 for a model of one member.
    pub member: usize,
    /// The patch grid.
    pub grid: Grid,
    /// One score per grid cell, row-major.
    pub patch_scores: Vec<f32>,
    /// The nearest bank row of every cell.
    pub nearest: Vec<Neighbor>,
    /// The cell with the largest distance.
    pub worst_cell: usize,
    /// One score per pixel of the network's input.
    pub map: AnomalyMap,
}

impl std::fmt::Debug for PatchCore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("PatchCore");
        fields.field("config", self.config()).field("fitted_on", &self.fitted_on).finish_non_exhaustive()
    }
}

impl PatchCore {
    /// A model of these banks, one for each member.
    ///
    /// # Errors
    /// [`DeviceError`] where the device cannot take a bank.
    pub(crate) fn new(extractor: Extractor, banks: Vec<MemoryBank>, fitted_on: FittedOn) -> Result<Self, DeviceError> {
        let config = extractor.config();
        assert_eq!(banks.len(), config.members.len(), "one bank per member");
        let member = |(bank, rules): (MemoryBank, &MemberConfig)| {
            assert_eq!(bank.dtype(), config.bank_dtype, "the bank is kept as the settings say");
            Member::new(bank, rules.weight, extractor.engine(), extractor.device())
        };
        let members = banks.into_iter().zip(&config.members).map(member).collect::<Result<Arc<[_]>, _>>()?;
        Ok(Self::of_members(extractor, members, fitted_on))
    }

    /// A model of members that are there.
    pub(crate) fn of_members(extractor: Extractor, members: Arc<[Member]>, fitted_on: FittedOn) -> Self {
        Self {
            extractor,
            members,
            finish: Arc::default(),
            fitted_on,
            passport: None,
            drift: None,
            good_quantiles: None,
            coverage: Arc::default(),
            fit_device: None,
            scratch: Arc::default(),
        }
    }

    /// A model over a bank that comes from elsewhere, `[rows, embedding dim]` row-major: a bank of another PatchCore,
    /// or one thinned by other means. Its rows have no origins. For a configuration of one member.
    ///
    /// # Errors
    /// [`FitError::Config`] for levels scaled by factors that only a fit measures, [`FitError::Backbone`], [`FitError::TooFewRows`], [`FitError::OneBank`], and [`FitError::Bank`] when the values are not
    /// finite or not whole rows.
    pub fn with_bank<'a>(
        config: Checked,
        weights: impl Into<GivenWeights<'a>>,
        rows: Vec<f32>,
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        config.verify_measured()?;
        let extractor = Extractor::new(config, weights, device)?;
        let dim = extractor.dim();
        let members = extractor.members().len();
        if members != 1 {
            return Err(FitError::OneBank { members });
        }
        let bank = MemoryBank::from_rows(dim, rows)?.with_dtype(extractor.config().bank_dtype)?;
        let count = bank.len();
        let num_neighbors = extractor.config().num_neighbors;
        if extractor.config().bank_rows_needed() > count {
            return Err(FitError::TooFewRows { num_neighbors, rows: count });
        }
        let good_scores = GoodScores { median: 0.0, percentile_99: 0.0 };
        Ok(Self::new(extractor, vec![bank], FittedOn { images: 0, patches: 0, good_scores })?)
    }

    /// The settings of the fit.
    pub fn config(&self) -> &Checked {
        self.extractor.config()
    }

    /// Where it computes.
    pub fn device(&self) -> &ComputeDevice {
        self.extractor.device()
    }

    /// What another engine does for the device's own, and says so; empty where that does everything.
    pub fn fallbacks(&self) -> impl Iterator<Item = &Fallback> {
        self.extractor.fallbacks()
    }

    /// The members, in the order of the configuration; at least one.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The memory bank of the first member.
    #[expect(clippy::indexing_slicing, reason = "a checked configuration has a member")]
    pub fn bank(&self) -> &MemoryBank {
        self.members[0].bank()
    }

    /// Rows of the memory banks of all members.
    pub fn bank_rows(&self) -> usize {
        self.members.iter().map(|member| member.bank().len()).sum()
    }

    /// Digest of the weights of its network, of several networks one over all of theirs.
    pub fn weights_sha256(&self) -> String {
        networks_sha256(self.extractor.networks())
    }

    /// What it was fitted on.
    pub fn fitted_on(&self) -> FittedOn {
        self.fitted_on
    }

    /// What the device of the fit computed for a few pictures; `None` for a model without a passport (files of format
    /// version 1, [`PatchCore::with_bank`]).
    pub fn passport(&self) -> Option<&ScorePassport> {
        self.passport.as_ref()
    }

    /// How far this device's results lie from the passport; `None` unless the model was loaded with one.
    pub fn drift(&self) -> Option<Drift> {
        self.drift
    }

    pub(crate) fn with_passport(mut self, passport: ScorePassport, drift: Option<Drift>) -> Self {
        (self.passport, self.drift) = (Some(passport), drift);
        self
    }

    /// How good photos score that the bank does not know; `None` for a model that was not fitted on several photos, and for files of
    /// format versions 1 and 2.
    pub fn good_quantiles(&self) -> Option<&GoodQuantiles> {
        self.good_quantiles.as_deref()
    }

    pub(crate) fn with_good_quantiles(mut self, good_quantiles: Option<GoodQuantiles>) -> Self {
        self.good_quantiles = good_quantiles.map(Arc::new);
        self
    }

    /// How far the patches of the fit lie from each member's bank; empty where that is not known: for files of earlier versions, and for
    /// [`PatchCore::with_bank`].
    pub fn coverage(&self) -> &[Coverage] {
        &self.coverage
    }

    pub(crate) fn with_coverage(mut self, coverage: Vec<Coverage>) -> Self {
        self.coverage = coverage.into();
        self
    }

    /// Name of the device on which the model was fitted: this one's, unless the model comes from a file.
    pub fn fit_device(&self) -> String {
        self.fit_device.as_ref().map_or_else(|| self.device().name(), |name| name.to_string())
    }

    pub(crate) fn with_fit_device(mut self, name: Option<String>) -> Self {
        self.fit_device = name.map(Arc::from);
        self
    }

    /// The frozen part.
    pub fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// Scores one photo.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn score(&self, image: ImageInput<'_>) -> Result<ImageScore, ScoreError> {
        self.score_within(image, None)
    }

    /// [`PatchCore::score`], written over an earlier result: on the CPU a stream of photos of one size then allocates
    /// nothing.
    ///
    /// # Errors
    /// [`ScoreError`]; what `result` holds is then of no use.
    pub fn score_into(&self, image: ImageInput<'_>, result: &mut ImageScore) -> Result<(), ScoreError> {
        self.score_within_into(image, None, result, &mut |_| ())
    }

    /// Scores the pixels that are `inside`, `[height, width]` row by row; all of them without it. With
    /// [`tiling`](patchcore_config::PatchCoreConfig::tiling) the network sees one tile after the other.
    ///
    /// A cell counts when an inside pixel touches it. Cells that do not count have the patch score 0 and the
    /// [`Neighbor::NONE`]; the image score is that of the cells that count. The map is 0 outside; inside, smoothing takes
    /// its mean over the cells that count alone, so that a border of the region neither lowers nor raises it.
    ///
    /// # Errors
    /// [`ScoreError`]; [`InputError::NothingInside`](crate::error::InputError::NothingInside) when no pixel is inside.
    pub fn score_within(&self, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<ImageScore, ScoreError> {
        self.score_in_steps(image, inside, &mut |_| ())
    }

    /// [`PatchCore::score_within`], which tells `after` of every step that is over, in the order in which they come: who has a clock
    /// knows what each took. Tiles and members are a pair of steps each. An engine that scores in one go tells of
    /// [`ScoreStep::Whole`] alone.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn score_in_steps(
        &self,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
        after: &mut dyn FnMut(ScoreStep),
    ) -> Result<ImageScore, ScoreError> {
        let mut result = ImageScore::default();
        self.score_within_into(image, inside, &mut result, after)?;
        Ok(result)
    }

    fn score_within_into(
        &self,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
        result: &mut ImageScore,
        after: &mut dyn FnMut(ScoreStep),
    ) -> Result<(), ScoreError> {
        let inside = image.part(inside);
        if inside.is_none()
            && let Some(scored) = self.score_whole(&[image])?.and_then(|mut scored| scored.pop())
        {
            *result = scored;
            after(ScoreStep::Whole);
            return Ok(());
        }
        self.scratch.with(|scratch| self.score_parts(image, inside, scratch, result, after))
    }

    /// The steps one by one, for every member.
    fn score_parts(
        &self,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
        scratch: &mut Scratch,
        result: &mut ImageScore,
        after: &mut dyn FnMut(ScoreStep),
    ) -> Result<(), ScoreError> {
        let parts = self.score_steps(image, inside, scratch, after)?;
        self.join(&parts, image, inside, scratch, result).inspect(|()| after(ScoreStep::Map))
    }

    /// Networks and search: the patches of every member.
    #[expect(clippy::indexing_slicing, reason = "as many patches as members")]
    pub(crate) fn score_steps(
        &self,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
        scratch: &mut Scratch,
        after: &mut dyn FnMut(ScoreStep),
    ) -> Result<PhotoParts, ScoreError> {
        let Scratch { parts: buffers, patches, .. } = scratch;
        let parts = PhotoParts::new(&self.extractor, image, inside)?;
        patches.resize_with(self.members.len(), Patches::default);
        for (patches, member) in patches.iter_mut().zip(parts.members()) {
            patches.begin(member.grid);
        }
        parts.embed(&self.extractor, image, buffers, |number, rows, cells| {
            after(ScoreStep::Network);
            let index = self.members[number].index();
            self.finish.add_rows(self.config(), index, rows, cells, &mut patches[number])?;
            after(ScoreStep::Search);
            Ok(())
        })?;
        Ok(parts)
    }

    /// The joint map of all members' patches, and what is read from it.
    #[expect(clippy::indexing_slicing, reason = "as many patches as members")]
    pub(crate) fn join(
        &self,
        parts: &PhotoParts,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
        scratch: &mut Scratch,
        result: &mut ImageScore,
    ) -> Result<(), ScoreError> {
        let Scratch { patches, map, .. } = scratch;
        self.joint_map(parts, patches, (image.height, image.width), inside, map, &mut result.map)?;
        let decided = self.deciding_member(patches);
        let (member, patches) = (&self.members[decided], &mut patches[decided]);
        result.member = decided;
        result.score = self.finish.image_score(self.config(), member.index(), patches, None, &result.map, inside)?;
        report(patches, result);
        Ok(())
    }

    /// The maps of all members as one, for an input of `size`, `(height, width)`. `scratch` holds a further member's.
    fn joint_map(
        &self,
        parts: &PhotoParts,
        patches: &[Patches],
        size: (usize, usize),
        inside: Option<&[bool]>,
        scratch: &mut AnomalyMap,
        joint: &mut AnomalyMap,
    ) -> Result<(), DeviceError> {
        let mut weights = 0.0;
        for ((member, patches), cells) in self.members.iter().zip(patches).zip(parts.members()) {
            let grower = member.grower(cells.grid, size, self.config(), self.extractor.engine())?;
            let region = cells.wanted.as_deref().zip(inside);
            if weights == 0.0 {
                grow_map(&grower, &patches.scores, region, joint)?;
            } else {
                grow_map(&grower, &patches.scores, region, scratch)?;
                join_maps(joint, weights, scratch, member.weight());
            }
            weights += member.weight();
        }
        Ok(())
    }

    /// Patch scores of the cells that count, of all members, and the joint map of a photo that has been embedded before: `rows` gives a
    /// member's rows `[n, dim]` and their cells.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub(crate) fn score_rows<'a>(
        &self,
        size: (usize, usize),
        inside: Option<&[bool]>,
        rows: impl Fn(usize, Grid) -> (&'a [f32], Vec<usize>),
    ) -> Result<(Vec<f32>, AnomalyMap), ScoreError> {
        let parts = PhotoParts::of_size(&self.extractor, size, inside)?;
        let (mut scores, mut all) = (Vec::new(), Vec::new());
        for (number, (member, cells)) in self.members.iter().zip(parts.members()).enumerate() {
            let mut patches = Patches::default();
            patches.begin(cells.grid);
            let (rows, cells) = rows(number, cells.grid);
            self.finish.add_rows(self.config(), member.index(), rows, Cells::These(&cells), &mut patches)?;
            scores.extend(cells.iter().filter_map(|cell| patches.scores.get(*cell)));
            all.push(patches);
        }
        let mut map = AnomalyMap::default();
        self.joint_map(&parts, &all, size, inside, &mut AnomalyMap::default(), &mut map)?;
        Ok((scores, map))
    }

    /// The member whose worst patch weighs most in the joint map.
    #[expect(clippy::indexing_slicing, reason = "as many patches as members")]
    fn deciding_member(&self, patches: &[Patches]) -> usize {
        let share = |number: usize| {
            let worst = patches[number].worst_score();
            // A member of which no cell counts decides nothing.
            worst.map_or(f32::NEG_INFINITY, |worst| self.members[number].weight() * worst)
        };
        // The first of equal ones.
        (1..patches.len()).fold(0, |best, number| if share(number) > share(best) { number } else { best })
    }

    /// Whole photos of one size by the engine at once; `None` where the steps go one by one: for several members, for tiles, for a
    /// rule that needs several neighbours of every patch, and for an engine that has no such path.
    pub(crate) fn score_whole(&self, images: &[ImageInput<'_>]) -> Result<Option<Vec<ImageScore>>, ScoreError> {
        let config = self.config();
        if !config.tiling.is_whole() || Finish::needs_several_neighbors(config) {
            return Ok(None);
        }
        let (Some(features), [member], Some(first)) =
            (self.extractor.only_features(), self.members.as_ref(), images.first())
        else {
            return Ok(None);
        };
        let (height, width) = (first.height, first.width);
        self.extractor.check_sides(height, width)?;
        let grid = self.extractor.grid(height, width);
        let engine = self.extractor.engine();
        if !engine.takes_whole_photos() {
            return Ok(None);
        }
        for image in images {
            image.check()?;
        }
        let grower = member.grower(grid, (height, width), config, engine)?;
        let model = WholeModel {
            features,
            index: member.index().on_engine(),
            grower: grower.on_engine(),
            distance: config.distance,
            neighborhood: Finish::neighborhood(config),
        };
        let Some(photos) = engine.whole_photos(model, images)? else { return Ok(None) };
        let scores = photos.into_iter().map(|photo| {
            let mut patches = Patches::default();
            patches.begin(photo.grid);
            Finish::add_nearest(config, photo.nearest, &mut patches)?;
            let mut result =
                ImageScore { map: AnomalyMap { width, height, scores: photo.map }, ..ImageScore::default() };
            let measured = Some(photo.to_neighborhood.as_slice());
            result.score = self.finish.image_score(config, member.index(), &patches, measured, &result.map, None)?;
            report(&mut patches, &mut result);
            Ok(result)
        });
        scores.collect::<Result<Vec<_>, ScoreError>>().map(Some)
    }
}

/// Hands the patches of the deciding member to the result.
fn report(patches: &mut Patches, result: &mut ImageScore) {
    (result.grid, result.worst_cell) = (patches.grid, patches.worst_cell());
    std::mem::swap(&mut result.patch_scores, &mut patches.scores);
    std::mem::swap(&mut result.nearest, &mut patches.nearest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fitted_model_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<PatchCore>();
    }
}
