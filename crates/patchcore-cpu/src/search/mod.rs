//! The exact search on the CPU: *the* nearest bank row, found with a small part of the arithmetic.
//!
//! A flat scan multiplies every query with every row, and the matrix products of a good BLAS already do that as fast
//! as the machine can. So: do less, exactly. Patch embeddings fill a thin slice of their space: a quarter of the
//! principal axes of the bank holds nearly all of its variance, and the nearest row is far nearer than most.
//!
//! 1. `Contraction` maps a vector to its coordinates on the leading principal axes and one more: the length of all
//!    that is left. No two vectors get farther apart by that, so distances there bound the true ones from below (on
//!    the last coordinate this is the Cauchy-Schwarz bound `(|q_rest| - |m_rest|)^2`). Vectors, axes and coordinates are
//!    integers (`i16`), and what rounding can have changed is kept with them: every bound is rigorous.
//! 2. The cascade (`cascade.rs`): bounds on a few axes for all rows, in panels (`lattice`), most coordinates as bytes where the
//!    processor multiplies those (`depth.rs` chooses); the row with the least bound, and the left neighbour's result, give a first
//!    distance; rows whose bound is larger are out. What remains is bounded again on more axes, then on all coordinates in bytes (`byte_rows.rs`), and what remains of that is computed in the
//!    original space.
//! 3. One formula decides, `squared_distance` of `lattice`, equal distances by the lower row. The result
//!    does not depend on the processor, the number of threads, or how many rows a bound has let through.
//!
//! Time per query: `m x dims` multiplications of 8 or 16 bits for few `dims`, and `dim x 256` for its coordinates. Memory: the
//! integer rows, at most 800 bytes and `dim` more per bank row; a build costs a few tenths of a second at 1024-d. When vectors have
//! no structure (random ones do not), everything passes the bounds and the search is slower than a flat scan.

mod axes;
mod bank;
mod byte_rows;
mod cascade;
mod contraction;
mod depth;
mod one_formula;
#[cfg(test)]
mod oracle;
mod workspace;

pub use bank::CpuBank;
pub use one_formula::squared_distance;
pub use workspace::Workspace;
