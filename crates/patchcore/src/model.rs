//! The fitted model of an application: score, save, load.

use std::collections::HashSet;
use std::path::Path;
#[cfg(not(target_family = "wasm"))]
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use patchcore_config::{Checked, Grid, NetworkWeights};
use patchcore_core::engine::ReducedBatch;
use patchcore_core::error::ModelFileError;
use patchcore_core::memory_bank::MemoryBank;
use patchcore_core::model_file::{DriftPolicy, ModelFile, Sections};
use patchcore_core::nearest_neighbor::Neighbor;
use patchcore_core::passport::{Drift, ScorePassport};
use patchcore_core::{ComputeDevice, FittedOn, ImageInput, ImageScore, PatchCore, ScoreStep};
use patchcore_io::{Geometry, NetworkInput, Photo};
use patchcore_metrics::threshold::Thresholds;

use crate::devices::{check_model, open_device};
use crate::error::Error;
use crate::fit_in_progress::core_input;
use crate::into_photo::{Digest, digest_of, prepare_photo};
use crate::load_options::LoadOptions;
use crate::own_networks::OwnNetworks;
#[cfg(not(target_family = "wasm"))]
use crate::places::seen_from;
use crate::remarks::Remark;
use crate::save::Save;
use crate::score::{NearestGood, PatchScores, Score};
use crate::span::enter;
use crate::threads::Threads;
use crate::weights::weights_for;
#[cfg(not(target_family = "wasm"))]
use crate::write_file::write_beside_and_rename;

/// A fitted PatchCore: scores photos, knows its training photos, saves and loads. `Send + Sync`, and cheap to clone: clones share
/// all that is large, and the threads.
///
/// # Threads
///
/// A score uses the model's own threads, where it was given some ([`LoadOptions::threads`],
/// [`FitOptions::threads`](crate::FitOptions::threads)), else those of the rayon pool that calls it, else those of rayon's global
/// pool. Any number of threads may score with one model at once; each gets the bits that it would get alone.
///
/// Photos per second of so many callers together, as a share of one caller's in the global pool, which keeps both threads busy
/// already: more callers bring little here, and lose nothing (EfficientNet-Lite0, photos of 256 x 256, bank of 4096 rows; AMD EPYC
/// with AVX2, two threads; median of four runs of the example `many_callers`, between which a cell moved by up to a quarter):
///
/// | callers | 1 | 2 | 4 | 16 |
/// |---|---|---|---|---|
/// | rayon's global pool, 2 threads | 0.92 | 1.05 | 1.09 | 0.96 |
/// | one thread of the model's own | 0.64 | 0.66 | 0.65 | 0.64 |
///
/// In an async runtime a score belongs on its threads for blocking work: the example `async_service` does it with tokio, with
/// a deadline and a fit that can be cancelled.
///
/// # Spans
///
/// With the feature `tracing` the work is in spans of level debug: `fit`, in it `coreset`; `score`, of one photo or of those that go
/// through a GPU together; `decode`, of one file, on the thread that decodes ahead. What is passed over or done by another engine
/// is a warning.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) core: Arc<PatchCore>,
    pub(crate) weights: Arc<NetworkWeights>,
    /// The networks that are no catalogue's.
    pub(crate) own: OwnNetworks,
    /// What its file says beside what decides its scores; the thresholds stand below.
    pub(crate) sections: Arc<Sections>,
    /// [`Model::training_digests`], from the first time on that they are asked for.
    pub(crate) digests: Arc<OnceLock<HashSet<Digest>>>,
    /// Those in force.
    pub(crate) thresholds: Thresholds,
    /// Version of the crate that wrote the file it comes from, else of this one.
    pub(crate) written_by: Arc<str>,
    pub(crate) threads: Threads,
    /// The folder of its file, if it comes from one: what lies beside it is found from there.
    pub(crate) folder: Option<Arc<Path>>,
}

impl Model {
    /// Scores one photo.
    ///
    /// On the CPU's own kernels nothing is allocated for the network, the embedding, the search's own work or the map's smoothing
    /// once a size has been seen. What is: the result (map, patch scores, neighbours, a name) and the prepared pixels. On one
    /// thread, with a bank of 100 rows, that is 3 allocations to prepare a photo and at most 12 to score its 144 patches.
    ///
    /// # Errors
    /// [`Error::Image`] and [`Error::Score`].
    pub fn score(&self, photo: &Photo) -> Result<Score, Error> {
        self.score_input(&self.prepare(photo)?)
    }

    /// Resizes and crops a photo as the model wants it: the part of [`Model::score`] that another thread can do.
    /// [`Model::score_input`] is the other one.
    ///
    /// # Errors
    /// [`Error::Image`].
    pub fn prepare(&self, photo: &Photo) -> Result<NetworkInput, Error> {
        prepare_photo(photo, self.core.config())
    }

