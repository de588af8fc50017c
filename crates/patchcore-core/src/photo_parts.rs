//! A photo's embedding rows, part after part: the cells that count, tile after tile, every network once for all its members.

use std::ops::Range;

use patchcore_config::{Checked, Grid, TileSpan};

use crate::error::{InputError, ScoreError};
use crate::extractor::Extractor;
use crate::finish::Cells;
use crate::image_input::ImageInput;
use crate::network_group::MemberShape;

/// Which cells of every member's grid count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PhotoParts {
    members: Vec<MemberCells>,
}

/// The cells of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberCells {
    /// The grid of the whole input.
    pub grid: Grid,
    /// Input pixels per cell and axis.
    stride: usize,
    /// One value per cell, row-major; `None` where all of them count.
    pub wanted: Option<Vec<bool>>,
}

/// Buffers of a photo in parts, kept for the next one.
#[derive(Debug, Default)]
pub(crate) struct PartBuffers {
    pixels: Vec<f32>,
    kept: Vec<f32>,
    cells: Vec<usize>,
}

/// One tile, in pixels of the input.
pub(crate) struct Tile<'a> {
    rows: &'a TileSpan,
    columns: &'a TileSpan,
}

impl PhotoParts {
    /// The cells that an inside pixel touches; all of them without `inside` (`[height, width]`, row-major).
    ///
    /// # Errors
    /// [`InputError::WrongSize`], [`InputError::WrongLength`], [`InputError::WrongInside`] and [`InputError::NothingInside`].
    pub fn new(extractor: &Extractor, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<Self, InputError> {
        Self::of(extractor.config(), extractor.members(), image, inside)
    }

    /// [`PhotoParts::new`] for members of a configuration that are not on a device.
    ///
    /// # Errors
    /// As [`PhotoParts::new`].
    pub fn of(
        config: &Checked,
        members: &[MemberShape],
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
    ) -> Result<Self, InputError> {
        image.check_shape(&config.input_sides())?;
        Self::of_members(members, (image.height, image.width), inside)
    }

    /// [`PhotoParts::new`] for a photo of a size, `(height, width)`, that has been looked at.
    ///
    /// # Errors
    /// [`InputError::WrongInside`] and [`InputError::NothingInside`].
    pub fn of_size(extractor: &Extractor, size: (usize, usize), inside: Option<&[bool]>) -> Result<Self, InputError> {
        Self::of_members(extractor.members(), size, inside)
    }

    fn of_members(
        members: &[MemberShape],
        (height, width): (usize, usize),
        inside: Option<&[bool]>,
    ) -> Result<Self, InputError> {
        if let Some(inside) = inside {
            if inside.len() != width * height {
                return Err(InputError::WrongInside { found: inside.len(), height, width });
            }
            if !inside.contains(&true) {
                return Err(InputError::NothingInside);
            }
        }
        let cells = |member: &MemberShape| {
            let grid = member.grid(height, width);
            let wanted = inside.map(|inside| touched(inside, width, grid, member.stride));
            MemberCells { grid, stride: member.stride, wanted }
        };
        Ok(Self { members: members.iter().map(cells).collect() })
    }

    /// The cells of every member.
    pub fn members(&self) -> &[MemberCells] {
        &self.members
    }

    /// Embeds the cells that count and hands them on: `use_rows` gets the member, rows `[n, dim]` and the cells that they belong to.
    /// Memory: one tile's network and rows.
    ///
    /// # Errors
    /// [`ScoreError`], from the network or from `use_rows`.
    #[expect(clippy::indexing_slicing, reason = "the extractor has as many members as there are cells of members")]
    pub fn embed(
        &self,
        extractor: &Extractor,
        image: ImageInput<'_>,
        buffers: &mut PartBuffers,
        mut use_rows: impl FnMut(usize, &[f32], Cells<'_>) -> Result<(), ScoreError>,
    ) -> Result<(), ScoreError> {
        let whole = extractor.config().tiling.is_whole();
        let PartBuffers { pixels, kept, cells } = buffers;
        self.each(extractor.config(), image, pixels, |tile, part| {
            let mut used = Ok(());
            extractor.embed(&[part], &mut |embedded| {
                let (number, member) = (embedded.embedding, &self.members[embedded.embedding]);
                if used.is_err() {
                    return;
                }
                if whole && member.wanted.is_none() {
                    used = use_rows(number, embedded.rows, Cells::All);
                    return;
                }
                member.keep(tile, embedded.rows, kept, cells);
                if !cells.is_empty() {
                    used = use_rows(number, kept, Cells::These(cells));
                }
            })?;
            used
        })
    }

    /// Hands on what the networks are to see, part after part: the photo, or those of its tiles that have cells that count. `pixels` is a
    /// buffer that is used again.
    ///
    /// # Errors
    /// [`ScoreError::Input`] of a tiled photo, and whatever `use_part` gives.
    pub fn each(
        &self,
        config: &Checked,
        image: ImageInput<'_>,
        pixels: &mut Vec<f32>,
        mut use_part: impl FnMut(&Tile<'_>, ImageInput<'_>) -> Result<(), ScoreError>,
    ) -> Result<(), ScoreError> {
        let tiling = config.tiling;
        let (rows, columns) = (tiling.spans(image.height), tiling.spans(image.width));
        // Also what no tile looks at; a whole photo is checked where it is used.
        if !tiling.is_whole() {
            image.check_within(&config.input_sides())?;
        }
        for rows in &rows {
            for columns in &columns {
                let tile = Tile { rows, columns };
                if !self.members.iter().any(|member| member.wants(&tile)) {
                    continue;
                }
                let part = if tiling.is_whole() {
                    image
                } else {
                    cut(image, &rows.sees, &columns.sees, pixels);
                    ImageInput { width: columns.sees.len(), height: rows.sees.len(), pixels }
                };
                use_part(&tile, part)?;
            }
        }
        Ok(())
    }
}

/// The cells that an inside pixel touches.
fn touched(inside: &[bool], width: usize, grid: Grid, stride: usize) -> Vec<bool> {
    let mut wanted = vec![false; grid.cells()];
    for (y, line) in inside.chunks_exact(width).enumerate() {
        for (cell, pixels) in line.chunks(stride).enumerate() {
            if let Some(wanted) = wanted.get_mut(y / stride * grid.columns + cell) {
                *wanted |= pixels.contains(&true);
            }
        }
    }
    wanted
}

impl MemberCells {
    /// The cells that a tile keeps and that count: cell of the tile, cell of the whole.
    fn of_tile<'a>(&'a self, tile: &'a Tile<'_>) -> impl Iterator<Item = (usize, usize)> + 'a {
        let stride = self.stride;
        let tile_columns = tile.columns.sees.len().div_ceil(stride);
        let kept = |span: &TileSpan| span.keeps.start / stride..span.keeps.end.div_ceil(stride);
        let columns = kept(tile.columns);
        let places = kept(tile.rows).flat_map(move |row| columns.clone().map(move |column| (row, column)));
        places.filter_map(move |(row, column)| {
            let whole = row * self.grid.columns + column;
            let counts = self.wanted.as_ref().is_none_or(|wanted| wanted.get(whole) == Some(&true));
            let (row, column) = (row - tile.rows.sees.start / stride, column - tile.columns.sees.start / stride);
            counts.then_some((row * tile_columns + column, whole))
        })
    }

