//! A manifest: a table with a row for each photo, `image_path[, label, mask_path, split, product]`, paths from the table's folder.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::manifest_row::ManifestRow;
use super::named::several_named;
use crate::good_names::{is_good, may_be_good};
use crate::listing::Listing;
use crate::{DataSet, DataSetRemark, DatasetError, Layout, MaskFault, TestImage, one_line, path_of_text};

#[cfg(not(feature = "csv"))]
pub(super) fn open(path: &Path, _: Option<&OsStr>) -> Result<DataSet, DatasetError> {
    Err(DatasetError::LeftOutFeature { path: path.to_path_buf(), feature: "csv" })
}

/// Reads a CSV file; of several products the one that is named.
#[cfg(feature = "csv")]
pub(super) fn open(path: &Path, product: Option<&OsStr>) -> Result<DataSet, DatasetError> {
    use super::table::Table;

    let table = Table::read(path)?;
    let [image_path, others @ ..] = ManifestRow::COLUMNS;
    let is_visa = ["object", "image"].iter().all(|name| table.header().iter().any(|column| column == name));
    if is_visa && !table.header().iter().any(|column| column == image_path) {
        let problem = "this is the table of VisA; name the folder of an object: visa/candle".to_owned();
        return Err(table.problem(1, "header", problem));
    }
    let image_column = table.column(image_path)?;
    let columns = others.map(|name| table.header().iter().position(|column| column == name));
    let rows = table.rows()?.into_iter().map(|row| {
        let cell = |column: Option<usize>| column.map(|column| row.cell(column).to_owned());
        ManifestRow::new(row.line, row.cell(image_column).to_owned(), columns.map(cell))
    });
    let mut set = DataSet::of_manifest(path, rows, product)?;
    let is_unknown = |name: &&String| !ManifestRow::COLUMNS.contains(&name.as_str());
    let names: Vec<String> = table.header().iter().filter(is_unknown).cloned().collect();
    if !names.is_empty() {
        set.remarks.push(DataSetRemark::Columns { names });
    }
    Ok(set)
}

/// Whose photos a row's are.
#[derive(Clone, Copy, PartialEq)]
enum Split {
    Train,
    Validation,
    Test,
    /// The table does not say.
    Any,
}

