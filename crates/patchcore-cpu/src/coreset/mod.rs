//! The greedy k-center selection on the CPU: the same rows in the same order as the plain loop, at a hundredth of its time.
//!
//! The plain loop streams all `n x dim` values once per pick to update every row's distance to the nearest pick, and
//! looks for the largest. Two observations make it cheap, and neither changes a pick:
//!
//! 1. *Candidate blocks.* Distances only shrink. Among the `T` rows with the largest ones, the greedy can go on for as
//!    long as its best row is ahead of the best row outside; then all picks of the block are applied to all rows in one
//!    pass (`candidates`, `block`).
//! 2. *A filter in integers.* Nearly all of the distances of that pass are larger than what the row already has. Rows
//!    are kept a second time as `i16` on a lattice whose distances bound the true ones from below (`lattice`); only
//!    what passes the filter is computed, by the one formula in `f64` (`squared_distance`, lowest index on ties).
//!
//! The filter is rigorous (its margins cover the rounding to the lattice and of the arithmetic), the formula is the
//! same in every instruction set, and rows are independent of each other, so that the picks depend neither on the
//! processor nor on the number of threads. Time: `n x count x dim` 16-bit multiplications; memory: half of the
//! features again, plus 24 bytes per row.

mod block;
mod candidates;
mod greedy;
mod minima;
#[cfg(test)]
mod oracle;
mod project;

pub use greedy::greedy_k_center;
pub use project::project;
