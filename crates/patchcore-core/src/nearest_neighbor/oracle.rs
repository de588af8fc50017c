//! Nearest neighbours by looking at every row in f64, and the golden distances of faiss.

use super::Neighbor;

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

/// The neighbour's distance is right, and no row is nearer by more than rounding.
pub fn assert_nearest(found: Neighbor, query: &[f32], rows: &[f32]) {
    let all = all_by_distance(query, rows);
    let scale = query.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() + all[0].1;
    let own = all.iter().find(|(row, _)| *row == found.row).unwrap().1;
    // Squares below the smallest normal number lose their digits.
    let rounding = 1e-5 * scale + f64::from(f32::MIN_POSITIVE);
    assert!(own <= all[0].1 + rounding, "row {} at {own}, nearest {:?}", found.row, all[0]);
    assert!((f64::from(found.squared_distance) - own).abs() <= 1e-5 * own + 1e-30, "{found:?} {own}");
}

mod tests {
    use burn::tensor::{Tensor, TensorData};
    use patchcore_testing::Golden;
    use proptest::prelude::*;

    use super::*;
    use crate::device::ComputeDevice;
    use crate::memory_bank::MemoryBank;
    use crate::nearest_neighbor::DeviceBank;
    use crate::nearest_neighbor::NearestNeighborIndex;

    fn index(rows: &[f32], dim: usize) -> NearestNeighborIndex {
        NearestNeighborIndex::new(MemoryBank::from_rows(dim, rows.to_vec()).unwrap(), &ComputeDevice::flex()).unwrap()
    }

    /// The results of both implementations.
    fn nearest(index: &NearestNeighborIndex, queries: &[f32], dim: usize) -> Vec<[Neighbor; 2]> {
        let device = ComputeDevice::flex();
        let data = TensorData::new(queries.to_vec(), [queries.len() / dim, dim]);
        let tensors = DeviceBank::new(index.bank(), &device).unwrap();
        let tensors = tensors.nearest(Tensor::from_data(data, device.burn().unwrap())).unwrap();
        let cpu = index.nearest_of_rows(queries).unwrap();
        tensors.into_iter().zip(cpu).map(|(tensors, cpu)| [tensors, cpu]).collect()
    }

    #[test]
    fn golden_neighbours_of_faiss() {
        let Some(bank) = Golden::open("bank") else { return };
        let index = index(&bank.f32("bank"), 1024);
        for name in ["normal", "defect"] {
            let file = Golden::open(name).unwrap();
            let rows = file.f32("embedding_rows");
            let cells = file.indices("rows");
            let (distances, indices) = (file.f32("knn_d2_faiss"), file.indices("knn_idx_faiss"));
            for (cell, neighbors) in cells.iter().zip(nearest(&index, &rows, 1024)) {
                for neighbor in neighbors {
                    assert_eq!(neighbor.row as usize, indices[cell * 3], "{name} {cell}");
                    assert!((neighbor.squared_distance - distances[cell * 3]).abs() < 1e-3, "{name} {cell}");
                }
            }
            for (cell, query) in cells.iter().zip(rows.chunks(1024)) {
                for (rank, neighbor) in index.k_nearest(query, 3).into_iter().enumerate() {
                    assert_eq!(neighbor.row as usize, indices[cell * 3 + rank], "{name} {cell} {rank}");
                    assert!((neighbor.squared_distance - distances[cell * 3 + rank]).abs() < 1e-3);
                }
            }
        }
    }

    #[test]
    fn a_query_in_the_bank_is_at_distance_zero() {
        let rows: Vec<f32> =
            (0..20_000u32 * 8).map(|i| (i.wrapping_mul(2_654_435_761) >> 20) as f32 / 4096.0).collect();
        let index = index(&rows, 8);
        for [tensors, cpu] in nearest(&index, &rows[8 * 9_000..8 * 9_100], 8) {
            assert_eq!(cpu.squared_distance, 0.0);
            // Another row may be as near as the expansion's rounding.
            assert!(tensors.squared_distance < 1e-6, "{tensors:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn chunks_equal_the_full_scan(
            m in 1usize..300, dim in 1usize..40, k in 1usize..12, scale in prop::sample::select(vec![1e-20f32, 1e-3, 1.0, 1e6]), seed in any::<u64>(),
        ) {
            let value = |i: u64| ((i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed).wrapping_mul(0xd134_2543_de82_ef95) >> 52) as f32 / 4096.0 * scale;
            let rows: Vec<f32> = (0..(m * dim) as u64).map(value).collect();
            let queries: Vec<f32> = (0..(7 * dim) as u64).map(|i| value(i + 999_983)).collect();
            let index = index(&rows, dim);
            for (query, found) in queries.chunks(dim).zip(nearest(&index, &queries, dim)) {
                found.into_iter().for_each(|found| assert_nearest(found, query, &rows));
                let expected = all_by_distance(query, &rows);
                let found = index.k_nearest(query, k);
                prop_assert_eq!(found.len(), k.min(m));
                for (found, expected) in found.iter().zip(expected) {
                    prop_assert!((f64::from(found.squared_distance) - expected.1).abs() <= 1e-5 * expected.1 + 1e-30);
                }
            }
        }
    }
}
