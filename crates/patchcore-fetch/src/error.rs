//! What can go wrong between a published file and an installed one.

use std::io;
use std::path::{Path, PathBuf};

use patchcore_weights::WeightsError;

/// Why weights could not be fetched, verified, converted or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The registry of weights cannot be read.
    #[error("assets/weights.toml: {detail}")]
    Registry {
        /// What is wrong with it.
        detail: String,
    },
    /// The registry has no entry of that name.
    #[error("unknown backbone `{name}`: expected one of {known}")]
    UnknownBackbone {
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A layer that the network does not have, or one before the deepest that a fit takes by default.
    #[error("weights of {name} cannot be cut at layer `{layer}`: expected {known}")]
    UnknownLayer {
        /// The network.
        name: String,
        /// The layer given.
        layer: String,
        /// The layers that may be the last.
        known: String,
    },
    /// No connection could be made.
    #[error(
        "cannot reach {url}: {detail}; without a network take the file from elsewhere: patchcore weights import NAME \
         FILE"
    )]
    Unreachable {
        /// The address.
        url: String,
        /// What the connection said.
        detail: String,
    },
    /// The server answered with an error.
    #[error("{url} answered with status {status}: take the file from elsewhere: patchcore weights import NAME FILE")]
    Status {
        /// The address.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The connection broke again and again.
    #[error("{url} broke off after {got} bytes, {attempts} times: {detail}; run the command again to resume")]
    BrokenOff {
        /// The address.
        url: String,
        /// Bytes in the part file.
        got: u64,
        /// Number of connections that were made.
        attempts: u32,
        /// What the last connection said.
        detail: String,
    },
    /// More bytes than any published weights.
    #[error("{url} sends more than {limit} bytes: this is not a weights file")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file's size is not the registry's.
    #[error("{source_name} has {found} bytes, expected {expected}; the file is kept as {kept} and not used")]
    Size {
        /// Where it came from.
        source_name: String,
        /// The registry's size in bytes.
        expected: u64,
        /// The size in bytes.
        found: u64,
        /// Where the file is kept.
        kept: PathBuf,
    },
    /// The file's digest is not the registry's.
    #[error("{source_name} has sha256 {found}, expected {expected}...; the file is kept as {kept} and not used")]
    Digest {
        /// Where it came from.
        source_name: String,
        /// The registry's leading digits.
        expected: String,
        /// The whole digest.
        found: String,
        /// Where the file is kept.
        kept: PathBuf,
    },
    /// A local checkpoint is not the published one.
    #[error(
        "{path} has sha256 {found}, the published file begins with {expected}: pass --unverified to install other \
         weights of {name} on purpose"
    )]
    OtherCheckpoint {
        /// The file.
        path: PathBuf,
        /// The backbone.
        name: String,
        /// The registry's leading digits.
        expected: String,
        /// The whole digest.
        found: String,
    },
    /// A checkpoint cannot be read.
    #[error("{file} is not a readable checkpoint: {detail}")]
    Checkpoint {
        /// The file.
        file: String,
        /// What is wrong.
        detail: String,
    },
    /// The tensors are not the backbone's.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// There is no room left.
    #[error("no space left to write {path}: free some, then run the command again to resume")]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// `--from` names something that holds no weights of this backbone.
    #[error("no weights of {name} in {folder}: expected {expected}")]
    NotInFolder {
        /// The backbone.
        name: String,
        /// The folder.
        folder: PathBuf,
        /// The names that would do.
        expected: String,
    },
    /// `--from` names a file of an unknown kind.
    #[error("{file} has an unknown extension, expected .pth, .safetensors or .onnx")]
    UnknownFormat {
        /// The file.
        file: String,
    },
    /// There is no directory to install into.
    #[error("no weights directory: set PATCHCORE_CACHE or pass --to DIR")]
    NoDirectory,
    /// `--from` names one file for several backbones.
    #[error(
        "{from} is one file, but {count} backbones are asked for: name one, or give a folder or a mirror (an address ending in /)"
    )]
    OneFile {
        /// The file.
        from: String,
        /// How many backbones.
        count: usize,
    },
    /// The program was built without the feature that downloads.
    #[error(
        "this program was built without downloads (feature `fetch`): download {url} with a browser (its sha256 begins with \
         {sha256}), then run patchcore weights import {name} FILE"
    )]
    NoDownloads {
        /// The address.
        url: String,
        /// The registry's leading digits.
        sha256: String,
        /// The backbone.
        name: String,
    },
}

impl FetchError {
    /// A failed file operation; a full disk has an error of its own.
    pub fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path: path.into() },
            _ => Self::File { action, path: path.into(), source },
        }
    }
}
