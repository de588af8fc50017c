//! Sixteen `f32` at a time: what every kernel of the network is written in.

/// Channels of a block, floats of a vector.
pub(crate) const LANES: usize = 16;

/// Arithmetic on a vector of sixteen `f32`.
///
/// # Safety
/// Every method may only be called where the instruction set of the implementation is enabled; pointers must be
/// valid for sixteen floats.
pub(crate) trait Lanes {
    /// Sixteen floats.
    type Vector: Copy;
    /// All lanes equal to `value`.
    unsafe fn splat(value: f32) -> Self::Vector;
    /// Sixteen floats from memory, any alignment.
    unsafe fn load(from: *const f32) -> Self::Vector;
    /// Sixteen floats to memory, any alignment.
    unsafe fn store(to: *mut f32, value: Self::Vector);
    /// `a + b`.
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a - b`.
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once where the hardware can.
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// Prefetches a cache line; any address.
    unsafe fn prefetch(from: *const f32);
    /// The larger of `bound` and `x`; a NaN in `x` stays NaN.
    unsafe fn at_least(bound: Self::Vector, x: Self::Vector) -> Self::Vector;
    /// The smaller of `bound` and `x`; a NaN in `x` stays NaN.
    unsafe fn at_most(bound: Self::Vector, x: Self::Vector) -> Self::Vector;
}
