//! The layouts of MVTec (AD, AD 2, LOCO, 3D-AD) and BTAD, which are one family: `train/good`, `test/<kind>`, and the masks of a kind
//! in `ground_truth/<kind>`, or in `gt` of the kind's own folder.

use std::path::{Path, PathBuf};

use super::by_mask::good_of;
use super::named::{folder_named, ground_truth_of};
use super::truth::truth;
use crate::good_names::{is_good, may_be_good};
use crate::listing::{Listing, file_name, is_picture, relative};
use crate::mask_names::{assign, beside};
use crate::{DataSet, DataSetRemark, DatasetError, Layout, TestImage, one_line};

/// The test set of MVTec AD 2 that has labels.
const PUBLIC_TEST: &str = "test_public";
/// Test sets without labels: MVTec's evaluation server has them.
const PRIVATE_TESTS: [&str; 2] = ["test_private", "test_private_mixed"];

/// Folders that an error names.
const NAMED: usize = 8;

/// What was seen while listing, from which the layout gets its name.
#[derive(Default)]
struct Seen {
    /// Folders `rgb`.
    rgb: bool,
    /// Folders of masks for one photo.
    mask_folders: bool,
    /// Names of good folders, as they are written.
    good: Vec<String>,
}

/// A data set with a folder `train` or `test`; `None` for a folder without.
pub(super) fn open(root: &Path, top: &Listing) -> Result<Option<DataSet>, DatasetError> {
    let named = |name| folder_named(&top.folders, name);
    let train = named("train");
    let public = named("test").is_none().then(|| named(PUBLIC_TEST)).flatten();
    let test = named("test").or(public);
    if train.is_none() && test.is_none() {
        return Ok(None);
    }
    let validation = named("validation").or_else(|| named("val"));
    let masks = ground_truth_of(&top.folders);
    let mut set = DataSet::new(root.to_path_buf(), Layout::MvtecAd);
    let mut seen = Seen::default();

    if let Some(folder) = train {
        set.train = good_photos(&mut set, &mut seen, folder)?;
    }
    let own = set.train.is_empty() && !top.images.is_empty();
    if own {
        set.train = good_of(&mut set, root, top.images.clone());
        set.remarks.push(DataSetRemark::TakenAsGood { folder: String::new(), photos: set.train.len() });
    } else {
        set.left_out.files.extend(top.images.iter().cloned());
    }
    if let Some(folder) = validation {
        set.validation = good_photos(&mut set, &mut seen, folder)?;
    }
    if let Some(folder) = test {
        read_test(&mut set, &mut seen, folder, masks)?;
    }
    set.left_out.files.extend(top.others.iter().filter(|file| is_picture(file)).cloned());
    let used = [train, test, validation, masks];
    for folder in top.folders.iter().filter(|folder| !used.contains(&Some(folder.as_path()))) {
        let photos = Listing::read(folder).map_or(0, |listing| listing.images.len());
        if PRIVATE_TESTS.contains(&file_name(folder).as_str()) && photos > 0 {
            set.remarks.push(DataSetRemark::Unlabelled { folder: relative(root, folder), photos });
        } else {
            set.left_out.folders.push(folder.clone());
        }
    }
    if set.train.is_empty() && set.validation.is_empty() && set.test.is_empty() {
        return Err(nothing_in(&set));
    }
    set.layout = layout(&set, &seen, public.is_some());
    Ok(Some(set))
}

/// The error of folders in which no photo is.
fn nothing_in(set: &DataSet) -> DatasetError {
    let folders: Vec<String> =
        set.left_out.folders.iter().take(NAMED).map(|folder| one_line(&relative(&set.root, folder))).collect();
    let empty = if folders.is_empty() { String::new() } else { format!("; without photos: {}", folders.join(", ")) };
    let remarks: String = set.remarks.iter().map(|remark| format!("; {remark}")).collect();
    DatasetError::NoImages {
        path: set.root.clone(),
        looked_for: "photos in train/good and test/<kind>, and".to_owned(),
        found: set.left_out.files.len() + set.left_out.folders.len(),
        named: format!("{empty}{remarks}"),
    }
}

