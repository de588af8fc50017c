//! The literal embeddings of the two published codes, for tests: unfold, pool, resize every plane, pool again.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

/// A feature map `[channels, height, width]`.
pub struct Map {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub data: Vec<f64>,
}

impl Map {
    fn at(&self, c: usize, y: isize, x: isize) -> f64 {
        let inside = (0..self.height as isize).contains(&y) && (0..self.width as isize).contains(&x);
        if inside { self.data[(c * self.height + y as usize) * self.width + x as usize] } else { 0.0 }
    }
}

/// A finer map on the grid of `of`: the mean over the cells whose upper left corner lies in each cell; `ratio` cells of it are as long as
/// one of the grid.
pub fn averaged(map: &Map, of: &Map, ratio: usize) -> Map {
    let mut data = Vec::new();
    for c in 0..map.channels {
        for y in 0..of.height {
            for x in 0..of.width {
                let inside = |at: usize, cell: usize| at / ratio == cell;
                let mut values = Vec::new();
                for fine_y in (0..map.height).filter(|fine| inside(*fine, y)) {
                    for fine_x in (0..map.width).filter(|fine| inside(*fine, x)) {
                        values.push(map.at(c, fine_y as isize, fine_x as isize));
                    }
                }
                data.push(values.iter().sum::<f64>() / values.len() as f64);
            }
        }
    }
    Map { channels: map.channels, height: of.height, width: of.width, data }
}

fn adaptive_pool(values: &[f64], dim: usize) -> Vec<f64> {
    let n = values.len();
    (0..dim)
        .map(|i| {
            let window = &values[i * n / dim..((i + 1) * n).div_ceil(dim)];
            window.iter().sum::<f64>() / window.len() as f64
        })
        .collect()
}

/// Bilinear resize of one plane, corners not aligned.
pub fn bilinear(plane: &[f64], (h, w): (usize, usize), (oh, ow): (usize, usize)) -> Vec<f64> {
    let source = |i: usize, n: usize, o: usize| {
        let x = ((i as f64 + 0.5) * n as f64 / o as f64 - 0.5).max(0.0);
        let low = (x as usize).min(n - 1);
        (low, (low + 1).min(n - 1), x - low as f64)
    };
    let mut out = Vec::new();
    for y in 0..oh {
        let (y0, y1, fy) = source(y, h, oh);
        for x in 0..ow {
            let (x0, x1, fx) = source(x, w, ow);
            let top = plane[y0 * w + x0] * (1.0 - fx) + plane[y0 * w + x1] * fx;
            let bottom = plane[y1 * w + x0] * (1.0 - fx) + plane[y1 * w + x1] * fx;
            out.push(top * (1.0 - fy) + bottom * fy);
        }
    }
    out
}

/// A shifted plane of every channel and neighbour, channel-major, each resized to the grid: `[p * p * channels][cells]`.
fn unfolded_planes(map: &Map, patch_size: usize, grid: (usize, usize)) -> Vec<Vec<f64>> {
    let (side, padding) = (patch_size as isize, (patch_size as isize - 1) / 2);
    let mut planes = Vec::new();
    for c in 0..map.channels {
        for (dy, dx) in (0..side * side).map(|p| (p / side - padding, p % side - padding)) {
            let mut plane = Vec::new();
            for y in 0..map.height as isize {
                for x in 0..map.width as isize {
                    plane.push(map.at(c, y + dy, x + dx));
                }
            }
            planes.push(bilinear(&plane, (map.height, map.width), grid));
        }
    }
    planes
}

/// The authors' embedding: rows `[cells][target]`.
pub fn adaptive_pool_embedding(
    levels: &[Map],
    grid: (usize, usize),
    patch_size: usize,
    pretrain: usize,
    target: usize,
) -> Vec<Vec<f64>> {
    let planes: Vec<_> = levels.iter().map(|level| unfolded_planes(level, patch_size, grid)).collect();
    (0..grid.0 * grid.1)
        .map(|cell| {
            let stacked: Vec<f64> = planes
                .iter()
                .flat_map(|level| adaptive_pool(&level.iter().map(|plane| plane[cell]).collect::<Vec<_>>(), pretrain))
                .collect();
            adaptive_pool(&stacked, target)
        })
        .collect()
}

