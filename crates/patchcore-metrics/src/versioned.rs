//! Files with a version, read and written: metrics.json, run.json, stress.json and what `compare` prints.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::results_error::ResultsError;

/// Reads a file whose layout has a version of at most `supported`. One without a version is refused by its type, unless that has a
/// default.
///
/// # Errors
/// [`ResultsError::NewerVersion`] and [`ResultsError::Malformed`].
pub(crate) fn from_json<T: DeserializeOwned>(json: &[u8], supported: u32) -> Result<T, ResultsError> {
    #[derive(Deserialize)]
    struct VersionOnly {
        version: Option<u32>,
    }
    // The version comes first: a newer layout may differ in everything else.
    match serde_json::from_slice(json)? {
        VersionOnly { version: Some(found) } if found > supported => {
            Err(ResultsError::NewerVersion { found, supported })
        }
        VersionOnly { .. } => Ok(serde_json::from_slice(json)?),
    }
}

/// The text of a file, which ends with a line break.
///
/// # Errors
/// [`ResultsError::Malformed`].
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, ResultsError> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}
