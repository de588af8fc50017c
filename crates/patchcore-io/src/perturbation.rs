//! What may change between the photos of the fit and those of the line: which changes are made of a photo, how strong, and in words.

use std::fmt;

use crate::ImageError;

/// A kind of change. All of them are made in the pixels of the photo, before any resize, and what they make is rounded and cut off at
/// black and white as a camera would do it ([`Photo::perturbed`](crate::Photo::perturbed)).
///
/// | kind | level | a sample `v` of the pixel `(x, y)` becomes |
/// |---|---|---|
/// | `Light` | factor, up to 10 | `v * level`. Samples are taken as they are: where a camera writes them with a gamma of 2.2, half the samples is a fifth of the light |
/// | `Shading` | share, up to 1 | `v * (1 - level + 2 * level * x / (width - 1))`: dark at one edge, bright at the opposite one, as it was in the middle |
/// | `Blur` | share of the photo's short side, up to 0.1 | the mean with weights of a Gaussian whose standard deviation is that many pixels, cut off at three of them |
/// | `Noise` | share of white, up to 1 | `v + level * white * z`, `z` a new draw for each sample: the sum of twelve uniform numbers less 6, a normal distribution but for its farthest tails |
/// | `Jpeg` | quality, 1 to 100 | `v` after JPEG of libjpeg's tables at that quality, without subsampling of colours; 16-bit and float photos pass through 8 bits |
/// | `Shift` | share of the short side, up to 0.5 | the sample so many whole pixels beside it |
/// | `Rotation` | degrees, up to 180 | the sample of the photo turned about its centre |
/// | `Scale` | factor, 0.25 to 4 | the sample of the photo enlarged about its centre |
///
/// *Borders.* `Blur`, `Shift`, `Rotation` and `Scale` ask for pixels outside the photo: there it is continued by its mirror image, the
/// outermost pixels not repeated. *Between pixels* `Rotation` and `Scale` are bicubic (Catmull-Rom), which blurs little.
/// *Direction.* `Shading`, `Shift` and `Rotation` have one, which the seed decides, so that a set of photos shows all of them: right, down,
/// left and up, and clockwise and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PerturbationKind {
    /// More or less light everywhere.
    Light,
    /// Light that falls off from one edge to the other.
    Shading,
    /// Out of focus.
    Blur,
    /// Noise of the sensor.
    Noise,
    /// Compression.
    Jpeg,
    /// The part lies beside its place.
    Shift,
    /// The part is turned.
    Rotation,
    /// The part is nearer or farther.
    Scale,
}

impl PerturbationKind {
    /// All of them, in the order of every table.
    pub const ALL: [Self; 8] =
        [Self::Light, Self::Shading, Self::Blur, Self::Noise, Self::Jpeg, Self::Shift, Self::Rotation, Self::Scale];