    /// Scores a prepared photo.
    ///
    /// # Errors
    /// [`Error::Score`].
    pub fn score_input(&self, input: &NetworkInput) -> Result<Score, Error> {
        self.score_input_with(&self.core, input)
    }

    /// [`Model::score_input`], which tells `after` of every step that is over: a program with a clock knows what network, search and
    /// map took. A GPU may do all in one step ([`ScoreStep::Whole`]).
    ///
    /// # Errors
    /// [`Error::Score`].
    pub fn score_input_in_steps(
        &self,
        input: &NetworkInput,
        after: &mut (dyn FnMut(ScoreStep) + Send),
    ) -> Result<Score, Error> {
        enter!("score");
        let inside = input.inside.as_deref();
        let result = self.threads.run(|| self.core.score_in_steps(core_input(input), inside, after))?;
        Ok(self.to_score(&self.core, input, result))
    }

    /// Scores a prepared photo with another core: this model without some of its bank.
    pub(crate) fn score_input_with(&self, core: &PatchCore, input: &NetworkInput) -> Result<Score, Error> {
        enter!("score");
        let result = self.threads.run(|| core.score_within(core_input(input), input.inside.as_deref()))?;
        Ok(self.to_score(core, input, result))
    }

    /// Scores prepared photos, in order, on a GPU together. Photos with a region of interest, padding or tiles go one by one.
    pub(crate) fn score_together(&self, inputs: &[&NetworkInput]) -> Result<Vec<Score>, Error> {
        if !self.core.config().tiling.is_whole() || inputs.iter().any(|input| input.inside.is_some()) {
            return inputs.iter().map(|input| self.score_input(input)).collect();
        }
        enter!("score");
        let images: Vec<ImageInput<'_>> = inputs.iter().map(|input| core_input(input)).collect();
        let results = self.threads.run(|| self.core.score_batch(&images))?;
        Ok(inputs.iter().zip(results).map(|(input, result)| self.to_score(&self.core, input, result)).collect())
    }

    /// The core's result, as places in the photo and names of training photos.
    fn to_score(&self, core: &PatchCore, input: &NetworkInput, result: ImageScore) -> Score {
        let columns = result.grid.columns;
        Score {
            score: result.score,
            verdict: self.thresholds.verdict(result.score),
            confidence: self.thresholds.confidence(result.score),
            worst_at: cell_in_photo(
                &input.geometry,
                result.grid,
                result.worst_cell / columns,
                result.worst_cell % columns,
            ),
            nearest_good: self.nearest_good(core, result.member, &result.nearest, result.worst_cell),
            nearest: result.nearest,
            patches: PatchScores { rows: result.grid.rows, columns: result.grid.columns, scores: result.patch_scores },
            map: result.map,
            inside: input.inside.clone(),
            geometry: input.geometry,
            remarks: self.remarks_on(input),
        }
    }

    /// The row of a member's bank that is nearest to a cell.
    #[expect(clippy::indexing_slicing, reason = "a score has nearest rows of its member's bank")]
    pub(crate) fn nearest_good(
        &self,
        core: &PatchCore,
        member: usize,
        nearest: &[Neighbor],
        cell: usize,
    ) -> NearestGood {
        let nearest = nearest[cell];
        let bank = core.members()[member].bank();
        assert!((nearest.row as usize) < bank.len(), "the patch was compared with a row of the bank");
        let origin = bank.origins().map(|origins| origins[nearest.row as usize]);
        let photo = origin.and_then(|at| self.sections.photos.get(at.image as usize));
        NearestGood {
            member,
            image: photo.map(|photo| photo.name.clone()),
            origin,
            distance: core.config().distance.of_squared(nearest.squared_distance) as f32,
        }
    }

    fn remarks_on(&self, input: &NetworkInput) -> Vec<Remark> {
        let mut remarks = Remark::of_scored(input, self.config(), self.inputs_seen());
        let digest = digest_of(input);
        if digest.is_some_and(|digest| self.training_digests().contains(&digest)) {
            remarks.push(Remark::TrainingPhoto);
        }
        remarks
    }

    /// What the photos of the fit show, as far as the model knows.
    pub(crate) fn training_digests(&self) -> &HashSet<Digest> {
        self.digests.get_or_init(|| self.sections.photos.iter().filter_map(|photo| photo.sha256).collect())
    }

    /// The model as the bytes of a file.
    ///
    /// # Errors
    /// [`Error::ModelFile`].
    pub fn to_bytes(&self, save: Save) -> Result<Vec<u8>, Error> {
        let refused = |source| Error::ModelFile { path: IN_MEMORY.into(), source };
        self.to_file(save).and_then(|file| file.to_bytes()).map_err(refused)
    }

