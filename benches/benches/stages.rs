//! Criterion benches of every stage: `cargo bench -p patchcore-bench`; ids are `stage/device/rows x dim`.
//!
//! They run on every device that is present and passes the self-check, or on those that `PATCHCORE_TEST_DEVICE` names, comma
//! separated. Photographs and ResNet-18 come from `../shared`; where that is absent, the demo's photos and the embedded
//! EfficientNet-Lite0 stand in. Sizes are small, so that a run over everything takes minutes on two cores. `cargo xtask
//! bench-devices` runs them, records the medians and writes the table of docs/explanation/devices.md; the comparison with other
//! programs is `cargo xtask bench-report`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;

use anyhow::Context;
use burn::tensor::{Tensor, TensorData};
use criterion::Criterion;
use patchcore::devices::DeviceState;
use patchcore::{ComputeDevice, Mode, Model, Photo, Precision, Settings, list_devices, open_device};
use patchcore_config::Checked;
use patchcore_core::coreset::{RandomProjection, greedy_k_center, initial_distances};
use patchcore_core::engine::{MapSpec, engine_of};
use patchcore_core::memory_bank::MemoryBank;
use patchcore_core::nearest_neighbor::NearestNeighborIndex;
use patchcore_core::scoring::{AnomalyMap, MapGrower};
use patchcore_core::stages::Work;
use patchcore_core::tensors::{Network, PatchEmbedding, burn_device};
use patchcore_core::{Extractor, ImageInput};
use patchcore_testing::{RESNET18, files, find_shared};
use serde_json::json;

/// Photos of the fit.
const PHOTOS: usize = 10;

/// What all benches share: features of real photos.
struct Subject {
    device: ComputeDevice,
    settings: Settings,
    config: Checked,
    extractor: Extractor,
    photos: Vec<Photo>,
    files: Vec<PathBuf>,
    /// Patches of the last photo, which no bank has.
    queries: Vec<f32>,
    /// Patches of all other photos.
    rows: Vec<f32>,
}

impl Subject {
    fn new(device: String) -> anyhow::Result<Self> {
        let mut settings = Settings { mode: Mode::Authors, device, ..Settings::default() };
        let demo = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo/flange/train/good"));
        let folder = match (find_shared("data/bottle/train/good")?, find_shared(RESNET18)?) {
            (Some(photos), Some(weights)) => {
                settings.backbone = "resnet18".to_owned();
                settings.weights = Some(weights);
                photos
            }
            _ => demo,
        };
        let device = settings.compute_device()?;
        let config = settings.config()?;
        let extractor = Extractor::new(config.clone(), &settings.load_weights()?, &device)?;
        let files = files(&folder)?;
        let photos = files.iter().take(PHOTOS + 1).map(|path| Photo::open(path, &patchcore::Limits::default()));
        let photos = photos.collect::<Result<Vec<_>, _>>()?;
        let (mut rows, mut queries) = (Vec::new(), Vec::new());
        for photo in &photos {
            rows.append(&mut queries);
            let input = patchcore_io::prepare(photo, &config.view)?;
            let image = ImageInput { width: input.width, height: input.height, pixels: &input.data };
            queries = extractor.embed_to_host(image)?.0;
        }
        Ok(Self { device, settings, config, extractor, photos, files, queries, rows })
    }

    /// What the stages have to do at the least, by `stage, rows x dim`: for `cargo xtask bench-devices`, which predicts times of it.
    fn work(&self) -> anyhow::Result<BTreeMap<String, Work>> {
        let input = patchcore_io::prepare(self.photos.first().context("no photos")?, &self.config.view)?;
        let (height, width, member) = (input.height, input.width, self.config.first());
        let plan = member.backbone.plan(&member.layers)?;
        let (dim, side) = (self.extractor.dim(), height * width);
        let (patches, cells) = (self.rows.len() / dim, self.queries.len() / dim);
        let projected = RandomProjection::new(member.projection, dim, patches, 0).map(|one| one.projected_dim());
        let (values, picks) = (projected.unwrap_or(dim), patches / 10);
        let network = |images: usize| Work::of_network(&plan, images, height, width);
        // Every tap's map, of the stride that it has.
        let taps = plan
            .taps
            .iter()
            .map(|tap| (tap.channels * height.div_ceil(tap.stride) * width.div_ceil(tap.stride)) as u64);
        let embedding = Work::of_embedding(taps.sum(), cells, dim, member.patch_size);
        let search = Work::of_search(cells, picks, dim);
        let map = |height: usize, width: usize| {
            Work::of_map(&MapSpec::new(&self.config, self.extractor.grid(height, width), (height, width)))
        };
        let whole = |images: usize| {
            let rest =
                (0..images).fold(Work::default(), |sum, _| sum.and(embedding).and(search).and(map(height, width)));
            Ok::<_, anyhow::Error>(network(images)?.and(rest))
        };
        let of = |stage: &str, rows: usize, dim: usize, work: Work| (format!("{stage}, {rows} x {dim}"), work);
        Ok(BTreeMap::from([
            of("trunk", 3, side, network(1)?),
            of("embedding", cells, dim, embedding),
            of("trunk and embedding", cells, dim, network(1)?.and(embedding)),
            of("coreset", patches, values, Work::of_coreset(patches, values, picks)),
            of("search", picks, dim, search),
            of("search k = 9", picks, dim, Work::of_search(1, picks, dim)),
            of("map", 224, 224, map(224, 224)),
            of("end to end", picks, dim, whole(1)?),
            of("end to end, 8 photos at once", picks, dim, whole(8)?),
        ]))
    }

