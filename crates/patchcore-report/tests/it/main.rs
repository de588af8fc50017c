//! Behaviour of the report's pictures, from the public API.

mod pictures;
mod write;
