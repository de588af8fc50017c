//! The words of the command line, those of `--config` and `--from` among them: which of them is the command, and what is written of
//! them.

use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;

use patchcore::path_text;

/// The words that this run goes by.
static WORDS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Options of all commands whose value may be the next word.
pub const VALUED: [&str; 3] = ["--config", "--threads", "--color"];

/// Remembers the words that this run goes by.
pub fn keep(words: &[OsString]) {
    WORDS.get_or_init(|| words.to_owned());
}

/// The program's name and its arguments, each as text that names the same file again.
pub fn command_line() -> Vec<String> {
    let words = WORDS.get().map(Vec::as_slice).unwrap_or_default();
    let given = words.iter().skip(1).map(|argument| path_text(Path::new(argument)));
    std::iter::once("patchcore".to_owned()).chain(given).collect()
}

/// A word as a shell takes it.
pub fn shell_word(text: &str) -> String {
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || "_-./=:,%+@".contains(c));
    if plain(text) && !text.is_empty() { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// A path as a shell takes it.
pub fn shell_path(path: &Path) -> String {
    shell_word(&path_text(path))
}

/// Which word is the command: the first that is neither an option nor an option's value.
pub fn command_at(words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    loop {
        let word = words.get(at)?.to_string_lossy();
        if !word.starts_with('-') {
            return Some(at);
        }
        at += if VALUED.contains(&&*word) { 2 } else { 1 };
    }
}

/// The value of an option of all commands that has one, `--config FILE` or `--config=FILE`; the last one counts.
pub fn value_of(words: &[OsString], option: &str) -> Option<OsString> {
    let mut words = words.iter().skip(1).take_while(|word| *word != "--");
    let mut value = None;
    while let Some(word) = words.next() {
        if word == option {
            value = words.next().cloned();
        } else if let Some(behind) = word.to_str().and_then(|word| word.strip_prefix(option)?.strip_prefix('=')) {
            value = Some(behind.into());
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::arguments::Arguments;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_options_of_all_commands_that_have_a_value_are_known() {
        let program = Arguments::command();
        let options = program.get_arguments().filter(|option| option.get_action().takes_values());
        let names: Vec<String> = options.filter_map(|option| Some(format!("--{}", option.get_long()?))).collect();
        assert_eq!(names, VALUED);
    }

    #[test]
    fn a_command_is_found_behind_options_of_all_commands() {
        for (line, at) in [
            ("patchcore fit --data x", Some(1)),
            ("patchcore -v --config fit score x", Some(4)),
            ("patchcore --config=fit --threads 2 score", Some(4)),
            ("patchcore --help", None),
            ("patchcore", None),
        ] {
            assert_eq!(command_at(&words(line)), at, "{line}");
        }
    }

    #[test]
    fn a_value_is_found_wherever_it_stands() {
        let found = |line: &str| value_of(&words(line), "--config").and_then(|value| value.into_string().ok());
        assert_eq!(found("patchcore --config a.toml fit").as_deref(), Some("a.toml"));
        assert_eq!(found("patchcore fit --config=a.toml --data x").as_deref(), Some("a.toml"));
        assert_eq!(found("patchcore score --model m -- --config").as_deref(), None);
        assert_eq!(found("patchcore fit --configs x"), None);
    }
}
