//! A random linear map that nearly keeps distances (Johnson & Lindenstrauss 1984).

#[cfg(feature = "burn")]
use burn::tensor::{Tensor, TensorData};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use patchcore_config::ProjectionRule;

/// A dense matrix `[dim, projected_dim]`, drawn from a seed on the CPU: the same on every device.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomProjection {
    dim: usize,
    projected_dim: usize,
    /// Row-major `[dim, projected_dim]`.
    matrix: Vec<f32>,
}

impl RandomProjection {
    /// Draws the matrix; `None` where the rule does not shrink the embedding (then distances are measured on the
    /// embeddings themselves).
    pub fn new(rule: ProjectionRule, dim: usize, rows: usize, seed: u64) -> Option<Self> {
        let projected_dim = Self::dim_for(rule, dim, rows)?;
        let mut random = Pcg64::seed_from_u64(seed);
        let matrix = match rule {
            ProjectionRule::Sparse { .. } => {
                let density = 1.0 / (dim as f64).sqrt();
                let value = ((1.0 / density).sqrt() / (projected_dim as f64).sqrt()) as f32;
                let mut entry = || match unit(&mut random) {
                    draw if draw < density / 2.0 => value,
                    draw if draw < density => -value,
                    _ => 0.0,
                };
                (0..dim * projected_dim).map(|_| entry()).collect()
            }
            _ => {
                let bound = 1.0 / (dim as f64).sqrt();
                (0..dim * projected_dim).map(|_| ((2.0 * unit(&mut random) - 1.0) * bound) as f32).collect()
            }
        };
        Some(Self { dim, projected_dim, matrix })
    }

    /// Values per projected row that a rule gives, without drawing the matrix; `None` where it does not shrink the
    /// embedding.
    pub fn dim_for(rule: ProjectionRule, dim: usize, rows: usize) -> Option<usize> {
        let projected_dim = match rule {
            ProjectionRule::None => return None,
            ProjectionRule::Dense(projected_dim) => projected_dim,
            ProjectionRule::Sparse { eps } => johnson_lindenstrauss_dim(rows, eps),
        };
        (projected_dim > 0 && projected_dim < dim).then_some(projected_dim)
    }

    /// Values per row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The matrix `[dim, projected_dim]`, row-major.
    pub fn matrix(&self) -> &[f32] {
        &self.matrix
    }

    /// Values per projected row.
    pub fn projected_dim(&self) -> usize {
        self.projected_dim
    }

    /// Projects rows on their device, by Burn's matrix product (which may round its factors on a GPU; a fit on one takes the
    /// product of this crate instead, which does not).
    ///
    /// # Shapes
    /// - `rows`: `[n, dim]`
    /// - result: `[n, projected_dim]`
    #[cfg(feature = "burn")]
    pub fn apply_tensors(&self, rows: Tensor<2>) -> Tensor<2> {
        let matrix = TensorData::new(self.matrix.clone(), [self.dim, self.projected_dim]);
        let device = rows.device();
        rows.matmul(Tensor::from_data(matrix, &device))
    }

    /// [`RandomProjection::apply_tensors`] by the product that keeps f32 where there is one.
    #[cfg(feature = "burn")]
    pub(crate) fn apply_on(&self, rows: Tensor<2>, device: &crate::device::ComputeDevice) -> Tensor<2> {
        #[cfg(feature = "cube")]
        if device.has_cube_kernels() {
            let matrix = TensorData::new(self.matrix.clone(), [self.dim, self.projected_dim]);
            let matrix = Tensor::from_data(matrix, &rows.device());
            return crate::cube::product(rows, matrix, device.simulated_bits());
        }
        let _ = device;
        self.apply_tensors(rows)
    }
}

/// A uniform draw in `[0, 1)` with 53 bits.
fn unit(random: &mut Pcg64) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// scikit-learn's `johnson_lindenstrauss_min_dim`.
fn johnson_lindenstrauss_dim(rows: usize, eps: f64) -> usize {
    let denominator = eps * eps / 2.0 - eps * eps * eps / 3.0;
    (4.0 * (rows.max(1) as f64).ln() / denominator) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_dimension_is_scikit_learns() {
        // sklearn.random_projection.johnson_lindenstrauss_min_dim(n, eps=0.9)
        for (rows, expected) in [(6_272, 215), (25_088, 250), (78_400, 278)] {
            assert_eq!(johnson_lindenstrauss_dim(rows, 0.9), expected);
        }
    }

    #[test]
    fn nothing_is_projected_upwards() {
        assert_eq!(RandomProjection::new(ProjectionRule::Dense(128), 120, 1000, 0), None);
        assert_eq!(RandomProjection::new(ProjectionRule::None, 1024, 1000, 0), None);
    }
}
