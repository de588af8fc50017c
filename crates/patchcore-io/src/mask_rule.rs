//! How the samples of masks become defective or good: one rule for all masks of a test set.

use std::fmt;

/// How the samples of masks become defective or good. A coloured pixel is as bright as its brightest channel, whatever palette
/// the file has; what is wholly transparent is black, and where the colours tell no background from what is drawn, alpha counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MaskRule {
    /// Masks of few values (up to 32 in a file): black and white, numbers of classes, a palette. Everything that is not black is
    /// defective.
    NotBlack,
    /// Grey-scale masks: more values, or a lossy file (JPEG, WebP), whose blacks are not quite black. What is at least half as bright as the brightest
    /// pixel of all masks is defective; in a mask without any such pixel, at least half as bright as its own brightest.
    AtLeastHalf,
    /// Some of these and some of those in one folder: each by its own kind. A mask of few values goes with the grey-scale ones only
    /// where it loses nothing but a seam of one pixel.
    EachByItsKind,
}

impl fmt::Display for MaskRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBlack => "everything that is not black counts",
            Self::AtLeastHalf => "what is at least half as bright as the brightest counts",
            Self::EachByItsKind => {
                "in masks of few values everything that is not black counts, in grey-scale masks what is at least half as bright as the brightest"
            }
        })
    }
}
