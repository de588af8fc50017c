//! The update of the greedy selection as one CubeCL kernel: each row's least distance to a block of picks, from the differences, in f32.
//! The `rows x picks` distances exist nowhere.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{DType, Shape, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;

use crate::cube::EVERY_BIT;
#[cfg(feature = "fusion")]
use crate::nearest_neighbor::cube::BLOCK;
use crate::nearest_neighbor::cube::{Form, TileShape, Tiles};

/// The update on a backend of CubeCL.
#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
trait LeastDistances: Backend {
    /// Squared distances of rows `[n, dim]` to the nearest of each 64 picks `[p, dim]`: `[p / 64, rounded up, n]`.
    #[fusion(dtype = rows, shape = {
        Shape::from([picks.dims::<2>()[0].div_ceil(BLOCK), rows.dims::<2>()[0]])
    })]
    fn least_distances(rows: FloatTensor<Self>, picks: FloatTensor<Self>, shape: TileShape) -> FloatTensor<Self>;
}

impl LeastDistances for CubeBackend {
    fn least_distances(rows: FloatTensor<Self>, picks: FloatTensor<Self>, shape: TileShape) -> FloatTensor<Self> {
        let (rows, picks) = (into_contiguous(rows), into_contiguous(picks));
        let no_lengths =
            empty_device_contiguous_dtype(rows.client.clone(), rows.device.clone(), Shape::from([1]), DType::F32);
        let tiles = Tiles {
            queries: &rows,
            bank: &picks,
            half_lengths: &no_lengths,
            form: Form::Difference,
            bits: EVERY_BIT,
            shape,
        };
        tiles.launch().least
    }
}

/// Squared distances of rows `[n, dim]` to the nearest of some picks `[p, dim]`: `[n]`.
pub(super) fn least_distances(rows: &Tensor<2>, picks: Tensor<2>, shape: TileShape) -> Tensor<1> {
    let [n, _] = rows.dims();
    let least = Dispatch::least_distances(rows.clone().into_dispatch(), picks.into_dispatch(), shape);
    Tensor::<2>::from_dispatch(least).min_dim(0).reshape([n])
}
