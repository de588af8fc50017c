//! The command line as it was given, for what is written.

use std::path::Path;

use patchcore::path_text;

/// The program's name and its arguments, each as text that names the same file again.
pub fn command_line() -> Vec<String> {
    let given = std::env::args_os().skip(1).map(|argument| path_text(Path::new(&argument)));
    std::iter::once("patchcore".to_owned()).chain(given).collect()
}
