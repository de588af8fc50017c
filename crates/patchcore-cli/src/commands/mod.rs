//! One subcommand a file.

pub mod compare;
pub mod completions;
pub mod demo;
pub mod devices;
pub mod evaluate;
pub mod fit;
pub mod inspect;
pub mod score;
