//! The kernels in their order, as operations on Burn's tensors.

#![allow(clippy::too_many_arguments, reason = "each tensor of an operation is an argument of its own")]

#[cfg(feature = "fusion")]
use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};
#[cfg(feature = "fusion")]
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;

use super::bound::Bound;
use super::tile::{Form, TileShape, Tiles};
use super::{centre, decide, distances, ranks, survivors};

/// The search on a backend of CubeCL.
#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
pub(super) trait NearestRows: Backend {
    /// See [`KernelBank::nearest`].
    #[fusion(meta = |queries, _bank, _shifted, _mean, _half_lengths, _block_lengths, _bits, _bound, _shape| {
        let of = |dtype| TensorSpec::new(Shape::from([queries.shape.dims::<2>()[0]]), dtype);
        (of(DType::I32), of(DType::I32), of(DType::F32))
    })]
    fn nearest_rows(
        queries: FloatTensor<Self>,
        bank: FloatTensor<Self>,
        shifted: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        half_lengths: FloatTensor<Self>,
        block_lengths: FloatTensor<Self>,
        bits: u32,
        bound: Bound,
        shape: TileShape,
    ) -> (IntTensor<Self>, IntTensor<Self>, FloatTensor<Self>);

    /// See [`KernelBank::ranks`].
    #[fusion(dtype = DType::I32, shape = Shape::from([vectors.dims::<2>()[0], *k]))]
    fn ranked_rows(vectors: FloatTensor<Self>, bank: FloatTensor<Self>, k: usize) -> IntTensor<Self>;
}

impl NearestRows for CubeBackend {
    fn nearest_rows(
        queries: FloatTensor<Self>,
        bank: FloatTensor<Self>,
        shifted: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        half_lengths: FloatTensor<Self>,
        block_lengths: FloatTensor<Self>,
        bits: u32,
        bound: Bound,
        shape: TileShape,
    ) -> (IntTensor<Self>, IntTensor<Self>, FloatTensor<Self>) {
        let [queries, bank, shifted, mean] = [queries, bank, shifted, mean].map(into_contiguous);
        let [half_lengths, block_lengths] = [half_lengths, block_lengths].map(into_contiguous);
        let (centred, query_lengths) = centre::launch(&queries, &mean);
        let tiles =
            Tiles { queries: &centred, bank: &shifted, half_lengths: &half_lengths, form: Form::Product, bits, shape };
        let minima = tiles.launch();
        let counts = survivors::launch(&minima, &query_lengths, &block_lengths, &bound);
        let survivors = decide::Survivors {
            queries: &queries,
            bank: &bank,
            half_lengths: &half_lengths,
            list: &minima.rows,
            counts: &counts,
        };
        survivors.decide(&bound)
    }

    fn ranked_rows(vectors: FloatTensor<Self>, bank: FloatTensor<Self>, k: usize) -> IntTensor<Self> {
        let (vectors, bank) = (into_contiguous(vectors), into_contiguous(bank));
        let few = vectors.meta.shape().dims::<2>()[0];
        ranks::launch(&distances::launch(&vectors, &bank), few, k)
    }
}
