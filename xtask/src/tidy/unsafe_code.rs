//! Where `unsafe` may stand. Tests and benches are excepted: files below a folder `tests` or `benches`, modules under
//! `#[cfg(test)]`.

use std::collections::BTreeSet;

use super::rust_source::{Source, is_test_file};

/// A folder, ending in a slash, or a file, and why `unsafe` cannot be done without there.
const ALLOWED: &[(&str, &str)] = &[
    ("crates/patchcore-cpu/", "vector instructions, and a team of threads that share one buffer"),
    ("crates/patchcore-core/src/engine/tensors/captured.rs", "the replay of a captured graph, which Burn cannot watch"),
    ("crates/patchcore-python/src/shared_array.rs", "values of numpy arrays, read where they lie"),
];

/// Looks at one file after the other and remembers which rows of the list were needed.
pub struct UnsafeCode {
    allowed: &'static [(&'static str, &'static str)],
    needed: BTreeSet<&'static str>,
}

impl UnsafeCode {
    /// With the project's list.
    pub fn new() -> Self {
        Self { allowed: ALLOWED, needed: BTreeSet::new() }
    }

    /// What is wrong with a file; `file` is its path from the root, with forward slashes.
    pub fn violation(&mut self, file: &str, source: &Source) -> Option<String> {
        if is_test_file(file) {
            return None;
        }
        let found = source.tokens.iter().find(|token| token.text == "unsafe")?;
        let covers = |row: &str| if row.ends_with('/') { file.starts_with(row) } else { file == row };
        let mut rows = self.allowed.iter().filter(|(row, _)| covers(row)).peekable();
        if rows.peek().is_some() {
            self.needed.extend(rows.map(|(row, _)| row));
            return None;
        }
        Some(format!(
            "{file}: line {} holds `unsafe`: write it without, move it to where `unsafe` may stand, or name the file and \
             the reason in xtask/src/tidy/unsafe_code.rs",
            found.line
        ))
    }

    /// After the last file: rows that allow what nobody needs.
    pub fn unneeded(self) -> impl Iterator<Item = String> {
        self.allowed.iter().filter(move |(row, _)| !self.needed.contains(row)).map(|(row, _)| {
            format!("xtask/src/tidy/unsafe_code.rs: `{row}` holds no `unsafe` any more: remove it from the list")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_stands_where_the_list_allows_it() {
        let mut check =
            UnsafeCode { allowed: &[("a/cpu/", "vectors"), ("a/launch.rs", "launches")], needed: BTreeSet::new() };
        let mut found = |file: &str, text: &str| check.violation(file, &Source::new(text));
        let used = "//! x\n\nfn f() {\n    unsafe { g() }\n}\n";
        for (file, text) in [
            ("a/cpu/b.rs", used),
            ("a/launch.rs", used),
            ("a/tests/it/b.rs", used),
            ("benches/src/b.rs", used),
            ("a/b.rs", "//! Not `unsafe`.\nfn f() { \"unsafe\"; }\n#[cfg(test)]\nmod tests { unsafe fn f() {} }\n"),
        ] {
            assert_eq!(found(file, text), None, "{file}");
        }
        for (file, text, line) in [
            ("a/b.rs", used, 4),
            ("a/cpu.rs", used, 4),
            ("a/launch.rs.rs", used, 4),
            ("a/b.rs", "#[unsafe(no_mangle)] fn f() {}", 1),
            ("a/b.rs", "unsafe impl Send for A {}", 1),
        ] {
            let violation = found(file, text).unwrap_or_else(|| panic!("{file} passed"));
            let expected = format!("{file}: line {line} holds `unsafe`");
            assert!(violation.starts_with(&expected) && violation.contains("unsafe_code.rs"), "{violation}");
        }
    }

    #[test]
    fn a_row_that_nobody_needs_is_found() {
        let mut check =
            UnsafeCode { allowed: &[("a/cpu/", "vectors"), ("a/launch.rs", "launches")], needed: BTreeSet::new() };
        assert_eq!(check.violation("a/cpu/b.rs", &Source::new("unsafe fn f() {}")), None);
        assert_eq!(check.violation("a/launch.rs", &Source::new("fn f() {}")), None);
        let unneeded: Vec<String> = check.unneeded().collect();
        assert_eq!(unneeded.len(), 1, "{unneeded:?}");
        assert!(unneeded[0].contains("`a/launch.rs` holds no `unsafe` any more"), "{unneeded:?}");
    }
}
