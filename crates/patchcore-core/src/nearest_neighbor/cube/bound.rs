//! How far an approximate value may lie from the true one, and how far an f32 distance: the proof that no nearest row is lost.
//!
//! # The approximate value
//! For a query `q`, a row `m` and a fixed vector `c` (the bank's mean, or zero) let `Q = q - c` and `M = m - c`. As
//! `||q - m||² = ||Q||² + 2 (½||M||² - Q·M)`, the nearest row is the one with the least `V = ½||M||² - Q·M`. The device computes
//! `v = h - p` instead, from `t = fl(q - c)`, `s = fl(m - c)`, `h = fl(½||s||²)` and `p`, a sum of products of `t` and `s` with
//! their significands cut. Write `a = ||t||`, `b = ||s||`, and
//!
//! - `u = 2^-23`: a sum, difference or product of f32 is off by that share at most, whichever of its two neighbours is taken
//!   (what WGSL, SPIR-V, CUDA and Metal promise; rounding to nearest, which they have, is off by half of it), and a fused multiply-add
//!   is off by less than the two it stands for;
//! - `g = dim u / (1 - dim u)`: a sum of `dim` products, in any order, is off by `g` times the sum of their magnitudes at most
//!   (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), which is at most `a b` by Cauchy and Schwarz;
//! - `f = 2^-bits`: a factor that is cut to so many bits, or has them cut off, is off by that share at most; 0 for 23 bits.
//!
//! Then `|v - V|` is at most the sum of
//!
//! | from | at most |
//! |---|---|
//! | `s` for `M` in `½||M||²`, and `h`, computed in f64 and rounded once | `u b²` and `½ u b²` |
//! | `t` for `Q` and `s` for `M` in the product | `2 u a b` |
//! | factors cut | `(2 f + f²) a b` |
//! | the sum of products | `g (1 + f)² a b` |
//! | the last subtraction | `u (½ b² + (1 + f)² a b)` |
//!
//! up to terms in `u²`. Numbers below `2^-126` may be taken for 0: a factor that is costs `2^-126` times the other one, a product
//! `2^-126`, so all together at most `dim 2^-124 (1 + a + b)`. The sum of all this is `E(a, b)` of [`Bound`], with each factor
//! a hundredth larger than above: that covers the terms in `u²`, the rounding of `a`, `b` and of `E` itself, and of `v + E` and
//! `v - E` (for which there are `4 u` more in place of `u`).
//!
//! # No nearest row is lost
//! Let `w` be the least value of a block of rows and `E` the bound for the longest of them. The true value of the nearest row is at
//! most `U = min (w + E)` over all blocks, as each block holds a row whose true value is at most its `w + E`. The block with the
//! nearest row has a `w` of at most that row's `v`, so `w - E <= U`: it survives. In a surviving block whose second least value has
//! `second - E > U`, all rows but one are too far; else each is computed. The nearest row *by the CPU engine's formula* is meant:
//! that formula, in f64, is off by `dim 2^-52` of the squared distance, which `(a + b)²` bounds; it is in `E` too.
//!
//! # The f32 distance
//! `d = Σ fl(fl(q - m)²)` has positive terms, so that its error is a share of the distance `D` itself: `2 u` for the difference
//! squared, `u` for the square, and `u` for each sum that a term goes through. `decide.rs` adds in chunks, [`Bound::distance`]
//! counts the sums: `|d - D| <= r D`, up to what falls below `2^-126`. Two rows whose `d` differ by more than that have their order
//! from `d`; of the others the host decides, in f64.

/// What [`Bound::approximate`] and [`Bound::distance`] count is made larger by this.
const ROUNDED_UP: f64 = 1.01;
/// Lengths of rows and queries for which no square overflows.
const LONGEST: f64 = 1e18;
/// A share that an f32 operation is off by, at most.
const UNIT: f64 = 1.1920928955078125e-7;

/// The constants of `E(a, b)` and `r`: see above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bound {
    /// Factor of `a b`.
    pub(super) lengths: f32,
    /// Factor of `b²`.
    pub(super) row: f32,
    /// Factor of `a²`.
    pub(super) query: f32,
    /// Factor of `1 + a + b`.
    pub(super) tiny: f32,
    /// `r`.
    pub(super) distance: f32,
    /// What an f32 distance loses below the smallest number.
    pub(super) tiny_distance: f32,
    /// Squared lengths of queries below this are within the range for which the bound holds.
    pub(super) longest: f32,
}

impl Bound {
    /// The bound for rows of `dim` values, the longest of that length, whose factors are cut to so many bits behind the leading one.
    pub(crate) fn new(dim: usize, bits: u32, longest: f64) -> Self {
        let (lengths, row, query) = Self::approximate(dim, bits);
        let smallest = f64::from(f32::MIN_POSITIVE);
        Self {
            lengths: (lengths * ROUNDED_UP) as f32,
            row: (row * ROUNDED_UP) as f32,
            query: (query * ROUNDED_UP) as f32,
            tiny: (4.0 * dim as f64 * smallest * ROUNDED_UP) as f32,
            distance: (Self::distance(dim) * ROUNDED_UP) as f32,
            tiny_distance: (16.0 * (dim as f64 + 16.0) * smallest) as f32,
            // Beyond it squares may overflow; the host then decides.
            longest: if longest < LONGEST { (LONGEST * LONGEST) as f32 } else { -1.0 },
        }
    }

    fn approximate(dim: usize, bits: u32) -> (f64, f64, f64) {
        let cut = if bits < 23 { (0.5f64).powi(bits as i32) } else { 0.0 };
        let wide = dim as f64 * (0.5f64).powi(52);
        let kept = (1.0 + cut).powi(2);
        let lengths = 2.0 * cut + cut * cut + share_of_sum(dim) * kept + (2.0 + 4.0 * kept) * UNIT + 2.0 * wide;
        (lengths, 4.0 * UNIT + wide, wide)
    }

    fn distance(dim: usize) -> f64 {
        // A term's way: into a chunk, into a unit's sum, into the sum of sixteen units; or, where a unit computes a whole row, the
        // first two alone.
        let shared = CHUNK + dim.div_ceil(LANES).div_ceil(CHUNK) + LANES;
        let alone = CHUNK_ALONE + dim.div_ceil(CHUNK_ALONE);
        share_of_sum(shared.max(alone) + 3)
    }

    /// No bound at all: for the test that one is needed.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { lengths: 0.0, row: 0.0, query: 0.0, tiny: 0.0, distance: 0.0, tiny_distance: 0.0, longest: f32::MAX }
    }
}

/// Units that share a row where few rows survived.
pub(super) const LANES: usize = 16;
/// Terms of a row that are added by themselves, where sixteen units share the row.
pub(super) const CHUNK: usize = 8;
/// The same where a unit computes the row alone.
pub(super) const CHUNK_ALONE: usize = 32;

fn share_of_sum(terms: usize) -> f64 {
    let share = terms as f64 * UNIT;
    if share < 0.5 { share / (1.0 - share) } else { f64::INFINITY }
}
