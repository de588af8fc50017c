//! Every stage of a photo once, on one thread and on drawn inputs: what `cargo xtask instruction-counts` runs under
//! valgrind's callgrind.
//!
//! Callgrind counts inside [`patchcore_counted`] alone and writes a file at each of its ends, so one process gives a count
//! of every stage, without the work that prepares it. The stages' names go to standard output, in the order of those
//! files. Everything is drawn from a seed: no photo, no folder, no clock. An example rather than a program, because it
//! is then built with the features of the tests, and CI builds nothing twice for it.

use std::hint::black_box;

use anyhow::Context;
use patchcore::{AnomalyMap, ComputeDevice, Mode, Precision};
use patchcore_config::backbone::plan::Plan;
use patchcore_config::{Architecture, BackboneWeights, Checked, Grid, MemberConfig, NamedTensor, StartRule};
use patchcore_core::coreset::{greedy_k_center, initial_distances};
use patchcore_core::engine::MapSpec;
use patchcore_core::memory_bank::MemoryBank;
use patchcore_core::nearest_neighbor::NearestNeighborIndex;
use patchcore_core::scoring::MapGrower;
use patchcore_cpu::embedding::{CpuEmbedding, EmbeddingScratch};
use patchcore_cpu::network::{CpuNetwork, FeatureMap, MapLayout, Workspace};
use rand_core::Rng;
use rand_pcg::Pcg64;

/// Sides of the two networks' inputs, in pixels: small, because callgrind takes fifty times as long.
const SIDES: [usize; 2] = [96, 64];
/// Rows and width of the memory bank, and of what the coreset is selected from.
const BANK: [usize; 2] = [512, 256];
const PATCHES: [usize; 2] = [2_000, 128];
/// Queries of the search, picks of the coreset.
const QUERIES: usize = 128;
const PICKS: usize = 100;
/// Numbers that a row is made of, without its noise: features of photos have far fewer directions than values.
const DIRECTIONS: usize = 12;

fn main() -> anyhow::Result<()> {
    // This thread is the pool: what is counted must not be done by another one.
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
    // Through the facade, which reads PATCHCORE_INSTRUCTIONS.
    let device = patchcore::open_device("cpu", Precision::F32, None)?;

    let architecture = Architecture::EFFICIENTNET_LITE0;
    let weights = patchcore::resolve_weights(architecture.name(), None)?;
    let plan = architecture.plan(&architecture.default_layers().map(str::to_owned))?;
    let maps = network("network/efficientnet_lite0", &device, &plan, &weights, SIDES[0])?;
    let deeper = Architecture::RESNET18.plan(&Architecture::RESNET18.default_layers().map(str::to_owned))?;
    network("network/resnet18", &device, &deeper, &drawn_weights(&deeper), SIDES[1])?;
    let config = Mode::Paper.config(architecture).check()?;
    embedding(config.first(), &plan, &maps)?;
    search(&device)?;
    coreset(&device)?;
    map(&config, &device)
}

/// Where callgrind counts. Its name is the one that `cargo xtask instruction-counts` gives to callgrind.
///
/// # Errors
/// The stage's.
#[unsafe(no_mangle)]
#[inline(never)]
fn patchcore_counted(stage: &mut dyn FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let result = stage();
    // A call at the very end would be a jump, which callgrind takes for the end.
    black_box(&result);
    result
}

fn count(name: &str, mut stage: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    println!("{name}");
    patchcore_counted(&mut stage)
}

fn network(
    name: &str,
    device: &ComputeDevice,
    plan: &Plan,
    weights: &BackboneWeights,
    side: usize,
) -> anyhow::Result<Vec<FeatureMap>> {
    let network = CpuNetwork::new(device.instructions().context("the CPU's kernels")?, plan, weights)?;
    let input = noise(1, 3 * side * side);
    let (mut workspace, mut maps) = (Workspace::new(), Vec::new());
    count(name, || Ok(network.forward(&input, 1, side, side, MapLayout::ChannelsLast, &mut workspace, &mut maps)?))?;
    Ok(maps)
}

