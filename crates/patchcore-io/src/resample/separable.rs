//! The two passes, and only the part of the output that a crop keeps.
#![allow(clippy::indexing_slicing, reason = "inner loops; every range comes from `Taps`, bounded by the input's size")]

use super::sample::Sample;
use super::taps::Taps;

/// A rectangle of the resized image, inside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// First column.
    pub left: usize,
    /// First row.
    pub top: usize,
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
}

/// Resizes an image of `from` = (columns, rows) with `C` interleaved channels to `to`, and returns `window` of the result,
/// `[window.height, window.width, C]`. `load(row, samples)` fills one input row, `from.0 * C` samples.
pub(crate) fn resize<const C: usize, S: Sample>(
    from: (usize, usize),
    to: (usize, usize),
    window: Window,
    mut load: impl FnMut(usize, &mut [S]),
) -> Vec<S> {
    let columns = (from.0 != to.0).then(|| Taps::new::<S>(from.0, to.0, window.left..window.left + window.width));
    let rows = (from.1 != to.1).then(|| Taps::new::<S>(from.1, to.1, window.top..window.top + window.height));
    let reads = rows.as_ref().map_or(window.top..window.top + window.height, Taps::reads);
    let first_row = reads.start;
    let length = window.width * C;

    let mut line = vec![S::default(); from.0 * C];
    let mut narrowed = vec![S::default(); reads.len() * length];
    for (row, out) in reads.zip(narrowed.chunks_exact_mut(length)) {
        load(row, &mut line);
        match &columns {
            Some(taps) => shrink_row::<C, S>(&line, taps, out),
            None => out.copy_from_slice(&line[window.left * C..][..length]),
        }
    }
    let Some(rows) = rows else { return narrowed };

    let mut result = vec![S::default(); window.height * length];
    let mut sums = vec![S::START; length];
    for ((first, weights), out) in rows.iter().zip(result.chunks_exact_mut(length)) {
        sums.fill(S::START);
        let lines = narrowed[(first - first_row) * length..].chunks_exact(length);
        for (&weight, line) in weights.iter().zip(lines) {
            for (sum, &sample) in sums.iter_mut().zip(line) {
                *sum = S::add(*sum, sample, weight);
            }
        }
        for (out, &sum) in out.iter_mut().zip(&sums) {
            *out = S::finish(sum);
        }
    }
    result
}

fn shrink_row<const C: usize, S: Sample>(line: &[S], taps: &Taps<S::Weight>, out: &mut [S]) {
    let pixels = line.as_chunks::<C>().0;
    for ((first, weights), out) in taps.iter().zip(out.as_chunks_mut::<C>().0) {
        let mut sums = [S::START; C];
        for (pixel, &weight) in pixels[first..first + weights.len()].iter().zip(weights) {
            for channel in 0..C {
                sums[channel] = S::add(sums[channel], pixel[channel], weight);
            }
        }
        for channel in 0..C {
            out[channel] = S::finish(sums[channel]);
        }
    }
}
