//! Photos of one size on a device: one upload, everything on the device, one read-back.
//!
//! The photos' rows, their nearest bank rows, the neighbours of equation 7 and the maps are computed without the host looking at
//! anything in between; a single transaction brings them back. (A query whose nearest rows f32 cannot tell apart, one in thousands, is
//! read in a second one, and the host decides.) What a score is made of them stands in `finish.rs`.

use std::any::Any;

#[cfg(feature = "cube")]
use super::captured::Graphs;
use super::features::TensorFeatures;
use super::grower::TensorGrower;
use super::index::TensorIndex;
use super::on_device::MOST_NEIGHBORS;
use super::parts::{Asked, Computed, OPERATION, Parts};
use crate::device::{ComputeDevice, guarded};
use crate::engine::interface::{WholeModel, WholePhoto};
use crate::error::EngineError;
use crate::image_input::ImageInput;

/// Whole photos by parts that this engine has made; `None` for those of another engine.
pub(super) fn whole_photos(
    device: &ComputeDevice,
    #[cfg(feature = "cube")] graphs: &Graphs,
    model: WholeModel<'_>,
    images: &[ImageInput<'_>],
) -> Result<Option<Vec<WholePhoto>>, EngineError> {
    let features = (model.features as &dyn Any).downcast_ref::<TensorFeatures>();
    let index = (model.index as &dyn Any).downcast_ref::<TensorIndex>();
    let grower = (model.grower as &dyn Any).downcast_ref::<TensorGrower>();
    let (Some(features), Some(index), Some(grower)) = (features, index, grower) else { return Ok(None) };
    if images.is_empty() || model.neighborhood > MOST_NEIGHBORS {
        return Ok(None);
    }
    let parts = Parts { features, bank: index.on_device(), grower };
    let asked = Asked { distance: model.distance, neighbors: model.neighborhood };
    guarded(device, OPERATION, || {
        #[cfg(feature = "cube")]
        match images {
            [image] => {
                if let Some(photo) = graphs.photo(device, &parts, asked, *image)? {
                    return Ok(Some(vec![photo]));
                }
            }
            _ => graphs.batch(),
        }
        let embedded = features.rows(images)?.into_iter().next();
        let (queries, grid) = embedded.ok_or_else(|| device.failed(OPERATION, "no embedding"))?;
        let computed = Computed::new(parts.bank, grower, queries, images.len(), grid, asked);
        parts.read(device, computed, images.len(), asked).map(Some)
    })
}