    /// `stage/device/rows x dim`.
    fn id(&self, stage: &str, rows: usize, dim: usize) -> String {
        format!("{stage}/{}/{rows} x {dim}", self.device.name())
    }

    /// A file's bytes to the network's input: the CPU's work, whatever the device.
    fn decode(&self, criterion: &mut Criterion) -> anyhow::Result<()> {
        if self.device.instructions().is_none() {
            return Ok(());
        }
        let file = self.files.first().context("no photos")?;
        let bytes = std::fs::read(file)?;
        let view = self.config.view.clone();
        let size = self.photos.first().context("no photos")?.size();
        let id = self.id("decode and resize", size.height as usize, size.width as usize);
        criterion.bench_function(&id, |bencher| {
            let limits = patchcore::Limits::default();
            bencher.iter(|| {
                let photo = Photo::decode("photo", &bytes, &limits);
                black_box(photo.and_then(|photo| patchcore_io::prepare(&photo, &view)).is_ok())
            });
        });
        Ok(())
    }

    /// The network and the embedding of one photo. On the CPU the trunk's own row is in the report.
    fn features(&self, criterion: &mut Criterion) -> anyhow::Result<()> {
        let photo = self.photos.first().context("no photos")?;
        let input = patchcore_io::prepare(photo, &self.config.view)?;
        let image = ImageInput { width: input.width, height: input.height, pixels: &input.data };
        let dim = self.extractor.dim();
        let patches = self.queries.len() / dim;
        criterion.bench_function(&self.id("trunk and embedding", patches, dim), |bencher| {
            bencher.iter(|| black_box(self.extractor.embed_to_host(image).is_ok()));
        });
        let member = self.config.first();
        let plan = member.backbone.plan(&member.layers)?;
        let channels: Vec<usize> = plan.taps.iter().map(|tap| tap.channels).collect();
        let weights = self.settings.load_weights()?;
        let weights = weights.get(member.backbone.name()).context("no weights")?;
        let side = input.width * input.height;
        if let Some(instructions) = self.device.instructions() {
            use patchcore_cpu::embedding::CpuEmbedding;
            use patchcore_cpu::network::grey_stem::{GREY_PLANES, push_grey_planes};
            use patchcore_cpu::network::{CpuNetwork, MapLayout, Workspace};
            let normalization = member.normalization;
            let network = CpuNetwork::for_photos(instructions, &plan, weights, &normalization)?;
            let embedding = CpuEmbedding::new(member.embedding, member.patch_size, &channels);
            let (mut workspace, mut maps) = (Workspace::new(), Vec::new());
            let (height, width, layout) = (input.height, input.width, MapLayout::ChannelsLast);
            let mut colour = input.rgb_planes().into_owned();
            normalization.apply(&mut colour);
            let mut grey = Vec::new();
            push_grey_planes(&normalization, input.data.get(..side).context("no image")?, &mut grey);
            for (planes, image) in [(GREY_PLANES, &grey), (3, &colour)] {
                criterion.bench_function(&self.id("trunk", planes, side), |bencher| {
                    bencher.iter(|| network.forward(image, 1, height, width, layout, &mut workspace, &mut maps));
                });
            }
            criterion.bench_function(&self.id("embedding", patches, dim), |bencher| {
                bencher.iter(|| black_box(embedding.forward(&maps)));
            });
            return Ok(());
        }
        let burn = burn_device(&self.device)?;
        let network = Network::new(member.backbone.name(), plan, weights, &self.device)?;
        let embedding = PatchEmbedding::new(member.embedding, member.patch_size, &channels, burn);
        let data = TensorData::new(input.rgb_planes().into_owned(), [1, 3, input.height, input.width]);
        let input = Tensor::<4>::from_data(data, burn);
        criterion.bench_function(&self.id("trunk", 3, side), |bencher| {
            bencher.iter(|| {
                black_box(network.forward(input.clone()));
                burn.sync()
            });
        });
        let maps = network.forward(input);
        criterion.bench_function(&self.id("embedding", patches, dim), |bencher| {
            bencher.iter(|| {
                black_box(embedding.forward(&maps));
                burn.sync()
            });
        });
        Ok(())
    }

