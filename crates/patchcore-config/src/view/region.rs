//! Where to look: the region of interest of every photo of a line, as run lengths small enough for a model's header.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Size;

/// The pixels of a photo that count, in the geometry of the photo as it comes from the camera.
///
/// Patches whose cell touches no inside pixel are neither fitted nor scored; the anomaly map is 0 outside; pixels outside
/// do not count in metrics. A cell that an inside pixel touches counts as a whole, and a network looks beyond its
/// cell: draw an ignore mask a few pixels larger than what it hides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// The size of every photo that it is meant for.
    pub size: Size,
    /// Lengths of runs in raster order, outside and inside in turn, beginning with outside (0 where the first pixel is
    /// inside). They add up to the pixels of `size`.
    runs: Vec<u64>,
}

/// A region that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegionError {
    /// Nothing is inside.
    #[error(
        "the region of interest is empty: no pixel of {width} x {height} is inside (white is what to look at in the one mask, what to ignore in the other)"
    )]
    Empty {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Pixels or runs do not add up to the size.
    #[error("a region of {width} x {height} pixels was given {found}: expected {expected}")]
    WrongLength {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Pixels given.
        found: u64,
        /// Pixels expected.
        expected: u64,
    },
}

impl Region {
    /// The region of the pixels that are `true`, `[height, width]` row by row.
    ///
    /// # Errors
    /// [`RegionError`].
    pub fn from_pixels(size: Size, inside: &[bool]) -> Result<Self, RegionError> {
        let mut runs = Vec::new();
        let (mut value, mut length) = (false, 0);
        for pixel in inside {
            if *pixel != value {
                runs.push(length);
                (value, length) = (*pixel, 0);
            }
            length += 1;
        }
        runs.push(length);
        let region = Self { size, runs };
        region.check()?;
        Ok(region)
    }

    /// Checks a region that was read from a file.
    ///
    /// # Errors
    /// [`RegionError`].
    pub fn check(&self) -> Result<(), RegionError> {
        let Size { width, height } = self.size;
        let expected = u64::from(width) * u64::from(height);
        let found = self.runs.iter().fold(0_u64, |sum, run| sum.saturating_add(*run));
        if found != expected {
            return Err(RegionError::WrongLength { width, height, found, expected });
        }
        match self.inside_pixels() {
            0 => Err(RegionError::Empty { width, height }),
            _ => Ok(()),
        }
    }

    /// Number of pixels inside.
    pub fn inside_pixels(&self) -> u64 {
        self.runs.iter().skip(1).step_by(2).fold(0_u64, |sum, run| sum.saturating_add(*run))
    }

    /// One value per pixel, `[height, width]` row by row: true inside.
    pub fn to_pixels(&self) -> Vec<bool> {
        let runs = self.runs.iter().zip([false, true].into_iter().cycle());
        runs.flat_map(|(run, inside)| std::iter::repeat_n(inside, *run as usize)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_or_misfitting_region_is_refused() {
        let size = Size { width: 3, height: 2 };
        assert_eq!(Region::from_pixels(size, &[false; 6]), Err(RegionError::Empty { width: 3, height: 2 }));
        let short = Region::from_pixels(size, &[true; 5]);
        assert!(matches!(short, Err(RegionError::WrongLength { found: 5, expected: 6, .. })));
        let hostile = Region { size, runs: vec![u64::MAX, 9] };
        assert!(hostile.check().is_err());
    }

    proptest! {
        #[test]
        fn pixels_come_back(pixels in prop::collection::vec(any::<bool>(), 1..200)) {
            prop_assume!(pixels.contains(&true));
            let region = Region::from_pixels(Size { width: pixels.len() as u32, height: 1 }, &pixels).unwrap();
            let json = serde_json::to_string(&region).unwrap();
            let region: Region = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(region.inside_pixels(), pixels.iter().filter(|inside| **inside).count() as u64);
            prop_assert_eq!(region.to_pixels(), pixels);
        }
    }
}
