//! What every launch of ours needs.

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// The most cubes along one axis that every graphics API takes.
const MOST_CUBES: usize = 65_535;
/// Units of a cube of a kernel that works on one value a unit.
pub(crate) const LINEAR_UNITS: u32 = 64;

/// So many blocks, along two axes.
pub(crate) fn blocks(count: usize) -> (u32, u32) {
    let z = count.div_ceil(MOST_CUBES).max(1);
    (count.div_ceil(z).max(1) as u32, z as u32)
}

/// Cubes for a kernel in which each of so many units works alone.
pub(crate) fn linear(units: usize) -> (CubeCount, CubeDim) {
    let (x, y) = blocks(units.div_ceil(LINEAR_UNITS as usize));
    (CubeCount::Static(x, y, 1), CubeDim::new_1d(LINEAR_UNITS))
}

/// The type of a tensor's values.
pub(crate) fn element(tensor: &CubeTensor) -> ElemType {
    burn::backend::cubecl::dtype_to_storage_type(tensor.dtype)
}

/// A tensor of one axis on the device of another, not yet written.
pub(crate) fn unwritten(beside: &CubeTensor, values: usize, dtype: DType) -> CubeTensor {
    empty_device_contiguous_dtype(beside.client.clone(), beside.device.clone(), Shape::from([values]), dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_blocks_lie_along_two_axes() {
        assert_eq!(blocks(0), (1, 1));
        assert_eq!(blocks(65_535), (65_535, 1));
        for count in [65_536, 200_000, 10_000_000] {
            let (x, z) = blocks(count);
            assert!(x as usize <= MOST_CUBES && x as usize * z as usize >= count);
            assert!((x as usize * z as usize) - count < z as usize);
        }
    }
}
