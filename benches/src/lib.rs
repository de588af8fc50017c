//! Our side of every measurement against a peer, and what the criterion benches share with it.
//!
//! `cargo xtask bench-report` starts the program `patchcore-bench ROW` next to a script of `peers/`, and has both measure
//! in turn: [`protocol`] is the conversation. [`prepare`] makes the inputs that both sides read ([`work`] says where
//! they lie) from the real photographs in the shared folder; [`rows`] are the measurements.

pub mod npy;
pub mod prepare;
pub mod protocol;
pub mod rows;
pub mod work;
