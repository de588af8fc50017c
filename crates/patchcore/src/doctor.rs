//! The decoders' checks, and a device through every stage against the CPU: what to run on new hardware, and what
//! to attach to a report.

#[cfg(not(target_family = "wasm"))]
use std::path::Path;
use std::time::Duration;

use patchcore_config::{Checked, NetworkWeights, Resize};
use patchcore_core::coreset::{SelectionStopped, greedy_k_center};
use patchcore_core::device::{Backend, DeviceProperties, Instructions};
use patchcore_core::error::DeviceError;
use patchcore_core::memory_bank::MemoryBank;
use patchcore_core::model_file::{DriftPolicy, ModelFile};
use patchcore_core::nearest_neighbor::NearestNeighborIndex;
use patchcore_core::self_check::{self, Check};
use patchcore_core::{ComputeDevice, Extractor, Fitter, ImageInput, PatchCore, Precision};
use patchcore_io::{DECODERS, Decoder};
use serde::Serialize;

#[cfg(not(target_family = "wasm"))]
use crate::devices::model_checks;
use crate::devices::{limited_to, open_device, refuse_crashed};
use crate::error::Error;
#[cfg(not(target_family = "wasm"))]
use crate::load_options::LoadOptions;
#[cfg(not(target_family = "wasm"))]
use crate::model::{Model, folder_of};
use crate::settings::Settings;
#[cfg(not(target_family = "wasm"))]
use crate::weights::weights_for;

/// Side of the drawn pictures, in pixels, and on a CPU that poses as a GPU, which is hundreds of times slower.
const SIDE: usize = 128;
const SIDE_ON_SOFTWARE: usize = 64;
/// Drawn pictures of good parts, and with a defect.
const GOOD: usize = 6;

/// One stage on the device and on the CPU.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DoctorRow {
    /// The stage.
    pub stage: String,
    /// Largest difference, as a share of the largest value; for selections the share of other choices.
    pub difference: f64,
    /// Largest difference allowed.
    pub tolerance: f64,
    /// Median time on the device, in milliseconds, the first call (which compiles kernels) left out.
    pub device_ms: f64,
    /// Time on the CPU, likewise.
    pub cpu_ms: f64,
    /// The device's first call, in milliseconds.
    pub first_ms: f64,
}

impl DoctorRow {
    /// Whether the difference is allowed.
    pub fn passed(&self) -> bool {
        self.difference <= self.tolerance
    }
}

/// A decoder of photos and the result of its check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecoderRow {
    /// The format that it decodes.
    pub format: &'static str,
    /// The crate that it is.
    pub library: &'static str,
    /// What differs, if anything does: photos of that format are then refused.
    pub fault: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DoctorReport {
    /// Name of the device.
    pub device: String,
    /// In what the device computes a network of f32.
    pub precision: Precision,
    /// Hardware, driver, memory.
    pub properties: DeviceProperties,
    /// Version of this library.
    pub version: &'static str,
    /// The decoders of photos.
    pub decoders: Vec<DecoderRow>,
    /// The self-check's test cases.
    pub checks: Vec<Check>,
    /// The stages.
    pub stages: Vec<DoctorRow>,
    /// The layers of a model's own network, and the whole of it ([`DoctorReport::examine_model`]); empty where no model was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub model: Vec<Check>,
}

impl DoctorReport {
    /// Whether every check and every stage passed.
    pub fn passed(&self) -> bool {
        self.decoders.iter().all(|decoder| decoder.fault.is_none())
            && self.checks.iter().chain(&self.model).all(Check::passed)
            && self.stages.iter().all(DoctorRow::passed)
    }

    /// Checks every distinct layer of a model's network on the device, and the whole of it, at the size of most photos of the fit and the
    /// batch that scoring uses (one photo on a CPU that poses as a GPU). Nothing is asked of the CPU's own kernels, which the
    /// others are compared with. Of `options` the weights count.
    ///
    /// # Errors
    /// As [`Model::load_with`](crate::Model::load_with), but for what the checks find.
    #[cfg(not(target_family = "wasm"))]
    pub fn examine_model(
        &mut self,
        path: &Path,
        options: &LoadOptions,
        step: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        let device = ComputeDevice::from_name(&self.device)?.with_precision(self.precision)?;
        if device.instructions().is_some() {
            return Ok(());
        }
        let file = Model::read(path)?;
        let seen = file.sections.inputs.clone();
        let refused = |source| Error::ModelFile { path: path.to_owned(), source };
        options.own.check_given(&file.header).map_err(refused)?;
        let weights = weights_for(&file, Some(&folder_of(path)), options)?;
        let core = options.own.model_of(file, &weights, &device).map_err(refused)?;
        self.model = model_checks(&core, &weights, seen.as_ref(), step)?;
        Ok(())
    }
}

