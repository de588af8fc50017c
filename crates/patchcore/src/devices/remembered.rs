//! Checks that are run once and remembered, with a mark while they run.

use patchcore_core::ComputeDevice;
use patchcore_core::error::DeviceError;
use patchcore_core::self_check::Check;

use super::record::{Record, is_running};
use super::verdict::Verdict;
use crate::error::Error;

/// Runs checks and names each to the function that it is given.
type Run<'a> = dyn FnMut(&mut dyn FnMut(&str)) -> Result<Vec<Check>, Error> + 'a;

/// What a mark of a process that never came back means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// The checks ran in a process of their own, which nobody but a driver ends.
    Crashed,
    /// They ran in the user's process, which he may end: they are asked again.
    AskAgain,
}

/// The results of `run`, from the record where they stand there.
///
/// # Errors
/// [`DeviceError::Crashed`] where a driver has ended a process that ran these checks; what `run` says.
pub(super) fn remembered(
    device: &ComputeDevice,
    record: Option<&Record>,
    unfinished: Unfinished,
    run: &mut Run<'_>,
) -> Result<Vec<Check>, Error> {
    let name = device.name();
    match record.and_then(Record::read) {
        Some(Verdict::Checked { checks }) => return Ok(checks),
        Some(Verdict::Crashed { how }) => return Err(DeviceError::Crashed { device: name, how }.into()),
        Some(Verdict::Checking { process })
            if unfinished == Unfinished::Crashed && process != std::process::id() && !is_running(process) =>
        {
            let how = format!("process {process} never came back from its self-check");
            return Err(DeviceError::Crashed { device: name, how }.into());
        }
        _ => {}
    }
    let keep = |verdict: &Verdict| record.iter().for_each(|record| record.write(verdict));
    keep(&Verdict::Checking { process: std::process::id() });
    let checks = run(&mut |_case| {
        #[cfg(feature = "tracing")]
        tracing::debug!("{name}: {_case}");
    });
    match checks {
        Ok(checks) => {
            keep(&Verdict::Checked { checks: checks.clone() });
            Ok(checks)
        }
        Err(error) => {
            // A failure may pass (memory that another program held): nothing is remembered.
            record.iter().for_each(|record| record.remove());
            Err(error)
        }
    }
}
