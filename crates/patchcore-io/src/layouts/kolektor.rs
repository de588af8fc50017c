//! `KolektorSDD` and `KolektorSDD2` (<https://www.vicos.si/resources/kolektorsdd/>, <https://www.vicos.si/resources/kolektorsdd2/>): each photo
//! beside its mask, which alone says whether the part is good.

use std::path::{Path, PathBuf};

use super::by_mask::{Label, good_of_labelled, label, remark_on_unknown};
use super::named::folder_named;
use crate::good_names::is_good;
use crate::listing::{Listing, is_picture, relative};
use crate::mask_names::beside;
use crate::{DataSet, DataSetRemark, DatasetError, Layout, TestImage};

/// The kind of every defective photo: the sets name none.
const DEFECT: &str = "defect";

/// `train` and `test` with `10000.png` and `10000_GT.png`; `None` for a folder of another layout.
pub(super) fn two(root: &Path, top: &Listing) -> Result<Option<DataSet>, DatasetError> {
    let train = folder_named(&top.folders, "train").map(Listing::read).transpose()?;
    let test = folder_named(&top.folders, "test").map(Listing::read).transpose()?;
    let has_pairs = |listing: &Option<Listing>| {
        listing.as_ref().is_some_and(|listing| {
            let no_good = !listing.folders.iter().any(|folder| is_good(folder.file_name().unwrap_or_default()));
            no_good && !beside(listing.images.clone()).1.is_empty()
        })
    };
    if !has_pairs(&train) && !has_pairs(&test) {
        return Ok(None);
    }
    let mut set = DataSet::new(root.to_path_buf(), Layout::KolektorSdd2);
    leave_out_beside(&mut set, top, &["train", "test"]);
    if let Some(train) = train {
        let (photos, masks) = beside(train.images);
        let (labelled, orphans) = label(photos, &masks);
        set.train = good_of_labelled(&mut set, labelled);
        set.orphan_masks.extend(orphans);
        set.left_out.files.extend(train.others);
        set.left_out.folders.extend(train.folders);
    }
    if let Some(test) = test {
        let (photos, masks) = beside(test.images);
        test_of(&mut set, photos, &masks);
        set.left_out.files.extend(test.others);
        set.left_out.folders.extend(test.folders);
    }
    Ok(Some(set))
}

/// A folder for each item, with `Part0.jpg` and `Part0_label.bmp`; `None` for a folder of another layout. The set has no split: its
/// makers publish one of three folds apart from it. Items are not divided: the first half of them, by name, is for training.
pub(super) fn one(root: &Path, top: &Listing) -> Result<Option<DataSet>, DatasetError> {
    let mut items = Vec::new();
    let mut others = Vec::new();
    for folder in &top.folders {
        let listing = Listing::read(folder)?;
        let (photos, masks) = beside(listing.images);
        if masks.is_empty() {
            others.push(folder.clone());
            continue;
        }
        items.push((photos, masks, listing.others, listing.folders));
    }
    if items.is_empty() {
        return Ok(None);
    }
    let mut set = DataSet::new(root.to_path_buf(), Layout::KolektorSdd);
    set.left_out.folders = others;
    set.left_out.files = top.others.iter().filter(|file| is_picture(file)).cloned().collect();
    let (count, training) = (items.len(), items.len().div_ceil(2));
    set.remarks.push(DataSetRemark::NoSplit {
        instead: format!(
            "the first {training} of {count} items are, without their defective photos; the others are for the test"
        ),
    });
    let mut labelled = Vec::new();
    for (at, (photos, masks, files, folders)) in items.into_iter().enumerate() {
        set.left_out.files.extend(files);
        set.left_out.folders.extend(folders);
        if at < training {
            let (of_item, orphans) = label(photos, &masks);
            labelled.extend(of_item);
            set.orphan_masks.extend(orphans);
        } else {
            test_of(&mut set, photos, &masks);
        }
    }
    set.train = good_of_labelled(&mut set, labelled);
    Ok(Some(set))
}

/// Adds photos to the test set, by their masks.
fn test_of(set: &mut DataSet, photos: Vec<PathBuf>, masks: &[PathBuf]) {
    let (labelled, orphans) = label(photos, masks);
    set.orphan_masks.extend(orphans);
    let mut unknown = Vec::new();
    for (path, label) in labelled {
        let (kind, masks) = match label {
            Label::Good => {
                set.masks_of_good += 1;
                ("good", Vec::new())
            }
            Label::Defective(mask) => (DEFECT, vec![mask]),
            Label::Unknown(reason) => {
                unknown.push((path, reason));
                continue;
            }
        };
        let relative = relative(&set.root, &path);
        let is_anomalous = !masks.is_empty();
        set.test.push(TestImage { path, relative, kind: kind.to_owned(), is_anomalous, masks, mask_fault: None });
    }
    remark_on_unknown(set, &unknown);
}

/// What lies beside the folders of a data set: other folders, and files that are pictures.
pub(super) fn leave_out_beside(set: &mut DataSet, top: &Listing, known: &[&str]) {
    let is_known = |folder: &&PathBuf| {
        known.iter().any(|name| folder_named(&top.folders, name).is_some_and(|own| own == folder.as_path()))
    };
    set.left_out.folders.extend(top.folders.iter().filter(|folder| !is_known(folder)).cloned());
    set.left_out.files.extend(top.images.iter().cloned());
    set.left_out.files.extend(top.others.iter().filter(|file| is_picture(file)).cloned());
}
