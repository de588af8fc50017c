//! The command line as it was given, for what is written.

use std::path::Path;

use patchcore::path_text;

/// A word as one types it in a shell: in quotes where it has other characters than those of names and paths.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,%+@".contains(c);
    if word.chars().all(plain) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The program's name and its arguments, each as text that names the same file again.
pub fn command_line() -> Vec<String> {
    let given = std::env::args_os().skip(1).map(|argument| path_text(Path::new(&argument)));
    std::iter::once("patchcore".to_owned()).chain(given).collect()
}
