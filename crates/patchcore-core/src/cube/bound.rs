//! Activations, as kernels compute them.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// An activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    /// None.
    Nothing,
    /// At least 0.
    Below,
    /// At least 0, at most 6.
    Both,
}

/// Values within the bounds of an activation.
#[cube]
pub(crate) fn bounded<N: Size>(value: Vector<f32, N>, #[comptime] bound: Bound) -> Vector<f32, N> {
    match comptime!(bound) {
        Bound::Nothing => value,
        Bound::Below => max(value, Vector::new(0.0)),
        Bound::Both => min(max(value, Vector::new(0.0)), Vector::new(6.0)),
    }
}