    /// A word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Shading => "shading",
            Self::Blur => "blur",
            Self::Noise => "noise",
            Self::Jpeg => "jpeg",
            Self::Shift => "shift",
            Self::Rotation => "rotation",
            Self::Scale => "scale",
        }
    }

    /// What a level of it says, with its unit.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Light => "light, times what it was",
            Self::Shading => "shading, darker and brighter at the edges",
            Self::Blur => "blur, standard deviation",
            Self::Noise => "noise, standard deviation in % of white",
            Self::Jpeg => "JPEG quality",
            Self::Shift => "shift of the part",
            Self::Rotation => "rotation of the part",
            Self::Scale => "size of the part, times what it was",
        }
    }

    /// The level of a photo as it is. (JPEG of quality 100 rounds, and so comes near it only.)
    #[must_use]
    pub fn unchanged(self) -> f64 {
        match self {
            Self::Light | Self::Scale => 1.0,
            Self::Jpeg => 101.0,
            Self::Shading | Self::Blur | Self::Noise | Self::Shift | Self::Rotation => 0.0,
        }
    }

    /// The levels that are tried where nobody asks for others.
    #[must_use]
    pub fn levels(self) -> &'static [f64] {
        match self {
            Self::Light => &[0.5, 0.7, 0.85, 0.95, 1.05, 1.15, 1.3, 1.5],
            Self::Shading => &[0.05, 0.1, 0.2, 0.4],
            Self::Blur => &[0.001, 0.002, 0.004, 0.008],
            Self::Noise => &[0.005, 0.01, 0.02, 0.05],
            Self::Jpeg => &[10.0, 30.0, 60.0, 90.0],
            Self::Shift => &[0.01, 0.02, 0.03, 0.05],
            Self::Rotation => &[1.0, 2.0, 5.0, 10.0],
            Self::Scale => &[0.9, 0.95, 1.05, 1.1],
        }
    }

    /// Whether this build can make it: `Jpeg` needs the feature of that name.
    #[must_use]
    pub fn is_compiled_in(self) -> bool {
        self != Self::Jpeg || cfg!(feature = "jpeg")
    }

    /// What its level may be.
    fn expected(self) -> &'static str {
        match self {
            Self::Light => "a factor above 0 and at most 10",
            Self::Shading | Self::Noise => "a share from 0 to 1",
            Self::Blur => "a share of the short side from 0 to 0.1",
            Self::Jpeg => "a whole number from 1 to 100",
            Self::Shift => "a share of the short side from 0 to 0.5",
            Self::Rotation => "degrees from 0 to 180",
            Self::Scale => "a factor from 0.25 to 4",
        }
    }

    fn allows(self, level: f64) -> bool {
        match self {
            Self::Light => level > 0.0 && level <= 10.0,
            Self::Shading | Self::Noise => (0.0..=1.0).contains(&level),
            Self::Blur => (0.0..=0.1).contains(&level),
            Self::Jpeg => (1.0..=100.0).contains(&level) && level.fract() == 0.0,
            Self::Shift => (0.0..=0.5).contains(&level),
            Self::Rotation => (0.0..=180.0).contains(&level),
            Self::Scale => (0.25..=4.0).contains(&level),
        }
    }
}

impl fmt::Display for PerturbationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A change of a photo, with its level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Perturbation {
    kind: PerturbationKind,
    level: f64,
}

impl Perturbation {
    /// A change of this kind and level, the unit of which stands at [`PerturbationKind`].
    ///
    /// # Errors
    /// [`ImageError::PerturbationLevel`] for a level that the kind is not defined for.
    ///
    /// # Examples
    /// ```
    /// use patchcore_io::{Perturbation, PerturbationKind};
    ///
    /// let darker = Perturbation::new(PerturbationKind::Light, 0.85)?;
    /// assert_eq!(darker.words(None), "15 % less light");
    /// assert!(Perturbation::new(PerturbationKind::Light, -1.0).is_err());
    /// # Ok::<(), patchcore_io::ImageError>(())
    /// ```
    pub fn new(kind: PerturbationKind, level: f64) -> Result<Self, ImageError> {
        if !kind.allows(level) {
            let (kind, expected) = (kind.name(), kind.expected());
            return Err(ImageError::PerturbationLevel { kind, found: level, expected });
        }
        Ok(Self { kind, level })
    }

    /// All kinds that this build can make, each at its usual levels ([`PerturbationKind::levels`]).
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let kinds = PerturbationKind::ALL.into_iter().filter(|kind| kind.is_compiled_in());
        kinds.flat_map(|kind| kind.levels().iter().map(move |level| Self { kind, level: *level })).collect()
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> PerturbationKind {
        self.kind
    }

