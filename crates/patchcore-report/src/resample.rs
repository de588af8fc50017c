//! Brings a map to the photo's geometry for drawing: bilinear, pixel centres aligned, edges clamped.

use crate::ReportError;
use crate::color_scale::check_finite;

/// Checks a map against its declared size, and every score.
pub(crate) fn check_map(map: &[f32], width: u32, height: u32) -> Result<(), ReportError> {
    check_size("map", map.len(), width, height)?;
    check_finite(map)
}

/// Checks an argument against its declared size, which must hold a pixel.
pub(crate) fn check_size(what: &'static str, found: usize, width: u32, height: u32) -> Result<(), ReportError> {
    if width == 0 || height == 0 {
        return Err(ReportError::NoPixels { what, width, height });
    }
    check_len(what, found, width, height)
}

/// Checks the number of pixels of an argument.
pub(crate) fn check_len(what: &'static str, found: usize, width: u32, height: u32) -> Result<(), ReportError> {
    let expected = u64::from(width) * u64::from(height);
    if found as u64 == expected {
        Ok(())
    } else {
        Err(ReportError::SizeMismatch { what, width, height, expected, found: found as u64 })
    }
}

/// The map at `to` = (width, height), row-major. The map must have passed [`check_map`].
#[expect(clippy::indexing_slicing, reason = "the map has `from` pixels, and taps lie inside")]
pub(crate) fn resample(map: &[f32], from: (u32, u32), to: (u32, u32)) -> Vec<f32> {
    debug_assert!(check_map(map, from.0, from.1).is_ok(), "the caller has checked the map");
    if from == to {
        return map.to_vec();
    }
    let columns: Vec<_> = (0..to.0).map(|x| taps(x, from.0, to.0)).collect();
    let at = |x: usize, y: usize| map[y * from.0 as usize + x];
    let mut resampled = Vec::with_capacity(to.0 as usize * to.1 as usize);
    for y in 0..to.1 {
        let (y0, y1, v) = taps(y, from.1, to.1);
        for &(x0, x1, u) in &columns {
            let top = at(x0, y0) + (at(x1, y0) - at(x0, y0)) * u;
            let bottom = at(x0, y1) + (at(x1, y1) - at(x0, y1)) * u;
            resampled.push(top + (bottom - top) * v);
        }
    }
    resampled
}

/// Two neighbours and the weight of the second.
fn taps(index: u32, from: u32, to: u32) -> (usize, usize, f32) {
    let last = (from - 1) as usize;
    let position = ((index as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, last as f32);
    let first = position as usize;
    (first, (first + 1).min(last), position - first as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_interpolates_between_centres() {
        assert_eq!(resample(&[0.0, 1.0], (2, 1), (4, 1)), [0.0, 0.25, 0.75, 1.0]);
        assert_eq!(resample(&[3.0], (1, 1), (2, 2)), [3.0; 4]);
    }

    #[test]
    fn wrong_sizes_are_named() {
        let message = check_map(&[0.0; 5], 2, 3).unwrap_err().to_string();
        assert_eq!(message, "map has 5 pixels, expected 2 x 3 = 6; pass row-major data of that size");
        assert!(matches!(check_map(&[], 0, 3), Err(ReportError::NoPixels { .. })));
    }
}
