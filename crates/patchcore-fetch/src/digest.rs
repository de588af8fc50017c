//! SHA-256 as text, of bytes and of files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::FetchError;

/// SHA-256 of `bytes` as 64 lower-case hex digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file as 64 lower-case hex digits.
///
/// # Errors
///
/// [`FetchError::File`].
pub fn sha256_of_file(path: &Path) -> Result<String, FetchError> {
    let failed = |error| FetchError::file("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let taken = file.read(&mut block).map_err(failed)?;
        if taken == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(block.get(..taken).unwrap_or_default());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
