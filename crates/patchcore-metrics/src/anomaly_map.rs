//! One anomaly map with its true mask: the unit of input of the pixel metrics.

use super::MetricError;

/// An anomaly map and its ground truth, both row-major and of the same size. Maps of one call may differ in size.
#[derive(Debug, Clone, Copy)]
pub struct AnomalyMap<'a> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[height * width]` anomaly scores, higher is more anomalous; any unit, the same for all maps.
    pub scores: &'a [f32],
    /// `[height * width]`, `true` where the pixel is defective. `None` for a good image: every pixel is normal.
    pub mask: Option<&'a [bool]>,
}

impl AnomalyMap<'_> {
    /// The mask without the pixels outside, if the map has a mask and a region; `map` is the index that an error names. A
    /// defect that the region cuts is as large as what is inside.
    pub(super) fn mask_within(&self, map: usize, inside: Option<&[bool]>) -> Result<Option<Vec<bool>>, MetricError> {
        let Some(inside) = inside else { return Ok(None) };
        let (found, expected) = (inside.len(), self.scores.len());
        if found != expected {
            return Err(MetricError::LengthMismatch { what: format!("inside of map {map}"), expected, found });
        }
        Ok(self.mask.map(|mask| mask.iter().zip(inside).map(|(a, b)| *a && *b).collect()))
    }

    /// Number of pixels inside; all of them without a region.
    pub(super) fn pixels_within(&self, inside: Option<&[bool]>) -> usize {
        inside.map_or(self.scores.len(), |inside| inside.iter().filter(|pixel| **pixel).count())
    }

    /// Checks that scores and mask have `width * height` entries; `map` is the index that an error names.
    pub(super) fn check_lengths(&self, map: usize) -> Result<(), MetricError> {
        let expected = self.width.saturating_mul(self.height);
        let mismatch = |what: String, found: usize| MetricError::LengthMismatch { what, expected, found };
        if self.scores.len() != expected {
            return Err(mismatch(format!("scores of map {map} ({} x {})", self.width, self.height), self.scores.len()));
        }
        match self.mask {
            Some(mask) if mask.len() != expected => {
                Err(mismatch(format!("mask of map {map} ({} x {})", self.width, self.height), mask.len()))
            }
            _ => Ok(()),
        }
    }
}
