//! Nearest neighbours by looking at every row in f64.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

/// All rows, nearest first, equal distances by row.
pub fn all_by_distance(query: &[f32], rows: &[f32]) -> Vec<(u32, f64)> {
    let mut all: Vec<(u32, f64)> = rows
        .chunks(query.len())
        .enumerate()
        .map(|(row, values)| {
            (row as u32, query.iter().zip(values).map(|(q, m)| (f64::from(*q) - f64::from(*m)).powi(2)).sum())
        })
        .collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    all
}
