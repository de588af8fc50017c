//! How the maps and weights of a reduced network lie in memory, and how a vector multiplies them.
//!
//! A [`Storage`] is what a kernel is written over; it belongs to one instruction set. An [`Element`] is what executor, packing and
//! borders know of it: several sets may share one. A new storage is an `impl` of both here or beside this file, a line in
//! [`super::kernel_sets`] and an arm where the network is made.

use std::marker::PhantomData;

use crate::simd::{ByteLanes, LANES, Lanes, Portable, ShortLanes};

/// A value of a map.
pub(super) trait Element: Copy + Default + Send + Sync + 'static {
    /// A weight.
    type Weight: Copy + Default + Send + Sync + 'static;
    /// Products that one lane of sums takes at once: neighbours in memory.
    const GROUP: usize;
    /// Whether elements are 0 to 255 and no more, so that a vector may be held between these when it is narrowed.
    const SATURATES: bool;
    /// How much less than a number of a map its element is, where both are integers.
    const LESS: i32 = 0;
    /// The element of a value that lies between a map's bounds, rounded to the nearest, halves to even.
    fn from_float(value: f32) -> Self;
    /// The value, exactly.
    fn to_float(self) -> f32;
    /// The larger one.
    fn larger(self, other: Self) -> Self;
}

/// Sixteen lanes of sums, and what is multiplied into them.
///
/// # Safety
/// Every method may only be called where the instruction set of the implementation is enabled; pointers must be valid for as many
/// elements as are read or written, at any alignment.
pub(super) trait Storage: Copy {
    /// What maps are made of.
    type Element: Element;
    /// What sums become.
    type Floats: Lanes;
    /// Sixteen sums.
    type Sums: Copy;
    /// Sixteen groups of [`Element::GROUP`] values or weights.
    type Groups: Copy;
    /// Sixteen sums, of 32 bits each.
    unsafe fn load_sums(from: *const i32) -> Self::Sums;
    /// Sixteen sums to memory, of 32 bits each.
    unsafe fn store_sums(to: *mut i32, sums: Self::Sums);
    /// Sixteen groups of weights.
    unsafe fn load_weights(from: *const <Self::Element as Element>::Weight) -> Self::Groups;
    /// One group of values, in every lane.
    unsafe fn splat(from: *const Self::Element) -> Self::Groups;
    /// As many pixels of sixteen channels as a group has values: each lane has those of its channel.
    unsafe fn neighbours(from: *const Self::Element) -> Self::Groups;
    /// `sums` plus the products of the groups, in every lane.
    unsafe fn add_products(sums: Self::Sums, values: Self::Groups, weights: Self::Groups) -> Self::Sums;
    /// The `f32` next to each sum.
    unsafe fn floats(sums: Self::Sums) -> <Self::Floats as Lanes>::Floats;
    /// Sixteen elements as floats.
    unsafe fn load(from: *const Self::Element) -> <Self::Floats as Lanes>::Floats;
    /// Sixteen floats as elements, see [`Element::from_float`].
    unsafe fn store(to: *mut Self::Element, value: <Self::Floats as Lanes>::Floats);
    /// Sixteen floats, held between 0 and 255 first; what is no number is 255.
    #[inline(always)]
    unsafe fn store_held(to: *mut Self::Element, value: <Self::Floats as Lanes>::Floats) {
        // SAFETY: see above.
        unsafe {
            let held = Self::Floats::at_most(value, Self::Floats::splat(255.0));
            Self::store(to, Self::Floats::at_least(held, Self::Floats::splat(0.0)));
        }
    }
    /// Four times sixteen of them.
    #[inline(always)]
    unsafe fn store_four_held(to: *mut Self::Element, values: [<Self::Floats as Lanes>::Floats; 4]) {
        let [a, b, c, d] = values;
        // SAFETY: see above.
        unsafe {
            Self::store_held(to, a);
            Self::store_held(to.add(LANES), b);
            Self::store_held(to.add(2 * LANES), c);
            Self::store_held(to.add(3 * LANES), d);
        }
    }
}

/// What Winograd's transforms need beside the products: sixteen elements, and sixteen sums, added and taken from each other.
///
/// # Safety
/// As [`Storage`].
pub(super) trait WindowStorage: Storage<Element = i16> {
    /// Sixteen elements.
    type Shorts: Copy;
    /// Sixteen elements from memory.
    unsafe fn load_shorts(from: *const i16) -> Self::Shorts;
    /// Sixteen elements to memory.
    unsafe fn store_shorts(to: *mut i16, value: Self::Shorts);
    /// `a + b`.
    unsafe fn add_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts;
    /// `a - b`.
    unsafe fn sub_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts;
    /// `a + b`.
    unsafe fn add_sums(a: Self::Sums, b: Self::Sums) -> Self::Sums;
    /// `a - b`.
    unsafe fn sub_sums(a: Self::Sums, b: Self::Sums) -> Self::Sums;
}

