//! The result of a search, and the distance of two vectors.

#![allow(clippy::indexing_slicing, reason = "sixteen lanes of chunks of sixteen")]

/// A bank row and its squared distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Row of the memory bank.
    pub row: u32,
    /// Squared L2 distance, `>= 0`.
    pub squared_distance: f32,
}

impl Neighbor {
    /// Placeholder for a cell outside the region; its row is `u32::MAX`.
    pub const NONE: Neighbor = Neighbor { row: u32::MAX, squared_distance: 0.0 };
}

/// Squared L2 distance with sixteen partial sums: a fixed order that the compiler can vectorise.
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (a_chunks, b_chunks) = (a.chunks_exact(16), b.chunks_exact(16));
    let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| (a - b) * (a - b)).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..16 {
            let difference = a[lane] - b[lane];
            sums[lane] += difference * difference;
        }
    }
    sums.iter().sum::<f32>() + tail
}
