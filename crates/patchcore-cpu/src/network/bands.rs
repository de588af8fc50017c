//! Maps cut into bands of rows, so that a thread has the same part of the picture in every step.

use std::ops::Range;

/// The tasks of a step that goes plane by plane: bands of rows of planes of images.
///
/// All planes of a band follow each other. A team deals tasks out in order, so each worker gets a part of the *rows*: what
/// it reads is, but for the rows at the seams, what it wrote in the step before, and lies in its own cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bands {
    planes: usize,
    rows: usize,
    bands: usize,
}

/// Tasks that each worker should have, so that one that was held up can leave some to others.
const TASKS: usize = 8;

impl Bands {
    /// Bands of `planes` planes of `rows` rows for `workers` workers.
    pub(super) fn new(planes: usize, rows: usize, workers: usize) -> Self {
        let bands = if workers == 1 { 1 } else { (workers * TASKS.div_ceil(planes.max(1))).min(rows) };
        Self { planes, rows, bands }
    }

    /// Number of tasks for `images` images.
    pub(super) fn tasks(&self, images: usize) -> usize {
        images * self.bands * self.planes
    }

    /// Image, plane and rows of a task.
    pub(super) fn task(&self, index: usize) -> (usize, usize, Range<usize>) {
        let (image, rest) = (index / (self.bands * self.planes), index % (self.bands * self.planes));
        let (band, plane) = (rest / self.planes, rest % self.planes);
        (image, plane, band * self.rows / self.bands..(band + 1) * self.rows / self.bands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tasks_are_every_row_of_every_plane_once_band_by_band() {
        for (images, planes, rows, workers) in [(1, 1, 1, 1), (2, 3, 7, 2), (1, 30, 14, 2), (3, 2, 5, 16)] {
            let bands = Bands::new(planes, rows, workers);
            let mut seen = Vec::new();
            let mut last = (0, 0);
            for task in 0..bands.tasks(images) {
                let (image, plane, rows) = bands.task(task);
                assert!(!rows.is_empty() && (image, rows.start) >= last);
                last = (image, rows.start);
                seen.extend(rows.map(|row| (image, plane, row)));
            }
            seen.sort_unstable();
            let rows = |plane: (usize, usize)| (0..rows).map(move |row| (plane.0, plane.1, row));
            let all: Vec<_> =
                (0..images).flat_map(|image| (0..planes).map(move |plane| (image, plane))).flat_map(rows).collect();
            assert_eq!(seen, all);
            assert!(workers == 1 || bands.tasks(images) >= workers.min(images * planes * rows_of(&bands)));
        }
    }

    fn rows_of(bands: &Bands) -> usize {
        bands.rows
    }
}