    /// Loads a model from the bytes of a file, and compares its device with the model's passport.
    ///
    /// # Errors
    /// As [`Model::load_with`].
    pub fn from_bytes(bytes: &[u8], options: &LoadOptions) -> Result<Self, Error> {
        let path = Path::new(IN_MEMORY);
        Self::of_file(model_file(path, bytes)?, path, None, options)
    }

    /// What a saved file would hold.
    fn to_file(&self, save: Save) -> Result<ModelFile, ModelFileError> {
        let mut file = ModelFile::new(&self.core);
        let mut sections = Sections::clone(&self.sections);
        sections.passport = file.sections.passport.take();
        sections.fit = file.sections.fit.take();
        sections.good_quantiles = file.sections.good_quantiles.take();
        sections.coverage = std::mem::take(&mut file.sections.coverage);
        // A model without any threshold has no such section in its file, nor one whose thresholds are stale, whoever judges by them.
        sections.thresholds = self.has_own_thresholds().then_some(self.thresholds);
        file.sections = sections;
        match save {
            Save::WithoutWeights => Ok(file),
            Save::WithWeights => file.with_weights(&*self.weights),
        }
    }

    fn of_file(file: ModelFile, path: &Path, folder: Option<&Path>, options: &LoadOptions) -> Result<Self, Error> {
        let refused = |source| Error::ModelFile { path: path.to_owned(), source };
        // What no device may do is refused before one is looked for.
        file.check_precision(options.precision).map_err(refused)?;
        let device = open_device(&options.device, options.precision, options.instructions)?;
        let threads = Threads::told(options.shared.clone(), options.threads)?;
        let mut sections = file.sections.clone();
        if sections.thresholds.is_some() {
            // An earlier version has calibrated it, and kept a section that it does not know.
            sections.stale_thresholds = None;
        }
        let sections = Arc::new(sections);
        let thresholds = sections.thresholds.unwrap_or_default();
        let written_by = Arc::from(file.header.written_by.as_str());
        let own = options.own.clone();
        own.check_given(&file.header).map_err(refused)?;
        let weights = Arc::new(weights_for(&file, folder, options)?);
        let core = threads.run(|| {
            let core = own.model_of(file, &weights, &device).map_err(refused)?;
            // A layer that is wrong says more than what becomes of it.
            check_model(&core, &weights, sections.inputs.as_ref())?;
            match options.drift_policy() {
                DriftPolicy::Allow => Ok(core),
                DriftPolicy::Refuse => core.refuse_drift().map_err(refused).map(|()| core),
            }
        });
        let core = core?;
        let (core, digests) = (Arc::new(core), Arc::default());
        let model = Self { core, weights, own, sections, digests, thresholds, written_by, threads, folder: None };
        model.tell_fallbacks();
        Ok(model)
    }

    /// The settings of its fit, every rule resolved.
    pub fn config(&self) -> &Checked {
        self.core.config()
    }

    /// Where it computes.
    pub fn device(&self) -> &ComputeDevice {
        self.core.device()
    }

    /// What this device's engine cannot run of the model's network, and who does instead, slower; empty where it runs everything.
    pub fn fallbacks(&self) -> Vec<String> {
        self.core.fallbacks().map(ToString::to_string).collect()
    }

    /// How many photos go through the device at once after it had no memory for more; `None` where all fitted.
    pub fn reduced_batch(&self) -> Option<ReducedBatch> {
        self.core.extractor().reduced_batch()
    }

    /// Says once what another engine does, as a warning of the crate `tracing`.
    pub(crate) fn tell_fallbacks(&self) {
        #[cfg(feature = "tracing")]
        self.fallbacks().iter().for_each(|fallback| tracing::warn!("{fallback}"));
    }

    /// What it was fitted on.
    pub fn fitted_on(&self) -> FittedOn {
        self.core.fitted_on()
    }

    /// The memory banks of all members, in the order of the configuration.
    pub fn banks(&self) -> Vec<&MemoryBank> {
        self.core.members().iter().map(|member| member.bank()).collect()
    }

    /// The memory bank of the first member.
    pub fn bank(&self) -> &MemoryBank {
        self.core.bank()
    }

    /// Digest of the weights it was fitted with; of several networks one over all of theirs.
    pub fn weights_sha256(&self) -> String {
        self.core.weights_sha256()
    }

    /// What the device of the fit computed for a few pictures; `None` for a model file of format version 1.
    pub fn passport(&self) -> Option<&ScorePassport> {
        self.core.passport()
    }

    /// How far this device's results lie from the passport; `None` unless the model was loaded with one.
    pub fn drift(&self) -> Option<Drift> {
        self.core.drift()
    }

