//! The search as one CubeCL kernel: distance and running minimum together, so that the `n x m` matrix of distances
//! exists nowhere.
//!
//! `argmin ||q - m||² = argmin ½||m||² - q·m`. A cube of 16 x 16 units takes 64 queries and walks over a share of the
//! bank, 64 rows at a time; each unit keeps a 4 x 4 tile of products in registers and, for its four queries, the best
//! row so far. Where there are fewer blocks of queries than the hardware can run at once, the bank is split among
//! several cubes ([`splits`]) and each split's winner is compared again by the caller.
//!
//! Arithmetic: `n x m x dim` multiply-adds, as the matrix product. Memory traffic: the bank is read `n / 64` times, the
//! queries `m / 64` times, and `n x splits` indices are written; the tensor operations write and read `n x m` products
//! on top. The kernel reads the bank in its own type (f32 or f16) and adds in f32.
//!
//! The tensor operations are its oracle; `PATCHCORE_TEST_DEVICE` says on which device the tests compare the two.

mod kernel;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};
use burn_cubecl::CubeBackend;
use kernel::BLOCK;

/// Blocks of queries times splits of the bank that keep a large GPU busy.
const CUBES_WANTED: usize = 128;

/// The search on a backend of CubeCL.
#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
trait NearestRows: Backend {
    /// The nearest row among each split of the bank: `[splits, n]`.
    ///
    /// `queries` `[n, dim]` f32, `bank` `[m, dim]` f32 or f16, `half_lengths` `[m]` f32.
    #[fusion(dtype = burn::tensor::DType::I32, shape = {
        burn::tensor::Shape::from([*splits, queries.dims::<2>()[0]])
    })]
    fn nearest_rows(
        queries: FloatTensor<Self>,
        bank: FloatTensor<Self>,
        half_lengths: FloatTensor<Self>,
        splits: usize,
    ) -> IntTensor<Self>;
}

impl NearestRows for CubeBackend {
    fn nearest_rows(
        queries: FloatTensor<Self>,
        bank: FloatTensor<Self>,
        half_lengths: FloatTensor<Self>,
        splits: usize,
    ) -> IntTensor<Self> {
        kernel::launch(queries, bank, half_lengths, splits)
    }
}

/// Into how many splits the bank is cut for so many queries and rows: as many as keep the hardware busy, none smaller
/// than four blocks.
pub(super) fn splits(queries: usize, rows: usize) -> usize {
    let blocks = queries.div_ceil(BLOCK).max(1);
    let most = (rows / (4 * BLOCK)).max(1);
    CUBES_WANTED.div_ceil(blocks).min(most).clamp(1, 16)
}

/// The nearest row among each split of the bank: `[splits, n]`; equal values go to the lowest row.
pub(super) fn nearest_rows(
    queries: Tensor<2>,
    bank: Tensor<2>,
    half_lengths: Tensor<1>,
    splits: usize,
) -> Tensor<2, Int> {
    let winners =
        Dispatch::nearest_rows(queries.into_dispatch(), bank.into_dispatch(), half_lengths.into_dispatch(), splits);
    Tensor::from_dispatch(winners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_banks_are_not_split_and_many_queries_need_no_split() {
        assert_eq!(splits(784, 200), 1);
        assert_eq!(splits(784, 7_840), 10);
        assert_eq!(splits(784, 100_000), 10);
        assert_eq!(splits(1, 100_000), 16);
        assert_eq!(splits(100_000, 100_000), 1);
    }
}
