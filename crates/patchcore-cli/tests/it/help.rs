//! The help texts, word for word: what a user reads first changes on purpose only.

use crate::program::patchcore;

#[test]
fn help_texts_are_as_reviewed() {
    for command in [
        "",
        "fit",
        "score",
        "evaluate",
        "compare",
        "reproduce",
        "inspect",
        "inspect-data",
        "devices",
        "doctor",
        "demo",
        "completions",
    ] {
        let run = patchcore([command, "--help"].into_iter().filter(|argument| !argument.is_empty())).done();
        assert_eq!(run.stderr, "");
        assert!(run.stdout.lines().all(|line| line.chars().count() <= 100), "wider than the terminal: {}", run.stdout);
        // One text on every system.
        let text = run.stdout.replace("patchcore.exe", "patchcore");
        let name = if command.is_empty() { "patchcore" } else { command };
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn the_version_is_the_crates() {
    assert_eq!(patchcore(["--version"]).done().stdout, concat!("patchcore ", env!("CARGO_PKG_VERSION"), "\n"));
}
