//! How large a memory bank is: a share of the patches, a number of rows, or as many rows as a coverage radius takes.

use crate::error::ConfigError;
use crate::patchcore_config::PatchCoreConfig;

/// How large each memory bank of a configuration is: [`PatchCoreConfig::bank_size`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum BankSize {
    /// A share of all training patches, in `(0, 1]`.
    Ratio(f64),
    /// So many rows, or all patches where there are fewer.
    Rows(usize),
    /// As many rows as it takes until no training patch is farther from the bank than this: an L2 distance between embeddings.
    Coverage(f64),
}

/// The smallest budget of a fit in bytes: below, it is a slip of units.
const LEAST_MEMORY: u64 = 1 << 20;

impl PatchCoreConfig {
    /// How large each memory bank is: [`coverage`](PatchCoreConfig::coverage), else [`bank_rows`](PatchCoreConfig::bank_rows), else
    /// [`coreset_sampling_ratio`](PatchCoreConfig::coreset_sampling_ratio).
    pub fn bank_size(&self) -> BankSize {
        match (self.coverage, self.bank_rows) {
            (Some(radius), _) => BankSize::Coverage(radius),
            (None, Some(rows)) => BankSize::Rows(rows),
            (None, None) => BankSize::Ratio(self.coreset_sampling_ratio),
        }
    }

    /// Rows that a bank keeps of so many training patches: `int(patches * ratio)`, as both published codes have it, or the rows asked
    /// for. For a coverage radius it is the most: all of them.
    pub fn coreset_size(&self, patches: usize) -> usize {
        match self.bank_size() {
            BankSize::Ratio(ratio) => (patches as f64 * ratio) as usize,
            BankSize::Rows(rows) => rows.min(patches),
            BankSize::Coverage(_) => patches,
        }
    }

    pub(crate) fn verify_bank_size(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |parameter, found: String, expected| Err(ConfigError::OutOfRange { parameter, found, expected });
        if self.bank_rows == Some(0) {
            return out_of_range("bank_rows", "0".to_owned(), "a number of rows, 1 or more");
        }
        if let Some(radius) = self.coverage.filter(|radius| !(radius.is_finite() && *radius > 0.0)) {
            return out_of_range("coverage", radius.to_string(), "a radius above 0: an L2 distance between embeddings");
        }
        if let (Some(rows), Some(radius)) = (self.bank_rows, self.coverage) {
            let found = format!("{radius} beside bank_rows {rows}");
            return out_of_range("coverage", found, "one of the two: a radius, or a number of rows");
        }
        if let Some(bytes) = self.memory.filter(|bytes| *bytes < LEAST_MEMORY) {
            return out_of_range("memory", format!("{bytes} bytes"), "1 MiB or more, for example 512 MiB");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::Architecture;
    use crate::mode::Mode;

    #[test]
    fn the_size_is_the_one_thing_that_was_asked_for() {
        let config = Mode::Paper.config(Architecture::RESNET18);
        assert_eq!((config.bank_size(), config.coreset_size(1000)), (BankSize::Ratio(0.1), 100));
        let rows = config.clone().with_bank_rows(Some(7));
        assert_eq!((rows.bank_size(), rows.coreset_size(1000), rows.coreset_size(5)), (BankSize::Rows(7), 7, 5));
        let covered = config.with_coverage(Some(0.5));
        assert_eq!((covered.bank_size(), covered.coreset_size(1000)), (BankSize::Coverage(0.5), 1000));
        assert!(covered.check().is_ok());
    }

    /// What is not said is not in the file, so that files without it stay what they were.
    #[test]
    fn what_is_not_asked_for_is_not_written() {
        let config = Mode::Paper.config(Architecture::RESNET18);
        let written = serde_json::to_string(&config).unwrap();
        for key in ["bank_rows", "coverage", "memory"] {
            assert!(!written.contains(key), "{key}: {written}");
        }
        let all = config.with_bank_rows(Some(7)).with_memory(Some(1 << 29));
        let read: PatchCoreConfig = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
        assert_eq!(read, all);
    }
}
