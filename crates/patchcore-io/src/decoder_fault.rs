//! A decoder that does not pass its check: another version than the tested one, or a build that computes wrong.

use crate::Decoder;

/// What a decoder makes of one of its known pictures, and what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {} decoder (crate {}, tested in version {}) makes `{found}` of its known picture `{picture}`, expected \
     `{expected}`: scores would change; build with `cargo update -p {} --precise {}`",
    decoder.format(),
    decoder.library(),
    decoder.tested_version(),
    decoder.library(),
    decoder.tested_version()
)]
#[non_exhaustive]
pub struct DecoderFault {
    /// The decoder.
    pub decoder: Decoder,
    /// Which of its known pictures.
    pub picture: &'static str,
    /// Size, pixel layout and digest that the picture has, or that it is refused.
    pub expected: &'static str,
    /// What was found, likewise, or the decoder's error.
    pub found: String,
}