impl DataSet {
    /// A data set from the rows of a table at `path`; of several products the one that is named. Without a column `split` every
    /// labelled photo is a test photo, and the good ones are training photos too; without a column `label` every photo for training
    /// or validation is good. Photos stay in the order of the rows.
    ///
    /// # Errors
    /// [`DatasetError::Manifest`] with line and column, [`DatasetError::SeveralDataSets`] for several products of which none is
    /// named.
    pub fn of_manifest(
        path: &Path,
        rows: impl IntoIterator<Item = ManifestRow>,
        product: Option<&OsStr>,
    ) -> Result<DataSet, DatasetError> {
        let rows = of_product(path, rows.into_iter().collect(), product)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let problem = |row: &ManifestRow, column: &str, problem: String| DatasetError::Manifest {
            path: path.to_path_buf(),
            line: row.line,
            place: format!("column {column}"),
            problem,
        };
        let mut set = DataSet::new(path.to_path_buf(), Layout::Manifest);
        let (mut photos, mut owners): (HashMap<PathBuf, u64>, HashMap<PathBuf, u64>) = (HashMap::new(), HashMap::new());
        let (mut defective_training, mut unlabelled, mut without_split) = (0, 0, false);
        let mut doubtful = BTreeSet::new();
        for row in &rows {
            if row.image_path.is_empty() {
                return Err(problem(row, "image_path", "the cell is empty; name a photo or delete the row".to_owned()));
            }
            let photo = folder.join(path_of_text(&row.image_path));
            if let Some(line) = photos.insert(photo.clone(), row.line) {
                let text = format!("`{}` is in line {line} too; delete one of the rows", one_line(&row.image_path));
                return Err(problem(row, "image_path", text));
            }
            let split = split(row).map_err(|text| problem(row, "split", text))?;
            without_split |= split == Split::Any;
            let label = match row.label.as_deref().map(str::trim) {
                Some("") => {
                    let text = "the cell is empty; write good, or the kind of defect".to_owned();
                    return Err(problem(row, "label", text));
                }
                label => label,
            };
            let Some(label) = label else {
                match split {
                    Split::Train | Split::Any => set.train.push(photo),
                    Split::Validation => set.validation.push(photo),
                    Split::Test => unlabelled += 1,
                }
                continue;
            };
            let is_anomalous = label != "0" && !is_good(label.as_ref());
            if is_anomalous && may_be_good(label.as_ref()) {
                doubtful.insert(label.to_owned());
            }
            match split {
                Split::Train | Split::Validation if is_anomalous => defective_training += 1,
                Split::Train => set.train.push(photo.clone()),
                Split::Validation => set.validation.push(photo.clone()),
                Split::Any if !is_anomalous => set.train.push(photo.clone()),
                Split::Test | Split::Any => {}
            }
            if !matches!(split, Split::Test | Split::Any) {
                continue;
            }
            let mask =
                row.mask_path.as_deref().filter(|mask| !mask.is_empty()).map(|mask| folder.join(path_of_text(mask)));
            let masks = match mask {
                Some(_) if !is_anomalous => {
                    set.masks_of_good += 1;
                    Vec::new()
                }
                Some(mask) => {
                    if let Some(line) = owners.insert(mask.clone(), row.line) {
                        let text =
                            format!("{} is the mask of line {line} too; give each photo its own", mask.display());
                        return Err(problem(row, "mask_path", text));
                    }
                    if mask.is_dir() { Listing::read(&mask)?.images } else { vec![mask] }
                }
                None => Vec::new(),
            };
            let mask_fault = (is_anomalous && masks.is_empty()).then(|| MaskFault::Missing {
                image: row.image_path.clone(),
                expected: "its path in the column mask_path".to_owned(),
            });
            set.test.push(TestImage {
                path: photo,
                relative: row.image_path.clone(),
                kind: if is_anomalous { label.to_owned() } else { "good".to_owned() },
                is_anomalous,
                masks,
                mask_fault,
            });
        }
        if without_split && !set.test.is_empty() && !set.train.is_empty() {
            let instead = "the good photos are training photos and test photos".to_owned();
            set.remarks.push(DataSetRemark::NoSplit { instead });
        }
        if defective_training > 0 {
            let told_by = "the column label";
            set.remarks.push(DataSetRemark::DefectiveTraining { photos: defective_training, told_by });
        }
        if unlabelled > 0 {
            set.remarks.push(DataSetRemark::Unlabelled { folder: "the split test".to_owned(), photos: unlabelled });
        }
        set.remarks.extend(doubtful.into_iter().map(|name| DataSetRemark::MayBeGood { name, in_training: false }));
        Ok(set)
    }
}

fn split(row: &ManifestRow) -> Result<Split, String> {
    let Some(split) = &row.split else { return Ok(Split::Any) };
    match split.trim().to_lowercase().as_str() {
        "train" | "training" => Ok(Split::Train),
        "val" | "valid" | "validation" | "calibration" => Ok(Split::Validation),
        "test" | "testing" => Ok(Split::Test),
        _ => Err(format!("`{}` is no split; expected train, validation or test", one_line(split))),
    }
}

/// The rows of one product.
fn of_product(path: &Path, rows: Vec<ManifestRow>, product: Option<&OsStr>) -> Result<Vec<ManifestRow>, DatasetError> {
    let known: BTreeSet<String> = rows.iter().filter_map(|row| row.product.clone()).collect();
    let names: Vec<String> = known.into_iter().collect();
    let Some(product) = product else {
        return match names.as_slice() {
            [first, _, ..] => Err(several_named(path, &path.join(first), &names)),
            _ => Ok(rows),
        };
    };
    let own: Vec<ManifestRow> =
        rows.into_iter().filter(|row| row.product.as_deref().is_some_and(|name| OsStr::new(name) == product)).collect();
    if own.is_empty() {
        let known = if names.is_empty() { "no column product".to_owned() } else { names.join(", ") };
        return Err(DatasetError::Manifest {
            path: path.to_path_buf(),
            line: 1,
            place: "column product".to_owned(),
            problem: format!(
                "no rows of `{}`; found {}; name one of these",
                one_line(&product.to_string_lossy()),
                one_line(&known)
            ),
        });
    }
    Ok(own)
}
