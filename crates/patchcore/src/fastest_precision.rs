//! The precision `auto`: the fastest one of a device that keeps a model's passport.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use patchcore_core::error::BackboneError;
use patchcore_core::{ImageInput, Precision};

use crate::error::Error;
use crate::load_options::LoadOptions;
use crate::model::Model;
use crate::usual_input::usual_input;

/// Photos at once that are timed, where the device takes so many.
const BATCH: usize = 8;
/// Timed runs, after one that compiles kernels; the median counts. One that takes longer than this is the only one.
const RUNS: usize = 5;
const LONG: Duration = Duration::from_millis(500);
/// A coarser precision must take at most this share of a finer one's time: what is less is noise, and not worth a bit.
const WORTH_IT: f64 = 0.9;

/// Which precision was chosen, and among which.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PrecisionChoice {
    /// The one chosen.
    pub precision: Precision,
    /// Every precision that the device has, the most exact one first.
    pub tried: Vec<TriedPrecision>,
}

/// What became of one precision.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TriedPrecision {
    /// Which one.
    pub precision: Precision,
    /// Milliseconds of the network and the embedding for a photo, or why it cannot be used with this model on this device.
    pub ms_per_photo: Result<f64, String>,
}

impl PrecisionChoice {
    fn of(tried: Vec<TriedPrecision>) -> Self {
        let mut chosen = (Precision::F32, f64::INFINITY);
        for TriedPrecision { precision, ms_per_photo } in &tried {
            if let Ok(ms) = ms_per_photo
                && *ms < WORTH_IT * chosen.1
            {
                chosen = (*precision, *ms);
            }
        }
        Self { precision: chosen.0, tried }
    }
}

/// In one line: `f16: 1.2 ms a photo (f32: 3.9 ms; bf16: ...)`.
impl fmt::Display for PrecisionChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.tried.as_slice() {
            return write!(f, "{}: the device has no other", only.precision.name());
        }
        let said = |tried: &TriedPrecision| match &tried.ms_per_photo {
            Ok(ms) => format!("{}: {ms:.2} ms a photo", tried.precision.name()),
            Err(reason) => format!("{}: {reason}", tried.precision.name()),
        };
        let (chosen, others): (Vec<_>, Vec<_>) = self.tried.iter().partition(|tried| tried.precision == self.precision);
        let words = |tried: Vec<&TriedPrecision>| tried.into_iter().map(said).collect::<Vec<_>>().join("; ");
        write!(f, "{} ({})", words(chosen), words(others))
    }
}

impl Model {
    /// Loads a model in the fastest precision of its device that keeps the model's passport, and says which and why.
    ///
    /// Each precision that the device has ([`ComputeDevice::precisions`](crate::ComputeDevice::precisions)) is loaded as by
    /// [`Model::load_with`], so that it has passed the self-checks and the passport, and times the network and the embedding on a
    /// drawn picture of the size that most photos of the fit had. A coarser precision is taken where it needs at most nine tenths
    /// of the time of a finer one; f32 where none does. On a device that has f32 alone nothing is timed. `options.precision` is
    /// not looked at. `clock` says what time it is, since whenever: this library has no clock of its own.
    ///
    /// # Errors
    /// As [`Model::load_with`] in f32, and [`BackboneError::NoChoice`] for a model whose network is bf16 or int8, before anything is loaded.
    pub fn load_fastest(
        path: impl AsRef<Path>,
        options: &LoadOptions,
        clock: &dyn Fn() -> Duration,
    ) -> Result<(Self, PrecisionChoice), Error> {
        let path = path.as_ref();
        let file = Self::read(path)?;
        if let Some(precision) = file.header.config.reduced_precision() {
            let source = BackboneError::NoChoice { network: precision.name() };
            return Err(Error::ModelFile { path: path.to_owned(), source: source.into() });
        }
        let exact = Self::load_read(file, path, &LoadOptions { precision: Precision::F32, ..options.clone() })?;
        let precisions: Vec<Precision> = exact.device().precisions().filter(|one| *one != Precision::F32).collect();
        if precisions.is_empty() {
            let only = TriedPrecision { precision: Precision::F32, ms_per_photo: Ok(0.0) };
            return Ok((exact, PrecisionChoice { precision: Precision::F32, tried: vec![only] }));
        }
        let ms_per_photo = exact.ms_per_photo(clock)?;
        let mut tried = vec![TriedPrecision { precision: Precision::F32, ms_per_photo: Ok(ms_per_photo) }];
        let mut best = exact;
        for precision in precisions {
            // The device that a choice of devices has led to.
            let device = best.device().name();
            let options = LoadOptions { precision, device, allow_drift: false, ..options.clone() };
            let loaded = Self::load_with(path, &options);
            let timed = loaded.and_then(|model| Ok((model.ms_per_photo(clock)?, model)));
            let (ms_per_photo, model) = match timed {
                Ok((ms, model)) => (Ok(ms), Some(model)),
                Err(error) => (Err(error.to_string()), None),
            };
            tried.push(TriedPrecision { precision, ms_per_photo });
            let choice = PrecisionChoice::of(tried.clone());
            if let Some(model) = model.filter(|_| choice.precision == precision) {
                best = model;
            }
        }
        Ok((best, PrecisionChoice::of(tried)))
    }

