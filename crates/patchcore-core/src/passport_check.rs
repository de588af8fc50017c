//! Computes a passport on a model's device: after a fit to keep it, after a load to compare.

use crate::error::{ModelFileError, ScoreError};
use crate::image_input::ImageInput;
use crate::passport::{Drift, PassportEntry, ScorePassport};
use crate::patchcore::PatchCore;

/// Side of the pictures, in pixels.
const SIDE: usize = 96;
/// Feature values kept per picture, spread evenly over its embedding.
const FEATURES: usize = 32;

impl ScorePassport {
    /// Computes a model's passport on its device.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn of(model: &PatchCore) -> Result<Self, ScoreError> {
        let entries = pictures().map(|(name, pixels)| {
            let input = ImageInput { width: SIDE, height: SIDE, pixels: &pixels };
            let scored = model.score(input)?;
            let mut features = vec![Vec::new(); model.members().len()];
            model.extractor().embed(&[input], &mut |embedded| {
                let rows = embedded.rows;
                let step = (rows.len() / FEATURES).max(1);
                // An odd step does not stay on one channel of every cell.
                let spread = rows.iter().step_by(step | 1).take(FEATURES).copied();
                features
                    .iter_mut()
                    .skip(embedded.embedding)
                    .take(1)
                    .for_each(|of_member| of_member.extend(spread.clone()));
            })?;
            let features = features.concat();
            let finite = scored.map.scores.iter().all(|score| score.is_finite());
            let map_max = if finite { scored.map.max() } else { f32::NAN };
            Ok(PassportEntry { picture: name.to_owned(), score: scored.score, map_max, features })
        });
        let entries = entries.collect::<Result<Vec<_>, ScoreError>>()?;
        Ok(Self { precision: model.device().precision(), entries })
    }

    /// How far a model's results lie from these.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn drift(&self, model: &PatchCore) -> Result<Drift, ScoreError> {
        Ok(self.drift_of(&Self::of(model)?))
    }

    /// Refuses a model whose results drift further than its precision explains.
    ///
    /// # Errors
    /// [`ModelFileError::Drift`], and [`ModelFileError::Device`] where the device fails.
    pub fn check(&self, model: &PatchCore) -> Result<Drift, ModelFileError> {
        let drift = self.drift_on_load(model)?;
        self.refuse(model, drift).map(|()| drift)
    }

    /// [`ScorePassport::drift`] of a model that is being loaded.
    pub(crate) fn drift_on_load(&self, model: &PatchCore) -> Result<Drift, ModelFileError> {
        self.drift(model).map_err(|error| match error {
            ScoreError::Device(error) => ModelFileError::Device(error),
            other => ModelFileError::Malformed { reason: format!("the passport's pictures cannot be scored: {other}") },
        })
    }

    fn refuse(&self, model: &PatchCore, drift: Drift) -> Result<(), ModelFileError> {
        let tolerance = self.tolerance(model.config(), model.device().precision());
        // A drift that is not a number is refused.
        if drift.worst() <= tolerance {
            return Ok(());
        }
        let device = format!("{} in {}", model.device().name(), model.device().precision().name());
        Err(ModelFileError::Drift { device, score: drift.score, map: drift.map, features: drift.features, tolerance })
    }
}

impl PatchCore {
    /// Refuses a model that was loaded with [`DriftPolicy::Allow`](crate::model_file::DriftPolicy::Allow) and drifts further than its
    /// precision explains: for who wants to look at the device more closely first.
    ///
    /// # Errors
    /// [`ModelFileError::Drift`].
    pub fn refuse_drift(&self) -> Result<(), ModelFileError> {
        match (self.passport(), self.drift()) {
            (Some(passport), Some(drift)) => passport.refuse(self, drift),
            _ => Ok(()),
        }
    }

    /// Computes a passport on this device and keeps it.
    pub(crate) fn with_own_passport(self) -> Result<Self, ScoreError> {
        let passport = ScorePassport::of(&self)?;
        Ok(self.with_passport(passport, None))
    }
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
}