/// Checks the decoders and the device, takes it through every stage of a small fit and scoring with the
/// embedded network, and compares with the CPU. `instructions` is as in [`open_device`](crate::open_device): the CPU with a
/// narrower set is held to the CPU with its widest. `clock` says what time it is, since whenever: this library has no clock of its
/// own. `step` is called with the name of what comes next.
///
/// # Errors
/// [`Error::Device`] where the device cannot be opened or fails, or has ended a process before and was not
/// [forgotten](crate::devices::forget); [`Error::Weights`] without an embedded network.
///
/// # Examples
/// ```
/// use std::time::Instant;
///
/// use patchcore::{Precision, doctor};
///
/// # fn main() -> Result<(), patchcore::Error> {
/// let start = Instant::now();
/// // The CPU through the tensor operations that a GPU runs.
/// let report = doctor("flex:tensors", Precision::F32, None, &|| start.elapsed(), &mut |step| println!("{step}"))?;
/// assert!(report.passed());
/// # Ok(())
/// # }
/// ```
pub fn doctor(
    name: &str,
    precision: Precision,
    instructions: Option<Instructions>,
    clock: &dyn Fn() -> Duration,
    step: &mut dyn FnMut(&str),
) -> Result<DoctorReport, Error> {
    refuse_crashed(name, precision)?;
    step("decoders");
    let decoders = decoders();
    let device = match Backend::choice(name) {
        // What it stands for, which has passed the self-check; that is taken again below.
        Some(_) => open_device(name, precision, instructions)?,
        None => limited_to(ComputeDevice::from_name(name)?.with_precision(precision)?, instructions)?,
    };
    let cpu = ComputeDevice::from_name("cpu")?;
    let checks = self_check::run(&device, step)?;
    let settings = Settings { resize: Some(Resize::Keep), ..Settings::default() };
    let weights = settings.load_weights()?;
    let config = settings.config()?;
    let side = if device.properties().is_software { SIDE_ON_SOFTWARE } else { SIDE };
    let mut stage_checks = StageChecks { device, cpu, weights, config, side, stages: Vec::new() };
    stage_checks.run(&Comparison { clock }, step)?;
    let StageChecks { device, stages, .. } = stage_checks;
    let (device_name, properties) = (device.name(), device.properties().clone());
    let version = env!("CARGO_PKG_VERSION");
    let model = Vec::new();
    Ok(DoctorReport { device: device_name, precision, properties, version, decoders, checks, stages, model })
}

fn decoders() -> Vec<DecoderRow> {
    let row = |decoder: Decoder| DecoderRow {
        format: decoder.format(),
        library: decoder.library(),
        fault: decoder.check().err().map(|fault| fault.to_string()),
    };
    DECODERS.iter().copied().map(row).collect()
}

/// A device, the CPU to compare it with, and the rows so far.
struct StageChecks {
    device: ComputeDevice,
    cpu: ComputeDevice,
    weights: NetworkWeights,
    config: Checked,
    side: usize,
    stages: Vec<DoctorRow>,
}

/// The result of a stage, to compare.
enum StageResult {
    Values(Vec<f32>),
    Choices(Vec<usize>),
}

