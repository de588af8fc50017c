//! The licences of others' work in the program, as one text: a table of all crates, then every text once, with the names of
//! those that come under it.
//!
//! The texts are the files that the crates carry. Some crates carry none and only name their licence: for those stands the text of
//! the SPDX list, and who the authors are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use spdx::{Expression, ParseMode};

use super::crates::Crate;
use crate::tidy::root;

/// How the names of such files begin, in small letters.
const NAMES: [&str; 7] = ["license", "licence", "copying", "copyright", "notice", "unlicense", "authors"];

/// What is in the program and is no crate: its name, its licence, the file of the text from the repository's root.
const NO_CRATES: [(&str, &str, &str); 2] = [
    ("Noto Sans (font, in the program)", "OFL-1.1", "assets/font/OFL.txt"),
    ("EfficientNet-Lite0 (weights, in the program)", "Apache-2.0", "LICENSE-APACHE"),
];

/// Texts, and whose they are.
#[derive(Default)]
struct Texts {
    /// The text with blanks and line ends made alike, to its place.
    places: BTreeMap<String, usize>,
    /// The text as it was found first, and who comes under it.
    texts: Vec<(String, Vec<String>)>,
}

impl Texts {
    /// The text's number, counted from 1.
    fn add(&mut self, text: &str, whose: String) -> usize {
        let key = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let place = *self.places.entry(key).or_insert(self.texts.len());
        match self.texts.get_mut(place) {
            Some((_, owners)) => owners.push(whose),
            None => self.texts.push((text.replace("\r\n", "\n"), vec![whose])),
        }
        place + 1
    }
}

/// The whole text for a program of these crates; those of this workspace are left out.
///
/// # Errors
/// A crate whose licence is no SPDX expression, or a file of a licence that cannot be read.
pub fn licences(title: &str, crates: &[Crate]) -> anyhow::Result<String> {
    let mut texts = Texts::default();
    let mut table = String::new();
    for (name, licence, file) in NO_CRATES {
        let text = read(&root().join(file))?;
        let number = texts.add(&text, name.to_owned());
        writeln!(table, "{name}: {licence}; text {number}")?;
    }
    let others: Vec<&Crate> = crates.iter().filter(|one| !one.is_ours()).collect();
    for one in &others {
        let name = format!("{} {}", one.id.name, one.id.version);
        let mut numbers = Vec::new();
        for file in files(one)? {
            numbers.push(texts.add(&read(&file)?, name.clone()).to_string());
        }
        if numbers.is_empty() {
            for text in standard_texts(&one.licence).with_context(|| format!("the licence of {name}"))? {
                let authors = if one.authors.is_empty() { "not named".to_owned() } else { one.authors.join(", ") };
                let whose =
                    format!("{name} (carries no file of its licence: the text of the SPDX list; authors: {authors})");
                numbers.push(texts.add(text, whose).to_string());
            }
        }
        ensure!(!numbers.is_empty(), "no text for {name}, licence `{}`", one.licence);
        writeln!(table, "{name}: {}; text {}", one.licence, numbers.join(", "))?;
    }
    let mut whole = format!(
        "{title}\n\nWhat of others' work is in it: {} crates and {} files.\n\n{table}",
        others.len(),
        NO_CRATES.len()
    );
    for (number, (text, owners)) in texts.texts.iter().enumerate() {
        let line = "=".repeat(80);
        write!(whole, "\n{line}\nText {}, of:\n", number + 1)?;
        for owner in owners {
            writeln!(whole, "  {owner}")?;
        }
        writeln!(whole, "{line}\n\n{}", text.trim_matches('\n'))?;
    }
    Ok(whole)
}

/// The files of a crate that say its licence, sorted: in its folder, in a folder of it that is called so, or where it says.
fn files(one: &Crate) -> anyhow::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = one.licence_file.iter().map(|file| one.folder.join(file)).collect();
    for path in entries(&one.folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if !NAMES.iter().any(|begins| name.starts_with(begins)) || name.ends_with(".rs") {
            continue;
        }
        if path.is_dir() {
            found.extend(entries(&path)?.into_iter().filter(|path| path.is_file()));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?)
}

fn read(file: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The texts of all licences and exceptions that an expression names, of the SPDX list.
fn standard_texts(licence: &str) -> anyhow::Result<Vec<&'static str>> {
    let expression = Expression::parse_mode(licence, ParseMode::LAX).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut texts = Vec::new();
    for named in expression.requirements() {
        texts.extend(named.req.license.id().map(spdx::LicenseId::text));
        texts.extend(named.req.addition.as_ref().and_then(spdx::AdditionItem::id).map(spdx::ExceptionId::text));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dist::crates::Id;

    fn in_folder(name: &str, folder: &Path, licence: &str) -> Crate {
        Crate {
            id: Id { name: name.to_owned(), version: "1.2.3".to_owned() },
            licence: licence.to_owned(),
            authors: vec!["A. Author".to_owned()],
            repository: None,
            licence_file: None,
            folder: folder.to_path_buf(),
            sha256: Some("ab".to_owned()),
            needs: BTreeSet::new(),
        }
    }

    #[test]
    fn a_text_of_two_crates_stands_there_once_with_both_names() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("one", "Permission\nis granted\n"), ("other", "Permission is\r\ngranted")] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("LICENSE-MIT"), text).unwrap();
            fs::write(folder.path().join(name).join("lib.rs"), "no licence").unwrap();
        }
        let crates = ["one", "other"].map(|name| in_folder(name, &folder.path().join(name), "MIT"));
        let text = licences("Licences", &crates).unwrap();
        assert_eq!(text.matches("Permission\nis granted\n").count(), 1, "{text}");
        assert!(text.contains("one 1.2.3: MIT; text 3\n") && text.contains("other 1.2.3: MIT; text 3\n"), "{text}");
        assert!(text.contains("Text 3, of:\n  one 1.2.3\n  other 1.2.3\n"), "{text}");
        assert!(!text.contains("no licence"), "{text}");
        assert!(text.contains("SIL OPEN FONT LICENSE"), "the font's licence is missing");
    }

    #[test]
    fn a_crate_without_a_file_gets_the_texts_that_its_expression_names() {
        let folder = tempfile::tempdir().unwrap();
        let text = licences("Licences", &[in_folder("bare", folder.path(), "Zlib/MIT")]).unwrap();
        assert!(text.contains("authors: A. Author") && text.contains("bare 1.2.3: Zlib/MIT; text 3, 4"), "{text}");
        assert!(text.contains("THE SOFTWARE IS PROVIDED \"AS IS\""), "{text}");
    }

    #[test]
    fn a_licence_that_nobody_knows_is_an_error_with_the_crates_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = licences("Licences", &[in_folder("odd", folder.path(), "Beerware-1")]).unwrap_err();
        assert!(format!("{error:#}").contains("odd 1.2.3"), "{error:#}");
    }
}
