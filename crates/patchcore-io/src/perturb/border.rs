//! What lies outside a photo: its mirror image, the outermost pixels not repeated, as often as it takes.

/// The pixel of a side of `length` that is shown at `at`.
pub(super) fn mirrored(at: isize, length: usize) -> usize {
    let last = length as isize - 1;
    // A side of one pixel mirrors it everywhere.
    let folded = at.rem_euclid((2 * last).max(1));
    folded.min(2 * last - folded).max(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_lies_on_the_outermost_pixel() {
        let shown: Vec<usize> = (-5..9).map(|at| mirrored(at, 4)).collect();
        assert_eq!(shown, [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]);
        assert_eq!([-3, 0, 7].map(|at| mirrored(at, 1)), [0, 0, 0]);
        assert_eq!([-1, 0, 1, 2, 3].map(|at| mirrored(at, 2)), [1, 0, 1, 0, 1]);
    }
}
