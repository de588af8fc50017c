//! Where results go: stdout, and files in folders that are made when needed.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use patchcore::{Model, Remarks, Threshold, path_text};
use serde::Serialize;

use crate::arguments::Format;
use crate::hint;

/// Writes text to stdout; an error instead of a panic where `println!` panics.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write the results to stdout")
}

/// Writes rows to stdout for programs: JSON, JSON lines or CSV. (A table is each command's own.)
pub fn print_rows<T: Serialize>(rows: &[T], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json | Format::Table => print(&format!("{}\n", serde_json::to_string_pretty(rows)?)),
        Format::Jsonl => {
            let lines = rows.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
            print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in rows {
                writer.serialize(row)?;
            }
            let bytes = writer.into_inner().map_err(|error| error.into_error())?;
            print(&String::from_utf8_lossy(&bytes))
        }
    }
}

/// Writes a line to stderr. Nobody may be reading it (`2>&1 | head`): then the work goes on, where `eprintln!` panics.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Warns of what is odd about photos that were taken all the same, once each.
pub fn warn_of(remarks: &Remarks) {
    remarks.lines().for_each(|line| tracing::warn!("{line}"));
}

/// Says so where training photos cannot be known by what they show.
pub fn note_unknown_photos(model: &Model) {
    if !model.knows_its_photos() {
        note(
            "the model's file does not say what its training photos show (earlier versions kept their names alone): they are \
             known by their paths, and copies of them are not found; fit again to have them known",
        );
    }
}

/// Says where the threshold of the verdicts comes from, and when it ceases to hold.
pub fn note_threshold(model: &Model) {
    if let Some(Threshold { value, origin }) = model.thresholds().image {
        note(&format!("image threshold {value}: {origin}; {}", origin.holds_until()));
    }
}

/// Whether an error means that nobody reads stdout any more.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .root_cause()
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Makes a folder and the folders above it.
pub fn make_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path)
        .with_context(|| format!("cannot make the folder {}: check that its parent is writable", path.display()))
}

/// An error with the file it concerns in front, unless its own text names it, and the option that helps.
pub fn naming(file: &str, error: &patchcore::Error) -> String {
    let text = error.to_string();
    let named = if text.contains(file) { text } else { format!("{file}: {text}") };
    hint::of_error(error).map_or_else(|| named.clone(), |hint| format!("{named} ({hint})"))
}

/// Finds out before long work whether its result has a place: a folder that is there, and no folder of that name in it.
pub fn check_place(file: &Path) -> anyhow::Result<()> {
    let path = file.display();
    anyhow::ensure!(!file.is_dir(), "cannot write {path}: it is a folder, expected a file name; add one to it");
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = folder.display();
    anyhow::ensure!(folder.exists(), "cannot write {path}: the folder {shown} does not exist; make it first");
    anyhow::ensure!(folder.is_dir(), "cannot write {path}: {shown} is a file, expected a folder; name another place");
    Ok(())
}

/// File names in a folder for photos from anywhere: the photo's own name, with its folder in front where two photos
/// share a name, and a number where that is not enough.
pub struct FileNames {
    taken: std::collections::HashSet<String>,
}

impl FileNames {
    /// No name is taken.
    pub fn new() -> Self {
        Self { taken: std::collections::HashSet::new() }
    }

    /// A free name for a photo's result.
    pub fn name(&mut self, photo: &Path, extension: &str) -> PathBuf {
        let stem = path_text(Path::new(photo.file_stem().unwrap_or_default()));
        let folder = photo.parent().and_then(Path::file_name).map(|name| path_text(Path::new(name)));
        let mut candidates = std::iter::once(stem.clone())
            .chain(folder.map(|folder| format!("{folder}_{stem}")))
            .chain((2..).map(|number| format!("{stem}_{number}")));
        // The chain is endless: one of the numbers is free.
        let free = candidates.find(|name| !self.taken.contains(name)).unwrap_or(stem);
        self.taken.insert(free.clone());
        PathBuf::from(format!("{free}.{extension}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_result_overwrites_another() {
        let mut names = FileNames::new();
        let photos = ["a/000.png", "b/000.png", "b/000.jpg", "000.png"];
        let found: Vec<PathBuf> = photos.iter().map(|photo| names.name(Path::new(photo), "npy")).collect();
        assert_eq!(found, ["000.npy", "b_000.npy", "000_2.npy", "000_3.npy"].map(PathBuf::from));
    }
}
