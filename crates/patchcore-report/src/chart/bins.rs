//! Bars of a histogram: equally wide, with an edge at the threshold, so that its line separates what verdicts separate.

/// Where the bars begin and end: bar i holds scores above `edge(i)`, up to and with `edge(i + 1)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bins {
    first: f64,
    width: f64,
    count: usize,
}

/// About so many bars.
const BARS: f64 = 28.0;

impl Bins {
    /// Bars for scores from `low` to `high`, `low < high`.
    pub(super) fn new(low: f32, high: f32, threshold: Option<f32>) -> Self {
        let (low, high) = (f64::from(low), f64::from(high));
        let width = (high - low) / BARS;
        let edge = threshold.map_or(low, f64::from);
        // The lowest score lies above the first edge: a bar holds its upper end and not its lower one.
        let below = ((edge - low) / width).floor() + 1.0;
        let first = edge - below * width;
        let count = ((high - first) / width).ceil().max(1.0) as usize;
        Self { first, width, count }
    }

    /// The `index`-th edge; there is one more than bars.
    pub(super) fn edge(&self, index: usize) -> f64 {
        self.first + index as f64 * self.width
    }

    /// The last edge.
    pub(super) fn end(&self) -> f64 {
        self.edge(self.count)
    }

    /// How many scores each bar holds. Scores at a distance of rounding from the threshold stay on their side.
    #[expect(clippy::indexing_slicing, reason = "a bar is below the number of bars")]
    pub(super) fn counts(&self, scores: &[f32], threshold: Option<f32>) -> Vec<usize> {
        let mut counts = vec![0; self.count];
        let at_threshold =
            threshold.map(|threshold| ((f64::from(threshold) - self.first) / self.width).round() as usize);
        for &score in scores {
            let bar = ((f64::from(score) - self.first) / self.width).ceil() as usize;
            let mut bar = bar.saturating_sub(1).min(self.count - 1);
            if let (Some(threshold), Some(edge)) = (threshold, at_threshold) {
                bar =
                    if score > threshold { bar.max(edge.min(self.count - 1)) } else { bar.min(edge.saturating_sub(1)) };
            }
            counts[bar] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_is_in_one_bar_on_its_side_of_the_threshold() {
        let scores: Vec<f32> = (0..100).map(|i| i as f32 / 99.0).collect();
        for threshold in [None, Some(0.0), Some(0.3), Some(0.5), Some(0.999), Some(1.0), Some(-2.0), Some(7.0)] {
            let low = threshold.map_or(0.0, |at: f32| at.min(0.0));
            let high = threshold.map_or(1.0, |at: f32| at.max(1.0));
            let bins = Bins::new(low, high, threshold);
            let counts = bins.counts(&scores, threshold);
            assert_eq!(counts.iter().sum::<usize>(), 100, "{threshold:?}");
            assert!(bins.edge(0) < f64::from(low) && bins.end() >= f64::from(high) - 1e-9);
            let Some(threshold) = threshold else { continue };
            let (mut above, mut called) = (0, 0);
            for (bar, count) in counts.iter().enumerate() {
                let (from, to) = (bins.edge(bar), bins.edge(bar + 1));
                let is_apart = to <= f64::from(threshold) + 1e-9 || from >= f64::from(threshold) - 1e-9;
                assert!(is_apart, "a bar from {from} to {to} crosses {threshold}");
                above += if from >= f64::from(threshold) - 1e-9 { *count } else { 0 };
            }
            called += scores.iter().filter(|score| **score > threshold).count();
            assert_eq!(above, called, "{threshold}");
        }
    }

    #[test]
    fn neighbours_on_either_side_are_told_apart() {
        let (good, defective) = (1.0_f32, 1.0_f32.next_up());
        let scores = [0.0, good, defective, 2.0];
        let bins = Bins::new(0.0, 2.0, Some(good));
        let counts = bins.counts(&scores, Some(good));
        let edge = (0..counts.len()).find(|bar| (bins.edge(*bar) - 1.0).abs() < 1e-6).unwrap();
        assert_eq!((counts[edge - 1], counts[edge]), (1, 1));
    }
}
