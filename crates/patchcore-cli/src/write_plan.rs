//! What a command will write, held against what it reads and what is there, before any work: no output lands on an input, and
//! nothing that this program did not write is replaced unless `--force` says so.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use patchcore::metrics::{Results, ResultsError, RunFile, StressResults};
use patchcore::{DataSet, path_text};
use patchcore_report::OwnFile;

use crate::identity::Identity;
use crate::output::{self, make_folder};

/// What a file is that a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of `fit`.
    Model,
    /// A picture, an array or a page.
    Report(OwnFile),
    /// metrics.json.
    Metrics,
    /// scores.csv.
    Scores,
    /// run.json.
    Run,
    /// replicates.json.
    Replicates,
    /// stress.json.
    Stress,
    /// stress.csv.
    StressTable,
    /// The JSON of `doctor`.
    Examination,
    /// device-check.json.
    DeviceCheck,
    /// device-check.md.
    DeviceCheckPage,
    /// The page of `reproduce`.
    ReproducePage,
    /// What `reproduce` keeps of a run.
    ReproduceRecord,
    /// A page of `man`.
    ManualPage,
}

/// Files that a command reads.
pub struct WritePlan {
    force: bool,
    read: HashMap<Identity, PathBuf>,
    /// Folders in which photos or masks lie that are read, each with one of these.
    folders: HashMap<Identity, PathBuf>,
}

impl WritePlan {
    /// Nothing is read yet.
    pub fn new(force: bool) -> Self {
        Self { force, read: HashMap::new(), folders: HashMap::new() }
    }

    /// These are read.
    pub fn reads<'p>(mut self, files: impl IntoIterator<Item = &'p Path>) -> Self {
        for file in files {
            if let Some(identity) = Identity::of(file) {
                self.read.insert(identity, file.to_owned());
            }
        }
        self
    }

    /// These photos or masks are read; pictures of results do not belong into their folders.
    pub fn reads_photos<'p>(mut self, photos: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut last = None;
        for photo in photos {
            let folder = match photo.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            if last != Some(folder)
                && let Some(identity) = Identity::of(folder)
            {
                self.folders.insert(identity, photo.to_owned());
            }
            last = Some(folder);
            self = self.reads([photo]);
        }
        self
    }

    /// All photos and masks of a data set are read, and its table.
    pub fn reads_set(self, set: &DataSet) -> Self {
        let table = std::iter::once(set.root.as_path()).chain(set.root.parent()).filter(|table| table.is_file());
        let tests = set.test.iter().flat_map(|image| std::iter::once(&image.path).chain(&image.masks));
        let photos = set.train.iter().chain(&set.validation).chain(tests).chain(&set.orphan_masks);
        self.reads(table).reads_photos(photos.map(PathBuf::as_path))
    }

    /// A file that the user has named, in a folder that is there.
    pub fn file(&self, path: &Path, kind: Kind) -> anyhow::Result<()> {
        output::check_place(path)?;
        self.replaced(path, kind)?;
        Ok(patchcore::check_place(path)?)
    }

    /// A folder for results, which is made.
    pub fn folder(&self, folder: &Path) -> anyhow::Result<()> {
        if let Some(photo) = Identity::of(folder).and_then(|identity| self.folders.get(&identity))
            && !self.force
        {
            bail!(
                "cannot write results into {}: {} lies there, which is read; name another folder (--force writes there all the \
                 same, beside the photos)",
                folder.display(),
                path_text(photo)
            );
        }
        make_folder(folder)?;
        // Any name: what is found out is whether files can be made there.
        patchcore::check_place(&folder.join("patchcore"))
            .with_context(|| format!("cannot write results into {}", folder.display()))
    }

    /// A file in a folder for results.
    pub fn replaced(&self, path: &Path, kind: Kind) -> anyhow::Result<()> {
        let Some(identity) = Identity::of(path) else { return Ok(()) };
        let shown = path_text(path);
        if let Some(read) = self.read.get(&identity) {
            let read = path_text(read);
            let same = if read == shown { String::new() } else { format!("the same file as {read}, ") };
            bail!("cannot write {shown}: it is {same}which this command reads; name another place");
        }
        // A device or pipe has no content to lose, and what is no file is refused where it is written.
        if self.force || !path.is_file() {
            return Ok(());
        }
        ensure!(
            kind.made(path).with_context(|| format!("cannot look at {shown}, which is there already"))?,
            "cannot write {shown}: a file that patchcore did not write is there; name another place, or replace it with --force"
        );
        check_names(path)
    }

    /// The file that a command is asked to change, and may read.
    pub fn changed(&self, path: &Path) -> anyhow::Result<()> {
        output::check_place(path)?;
        if let Some(read) = Identity::of(path).and_then(|identity| self.read.get(&identity)) {
            bail!("cannot change {}: it is read as {} too", path_text(path), path_text(read));
        }
        if !self.force {
            check_names(path)?;
        }
        Ok(patchcore::check_place(path)?)
    }

    /// Removes from `folder` what an earlier run has left there: files that end in `suffix` and are of this kind, but for those
    /// that were written now.
    pub fn clear(&self, folder: &Path, suffix: &str, kind: Kind, written: &dyn Fn(&Path) -> bool) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let is_read = || Identity::of(&path).is_some_and(|identity| self.read.contains_key(&identity));
            let is_result = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(suffix));
            if is_result && path.is_file() && !written(&path) && !is_read() && kind.made(&path).unwrap_or(false) {
                // What cannot be removed is an old picture, and no reason to lose the new results.
                let _ = std::fs::remove_file(&path);
            }
        }
    }
}

