//! Sixteen numbers at a time: what every kernel of the network, the search and the coreset is written in.

/// Channels of a block, floats of a vector.
pub(crate) const LANES: usize = 16;

/// Arithmetic on a vector of sixteen `f32`.
///
/// The sets that fuse a multiplication with an addition (AVX2, AVX-512, NEON) compute the same bits; so do those that round
/// twice ([`Portable`](super::Portable) where the processor has no such instruction, and `simd128`).
///
/// # Safety
/// Every method may only be called where the instruction set of the implementation is enabled; pointers must be
/// valid for sixteen floats.
pub(crate) trait Lanes: Copy {
    /// Sixteen floats.
    type Floats: Copy;
    /// All lanes equal to `value`.
    unsafe fn splat(value: f32) -> Self::Floats;
    /// Sixteen floats from memory, any alignment.
    unsafe fn load(from: *const f32) -> Self::Floats;
    /// Sixteen floats to memory, any alignment.
    unsafe fn store(to: *mut f32, value: Self::Floats);
    /// `a + b`.
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a - b`.
    unsafe fn sub(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b`, rounded; a sum with it is rounded again.
    unsafe fn mul(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b + c`, rounded once where the hardware can.
    unsafe fn mul_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// Prefetches a cache line to the second level; any address.
    unsafe fn prefetch(from: *const f32);
    /// The larger of `bound` and `x`; a NaN in `x` stays NaN.
    unsafe fn at_least(bound: Self::Floats, x: Self::Floats) -> Self::Floats;
    /// The smaller of `bound` and `x`; a NaN in `x` stays NaN.
    unsafe fn at_most(bound: Self::Floats, x: Self::Floats) -> Self::Floats;
}

/// Arithmetic on sixteen integers, pairs of short ones, or `f64`: every set computes the same bits, because sums of integers are
/// exact and those of `f64` are not fused and have a fixed order.
///
/// # Safety
/// As [`Lanes`]; pointers must be valid for as many numbers as are read or written.
pub(crate) trait ExactLanes: Copy {
    /// Whether 24 vectors of sums fit into the registers; else six do.
    const MANY_REGISTERS: bool;
    /// Whether [`Self::add_byte_products`] is one instruction, as [`Self::add_products`] is with half the products. Where it is not,
    /// bytes save no time.
    const BYTES: bool;
    /// Sixteen `i32`.
    type Integers: Copy;
    /// Sixteen pairs of `i16`, one an integer's lane.
    type Pairs: Copy;
    /// Sixteen `f64`.
    type Doubles: Copy;
    /// All lanes equal to `value`.
    unsafe fn splat_integer(value: i32) -> Self::Integers;
    /// Sixteen integers from memory, any alignment.
    unsafe fn load_integers(from: *const i32) -> Self::Integers;
    /// Sixteen integers to memory, any alignment.
    unsafe fn store_integers(to: *mut i32, value: Self::Integers);
    /// `a + b`.
    unsafe fn add_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers;
    /// `a - b`.
    unsafe fn sub_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers;
    /// The lesser of each two.
    unsafe fn lesser(a: Self::Integers, b: Self::Integers) -> Self::Integers;
    /// Bit `lane` says whether `a <= b` there; the others are 0.
    unsafe fn not_above(a: Self::Integers, b: Self::Integers) -> u32;
    /// Sixteen pairs from memory, any alignment.
    unsafe fn load_pairs(from: *const i16) -> Self::Pairs;
    /// One pair from memory, any alignment, in every lane.
    unsafe fn splat_pair(from: *const i16) -> Self::Pairs;
    /// `sums + a.0 * b.0 + a.1 * b.1` in every lane. No sum leaves an `i32`.
    unsafe fn add_products(sums: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers;
    /// The same of four bytes in the place of each pair: signed ones of `a`, unsigned ones of `b`.
    unsafe fn add_byte_products(sums: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers;
    /// Sixteen integers, a `2^by`-th of each rounded down, to memory, any alignment; beyond an `i16` it is the nearest one.
    unsafe fn store_short(to: *mut i16, value: Self::Integers, by: i32);
    /// Bit `i` says whether the `i`-th of 32 `i16` in memory, any alignment, is at most `limit`.
    #[inline(always)]
    unsafe fn shorts_not_above(from: *const i16, limit: i16) -> u32 {
        // SAFETY: the caller's contract.
        let values = unsafe { from.cast::<[i16; 2 * LANES]>().read_unaligned() };
        // Without an exit, so that it vectorises.
        if values.iter().fold(i16::MAX, |least, value| least.min(*value)) > limit {
            return 0;
        }
        values.iter().enumerate().fold(0, |mask, (at, value)| mask | u32::from(*value <= limit) << at)
    }
    /// `first` plus the position of every bit of `mask`, in order, to memory with room for 32; what is written beyond them is
    /// undefined.
    #[inline(always)]
    unsafe fn store_positions(to: *mut u32, mut mask: u32, first: u32) {
        // At once: few masks have more, and how many there are is nothing that a processor could guess.
        const AT_ONCE: usize = 4;
        let found = mask.count_ones() as usize;
        for at in 0..found.max(AT_ONCE) {
            // SAFETY: at most 32.
            unsafe { to.add(at).write(first.wrapping_add(mask.trailing_zeros())) };
            mask &= mask.wrapping_sub(1);
        }
    }
    /// Sixteen pairs of bytes from memory, any alignment, each made an `i16`.
    #[inline(always)]
    unsafe fn load_bytes(from: *const i8) -> Self::Pairs {
        // SAFETY: the caller's contract.
        unsafe {
            let wide = from.cast::<[i8; 2 * LANES]>().read_unaligned().map(i16::from);
            Self::load_pairs(wide.as_ptr())
        }
    }
    /// Sixteen zeros.
    unsafe fn no_doubles() -> Self::Doubles;
    /// `sums + (a - b)^2` of sixteen floats each, made `f64` first.
    unsafe fn add_squares(sums: Self::Doubles, a: *const f32, b: *const f32) -> Self::Doubles;
    /// Sixteen `f64` to memory, any alignment.
    unsafe fn store_doubles(to: *mut f64, value: Self::Doubles);
    /// The sum of all lanes: the upper eight are added to the lower, then the upper four of these, and so on.
    unsafe fn total(value: Self::Doubles) -> f64;
    /// Prefetches a cache line to the first level; any address.
    unsafe fn prefetch_near(from: *const u8);
}

/// Integers of a map of 8 bits, which come from `f32` and become such again. They lie in memory as `i16`: no product of two of them with
/// weights leaves an `i32`, whatever the set.
///
/// # Safety
/// As [`Lanes`].
pub(crate) trait ShortLanes: Lanes + ExactLanes {
    /// Sixteen `i16`.
    type Shorts: Copy;
    /// Sixteen of them from memory, any alignment.
    unsafe fn load_sixteen(from: *const i16) -> Self::Shorts;
    /// Sixteen of them to memory, any alignment.
    unsafe fn store_sixteen(to: *mut i16, value: Self::Shorts);
    /// `a + b`.
    unsafe fn add_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts;
    /// `a - b`.
    unsafe fn sub_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts;
    /// The `f32` next to each integer.
    unsafe fn floats(value: Self::Integers) -> Self::Floats;
    /// Sixteen `i16` from memory, any alignment.
    unsafe fn load_shorts(from: *const i16) -> Self::Floats;
    /// Sixteen floats between 0 and 255, each rounded to the nearest integer, halves to even, to memory, any alignment.
    unsafe fn store_shorts(to: *mut i16, value: Self::Floats);
    /// Of twice sixteen `i16` in memory, any alignment, the pairs of those with the same place.
    unsafe fn transpose_pairs(from: *const i16) -> Self::Pairs;
}

/// The same integers as bytes, of which an integer's lane takes four.
///
/// # Safety
/// As [`Lanes`].
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "other architectures have none"))]
pub(crate) trait ByteLanes: ShortLanes {
    /// Sixteen fours of bytes.
    type Fours: Copy;
    /// Sixteen fours of weights from memory, any alignment.
    unsafe fn load_fours(from: *const i8) -> Self::Fours;
    /// Four bytes from memory, any alignment, in every lane.
    unsafe fn splat_four(from: *const u8) -> Self::Fours;
    /// `sums` plus the products of four bytes, `a` without a sign and `b` with one, in every lane.
    unsafe fn add_four_products(sums: Self::Integers, a: Self::Fours, b: Self::Fours) -> Self::Integers;
    /// Sixteen bytes from memory, any alignment.
    unsafe fn load_bytes_as_floats(from: *const u8) -> Self::Floats;
    /// Sixteen floats between 0 and 255, each rounded to the nearest integer, halves to even, to memory, any alignment.
    unsafe fn store_bytes(to: *mut u8, value: Self::Floats);
    /// Four times sixteen floats, each held between 0 and 255 (what is no number is 255), rounded as [`ByteLanes::store_bytes`], to memory,
    /// any alignment.
    #[inline(always)]
    unsafe fn store_four_held_bytes(to: *mut u8, values: [Self::Floats; 4]) {
        for (at, value) in values.into_iter().enumerate() {
            // SAFETY: the caller's contract.
            unsafe {
                let held = Self::at_most(value, Self::splat(255.0));
                Self::store_bytes(to.add(at * LANES), Self::at_least(held, Self::splat(0.0)));
            }
        }
    }
    /// Of four times sixteen bytes in memory, any alignment, the fours of those with the same place.
    unsafe fn transpose_fours(from: *const u8) -> Self::Fours;
}