    /// Its level.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Whether it leaves a photo as it is.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.level == self.kind.unchanged()
    }

    /// The level for a table: `x0.85`, `20 %`, `1.8 px`, `5°`. `short_side`: that of the photos in pixels, where they share one; else
    /// what is measured in pixels is a percentage of it.
    #[must_use]
    pub fn label(&self, short_side: Option<u32>) -> String {
        let level = self.level;
        match self.kind {
            PerturbationKind::Light | PerturbationKind::Scale => format!("x{}", plain(level)),
            PerturbationKind::Shading | PerturbationKind::Noise => percent(level),
            PerturbationKind::Jpeg => plain(level),
            PerturbationKind::Rotation => format!("{}°", plain(level)),
            PerturbationKind::Blur | PerturbationKind::Shift => match self.pixels(short_side) {
                Some(pixels) => format!("{} px", plain(pixels)),
                None => percent(level),
            },
        }
    }

    /// The change as a sentence names it: `15 % less light`, `a shift of 18 pixels`. `short_side` as for [`Perturbation::label`].
    #[must_use]
    pub fn words(&self, short_side: Option<u32>) -> String {
        let level = self.level;
        let length = || match self.pixels(short_side) {
            Some(1.0) => "1 pixel".to_owned(),
            Some(pixels) => format!("{} pixels", plain(pixels)),
            None => format!("{} of the short side", percent(level)),
        };
        match self.kind {
            PerturbationKind::Light if level < 1.0 => format!("{} less light", percent(1.0 - level)),
            PerturbationKind::Light => format!("{} more light", percent(level - 1.0)),
            PerturbationKind::Shading => format!("shading of {}", percent(level)),
            PerturbationKind::Blur => format!("a blur of {}", length()),
            PerturbationKind::Noise => format!("noise of {}", percent(level)),
            PerturbationKind::Jpeg => format!("JPEG of quality {}", plain(level)),
            PerturbationKind::Shift => format!("a shift of {}", length()),
            PerturbationKind::Rotation if level == 1.0 => "a rotation of 1 degree".to_owned(),
            PerturbationKind::Rotation => format!("a rotation of {} degrees", plain(level)),
            PerturbationKind::Scale if level < 1.0 => format!("parts {} smaller", percent(1.0 - level)),
            PerturbationKind::Scale => format!("parts {} larger", percent(level - 1.0)),
        }
    }

    /// A level in pixels: tenths of a blur, whole ones of a shift.
    fn pixels(&self, short_side: Option<u32>) -> Option<f64> {
        let pixels = self.level * f64::from(short_side?);
        match self.kind {
            PerturbationKind::Blur => Some((pixels * 10.0).round() / 10.0),
            PerturbationKind::Shift => Some(pixels.round()),
            _ => None,
        }
    }
}

/// At most three decimals.
fn plain(value: f64) -> String {
    format!("{}", (value * 1e3).round() / 1e3)
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e4).round() / 1e2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: PerturbationKind, level: f64) -> Perturbation {
        Perturbation::new(kind, level).unwrap()
    }

    #[test]
    fn levels_are_said_in_their_unit() {
        use PerturbationKind as Kind;
        let said = |kind, level, side| (of(kind, level).label(side), of(kind, level).words(side));
        for (kind, level, side, label, words) in [
            (Kind::Light, 0.85, None, "x0.85", "15 % less light"),
            (Kind::Light, 1.3, None, "x1.3", "30 % more light"),
            (Kind::Shading, 0.2, None, "20 %", "shading of 20 %"),
            (Kind::Blur, 0.002, Some(900), "1.8 px", "a blur of 1.8 pixels"),
            (Kind::Blur, 0.002, None, "0.2 %", "a blur of 0.2 % of the short side"),
            (Kind::Noise, 0.01, Some(900), "1 %", "noise of 1 %"),
            (Kind::Jpeg, 60.0, None, "60", "JPEG of quality 60"),
            (Kind::Shift, 0.02, Some(900), "18 px", "a shift of 18 pixels"),
            (Kind::Shift, 0.01, Some(117), "1 px", "a shift of 1 pixel"),
            (Kind::Rotation, 1.0, None, "1°", "a rotation of 1 degree"),
            (Kind::Rotation, 2.5, None, "2.5°", "a rotation of 2.5 degrees"),
            (Kind::Scale, 0.95, None, "x0.95", "parts 5 % smaller"),
            (Kind::Scale, 1.1, None, "x1.1", "parts 10 % larger"),
        ] {
            assert_eq!(said(kind, level, side), (label.to_owned(), words.to_owned()));
        }
    }

    #[test]
    fn the_usual_levels_are_allowed_rise_and_change_something() {
        for kind in PerturbationKind::ALL {
            let levels = kind.levels();
            assert!(levels.is_sorted() && levels.len() >= 4, "{kind}");
            for level in levels {
                assert!(!of(kind, *level).is_unchanged(), "{kind} {level}");
            }
        }
        let jpeg = if cfg!(feature = "jpeg") { 4 } else { 0 };
        assert_eq!(Perturbation::usual().len(), 8 + 6 * 4 + jpeg);
    }

    #[test]
    fn a_level_outside_is_refused_with_what_it_may_be() {
        for kind in PerturbationKind::ALL {
            for level in [-0.1, f64::NAN, f64::INFINITY, 1e3] {
                assert!(Perturbation::new(kind, level).is_err(), "{kind} {level}");
            }
        }
        let error = Perturbation::new(PerturbationKind::Jpeg, 50.5).unwrap_err();
        assert_eq!(error.to_string(), "jpeg is 50.5, expected a whole number from 1 to 100");
    }
}
