//! Copies of a photo for the fit: other light, turned, mirrored. Pixels in, pixels out; where a copy's cell lay in the photo.

use patchcore_config::{Copies, Grid, Turned};

use crate::image_input::ImageInput;

/// One copy: what is done to the photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PhotoCopy {
    /// Every value times the factor, at most 1.
    Light(f32),
    /// Turned about the centre, by so many eighths of a full turn.
    Turned(u8),
    /// Left and right exchanged.
    LeftRight,
    /// Top and bottom exchanged.
    TopBottom,
}

/// All copies of a photo, in the order in which they are fitted.
pub(crate) fn copies_of(copies: &Copies) -> impl Iterator<Item = PhotoCopy> + '_ {
    let turned: &[PhotoCopy] = match copies.turned {
        Turned::No => &[],
        Turned::EighthTurns => &[
            PhotoCopy::Turned(1),
            PhotoCopy::Turned(2),
            PhotoCopy::Turned(3),
            PhotoCopy::Turned(4),
            PhotoCopy::Turned(5),
            PhotoCopy::Turned(6),
            PhotoCopy::Turned(7),
        ],
        Turned::Mirrored => &[PhotoCopy::LeftRight, PhotoCopy::TopBottom],
    };
    copies.light.iter().map(|factor| PhotoCopy::Light(*factor)).chain(turned.iter().copied())
}

/// Makes every copy of a photo that is fitted and hands it on, with the pixels that count where not all do. `deepest`: see
/// [`PhotoCopy::make`].
pub(crate) fn each_copy<E>(
    copies: &Copies,
    image: ImageInput<'_>,
    inside: Option<&[bool]>,
    deepest: u32,
    mut use_copy: impl FnMut(PhotoCopy, ImageInput<'_>, Option<&[bool]>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut pixels, mut counts) = (Vec::new(), Vec::new());
    for copy in copies_of(copies) {
        let partly = copy.make(image, inside, deepest as usize, &mut pixels, &mut counts);
        // A turned copy of a narrow region may show nothing of it.
        if partly && !counts.contains(&true) {
            continue;
        }
        use_copy(copy, ImageInput { pixels: &pixels, ..image }, partly.then_some(counts.as_slice()))?;
    }
    Ok(())
}

impl PhotoCopy {
    /// Writes the copy's pixels over `pixels` and, where not all of them count, which do over `counts`; then returns true. `inside`: the
    /// pixels of the photo that count. `cell`: a turned copy's pixels count only in whole squares of this side.
    pub fn make(
        self,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
        cell: usize,
        pixels: &mut Vec<f32>,
        counts: &mut Vec<bool>,
    ) -> bool {
        let (width, height) = (image.width, image.height);
        pixels.clear();
        counts.clear();
        match self {
            PhotoCopy::Light(factor) => {
                pixels.extend(image.pixels.iter().map(|value| (value * factor).min(1.0)));
                counts.extend_from_slice(inside.unwrap_or_default());
            }
            PhotoCopy::LeftRight => {
                pixels.extend(image.pixels.chunks_exact(width).flat_map(|line| line.iter().rev()));
                let lines = inside.unwrap_or_default().chunks_exact(width);
                counts.extend(lines.flat_map(|line| line.iter().rev()));
            }
            PhotoCopy::TopBottom => {
                for plane in image.pixels.chunks_exact(width * height) {
                    pixels.extend(plane.chunks_exact(width).rev().flatten());
                }
                counts.extend(inside.unwrap_or_default().chunks_exact(width).rev().flatten());
            }
            PhotoCopy::Turned(_) => {
                self.turn(image, inside, pixels, counts);
                whole_cells(counts, width, cell);
                return true;
            }
        }
        inside.is_some()
    }

    /// The place in the photo that a place of the copy shows, in pixels, of photos of such a size.
    fn source(self, (x, y): (f64, f64), (width, height): (usize, usize)) -> (f64, f64) {
        let (right, bottom) = ((width as f64) - 1.0, (height as f64) - 1.0);
        match self {
            PhotoCopy::Light(_) => (x, y),
            PhotoCopy::LeftRight => (right - x, y),
            PhotoCopy::TopBottom => (x, bottom - y),
            PhotoCopy::Turned(eighths) => {
                let (sin, cos) = EIGHTHS.get(usize::from(eighths % 8)).copied().unwrap_or((0.0, 1.0));
                let (dx, dy) = (x - right / 2.0, y - bottom / 2.0);
                (cos * dx + sin * dy + right / 2.0, cos * dy - sin * dx + bottom / 2.0)
            }
        }
    }

    /// The cell of the photo in which a cell of the copy lies, by its centre; `stride` pixels a side.
    pub fn cell_of(self, cell: usize, grid: Grid, stride: usize, size: (usize, usize)) -> usize {
        let centre = |at: usize| (at * stride) as f64 + (stride as f64 - 1.0) / 2.0;
        let (x, y) = self.source((centre(cell % grid.columns), centre(cell / grid.columns)), size);
        let at = |position: f64, cells: usize| ((position.round().max(0.0) as usize) / stride).min(cells - 1);
        at(y, grid.rows) * grid.columns + at(x, grid.columns)
    }

    /// Bilinear; beyond the photo's edge its edge again, which does not count.
    #[expect(clippy::indexing_slicing, reason = "places are clamped to the photo, whose planes have been checked")]
    fn turn(self, image: ImageInput<'_>, inside: Option<&[bool]>, pixels: &mut Vec<f32>, counts: &mut Vec<bool>) {
        let (width, height) = (image.width, image.height);
        let mut places = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let (from_x, from_y) = self.source((x as f64, y as f64), (width, height));
                // A turn by a right angle falls on pixels, up to rounding.
                let snapped = |at: f64| if (at - at.round()).abs() < 1e-6 { at.round() } else { at };
                let (from_x, from_y) = (snapped(from_x), snapped(from_y));
                let within = |at: f64, side: usize| at >= 0.0 && at <= (side - 1) as f64;
                let clamped = |at: f64, side: usize| at.clamp(0.0, (side - 1) as f64);
                let (at_x, at_y) = (clamped(from_x, width), clamped(from_y, height));
                let (left, top) = (at_x as usize, at_y as usize);
                let nearest = at_y.round() as usize * width + at_x.round() as usize;
                let is_shown = within(from_x, width) && within(from_y, height);
                counts.push(is_shown && inside.is_none_or(|inside| inside[nearest]));
                let right = (left + 1).min(width - 1);
                let below = (top + 1).min(height - 1);
                places.push((
                    [top * width + left, top * width + right, below * width + left, below * width + right],
                    [(at_x - left as f64) as f32, (at_y - top as f64) as f32],
                ));
            }
        }
        for plane in image.pixels.chunks_exact(width * height) {
            pixels.extend(places.iter().map(|([a, b, c, d], [fx, fy])| {
                let top = plane[*a] * (1.0 - fx) + plane[*b] * fx;
                let bottom = plane[*c] * (1.0 - fx) + plane[*d] * fx;
                top * (1.0 - fy) + bottom * fy
            }));
        }
    }
}

