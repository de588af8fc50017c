//! What a model says of a photo: the score, where, and compared with what.

use patchcore_core::memory_bank::PatchOrigin;
use patchcore_core::nearest_neighbor::Neighbor;
use patchcore_core::scoring::AnomalyMap;
use patchcore_io::{Geometry, Photo};
use patchcore_metrics::threshold::Verdict;

use crate::remarks::Remark;

/// How anomalous a photo is, where, and compared with what.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The image score, in the unit of the model's distance; higher is worse.
    pub score: f32,
    /// What the model's image threshold makes of it; `None` for a model that has none (see [`Model::calibrate`](crate::Model::calibrate)).
    pub verdict: Option<Verdict>,
    /// How far on its side of the threshold the score lies, in `(0, 1)`, 0.5 at the threshold
    /// ([`Thresholds::confidence`](crate::Thresholds::confidence)); `None` without a threshold.
    pub confidence: Option<f32>,
    /// One score per pixel of the network's input; [`Score::on_photo`] is the same on the original photo.
    pub map: AnomalyMap,
    /// Which pixels of the input count, `[height, width]` row by row; the map is 0 at the others. `None`: all of them.
    pub inside: Option<Vec<bool>>,
    /// How the network's input lies in the photo.
    pub geometry: Geometry,
    /// Centre of the worst patch in the photo: column, row; the top left pixel has its centre at `(0, 0)`.
    pub worst_at: (f64, f64),
    /// The good patch that is nearest to the worst patch.
    pub nearest_good: NearestGood,
    /// The scores on the patch grid, as the core returns them.
    pub patches: PatchScores,
    /// What is odd about the photo; as a rule nothing.
    pub remarks: Vec<Remark>,
    /// The row of the deciding member's bank that is nearest to each cell of the grid.
    pub(crate) nearest: Vec<Neighbor>,
}

/// Scores on the patch grid.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchScores {
    /// Rows of the grid.
    pub rows: usize,
    /// Columns of the grid.
    pub columns: usize,
    /// One score per cell, row-major.
    pub scores: Vec<f32>,
}

/// The patch of a training photo that a patch was compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct NearestGood {
    /// Name of the training photo; `None` if the fit was not told, or the bank comes from elsewhere.
    pub image: Option<String>,
    /// Its index and the grid cell; `None` for a bank from elsewhere, which does not say.
    pub origin: Option<PatchOrigin>,
    /// The member that decided, from 0: the one whose worst patch weighs most in the map; its bank has the patch.
    pub member: usize,
    /// Distance of the two patches, in the unit of the model's distance (of scaled levels, where that member scales them).
    pub distance: f32,
}

/// The training photo of a [`NearestGood`].
#[derive(Debug)]
#[non_exhaustive]
pub struct NearestPhoto {
    /// The photo.
    pub photo: Photo,
    /// Centre of the patch in it: column, row.
    pub at: (f64, f64),
    /// How the network's input lies in it.
    pub geometry: Geometry,
    /// Whether it is the small picture that the model keeps ([`Model::with_thumbnails`](crate::Model::with_thumbnails)), because the photo
    /// itself is not there.
    pub is_thumbnail: bool,
}
