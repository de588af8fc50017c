//! `VisA` (<https://github.com/amazon-science/spot-diff>): `<object>/Data/Images/{Normal,Anomaly}`, `<object>/Data/Masks/Anomaly`, and one
//! table for all objects, `split_csv/1cls.csv`, which alone tells training photos from test photos: both lie in `Normal`.

use std::path::{Path, PathBuf};

use super::named::{folder_named, several_named};
use super::truth::truth;
use crate::listing::{Listing, file_name, relative};
use crate::mask_names::assign;
use crate::{DataSet, DataSetRemark, DatasetError, Layout, TestImage};

/// The table, from the folder that holds the objects.
const TABLE: [&str; 2] = ["split_csv", "1cls.csv"];

/// `Data/Images` and `Data` of an object's folder.
pub(super) fn images_of(listing: &Listing) -> Option<(PathBuf, PathBuf)> {
    let data = folder_named(&listing.folders, "Data")?;
    let inner = Listing::read(data).ok()?;
    Some((folder_named(&inner.folders, "Images")?.to_path_buf(), data.to_path_buf()))
}

/// An object of the set, or the folder of one object alone; `None` for a folder of another layout.
pub(super) fn open(root: &Path, top: &Listing) -> Result<Option<DataSet>, DatasetError> {
    if let Some((images, data)) = images_of(top) {
        // `.` has no name and no folder above it.
        let real = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        let table = real.parent().map(|above| TABLE.iter().fold(above.to_path_buf(), |path, part| path.join(part)));
        return match table.filter(|table| table.is_file()) {
            Some(table) => with_table(root, &file_name(&real), &table, &images, &data).map(Some),
            None => without_table(root, &images, &data)
                .map(|set| Some(set).filter(|set| !(set.train.is_empty() && set.test.is_empty()))),
        };
    }
    // Beside photos or the folders of another layout an object is a folder like any other.
    if !top.images.is_empty() || ["train", "test"].iter().any(|name| folder_named(&top.folders, name).is_some()) {
        return Ok(None);
    }
    let objects: Vec<&PathBuf> = top
        .folders
        .iter()
        .filter(|folder| Listing::read(folder).is_ok_and(|inner| images_of(&inner).is_some()))
        .collect();
    match objects.as_slice() {
        [] => Ok(None),
        [object] => open(object, &Listing::read(object)?),
        [first, ..] => {
            Err(several_named(root, first, &objects.iter().map(|object| file_name(object)).collect::<Vec<_>>()))
        }
    }
}

/// `Data/Masks/Anomaly`.
fn masks_of(data: &Path) -> Result<Listing, DatasetError> {
    let folder = |path: &Path, name| -> Result<Option<PathBuf>, DatasetError> {
        Ok(folder_named(&Listing::read(path)?.folders, name).map(Path::to_path_buf))
    };
    let Some(masks) = folder(data, "Masks")? else { return Ok(Listing::default()) };
    Ok(folder(&masks, "Anomaly")?.map(|folder| Listing::read(&folder)).transpose()?.unwrap_or_default())
}

/// Without the table every normal photo is a training photo.
fn without_table(root: &Path, images: &Path, data: &Path) -> Result<DataSet, DatasetError> {
    let mut set = DataSet::new(root.to_path_buf(), Layout::Visa);
    let folders = Listing::read(images)?.folders;
    if let Some(normal) = folder_named(&folders, "Normal") {
        let listing = Listing::read(normal)?;
        (set.train, set.left_out.files, set.left_out.folders) = (listing.images, listing.others, listing.folders);
    }
    let masks = masks_of(data)?;
    if let Some(anomaly) = folder_named(&folders, "Anomaly") {
        let listing = Listing::read(anomaly)?;
        set.left_out.files.extend(listing.others);
        set.left_out.folders.extend(listing.folders);
        let assigned = assign(&listing.images, &masks.images);
        set.orphan_masks = assigned.orphans;
        for (path, mask) in listing.images.into_iter().zip(assigned.masks) {
            let image = relative(root, &path);
            let stem = file_name(Path::new(path.file_stem().unwrap_or_default()));
            let (masks, mask_fault) = truth(root, &path, mask, format!("Data/Masks/Anomaly/{stem}.png"))?;
            set.test.push(TestImage {
                path,
                relative: image,
                kind: "anomaly".to_owned(),
                is_anomalous: true,
                masks,
                mask_fault,
            });
        }
    }
    set.remarks.push(DataSetRemark::NoSplit {
        instead: format!(
            "without {} beside the object all photos in Normal are, and the test has no good ones",
            TABLE.join("/")
        ),
    });
    Ok(set)
}

