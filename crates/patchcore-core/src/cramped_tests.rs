//! A device without memory for many photos at once: an engine that says so, and what becomes of batches on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patchcore_config::{ImageScoreRule, Normalization};

use crate::backbone::Backbone;
use crate::backbone::test_networks::Blocks;
use crate::coreset::{RandomProjection, SelectionStopped};
use crate::device::ComputeDevice;
use crate::engine::{
    BatchLimit, Embedded, EmbeddingSpec, Engine, Features, Grower, Index, MapSpec, ReducedBatch, WholeModel,
    WholePhoto, engine_of,
};
use crate::error::{DeviceError, EngineError, ScoreError};
use crate::extractor::Extractor;
use crate::image_input::ImageInput;
use crate::memory_bank::MemoryBank;
use crate::model_tests::{SIDE, blocks_member, config, fit, input, photo};
use crate::patchcore::PatchCore;

/// Photos that it likes to take at once.
const WANTED: usize = 8;

/// The CPU's engine with memory for so many photos.
#[derive(Debug)]
struct Cramped {
    cpu: Arc<dyn Engine>,
    room: usize,
    limit: BatchLimit,
    /// Batches of whole photos that it was asked for.
    asked: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct CrampedFeatures {
    features: Arc<dyn Features>,
    room: usize,
}

fn full(photos: usize) -> DeviceError {
    ComputeDevice::cpu().failed("feature extraction", format!("out of device memory allocating {photos} bytes"))
}

impl Engine for Cramped {
    fn name(&self) -> &'static str {
        "cramped"
    }

    fn features(
        &self,
        backbone: &Arc<dyn Backbone>,
        normalization: &Normalization,
        embeddings: &[EmbeddingSpec],
    ) -> Result<Arc<dyn Features>, EngineError> {
        let features = self.cpu.features(backbone, normalization, embeddings)?;
        Ok(Arc::new(CrampedFeatures { features, room: self.room }))
    }

    fn index(&self, bank: &MemoryBank) -> Result<Arc<dyn Index>, DeviceError> {
        self.cpu.index(bank)
    }

    fn grower(&self, map: MapSpec) -> Result<Arc<dyn Grower>, DeviceError> {
        self.cpu.grower(map)
    }

    fn project(&self, projection: &RandomProjection, rows: &[f32]) -> Result<Vec<f32>, DeviceError> {
        self.cpu.project(projection, rows)
    }

    fn select(
        &self,
        features: &[f32],
        dim: usize,
        initial: &[f32],
        count: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<usize>, SelectionStopped> {
        self.cpu.select(features, dim, initial, count, progress)
    }

    fn preferred_batch(&self, _: u64, _: u64) -> usize {
        self.limit.at_most(WANTED)
    }

    fn halve_batch(&self, failed: usize, because: &DeviceError) -> bool {
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
        _: WholeModel<'_>,
        images: &[ImageInput<'_>],
    ) -> Result<Option<Vec<WholePhoto>>, EngineError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if images.len() > self.room { Err(full(images.len()).into()) } else { Ok(None) }
    }
}

impl Features for CrampedFeatures {
    fn embed(&self, images: &[ImageInput<'_>], use_rows: &mut dyn FnMut(Embedded<'_>)) -> Result<(), EngineError> {
        if images.len() > self.room {
            return Err(full(images.len()).into());
        }
        self.features.embed(images, use_rows)
    }
}

/// A model of the CPU on an engine with so little room, and the batches that it was asked for.
fn cramped(room: usize) -> (PatchCore, PatchCore, Arc<AtomicUsize>) {
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let networks = std::slice::from_ref(&blocks);
    let model = fit(config(vec![blocks_member()], ImageScoreRule::Reweighted), networks);
    let (device, asked) = (ComputeDevice::cpu(), Arc::new(AtomicUsize::new(0)));
    let cpu = engine_of(&device);
    let engine = Cramped { cpu, room, limit: BatchLimit::default(), asked: Arc::clone(&asked) };
    let extractor = Extractor::on_engine(model.config().clone(), networks, &[], &device, Arc::new(engine)).unwrap();
    let small = PatchCore::new(extractor, vec![model.bank().clone()], model.fitted_on()).unwrap();
    (model, small, asked)
}

#[test]
fn what_does_not_fit_at_once_is_scored_in_halves_with_the_same_scores() {
    let photos: Vec<Vec<f32>> = (0..11).map(photo).collect();
    let images: Vec<ImageInput<'_>> = photos.iter().map(|pixels| input(pixels)).collect();
    let (model, small, asked) = cramped(3);
    assert_eq!((small.batch_size(SIDE, SIDE), small.extractor().reduced_batch()), (8, None));
    assert_eq!(small.score_batch(&images).unwrap(), model.score_batch(&images).unwrap());
    // Of 8, and of 4, which failed; then six batches of at most 2; each photo is then asked alone by the step-by-step way.
    assert_eq!(asked.load(Ordering::SeqCst), 2 + 6 + 11);
    assert_eq!(small.batch_size(SIDE, SIDE), 2);
    let said = small.extractor().reduced_batch().unwrap();
    assert_eq!((said.from, said.to), (8, 2));
    assert!(said.to_string().starts_with("photos at once: 8 -> 2, because device `cpu` has no memory left"), "{said}");
}

#[test]
fn what_does_not_fit_at_once_is_embedded_in_halves_in_order() {
    let photos: Vec<Vec<f32>> = (0..7).map(photo).collect();
    let images: Vec<ImageInput<'_>> = photos.iter().map(|pixels| input(pixels)).collect();
    let rows = |model: &PatchCore| {
        let mut rows = Vec::new();
        model
            .extractor()
            .embed(&images, &mut |embedded| rows.push((embedded.image, embedded.embedding, embedded.rows.to_vec())))
            .map(|()| rows)
    };
    let (model, small, _) = cramped(1);
    assert_eq!(rows(&small).unwrap(), rows(&model).unwrap());
    assert_eq!(small.batch_size(SIDE, SIDE), 1);
}

/// One photo that does not fit is an error, and no loop.
#[test]
fn a_photo_that_does_not_fit_alone_is_refused() {
    let pixels = photo(0);
    let (_, small, _) = cramped(0);
    for result in [
        small.score_batch(&[input(&pixels), input(&pixels)]).map(|_| ()),
        small.score(input(&pixels)).map(|_| ()),
        small.extractor().embed(&[input(&pixels)], &mut |_| ()),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, ScoreError::Device(DeviceError::OutOfMemory { .. })), "{error}");
        assert!(error.to_string().contains("has no memory left for feature extraction"), "{error}");
    }
}
