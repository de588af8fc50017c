//! The inputs of all rows, made once from real photographs by our own extractor; what is there already stays.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use image::DynamicImage;
use patchcore::{ComputeDevice, Limits, Mode, Model, Save, Settings};
use patchcore_config::{Architecture, BackboneWeights, Crop, ProjectionRule, Size, StartRule};
use patchcore_core::coreset::{RandomProjection, greedy_k_center, initial_distances};
use patchcore_core::engine::engine_of;
use patchcore_core::{Extractor, ImageInput};
use patchcore_testing::{RESNET18, files};
use rayon::prelude::*;

use crate::npy;
use crate::work::Work;

/// The largest bank that is searched; smaller ones are its beginning.
const LARGEST_BANK: usize = 19_600;
/// The two sizes of the coreset rows.
pub const CORESET_ROWS: [usize; 2] = [78_400, 596_624];
/// Photographs to score, half of them defective.
const SCORED: usize = 10;
/// Training photographs: bottle has 60, the others are mirror images.
const TRAINED: usize = 100;
/// Width of the coreset's projection in mode `authors`.
const PROJECTED: usize = 128;
const DATA: [&str; 2] = ["bottle", "magnetic_tile"];

/// Makes everything that is missing.
///
/// # Errors
/// A photograph or weight file that cannot be read, a file that cannot be written.
pub fn prepare(shared: &Path, work: &Work) -> anyhow::Result<()> {
    fs::create_dir_all(work.path())?;
    let weights = patchcore_weights::load_weights(&shared.join(RESNET18), "resnet18")?;
    copy_once(&shared.join(RESNET18), &work.onnx("resnet18"))?;
    photographs(shared, work)?;
    input(work)?;
    for data in DATA {
        let train = if data == "bottle" { work.train_photos() } else { shared.join("data/magnetic_tile/train/good") };
        for dim in [1024, 384] {
            search(shared, work, &weights, data, &train, dim)?;
        }
    }
    for rows in CORESET_ROWS {
        coreset(shared, work, &weights, rows)?;
    }
    for mode in [Mode::Authors, Mode::Anomalib] {
        model(shared, work, mode)?;
    }
    Ok(())
}

/// ResNet-18's two levels on 224 x 224, as 1024 or 384 values.
fn extractor(weights: &BackboneWeights, dim: usize) -> anyhow::Result<Extractor> {
    let mode = if dim == 1024 { Mode::Authors } else { Mode::Paper };
    let mut config = mode.config(Architecture::RESNET18);
    config.view.crop = Crop::Center(Size { width: 224, height: 224 });
    Ok(Extractor::new(config.check()?, weights, &ComputeDevice::cpu())?)
}

/// The patches of a photograph.
fn patches(extractor: &Extractor, photo: DynamicImage) -> anyhow::Result<Vec<f32>> {
    let input = patchcore_io::prepare(&photo.into(), &extractor.config().view)?;
    let image = ImageInput { width: input.width, height: input.height, pixels: &input.data };
    Ok(extractor.embed_to_host(image)?.0)
}

fn open(path: &Path) -> anyhow::Result<DynamicImage> {
    image::open(path).with_context(|| format!("cannot open {}", path.display()))
}

/// Writes a file unless it is there: beside, then renamed, so that an interrupted run leaves no half.
pub(crate) fn once(path: &Path, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if path.extension().is_some_and(|extension| extension != "png") {
        eprintln!("making {}", path.display());
    }
    let beside = path.with_extension("part");
    make(&beside)?;
    fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}

fn copy_once(from: &Path, to: &Path) -> anyhow::Result<()> {
    once(to, |to| {
        fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
        Ok(())
    })
}

/// Good and defective test photographs in turn.
fn test_photos(shared: &Path, data: &str, count: usize) -> anyhow::Result<Vec<PathBuf>> {
    let folder = shared.join("data").join(data).join("test");
    let (mut good, mut defective) = (Vec::new(), Vec::new());
    for kind in files(&folder)? {
        let photos = files(&kind)?.into_iter();
        if kind.ends_with("good") { good.extend(photos) } else { defective.extend(photos.take(3)) }
    }
    Ok(good.into_iter().zip(defective).flat_map(|(good, defective)| [good, defective]).take(count).collect())
}

/// 100 training photographs and 10 to score, as PNG files of 900x900.
fn photographs(shared: &Path, work: &Work) -> anyhow::Result<()> {
    let train = files(&shared.join("data/bottle/train/good"))?;
    fs::create_dir_all(work.train_photos())?;
    for (index, from) in train.iter().chain(&train).take(TRAINED).enumerate() {
        let to = work.train_photos().join(format!("{index:03}.png"));
        if index < train.len() {
            copy_once(from, &to)?;
        } else {
            once(&to, |to| Ok(open(from)?.fliph().save_with_format(to, image::ImageFormat::Png)?))?;
        }
    }
    fs::create_dir_all(work.score_photos())?;
    for (index, from) in test_photos(shared, "bottle", SCORED)?.iter().enumerate() {
        copy_once(from, &work.score_photos().join(format!("{index:03}.png")))?;
    }
    Ok(())
}

