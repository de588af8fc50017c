//! One anomaly map with its true mask and its region of interest: the unit of input of the pixel metrics.

use std::borrow::Cow;

use super::MetricError;

/// An anomaly map and its ground truth, row-major and of the same size. Maps of one call may differ in size.
#[derive(Debug, Clone, Copy)]
pub struct LabelledMap<'a> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[height * width]` anomaly scores, higher is more anomalous; any unit, the same for all maps.
    pub scores: &'a [f32],
    /// `[height * width]`, `true` where the pixel is defective. `None` for a good image: every pixel is normal.
    pub mask: Option<&'a [bool]>,
    /// The region of interest: `[height * width]`, `true` where the pixel counts. Pixels outside are neither normal nor
    /// defective, and a defect that the region cuts is as large as what is inside. `None`: all of them count.
    pub inside: Option<&'a [bool]>,
}

impl<'a> LabelledMap<'a> {
    /// Whether the region of interest holds the pixel of a map whose lengths have been checked.
    #[expect(clippy::indexing_slicing, reason = "the region is as long as the scores")]
    pub(super) fn counts(&self, pixel: usize) -> bool {
        self.inside.is_none_or(|inside| inside[pixel])
    }

    /// Number of pixels that count.
    pub(super) fn n_inside(&self) -> usize {
        self.inside.map_or(self.scores.len(), |inside| inside.iter().filter(|pixel| **pixel).count())
    }

    /// The mask without what lies outside.
    pub(super) fn mask_inside(&self) -> Option<Cow<'a, [bool]>> {
        Some(match (self.mask?, self.inside) {
            (mask, None) => Cow::Borrowed(mask),
            (mask, Some(inside)) => mask.iter().zip(inside).map(|(defective, inside)| *defective && *inside).collect(),
        })
    }

    /// Checks that scores, mask and region have `width * height` entries; `map` is the index that an error names.
    pub(super) fn check_lengths(&self, map: usize) -> Result<(), MetricError> {
        let expected = self.width.saturating_mul(self.height);
        let entries = [
            ("scores", Some(self.scores.len())),
            ("mask", self.mask.map(<[bool]>::len)),
            ("inside", self.inside.map(<[bool]>::len)),
        ];
        match entries.into_iter().find_map(|(what, found)| Some((what, found.filter(|found| *found != expected)?))) {
            None => Ok(()),
            Some((what, found)) => Err(MetricError::LengthMismatch {
                what: format!("{what} of map {map} ({} x {})", self.width, self.height),
                expected,
                found,
            }),
        }
    }

    /// Checks that the scores that count are finite; lengths have been checked, and `map` is the index that an error names.
    pub(super) fn check_scores(&self, map: usize) -> Result<(), MetricError> {
        let damaged = |(pixel, score): &(usize, &f32)| !score.is_finite() && self.counts(*pixel);
        match self.scores.iter().enumerate().find(damaged) {
            Some((index, value)) => Err(MetricError::NonFiniteScore { map: Some(map), index, value: *value }),
            None => Ok(()),
        }
    }
}
