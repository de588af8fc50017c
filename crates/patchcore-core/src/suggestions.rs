//! What the photos of a fit say about options that it was not given: light that is not steady, parts that lie at any angle. Suggested with
//! the number that speaks for it, never switched on.

use std::fmt;

use patchcore_config::Turned;

use crate::copies::PhotoCopy;
use crate::engine::Engine;
use crate::error::FitError;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::Neighbor;

/// An option that the photos speak for.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Suggestion {
    /// Copies in other light: the photos' mean brightness differs by so much.
    UnsteadyLight {
        /// Mean brightness that 5 % of the photos lie below, in `[0, 1]`.
        dark: f32,
        /// Mean brightness that 5 % of the photos lie above.
        bright: f32,
    },
    /// Turned copies: good photos that were not fitted score nearly as low against photos turned by 45 degrees as against photos as they are.
    AnyAngle {
        /// The one median over the other.
        ratio: f32,
    },
    /// Mirrored copies, by the same comparison.
    Mirrored {
        /// The one median over the other.
        ratio: f32,
    },
}

impl Suggestion {
    /// What was seen, without the remedy.
    pub fn reason(&self) -> String {
        match self {
            Self::UnsteadyLight { dark, bright } => format!(
                "the light varies by {:.0} % between the photos (mean brightness {dark:.2} to {bright:.2})",
                100.0 * (bright / dark - 1.0)
            ),
            Self::AnyAngle { ratio } => format!(
                "the parts seem to lie at any angle (good photos score {ratio:.2} times as high against photos turned by 45 degrees as \
                 against photos as they are)"
            ),
            Self::Mirrored { ratio } => format!(
                "the parts seem to look the same mirrored (good photos score {ratio:.2} times as high against mirrored photos as against \
                 photos as they are)"
            ),
        }
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let copies = match self {
            Self::UnsteadyLight { .. } => "copies in other light",
            Self::AnyAngle { .. } => "turned copies",
            Self::Mirrored { .. } => "mirrored copies",
        };
        write!(f, "{}: {copies} in the fit may help", self.reason())
    }
}

/// Photos that are looked at for their angle: every second one is fitted, the others are scored.
pub(crate) const LOOKED_AT: usize = 16;
/// Where a fit has more photos, those that lie otherwise are among them.
pub(crate) const FEW: usize = 100;
/// Largest sizes of an input whose copies are looked at, in pixels.
const MOST_PIXELS: usize = 1 << 17;
/// From here on light is not steady.
const UNSTEADY: f32 = 1.3;
/// Up to here turned photos are like the others. Measured: 1.03 to 1.12 on four sets of small parts, 1.22 on round bottles, whose light
/// has a direction, and 1.92 on tiles that always lie alike.
const TURNED_ALIKE: f32 = 1.2;
/// Up to here mirrored photos are like the others.
const MIRRORED_ALIKE: f32 = 1.05;

/// The copies whose rows are compared with the photos' own.
pub(crate) const LOOKS: [PhotoCopy; 2] = [PhotoCopy::Turned(1), PhotoCopy::LeftRight];

/// Whether the `number`-th photo's copies are looked at.
pub(crate) fn is_turned(number: usize, size: (usize, usize)) -> bool {
    is_looked_at(number, size) && number.is_multiple_of(2)
}

/// Whether the `number`-th photo's rows are compared.
pub(crate) fn is_looked_at(number: usize, size: (usize, usize)) -> bool {
    number < LOOKED_AT && size.0 * size.1 <= MOST_PIXELS
}

/// Light that is not steady, from the mean brightness of every photo.
pub(crate) fn of_light(brightness: &[f32]) -> Option<Suggestion> {
    if brightness.len() < 5 {
        return None;
    }
    let mut sorted = brightness.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len() - 1) as f64 * share).round() as usize).copied();
    let (dark, bright) = (at(0.05)?, at(0.95)?);
    (dark > 0.0 && bright / dark >= UNSTEADY).then_some(Suggestion::UnsteadyLight { dark, bright })
}

/// Rows of one member, `[n, dim]` row-major: what is compared to say at which angle parts lie.
pub(crate) struct Angles<'a> {
    pub dim: usize,
    /// Of fitted photos, as they are.
    pub plain: Vec<f32>,
    /// Of the same photos' copies, in the order of [`LOOKS`].
    pub copied: &'a [Vec<f32>],
    /// Of photos that were not fitted, photo by photo.
    pub unseen: Vec<Vec<f32>>,
    /// Photos of the whole fit.
    pub photos: usize,
}

