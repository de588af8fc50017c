//! The fonts of the labels in pictures: the embedded one, and the one that `--font` names.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use patchcore_report::Lettering;

/// No font is larger; those of all Chinese characters have 20 MB.
const MOST_BYTES: u64 = 256 << 20;

/// Reads the font before the work starts: a wrong one is said at once.
pub fn lettering(font: Option<&Path>) -> anyhow::Result<Lettering> {
    let Some(path) = font else { return Ok(Lettering::new(None)?) };
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read the font {}: give the path of a TTF or OTF file", path.display()))?;
    Lettering::new(Some(bytes)).with_context(|| format!("cannot use the font {}", path.display()))
}