    fn wants(&self, tile: &Tile<'_>) -> bool {
        self.of_tile(tile).next().is_some()
    }

    /// Of a tile's rows those that it keeps, and their cells of the whole, written over `kept` and `cells`.
    #[allow(clippy::indexing_slicing, reason = "a network gives one row per cell of its tile")]
    fn keep(&self, tile: &Tile<'_>, rows: &[f32], kept: &mut Vec<f32>, cells: &mut Vec<usize>) {
        let tile_cells = tile.rows.sees.len().div_ceil(self.stride) * tile.columns.sees.len().div_ceil(self.stride);
        let dim = rows.len() / tile_cells;
        kept.clear();
        cells.clear();
        for (own, whole) in self.of_tile(tile) {
            kept.extend_from_slice(&rows[own * dim..(own + 1) * dim]);
            cells.push(whole);
        }
    }
}

/// The planes of a rectangle of the image, written over `out`.
#[allow(clippy::indexing_slicing, reason = "the rectangle lies in the image, whose planes have been checked")]
fn cut(image: ImageInput<'_>, rows: &Range<usize>, columns: &Range<usize>, out: &mut Vec<f32>) {
    out.clear();
    for plane in image.pixels.chunks_exact(image.width * image.height) {
        for line in plane.chunks_exact(image.width).take(rows.end).skip(rows.start) {
            out.extend_from_slice(&line[columns.clone()]);
        }
    }
}
