//! What the processes do: each part writes what it finds line by line, so that what was found stays found if the driver ends it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use patchcore::devices::{devices_of, forget};
use patchcore::{
    BACKENDS, Error, FitOptions, Limits, LoadOptions, Mode, Model, NetworkInput, Photo, Precision, doctor,
};

use super::device_memory::most_of_this_process;
use super::folder::{Folder, MODES, OfPhoto, settings, to_fit, to_score};
use super::found::{Answers, Fit, Found, StageTime, Throughput};
use crate::arguments::{DeviceCheckPart, Part};
use crate::output;

/// Photos that go together.
const BATCHES: [usize; 3] = [1, 8, 32];
/// The most times that something is timed, and the time after which it is not begun again.
const RUNS: usize = 10;
const TIMED: Duration = Duration::from_secs(2);

pub fn run(arguments: &DeviceCheckPart) -> anyhow::Result<()> {
    let DeviceCheckPart { part, device, from, .. } = arguments;
    let precision = Precision::from_name(&arguments.precision)?;
    let on = On { device, precision, folder: from };
    match part {
        Part::Look => look(device)?,
        Part::Doctor => on.doctor()?,
        Part::Answers => on.answers()?,
        Part::Throughput => on.throughput()?,
        Part::Stages => on.stages()?,
        Part::Fit => on.fit()?,
    }
    most_of_this_process().map_or(Ok(()), |bytes| say(&Found::HostMemory(bytes)))
}

fn say(found: &Found) -> anyhow::Result<()> {
    output::print(&format!("{}\n", serde_json::to_string(found)?))
}

fn look(backend: &str) -> anyhow::Result<()> {
    let backend = BACKENDS.into_iter().find(|known| known.name() == backend).context("no such backend")?;
    let devices: Result<Vec<_>, _> = devices_of(backend).iter().map(serde_json::to_value).collect();
    say(&Found::Devices(devices?))
}

/// Times something again and again: the first time, the median of the others, and how many those are.
fn timed(work: &mut dyn FnMut() -> anyhow::Result<()>) -> anyhow::Result<(f64, f64, usize)> {
    let mut once = || {
        let started = Instant::now();
        work()?;
        Ok::<_, anyhow::Error>(started.elapsed().as_secs_f64() * 1e3)
    };
    let first = once()?;
    let started = Instant::now();
    let mut times = Vec::new();
    while times.is_empty() || (times.len() < RUNS && started.elapsed() < TIMED) {
        times.push(once()?);
    }
    Ok((first, median(&mut times), times.len()))
}

/// The middle one; of two the larger.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(FARTHEST)
}

struct On<'a> {
    device: &'a str,
    precision: Precision,
    folder: &'a Path,
}

