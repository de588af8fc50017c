//! Minimax facility location (paper section 3.2, algorithm 1): the rows of the memory bank.
//!
//! [`RandomProjection`] shrinks the embeddings (Johnson-Lindenstrauss), [`initial_distances`] gives the start that a
//! mode defines, and [`greedy_k_center`] picks, again and again, the row that is farthest from everything picked so
//! far. The projection only chooses; bank rows are the raw embeddings.
//!
//! The plain greedy loop streams all `n x dim` values once per pick. The block form here is the same greedy, exact in
//! real arithmetic: it takes the `T` rows with the largest distance, runs the greedy among them for as long as the
//! best of them cannot be beaten from outside (distances only shrink), then applies all picks to all rows at once.

#[cfg(feature = "cube")]
mod cube;
mod greedy;
mod initial_distances;
pub(crate) mod oracle;
mod random_projection;
mod selection_stopped;
#[cfg(feature = "burn")]
mod tensors;

pub use greedy::greedy_k_center;
pub use initial_distances::initial_distances;
#[cfg(test)]
pub(crate) use initial_distances::mean_distance_to;
pub use random_projection::RandomProjection;
pub use selection_stopped::SelectionStopped;
#[cfg(feature = "burn")]
pub use tensors::greedy_k_center_tensors;
