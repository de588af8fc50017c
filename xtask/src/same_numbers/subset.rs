//! A small MVTec category of the first photos of each set, copied.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use patchcore_testing::files;

/// Photos to fit on.
const TRAIN: usize = 16;
/// Good photos to score and to calibrate with: as many as a false-positive rate of 20 % needs.
const GOOD: usize = 14;
/// Defective photos of each kind.
const DEFECTIVE: usize = 3;
/// The rate that [`GOOD`] photos support with a confidence of 95 %.
pub const FPR: &str = "0.2";

/// The photos of a case, in the order in which they are scored.
pub struct Subset {
    /// The category's folder.
    pub root: PathBuf,
    /// All test photos: good ones, then kind by kind.
    pub photos: Vec<PathBuf>,
}

/// Copies the first photos of the category `from` into `to`.
///
/// # Errors
/// A folder that is not there, or without photos.
pub fn subset(from: &Path, to: &Path) -> anyhow::Result<Subset> {
    let photos = |folder: &str, count: usize| -> anyhow::Result<Vec<PathBuf>> {
        let found = files(&from.join(folder))?;
        found.iter().take(count).map(|path| copy(path, &to.join(folder))).collect()
    };
    photos("train/good", TRAIN)?;
    let mut test = photos("test/good", GOOD)?;
    ensure!(test.len() == GOOD, "{} has less than {GOOD} good test photos", from.display());
    for kind in files(&from.join("test"))? {
        let kind = kind.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if kind == "good" {
            continue;
        }
        let defective = photos(&format!("test/{kind}"), DEFECTIVE)?;
        for path in &defective {
            let name = format!("{}_mask.png", path.file_stem().unwrap_or_default().to_string_lossy());
            let folder = format!("ground_truth/{kind}");
            copy(&from.join(&folder).join(name), &to.join(&folder))?;
        }
        test.extend(defective);
    }
    Ok(Subset { root: to.to_owned(), photos: test })
}

fn copy(from: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let to = folder.join(from.file_name().context("a photo without a name")?);
    std::fs::copy(from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(to)
}