/// A vector of `f32` of a storage.
pub(super) type FloatsOf<S> = <<S as Storage>::Floats as Lanes>::Floats;

/// Adding it to a float between 0 and 255 rounds it to an integer, halves to even, and leaves that in the low bits.
const ROUNDER: f32 = 8_388_608.0;

impl Element for u8 {
    type Weight = i8;
    const GROUP: usize = 4;
    const SATURATES: bool = true;

    #[inline(always)]
    fn from_float(value: f32) -> Self {
        (value + ROUNDER).to_bits() as u8
    }

    #[inline(always)]
    fn to_float(self) -> f32 {
        f32::from(self)
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Element for i16 {
    type Weight = i16;
    const GROUP: usize = 2;
    const SATURATES: bool = true;

    #[inline(always)]
    fn from_float(value: f32) -> Self {
        i16::from((value + ROUNDER).to_bits() as u8)
    }

    #[inline(always)]
    fn to_float(self) -> f32 {
        f32::from(self)
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }
}

/// Maps and weights of a byte each, four products a lane.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "sets of other architectures multiply other bytes, or none")
)]
pub(super) struct Bytes<L>(PhantomData<L>);

/// The same numbers as `i16`, two products a lane: for sets that do not multiply bytes, or not without saturation.
#[derive(Clone, Copy)]
pub(super) struct Shorts<L>(PhantomData<L>);

// SAFETY (of every function below): the trait's contract.
impl<L: ByteLanes> Storage for Bytes<L> {
    type Element = u8;
    type Floats = L;
    type Sums = L::Integers;
    type Groups = L::Fours;

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> Self::Sums {
        // SAFETY: see above.
        unsafe { L::load_integers(from) }
    }

