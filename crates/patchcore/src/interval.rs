//! Between which scores a photo's score against *all* patches of the fit lies: what the selection of bank rows can have changed.

use patchcore_config::{Distance, ImageScoreRule, PatchCoreConfig};

use crate::model::Model;
use crate::score::Score;

/// Rounding of the sums that a map is made of, as a share of a score.
const ROUNDING: f64 = 1e-5;

/// Bounds of what a photo would score against a bank of every training patch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreInterval {
    /// Not below this, and at least 0; in the unit of the model's distance.
    pub low: f32,
    /// Not above this.
    pub high: f32,
    /// Which score they bound.
    pub of: IntervalOf,
}

/// What a [`ScoreInterval`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IntervalOf {
    /// The image score.
    Score,
    /// The largest patch score: equation 7 weighs it by further rows of the bank, of which the coverage says nothing.
    WorstPatch,
}

impl IntervalOf {
    /// The name in rows and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::WorstPatch => "worst_patch",
        }
    }
}

impl Model {
    /// Between which values the score would lie against a bank of all training patches, with everything else the same: no patch of the fit is
    /// further from its bank than the [coverage](Model::coverage) radius `r`, so for the L2 distance `D` of a patch `q`, by the triangle
    /// inequality, `D(q, bank) - r <= D(q, all patches) <= D(q, bank)`. The map is a mean of patch scores with fixed weights, so in a model of
    /// several members the weighted mean of their radii is what its maximum can lie lower. A squared distance `d` becomes
    /// `(sqrt(d) - r)^2`, with the largest radius. With equation 7 the interval is that of the largest patch score, and says so
    /// ([`IntervalOf::WorstPatch`]).
    ///
    /// `None` where the coverage is not known, and for patch scores of several neighbours, of which it says nothing. Of a bank in f16 it
    /// holds up to the rounding of the rows.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{Limits, Model, Photo};
    ///
    /// let model = Model::load("part.patchcore")?;
    /// let score = model.score(&Photo::open("frame.png".as_ref(), &Limits::default())?)?;
    /// if let Some(interval) = model.score_interval(&score) {
    ///     println!("{} of the {}: from {} to {}", score.score, interval.of.name(), interval.low, interval.high);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn score_interval(&self, score: &Score) -> Option<ScoreInterval> {
        let config: &PatchCoreConfig = self.config();
        let (coverage, members) = (self.coverage(), self.core.members());
        if coverage.len() != members.len() || (config.image_score.is_of_means() && config.num_neighbors != 1) {
            return None;
        }
        let radii = || coverage.iter().map(|of| f64::from(of.radius));
        let (of, high) = match config.image_score {
            ImageScoreRule::Reweighted => {
                (IntervalOf::WorstPatch, score.patches.scores.iter().copied().fold(0.0, f32::max))
            }
            _ => (IntervalOf::Score, score.score),
        };
        let low = match config.distance {
            Distance::L2 => {
                let weights = || members.iter().map(|member| f64::from(member.weight()));
                let of_all: f64 = weights().sum();
                let mean = radii().zip(weights()).map(|(radius, weight)| radius * weight).sum::<f64>() / of_all;
                f64::from(high) - mean
            }
            // (sqrt(d) - r)^2, no lower than 0, is convex and rises with d: of a mean it is at most the mean.
            Distance::SquaredL2 => {
                let largest = radii().fold(0.0, f64::max);
                (f64::from(high).max(0.0).sqrt() - largest).max(0.0).powi(2)
            }
        };
        let low = (low - f64::from(high.abs()) * ROUNDING).max(0.0) as f32;
        Some(ScoreInterval { low: low.min(high), high, of })
    }
}
