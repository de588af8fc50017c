//! Which channels and neighbours each embedding value averages, for one level.

use patchcore_config::EmbeddingRule;

/// One term of an output value: a channel, one of its neighbours in the patch and a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tap {
    /// Channel of the level.
    pub channel: usize,
    /// Neighbour in the patch, row-major. Of a 3x3 patch 0 is up-left, 4 the cell itself, 8 down-right.
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
    /// The tables of all levels, in order, for patches of `patch_size` cells a side and levels with so many channels.
    ///
    /// With [`EmbeddingRule::AdaptivePool`] neighbouring levels may share one output value where the target dimension
    /// is not a multiple of the number of levels; each level then holds its own part of the weights.
    ///
    /// # Panics
    /// For an even `patch_size`, which has no cell in the middle; a checked configuration has none.
    pub fn for_levels(rule: EmbeddingRule, patch_size: usize, channels: &[usize]) -> Vec<TapTable> {
        assert!(patch_size % 2 == 1, "a patch of {patch_size} cells a side has no cell in the middle");
        let cells = patch_size * patch_size;
        match rule {
            EmbeddingRule::Concatenate => {
                let mut first = 0;
                let tables = channels.iter().map(|level| {
                    let outputs = (0..*level).map(|channel| mean_of_patch(channel, cells)).collect();
                    first += level;
                    TapTable { first: first - level, outputs }
                });
                tables.collect()
            }
            EmbeddingRule::AdaptivePool { pretrain_embed_dimension, target_embed_dimension } => {
                let (levels, pretrain, target) = (channels.len(), pretrain_embed_dimension, target_embed_dimension);
                let tables = channels.iter().enumerate().map(|(level, channels)| {
                    // The stacked vector holds levels x pretrain values, this level's from level * pretrain on.
                    let first = level * target / levels;
                    let end = ((level + 1) * target).div_ceil(levels);
                    let outputs = (first..end).map(|output| {
                        let window = pooling_window(output, levels * pretrain, target);
                        let share = window.len();
                        let own = window.filter(|position| position / pretrain == level);
                        pooled_taps(own.map(|position| position % pretrain), share, channels * cells, pretrain, cells)
                    });
                    TapTable { first, outputs: outputs.collect() }
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

fn mean_of_patch(channel: usize, cells: usize) -> Vec<Tap> {
    (0..cells).map(|neighbor| Tap { channel, neighbor, weight: 1.0 / cells as f32 }).collect()
}

/// What output `output` of torch's adaptive pooling from `from` values to `to` averages.
fn pooling_window(output: usize, from: usize, to: usize) -> std::ops::Range<usize> {
    output * from / to..((output + 1) * from).div_ceil(to)
}

/// Sums the taps of several values of a level's first pooling (from `unfolded` values, a channel's `cells` side by side, to
/// `pretrain`), each weighted `1 / share`.
fn pooled_taps(
    values: impl Iterator<Item = usize>,
    share: usize,
    unfolded: usize,
    pretrain: usize,
    cells: usize,
) -> Vec<Tap> {
    let mut weights = std::collections::BTreeMap::new();
    for value in values {
        let window = pooling_window(value, unfolded, pretrain);
        let weight = 1.0 / (window.len() * share) as f64;
        for position in window {
            *weights.entry(position).or_insert(0.0) += weight;
        }
    }
    let taps = weights.into_iter();
    taps.map(|(position, weight)| Tap { channel: position / cells, neighbor: position % cells, weight: weight as f32 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_resnet_collapses_to_the_documented_kernels() {
        let tables = TapTable::for_levels(EmbeddingRule::adaptive_pool(1024, 1024), 3, &[512, 1024]);
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
        let cases = [
            (3, 1024, 1024, vec![128, 256]),
            (3, 1024, 1024, vec![40, 80]),
            (3, 100, 100, vec![8, 16, 32]),
            (3, 7, 7, vec![3]),
            (5, 1024, 384, vec![128, 256]),
            (1, 8, 100, vec![3, 5, 7]),
            (15, 64, 1, vec![3, 5, 7]),
        ];
        for (patch_size, pretrain, target, channels) in cases {
            let mut sums = vec![0.0; target];
            let rule = EmbeddingRule::adaptive_pool(pretrain, target);
            for table in TapTable::for_levels(rule, patch_size, &channels) {
                for (offset, taps) in table.outputs.iter().enumerate() {
                    sums[table.first + offset] += taps.iter().map(|tap| f64::from(tap.weight)).sum::<f64>();
                }
            }
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{patch_size} {pretrain} {target} {channels:?}");
        }
    }

    #[test]
    #[should_panic(expected = "no cell in the middle")]
    fn an_even_patch_is_refused() {
        TapTable::for_levels(EmbeddingRule::Concatenate, 4, &[3]);
    }
}
