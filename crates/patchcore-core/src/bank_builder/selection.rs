//! The one home of the selection: rows projected, start distances, greedy picks.

use std::borrow::Cow;

use patchcore_config::{ProjectionRule, StartRule};

use crate::coreset::{RandomProjection, SelectionStopped, initial_distances};
use crate::engine::Engine;
use crate::error::FitError;

/// Rows projected at once.
const PROJECTION_CHUNK: usize = 16_384;

/// How rows are selected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selection<'a> {
    pub engine: &'a dyn Engine,
    pub dim: usize,
    pub projection: ProjectionRule,
    pub start: StartRule,
    pub seed: u64,
}

/// What rows are selected on: projected, or the rows themselves where the rule does not shrink them.
#[derive(Debug)]
pub(crate) struct Features<'r> {
    pub values: Cow<'r, [f32]>,
    pub width: usize,
}

impl Selection<'_> {
    /// What rows `[n, dim]` are selected on, among so many patches.
    pub fn features<'r>(&self, rows: &'r [f32], patches: usize) -> Result<Features<'r>, FitError> {
        let Some(projection) = RandomProjection::new(self.projection, self.dim, patches, self.seed) else {
            return Ok(Features { values: Cow::Borrowed(rows), width: self.dim });
        };
        let width = projection.projected_dim();
        let mut values = Vec::with_capacity(rows.len() / self.dim * width);
        for rows in rows.chunks(PROJECTION_CHUNK * self.dim) {
            values.extend(self.engine.project(&projection, rows)?);
        }
        Ok(Features { values: Cow::Owned(values), width })
    }

    /// The distances with which a selection without picks starts.
    pub fn start(&self, features: &Features<'_>) -> Vec<f32> {
        initial_distances(self.start, &features.values, features.width, self.seed)
    }

    /// Picks `count` rows, greedily. `progress` gets the picks so far, and returns false to stop.
    pub fn pick(
        &self,
        features: &Features<'_>,
        initial: &[f32],
        count: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<usize>, FitError> {
        let picks = self.engine.select(&features.values, features.width, initial, count, progress);
        picks.map_err(|stopped| match stopped {
            SelectionStopped::Cancelled => FitError::Cancelled,
            SelectionStopped::Device(error) => FitError::Device(error),
        })
    }

    /// The picks of a whole selection of `count` rows `[n, dim]`: all of them in their order where that many are asked for.
    pub fn whole(
        &self,
        rows: &[f32],
        count: usize,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<usize>, FitError> {
        let patches = rows.len() / self.dim;
        if count >= patches {
            progress(patches);
            return Ok((0..patches).collect());
        }
        let features = self.features(rows, patches)?;
        let initial = self.start(&features);
        self.pick(&features, &initial, count, progress)
    }
}