    /// Milliseconds of the network and the embedding for a photo, in a batch as the device takes them.
    fn ms_per_photo(&self, clock: &dyn Fn() -> Duration) -> Result<f64, Error> {
        let (height, width) = usual_input(self.config(), self.inputs_seen());
        let batch = self.core.batch_size(height, width).clamp(1, BATCH);
        let pixels: Vec<f32> = (0..3 * height * width).map(|at| (at * 37 % 251) as f32 / 250.0).collect();
        let images = vec![ImageInput { width, height, pixels: &pixels }; batch];
        let run = || {
            let started = clock();
            self.threads.run(|| self.core.extractor().embed(&images, &mut |_| ()))?;
            // A clock that was set back has measured nothing.
            Ok::<_, Error>(clock().saturating_sub(started))
        };
        run()?;
        let mut times = Vec::new();
        while times.len() < RUNS && times.last().is_none_or(|last| *last < LONG) {
            times.push(run()?);
        }
        times.sort();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        // No time at all is no measurement, and wins nothing.
        let median = if median.is_zero() { f64::NAN } else { median.as_secs_f64() };
        Ok(median * 1e3 / batch as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(times: [Result<f64, &str>; 4]) -> PrecisionChoice {
        let tried = patchcore_core::device::PRECISIONS.into_iter().zip(times);
        PrecisionChoice::of(
            tried
                .map(|(precision, ms)| TriedPrecision { precision, ms_per_photo: ms.map_err(str::to_owned) })
                .collect(),
        )
    }

    #[test]
    fn a_coarser_precision_must_be_a_tenth_faster() {
        let of = |times| choice(times).precision;
        assert_eq!(of([Ok(4.0), Ok(3.7), Ok(3.65), Ok(3.61)]), Precision::F32);
        assert_eq!(of([Ok(4.0), Ok(2.0), Ok(1.9), Ok(1.81)]), Precision::Tf32);
        assert_eq!(of([Ok(4.0), Ok(2.0), Ok(1.7), Ok(1.0)]), Precision::Bf16);
        assert_eq!(of([Ok(4.0), Err("refused"), Ok(1.0), Err("refused")]), Precision::F16);
        assert_eq!(of([Ok(4.0), Err("a"), Err("b"), Err("c")]), Precision::F32);
        // No number is no reason.
        assert_eq!(of([Ok(4.0), Ok(f64::NAN), Ok(5.0), Ok(f64::NAN)]), Precision::F32);
    }

    #[test]
    fn what_was_chosen_and_why_is_one_line() {
        let choice = choice([Ok(4.0), Err("not kept"), Ok(1.5), Ok(1.45)]);
        assert_eq!(
            choice.to_string(),
            "f16: 1.50 ms a photo (f32: 4.00 ms a photo; tf32: not kept; bf16: 1.45 ms a photo)"
        );
        let only = TriedPrecision { precision: Precision::F32, ms_per_photo: Ok(0.0) };
        let only = PrecisionChoice { precision: Precision::F32, tried: vec![only] };
        assert_eq!(only.to_string(), "f32: the device has no other");
    }
}