/// The name of what was read.
fn layout(set: &DataSet, seen: &Seen, is_public: bool) -> Layout {
    let is_kind = |name: &str| set.test.iter().any(|image| image.kind == name);
    if seen.rgb {
        Layout::Mvtec3d
    } else if is_public {
        Layout::MvtecAd2
    } else if seen.mask_folders || is_kind("logical_anomalies") || is_kind("structural_anomalies") {
        Layout::MvtecLoco
    } else if seen.good.iter().all(|name| name == "ok")
        && !seen.good.is_empty()
        && (set.test.is_empty() || is_kind("ko"))
    {
        Layout::Btad
    } else {
        Layout::MvtecAd
    }
}

/// What a folder of one kind holds.
struct OfKind {
    photos: Vec<PathBuf>,
    /// Masks that lie in the kind's own folder.
    masks: Vec<PathBuf>,
    /// Its folder `gt` of MVTec 3D-AD.
    gt: Option<PathBuf>,
}

fn of_kind(set: &mut DataSet, seen: &mut Seen, folder: &Path) -> Result<OfKind, DatasetError> {
    let listing = Listing::read(folder)?;
    let (rgb, gt) = (folder_named(&listing.folders, "rgb"), folder_named(&listing.folders, "gt"));
    let Some(rgb) = rgb.filter(|_| listing.images.is_empty()) else {
        let (photos, masks) = beside(listing.images);
        if photos.is_empty() {
            set.left_out.folders.push(folder.to_path_buf());
        } else {
            set.left_out.folders.extend(listing.folders);
        }
        set.left_out.files.extend(listing.others);
        return Ok(OfKind { photos, masks, gt: None });
    };
    seen.rgb = true;
    let known = [Some(rgb), gt, folder_named(&listing.folders, "xyz")];
    let others = listing.folders.iter().filter(|folder| !known.contains(&Some(folder.as_path())));
    set.left_out.folders.extend(others.cloned());
    set.left_out.files.extend(listing.others.iter().cloned());
    let colour = Listing::read(rgb)?;
    set.left_out.files.extend(colour.others);
    set.left_out.folders.extend(colour.folders);
    let (photos, masks) = beside(colour.images);
    Ok(OfKind { photos, masks, gt: gt.map(Path::to_path_buf) })
}

/// Says once that a folder is good though it is not called `good`.
fn remark_on_name(set: &mut DataSet, seen: &mut Seen, folder: &Path) {
    let name = file_name(folder);
    if name != "good" {
        let folder = relative(&set.root, folder);
        set.remarks.push(DataSetRemark::ReadAs { folder, name: "good" });
    }
    seen.good.push(name);
}

/// The good photos of `train` or `validation`: those of its folders that are called good; without such a folder its own.
fn good_photos(set: &mut DataSet, seen: &mut Seen, folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let listing = Listing::read(folder)?;
    set.left_out.files.extend(listing.others);
    let name = |folder: &PathBuf| folder.file_name().unwrap_or_default().to_owned();
    let (good, others): (Vec<PathBuf>, Vec<PathBuf>) =
        listing.folders.into_iter().partition(|folder| is_good(&name(folder)));
    for other in others {
        if may_be_good(&name(&other)) {
            set.remarks.push(DataSetRemark::MayBeGood { name: relative(&set.root, &other), in_training: true });
        }
        set.left_out.folders.push(other);
    }
    if good.is_empty() {
        let photos = good_of(set, folder, listing.images);
        if !photos.is_empty() {
            set.remarks.push(DataSetRemark::TakenAsGood { folder: relative(&set.root, folder), photos: photos.len() });
        }
        return Ok(photos);
    }
    set.left_out.files.extend(listing.images);
    let mut photos = Vec::new();
    for folder in good {
        remark_on_name(set, seen, &folder);
        let OfKind { photos: found, masks, .. } = of_kind(set, seen, &folder)?;
        if let Some(first) = masks.first() {
            let (folder, first) = (relative(&set.root, &folder), file_name(first));
            set.remarks.push(DataSetRemark::MasksBesidePhotos { folder, masks: masks.len(), first });
        }
        photos.extend(found);
    }
    photos.sort();
    Ok(photos)
}

