//! Thresholds of a model whose banks were changed, made again at the rates that they had.

use std::path::PathBuf;

use anyhow::Context;
use patchcore::metrics::threshold::rank_of;
use patchcore::{CalibrateOptions, CalibrationReport, Model, Threshold, ThresholdOrigin, Thresholds};

use crate::output;
use crate::progress::Display;

/// The rate and confidence that are promised unless the model's threshold had others.
const PROMISE: (f64, f64) = (0.01, 0.95);

/// What is to be promised again, found out before any work.
#[derive(Debug, Clone, Copy)]
pub struct Promises {
    image: (f64, f64),
    look_again: Option<(f64, f64)>,
}

impl Promises {
    /// Those that a model's thresholds make or, where they are stale, made; `fpr` goes before the image threshold's rate.
    pub fn of(model: &Model, fpr: Option<f64>) -> Self {
        let old = match model.stale_thresholds() {
            Some(stale) => stale.thresholds,
            None => model.thresholds(),
        };
        let promised = |threshold: Option<Threshold>| match threshold?.origin {
            ThresholdOrigin::Calibrated(promise) => Some((promise.fpr, promise.confidence)),
            _ => None,
        };
        let (rate, confidence) = promised(old.image).unwrap_or(PROMISE);
        let image = (fpr.unwrap_or(rate), confidence);
        // A second threshold is the lower one: its rate is the higher.
        Self { image, look_again: promised(old.look_again).filter(|lower| lower.0 >= image.0) }
    }

    /// Refuses rates that so many photos cannot support.
    ///
    /// # Errors
    /// What `calibrate` says of them.
    pub fn check(&self, photos: usize) -> anyhow::Result<()> {
        for (fpr, confidence) in std::iter::once(self.image).chain(self.look_again) {
            rank_of(photos, fpr, confidence).context("cannot calibrate again")?;
        }
        Ok(())
    }

    /// The model with thresholds from these photos of good parts, and a line for each threshold.
    ///
    /// # Errors
    /// As a calibration.
    pub fn keep(self, model: Model, photos: &[PathBuf]) -> anyhow::Result<(Model, String, CalibrationReport)> {
        let mut display = Display::new();
        let options = CalibrateOptions::default().progress(|progress| display.show(progress));
        let report = model.calibrate(photos, options).context("cannot calibrate again")?;
        display.finish();
        drop(display);
        output::warn_of_rejected(&report.rejected);
        output::warn_of(&report.remarks);
        let thresholds = self.thresholds(&report)?;
        let line = |(name, Threshold { value, origin }): (&'static str, Threshold)| {
            format!("{name} threshold {value}: {origin}; {}\n", origin.holds_until())
        };
        let text = thresholds.named().map(line).collect();
        Ok((model.with_thresholds(thresholds)?, text, report))
    }

    fn thresholds(&self, report: &CalibrationReport) -> anyhow::Result<Thresholds> {
        let (fpr, confidence) = self.image;
        let look_again = self.look_again.map(|(fpr, confidence)| report.look_again(fpr, confidence)).transpose()?;
        Ok(Thresholds { look_again, ..report.thresholds(fpr, confidence)? })
    }
}