/// anomalib's embedding: mean over the patch per channel, resize, concatenate.
pub fn concatenated_embedding(levels: &[Map], grid: (usize, usize), patch_size: usize) -> Vec<Vec<f64>> {
    let cells = patch_size * patch_size;
    let mut rows = vec![Vec::new(); grid.0 * grid.1];
    for level in levels {
        for channel in unfolded_planes(level, patch_size, grid).chunks(cells) {
            for (cell, row) in rows.iter_mut().enumerate() {
                row.push(channel.iter().map(|plane| plane[cell]).sum::<f64>() / cells as f64);
            }
        }
    }
    rows
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::{Tensor, TensorData};
    use proptest::prelude::*;

    use super::*;
    #[cfg(feature = "cube")]
    use crate::backbone::cube::DeviceMaps;
    use crate::device::ComputeDevice;
    use crate::patch_embedding::PatchEmbedding;
    #[cfg(feature = "cube")]
    use crate::patch_embedding::cube::KernelEmbedding;
    use patchcore_config::EmbeddingRule;
    #[cfg(feature = "cube")]
    use patchcore_config::backbone::plan::MapShape;
    use patchcore_cpu::embedding::CpuEmbedding;
    use patchcore_cpu::network::{FeatureMap, MapLayout};

    fn map(channels: usize, height: usize, width: usize, seed: u64) -> Map {
        let value =
            |i: u64| ((i.wrapping_mul(6364136223846793005).wrapping_add(seed) >> 33) % 1000) as f64 / 250.0 - 1.0;
        Map { channels, height, width, data: (0..(channels * height * width) as u64).map(value).collect() }
    }

    /// Rows of maps with their channels side by side, twice: two photos are one after the other.
    #[cfg(feature = "cube")]
    fn by_kernels(
        device: &crate::ComputeDevice,
        maps: &[FeatureMap],
        (rule, patch_size): (EmbeddingRule, usize),
        (grid, strides): (usize, &[usize]),
    ) -> Vec<f32> {
        let burn = device.burn().unwrap();
        let (mut values, mut taps, mut channels) = (Vec::new(), Vec::new(), Vec::new());
        for map in maps {
            let shape = MapShape { channels: map.channels, height: map.height, width: map.width };
            taps.push((values.len(), shape));
            channels.push(map.channels);
            values.extend(map.data.repeat(2));
        }
        let length = values.len();
        let values = Tensor::from_data(TensorData::new(values, [length]), burn);
        let embedding = KernelEmbedding::new(rule, patch_size, &channels, (grid, strides), burn);
        let levels: Vec<usize> = (0..maps.len()).collect();
        let (rows, _) = embedding.rows(&DeviceMaps { values, taps, images: 2 }, &levels).unwrap();
        let mut rows = rows.try_into_vec_as::<f32>().unwrap();
        let second = rows.split_off(rows.len() / 2);
        assert_eq!(rows, second, "two photos that are the same");
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn tap_tables_equal_the_literal_embedding(
            c1 in 1usize..6, c2 in 1usize..6, h in 1usize..7, w in 1usize..7, pretrain in 1usize..40, target in 1usize..40,
            half in 0usize..4, three in any::<bool>(), finer in 1usize..4, seed in any::<u64>(),
        ) {
            let mut levels = vec![map(c1, h, w, seed), map(c2, h.div_ceil(2), w.div_ceil(2), seed ^ 1)];
            if three {
                levels.push(map(2, h.div_ceil(4), w.div_ceil(4), seed ^ 2));
            }
            // A level before the grid's, whose cells are averaged onto it; its last ones may not be there.
            let on_grid = usize::from(finer > 1);
            if finer > 1 {
                levels.insert(0, map(2, h * finer - seed as usize % finer, w * finer - seed as usize / 7 % finer, seed ^ 3));
            }
            let strides: Vec<usize> = levels.iter().enumerate().map(|(index, _)| match (finer > 1, index) {
                (true, 0) => 8,
                (true, index) => (8 * finer) << (index - 1),
                (false, index) => 8 << index,
            }).collect();
            let device = ComputeDevice::flex();
            let channels: Vec<usize> = levels.iter().map(|level| level.channels).collect();
            let tensors: Vec<Tensor<4>> = levels
                .iter()
                .map(|level| {
                    let data: Vec<f32> = level.data.iter().map(|value| *value as f32).collect();
                    Tensor::from_data(TensorData::new(data, [1, level.channels, level.height, level.width]), device.burn().unwrap())
                })
                .collect();
            let maps: Vec<FeatureMap> = levels
                .iter()
                .map(|level| {
                    let (height, width, channels) = (level.height, level.width, level.channels);
                    let data = (0..height * width * channels)
                        .map(|i| level.data[i % channels * height * width + i / channels] as f32)
                        .collect();
                    FeatureMap { data, height, width, channels, layout: MapLayout::ChannelsLast }
                })
                .collect();
            let patch_size = 2 * half + 1;
            let grid = (h, w);
            if finer > 1 {
                levels[0] = averaged(&levels[0], &levels[1], finer);
            }
            let pooled = |pretrain, target| {
                let expected = adaptive_pool_embedding(&levels, grid, patch_size, pretrain, target);
                (EmbeddingRule::adaptive_pool(pretrain, target), expected)
            };
            for (rule, expected) in [
                pooled(pretrain, target),
                pooled(pretrain, pretrain),
                (EmbeddingRule::Concatenate, concatenated_embedding(&levels, grid, patch_size)),
            ] {
                let embedding = PatchEmbedding::new(rule, patch_size, &channels, device.burn().unwrap()).on_grid_of(on_grid, &strides);
                let (rows, _) = embedding.forward(&tensors).unwrap();
                let found = rows.try_into_vec_as::<f32>().unwrap();
                let (cpu_rows, _) = CpuEmbedding::new(rule, patch_size, &channels).on_grid_of(on_grid, &strides).forward(&maps);
                let expected: Vec<f64> = expected.concat();
                #[cfg(feature = "cube")]
                for device in crate::cube::cube_devices() {
                    let found = by_kernels(&device, &maps, (rule, patch_size), (on_grid, &strides));
                    prop_assert_eq!(found.len(), expected.len());
                    for (found, expected) in found.iter().zip(&expected) {
                        prop_assert!((f64::from(*found) - expected).abs() < 1e-5, "kernels {} {}", found, expected);
                    }
                }
                prop_assert_eq!((found.len(), cpu_rows.len()), (expected.len(), expected.len()));
                for ((found, cpu), expected) in found.iter().zip(&cpu_rows).zip(&expected) {
                    prop_assert!((f64::from(*found) - expected).abs() < 1e-5, "{} {}", found, expected);
                    prop_assert!((f64::from(*cpu) - expected).abs() < 1e-5, "cpu {} {}", cpu, expected);
                }
            }
        }
    }
}
