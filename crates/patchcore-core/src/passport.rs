//! The score passport: a few pictures' features and scores, kept with a model and asked for again wherever it is loaded.
//!
//! A checkpoint, its export and its export's export often give three scores for one image, and nobody is told. A model
//! file of this project carries what the device of its fit answered for a few pictures drawn from a formula. Another
//! device, driver, precision or version answers the same questions when it loads the model, and is refused when its
//! answers lie further off than its precision explains ([`Precision::drift_tolerance`]).
//!
//! The pictures are not photographs: they hold nothing of the user's parts, are the same in every model, and reach the
//! network's edges, its flat areas and its textures. They are small (96 x 96), so that a load stays as fast as it was.

use serde::{Deserialize, Serialize};

use crate::device::Precision;
use crate::error::{ModelFileError, ScoreError};
use crate::extractor::ImageInput;
use crate::patchcore::PatchCore;

/// Side of the pictures, in pixels.
const SIDE: usize = 96;
/// Feature values kept per picture, spread evenly over its embedding.
const FEATURES: usize = 32;

/// What one device answered for one picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassportEntry {
    /// Name of the picture.
    pub picture: String,
    /// Image score, in the unit of the mode's distance.
    pub score: f32,
    /// The largest value of the anomaly map.
    pub map_max: f32,
    /// Some values of the embedding.
    pub features: Vec<f32>,
}

/// The answers of the device on which a model was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScorePassport {
    /// Precision of the network then.
    pub precision: Precision,
    /// One entry per picture.
    pub entries: Vec<PassportEntry>,
}

/// How far a device's answers lie from a passport's: the largest over all pictures, as a share of the passport's value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Of the image scores.
    pub score: f64,
    /// Of the maps' largest values.
    pub map: f64,
    /// Root mean square over a picture's features, as a share of their root mean square.
    pub features: f64,
}

/// Features may drift so many times further than scores: a score is a distance over hundreds of them, in which rounding
/// averages out (measured in f16: scores 0.2 %, features 1.7 %).
const FEATURE_SHARE: f64 = 5.0;

impl Drift {
    /// The largest of the three, that of the features divided by five: single features drift further than the scores
    /// that average over them (measured in f16: scores 0.2 %, features 1.7 %).
    pub fn worst(&self) -> f64 {
        self.score.max(self.map).max(self.features / FEATURE_SHARE)
    }
}

impl ScorePassport {
    /// Asks a model for its answers.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn of(model: &PatchCore) -> Result<Self, ScoreError> {
        let entries = pictures().map(|(name, pixels)| {
            let input = ImageInput { width: SIDE, height: SIDE, pixels: &pixels };
            let scored = model.score(input)?;
            let (rows, _) = model.extractor().embed_to_host(input)?;
            let step = (rows.len() / FEATURES).max(1);
            // An odd step does not stay on one channel of every cell.
            let features = rows.iter().step_by(step | 1).take(FEATURES).copied().collect();
            let finite = scored.map.scores.iter().all(|score| score.is_finite());
            let map_max = if finite { scored.map.max() } else { f32::NAN };
            Ok(PassportEntry { picture: name.to_owned(), score: scored.score, map_max, features })
        });
        let entries = entries.collect::<Result<Vec<_>, ScoreError>>()?;
        Ok(Self { precision: model.device().precision(), entries })
    }

    /// How far a model's answers lie from these.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn drift(&self, model: &PatchCore) -> Result<Drift, ScoreError> {
        let now = Self::of(model)?;
        let mut drift = Drift { score: 0.0, map: 0.0, features: 0.0 };
        for (then, now) in self.entries.iter().zip(&now.entries) {
            drift.score = drift.score.max(share(then.score, now.score));
            drift.map = drift.map.max(share(then.map_max, now.map_max));
            drift.features = drift.features.max(distance_share(&then.features, &now.features));
        }
        // A passport of other pictures than this version's says nothing of this device.
        if self.entries.is_empty() || self.entries.len() != now.entries.len() {
            drift.score = f64::INFINITY;
        }
        Ok(drift)
    }

    /// The largest drift allowed for a device of such a precision: the coarser one's of the two.
    pub fn tolerance(&self, precision: Precision) -> f64 {
        self.precision.drift_tolerance().max(precision.drift_tolerance())
    }

    /// Refuses a model whose answers drift further than its precision explains.
    ///
    /// # Errors
    /// [`ModelFileError::Drift`], and [`ModelFileError::Device`] where the device fails.
    pub fn check(&self, model: &PatchCore) -> Result<Drift, ModelFileError> {
        let drift = self.drift(model).map_err(|error| match error {
            ScoreError::Device(error) => ModelFileError::Device(error),
            other => ModelFileError::Malformed { reason: format!("the passport's pictures cannot be scored: {other}") },
        })?;
        let tolerance = self.tolerance(model.device().precision());
        // Not `<=`: a drift that is not a number is refused.
        if drift.worst() <= tolerance {
            return Ok(drift);
        }
        let device = format!("{} in {}", model.device().name(), model.device().precision().name());
        Err(ModelFileError::Drift { device, score: drift.score, map: drift.map, features: drift.features, tolerance })
    }
}

