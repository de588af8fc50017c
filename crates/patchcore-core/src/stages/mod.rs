//! The stages of a fit and a score one by one, on one device: what benches and a device check time, and what each has to do at the
//! least ([`Work`]).
//!
//! A [`Stages`] has everything ready that a stage begins with; [`Stages::run`] does the stage once and comes back when the device has
//! finished. It has no clock: whoever calls it does.

mod trunk;
mod work;

use patchcore_config::Checked;
use patchcore_config::backbone::plan::{MapShape, Plan, PlanError};
use thiserror::Error;

use crate::coreset::{RandomProjection, SelectionStopped, greedy_k_center, initial_distances};
use crate::device::ComputeDevice;
use crate::engine::{MapSpec, engine_of};
use crate::error::{BackboneError, DeviceError, EngineError, ScoreError};
use crate::extractor::Extractor;
use crate::given_weights::GivenWeights;
use crate::image_input::ImageInput;
use crate::memory_bank::{BankError, MemoryBank};
use crate::nearest_neighbor::NearestNeighborIndex;
use crate::scoring::{AnomalyMap, MapGrower};
pub use work::Work;

use trunk::Trunk;

/// A part of a fit or a score that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The network for so many photos at once, from normalised pixels to maps.
    Trunk(usize),
    /// The patch embedding of one photo's maps.
    Embedding,
    /// Both for one photo, from pixels to rows that the host has.
    Features,
    /// The greedy selection of a tenth of the patches of all photos but the last.
    Coreset,
    /// The nearest row of that coreset for every patch of the last photo.
    Search,
    /// The map of one photo.
    Map,
}

impl Stage {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trunk(_) => "trunk",
            Self::Embedding => "embedding",
            Self::Features => "trunk and embedding",
            Self::Coreset => "coreset",
            Self::Search => "search",
            Self::Map => "map",
        }
    }
}

/// A stage of these photos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageOf {
    /// Which.
    pub stage: Stage,
    /// Its size in words: `784 x 1024`.
    pub size: String,
    /// What it has to do.
    pub work: Work,
}

/// The stages of one device, ready to be run again and again, by the first member of a configuration.
pub struct Stages {
    device: ComputeDevice,
    extractor: Extractor,
    trunk: Trunk,
    /// The last photo's pixels, rows and columns.
    photo: (Vec<f32>, usize, usize),
    /// Its patches, `[cells, dim]`.
    queries: Vec<f32>,
    /// Patches of all other photos as the selection sees them, `[rows, width]`, and `width`.
    features: (Vec<f32>, usize),
    /// Distance of each to where the selection starts.
    initial: Vec<f32>,
    picks: usize,
    index: NearestNeighborIndex,
    grower: MapGrower,
    map: AnomalyMap,
    stages: Vec<StageOf>,
}

impl Stages {
    /// Makes everything ready, for at least two photos of one size, in their order. `batches` are the numbers of photos that the
    /// network is run for at once; a CPU runs for one alone.
    ///
    /// # Errors
    /// [`EngineError`] and [`ScoreError`], within [`StagesError`].
    pub fn new<'a>(
        config: Checked,
        weights: impl Into<GivenWeights<'a>>,
        device: &ComputeDevice,
        photos: &[ImageInput<'_>],
        batches: &[usize],
    ) -> Result<Self, StagesError> {
        let (Some((last, others)), true) = (photos.split_last(), photos.len() >= 2) else {
            return Err(StagesError::TooFewPhotos { photos: photos.len() });
        };
        let weights = weights.into();
        let extractor = Extractor::new(config.clone(), weights, device)?;
        let member = config.first();
        let plan =
            member.backbone.plan(&member.layers).map_err(|error| EngineError::from(BackboneError::from(error)))?;
        let (height, width) = (last.height, last.width);
        let mut image = Vec::new();
        last.push_normalized(&member.normalization, &mut image);
        let of_member = weights.of(member.backbone.name());
        let no_weights = || BackboneError::NoWeights { backbone: member.backbone.name().to_owned() };
        let of_member = of_member.ok_or_else(no_weights).map_err(EngineError::from)?;
        let trunk = Trunk::new(device, member, &plan, of_member, image, (height, width))?;

        let mut rows = Vec::new();
        for photo in others {
            rows.extend(extractor.embed_to_host(*photo)?.0);
        }
        let (queries, grid) = extractor.embed_to_host(*last)?;
        let (dim, cells) = (extractor.dim(), grid.cells());
        let count = rows.len() / dim;
        let projection = RandomProjection::new(member.projection, dim, count, config.seed);
        let features = match &projection {
            Some(projection) => (engine_of(device).project(projection, &rows)?, projection.projected_dim()),
            None => (rows.clone(), dim),
        };
        let initial = initial_distances(member.start, &features.0, features.1, config.seed);
        let picks = (count / 10).max(1);
        // Which rows a bank has decides nothing here: every tenth.
        let bank: Vec<f32> = rows.chunks_exact(dim).step_by(10).take(picks).flatten().copied().collect();
        let bank = MemoryBank::from_rows(dim, bank)?;
        let bank_rows = bank.len();
        let index = NearestNeighborIndex::new(bank, device)?;
        let map_spec = MapSpec::new(&config, grid, (height, width));
        let grower = MapGrower::new(map_spec, device)?;

        let maps = maps_of(&plan, height, width)?;
        let embedding = Work::of_embedding(maps, cells, dim, member.patch_size);
        let network = |images: usize| Work::of_network(&plan, images, height, width);
        let of = |stage: Stage, size: String, work: Work| StageOf { stage, size, work };
        let mut stages = Vec::new();
        for images in batches.iter().copied().filter(|images| *images == 1 || trunk.takes_batches()) {
            stages.push(of(Stage::Trunk(images), format!("{images} x 3 x {height} x {width}"), network(images)?));
        }
        stages.push(of(Stage::Embedding, format!("{cells} x {dim}"), embedding));
        stages.push(of(Stage::Features, format!("{cells} x {dim}"), network(1)?.and(embedding)));
        let coreset = Work::of_coreset(count, features.1, picks);
        stages.push(of(Stage::Coreset, format!("{picks} of {count} x {}", features.1), coreset));
        let search = Work::of_search(cells, bank_rows, dim);
        stages.push(of(Stage::Search, format!("{cells} in {bank_rows} x {dim}"), search));
        stages.push(of(Stage::Map, format!("{height} x {width}"), Work::of_map(&map_spec)));
        let (device, photo, map) = (device.clone(), (last.pixels.to_vec(), height, width), AnomalyMap::default());
        Ok(Self { device, extractor, trunk, photo, queries, features, initial, picks, index, grower, map, stages })
    }