#[allow(clippy::indexing_slicing, reason = "pictures and features are as many as are made here")]
impl StageChecks {
    fn run(&mut self, of: &Comparison<'_>, step: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let side = self.side;
        let pictures: Vec<Vec<f32>> = (0..GOOD + 2).map(|index| picture(side, index, index >= GOOD)).collect();
        let input = |index: usize| ImageInput { width: side, height: side, pixels: &pictures[index] };
        let in_precision = self.device.precision().drift_tolerance();

        step("features of a photo");
        let on = |device: &ComputeDevice| Extractor::new(self.config.clone(), &self.weights, device);
        let extractors =
            [on(&self.cpu), on(&self.device)].map(|made| made.map_err(patchcore_core::error::FitError::from));
        let [on_cpu, on_device] = extractors;
        let (on_cpu, on_device) = (on_cpu?, on_device?);
        let embed = |extractor: &Extractor| Ok::<_, Error>(StageResult::Values(extractor.embed_to_host(input(0))?.0));
        let row = of.compare("features of a photo", in_precision, || embed(&on_cpu), || embed(&on_device))?;
        self.stages.push(row);

        // The first picture's first channel.
        let grey = &pictures[0][..side * side];
        let grey = ImageInput { width: side, height: side, pixels: grey };
        let embed = |extractor: &Extractor| Ok::<_, Error>(StageResult::Values(extractor.embed_to_host(grey)?.0));
        let row = of.compare("features of a grey photo", in_precision, || embed(&on_cpu), || embed(&on_device))?;
        self.stages.push(row);

        let mut features = Vec::new();
        for index in 0..GOOD {
            features.extend(on_cpu.embed_to_host(input(index))?.0);
        }
        let dim = on_cpu.dim();
        let rows = features.len() / dim;

        step("coreset");
        let mut initial = vec![f32::MAX; rows];
        initial[0] = f32::INFINITY;
        let select = |device: &ComputeDevice| {
            let picks = greedy_k_center(&features, dim, &initial, rows / 10, device, &mut |_| true);
            picks.map(StageResult::Choices).map_err(|stopped| match stopped {
                SelectionStopped::Device(error) => Error::Device(error),
                // Nothing cancels it.
                _ => Error::Device(failed(device, "coreset", "it stopped")),
            })
        };
        // Near-ties may change places through rounding, and then what follows them.
        let row = of.compare("coreset, share of other picks", 0.02, || select(&self.cpu), || select(&self.device))?;
        self.stages.push(row);

        step("search");
        let bank = MemoryBank::from_rows(dim, features[..rows / 2 * dim].to_vec());
        let bank = bank.map_err(|error| failed(&self.device, "search", error))?;
        let indices = [&self.cpu, &self.device].map(|device| NearestNeighborIndex::new(bank.clone(), device));
        let [cpu_index, device_index] = indices;
        let (cpu_index, device_index) = (cpu_index?, device_index?);
        let queries = &features[rows / 2 * dim..];
        let distances = |index: &NearestNeighborIndex| {
            let found = index.nearest_of_rows(queries)?;
            Ok::<_, Error>(StageResult::Values(found.iter().map(|neighbor| neighbor.squared_distance).collect()))
        };
        let row =
            of.compare("search, squared distances", 1e-4, || distances(&cpu_index), || distances(&device_index))?;
        self.stages.push(row);

        step("fit and score");
        let fit = |device: &ComputeDevice| -> Result<PatchCore, Error> {
            let mut fitter = Fitter::new(self.config.clone(), &self.weights, device)?;
            for index in 0..GOOD {
                fitter.add(input(index))?;
            }
            Ok(fitter.finish(&mut |_, _| true)?)
        };
        let (cpu_model, device_model) = (fit(&self.cpu)?, fit(&self.device)?);
        let moved = |model: &PatchCore, to: &ComputeDevice| -> Result<PatchCore, Error> {
            let moved = ModelFile::new(model).into_model(Some((&self.weights).into()), to, DriftPolicy::Allow);
            moved.map_err(|source| Error::ModelFile { path: "doctor.patchcore".into(), source })
        };
        let images: Vec<ImageInput<'_>> = (0..GOOD + 2).map(input).collect();
        let scores = |model: &PatchCore| {
            let scored = model.score_batch(&images)?;
            Ok::<_, Error>(StageResult::Values(scored.iter().map(|scored| scored.score).collect()))
        };
        let maps = |model: &PatchCore| {
            let scored = model.score_batch(&images[GOOD..])?;
            Ok::<_, Error>(StageResult::Values(scored.into_iter().flat_map(|scored| scored.map.scores).collect()))
        };
        let of_cpu = moved(&cpu_model, &self.device)?;
        let mut rows = vec![
            of.compare("scores of a model of the CPU", in_precision, || scores(&cpu_model), || scores(&of_cpu))?,
            of.compare("maps of a model of the CPU", in_precision, || maps(&cpu_model), || maps(&of_cpu))?,
        ];
        step("a model of the device on the CPU");
        let of_device = moved(&device_model, &self.cpu)?;
        let name = "scores of a model of the device, on the CPU";
        rows.push(of.compare(name, in_precision, || scores(&of_device), || scores(&device_model))?);
        self.stages.extend(rows);
        Ok(())
    }
}

fn failed(device: &ComputeDevice, operation: &'static str, message: impl std::fmt::Display) -> DeviceError {
    DeviceError::Execution { device: device.name(), operation, message: message.to_string() }
}

