//! Small defects on large images: the network sees one tile after the other, the patch grid is that of the whole.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How a large input is cut into tiles.
///
/// Neighbouring tiles share `overlap` pixels; each keeps its cells up to the middle of what it shares, so that every grid
/// cell comes from exactly one tile and has at least `overlap / 2` pixels of true context on every side that is not the
/// photo's own border. Tiles begin at multiples of the deepest stride: a cell has the same place in a tile as in the
/// whole. One memory bank serves all tiles, and the anomaly map grows from the assembled grid: no seam can arise there.
///
/// A feature whose receptive field fits into the context is the same as without tiles, up to rounding; what reaches
/// further sees zeros instead of the photo. `docs/explanation/tiles-and-crops.md` has the measured
/// difference for each overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tiling {
    /// The whole input at once.
    #[default]
    Whole,
    /// One tile after the other.
    Tiles {
        /// Side of a tile, in pixels of the network's input; a multiple of the deepest stride.
        size: u32,
        /// Pixels that neighbours share; a multiple of the deepest stride and of twice the finest, at most half of `size`.
        overlap: u32,
    },
}

/// One tile along one axis, in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileSpan {
    /// What the network sees.
    pub sees: Range<usize>,
    /// What is kept of it.
    pub keeps: Range<usize>,
}

impl Tiling {
    /// Whether the input is cut at all.
    pub fn is_whole(&self) -> bool {
        *self == Tiling::Whole
    }

    /// The tiles of an axis of `side` pixels. What they keep adds up to the axis, in order.
    ///
    /// # Panics
    /// Where tiles share more than half of their size, or have none: [`Self::fits`] says so before.
    pub fn spans(&self, side: usize) -> Vec<TileSpan> {
        let Tiling::Tiles { size, overlap } = *self else { return vec![TileSpan { sees: 0..side, keeps: 0..side }] };
        let (size, overlap) = (size as usize, overlap as usize);
        assert!(size > 0 && overlap <= size / 2, "tiles of {size} pixels cannot share {overlap}");
        let step = size - overlap;
        let mut spans = Vec::new();
        let mut start = 0;
        loop {
            let end = (start + size).min(side);
            let last = end == side;
            let keeps = if start == 0 { 0 } else { start + overlap / 2 }..if last { side } else { end - overlap / 2 };
            spans.push(TileSpan { sees: start..end, keeps });
            if last {
                return spans;
            }
            start += step;
        }
    }

    /// Whether cells of tiles are cells of the whole, for these strides.
    pub fn fits(&self, finest: u32, deepest: u32) -> bool {
        let Tiling::Tiles { size, overlap } = *self else { return true };
        let multiple = |value: u32, of: u32| value.is_multiple_of(of);
        size > 0
            && overlap <= size / 2
            && multiple(size, deepest)
            && multiple(overlap, deepest)
            && multiple(overlap, 2 * finest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_image_of_one_tile_is_one_tile() {
        assert_eq!(Tiling::Whole.spans(48), [TileSpan { sees: 0..48, keeps: 0..48 }]);
        let tiling = Tiling::Tiles { size: 512, overlap: 64 };
        assert_eq!(tiling.spans(512), [TileSpan { sees: 0..512, keeps: 0..512 }]);
        assert_eq!(tiling.spans(48), [TileSpan { sees: 0..48, keeps: 0..48 }]);
    }

    #[test]
    fn sizes_off_the_strides_do_not_fit() {
        for (size, overlap, fits) in
            [(512, 64, true), (512, 0, true), (500, 64, false), (512, 24, false), (512, 272, false), (0, 0, false)]
        {
            assert_eq!(Tiling::Tiles { size, overlap }.fits(8, 16), fits, "{size} {overlap}");
        }
        assert!(!Tiling::Tiles { size: 512, overlap: 16 }.fits(16, 16));
    }

    #[test]
    #[should_panic(expected = "tiles of 0 pixels cannot share 0")]
    fn tiles_without_a_size_are_refused() {
        Tiling::Tiles { size: 0, overlap: 0 }.spans(512);
    }

    proptest! {
        #[test]
        fn every_pixel_is_kept_once_with_its_context(size in 4usize..20, half in 0usize..3, side in 1usize..200) {
            let (size, overlap) = (size * 16, half * 16);
            prop_assume!(overlap * 2 <= size);
            let side = side * 16;
            let mut next = 0;
            for span in (Tiling::Tiles { size: size as u32, overlap: overlap as u32 }).spans(side) {
                prop_assert_eq!(span.keeps.start, next);
                prop_assert!(span.keeps.end > span.keeps.start && span.sees.len() <= size);
                prop_assert!(span.sees.start.is_multiple_of(16) && span.sees.end.is_multiple_of(16));
                prop_assert!(span.sees.start == 0 || span.keeps.start - span.sees.start == overlap / 2);
                prop_assert!(span.sees.end == side || span.sees.end - span.keeps.end == overlap / 2);
                next = span.keeps.end;
            }
            prop_assert_eq!(next, side);
        }
    }
}
