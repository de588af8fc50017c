//! What lies in the folders of a data set and is not read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::listing::{extension, is_result};

/// Files and folders that were found where photos lie and are not read.
///
/// Its text is one line with counts: `5 files (.heic, .gif), 1 folder`, the most frequent extension first.
///
/// What is hidden (`.name`), `Thumbs.db` and `desktop.ini` are not counted; beside the folders of a data set, where readme and
/// licence lie, only pictures are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// Files: not of a format that is read, or not where photos are looked for.
    pub files: Vec<PathBuf>,
    /// Folders: below those that are searched, without a photo, or of no known name.
    pub folders: Vec<PathBuf>,
}

impl LeftOut {
    /// Whether nothing was left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }

    /// How many files of each extension: lower case, without the dot; empty for files without one.
    #[must_use]
    pub fn extensions(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for file in &self.files {
            *counts.entry(extension(file)).or_default() += 1;
        }
        counts
    }
}

/// Extensions that the line names.
const NAMED: usize = 6;

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.files.is_empty() {
            let mut counts: Vec<(String, usize)> = self.extensions().into_iter().collect();
            counts.sort_by(|(a, more), (b, less)| less.cmp(more).then(a.cmp(b)));
            let mut names: Vec<String> = counts.iter().take(NAMED).map(|(extension, _)| named(extension)).collect();
            if counts.len() > NAMED {
                names.push("..".to_owned());
            }
            parts.push(format!("{} ({})", counted(self.files.len(), "file"), names.join(", ")));
        }
        if !self.folders.is_empty() {
            parts.push(counted(self.folders.len(), "folder"));
        }
        f.write_str(&if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") })
    }
}

/// An extension as the line names it; what no format is called stays unsaid, so that a name cannot forge a line.
fn named(extension: &str) -> String {
    match extension {
        "" => "no extension".to_owned(),
        extension if is_result(extension) => format!(".{extension}"),
        extension if extension.len() <= 12 && extension.chars().all(char::is_alphanumeric) => format!(".{extension}"),
        _ => "an odd extension".to_owned(),
    }
}

/// `1 file`, `2 files`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_has_the_counts() {
        let line = |files: &[&str], folders: &[&str]| {
            let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect();
            LeftOut { files: paths(files), folders: paths(folders) }.to_string()
        };
        assert_eq!(
            line(&["1.HEIC", "2.heic", "3.heic", "4.gif", "5.heic"], &["sub"]),
            "5 files (.heic, .gif), 1 folder"
        );
        assert_eq!(
            line(&["1.png.overlay.png", "2.jpg.Overlay.PNG", "1.png.map.tiff", "1.png.pair.png"], &[]),
            "4 files (.overlay.png, .map.tiff, .pair.png)"
        );
        assert_eq!(line(&["README"], &[]), "1 file (no extension)");
        assert_eq!(line(&[], &["a", "b"]), "2 folders");
        assert_eq!(line(&["a.x\n0.0 good"], &[]), "1 file (an odd extension)");
        assert_eq!(
            line(&["1.a", "2.b", "3.c", "4.d", "5.e", "6.f", "7.g"], &[]),
            "7 files (.a, .b, .c, .d, .e, .f, ..)"
        );
        assert_eq!(line(&[], &[]), "nothing");
    }
}
