//! What a data set holds: good photos to fit on, good photos to calibrate on, labelled photos to judge with.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::listing::relative;
use crate::{DataSetRemark, DatasetError, Layout, LeftOut, MaskFault, TestImage, one_line};

/// A data set, as [`DataSet::open`] understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataSet {
    /// Its folder, or the file of a manifest.
    pub root: PathBuf,
    /// How it is laid out.
    pub layout: Layout,
    /// Photos of good parts to fit on, sorted (those of a manifest in its order).
    pub train: Vec<PathBuf>,
    /// Photos of good parts that are neither to be fitted on nor tested, for a threshold; in the same order.
    pub validation: Vec<PathBuf>,
    /// Labelled photos, sorted by folder, then name (those of a manifest in its order).
    pub test: Vec<TestImage>,
    /// What was found and not read.
    pub left_out: LeftOut,
    /// Masks of no photo: `ground_truth/crack/099_mask.png` without `test/crack/099.png`.
    pub orphan_masks: Vec<PathBuf>,
    /// Masks of good test photos, which are not read: nothing of a good part is defective.
    pub masks_of_good: usize,
    /// What was decided that its maker might not expect.
    pub remarks: Vec<DataSetRemark>,
}

impl DataSet {
    pub(crate) fn new(root: PathBuf, layout: Layout) -> DataSet {
        DataSet {
            root,
            layout,
            train: Vec::new(),
            validation: Vec::new(),
            test: Vec::new(),
            left_out: LeftOut::default(),
            orphan_masks: Vec::new(),
            masks_of_good: 0,
            remarks: Vec::new(),
        }
    }

    /// The good photos to fit on.
    ///
    /// # Errors
    /// [`DatasetError::NoTraining`] without any.
    pub fn training(&self) -> Result<&[PathBuf], DatasetError> {
        if self.train.is_empty() {
            return Err(DatasetError::NoTraining {
                path: self.root.clone(),
                layout: self.layout,
                left_out: self.left_out.to_string(),
            });
        }
        Ok(&self.train)
    }

    /// The photos to judge with.
    ///
    /// # Errors
    /// [`DatasetError::NoTest`] without any.
    pub fn labelled(&self) -> Result<&[TestImage], DatasetError> {
        if self.test.is_empty() {
            return Err(DatasetError::NoTest {
                path: self.root.clone(),
                layout: self.layout,
                left_out: self.left_out.to_string(),
            });
        }
        Ok(&self.test)
    }

    /// Why a metric that needs both labels is not defined: the test has no good photos, or no defective ones. `None` where it has
    /// both, or nothing.
    #[must_use]
    pub fn one_class(&self) -> Option<String> {
        let good = self.test.iter().filter(|image| !image.is_anomalous).count();
        match (good, self.test.len() - good) {
            (0, 0) => None,
            (0, defective) => {
                let kinds: BTreeSet<&str> = self.test.iter().map(|image| image.kind.as_str()).collect();
                let kinds: Vec<String> = kinds.iter().take(5).map(|kind| one_line(kind)).collect();
                Some(format!(
                    "no good photos in the test set: each of the {defective} counts as defective ({}); good ones are in a folder or \
                     under a label called good, ok or normal",
                    kinds.join(", ")
                ))
            }
            (good, 0) => Some(format!("no defective photos in the test set: all {good} are good")),
            _ => None,
        }
    }

    /// Whether there is any mask, be it one that no photo can use.
    #[must_use]
    pub fn has_masks(&self) -> bool {
        let is_missing = |fault: &MaskFault| matches!(fault, MaskFault::Missing { .. });
        let has = |image: &TestImage| {
            !image.masks.is_empty() || image.mask_fault.as_ref().is_some_and(|fault| !is_missing(fault))
        };
        !self.orphan_masks.is_empty() || self.test.iter().any(has)
    }

    /// A path below the data set's folder as text, with forward slashes on every system.
    #[must_use]
    pub fn relative(&self, path: &std::path::Path) -> String {
        relative(&self.root, path)
    }
}