/// The labelled photos with their masks.
fn read_test(set: &mut DataSet, seen: &mut Seen, folder: &Path, found: Option<&Path>) -> Result<(), DatasetError> {
    let listing = Listing::read(folder)?;
    set.left_out.files.extend(listing.images);
    set.left_out.files.extend(listing.others);
    // MVTec AD 2 has the masks within the test set.
    let inner = if found.is_none() {
        ground_truth_of(&listing.folders)
    } else {
        folder_named(&listing.folders, "ground_truth")
    };
    if found.is_some() {
        set.left_out.folders.extend(inner.map(Path::to_path_buf));
    }
    let found = found.or(inner);
    if let Some(folder) = found.filter(|folder| !file_name(folder).eq_ignore_ascii_case("ground_truth")) {
        set.remarks.push(DataSetRemark::ReadAs { folder: relative(&set.root, folder), name: "ground_truth" });
    }
    let masks = found.map(Listing::read).transpose()?.unwrap_or_default();
    set.orphan_masks.extend(masks.images);
    set.left_out.files.extend(masks.others);
    let mut used = Vec::new();
    for kind in listing.folders.iter().filter(|folder| Some(folder.as_path()) != inner) {
        let of_kind = of_kind(set, seen, kind)?;
        let masks = mask_folder(&masks.folders, kind);
        used.extend(masks.clone());
        read_kind(set, seen, kind, of_kind, masks.as_deref(), found)?;
    }
    // Masks of kinds that are not there.
    for folder in masks.folders.iter().filter(|folder| !used.contains(folder)) {
        let found = Listing::read(folder)?;
        set.orphan_masks.extend(found.images);
        for folder in found.folders {
            set.orphan_masks.extend(Listing::read(&folder)?.images);
        }
    }
    Ok(())
}

/// The folder with the masks of a kind: of the very name, else of the name in another case or with other blanks.
fn mask_folder(folders: &[PathBuf], kind: &Path) -> Option<PathBuf> {
    let very = folders.iter().find(|folder| folder.file_name() == kind.file_name());
    very.map(PathBuf::as_path).or_else(|| folder_named(folders, file_name(kind).trim())).map(Path::to_path_buf)
}

/// The photos of one kind.
fn read_kind(
    set: &mut DataSet,
    seen: &mut Seen,
    folder: &Path,
    of_kind: OfKind,
    masks: Option<&Path>,
    truth_folder: Option<&Path>,
) -> Result<(), DatasetError> {
    let name = file_name(folder);
    let is_anomalous = !is_good(folder.file_name().unwrap_or_default());
    let kind = if is_anomalous { name.clone() } else { "good".to_owned() };
    if !is_anomalous && !of_kind.photos.is_empty() {
        remark_on_name(set, seen, folder);
    } else if is_anomalous && may_be_good(folder.file_name().unwrap_or_default()) {
        set.remarks.push(DataSetRemark::MayBeGood { name: relative(&set.root, folder), in_training: false });
    }
    let mut candidates = of_kind.masks;
    for folder in [masks, of_kind.gt.as_deref()].into_iter().flatten() {
        let found = Listing::read(folder)?;
        candidates.extend(found.images);
        candidates.extend(found.folders);
        set.left_out.files.extend(found.others);
    }
    let assigned = assign(&of_kind.photos, &candidates);
    for orphan in assigned.orphans {
        set.orphan_masks.extend(if orphan.is_dir() { Listing::read(&orphan)?.images } else { vec![orphan] });
    }
    let truth_folder = truth_folder.map_or_else(|| "ground_truth".to_owned(), |folder| relative(&set.root, folder));
    for (path, mask) in of_kind.photos.into_iter().zip(assigned.masks) {
        let image = relative(&set.root, &path);
        if !is_anomalous {
            set.masks_of_good += usize::from(mask.is_ok());
            set.test.push(TestImage {
                path,
                relative: image,
                kind: kind.clone(),
                is_anomalous,
                masks: Vec::new(),
                mask_fault: None,
            });
            continue;
        }
        let stem = file_name(Path::new(path.file_stem().unwrap_or_default()));
        let expected = match &of_kind.gt {
            Some(gt) => format!("{}/{stem}.png", relative(&set.root, gt)),
            None => format!("{truth_folder}/{name}/{stem}_mask.png"),
        };
        seen.mask_folders |= mask.as_ref().is_ok_and(|mask| mask.is_dir());
        let (masks, mask_fault) = truth(&set.root, &path, mask, expected)?;
        set.test.push(TestImage { path, relative: image, kind: kind.clone(), is_anomalous, masks, mask_fault });
    }
    Ok(())
}