    /// The method's own model, for this project's tests and benches. Its type changes with `patchcore-core`, whose tensors are
    /// Burn's: an application that wants those depends on that crate.
    #[doc(hidden)]
    pub fn core(&self) -> &PatchCore {
        &self.core
    }
}

fn model_file(path: &Path, bytes: &[u8]) -> Result<ModelFile, Error> {
    ModelFile::from_bytes(bytes).map_err(|source| Error::ModelFile { path: path.to_owned(), source })
}

/// What stands for a path in the errors of a model in memory.
const IN_MEMORY: &str = "model in memory";

#[cfg(not(target_family = "wasm"))]
impl Model {
    /// Writes the model: beside the old file, synced, renamed over it.
    ///
    /// # Errors
    /// [`Error::Io`]; an old file of that name is then as it was.
    pub fn save(&self, path: impl AsRef<Path>, save: Save) -> Result<(), Error> {
        let path = path.as_ref();
        let mut file = self.to_file(save).map_err(|source| Error::ModelFile { path: path.to_owned(), source })?;
        let folder = folder_of(path);
        let places = file.sections.photos.iter_mut().filter_map(|photo| photo.path.as_mut());
        let weights = file.sections.weights_files.values_mut().chain(&mut file.sections.weights_file);
        places.chain(weights).for_each(|place| *place = seen_from(place, &folder));
        write_model_file(path, &file)
    }

    /// Loads a model in f32 on the CPU. The path is enough where the network's weights are in the file, embedded in the program
    /// or in the weights directory.
    ///
    /// # Errors
    /// As [`Model::load_with`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::load_with(path, &LoadOptions::default())
    }

    /// Loads a model and compares its device with the model's passport.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Weights`], [`Error::Device`], [`Error::Config`] for threads that cannot be had, and
    /// [`Error::ModelFile`], also for a device whose results drift
    /// ([`ModelFileError::Drift`](patchcore_core::error::ModelFileError::Drift)).
    pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::load_read(Self::read(path)?, path, options)
    }

    /// [`Model::load_with`] of a file that was read.
    pub(crate) fn load_read(file: ModelFile, path: &Path, options: &LoadOptions) -> Result<Self, Error> {
        let folder = folder_of(path);
        let mut model = Self::of_file(file, path, Some(&folder), options)?;
        model.folder = Some(folder.into());
        Ok(model)
    }

    /// Reads and verifies a model file without putting it on a device.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::ModelFile`].
    pub fn read(path: impl AsRef<Path>) -> Result<ModelFile, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
            remedy: "give the path of a saved model",
        })?;
        model_file(path, &bytes)
    }
}

/// The folder of a file.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        // A bare file name lies here.
        _ => PathBuf::from("."),
    }
}

/// Writes a model file beside the old one and renames.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write_model_file(path: &Path, file: &ModelFile) -> Result<(), Error> {
    let bytes = file.to_bytes().map_err(|source| Error::ModelFile { path: path.to_owned(), source })?;
    write_beside_and_rename(path, &bytes)
}

/// The centre of a grid cell in the photo: column, row.
pub(crate) fn cell_in_photo(geometry: &Geometry, grid: Grid, row: usize, column: usize) -> (f64, f64) {
    let centre = |cell: usize, cells: usize, pixels: u32| (cell as f64 + 0.5) * f64::from(pixels) / cells as f64 - 0.5;
    let x = centre(column, grid.columns, geometry.input.width);
    geometry.to_original(x, centre(row, grid.rows, geometry.input.height))
}

#[cfg(all(test, feature = "cpu", feature = "embed-efficientnet-lite0"))]
mod tests {
    use patchcore_io::{PixelBuffer, PixelFormat};

    use super::*;
    use crate::{FitOptions, Settings};

    #[test]
    fn a_clone_shares_what_is_large_and_the_threads() {
        fn is_for_any_thread<T: Send + Sync>() {}
        is_for_any_thread::<Model>();
        let data: Vec<u8> = (0..48 * 48).map(|at| (at * 37 % 101) as u8).collect();
        let photo = PixelBuffer { data: &data, width: 48, height: 48, stride: 48, format: PixelFormat::Gray8 };
        let settings = Settings { coreset_sampling_ratio: Some(0.1), ..Settings::default() };
        let model = Model::fit_with(&settings, [photo], FitOptions::default().threads(1)).unwrap().model;
        let clone = model.clone();
        assert!(Arc::ptr_eq(&model.core, &clone.core), "network and bank");
        assert!(Arc::ptr_eq(&model.weights, &clone.weights), "weights");
        assert!(Arc::ptr_eq(&model.sections, &clone.sections), "names and digests of the photos");
        assert_eq!(model.threads, clone.threads, "threads");
        // What differs is little.
        assert!(size_of::<Model>() <= 512, "{}", size_of::<Model>());
    }
}
