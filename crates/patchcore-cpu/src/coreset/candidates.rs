//! The rows with the largest distances: who can be picked next.

#![allow(clippy::indexing_slicing, reason = "indices come from enumerating the same rows")]

use std::cmp::Ordering;

/// Rows that the next picks come from, and how far behind everybody else is.
pub(super) struct Candidates {
    /// Row and squared distance, in ascending order of rows.
    pub(super) rows: Vec<(u32, f64)>,
    /// The best row that is not a candidate, if there is one.
    pub(super) outside: Option<(u32, f64)>,
}

/// Finds candidates block after block, remembering where the last cut was.
pub(super) struct Finder {
    guess: f64,
    found: Vec<(u32, f64)>,
}

/// Order of preference: larger distance first, then lower index.
pub(super) fn preference(a: &(u32, f64), b: &(u32, f64)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

impl Finder {
    /// A finder that has seen nothing yet.
    pub(super) fn new() -> Self {
        Self { guess: f64::INFINITY, found: Vec::new() }
    }

    /// The `count` best rows of `values` (fewer when fewer are free; taken rows have negative values).
    pub(super) fn find(&mut self, values: &[f64], count: usize) -> Candidates {
        // A guess that lets too few through is lowered a few times, then every free row is looked at.
        for attempt in 0.. {
            self.found.clear();
            let guess = self.guess;
            for (chunk, values) in values.chunks(16).enumerate() {
                if values.iter().any(|value| *value >= guess) {
                    let rows = values.iter().enumerate().filter(|(_, value)| **value >= guess);
                    self.found.extend(rows.map(|(slot, value)| ((chunk * 16 + slot) as u32, *value)));
                }
            }
            if self.found.len() > count || guess == 0.0 {
                break;
            }
            self.guess = if guess.is_finite() && attempt < 3 { guess * 0.7 } else { 0.0 };
        }
        let outside = (self.found.len() > count).then(|| {
            let (_, first_outside, _) = self.found.select_nth_unstable_by(count, preference);
            *first_outside
        });
        self.found.truncate(count);
        if let Some((_, distance)) = outside {
            // A little below the cut: the next block's cut is a little lower.
            self.guess = if distance.is_finite() { distance * 0.9 } else { distance };
        }
        let mut rows = self.found.clone();
        rows.sort_unstable_by_key(|(row, _)| *row);
        Candidates { rows, outside }
    }
}
