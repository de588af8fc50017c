//! A memory bank that grows: rows in, any number of them, in bounded memory; a bank out, and what it covers.
//!
//! While all rows fit, the bank is the greedy selection over all of them ([`crate::coreset`]). Else the rows are taken in blocks, and each
//! block is reduced to representatives, the *kept rows*, by the same greedy k-center with the rows kept before as its first picks. Where
//! these become too many, everything that is held is reduced to fewer. A set of centres that covers centres covers what they stand for:
//! the radii add, at every reduction (composable coresets for k-center: Malkomes, Kusner, Chen, Weinberger and Moseley, "Fast
//! Distributed k-Center Clustering with Outliers on Massive Data", NeurIPS 2015; Ceccarello, Pietracaprina and Pucci, "Solving k-center
//! Clustering (with Outliers) in MapReduce and Streaming, almost as Accurately as Sequentially", VLDB 2019, arXiv 1802.09205).
//!
//! **Guarantee.** Every kept row `i` carries a bound `b_i` of the distance to any patch that it stands for: where the rows `j` are dropped
//! and `i` is their nearest one that stays, `b_i` becomes the largest `|x_j - x_i| + b_j`. The largest `b_i` of the bank is its coverage
//! radius. Distances are those of the scores: L2, rows with their levels scaled, unprojected.
//!
//! A block ends where kept and new rows together are as many as may be held: a number of rows, never a photo or a batch. So the bank does
//! not depend on how rows are handed in, nor on threads; another order of photos gives another bank of the same guarantee.

mod builder;
mod cover;
mod held;
mod rules;
mod selection;
#[cfg(all(test, feature = "cpu"))]
mod tests;

pub use builder::BankBuilder;
pub use rules::{BankRules, BuiltBank};

pub(crate) use builder::Built;
pub(crate) use cover::prefix_within;
pub(crate) use held::nearest_of;
pub(crate) use rules::rows_of;
pub(crate) use selection::Selection;
