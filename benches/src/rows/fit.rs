//! A whole fit: 100 photograph files in, a saved model out.

use std::path::Path;

use patchcore::{Mode, Model, Save};
use patchcore_testing::files;

use crate::prepare::settings;
use crate::protocol::{Measure, timed};
use crate::work::Work;

/// A fit with 10 % of all patches.
///
/// # Errors
/// Inputs that are not there.
pub fn set_up(mode: Mode, shared: &Path, work: &Work) -> anyhow::Result<Measure> {
    let photos = files(&work.train_photos())?;
    let settings = settings(shared, mode);
    let to = work.path().join("fitted.patchcore");
    Ok(Box::new(move || {
        timed(|| {
            let model = Model::fit(&settings, &photos)?;
            Ok(model.save(&to, Save::WithWeights)?)
        })
    }))
}
