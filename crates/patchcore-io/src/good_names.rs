//! Which names of folders and labels mean photos of good parts.

use std::ffi::OsStr;

/// What good parts are called in the layouts that are read: in lower case, without blanks around.
pub(crate) const GOOD: [&str; 3] = ["good", "ok", "normal"];

/// What may mean good parts and is not taken for it: letters and digits alone, in lower case.
const MAYBE_GOOD: [&str; 24] = [
    "0",
    "clean",
    "conforming",
    "correct",
    "defectfree",
    "fine",
    "goods",
    "gut",
    "healthy",
    "intact",
    "io",
    "negative",
    "noanomaly",
    "noanomalies",
    "nodefect",
    "nodefects",
    "nonanomalous",
    "nondefective",
    "nondefect",
    "okay",
    "pass",
    "passed",
    "perfect",
    "undamaged",
];

/// Words that turn the good one after or before them into its opposite.
const NOT: [&str; 6] = ["not", "no", "non", "n", "un", "ab"];

/// Whether a folder's or a label's name means photos of good parts.
pub(crate) fn is_good(name: &OsStr) -> bool {
    let name = name.to_string_lossy().trim().to_lowercase();
    GOOD.contains(&name.as_str())
}

/// Whether a name that does not mean good photos might be meant to: `good_2`, `defect-free`.
pub(crate) fn may_be_good(name: &OsStr) -> bool {
    let name = name.to_string_lossy().trim().to_lowercase();
    if GOOD.contains(&name.as_str()) {
        return false;
    }
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    MAYBE_GOOD.contains(&words.concat().as_str())
        || (words.iter().any(|word| GOOD.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit())))
            && !words.iter().any(|word| NOT.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_is_written_in_few_ways_and_what_comes_close_is_told() {
        for name in ["good", "Good", "GOOD", "OK", "ok", "normal", "Normal", "good ", " Ok\t", "NORMAL\u{a0}"] {
            assert!(is_good(name.as_ref()) && !may_be_good(name.as_ref()), "{name:?}");
        }
        for name in [
            "goods",
            "good_2",
            "good2",
            "defect_free",
            "Non-Defective",
            "0",
            "okay",
            "01_good",
            "ok (copy)",
            "no defect",
        ] {
            assert!(!is_good(name.as_ref()) && may_be_good(name.as_ref()), "{name:?}");
        }
        for name in [
            "", " ", "not_good", "no good", "abnormal", "ko", "NG", "NOK", "n.ok", "bad", "goodness", "book",
            "scratch", "00",
        ] {
            assert!(!is_good(name.as_ref()) && !may_be_good(name.as_ref()), "{name:?}");
        }
    }
}
