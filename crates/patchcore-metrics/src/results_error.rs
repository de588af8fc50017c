//! Why a file of results cannot be read.

use thiserror::Error;

/// Why a text gives no [`Results`](crate::Results), or another file of results.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResultsError {
    /// A later program has written it, and something in it has another meaning now.
    #[error(
        "the results have version {found}, this program reads up to {supported}: update patchcore, or evaluate again with this one"
    )]
    NewerVersion {
        /// Version in the text.
        found: u32,
        /// Newest version that is read here.
        supported: u32,
    },
    /// No JSON, or not that of an evaluation.
    #[error("not the JSON of an evaluation")]
    Malformed(#[from] serde_json::Error),
}
