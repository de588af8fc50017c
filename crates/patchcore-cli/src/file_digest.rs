//! The digest of a file, as `sha256sum` gives it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};

/// SHA-256 of a file's bytes, in hex digits.
pub fn file_sha256(path: &Path) -> anyhow::Result<String> {
    let read = || {
        let (mut hasher, mut reader) = (Sha256::new(), BufReader::with_capacity(1 << 20, File::open(path)?));
        loop {
            let bytes = reader.fill_buf()?;
            if bytes.is_empty() {
                return std::io::Result::Ok(hasher.finalize());
            }
            hasher.update(bytes);
            let count = bytes.len();
            reader.consume(count);
        }
    };
    let digest = read().with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hex(&digest))
}

/// A digest in hex digits.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
