//! The whole program as on a line: a PNG file in, image score and map out, mode `line`; milliseconds per photograph.

use std::hint::black_box;
use std::path::Path;

use patchcore::{Limits, Mode, Model, NetworkPrecision, Photo, Save, Settings};
use patchcore_config::Architecture;
use patchcore_testing::files;

use crate::prepare::once;
use crate::protocol::{Measure, timed};
use crate::work::Work;

/// A model of 60 photographs in this number format, made once, and ten other photographs to score.
///
/// # Errors
/// An unknown format, inputs that are not there, a fit that fails.
pub fn set_up(backbone: &str, precision: &str, work: &Work) -> anyhow::Result<Measure> {
    let path = work.model(&format!("line_{backbone}_{precision}"));
    let model = match Model::load(&path) {
        Ok(model) => model,
        // Not there, or of an older version.
        Err(_) => fitted(backbone, NetworkPrecision::from_name(precision)?, work, &path)?,
    };
    let photos = files(&work.score_photos())?;
    Ok(Box::new(move || {
        let milliseconds = timed(|| {
            for path in &photos {
                black_box(model.score(&Photo::open(path, &Limits::default())?)?);
            }
            Ok(())
        })?;
        Ok(milliseconds / photos.len() as f64)
    }))
}

fn fitted(backbone: &str, network_precision: NetworkPrecision, work: &Work, path: &Path) -> anyhow::Result<Model> {
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let is_embedded = Architecture::from_name(backbone)? == Architecture::EFFICIENTNET_LITE0;
    let settings = Settings {
        mode: Mode::Line,
        backbone: backbone.to_owned(),
        weights: (!is_embedded).then(|| work.onnx(backbone)),
        network_precision,
        ..Settings::default()
    };
    let photos = files(&work.train_photos())?;
    once(path, |to| {
        Model::fit(&settings, photos.iter().take(TRAINED))?.save(to, Save::WithWeights)?;
        Ok(())
    })?;
    Ok(Model::load(path)?)
}

/// Training photographs: those of bottle that are not mirrored ones.
const TRAINED: usize = 60;
