//! The help texts, word for word: what a user reads first changes on purpose only.

use crate::program::patchcore;

#[test]
fn help_texts_are_as_reviewed() {
    for command in [
        "",
        "fit",
        "score",
        "calibrate",
        "extend",
        "forget",
        "merge",
        "diff",
        "audit",
        "evaluate",
        "compare",
        "reproduce",
        "inspect",
        "inspect-data",
        "devices",
        "doctor",
        "device-check",
        "demo",
        "weights",
        "bench",
        "config",
        "completions",
        "man",
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
fn the_short_help_has_a_line_for_each_option() {
    let run = patchcore(["fit", "-h"]).done();
    let groups = ["Data:", "View:", "Model:", "Compute:", "Output:", "General:", "Examples:"];
    let found: Vec<&str> = run.stdout.lines().filter(|line| groups.contains(line)).collect();
    assert_eq!(found, groups);
    let full = patchcore(["fit", "--help"]).done().stdout;
    assert!(run.stdout.lines().count() * 2 < full.lines().count(), "{}", run.stdout);
}

#[test]
fn completions_know_the_values() {
    let script = patchcore(["completions", "bash"]).done().stdout;
    for values in [
        "line paper authors anomalib",
        "f32 f16 bf16",
        "portable simd128 neon neon_dot avx2 avx_vnni avx512 avx512_vnni amx",
        "auto always never",
    ] {
        assert!(script.contains(values), "{values}");
    }
}

#[test]
fn commands_of_other_tools_are_answered_with_ours() {
    for (word, line) in [
        ("train", "patchcore fit --data"),
        ("predict", "patchcore score --model"),
        ("test", "patchcore evaluate --model"),
    ] {
        let run =
            patchcore([word, "--data", "x"]).misused(&[&format!("there is no command {word}; did you mean `{line}")]);
        assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    }
    patchcore(["scor"]).misused(&["unrecognized subcommand 'scor'", "'score'"]);
}

#[test]
fn the_version_is_the_crates() {
    assert_eq!(patchcore(["--version"]).done().stdout, concat!("patchcore ", env!("CARGO_PKG_VERSION"), "\n"));
}
