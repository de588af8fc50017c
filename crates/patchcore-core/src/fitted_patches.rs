//! Photos on their way into banks: embedding rows of every member and where they come from, copies, tiles and regions included.

use crate::copies::{PhotoCopy, each_copy};
use crate::error::{FitError, ScoreError};
use crate::extractor::Extractor;
use crate::finish::Cells;
use crate::image_input::ImageInput;
use crate::memory_bank::PatchOrigin;
use crate::photo_parts::{PartBuffers, PhotoParts};
use patchcore_config::Grid;

/// Rows `[n, dim]` of one member, and where each comes from. Those of a photo's copies follow its own, with its number and the place in the
/// photo that they show.
#[derive(Debug, Clone, Default)]
pub(crate) struct SomeRows {
    pub rows: Vec<f32>,
    pub origins: Vec<PatchOrigin>,
}

impl SomeRows {
    pub fn add(&mut self, rows: &[f32], origins: &[PatchOrigin]) {
        self.rows.extend_from_slice(rows);
        self.origins.extend_from_slice(origins);
    }

    /// Those of the patches from one up to another, of `dim` values each.
    pub fn part(&self, dim: usize, patches: std::ops::Range<usize>) -> (&[f32], &[PatchOrigin]) {
        let rows = self.rows.get(patches.start * dim..patches.end * dim).unwrap_or_default();
        (rows, self.origins.get(patches).unwrap_or_default())
    }

    pub fn clear(&mut self) {
        self.rows.clear();
        self.origins.clear();
    }
}

/// Gets a member, rows of it, and where they come from.
type UseRows<'a> = dyn FnMut(usize, &[f32], &[PatchOrigin]) + 'a;

/// How many patches a photo has, of each member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatchCounts {
    /// Of the photo itself, which come first.
    pub own: Vec<usize>,
    /// With those of its copies.
    pub all: Vec<usize>,
}

/// Makes rows of photos, and keeps the buffers for the next one.
#[derive(Debug, Default)]
pub(crate) struct PhotoEmbedder {
    buffers: PartBuffers,
    origins: Vec<PatchOrigin>,
}

impl PhotoEmbedder {
    /// Embeds the `number`-th photo and then its copies, and hands on a member's rows with their origins, part after part; all pixels count
    /// without `inside`, `[height, width]`.
    ///
    /// # Errors
    /// [`FitError::Input`], [`FitError::Device`] and [`FitError::NotFinite`]; what was handed on before is then of no use.
    pub fn embed(
        &mut self,
        extractor: &Extractor,
        number: usize,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
        use_rows: &mut UseRows<'_>,
    ) -> Result<PatchCounts, FitError> {
        let mut counted = |into: &mut [usize], member: usize, rows: &[f32], origins: &[PatchOrigin]| {
            if let Some(count) = into.get_mut(member) {
                *count += origins.len();
            }
            use_rows(member, rows, origins);
        };
        let mut own = vec![0; extractor.members().len()];
        self.embed_as(extractor, number, image, inside, None, &mut |member, rows, origins| {
            counted(&mut own, member, rows, origins);
        })?;
        let mut all = own.clone();
        let config = extractor.config();
        let (_, deepest) = config.strides();
        each_copy(&config.copies, image, inside, deepest, |copy, copied, inside| {
            self.embed_as(extractor, number, copied, inside, Some(copy), &mut |member, rows, origins| {
                counted(&mut all, member, rows, origins);
            })
        })?;
        Ok(PatchCounts { own, all })
    }

    /// Embeds whole photos of one size, of a configuration without tiles and copies, of which `first` is the number of the first one.
    /// Of one member they come in their order.
    ///
    /// # Errors
    /// As [`PhotoEmbedder::embed`].
    pub fn embed_batch(
        &mut self,
        extractor: &Extractor,
        first: usize,
        images: &[ImageInput<'_>],
        use_rows: &mut UseRows<'_>,
    ) -> Result<(), FitError> {
        let (origins, mut not_finite) = (&mut self.origins, None);
        let embedded = extractor.embed(images, &mut |embedded| {
            let number = first + embedded.image;
            if not_finite.is_none() && is_finite(embedded.rows) {
                write_origins(origins, number, embedded.grid, Cells::All, |cell| cell);
                use_rows(embedded.embedding, embedded.rows, origins);
            } else {
                not_finite.get_or_insert(number);
            }
        });
        embedded.map_err(|error| FitError::of_photo(error, first))?;
        not_finite.map_or(Ok(()), |image| Err(FitError::NotFinite { image }))
    }

    /// Hands on the rows of the first member of a photo that is not fitted.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn look(
        &mut self,
        extractor: &Extractor,
        image: ImageInput<'_>,
        mut use_rows: impl FnMut(&[f32]),
    ) -> Result<(), ScoreError> {
        let parts = PhotoParts::new(extractor, image, None)?;
        parts.embed(extractor, image, &mut self.buffers, |member, rows, _| {
            if member == 0 {
                use_rows(rows);
            }
            Ok(())
        })
    }

    /// Hands on the rows of a photo, or of a copy of it.
    fn embed_as(
        &mut self,
        extractor: &Extractor,
        number: usize,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
        copy: Option<PhotoCopy>,
        use_rows: &mut UseRows<'_>,
    ) -> Result<(), FitError> {
        let Self { buffers, origins } = self;
        let parts = PhotoParts::new(extractor, image, inside).map_err(ScoreError::Input);
        let embedded = parts.and_then(|parts| {
            parts.embed(extractor, image, buffers, |member, rows, cells| {
                if !is_finite(rows) {
                    return Err(ScoreError::NotFinite);
                }
                if let (Some(of_photo), Some(shape)) = (parts.members().get(member), extractor.members().get(member)) {
                    let (grid, size) = (of_photo.grid, (image.width, image.height));
                    let place = |cell| copy.map_or(cell, |copy| copy.cell_of(cell, grid, shape.stride, size));
                    write_origins(origins, number, grid, cells, place);
                    assert_eq!(rows.len(), origins.len() * shape.dim, "one row per patch");
                    use_rows(member, rows, origins);
                }
                Ok(())
            })
        });
        embedded.map_err(|error| FitError::of_photo(error, number))
    }
}

fn is_finite(rows: &[f32]) -> bool {
    rows.iter().all(|value| value.is_finite())
}

/// Where the rows of the `image`-th photo come from, written over `origins`; `place`: which cell of the photo a cell shows.
fn write_origins(
    origins: &mut Vec<PatchOrigin>,
    image: usize,
    grid: Grid,
    cells: Cells<'_>,
    place: impl Fn(usize) -> usize,
) {
    let origin = |cell: usize| PatchOrigin {
        image: image as u32,
        row: (cell / grid.columns) as u16,
        column: (cell % grid.columns) as u16,
    };
    origins.clear();
    match cells {
        Cells::All => origins.extend((0..grid.cells()).map(place).map(origin)),
        Cells::These(cells) => origins.extend(cells.iter().copied().map(place).map(origin)),
    }
}
