//! Names of photos as text that can be read, written and turned back into the same path: a model remembers its photos by
//! it, tables and JSON name them by it. `Path::display` will not do: it shows every name that is not UTF-8 with the
//! same replacement character, so that two photos become one and neither can be opened again.

use std::path::{Path, PathBuf};

/// A path as text. One that is UTF-8 is that text. On Unix, each byte that is not becomes `\xHH`; a `\x` with two hex
/// digits that is really in the name has its backslash written as `\x5C`, so that no two paths have the same text.
/// (Elsewhere a name that is not Unicode is shown with replacement characters.)
#[must_use]
pub fn path_text(path: &Path) -> String {
    text::of_path(path)
}

/// A name as one line that a terminal shows as it is: control characters, and those that turn the direction of writing, as
/// their codes.
#[must_use]
pub fn one_line(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_odd(c) { line.extend(c.escape_debug()) } else { line.push(c) }
    }
    line
}

/// The path of a text that [`path_text`] gave.
#[must_use]
pub fn path_of_text(text: &str) -> PathBuf {
    text::to_path(text)
}

#[cfg(unix)]
mod text {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    pub fn of_path(path: &Path) -> String {
        let mut text = String::new();
        let bytes = path.as_os_str().as_bytes();
        for chunk in bytes.utf8_chunks() {
            let mut rest = chunk.valid();
            while let Some(at) = rest.find(r"\x") {
                let (before, escape) = rest.split_at(at);
                text.push_str(before);
                // What follows an invalid chunk cannot complete an escape: that chunk is written out itself.
                text.push_str(if escaped(escape.as_bytes()).is_some() { r"\x5C" } else { r"\" });
                rest = escape.split_at(1).1;
            }
            text.push_str(rest);
            for byte in chunk.invalid() {
                text.push_str(&format!(r"\x{byte:02X}"));
            }
        }
        text
    }

    pub fn to_path(text: &str) -> PathBuf {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some(&first) = rest.first() {
            let (byte, length) = escaped(rest).map_or((first, 1), |byte| (byte, 4));
            bytes.push(byte);
            rest = rest.split_at(length).1;
        }
        OsString::from_vec(bytes).into()
    }

    /// The byte of `\xHH` at the beginning; capital digits only, as they are written here.
    fn escaped(text: &[u8]) -> Option<u8> {
        let digits = text.strip_prefix(br"\x")?.get(..2)?;
        let is_digit = |digit: &u8| digit.is_ascii_digit() || (b'A'..=b'F').contains(digit);
        let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.as_bytes().iter().all(is_digit))?;
        u8::from_str_radix(digits, 16).ok()
    }
}

#[cfg(not(unix))]
mod text {
    use std::path::{Path, PathBuf};

    pub fn of_path(path: &Path) -> String {
        path.display().to_string()
    }

    pub fn to_path(text: &str) -> PathBuf {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_text_stays_as_it_is() {
        for name in
            ["", "photos/bad.png", "Prüfling Ж/日本.png", r"C:\x\1.png", r"a\xg0.png", r"a\xff.png", "\u{fffd}.png"]
        {
            assert_eq!(path_text(Path::new(name)), name);
            assert_eq!(path_of_text(name), Path::new(name));
        }
    }

    #[test]
    fn a_name_forges_no_line() {
        assert_eq!(one_line("it's \\ \"e\u{301}\" 日本"), "it's \\ \"e\u{301}\" 日本");
        assert_eq!(one_line("a\nb\t\u{1b}[31m\u{202e}"), r"a\nb\t\u{1b}[31m\u{202e}");
    }

    #[cfg(unix)]
    mod bytes {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        use proptest::prelude::*;

        use super::*;

        fn path(bytes: &[u8]) -> &Path {
            Path::new(OsStr::from_bytes(bytes))
        }

        #[test]
        fn names_that_are_no_text_are_told_apart_and_found_again() {
            let names: [&[u8]; 6] =
                [b"a\xff.png", b"a\xfe.png", br"a\xFF.png", br"a\x5CxFF.png", b"\xe6\x97.png", b"\\\xff"];
            let texts = names.map(|name| path_text(path(name)));
            let expected = [r"a\xFF.png", r"a\xFE.png", r"a\x5CxFF.png", r"a\x5Cx5CxFF.png", r"\xE6\x97.png", r"\\xFF"];
            assert_eq!(texts, expected);
            for (name, text) in names.iter().zip(&texts) {
                assert_eq!(path_of_text(text), path(name), "{text}");
            }
        }

        proptest! {
            /// Of an alphabet in which escapes, halves of them and cut characters are frequent.
            #[test]
            fn every_name_comes_back(bytes in prop::collection::vec(prop::sample::select(b"\\\\x5CFf0a/\xff\xe6\x97\xa5".to_vec()), 0..24)) {
                let back = path_of_text(&path_text(path(&bytes)));
                prop_assert_eq!(back.as_os_str(), path(&bytes).as_os_str());
            }
        }
    }
}
