//! Spans of the crate `tracing`, where it is compiled in.

/// Enters a span of this name until the end of the block.
macro_rules! enter {
    ($name:literal) => {
        #[cfg(feature = "tracing")]
        let _span = tracing::debug_span!($name).entered();
    };
}

pub(crate) use enter;
