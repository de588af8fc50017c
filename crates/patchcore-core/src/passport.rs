//! The score passport: a few pictures' features and scores, kept with a model and computed again wherever it is loaded.
//!
//! A checkpoint, its export and its export's export often give three scores for one image, and nobody is told. A model
//! file of this project carries what the device of its fit computed for a few pictures drawn from a formula. Another
//! device, driver, precision or version scores the same pictures when it loads the model, and is refused when its
//! results lie further off than its precision explains ([`Precision::drift_tolerance`]).
//!
//! The pictures are not photographs: they hold nothing of the user's parts, are the same in every model, and reach the
//! network's edges, its flat areas and its textures. They are small (96 x 96), so that a load stays as fast as it was.

use patchcore_config::{MemberConfig, NetworkPrecision, PatchCoreConfig};
use serde::{Deserialize, Serialize};

use crate::device::Precision;

/// What one device computed for one picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassportEntry {
    /// Name of the picture.
    pub picture: String,
    /// Image score, in the unit of the model's distance.
    pub score: f32,
    /// The largest value of the anomaly map.
    pub map_max: f32,
    /// Some values of the embedding.
    pub features: Vec<f32>,
}

/// The results of the device on which a model was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScorePassport {
    /// Precision of the network then.
    pub precision: Precision,
    /// One entry per picture.
    pub entries: Vec<PassportEntry>,
}

/// How far a device's results lie from a passport's: the largest over all pictures, as a share of the passport's value.
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

/// How far the scores of an int8 model may drift, as a share: see [`ScorePassport::tolerance`].
const INT8_TOLERANCE: f64 = 1e-4;

impl Drift {
    /// The largest of the three, that of the features divided by five: single features drift further than the scores
    /// that average over them (measured in f16: scores 0.2 %, features 1.7 %).
    pub fn worst(&self) -> f64 {
        self.score.max(self.map).max(self.features / FEATURE_SHARE)
    }
}

impl ScorePassport {
    /// How far the results `now` lie from these.
    pub(crate) fn drift_of(&self, now: &Self) -> Drift {
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
        drift
    }

    /// The largest drift allowed of a model of such members on a device of such a precision.
    ///
    /// - A network of f32: what the coarser one of the two devices' precisions explains.
    /// - One of bf16: what that number format explains, whose sums are f32 in an order of the processor's.
    /// - One of int8: 1e-4. It gives the same bits on every processor, and so does the CPU with what follows it; another device computes
    ///   distances and maps in f32 with roundings of its own (at most 2e-5 of the largest value in the tests of the engines). A network
    ///   that computed otherwise would differ by whole steps of its 8 bits.
    ///
    /// Of several members the largest counts.
    pub fn tolerance(&self, config: &PatchCoreConfig, precision: Precision) -> f64 {
        let of_member = |member: &MemberConfig| match member.network_precision {
            NetworkPrecision::Int8 => INT8_TOLERANCE,
            NetworkPrecision::Bf16 => Precision::Bf16.drift_tolerance(),
            _ => self.precision.drift_tolerance().max(precision.drift_tolerance()),
        };
        config.members.iter().map(of_member).fold(0.0, f64::max)
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

#[cfg(test)]
mod tests {
    use super::*;

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