/// One normalised image for the networks.
fn input(work: &Work) -> anyhow::Result<()> {
    let config = Mode::Authors.config(Architecture::RESNET18).check()?;
    let photo = work.score_photos().join("000.png");
    once(&work.input(), |to| {
        let input = patchcore_io::prepare(&open(&photo)?.into(), &config.view)?;
        let mut planes = input.rgb_planes().into_owned();
        config.first().normalization.apply(&mut planes);
        npy::write(to, input.width * input.height, &planes)
    })
}

/// The largest bank and the queries of one data set.
fn search(
    shared: &Path,
    work: &Work,
    weights: &BackboneWeights,
    data: &str,
    train: &Path,
    dim: usize,
) -> anyhow::Result<()> {
    let extractor = extractor(weights, dim)?;
    once(&work.queries(data, dim), |to| {
        let mut rows = Vec::new();
        for photo in test_photos(shared, data, SCORED)? {
            rows.extend(patches(&extractor, open(&photo)?)?);
        }
        npy::write(to, dim, &rows)
    })?;
    once(&work.bank(data, dim), |to| {
        let mut rows = Vec::new();
        for photo in files(train)?.iter().take(TRAINED) {
            rows.extend(patches(&extractor, open(photo)?)?);
        }
        let projected = project(&rows, dim)?;
        let picks = select(&projected, LARGEST_BANK)?;
        let bank: Vec<f32> =
            picks.iter().flat_map(|row| rows.get(row * dim..(row + 1) * dim).unwrap_or_default()).copied().collect();
        npy::write(to, dim, &bank)
    })
}

/// Rows projected to 128 values, as mode `authors` does.
fn project(rows: &[f32], dim: usize) -> anyhow::Result<Vec<f32>> {
    let device = ComputeDevice::cpu();
    let rule = ProjectionRule::Dense(PROJECTED);
    let projection = RandomProjection::new(rule, dim, rows.len() / dim, 0).context("nothing to project")?;
    Ok(engine_of(&device).project(&projection, rows)?)
}

fn select(projected: &[f32], count: usize) -> anyhow::Result<Vec<usize>> {
    let device = ComputeDevice::cpu();
    let initial = initial_distances(StartRule::MeanOfRandomRows(10), projected, PROJECTED, 0);
    let picks = greedy_k_center(projected, PROJECTED, &initial, count, &device, &mut |_| true);
    picks.map_err(|stopped| anyhow::anyhow!("{stopped:?}"))
}

/// Projected patches of real photographs. There are fewer than 761 of them: each stands in up to four orientations.
fn coreset(shared: &Path, work: &Work, weights: &BackboneWeights, rows: usize) -> anyhow::Result<()> {
    once(&work.projected(rows), |to| {
        let extractor = extractor(weights, 1024)?;
        let mut photos = files(&shared.join("data/magnetic_tile/train/good"))?;
        photos.extend(files(&shared.join("data/magnetic_tile/test/good"))?);
        photos.extend(files(&shared.join("data/bottle/train/good"))?);
        let orientations: [fn(&DynamicImage) -> DynamicImage; 4] =
            [DynamicImage::clone, DynamicImage::fliph, DynamicImage::flipv, DynamicImage::rotate180];
        let mut values = Vec::with_capacity(rows * PROJECTED);
        for turn in orientations {
            for photo in &photos {
                if values.len() >= rows * PROJECTED {
                    break;
                }
                values.extend(project(&patches(&extractor, turn(&open(photo)?))?, extractor.dim())?);
            }
        }
        values.truncate(rows * PROJECTED);
        npy::write(to, PROJECTED, &values)
    })
}

/// The settings with which both modes are measured.
pub fn settings(shared: &Path, mode: Mode) -> Settings {
    Settings { mode, backbone: "resnet18".into(), weights: Some(shared.join(RESNET18)), ..Settings::default() }
}

/// The model that is scored with, and its bank for the peer.
fn model(shared: &Path, work: &Work, mode: Mode) -> anyhow::Result<()> {
    let path = work.model(mode.name());
    if Model::load(&path).is_err() && path.exists() {
        // An older version's: made again.
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    once(&path, |to| {
        let photos = files(&work.train_photos())?;
        let settings = settings(shared, mode);
        let model = Model::fit(&settings, &photos)?;
        npy::write(&work.model_bank(mode.name()), model.core().bank().dim(), model.core().bank().rows())?;
        Ok(model.save(to, Save::WithWeights)?)
    })
}

/// Decoded photographs of a folder.
///
/// # Errors
/// A photograph that cannot be read.
pub fn decoded(folder: &Path) -> anyhow::Result<Vec<patchcore::Photo>> {
    files(folder)?.par_iter().map(|path| Ok(patchcore::Photo::open(path, &Limits::default())?)).collect()
}
