//! The kinds of photos that a model has seen, counted.

use patchcore_core::model_file::{ColourSeen, InputsSeen, SizeSeen};

/// Adds kinds of photos to those that were seen.
pub(crate) fn add_inputs(seen: &mut InputsSeen, more: &InputsSeen) {
    for SizeSeen { width, height, photos } in more.sizes.iter().copied() {
        match seen.sizes.iter_mut().find(|seen| (seen.width, seen.height) == (width, height)) {
            Some(seen) => seen.photos += photos,
            None => seen.sizes.push(SizeSeen { width, height, photos }),
        }
    }
    for ColourSeen { channels, bits, photos } in more.colours.iter().copied() {
        match seen.colours.iter_mut().find(|seen| (seen.channels, seen.bits) == (channels, bits)) {
            Some(seen) => seen.photos += photos,
            None => seen.colours.push(ColourSeen { channels, bits, photos }),
        }
    }
}