impl On<'_> {
    fn load(&self, mode: Mode) -> Result<Model, Error> {
        let mut options = LoadOptions::default().device(self.device).precision(self.precision);
        // How far it is off is what is asked.
        options.allow_drift = true;
        Model::load_with(self.folder.join(format!("{}.patchcore", mode.name())), &options)
    }

    fn inputs(&self, model: &Model) -> anyhow::Result<Vec<NetworkInput>> {
        let prepared = to_score(self.folder)?.into_iter().map(|path| {
            let photo = Photo::open(&path, &Limits::default())?;
            Ok(model.prepare(&photo)?)
        });
        prepared.collect()
    }

    fn doctor(&self) -> anyhow::Result<()> {
        forget(self.device, self.precision);
        let started = Instant::now();
        let clock = || started.elapsed();
        let report = doctor(self.device, self.precision, None, &clock, &mut |_| ())?;
        say(&Found::Examination(serde_json::to_value(&report)?))?;
        if report.passed() {
            return Ok(());
        }
        let decoders = report.decoders.iter().filter(|row| row.fault.is_some()).map(|row| row.format.to_owned());
        let checks = report.checks.iter().filter(|check| !check.passed()).map(|check| check.operation.clone());
        let stages = report.stages.iter().filter(|row| !row.passed()).map(|row| row.stage.clone());
        let wrong: Vec<String> = decoders.chain(checks).chain(stages).collect();
        say(&Found::Differs(wrong.join(", ")))
    }

    fn answers(&self) -> anyhow::Result<()> {
        let recorded = Folder::open(self.folder)?;
        for mode in MODES {
            let expected = recorded.models.iter().find(|model| model.mode == mode.name());
            let expected = &expected.context("no answers were recorded for this mode")?.photos;
            let model = self.load(mode)?;
            let allowed = self.precision.drift_tolerance();
            let mut answers = Answers {
                model: mode.name().to_owned(),
                photos: 0,
                score_difference: 0.0,
                map_difference: 0.0,
                allowed,
                other_worst_patch: 0,
                drift: model.drift().map_or(0.0, |drift| finite(drift.score.max(drift.map))),
                failed: 0,
            };
            for (scored, expected) in model.scores(to_score(self.folder)?).zip(expected) {
                let Some(found) = OfPhoto::of(scored) else {
                    answers.failed += 1;
                    continue;
                };
                answers.photos += 1;
                answers.score_difference = worse(answers.score_difference, found.score, expected.score);
                answers.map_difference = worse(answers.map_difference, found.map_max, expected.map_max);
                answers.other_worst_patch += usize::from(found.worst_at != expected.worst_at);
            }
            let worst = answers.score_difference.max(answers.map_difference).max(answers.drift);
            let is_right = worst <= allowed && answers.failed == 0 && answers.photos == expected.len();
            let what = format!(
                "mode {}: off by {worst:.1e} of the CPU's values, {allowed:.0e} is allowed; {} of {} photos without a score",
                answers.model,
                expected.len() - answers.photos,
                expected.len()
            );
            say(&Found::Answers(answers))?;
            if !is_right {
                say(&Found::Differs(what))?;
            }
        }
        Ok(())
    }

    fn throughput(&self) -> anyhow::Result<()> {
        for mode in MODES {
            let model = self.load(mode)?;
            let inputs = self.inputs(&model)?;
            for batch in BATCHES {
                let photos: Vec<&NetworkInput> = inputs.iter().cycle().take(batch).collect();
                let found = timed(&mut || model.score_inputs(&photos).map(drop).map_err(Into::into))?;
                self.say_throughput(mode, "network to map", batch, batch, found)?;
            }
            let files = to_score(self.folder)?;
            let mut whole = || {
                for scored in model.scores(&files) {
                    scored.result?;
                }
                Ok(())
            };
            let found = timed(&mut whole)?;
            self.say_throughput(mode, "whole program", 0, files.len(), found)?;
        }
        Ok(())
    }

    fn say_throughput(
        &self,
        mode: Mode,
        what: &str,
        batch: usize,
        photos: usize,
        (_, median_ms, runs): (f64, f64, usize),
    ) -> anyhow::Result<()> {
        let (model, what) = (mode.name().to_owned(), what.to_owned());
        let photos_per_second = photos as f64 / median_ms * 1e3;
        say(&Found::Throughput(Throughput { model, what, batch, photos_per_second, median_ms, runs }))
    }

    fn stages(&self) -> anyhow::Result<()> {
        let model = self.load(Mode::Paper)?;
        let mut stages = model.stages(&self.inputs(&model)?, &BATCHES)?;
        for one in stages.all().to_vec() {
            let (first_ms, median_ms, runs) = timed(&mut || stages.run(one.stage).map_err(Into::into))?;
            let (stage, size) = (one.stage.name().to_owned(), one.size);
            let (multiply_adds, bytes) = (one.work.multiply_adds, one.work.bytes);
            say(&Found::Stage(StageTime { stage, size, first_ms, median_ms, runs, multiply_adds, bytes }))?;
        }
        Ok(())
    }

    fn fit(&self) -> anyhow::Result<()> {
        let recorded = Folder::open(self.folder)?;
        let photos = to_fit(self.folder)?;
        for mode in MODES {
            let mut settings = settings(mode, self.device);
            settings.precision = self.precision;
            let once = || {
                let started = Instant::now();
                let model = Model::fit_with(&settings, &photos, FitOptions::default())?.model;
                Ok::<_, Error>((model, started.elapsed().as_secs_f64()))
            };
            let (_, first_seconds) = once()?;
            let (model, seconds) = once()?;
            let expected = recorded.models.iter().find(|model| model.mode == mode.name());
            let expected = &expected.context("no answers were recorded for this mode")?.photos;
            let mut differences = Vec::new();
            for (scored, expected) in model.scores(to_score(self.folder)?).zip(expected) {
                let score = scored.result?.score;
                differences.push(worse(0.0, score, expected.score));
            }
            let bank_rows = model.banks().iter().map(|bank| bank.len()).collect();
            let median_difference = median(&mut differences);
            let (model, photos) = (mode.name().to_owned(), photos.len());
            say(&Found::Fit(Fit { model, photos, seconds, first_seconds, bank_rows, median_difference }))?;
            // A bank of other rows is as good; one that gives other scores is not.
            let allowed = OTHER_BANK.max(self.precision.drift_tolerance());
            if median_difference > allowed {
                let what = format!("mode {}: a fit whose scores are off by {median_difference:.1e}", mode.name());
                say(&Found::Differs(what))?;
            }
        }
        Ok(())
    }
}

/// How far scores of a bank with other rows may be off in the median, as a share: rounding decides between near ties.
const OTHER_BANK: f64 = 0.02;

/// How far off a value is that is no number. (JSON has no infinity.)
const FARTHEST: f64 = f64::MAX;

/// The larger of what it was and the difference of two values as a share of the expected one; [`FARTHEST`] for what is no number.
fn worse(before: f64, found: f32, expected: f32) -> f64 {
    let off = f64::from((found - expected).abs()) / f64::from(expected.abs().max(f32::MIN_POSITIVE));
    if off.is_finite() { before.max(off) } else { FARTHEST }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { FARTHEST }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_as_far_off_as_can_be() {
        assert_eq!(worse(0.0, 3.0, 2.0), 0.5);
        assert_eq!(worse(0.75, 3.0, 2.0), 0.75);
        assert_eq!(worse(0.75, f32::NAN, 2.0), FARTHEST);
        assert_eq!(worse(FARTHEST, 2.0, 2.0), FARTHEST);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn the_first_time_is_told_apart() {
        let mut times = 0;
        let mut count = || {
            times += 1;
            Ok(())
        };
        let (_, _, runs) = timed(&mut count).unwrap();
        assert_eq!((runs, times), (RUNS, RUNS + 1));
    }
}
