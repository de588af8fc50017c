//! Changes of a fitted model's banks without a fit: photos leave, models become one, photos come.
//!
//! Each gives a new model, with what is known of its coverage ([`PatchCore::coverage`](crate::PatchCore::coverage)), and makes its passport
//! anew. Rows and radii are those of the scores: raw embeddings, levels scaled by the factors of the model.

mod after_change;
mod collector;
mod extended;
mod merged;
mod without_photos;

pub use collector::PatchCollector;
