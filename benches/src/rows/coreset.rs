//! The coreset alone: milliseconds of a whole selection.

use std::hint::black_box;

use patchcore::ComputeDevice;
use patchcore_config::StartRule;
use patchcore_core::coreset::{greedy_k_center, initial_distances};

use crate::npy;
use crate::protocol::{Measure, timed};
use crate::work::Work;

/// So many picks of so many projected patches.
///
/// # Errors
/// Inputs that are not there.
pub fn set_up(rows: usize, picks: usize, work: &Work) -> anyhow::Result<Measure> {
    let array = npy::read(&work.projected(rows))?;
    let device = ComputeDevice::cpu();
    let initial = initial_distances(StartRule::MeanOfRandomRows(10), &array.values, array.columns, 0);
    Ok(Box::new(move || {
        timed(|| {
            let picked = greedy_k_center(&array.values, array.columns, &initial, picks, &device, &mut |_| true);
            black_box(picked.map_err(|stopped| anyhow::anyhow!("{stopped:?}"))?);
            Ok(())
        })
    }))
}
