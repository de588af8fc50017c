//! What can be wrong with a folder of photos. Every variant names the folder and the remedy.

use std::io;
use std::path::PathBuf;

use crate::Layout;

/// A folder that is not the data set it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Nothing is there.
    #[error("folder {path} does not exist; check the path", path = path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// A file where a folder should be.
    #[error(
        "{path} is a file, expected a folder of images or a manifest (*.csv); name the folder that holds it", path = path.display()
    )]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder cannot be listed.
    #[error("cannot read {path}: {source}; check its permissions", path = path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder holds no image.
    #[error(
        "no images in {path}: looked for {looked_for} in the folder itself (not in folders below it) and found {found} \
         other entries{named}; put photos there or name another folder", path = path.display()
    )]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// Extensions and folders that were looked for.
        looked_for: String,
        /// Entries that are no images.
        found: usize,
        /// The folders among them and what was decided about them, as ` (folders: a, b)`; empty without any.
        named: String,
    },
    /// A data set has no photos to fit on.
    #[error(
        "no good photos to fit on in {path} ({layout}): looked for a folder train/good (or ok, normal) with photos, and left out \
         {left_out}; put photos of good parts there or name another folder", path = path.display()
    )]
    NoTraining {
        /// The folder.
        path: PathBuf,
        /// What it was understood as.
        layout: Layout,
        /// What was not read.
        left_out: String,
    },
    /// A data set has no photos to judge with.
    #[error(
        "{path} has no test images ({layout}): expected test/<kind>/ with photos, good ones in test/good, and left out {left_out}; \
         put labelled photos there or name another folder", path = path.display()
    )]
    NoTest {
        /// The folder.
        path: PathBuf,
        /// What it was understood as.
        layout: Layout,
        /// What was not read.
        left_out: String,
    },
    /// The folder holds several data sets, of which a model learns one.
    #[error(
        "{path} holds {}: {names}; name one: {first}", if *count == 1 { "a data set".to_owned() } else { format!("{count} data sets") },
        path = path.display(), first = first.display()
    )]
    SeveralDataSets {
        /// The folder, or the manifest.
        path: PathBuf,
        /// How many.
        count: usize,
        /// Their names.
        names: String,
        /// The path of the first.
        first: PathBuf,
    },
    /// A table does not say what it should.
    #[error("{path}, line {line}, {place}: {problem}", path = path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// The line, from 1; the header is line 1.
        line: u64,
        /// The column, or `header`.
        place: String,
        /// What was found, what was expected and what to do.
        problem: String,
    },
    /// A layout needs a part of this library that is not compiled in.
    #[error("{path} cannot be read: enable the feature `{feature}` of patchcore", path = path.display())]
    LeftOutFeature {
        /// The file.
        path: PathBuf,
        /// The cargo feature.
        feature: &'static str,
    },
}
