//! Which sizes the network's input may have where the photo keeps its aspect ratio.

use serde::{Deserialize, Serialize};

use super::Size;

/// What becomes of a size that the resize gives and that is no whole number of grid cells.
///
/// Photos of a line differ by a few rows: a detector's crop, another camera setting, an export. A network's grid shifts against the part
/// with every pixel of its input's size, the levels no longer lie on each other, and the last cells see padding: a good photo of
/// 900 x 896 then scored like a broken one on a model of photos of 900 x 900.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputSizes {
    /// The input is as the resize gives it, as published. Views with a crop, with padding or with both sides given need nothing else.
    #[default]
    AsResized,
    /// Whole cells of the deepest level: the photo is resized, in one step, to both sides rounded to whole strides; after a fit first to a
    /// size of the fit that is less than a stride from what the resize would give, on both axes. `docs/reference/view.md` has
    /// what it was measured against.
    WholeCells {
        /// Pixels of the input per cell of the deepest level.
        stride: u32,
        /// The sizes of the fit's inputs; empty before a fit.
        of_the_fit: Vec<Size>,
    },
}

impl InputSizes {
    /// Whether the size stays as the resize gives it.
    pub fn is_as_resized(&self) -> bool {
        *self == InputSizes::AsResized
    }

    /// Whole strides, before a fit.
    pub fn whole_cells(stride: u32) -> Self {
        InputSizes::WholeCells { stride, of_the_fit: Vec::new() }
    }

    /// The input's size for a photo that the resize alone would give `own`: both sides rounded to whole strides, at least one, if the fit
    /// had that size or none; else of the fit's sizes the nearest one that is less than a stride away on both axes (the earliest, if
    /// several are as near), or the rounded one where none is.
    pub fn of(&self, own: Size) -> Size {
        let InputSizes::WholeCells { stride, of_the_fit } = self else { return own };
        let apart = |size: &Size| (own.width.abs_diff(size.width), own.height.abs_diff(size.height));
        let near = of_the_fit.iter().filter(|size| {
            let (columns, rows) = apart(size);
            columns < *stride && rows < *stride
        });
        let squared_distance = |size: &&Size| {
            let (columns, rows) = apart(size);
            u64::from(columns).pow(2) + u64::from(rows).pow(2)
        };
        let whole = |side: u32| {
            let cells = side.saturating_add(stride / 2).checked_div(*stride);
            cells.map_or(side, |cells| cells.max(1) * stride)
        };
        let rounded = Size { width: whole(own.width), height: whole(own.height) };
        match of_the_fit.contains(&rounded) {
            true => rounded,
            false => near.min_by_key(squared_distance).copied().unwrap_or(rounded),
        }
    }

    /// The sizes of the fit's inputs, where they count.
    pub fn sizes_of_the_fit(&self) -> impl Iterator<Item = Size> + '_ {
        let sizes: &[Size] = match self {
            InputSizes::AsResized => &[],
            InputSizes::WholeCells { of_the_fit, .. } => of_the_fit,
        };
        sizes.iter().copied()
    }

    /// The same after a fit on inputs of these sizes, each of which counts once.
    #[must_use]
    pub fn after_the_fit(&self, sizes: impl IntoIterator<Item = Size>) -> Self {
        let InputSizes::WholeCells { stride, .. } = self else { return InputSizes::AsResized };
        let mut of_the_fit = Vec::new();
        for size in sizes {
            if !of_the_fit.contains(&size) {
                of_the_fit.push(size);
            }
        }
        InputSizes::WholeCells { stride: *stride, of_the_fit }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn a_size_of_the_fit_that_is_near_is_taken_else_whole_strides() {
        let before = InputSizes::whole_cells(16);
        assert_eq!(before.of(size(281, 256)), size(288, 256));
        assert_eq!(before.of(size(257, 3)), size(256, 16));
        assert_eq!(before.of(size(256, 391)), size(256, 384));
        assert_eq!(before.of(size(256, 392)), size(256, 400));
        let fit = [size(288, 256), size(304, 256), size(288, 256)];
        let after = before.after_the_fit(fit);
        assert_eq!(after, InputSizes::WholeCells { stride: 16, of_the_fit: fit[..2].to_vec() });
        // Less than a stride on both axes, also where rounding would go elsewhere; a stride away on one.
        assert_eq!(after.of(size(273, 271)), size(288, 256));
        assert_eq!(after.of(size(272, 256)), size(272, 256));
        assert_eq!(after.of(size(288, 272)), size(288, 272));
        // Where rounding gives a size of the fit it is that one: a photo of the fit is seen as the fit saw it.
        assert_eq!((after.of(size(295, 256)), after.of(size(296, 256))), (size(288, 256), size(304, 256)));
        // Inputs that the caller prepared may have any size: the nearest, and the earlier one of two that are as near.
        let own = before.after_the_fit([size(281, 256), size(293, 256)]);
        assert_eq!((own.of(size(288, 256)), own.of(size(287, 256))), (size(293, 256), size(281, 256)));
    }

    #[test]
    fn published_views_are_left_alone() {
        assert_eq!(InputSizes::AsResized.of(size(257, 3)), size(257, 3));
        assert_eq!(InputSizes::AsResized.after_the_fit([size(257, 3)]), InputSizes::AsResized);
    }

    proptest! {
        /// Against the rule read off slowly: every size in turn, and every multiple in turn.
        #[test]
        fn the_nearest_size_or_multiple(
            known in prop::collection::vec((8u32..200, 8u32..200), 0..6), width in 1u32..200, height in 1u32..200, stride in 1u32..40,
        ) {
            let of_the_fit: Vec<Size> = known.into_iter().map(|(width, height)| size(width, height)).collect();
            let found = InputSizes::WholeCells { stride, of_the_fit: of_the_fit.clone() }.of(size(width, height));
            let mut best: Option<(i64, Size)> = None;
            for other in &of_the_fit {
                let (dx, dy) = (i64::from(width) - i64::from(other.width), i64::from(height) - i64::from(other.height));
                let near = dx.abs() < i64::from(stride) && dy.abs() < i64::from(stride);
                if near && best.is_none_or(|(least, _)| dx * dx + dy * dy < least) {
                    best = Some((dx * dx + dy * dy, *other));
                }
            }
            let multiple = |side: u32| {
                let multiples = (1..=200).map(|cells| cells * stride);
                // The larger one of two that are as near.
                multiples.rev().min_by_key(|multiple| multiple.abs_diff(side)).unwrap()
            };
            let rounded = size(multiple(width), multiple(height));
            let expected = best.filter(|_| !of_the_fit.contains(&rounded)).map_or(rounded, |(_, size)| size);
            prop_assert_eq!(found, expected);
        }

        /// A training photo that is scored has the size that it had in the fit.
        #[test]
        fn a_photo_of_the_fit_keeps_its_size(own in prop::collection::vec((1u32..300, 1u32..300), 1..8), stride in 1u32..40) {
            let before = InputSizes::whole_cells(stride);
            let of = |sizes: &InputSizes| own.iter().map(|(width, height)| sizes.of(size(*width, *height))).collect::<Vec<_>>();
            let fitted = of(&before);
            prop_assert_eq!(of(&before.after_the_fit(fitted.clone())), fitted);
        }
    }
}
