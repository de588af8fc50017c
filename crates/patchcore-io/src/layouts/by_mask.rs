//! Labels of photos whose masks lie beside them: a photo is defective where a pixel of its mask is not zero.

use std::path::{Path, PathBuf};

use crate::listing::relative;
use crate::mask_names::{NoMask, assign};
use crate::{DataSet, DataSetRemark, Limits, Photo};

/// What is known of a photo.
pub(super) enum Label {
    Good,
    Defective(PathBuf),
    Unknown(String),
}

/// The label of each photo. Opens the masks.
pub(super) fn label(photos: Vec<PathBuf>, masks: &[PathBuf]) -> (Vec<(PathBuf, Label)>, Vec<PathBuf>) {
    let assigned = assign(&photos, masks);
    let labels = assigned.masks.into_iter().map(|mask| match mask {
        Ok(mask) => match Photo::open(&mask, &Limits::default()) {
            Ok(picture) if picture.brightest_sample() > 0 => Label::Defective(mask),
            Ok(_) => Label::Good,
            Err(error) => Label::Unknown(error.to_string()),
        },
        Err(NoMask::Missing) => Label::Unknown("it has no mask".to_owned()),
        Err(NoMask::Ambiguous(masks)) => Label::Unknown(format!("{} masks may be its own", masks.len())),
        Err(NoMask::Shared(mask, _)) => Label::Unknown(format!("{} may be of another photo", mask.display())),
    });
    let labels: Vec<Label> = labels.collect();
    (photos.into_iter().zip(labels).collect(), assigned.orphans)
}

/// Remarks on photos whose labels are not known.
pub(super) fn remark_on_unknown(set: &mut DataSet, unknown: &[(PathBuf, String)]) {
    if let Some((first, reason)) = unknown.first() {
        let reason = format!("{}: {reason}", relative(&set.root, first));
        set.remarks.push(DataSetRemark::Unknown { photos: unknown.len(), reason });
    }
}

/// The photos of one folder that are good, for training: all where no masks lie beside them, else those whose masks are empty.
pub(super) fn good_of(set: &mut DataSet, folder: &Path, images: Vec<PathBuf>) -> Vec<PathBuf> {
    let (photos, masks) = crate::mask_names::beside(images);
    if masks.is_empty() {
        return photos;
    }
    if let Some(first) = masks.first() {
        let folder = relative(&set.root, folder);
        set.remarks.push(DataSetRemark::MasksBesidePhotos {
            folder,
            masks: masks.len(),
            first: crate::listing::file_name(first),
        });
    }
    good_of_labelled(set, label(photos, &masks).0)
}

/// The good ones, with a remark on the others.
pub(super) fn good_of_labelled(set: &mut DataSet, labelled: Vec<(PathBuf, Label)>) -> Vec<PathBuf> {
    let (mut good, mut unknown, mut defective) = (Vec::new(), Vec::new(), 0);
    for (photo, label) in labelled {
        match label {
            Label::Good => good.push(photo),
            Label::Defective(_) => defective += 1,
            Label::Unknown(reason) => unknown.push((photo, reason)),
        }
    }
    if defective > 0 {
        set.remarks.push(DataSetRemark::DefectiveTraining { photos: defective, told_by: "the masks" });
    }
    remark_on_unknown(set, &unknown);
    good
}