/// Sine and cosine of eighths of a full turn.
const EIGHTHS: [(f64, f64); 8] = {
    use std::f64::consts::FRAC_1_SQRT_2 as H;
    [(0.0, 1.0), (H, H), (1.0, 0.0), (H, -H), (0.0, -1.0), (-H, -H), (-1.0, 0.0), (-H, H)]
};

/// Keeps the squares of `cell` pixels a side, counted from the upper left corner, in which every pixel counts.
fn whole_cells(counts: &mut [bool], width: usize, cell: usize) {
    let columns = width.div_ceil(cell);
    let rows = counts.len().div_ceil(width).div_ceil(cell);
    let mut whole = vec![true; rows * columns];
    let square = |at: usize| at / width / cell * columns + at % width / cell;
    for (at, counts) in counts.iter().enumerate() {
        if let Some(whole) = whole.get_mut(square(at)) {
            *whole &= counts;
        }
    }
    for (at, counts) in counts.iter_mut().enumerate() {
        *counts = whole.get(square(at)) == Some(&true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 rows of 4 columns: 0.00, 0.01, ... row by row.
    fn photo() -> Vec<f32> {
        (0..12).map(|at| at as f32 / 100.0).collect()
    }

    fn made(copy: PhotoCopy, pixels: &[f32], (width, height): (usize, usize)) -> (Vec<u32>, Option<Vec<bool>>) {
        let (mut out, mut counts) = (Vec::new(), Vec::new());
        let partly = copy.make(ImageInput { width, height, pixels }, None, 1, &mut out, &mut counts);
        (out.iter().map(|value| (value * 100.0).round() as u32).collect(), partly.then_some(counts))
    }

    #[test]
    fn light_is_a_factor_and_white_stays_white() {
        let (out, counts) = made(PhotoCopy::Light(20.0), &photo(), (4, 3));
        assert_eq!(out, [0, 20, 40, 60, 80, 100, 100, 100, 100, 100, 100, 100]);
        assert_eq!(counts, None);
    }

    #[test]
    fn mirrored_copies_exchange_columns_or_rows_of_every_plane() {
        let two: Vec<f32> = photo().into_iter().chain(photo().into_iter().map(|value| value + 0.5)).collect();
        let (out, _) = made(PhotoCopy::LeftRight, &two[..12], (4, 3));
        assert_eq!(out, [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8]);
        let mut pixels = Vec::new();
        PhotoCopy::TopBottom.make(
            ImageInput { width: 4, height: 3, pixels: &two },
            None,
            1,
            &mut pixels,
            &mut Vec::new(),
        );
        let out: Vec<u32> = pixels.iter().map(|value| (value * 100.0).round() as u32).collect();
        assert_eq!(out[..12], [8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3]);
        assert_eq!(out[12..14], [58, 59]);
    }

    #[test]
    fn a_quarter_and_a_half_turn_move_pixels_and_an_eighth_mixes_them() {
        let square: Vec<f32> = (0..9).map(|at| at as f32 / 100.0).collect();
        // Clockwise: the left column, read upwards, is the top row.
        let (out, counts) = made(PhotoCopy::Turned(2), &square, (3, 3));
        assert_eq!(out, [6, 3, 0, 7, 4, 1, 8, 5, 2]);
        assert_eq!(counts, Some(vec![true; 9]));
        let (out, _) = made(PhotoCopy::Turned(4), &photo(), (4, 3));
        assert_eq!(out, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
        // The centre stays, the corners come from beyond the edge.
        let (out, counts) = made(PhotoCopy::Turned(1), &square, (3, 3));
        assert_eq!(out[4], 4);
        let counts = counts.unwrap();
        assert_eq!(counts, [false, true, false, true, true, true, false, true, false]);
    }

    #[test]
    fn cells_count_whole_and_are_found_in_the_photo_again() {
        let pixels = vec![0.5; 64 * 64];
        let image = ImageInput { width: 64, height: 64, pixels: &pixels };
        let (mut out, mut counts) = (Vec::new(), Vec::new());
        assert!(PhotoCopy::Turned(1).make(image, None, 8, &mut out, &mut counts));
        assert!(out.iter().all(|value| (value - 0.5).abs() < 1e-6));
        for block in 0..64 {
            let of_block = |at: &usize| (at / 64 / 8) * 8 + at % 64 / 8 == block;
            let inside = (0..64 * 64).filter(of_block).filter(|at| counts[*at]).count();
            assert!(inside == 0 || inside == 64, "{block}");
        }
        assert!(!counts[0] && counts[32 * 64 + 32]);
        let grid = Grid { rows: 8, columns: 8 };
        let size = (64, 64);
        assert_eq!(PhotoCopy::Light(2.0).cell_of(10, grid, 8, size), 10);
        assert_eq!(PhotoCopy::LeftRight.cell_of(8, grid, 8, size), 15);
        assert_eq!(PhotoCopy::TopBottom.cell_of(0, grid, 8, size), 56);
        assert_eq!(PhotoCopy::Turned(4).cell_of(0, grid, 8, size), 63);
        // The top row is the left column, read upwards.
        assert_eq!(PhotoCopy::Turned(2).cell_of(0, grid, 8, size), 56);
        // What counts in the photo counts in the copy.
        let inside: Vec<bool> = (0..64 * 64).map(|at| at % 64 < 32).collect();
        PhotoCopy::LeftRight.make(image, Some(&inside), 8, &mut out, &mut counts);
        assert!(!counts[0] && counts[63]);
        PhotoCopy::Turned(4).make(image, Some(&inside), 8, &mut out, &mut counts);
        assert!(!counts[0] && counts[63]);
    }
}