    /// Projection and selection of 10 % of the patches, then the search in the bank that comes out.
    fn coreset_and_search(&self, criterion: &mut Criterion) -> anyhow::Result<()> {
        let dim = self.extractor.dim();
        let patches = self.rows.len() / dim;
        let projection = RandomProjection::new(self.config.first().projection, dim, patches, 0);
        let (features, width) = match &projection {
            Some(projection) => (engine_of(&self.device).project(projection, &self.rows)?, projection.projected_dim()),
            None => (self.rows.clone(), dim),
        };
        let initial = initial_distances(self.config.first().start, &features, width, 0);
        let select = || greedy_k_center(&features, width, &initial, patches / 10, &self.device, &mut |_| true).ok();
        criterion.bench_function(&self.id("coreset", patches, width), |bencher| bencher.iter(|| black_box(select())));
        let bank: Vec<f32> = select()
            .context("no coreset")?
            .into_iter()
            .flat_map(|row| self.rows.get(row * dim..(row + 1) * dim).unwrap_or_default())
            .copied()
            .collect();
        let size = bank.len() / dim;
        let bank = MemoryBank::from_rows(dim, bank).context("no whole rows")?;
        let index = NearestNeighborIndex::new(bank, &self.device)?;
        criterion.bench_function(&self.id("search", size, dim), |bencher| {
            bencher.iter(|| black_box(index.nearest_of_rows(&self.queries).is_ok()));
        });
        let query = self.queries.get(..dim).context("no queries")?;
        criterion.bench_function(&self.id("search k = 9", size, dim), |bencher| {
            bencher.iter(|| black_box(index.k_nearest(query, 9).is_ok()));
        });
        Ok(())
    }

    /// From the grid of patch scores to the map.
    fn map(&self, criterion: &mut Criterion) -> anyhow::Result<()> {
        let (grid, config) = (self.extractor.grid(224, 224), &self.config);
        let grower = MapGrower::new(MapSpec::new(config, grid, (224, 224)), &self.device)?;
        let scores: Vec<f32> = (0..grid.cells()).map(|cell| (cell % 17) as f32).collect();
        criterion.bench_function(&self.id("map", 224, 224), |bencher| {
            let mut map = AnomalyMap::default();
            bencher.iter(|| black_box(grower.grow_into(&scores, &mut map).is_ok()));
        });
        Ok(())
    }

    /// A decoded photo's pixels to score and map.
    fn whole(&self, criterion: &mut Criterion) -> anyhow::Result<()> {
        let (photo, good) = self.photos.split_last().context("no photos")?;
        let model = Model::fit(&self.settings, good)?;
        let bank = model.core().bank();
        criterion.bench_function(&self.id("end to end", bank.len(), bank.dim()), |bencher| {
            bencher.iter(|| black_box(model.score(photo).is_ok()));
        });
        if self.device.instructions().is_none() {
            let input = model.prepare(photo)?;
            let images = [ImageInput { width: input.width, height: input.height, pixels: &input.data }; 8];
            criterion.bench_function(&self.id("end to end, 8 photos at once", bank.len(), bank.dim()), |bencher| {
                bencher.iter(|| black_box(model.core().score_batch(&images).is_ok()));
            });
        }
        Ok(())
    }
}

/// The devices to measure.
fn device_names() -> Vec<String> {
    if let Ok(names) = std::env::var("PATCHCORE_TEST_DEVICE") {
        return names.split(',').map(|name| name.trim().to_owned()).collect();
    }
    let present = list_devices().into_iter().filter(|device| matches!(device.state, DeviceState::Present(_)));
    let usable = present.filter(|device| match open_device(&device.name, Precision::F32, None) {
        Ok(_) => true,
        Err(error) => {
            println!("left out: {error}");
            false
        }
    });
    usable.map(|device| device.name).collect()
}

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut measured = BTreeMap::new();
    for name in device_names() {
        let subject = Subject::new(name.clone())?;
        let properties = subject.device.properties().clone();
        let work = subject
            .work()?
            .into_iter()
            .map(|(stage, work)| (stage, json!({ "multiply_adds": work.multiply_adds, "bytes": work.bytes })));
        let work: serde_json::Map<String, serde_json::Value> = work.collect();
        let backbone = subject.config.first().backbone.name();
        measured.insert(name, json!({ "backbone": backbone, "properties": properties, "work": work }));
        subject.decode(&mut criterion)?;
        subject.features(&mut criterion)?;
        subject.coreset_and_search(&mut criterion)?;
        subject.map(&mut criterion)?;
        subject.whole(&mut criterion)?;
    }
    criterion.final_summary();
    // For `cargo xtask bench-devices`: what was measured, beside criterion's own numbers.
    if let Some(home) = std::env::var_os("CRITERION_HOME") {
        std::fs::write(PathBuf::from(home).join("devices.json"), serde_json::to_vec_pretty(&measured)?)?;
    }
    Ok(())
}
