//! Which channels and neighbours each embedding value averages, for one level.

use patchcore_config::EmbeddingRule;

/// One term of an output value: a channel, one of its nine neighbours and a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tap {
    /// Channel of the level.
    pub channel: usize,
    /// Neighbour in the 3x3 window, row-major: 0 is up-left, 4 the cell itself, 8 down-right.
    pub neighbor: usize,
    /// Weight.
    pub weight: f32,
}

/// The taps of one level's share of the embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct TapTable {
    /// First embedding value to which this level contributes.
    pub first: usize,
    /// Taps per embedding value, from `first` on.
    pub outputs: Vec<Vec<Tap>>,
}

impl TapTable {
    /// The tables of all levels, in order, for levels with so many channels.
    ///
    /// With [`EmbeddingRule::AdaptivePool`] neighbouring levels may share one output value where the dimension is
    /// not a multiple of the number of levels; each level then holds its own part of the weights.
    pub fn for_levels(rule: EmbeddingRule, channels: &[usize]) -> Vec<TapTable> {
        match rule {
            EmbeddingRule::Concatenate => {
                let mut first = 0;
                let tables = channels.iter().map(|level| {
                    let outputs = (0..*level).map(mean_of_window).collect();
                    first += level;
                    TapTable { first: first - level, outputs }
                });
                tables.collect()
            }
            EmbeddingRule::AdaptivePool(dim) => {
                let levels = channels.len();
                let tables = channels.iter().enumerate().map(|(level, channels)| {
                    // The stacked vector holds levels x dim values, this level's from level * dim on; output i
                    // averages stacked values i * levels .. (i + 1) * levels.
                    let first = level * dim / levels;
                    let end = ((level + 1) * dim).div_ceil(levels);
                    let outputs = (first..end)
                        .map(|output| {
                            let stacked = (output * levels..(output + 1) * levels)
                                .filter(|position| position / dim == level)
                                .map(|position| position % dim);
                            pooled_taps(stacked, *channels, dim, levels)
                        })
                        .collect();
                    TapTable { first, outputs }
                });
                tables.collect()
            }
        }
    }

    /// The largest number of taps of one output.
    pub fn depth(&self) -> usize {
        self.outputs.iter().map(Vec::len).max().unwrap_or(0)
    }
}

fn mean_of_window(channel: usize) -> Vec<Tap> {
    (0..9).map(|neighbor| Tap { channel, neighbor, weight: 1.0 / 9.0 }).collect()
}

/// Sums the taps of several values of a level's first pooling (from `9 * channels` unfolded values, channel-major,
/// to `dim`), each weighted `1 / levels`.
fn pooled_taps(values: impl Iterator<Item = usize>, channels: usize, dim: usize, levels: usize) -> Vec<Tap> {
    let unfolded = 9 * channels;
    let mut weights = std::collections::BTreeMap::new();
    for value in values {
        // torch's adaptive pooling: floor(i * L / D) .. ceil((i + 1) * L / D).
        let window = value * unfolded / dim..((value + 1) * unfolded).div_ceil(dim);
        let weight = 1.0 / (window.len() * levels) as f64;
        for position in window {
            *weights.entry(position).or_insert(0.0) += weight;
        }
    }
    let taps = weights.into_iter();
    taps.map(|(position, weight)| Tap { channel: position / 9, neighbor: position % 9, weight: weight as f32 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_resnet_collapses_to_the_documented_kernels() {
        let tables = TapTable::for_levels(EmbeddingRule::AdaptivePool(1024), &[512, 1024]);
        let [second, third] = tables.as_slice() else { panic!("two levels") };
        assert_eq!((second.first, second.outputs.len()), (0, 512));
        assert_eq!((third.first, third.outputs.len()), (512, 512));
        for (channel, taps) in second.outputs.iter().enumerate() {
            let weights: Vec<f32> = taps.iter().map(|tap| tap.weight).collect();
            assert!(taps.iter().all(|tap| tap.channel == channel), "{channel}");
            assert_eq!(weights, [0.1, 0.1, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1], "{channel}");
        }
        for (output, taps) in third.outputs.iter().enumerate() {
            assert_eq!(taps.len(), 18);
            assert!(taps.iter().all(|tap| tap.channel / 2 == output && (tap.weight - 1.0 / 18.0).abs() < 1e-7));
        }
    }

    #[test]
    fn weights_of_every_output_sum_to_one() {
        for (dim, channels) in [(1024, vec![128, 256]), (1024, vec![40, 80]), (100, vec![8, 16, 32]), (7, vec![3])] {
            let mut sums = vec![0.0; dim];
            for table in TapTable::for_levels(EmbeddingRule::AdaptivePool(dim), &channels) {
                for (offset, taps) in table.outputs.iter().enumerate() {
                    sums[table.first + offset] += taps.iter().map(|tap| f64::from(tap.weight)).sum::<f64>();
                }
            }
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{dim} {channels:?}");
        }
    }
}
