//! `patchcore try-device`: opens a device and runs the self-check on it, in a process that may end by it.

use crate::arguments::Compute;
use crate::outcome::Outcome;

pub fn run(compute: &Compute) -> anyhow::Result<Outcome> {
    patchcore::open_device(&compute.device, compute.precision_without_model()?, None)?;
    Ok(Outcome::Done)
}