fn share(then: f32, now: f32) -> f64 {
    let (then, now) = (f64::from(then), f64::from(now));
    // A maximum of drifts would pass over what is not a number.
    if !now.is_finite() {
        return f64::INFINITY;
    }
    if then == now { 0.0 } else { (now - then).abs() / then.abs().max(f64::from(f32::MIN_POSITIVE)) }
}

fn distance_share(then: &[f32], now: &[f32]) -> f64 {
    if then.len() != now.len() {
        return f64::INFINITY;
    }
    let square = |value: f64| value * value;
    let length: f64 = then.iter().map(|value| square(f64::from(*value))).sum();
    let off: f64 = then.iter().zip(now).map(|(then, now)| square(f64::from(*then) - f64::from(*now))).sum();
    if off == 0.0 { 0.0 } else { (off / length.max(f64::MIN_POSITIVE)).sqrt() }
}

/// Names and planes `[3, SIDE, SIDE]` of the pictures: shading with an edge, and a texture.
fn pictures() -> impl Iterator<Item = (&'static str, Vec<f32>)> {
    let shading = |channel: usize, y: usize, x: usize| {
        let slope = (x * (channel + 1) + 2 * y) as f32 / (6 * SIDE) as f32;
        let disc = x.abs_diff(SIDE / 2).pow(2) + y.abs_diff(SIDE / 3).pow(2) < 400;
        slope + if disc { 0.4 } else { 0.0 }
    };
    let texture = |channel: usize, y: usize, x: usize| {
        let mixed = ((y * SIDE + x) as u32).wrapping_mul(2_654_435_761).rotate_left(channel as u32 * 5);
        let grain = (mixed >> 24) as f32 / 255.0;
        let weave = if (x / 6 + y / 6).is_multiple_of(2) { 0.3 } else { 0.5 };
        0.75 * weave + 0.25 * grain
    };
    let draw = |paint: fn(usize, usize, usize) -> f32| -> Vec<f32> {
        let places = (0..3 * SIDE * SIDE).map(|at| (at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE));
        places.map(|(channel, y, x)| paint(channel, y, x)).collect()
    };
    [("shading", draw(shading)), ("texture", draw(texture))].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_within_the_range_of_pixels_and_differ() {
        let drawn: Vec<_> = pictures().collect();
        assert!(drawn.iter().all(|(_, pixels)| pixels.len() == 3 * SIDE * SIDE));
        assert!(drawn.iter().flat_map(|(_, pixels)| pixels).all(|value| (0.0..=1.0).contains(value)));
        assert_ne!(drawn[0].1, drawn[1].1);
    }

    #[test]
    fn drift_is_a_share_and_a_missing_number_is_infinite() {
        assert_eq!(share(2.0, 2.0), 0.0);
        assert_eq!(share(2.0, 2.5), 0.25);
        assert_eq!(share(0.0, 0.0), 0.0);
        assert_eq!(share(2.0, f32::NAN), f64::INFINITY);
        assert_eq!(distance_share(&[3.0, 4.0], &[3.0, 4.5]), 0.1);
        assert_eq!(distance_share(&[1.0], &[]), f64::INFINITY);
    }
}