fn embedding(member: &MemberConfig, plan: &Plan, maps: &[FeatureMap]) -> anyhow::Result<()> {
    let channels: Vec<usize> = plan.taps.iter().map(|tap| tap.channels).collect();
    let embedding = CpuEmbedding::new(member.embedding, member.patch_size, &channels);
    let (mut scratch, mut rows) = (EmbeddingScratch::default(), Vec::new());
    let levels: Vec<usize> = (0..maps.len()).collect();
    count("embedding", || {
        embedding.forward_into(maps, &levels, &mut scratch, &mut rows);
        black_box(&rows);
        Ok(())
    })
}

fn search(device: &ComputeDevice) -> anyhow::Result<()> {
    let [rows, dim] = BANK;
    let mut features = features(2, rows + QUERIES, dim);
    let queries = features.split_off(rows * dim);
    let index = NearestNeighborIndex::new(MemoryBank::from_rows(dim, features).context("no whole rows")?, device)?;
    count("search", || {
        black_box(index.nearest_of_rows(&queries)?);
        Ok(())
    })
}

fn coreset(device: &ComputeDevice) -> anyhow::Result<()> {
    let [rows, dim] = PATCHES;
    let features = features(3, rows, dim);
    let initial = initial_distances(StartRule::MeanOfRandomRows(10), &features, dim, 0);
    count("coreset", || {
        let picked = greedy_k_center(&features, dim, &initial, PICKS, device, &mut |_| true);
        black_box(picked.map_err(|stopped| anyhow::anyhow!("{stopped:?}"))?);
        Ok(())
    })
}

fn map(config: &Checked, device: &ComputeDevice) -> anyhow::Result<()> {
    let grid = Grid { rows: 28, columns: 28 };
    let grower = MapGrower::new(MapSpec::new(config, grid, (224, 224)), device)?;
    let scores = noise(4, grid.cells());
    let mut map = AnomalyMap::default();
    count("map", || {
        grower.grow_into(&scores, &mut map)?;
        black_box(&map);
        Ok(())
    })
}

/// Values in `[-1, 1)`.
fn noise(seed: u128, count: usize) -> Vec<f32> {
    let mut generator = Pcg64::new(seed, 0);
    (0..count).map(|_| generator.next_u32() as f32 / (1u32 << 31) as f32 - 1.0).collect()
}

/// Rows of few directions and a little noise, `[rows, dim]`.
fn features(seed: u128, rows: usize, dim: usize) -> Vec<f32> {
    let directions = noise(seed, DIRECTIONS * dim);
    let weights = noise(seed + 100, rows * DIRECTIONS);
    let mut features = noise(seed + 200, rows * dim);
    for (row, weights) in features.chunks_exact_mut(dim).zip(weights.chunks_exact(DIRECTIONS)) {
        for (column, value) in row.iter_mut().enumerate() {
            *value *= 0.1;
            for (weight, direction) in weights.iter().zip(directions.chunks_exact(dim)) {
                *value += weight * direction.get(column).copied().unwrap_or_default();
            }
        }
    }
    features
}

/// Weights of a network's shapes, of a size that keeps its values near one.
fn drawn_weights(plan: &Plan) -> BackboneWeights {
    let tensors = plan.expected_tensors().into_iter().zip(1000..).map(|((name, shape), seed)| {
        let fan_in: usize = shape.iter().skip(1).product();
        let scale = if shape.len() == 1 { 0.1 } else { (6.0 / fan_in as f32).sqrt() };
        let data = noise(seed, shape.iter().product()).into_iter().map(|value| value * scale).collect();
        (name, NamedTensor { shape, data })
    });
    BackboneWeights { tensors: tensors.collect() }
}
