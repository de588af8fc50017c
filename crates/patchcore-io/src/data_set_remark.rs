//! What was decided about a data set that its maker might not expect.

use std::fmt;

use crate::one_line;

/// One decision, said once. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataSetRemark {
    /// A folder is read as that of another name.
    ReadAs {
        /// The folder, from the data set's.
        folder: String,
        /// What it is read as: `good`, `ground_truth`.
        name: &'static str,
    },
    /// A folder counts as a kind of defect, or is not fitted on, though its name may be meant as good.
    MayBeGood {
        /// The folder or label.
        name: String,
        /// Whether it lies among the training photos, which are then not fitted on.
        in_training: bool,
    },
    /// A folder of training photos has no folder of good ones: its own photos are taken as good.
    TakenAsGood {
        /// The folder, from the data set's; empty for the data set's own.
        folder: String,
        /// Its photos.
        photos: usize,
    },
    /// Training photos that are defective are not fitted on.
    DefectiveTraining {
        /// How many.
        photos: usize,
        /// What says so: `the masks`, `the column label`.
        told_by: &'static str,
    },
    /// A folder of photos without labels is not read.
    Unlabelled {
        /// The folder, from the data set's.
        folder: String,
        /// Its photos.
        photos: usize,
    },
    /// Files that are masks by their names, beside the photos, are no photos.
    MasksBesidePhotos {
        /// The folder, from the data set's; empty for the data set's own.
        folder: String,
        /// How many.
        masks: usize,
        /// The first one's name.
        first: String,
    },
    /// The data set does not say which photos are for training.
    NoSplit {
        /// What is done instead.
        instead: String,
    },
    /// A photo whose label is not known is neither fitted on nor tested.
    Unknown {
        /// How many.
        photos: usize,
        /// Why, of the first.
        reason: String,
    },
    /// Columns of a table that are not read.
    Columns {
        /// Their names.
        names: Vec<String>,
    },
}

impl DataSetRemark {
    /// Whether it says nothing of the training photos.
    #[must_use]
    pub fn is_about_test(&self) -> bool {
        match self {
            DataSetRemark::ReadAs { folder, .. } => !folder.to_lowercase().starts_with("train"),
            DataSetRemark::MayBeGood { in_training, .. } => !in_training,
            DataSetRemark::Unlabelled { .. } => true,
            _ => false,
        }
    }
}

/// `1 photo`, `2 photos`.
fn photos(count: usize) -> String {
    if count == 1 { "1 photo".to_owned() } else { format!("{count} photos") }
}

impl fmt::Display for DataSetRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |folder: &String| if folder.is_empty() { "the folder".to_owned() } else { one_line(folder) };
        match self {
            DataSetRemark::ReadAs { folder, name } => write!(f, "{} is read as {name}", one_line(folder)),
            DataSetRemark::MayBeGood { name, in_training } => {
                let result = if *in_training { "is not fitted on" } else { "counts as a kind of defect" };
                write!(f, "{} {result}: photos of good parts are called good, ok or normal", one_line(name))
            }
            DataSetRemark::TakenAsGood { folder, photos: count } => {
                write!(f, "{} has no folder good: its own {} are taken as good", of(folder), photos(*count))
            }
            DataSetRemark::DefectiveTraining { photos: count, told_by } => {
                write!(f, "{} for training not fitted on: defective according to {told_by}", photos(*count))
            }
            DataSetRemark::Unlabelled { folder, photos: count } => {
                write!(f, "{} is not read: {} without labels", one_line(folder), photos(*count))
            }
            DataSetRemark::MasksBesidePhotos { folder, masks, first } => {
                let files = if *masks == 1 { "1 file".to_owned() } else { format!("{masks} files") };
                write!(f, "{files} of {} named as masks of the photos beside them ({})", of(folder), one_line(first))
            }
            DataSetRemark::NoSplit { instead } => write!(f, "which photos are for training is not said: {instead}"),
            DataSetRemark::Unknown { photos: count, reason } => {
                write!(f, "{} left out, whether they are good is not known: {}", photos(*count), one_line(reason))
            }
            DataSetRemark::Columns { names } => write!(f, "columns not read: {}", one_line(&names.join(", "))),
        }
    }
}
