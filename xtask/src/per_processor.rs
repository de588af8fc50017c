//! Results of measurements that are kept for each processor: `benches/results/WHAT-PROCESSOR.json`, so that a run on one machine
//! leaves the figures of another as they are.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::tidy::root;

/// Where the files lie.
pub fn folder() -> PathBuf {
    root().join("benches/results")
}

/// What `folder` holds of `what`, in no particular order.
///
/// # Errors
/// A file that is none of ours.
pub fn read_all<T: DeserializeOwned>(folder: &Path, what: &str) -> anyhow::Result<Vec<T>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.strip_prefix(what).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".json")) {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            all.push(serde_json::from_str(&text).with_context(|| format!("{} holds no such results", path.display()))?);
        }
    }
    Ok(all)
}

/// Writes a processor's file.
///
/// # Errors
/// A file that cannot be written.
pub fn write<T: Serialize>(folder: &Path, what: &str, processor: &str, results: &T) -> anyhow::Result<()> {
    let letters = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
    let words: String = processor.chars().map(letters).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join("-");
    let path = folder.join(format!("{what}-{words}.json"));
    let text = serde_json::to_string_pretty(results)? + "\n";
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Four digits that count: more would be noise in a file that is compared line by line.
pub fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_processor_has_a_file_of_each_kind() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "speed", "AMD EPYC (Zen 4)", &4).unwrap();
        write(folder.path(), "speed", "Intel Xeon", &7).unwrap();
        write(folder.path(), "speedy", "Intel Xeon", &9).unwrap();
        assert!(folder.path().join("speed-amd-epyc-zen-4.json").exists());
        let mut all: Vec<u32> = read_all(folder.path(), "speed").unwrap();
        all.sort_unstable();
        assert_eq!(all, [4, 7]);
        std::fs::write(folder.path().join("speed-half.json"), "[").unwrap();
        let error = read_all::<u32>(folder.path(), "speed").unwrap_err().to_string();
        assert!(error.contains("speed-half.json"), "{error}");
    }

    #[test]
    fn kept_numbers_have_four_digits() {
        assert_eq!([1.23456, 123.456, 12_345.6, 0.0].map(rounded), [1.235, 123.5, 12_350.0, 0.0]);
    }
}
