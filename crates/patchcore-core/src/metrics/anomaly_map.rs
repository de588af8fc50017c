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
