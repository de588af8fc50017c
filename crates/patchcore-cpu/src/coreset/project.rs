//! The random projection on the CPU: one matrix product.

use gemm_common::Parallelism;

use crate::matrix_product::product;

/// Multiplications from which the product is cut among threads, as Burn's Flex backend does it.
const PARALLEL: usize = 192 * 192 * 192;

/// `rows` `[n, dim]` times `matrix` `[dim, projected_dim]`, all row-major: `[n, projected_dim]`.
///
/// # Panics
/// Where `rows` are not whole rows or `matrix` has another size.
pub fn project(rows: &[f32], matrix: &[f32], dim: usize, projected_dim: usize) -> Vec<f32> {
    assert!(dim > 0 && rows.len().is_multiple_of(dim) && matrix.len() == dim * projected_dim);
    let n = rows.len() / dim;
    let mut projected = vec![0.0f32; n * projected_dim];
    let parallelism = match n.saturating_mul(dim).saturating_mul(projected_dim) {
        small if small < PARALLEL => Parallelism::None,
        _ => Parallelism::Rayon(0),
    };
    product(&mut projected, [n, projected_dim], false, rows, [dim, 1], matrix, [projected_dim, 1], dim, parallelism);
    projected
}
