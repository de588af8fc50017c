//! What must be readable of a header whatever its version.

use serde::Deserialize;

/// The version comes first: another layout may differ in everything else.
#[derive(Deserialize)]
pub(super) struct Version {
    pub format_version: u32,
    #[serde(default)]
    pub written_by: String,
}
