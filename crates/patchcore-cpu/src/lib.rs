//! PatchCore's kernels for the CPU: slices in, slices out, without Burn.
//!
//! `patchcore-core` computes PatchCore with Burn's tensor operations on any device; this crate computes the same steps on a
//! CPU with code of its own: [`network`] takes images through a backbone's plan, [`embedding`] makes patch features of its
//! maps, [`coreset`] picks bank rows, [`search`] finds the nearest of them, [`map`] spreads patch scores over the pixels.
//! Each has a slow oracle that computes the definition, and property tests that hold the two equal.
//!
//! Kernels are chosen at run time by what the processor has, up to [`Instructions`]. They run on rayon's current pool, and no
//! result depends on its number of threads. All `unsafe` code of the project stands here, but that of tests and benches.
//!
//! # Stability
//! Not stable: a part of `patchcore`, published because that depends on it, which any version may change. What `patchcore`
//! re-exports of it is as stable as `patchcore`.

mod caches;
pub mod coreset;
pub mod embedding;
mod instructions;
mod lattice;
pub mod map;
mod matrix_product;
pub mod network;
mod scratch_pool;
pub mod search;
mod simd;
mod team;
#[cfg(test)]
mod testing;

pub use instructions::{INSTRUCTIONS, Instructions};
pub use scratch_pool::ScratchPool;
