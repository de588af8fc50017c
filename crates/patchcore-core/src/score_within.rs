//! Scoring a part of a photo, or a photo in tiles: the same steps as [`PatchCore::score`] on the cells that count.

use crate::cells_within::CellsWithin;
use crate::error::ScoreError;
use crate::extractor::ImageInput;
use crate::nearest_neighbor::Neighbor;
use crate::patchcore::{ImageScore, PatchCore};
use crate::scoring::AnomalyMap;
use patchcore_config::Grid;

impl PatchCore {
    /// Scores the pixels that are `inside`, `[height, width]` row by row; all of them without it. With
    /// [`tiling`](patchcore_config::PatchCoreConfig::tiling) the network sees one tile after the other.
    ///
    /// A cell counts when an inside pixel touches it. Cells that do not count have the patch score 0 and the
    /// [`Neighbor::NONE`]; the image score is that of the cells that count. The map is 0 outside; inside, smoothing takes
    /// its mean over the cells that count alone (`A (s · m) Bᵀ / A m Bᵀ`), so that a border of the region neither lowers
    /// nor raises it.
    ///
    /// # Errors
    /// [`ScoreError`]; [`InputError::NothingInside`](crate::error::InputError::NothingInside) when no pixel is inside.
    pub fn score_within(&self, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<ImageScore, ScoreError> {
        let inside = inside.filter(|pixels| pixels.contains(&false) || pixels.len() != image.width * image.height);
        if inside.is_none() && self.config().tiling.is_whole() {
            return self.score(image);
        }
        let cells = CellsWithin::new(self.extractor(), image, inside)?;
        let mut result = ImageScore {
            score: f32::NEG_INFINITY,
            grid: cells.grid,
            patch_scores: vec![0.0; cells.grid.cells()],
            nearest: vec![Neighbor::NONE; cells.grid.cells()],
            worst_cell: 0,
            map: AnomalyMap::default(),
        };
        let mut worst = f32::NEG_INFINITY;
        let mut part = ImageScore::default();
        cells.embed(self.extractor(), image, |rows, indices| {
            self.index().nearest_of_rows_into(rows, &mut part.nearest)?;
            self.score_patches(rows, Grid { rows: 1, columns: indices.len() }, &mut part)?;
            let found = part.patch_scores.iter().zip(&part.nearest);
            for (cell, (score, nearest)) in indices.iter().zip(found) {
                if let (Some(to), Some(neighbor)) = (result.patch_scores.get_mut(*cell), result.nearest.get_mut(*cell))
                {
                    (*to, *neighbor) = (*score, *nearest);
                }
            }
            // The first of equal scores in the order of the grid, as without tiles.
            let here = indices.get(part.worst_cell).copied().unwrap_or(0);
            let top = part.patch_scores.get(part.worst_cell).copied().unwrap_or(f32::NEG_INFINITY);
            if top > worst || top == worst && here < result.worst_cell {
                (worst, result.score, result.worst_cell) = (top, part.score, here);
            }
            Ok(())
        })?;
        let size = (image.height, image.width);
        let grower = self.grower(result.grid, size)?;
        grower.grow_into(&result.patch_scores, self.device(), &mut result.map)?;
        if let Some(inside) = inside {
            let counts: Vec<f32> = cells.wanted.iter().map(|wanted| f32::from(u8::from(*wanted))).collect();
            let mut weights = AnomalyMap::default();
            grower.grow_into(&counts, self.device(), &mut weights)?;
            for ((score, weight), inside) in result.map.scores.iter_mut().zip(&weights.scores).zip(inside) {
                // An inside pixel lies in a cell that counts: at half a cell's distance the weight is far from 0.
                *score = if *inside && *weight > f32::EPSILON { *score / *weight } else { 0.0 };
            }
        }
        self.score_map(&mut result);
        Ok(result)
    }
}
