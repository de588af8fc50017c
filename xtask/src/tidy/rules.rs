//! Each house rule as a predicate over one file.

/// Files of more lines say why in their first comment, with this word in it.
const LONG_FILE: usize = 500;
const LONG_FILE_WORD: &str = "long";
/// Larger files do not belong into git. What the program cannot do without is smaller: the default network has 0.5 MB, the
/// font of the labels 0.1 MB.
const LARGE_FILE: usize = 1_500 * 1024;
/// Names that say nothing.
const EMPTY_NAMES: [&str; 4] = ["utils", "common", "helpers", "misc"];

/// What one file violates; `file` is its path from the root, with forward slashes.
pub fn violations(file: &str, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut violation = |text: String| found.push(format!("{file}: {text}"));
    if bytes.len() > LARGE_FILE {
        violation(format!("{} KiB is too large for git", bytes.len() / 1024));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return found };
    if file != "Cargo.lock" {
        for (number, line) in text.lines().enumerate() {
            for forbidden in machine_paths().iter().chain(&registry_hosts()) {
                if line.contains(forbidden) {
                    violation(format!("line {} names `{forbidden}`", number + 1));
                }
            }
        }
    }
    let Some(path) = file.strip_suffix(".rs") else { return found };
    if path.split('/').any(|part| EMPTY_NAMES.contains(&part)) {
        violation("its name says nothing: name it after what it holds".to_owned());
    }
    if !text.starts_with("//!") {
        violation("does not open with `//!`: what it holds and where it stands in the flow".to_owned());
    }
    let lines = text.lines().count();
    let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
    if lines > LONG_FILE && !head.contains(LONG_FILE_WORD) {
        violation(format!("{lines} lines, and its first comment does not say why it is long"));
    }
    for word in left_over() {
        if text.contains(&word) {
            violation(format!("holds `{word}`"));
        }
    }
    found
}

// The forbidden words are put together here, so that this file does not hold them itself.

fn left_over() -> [String; 3] {
    [format!("to{}!(", "do"), format!("unimple{}!(", "mented"), format!("#[ig{}", "nore")]
}

fn machine_paths() -> [String; 3] {
    [format!("/wo{}/main", "rk"), format!("/wo{}/shared", "rk"), format!("/ro{}/", "ot")]
}

fn registry_hosts() -> [String; 4] {
    [
        format!("https://cra{}", "tes.io"),
        format!("py{}.org", "pi"),
        format!("registry.npm{}", "js"),
        format!("deb.deb{}", "ian"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_violation() {
        let good = "//! What it is.\nfn main() {}\n";
        assert!(violations("crates/a/src/main.rs", good.as_bytes()).is_empty());
        let long = format!("//! What it is.\n{}", "\n".repeat(600));
        let reasoned = format!("//! What it is. It is long because of its tables.\n{}", "\n".repeat(600));
        let left = format!("//! x\nfn f() {{ {} }}\n", left_over()[0]);
        let path = format!("see {}", machine_paths()[0]);
        for (file, text, expected) in [
            ("crates/a/src/utils.rs", good, 1),
            ("crates/a/src/common/a.rs", good, 1),
            ("a.rs", "fn main() {}\n", 1),
            ("a.rs", &long, 1),
            ("a.rs", &reasoned, 0),
            ("a.rs", &left, 1),
            ("README.md", &path, 1),
            ("README.md", good, 0),
        ] {
            assert_eq!(violations(file, text.as_bytes()).len(), expected, "{file} {text:.40}");
        }
        assert_eq!(violations("a.bin", &vec![0; 2_000_000]).len(), 1);
    }
}
