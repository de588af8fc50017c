//! Which input pixels an output pixel is the mean of, and with what weights: one side of the image.
#![allow(clippy::indexing_slicing, reason = "`weights` holds `max_taps` entries for each of `spans`, by construction")]

use std::ops::Range;

use super::sample::Sample;

/// The taps of a range of output pixels along one side.
pub(crate) struct Taps<W> {
    /// First input pixel and number of taps.
    spans: Vec<(usize, usize)>,
    weights: Vec<W>,
    max_taps: usize,
}

impl<W: Copy> Taps<W> {
    /// The taps of the output pixels `range` when `input` pixels become `output`.
    pub(crate) fn new<S: Sample<Weight = W>>(input: usize, output: usize, range: Range<usize>) -> Taps<W> {
        let scale = input as f64 / output as f64;
        let support = scale.max(1.0);
        let max_taps = support.ceil() as usize * 2 + 1;
        let mut spans = Vec::with_capacity(range.len());
        let mut weights = vec![S::weight(0.0); range.len() * max_taps];
        let mut exact = Vec::with_capacity(max_taps);
        for (pixel, row) in range.zip(weights.chunks_exact_mut(max_taps)) {
            let center = (pixel as f64 + 0.5) * scale;
            // Casts truncate towards zero and saturate at zero, as PIL's int and clamp do.
            let first = (center - support + 0.5) as usize;
            let end = ((center + support + 0.5) as usize).min(input);
            exact.clear();
            exact.extend((first..end).map(|x| {
                let distance = ((x as f64 - center + 0.5) * (1.0 / support)).abs();
                if distance < 1.0 { 1.0 - distance } else { 0.0 }
            }));
            let total: f64 = exact.iter().sum();
            for (weight, &value) in row.iter_mut().zip(&exact) {
                *weight = S::weight(if total == 0.0 { value } else { value / total });
            }
            spans.push((first, exact.len()));
        }
        Taps { spans, weights, max_taps }
    }

    /// For each output pixel of the range: its first input pixel and the weights from there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &[W])> {
        self.spans
            .iter()
            .zip(self.weights.chunks_exact(self.max_taps))
            .map(|(&(first, count), weights)| (first, &weights[..count]))
    }

    /// The input pixels that are read at all.
    pub(crate) fn reads(&self) -> Range<usize> {
        let first = self.spans.first().map_or(0, |&(first, _)| first);
        let end = self.spans.last().map_or(first, |&(first, count)| first + count);
        first..end
    }
}
