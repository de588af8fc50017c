//! The size that a model's network usually sees.

use patchcore_config::{PatchCoreConfig, Size, Tiling};
use patchcore_core::model_file::InputsSeen;
use patchcore_io::Geometry;

/// Side of a photo of which nothing is known, in pixels.
const UNKNOWN: u32 = 256;

/// Rows and columns of what the network sees of a photo of the size that most photos of the fit had: the whole of it, or a tile.
pub(crate) fn usual_input(config: &PatchCoreConfig, seen: Option<&InputsSeen>) -> (usize, usize) {
    // The first of equally many.
    let most = seen.and_then(|seen| seen.sizes.iter().rev().max_by_key(|size| size.photos));
    let square = Size { width: UNKNOWN, height: UNKNOWN };
    let photo = most.map_or(square, |size| Size { width: size.width, height: size.height });
    let input = Geometry::new("", photo, &config.view).map_or(square, |geometry| geometry.input);
    let tile = |side: u32| match config.tiling {
        Tiling::Tiles { size, .. } => side.min(size) as usize,
        _ => side as usize,
    };
    (tile(input.height), tile(input.width))
}

#[cfg(test)]
mod tests {
    use patchcore_core::model_file::SizeSeen;

    use super::*;
    use crate::Settings;

    #[test]
    fn the_commonest_photo_decides_and_tiles_are_no_larger_than_tiles() {
        let settings = Settings { resize: Some(patchcore_config::Resize::Keep), ..Settings::default() };
        let config = settings.config().unwrap();
        let size = |width, height, photos| SizeSeen { width, height, photos };
        let seen =
            InputsSeen { sizes: vec![size(64, 48, 3), size(96, 80, 7), size(32, 32, 7)], ..InputsSeen::default() };
        assert_eq!(usual_input(&config, Some(&seen)), (80, 96));
        assert_eq!(usual_input(&config, None), (256, 256));
        let tiles = Settings { tiling: Tiling::Tiles { size: 64, overlap: 32 }, ..Settings::default() };
        assert_eq!(usual_input(&tiles.config().unwrap(), Some(&seen)), (64, 64));
    }
}