    /// What can be run.
    pub fn all(&self) -> &[StageOf] {
        &self.stages
    }

    /// Does a stage once, until the device has finished.
    ///
    /// # Errors
    /// [`StagesError`], where the device fails.
    pub fn run(&mut self, stage: Stage) -> Result<(), StagesError> {
        match stage {
            Stage::Trunk(images) => self.trunk.forward(images)?,
            Stage::Embedding => self.trunk.embed()?,
            Stage::Features => {
                let (pixels, height, width) = &self.photo;
                drop(self.extractor.embed_to_host(ImageInput { width: *width, height: *height, pixels })?);
            }
            Stage::Coreset => {
                let (features, width) = &self.features;
                let picked = greedy_k_center(features, *width, &self.initial, self.picks, &self.device, &mut |_| true);
                match picked {
                    Err(SelectionStopped::Device(error)) => return Err(error.into()),
                    // Nothing cancels it.
                    Err(SelectionStopped::Cancelled) | Ok(_) => {}
                }
            }
            Stage::Search => drop(self.index.nearest_of_rows(&self.queries)?),
            Stage::Map => {
                let scores: Vec<f32> = (0..self.grower.map().grid.cells()).map(|cell| (cell % 17) as f32).collect();
                self.grower.grow_into(&scores, &mut self.map)?;
            }
        }
        Ok(())
    }
}

/// Values of the maps that a plan's taps give.
fn maps_of(plan: &Plan, height: usize, width: usize) -> Result<u64, StagesError> {
    let image = MapShape { channels: plan.image_channels(), height, width };
    let mut shapes = Vec::new();
    plan.visit(image, &mut shapes, |_| ())?;
    Ok(plan.taps.iter().filter_map(|tap| shapes.get(tap.slot)).map(|shape| shape.values()).sum())
}

/// Stages that cannot be made ready or fail.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum StagesError {
    /// The last photo is searched for in the others.
    #[error("the stages take two photos of one size at least, got {photos}")]
    TooFewPhotos {
        /// Photos that were given.
        photos: usize,
    },
    /// The network is at fault, or the engine lacks a part of it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The network's plan contradicts itself.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The patches make no bank.
    #[error(transparent)]
    Bank(#[from] BankError),
    /// A photo is at fault.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The device is at fault.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

#[cfg(test)]
#[cfg(feature = "cpu")]
mod tests {
    use super::*;
    use crate::backbone::test_networks::lite0_weights;
    use crate::model_tests::{SIDE, config, input, lite0_member, photo};

    /// The CPU, and every device that is named for the tests.
    fn devices() -> Vec<ComputeDevice> {
        let named = patchcore_testing::test_devices().unwrap_or_default();
        let named = named.into_iter().filter(|name| cfg!(feature = "burn") && name != "cpu");
        let named = named.map(|name| ComputeDevice::from_name(&name).unwrap());
        std::iter::once(ComputeDevice::cpu()).chain(named).collect()
    }

    #[test]
    fn every_stage_runs_and_says_what_it_has_to_do() {
        let photos: Vec<Vec<f32>> = (0..3).map(photo).collect();
        let inputs: Vec<ImageInput<'_>> = photos.iter().map(|photo| input(photo)).collect();
        let config = config(vec![lite0_member()], patchcore_config::ImageScoreRule::MaximumOfMap);
        for device in devices() {
            let of =
                |inputs: &[ImageInput<'_>]| Stages::new(config.clone(), &lite0_weights(), &device, inputs, &[1, 2]);
            assert!(matches!(of(&inputs[..1]), Err(StagesError::TooFewPhotos { photos: 1 })));
            let mut stages = of(&inputs).unwrap();
            let all = stages.all().to_vec();
            // The network for one photo; for two only where it is more than one after the other.
            assert_eq!(all.len(), if device.instructions().is_some() { 6 } else { 7 });
            for one in &all {
                stages.run(one.stage).unwrap();
                assert!(one.work.multiply_adds > 0 && one.work.bytes > 0, "{one:?}");
            }
            // The grid of stride 8: 11 x 11 of 84 x 84, 40 and 80 channels.
            let size = |stage: Stage| all.iter().find(|one| one.stage == stage).map(|one| one.size.clone()).unwrap();
            assert_eq!(size(Stage::Trunk(1)), format!("1 x 3 x {SIDE} x {SIDE}"));
            assert_eq!(size(Stage::Coreset), "24 of 242 x 120", "{all:?}");
        }
    }
}
