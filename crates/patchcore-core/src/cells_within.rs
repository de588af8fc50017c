//! The embedding of a part of the grid: the cells inside a region, tile after tile. Used by `fitter` and
//! `score_within`; a fit and a score of the whole input at once never come here.

use crate::error::{InputError, ScoreError};
use crate::extractor::{Extractor, ImageInput};
use patchcore_config::Grid;

/// Which cells of a grid count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CellsWithin {
    /// The grid of the whole input.
    pub grid: Grid,
    /// One value per cell, row-major.
    pub wanted: Vec<bool>,
}

impl CellsWithin {
    /// The cells that an inside pixel touches; all of them without `inside` (`[height, width]`, row-major).
    pub fn new(extractor: &Extractor, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<Self, InputError> {
        let (width, height) = (image.width, image.height);
        let grid = extractor.grid(height, width);
        let Some(inside) = inside else { return Ok(Self { grid, wanted: vec![true; grid.cells()] }) };
        let expected = width * height;
        if inside.len() != expected {
            return Err(InputError::WrongInside { found: inside.len(), height, width });
        }
        let stride = extractor.stride().max(1);
        let mut wanted = vec![false; grid.cells()];
        for (y, line) in inside.chunks_exact(width).enumerate() {
            for (cell, pixels) in line.chunks(stride).enumerate() {
                if let Some(wanted) = wanted.get_mut(y / stride * grid.columns + cell) {
                    *wanted |= pixels.contains(&true);
                }
            }
        }
        match wanted.contains(&true) {
            true => Ok(Self { grid, wanted }),
            false => Err(InputError::NothingInside),
        }
    }

    /// Embeds the wanted cells and hands them on, tile after tile: `use_rows` gets rows `[n, dim]` and the `n` cells
    /// that they belong to. Memory: one tile's network and rows.
    ///
    /// # Errors
    /// [`ScoreError`], from the network or from `use_rows`.
    pub fn embed(
        &self,
        extractor: &Extractor,
        image: ImageInput<'_>,
        mut use_rows: impl FnMut(&[f32], &[usize]) -> Result<(), ScoreError>,
    ) -> Result<(), ScoreError> {
        image.check()?;
        let spans = |side: usize| extractor.config().tiling.spans(side);
        let (stride, dim) = (extractor.stride().max(1), extractor.dim().max(1));
        let columns = spans(image.width);
        let (mut pixels, mut kept, mut cells) = (Vec::new(), Vec::new(), Vec::new());
        for rows in spans(image.height) {
            for columns in &columns {
                // Cell of the tile, cell of the whole.
                let mut pairs = Vec::new();
                let tile_columns = columns.sees.len().div_ceil(stride);
                for row in rows.keeps.start / stride..rows.keeps.end.div_ceil(stride) {
                    for column in columns.keeps.start / stride..columns.keeps.end.div_ceil(stride) {
                        let whole = row * self.grid.columns + column;
                        if self.wanted.get(whole) == Some(&true) {
                            let (row, column) = (row - rows.sees.start / stride, column - columns.sees.start / stride);
                            pairs.push((row * tile_columns + column, whole));
                        }
                    }
                }
                if pairs.is_empty() {
                    continue;
                }
                cut(image, &rows.sees, &columns.sees, &mut pixels);
                let tile = ImageInput { width: columns.sees.len(), height: rows.sees.len(), pixels: &pixels };
                extractor.with_embedding(tile, |rows, _| {
                    kept.clear();
                    cells.clear();
                    for (own, whole) in pairs {
                        kept.extend_from_slice(rows.get(own * dim..(own + 1) * dim).unwrap_or(&[]));
                        cells.push(whole);
                    }
                })?;
                use_rows(&kept, &cells)?;
            }
        }
        Ok(())
    }
}

/// The planes of a rectangle of the image.
fn cut(image: ImageInput<'_>, rows: &std::ops::Range<usize>, columns: &std::ops::Range<usize>, out: &mut Vec<f32>) {
    out.clear();
    for plane in image.pixels.chunks_exact((image.width * image.height).max(1)) {
        for line in plane.chunks_exact(image.width.max(1)).take(rows.end).skip(rows.start) {
            out.extend_from_slice(line.get(columns.clone()).unwrap_or(&[]));
        }
    }
}
