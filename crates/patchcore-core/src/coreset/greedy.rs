//! The selection on any device: rows in, indices out.

use super::selection_stopped::{OPERATION, SelectionStopped};
use crate::device::ComputeDevice;
use crate::engine::engine_of;

/// Picks `count` rows of row-major `features` `[n, dim]`, each the one farthest from those before it (paper algorithm 1).
///
/// `initial` holds a squared start distance per row (see [`super::initial_distances`]); the first pick is its
/// largest value. Equal distances go to the lowest index, and no row is picked twice: when every row is a duplicate
/// of a picked one, the lowest free indices follow. `progress` is told the number of picks so far and returns false
/// to stop.
///
/// Time: `n x count x dim` multiplications; memory: half of the features again on the CPU, on another device the features and
/// one block of products, never `n x count`.
///
/// # Errors
/// [`SelectionStopped`]; features that are not whole rows are a [`DeviceError::Execution`](crate::error::DeviceError::Execution).
pub fn greedy_k_center(
    features: &[f32],
    dim: usize,
    initial: &[f32],
    count: usize,
    device: &ComputeDevice,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<usize>, SelectionStopped> {
    if features.len() != initial.len() * dim {
        let found = format!("{} values are not {} rows of {dim}", features.len(), initial.len());
        return Err(SelectionStopped::Device(device.failed(OPERATION, found)));
    }
    engine_of(device).select(features, dim, initial, count, progress)
}