#[cfg(not(feature = "csv"))]
fn with_table(_: &Path, _: &str, table: &Path, _: &Path, _: &Path) -> Result<DataSet, DatasetError> {
    Err(DatasetError::LeftOutFeature { path: table.to_path_buf(), feature: "csv" })
}

#[cfg(feature = "csv")]
fn with_table(root: &Path, object: &str, path: &Path, images: &Path, data: &Path) -> Result<DataSet, DatasetError> {
    use super::table::Table;
    use crate::good_names::is_good;
    use crate::listing::is_photo_name;
    use crate::{MaskFault, one_line, path_of_text};

    let table = Table::read(path)?;
    let [of_object, split, label, image, mask] =
        ["object", "split", "label", "image", "mask"].map(|name| table.column(name));
    let (of_object, split, label, image, mask) = (of_object?, split?, label?, image?, mask?);
    let mut set = DataSet::new(root.to_path_buf(), Layout::Visa);
    let mut objects = std::collections::BTreeSet::new();
    let mut named = std::collections::HashSet::new();
    for row in table.rows()? {
        if !row.cell(of_object).eq_ignore_ascii_case(object) {
            objects.insert(row.cell(of_object).to_owned());
            continue;
        }
        // `candle/Data/Images/Normal/0836.JPG`, from the folder that holds the objects.
        let own = |cell: &str| {
            let inner = cell.split_once('/').filter(|(first, _)| first.eq_ignore_ascii_case(object));
            inner.map_or(cell, |(_, inner)| inner).to_owned()
        };
        let relative = own(row.cell(image));
        let photo = root.join(path_of_text(&relative));
        named.insert(photo.clone());
        let is_anomalous = !is_good(row.cell(label).as_ref());
        match (row.cell(split), is_anomalous) {
            ("train", false) => set.train.push(photo),
            ("test", _) => {
                let cell = row.cell(mask);
                let masks: Vec<PathBuf> = (is_anomalous && !cell.is_empty())
                    .then(|| root.join(path_of_text(&own(cell))))
                    .into_iter()
                    .collect();
                let mask_fault = (is_anomalous && masks.is_empty()).then(|| MaskFault::Missing {
                    image: relative.clone(),
                    expected: format!("its path in the column mask of {}", TABLE.join("/")),
                });
                let kind = if is_anomalous { row.cell(label).to_owned() } else { "good".to_owned() };
                set.test.push(TestImage { path: photo, relative, kind, is_anomalous, masks, mask_fault });
            }
            ("train", true) => {
                return Err(table.problem(row.line, "label", "a training photo is defective".to_owned()));
            }
            (other, _) => {
                let problem = format!("`{}` is no split; expected train or test", one_line(other));
                return Err(table.problem(row.line, "split", problem));
            }
        }
    }
    if named.is_empty() {
        let known = objects.into_iter().collect::<Vec<_>>().join(", ");
        let problem = format!(
            "has no rows of `{object}`; it has {known}: the object's folder must have the name that the table gives it"
        );
        return Err(table.problem(1, "object", problem));
    }
    let used: std::collections::HashSet<&PathBuf> = set.test.iter().flat_map(|image| &image.masks).collect();
    set.orphan_masks = masks_of(data)?.images.into_iter().filter(|mask| !used.contains(mask)).collect();
    set.train.sort();
    set.test.sort_by(|a, b| a.path.cmp(&b.path));
    for folder in Listing::read(images)?.folders {
        let listing = Listing::read(&folder)?;
        let images = listing.images.into_iter().filter(|file| is_photo_name(file) && !named.contains(file));
        set.left_out.files.extend(images);
        set.left_out.files.extend(listing.others);
        set.left_out.folders.extend(listing.folders);
    }
    Ok(set)
}
