//! How much each feature level weighs in a patch's distance, which the paper leaves to the levels' own scales.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the levels of an embedding are scaled against each other before anything is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LevelScaling {
    /// As the network gives them: the published way.
    None,
    /// Every level multiplied by one number, so that all have the same total variance over the patches of the fit.
    EqualVariance {
        /// The number of each level, in the order of the layers; empty before the fit.
        of_the_fit: Vec<f32>,
    },
}

impl LevelScaling {
    /// Equal variance, before the fit has measured it.
    pub const EQUAL_VARIANCE: Self = Self::EqualVariance { of_the_fit: Vec::new() };

    /// Whether nothing is scaled.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The number of each level; empty where nothing is scaled, and before the fit.
    pub fn factors(&self) -> &[f32] {
        match self {
            Self::None => &[],
            Self::EqualVariance { of_the_fit } => of_the_fit,
        }
    }

    /// The rule after a fit in which the levels had these total variances. Each level's factor takes it to the mean of all; a level
    /// without variance, of photos that are all one colour, stays as it is and does not count.
    #[must_use]
    pub fn after_the_fit(&self, total_variances: &[f64]) -> Self {
        match self {
            Self::None => Self::None,
            Self::EqualVariance { .. } => {
                let varied = || total_variances.iter().filter(|variance| **variance > 0.0);
                let mean = varied().sum::<f64>() / varied().count().max(1) as f64;
                let factor = |variance: &f64| {
                    let factor = (mean / variance).sqrt() as f32;
                    if *variance > 0.0 && factor.is_normal() { factor } else { 1.0 }
                };
                Self::EqualVariance { of_the_fit: total_variances.iter().map(factor).collect() }
            }
        }
    }
}

impl fmt::Display for LevelScaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LevelScaling::None => "none",
            LevelScaling::EqualVariance { .. } => "equal_variance",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_to_the_mean_variance() {
        let after = LevelScaling::EQUAL_VARIANCE.after_the_fit(&[1.0, 4.0, 16.0]);
        assert_eq!(after.factors(), [7f32.sqrt(), 1.75f32.sqrt(), 0.4375f32.sqrt()]);
        assert_eq!(LevelScaling::None.after_the_fit(&[1.0, 4.0]), LevelScaling::None);
    }

    #[test]
    fn a_level_without_variance_stays_as_it_is() {
        let factors = |variances: &[f64]| LevelScaling::EQUAL_VARIANCE.after_the_fit(variances).factors().to_vec();
        assert_eq!(factors(&[0.0, 2.0, 2.0]), [1.0, 1.0, 1.0]);
        assert_eq!(factors(&[0.0, 2.0, 8.0]), [1.0, 2.5f32.sqrt(), 0.625f32.sqrt()]);
        assert_eq!(factors(&[0.0, 0.0]), [1.0, 1.0]);
    }
}
