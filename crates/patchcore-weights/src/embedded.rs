//! Weights that `build.rs` put into the binary, by cargo feature.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The embedded weights of `backbone` as a safetensors file; `None` when its feature is off or its file was not
/// installed when the crate was built.
pub fn embedded_weights(backbone: &str) -> Option<&'static [u8]> {
    EMBEDDED.iter().find(|(name, _)| *name == backbone).and_then(|(_, bytes)| *bytes)
}

/// Whether the feature of `backbone` was on when the crate was built, but no file of it was there.
pub(crate) fn was_absent(backbone: &str) -> bool {
    EMBEDDED.contains(&(backbone, None))
}