impl Angles<'_> {
    /// Turned or mirrored copies, where the photos are few and look the same so.
    ///
    /// # Errors
    /// [`FitError::Device`] and [`FitError::Bank`].
    pub fn suggestion(&self, already: Turned, engine: &dyn Engine) -> Result<Option<Suggestion>, FitError> {
        if already != Turned::No || self.photos > FEW || self.unseen.len() < 3 {
            return Ok(None);
        }
        let rows = self.copied.iter().chain([&self.plain]).map(|rows| rows.len() / self.dim).min().unwrap_or(0);
        if rows == 0 {
            return Ok(None);
        }
        let plain = self.median_worst(&self.plain, rows, engine)?;
        let mut ratios = Vec::new();
        for copied in self.copied {
            ratios.push((self.median_worst(copied, rows, engine)? / plain).sqrt());
        }
        Ok(match ratios.as_slice() {
            // Nothing differs from anything: equal photos.
            _ if plain.is_nan() || plain <= 0.0 => None,
            [turned, ..] if *turned <= TURNED_ALIKE => Some(Suggestion::AnyAngle { ratio: *turned }),
            [_, mirrored] if *mirrored <= MIRRORED_ALIKE => Some(Suggestion::Mirrored { ratio: *mirrored }),
            _ => None,
        })
    }

    /// Of the unseen photos' largest squared distances to `count` rows of these, spread evenly, the median.
    fn median_worst(&self, rows: &[f32], count: usize, engine: &dyn Engine) -> Result<f32, FitError> {
        let all = rows.len() / self.dim;
        let even = (0..count).flat_map(|at| rows.iter().skip(at * all / count * self.dim).take(self.dim)).copied();
        let index = engine.index(&MemoryBank::from_rows(self.dim, even.collect())?)?;
        let mut worst = Vec::new();
        let mut nearest: Vec<Neighbor> = Vec::new();
        for photo in &self.unseen {
            index.nearest(photo, &mut nearest)?;
            worst.push(nearest.iter().map(|found| found.squared_distance).fold(0.0, f32::max));
        }
        worst.sort_unstable_by(f32::total_cmp);
        Ok(worst.get(worst.len() / 2).copied().unwrap_or(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Oracle;

    #[test]
    fn light_that_varies_by_thirty_percent_is_said_with_the_number() {
        assert_eq!(of_light(&[0.5; 20]), None);
        assert_eq!(of_light(&[0.2, 0.4]), None, "too few");
        let varied: Vec<f32> = (0..21).map(|at| 0.30 + 0.01 * at as f32).collect();
        let found = of_light(&varied).unwrap();
        assert_eq!(found, Suggestion::UnsteadyLight { dark: varied[1], bright: varied[19] });
        assert_eq!(
            found.to_string(),
            "the light varies by 58 % between the photos (mean brightness 0.31 to 0.49): copies in other light in the fit may help"
        );
        // One photo in a hundred that is black is no unsteady light.
        let mut one = vec![0.5; 99];
        one.push(0.0);
        assert_eq!(of_light(&one), None);
    }

    #[test]
    fn parts_at_any_angle_are_those_that_turned_photos_explain() {
        let found = |turned: f32, mirrored: f32| {
            let copied = [vec![turned; 4], vec![mirrored; 4]];
            let angles =
                Angles { dim: 1, plain: vec![0.0; 4], copied: &copied, unseen: vec![vec![1.0]; 3], photos: 16 };
            angles.suggestion(Turned::No, &Oracle).unwrap()
        };
        // Distances: 1 to the photos as they are, 1 - turned to the others.
        assert_eq!(found(-0.1, 5.0), Some(Suggestion::AnyAngle { ratio: 1.1 }));
        assert_eq!(found(-0.8, 5.0), None);
        assert_eq!(found(-0.8, 2.0), Some(Suggestion::Mirrored { ratio: 1.0 }));
        let many = Angles { dim: 1, plain: vec![0.0], copied: &[vec![0.0]], unseen: vec![vec![1.0]; 3], photos: 101 };
        assert_eq!(many.suggestion(Turned::No, &Oracle).unwrap(), None);
    }
}