/// A file with several names gets the new content under one of them only.
fn check_names(path: &Path) -> anyhow::Result<()> {
    let names = Identity::names(path);
    ensure!(
        names < 2,
        "cannot write {}: this file has {names} names (hard links), and the others would keep the old content; name another place, \
         or use --force",
        path_text(path)
    );
    Ok(())
}

/// How much of a file is looked at where its start tells.
const START: u64 = 1 << 16;

impl Kind {
    /// Whether the file at `path` is one of this kind, or empty.
    pub fn made(self, path: &Path) -> std::io::Result<bool> {
        let is_whole = matches!(
            self,
            Kind::Metrics
                | Kind::Run
                | Kind::Stress
                | Kind::Examination
                | Kind::DeviceCheck
                | Kind::ReproduceRecord
                | Kind::Report(OwnFile::Tiff)
        );
        let mut bytes = Vec::new();
        File::open(path)?.take(if is_whole { u64::MAX } else { START }).read_to_end(&mut bytes)?;
        let starts = |start: &str| bytes.starts_with(start.as_bytes());
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        Ok(bytes.is_empty()
            || match self {
                Kind::Model => bytes.get(8) == Some(&b'{') && holds(b"\"__metadata__\":{\"patchcore\":"),
                Kind::Report(own) => own.made(&bytes),
                Kind::Metrics => is_layout(Results::from_json(&bytes), &bytes, &["/kinds", WEIGHTS]),
                Kind::Run => {
                    is_layout(RunFile::from_json(&bytes), &bytes, &["/run/data", WEIGHTS])
                        && parsed(&bytes).pointer("/run/command_line/0").is_some_and(|program| program == "patchcore")
                }
                Kind::Scores => starts("image_path,kind,label,score"),
                Kind::Stress => is_layout(StressResults::from_json(&bytes), &bytes, &["/unchanged", "/kinds", WEIGHTS]),
                Kind::StressTable => starts("kind,level,change,image_auroc"),
                Kind::DeviceCheck => has_keys(&bytes, &["took_seconds", "recorded", "drivers", "checks"]),
                Kind::DeviceCheckPage => starts("# Device check"),
                Kind::ReproducePage => starts("# PatchCore on public benchmarks"),
                Kind::ReproduceRecord => has_keys(&bytes, &["made_with", "written", "results"]),
                Kind::ManualPage => holds(b".TH patchcore"),
                Kind::Replicates => starts("{\"evaluation_sha256\":"),
                Kind::Examination => has_keys(&bytes, &["device", "precision", "decoders", "checks", "stages"]),
            })
    }
}

/// Where every file that names its model has the digest of the model's weights.
const WEIGHTS: &str = "/model/weights_sha256";

/// Whether these bytes are of a layout that was read here, or of a newer one: a version that is higher than ours is in many a file of
/// others, so that one must also hold what no layout leaves out, at these JSON pointers.
fn is_layout<T>(read: Result<T, ResultsError>, bytes: &[u8], pointers: &[&str]) -> bool {
    match read {
        Ok(_) => true,
        Err(ResultsError::NewerVersion { .. }) => {
            let value = parsed(bytes);
            pointers.iter().all(|pointer| value.pointer(pointer).is_some())
        }
        Err(_) => false,
    }
}

/// Whether these bytes are a JSON object with these keys, among others.
fn has_keys(bytes: &[u8], keys: &[&str]) -> bool {
    let value = parsed(bytes);
    keys.iter().all(|key| value.get(key).is_some())
}

/// The JSON of these bytes; null where they are none.
fn parsed(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}