    #[inline(always)]
    unsafe fn store_sums(to: *mut i32, sums: Self::Sums) {
        // SAFETY: see above.
        unsafe { L::store_integers(to, sums) }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const i8) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::load_fours(from) }
    }

    #[inline(always)]
    unsafe fn splat(from: *const u8) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::splat_four(from) }
    }

    #[inline(always)]
    unsafe fn neighbours(from: *const u8) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::transpose_fours(from) }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Sums, values: Self::Groups, weights: Self::Groups) -> Self::Sums {
        // SAFETY: see above.
        unsafe { L::add_four_products(sums, values, weights) }
    }

    #[inline(always)]
    unsafe fn floats(sums: Self::Sums) -> L::Floats {
        // SAFETY: see above.
        unsafe { L::floats(sums) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> L::Floats {
        // SAFETY: see above.
        unsafe { L::load_bytes_as_floats(from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut u8, value: L::Floats) {
        // SAFETY: see above.
        unsafe { L::store_bytes(to, value) }
    }

    #[inline(always)]
    unsafe fn store_four_held(to: *mut u8, values: [L::Floats; 4]) {
        // SAFETY: see above.
        unsafe { L::store_four_held_bytes(to, values) }
    }
}

// SAFETY (of every function below): the trait's contract.
impl<L: ShortLanes> Storage for Shorts<L> {
    type Element = i16;
    type Floats = L;
    type Sums = L::Integers;
    type Groups = L::Pairs;

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> Self::Sums {
        // SAFETY: see above.
        unsafe { L::load_integers(from) }
    }

    #[inline(always)]
    unsafe fn store_sums(to: *mut i32, sums: Self::Sums) {
        // SAFETY: see above.
        unsafe { L::store_integers(to, sums) }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const i16) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::load_pairs(from) }
    }

    #[inline(always)]
    unsafe fn splat(from: *const i16) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::splat_pair(from) }
    }

    #[inline(always)]
    unsafe fn neighbours(from: *const i16) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::transpose_pairs(from) }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Sums, values: Self::Groups, weights: Self::Groups) -> Self::Sums {
        // SAFETY: see above.
        unsafe { L::add_products(sums, values, weights) }
    }

    #[inline(always)]
    unsafe fn floats(sums: Self::Sums) -> L::Floats {
        // SAFETY: see above.
        unsafe { L::floats(sums) }
    }

    #[inline(always)]
    unsafe fn load(from: *const i16) -> L::Floats {
        // SAFETY: see above.
        unsafe { L::load_shorts(from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut i16, value: L::Floats) {
        // SAFETY: see above.
        unsafe { L::store_shorts(to, value) }
    }
}

// SAFETY (of every function below): the trait's contract.
impl<L: ShortLanes> WindowStorage for Shorts<L> {
    type Shorts = L::Shorts;

    #[inline(always)]
    unsafe fn load_shorts(from: *const i16) -> L::Shorts {
        // SAFETY: see above.
        unsafe { L::load_sixteen(from) }
    }

    #[inline(always)]
    unsafe fn store_shorts(to: *mut i16, value: L::Shorts) {
        // SAFETY: see above.
        unsafe { L::store_sixteen(to, value) }
    }

    #[inline(always)]
    unsafe fn add_shorts(a: L::Shorts, b: L::Shorts) -> L::Shorts {
        // SAFETY: see above.
        unsafe { L::add_shorts(a, b) }
    }

    #[inline(always)]
    unsafe fn sub_shorts(a: L::Shorts, b: L::Shorts) -> L::Shorts {
        // SAFETY: see above.
        unsafe { L::sub_shorts(a, b) }
    }

    #[inline(always)]
    unsafe fn add_sums(a: Self::Sums, b: Self::Sums) -> Self::Sums {
        // SAFETY: see above.
        unsafe { L::add_integers(a, b) }
    }

    #[inline(always)]
    unsafe fn sub_sums(a: Self::Sums, b: Self::Sums) -> Self::Sums {
        // SAFETY: see above.
        unsafe { L::sub_integers(a, b) }
    }
}

/// [`Shorts`] as plain loops: every target.
#[derive(Clone, Copy)]
pub(super) struct PlainShorts;

// SAFETY (of every function below): the trait's contract.
#[allow(clippy::indexing_slicing, reason = "constant-length arrays, indices below their length")]
impl Storage for PlainShorts {
    type Element = i16;
    type Floats = Portable;
    type Sums = [i32; LANES];
    type Groups = [[i16; 2]; LANES];

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> Self::Sums {
        // SAFETY: see above.
        unsafe { from.cast::<Self::Sums>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store_sums(to: *mut i32, sums: Self::Sums) {
        // SAFETY: see above.
        unsafe { to.cast::<Self::Sums>().write_unaligned(sums) }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const i16) -> Self::Groups {
        // SAFETY: see above.
        unsafe { from.cast::<Self::Groups>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn splat(from: *const i16) -> Self::Groups {
        // SAFETY: see above.
        [unsafe { from.cast::<[i16; 2]>().read_unaligned() }; LANES]
    }

    #[inline(always)]
    unsafe fn neighbours(from: *const i16) -> Self::Groups {
        // SAFETY: see above.
        let pixels = unsafe { from.cast::<[[i16; LANES]; 2]>().read_unaligned() };
        std::array::from_fn(|lane| [pixels[0][lane], pixels[1][lane]])
    }

    #[inline(always)]
    unsafe fn add_products(mut sums: Self::Sums, values: Self::Groups, weights: Self::Groups) -> Self::Sums {
        for ((sum, values), weights) in sums.iter_mut().zip(values).zip(weights) {
            let product = |at: usize| i32::from(values[at]) * i32::from(weights[at]);
            *sum += product(0) + product(1);
        }
        sums
    }

    #[inline(always)]
    unsafe fn floats(sums: Self::Sums) -> [f32; LANES] {
        sums.map(|sum| sum as f32)
    }

    #[inline(always)]
    unsafe fn load(from: *const i16) -> [f32; LANES] {
        // SAFETY: see above.
        unsafe { from.cast::<[i16; LANES]>().read_unaligned() }.map(f32::from)
    }

    #[inline(always)]
    unsafe fn store(to: *mut i16, value: [f32; LANES]) {
        // SAFETY: see above.
        unsafe { to.cast::<[i16; LANES]>().write_unaligned(value.map(i16::from_float)) }
    }
}

// SAFETY (of every function below): the trait's contract.
#[allow(clippy::indexing_slicing, reason = "constant-length arrays, indices below their length")]
impl WindowStorage for PlainShorts {
    type Shorts = [i16; LANES];

    #[inline(always)]
    unsafe fn load_shorts(from: *const i16) -> Self::Shorts {
        // SAFETY: see above.
        unsafe { from.cast::<Self::Shorts>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store_shorts(to: *mut i16, value: Self::Shorts) {
        // SAFETY: see above.
        unsafe { to.cast::<Self::Shorts>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn add_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    unsafe fn sub_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts {
        std::array::from_fn(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    unsafe fn add_sums(a: Self::Sums, b: Self::Sums) -> Self::Sums {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    unsafe fn sub_sums(a: Self::Sums, b: Self::Sums) -> Self::Sums {
        std::array::from_fn(|lane| a[lane] - b[lane])
    }
}
