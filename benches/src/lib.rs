//! Placeholder crate root; the benches stand in `benches/`.