/// Runs a stage on the device and on the CPU, and times both.
struct Comparison<'a> {
    clock: &'a dyn Fn() -> Duration,
}

impl Comparison<'_> {
    #[expect(clippy::indexing_slicing, reason = "the middle of three times")]
    fn compare(
        &self,
        stage: &str,
        tolerance: f64,
        cpu: impl Fn() -> Result<StageResult, Error>,
        device: impl Fn() -> Result<StageResult, Error>,
    ) -> Result<DoctorRow, Error> {
        let timed = |run: &dyn Fn() -> Result<StageResult, Error>| {
            let started = (self.clock)();
            let found = run()?;
            // A clock that was set back has measured nothing.
            Ok::<_, Error>((found, (self.clock)().saturating_sub(started).as_secs_f64() * 1e3))
        };
        let (found, first_ms) = timed(&device)?;
        let (expected, _) = timed(&cpu)?;
        let median = |run: &dyn Fn() -> Result<StageResult, Error>| {
            let times: Result<Vec<f64>, Error> = (0..3).map(|_| Ok(timed(run)?.1)).collect();
            let mut times = times?;
            times.sort_by(f64::total_cmp);
            Ok::<_, Error>(times[1])
        };
        let (device_ms, cpu_ms) = (median(&device)?, median(&cpu)?);
        let difference = difference(&found, &expected);
        Ok(DoctorRow { stage: stage.to_owned(), difference, tolerance, device_ms, cpu_ms, first_ms })
    }
}

fn difference(found: &StageResult, expected: &StageResult) -> f64 {
    match (found, expected) {
        (StageResult::Values(found), StageResult::Values(expected)) if found.len() == expected.len() => {
            let scale = expected.iter().fold(f32::MIN_POSITIVE, |scale, value| scale.max(value.abs()));
            let off = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
            // A value that is not a number must not vanish in a maximum.
            off.fold(0.0, |worst, off| if off.is_finite() { f64::max(worst, f64::from(off)) } else { f64::INFINITY })
                / f64::from(scale)
        }
        (StageResult::Choices(found), StageResult::Choices(expected))
            if found.len() == expected.len() && !expected.is_empty() =>
        {
            let expected: std::collections::BTreeSet<_> = expected.iter().collect();
            let missed =
                expected.len() - found.iter().filter(|pick| expected.contains(pick)).count().min(expected.len());
            missed as f64 / expected.len() as f64
        }
        _ => f64::INFINITY,
    }
}

/// A drawn part: a textured disc on a gradient, a bright scratch for a defect. `[3, side, side]`.
fn picture(side: usize, index: usize, defect: bool) -> Vec<f32> {
    let shift = index as f32 * 0.7;
    let value = |channel: usize, y: usize, x: usize| {
        // Drawn at full size; a smaller picture takes every second pixel.
        let (y, x) = (y * SIDE / side, x * SIDE / side);
        let (dy, dx) = (y as f32 - 64.0, x as f32 - 64.0 - shift);
        let radius = (dy * dy + dx * dx).sqrt();
        let mixed = ((y * SIDE + x + index * 7_919) as u32).wrapping_mul(2_654_435_761) >> 24;
        let grain = mixed as f32 / 255.0 * 0.06;
        let part = if radius < 44.0 { 0.55 + 0.1 * (radius / 5.0).sin() } else { 0.2 + 0.001 * x as f32 };
        let scratch = defect && (40..88).contains(&x) && y.abs_diff(x / 2 + 36) < 3;
        (part + grain + 0.03 * channel as f32 + if scratch { 0.3 } else { 0.0 }).clamp(0.0, 1.0)
    };
    let places = (0..3 * side * side).map(|at| (at / (side * side), at / side % side, at % side));
    places.map(|(channel, y, x)| value(channel, y, x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_that_are_no_numbers_and_missing_choices_count() {
        let values = |values: &[f32]| StageResult::Values(values.to_vec());
        assert_eq!(difference(&values(&[1.0, 2.0]), &values(&[1.0, 4.0])), 0.5);
        assert_eq!(difference(&values(&[1.0, f32::NAN]), &values(&[1.0, 4.0])), f64::INFINITY);
        assert_eq!(difference(&values(&[1.0]), &values(&[])), f64::INFINITY);
        assert_eq!(difference(&StageResult::Choices(vec![1, 2]), &StageResult::Choices(vec![2, 3])), 0.5);
    }
}
